"""What is pasted works everywhere, and keeps working."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import goldens
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup import Parsed
from sample_post import (
    AUDIO,
    FAILED,
    HOSTILE,
    PHOTO,
    PHOTO_TALL,
    POST,
    SITE,
    TALL,
    VIDEO,
    WAITING,
    WITHDRAWN,
    poisoned,
)

from pipeline import display, embed, embed_markup, escape, oembed
from pipeline.errors import BadInput
from pipeline.model import ItemManifest, Kind, Site, State
from pipeline.phrases import Phrases
from pipeline.subject import Look

PASTED = [VIDEO, TALL, AUDIO, PHOTO, PHOTO_TALL, WAITING]
ids = pytest.mark.parametrize("item", PASTED, ids=lambda item: item.item)


@ids
def test_every_variant_is_one_line_without_script_or_style(item: ItemManifest) -> None:
    """A Markdown page ends an HTML block at an empty line; sanitizers print scripts as text."""
    snippets = embed.snippets(SITE, POST, item)
    left_out = set(embed.VARIANTS) - set(snippets)
    assert left_out == (set() if item.kind is Kind.PHOTO else {"first"})
    for text in snippets.values():
        assert len(text.splitlines()) == 1
        assert not re.search(r"<(script|style|source src|link)\b", text)


@ids
def test_html_variants_end_with_a_visible_link_to_the_items_page(item: ItemManifest) -> None:
    """When an editor removes everything else, one working link remains."""
    snippets = embed.snippets(SITE, POST, item)
    for variant in ("iframe", "native", "poster"):
        parsed = Parsed(snippets[variant])
        links = [a["href"] for tag, a in parsed.elements if tag == "a"]
        assert links[-1] == snippets["url"]
        assert re.search(r">[^<>]+</a>(</figcaption></figure>|</p>)$", snippets[variant])


@ids
def test_snippets_point_only_at_lasting_names(item: ItemManifest) -> None:
    """Nothing that was pasted names a fingerprint that a new version replaces."""
    for text in embed.snippets(SITE, POST, item).values():
        assert "/r/" not in text


@ids
def test_what_is_pasted_early_is_what_is_pasted_late(item: ItemManifest) -> None:
    """The frame pasted while the item is prepared is the one offered when it is done."""
    early = replace(item, state=State.PROCESSING, percent=3, outputs=())
    frames = [
        embed.snippets(SITE, POST, one)["iframe"].split("<figcaption>")[0] for one in (early, item)
    ]
    assert frames[0] == frames[1]
    assert embed.snippets(SITE, POST, early)["url"] == embed.snippets(SITE, POST, item)["url"]


@pytest.mark.parametrize(
    ("item", "height", "style"),
    [
        (VIDEO, "360", "display:block;width:100%;height:auto;aspect-ratio:16/9;border:0"),
        (
            TALL,
            "640",
            "display:block;width:100%;max-width:360px;height:auto;aspect-ratio:9/16;border:0",
        ),
        (AUDIO, "180", "display:block;width:100%;height:180px;border:0"),
        (PHOTO, "427", "display:block;width:100%;height:auto;aspect-ratio:3/2;border:0"),
    ],
)
def test_frames_have_the_true_shape(item: ItemManifest, height: str, style: str) -> None:
    """Portrait film is not letterboxed, and an editor that drops the style leaves a height."""
    (frame,) = (
        attributes
        for tag, attributes in Parsed(embed.snippets(SITE, POST, item)["iframe"]).elements
        if tag == "iframe"
    )
    assert (frame["width"], frame["height"], frame["style"]) == ("100%", height, style)
    assert frame["title"]
    assert "allow-top-navigation" not in (frame["sandbox"] or "")


def test_plain_html_names_the_file_on_the_element_itself() -> None:
    """WordPress removes source elements, but keeps src on video and audio."""
    video = Parsed(embed.snippets(SITE, POST, VIDEO)["native"])
    audio = Parsed(embed.snippets(SITE, POST, AUDIO)["native"])
    base = "https://media.example.org/published/pleno"
    assert dict(video.elements)["video"]["src"] == f"{base}/votacion/video.mp4"
    assert dict(audio.elements)["audio"]["src"] == f"{base}/entrevista/audio.m4a"
    assert dict(video.elements)["video"]["preload"] == "none"


def test_a_photo_falls_back_to_a_jpeg_of_middle_width() -> None:
    """The img alone survives strict editors; what it names must suit an article."""
    image = dict(Parsed(embed.snippets(SITE, POST, PHOTO)["native"]).elements)["img"]
    assert (image["src"] or "").endswith("/pleno/manos/poster.jpg")
    assert (image["width"], image["height"]) == ("1280", "853")
    assert image["alt"] == "Doce manos alzadas"


@pytest.mark.parametrize(
    ("item", "size"),
    [(VIDEO, ("640", "360")), (TALL, ("360", "640")), (PHOTO_TALL, ("427", "640"))],
)
def test_posters_fit_an_article_in_their_own_shape(
    item: ItemManifest, size: tuple[str, str]
) -> None:
    """A portrait poster is not as wide as a landscape one, or it would fill two screens."""
    (image,) = Parsed(embed.snippets(SITE, POST, item)["poster"]).all("img")
    assert (image["width"], image["height"]) == size


def test_titles_follow_the_language_of_the_post() -> None:
    """A title in the post's language is preferred to the item's own."""
    item = replace(VIDEO, titles={"en": "The vote"})
    assert "The vote" in embed.snippets(SITE, replace(POST, language="en"), item)["iframe"]
    assert (
        "Watch with subtitles" in embed.snippets(SITE, replace(POST, language="en"), item)["iframe"]
    )


@pytest.mark.parametrize(
    ("item", "told"),
    [(FAILED, "“MVI 42.MOV”: Copy the file from the card again."), (WITHDRAWN, "was withdrawn")],
    ids=["failed", "withdrawn"],
)
def test_an_item_that_cannot_be_shown_gives_a_reason_of_the_same_shape(
    item: ItemManifest, told: str
) -> None:
    """Whichever variant is asked for, one line says why; pasted by mistake, no reader sees it."""
    texts = embed.snippets(SITE, POST, item)
    assert set(texts) == set(embed.VARIANTS) - {"first"}
    for text in texts.values():
        assert embed.is_reason(text)
        assert told in text
        assert Parsed(text).elements == []
        assert "".join(Parsed(text).words) == ""
    assert not embed.is_reason(embed.snippets(SITE, POST, VIDEO)["iframe"])


@given(st.text() | st.sampled_from(HOSTILE))
def test_a_reason_is_one_comment_whatever_it_says(message: str) -> None:
    """A file's name in it ends no comment, and gives Hugo, Jekyll and WordPress nothing to do."""
    text = embed_markup.reason(message)
    assert text.startswith("<!-- ")
    assert text.endswith(" -->")
    assert len(text.splitlines()) == 1
    assert "--" not in text[4:-3]
    assert not re.search(r"\{\{|\{%|\[", text)
    assert Parsed(text).elements == []


def test_an_item_that_failed_halfway_but_plays_can_still_be_pasted() -> None:
    """A missing last rung does not take away a film that works."""
    half = replace(VIDEO, state=State.FAILED, error=FAILED.error)
    assert embed.snippets(SITE, POST, half) == embed.snippets(SITE, POST, VIDEO)


def test_an_unknown_variant_lists_the_known_ones() -> None:
    """A typing mistake is answered with the choices."""
    with pytest.raises(
        BadInput, match="iframe, url, native, first, poster, markdown, hugo, jekyll"
    ):
        embed.snippet(SITE, POST, VIDEO, "ifarme")
    with pytest.raises(BadInput, match="“votacion” has no snippet called “first”"):
        embed.snippet(SITE, POST, VIDEO, "first")
    assert embed.snippet(SITE, POST, VIDEO, "url").endswith("/pleno/votacion.html")


def test_a_post_without_photos_has_no_gallery() -> None:
    """Asking for one says why there is none."""
    with pytest.raises(BadInput, match="no photos"):
        embed.gallery_snippets(SITE, replace(POST, items=(VIDEO,)))


@pytest.mark.parametrize("payload", HOSTILE)
def test_no_payload_changes_the_structure_of_a_snippet(payload: str) -> None:
    """Hostile titles, captions, credits and colours add no element and no attribute."""
    bad = poisoned(payload)
    for harmless, hostile in zip(POST.items[:6], bad.items[:6], strict=True):
        good, evil = (embed.snippets(SITE, p, i) for p, i in ((POST, harmless), (bad, hostile)))
        for variant in {"iframe", "native", "first", "poster"} & set(good):
            before, after = Parsed(good[variant]), Parsed(evil[variant])
            assert after.shape() == before.shape(), variant
        for text in evil.values():
            assert len(text.splitlines()) == 1


@given(st.text())
def test_any_title_survives_the_way_through_an_attribute(title: str) -> None:
    """What a screen reader says of the frame is the title, character by character."""
    item = replace(VIDEO, title=title)
    text = embed.snippets(SITE, POST, item)["iframe"]
    frame = dict(Parsed(text).elements)["iframe"]
    assert frame["title"] == escape.one_line(f"Vídeo: {title or VIDEO.item} (3:12)")
    assert len(text.splitlines()) == 1


@given(st.text())
def test_a_hugo_shortcode_has_exactly_its_arguments(title: str) -> None:
    """Hugo and Jekyll read the same eight quoted arguments whatever the title is."""
    made = embed.snippets(SITE, POST, replace(VIDEO, title=title))
    for text, around in (
        (made["hugo"], r"\{\{< nr(%s) >\}\}"),
        (made["jekyll"], r"\{%% include nr.html(%s) %%\}"),
    ):
        match = re.fullmatch(around % r'(?: [a-z]+="[^"`\\{}<>]*")+', text)
        assert match
        names = re.findall(r'([a-z]+)="', match[1])
        assert names == ["page", "frame", "title", "label", "width", "height", "style", "link"]


@pytest.mark.parametrize(
    ("item", "kind"), [(VIDEO, "video"), (AUDIO, "video"), (PHOTO, "photo"), (WAITING, "video")]
)
def test_oembed_says_what_consumers_need(item: ItemManifest, kind: str) -> None:
    """Numbers are numbers, and Ghost finds type, version, html and width."""
    answer = oembed.item(SITE, POST, item)
    assert (answer["version"], answer["type"]) == ("1.0", kind)
    assert type(answer["width"]) is type(answer["height"]) is int
    assert json.loads(json.dumps(answer)) == answer
    if kind == "video":
        frame = dict(Parsed(answer["html"]).elements)["iframe"]
        assert (frame["width"], frame["height"]) == (str(answer["width"]), str(answer["height"]))
        assert answer["thumbnail_url"].endswith("/poster.jpg")
        assert "<blockquote" not in answer["html"]


@pytest.mark.parametrize("item", [FAILED, WITHDRAWN], ids=["failed", "withdrawn"])
def test_oembed_of_what_is_gone_is_a_plain_link(item: ItemManifest) -> None:
    """Old articles get an honest line, not an error and not the old title."""
    answer = oembed.item(SITE, POST, display.scrubbed(item, Phrases("es")))
    assert answer["type"] == "link"
    assert "Secreto" not in json.dumps(answer)


def test_the_shortcode_file_undoes_our_escaping_and_names_the_site() -> None:
    """What `escape.hugo` writes is read back before Go's templates escape it for HTML."""
    name, text = embed_markup.hugo_file(SITE)
    assert name == "layouts/shortcodes/nr.html"
    assert text.count("| htmlUnescape") == 4
    assert "https&#58;" not in text
    assert embed_markup.jekyll_file(SITE)[0] == "_includes/nr.html"
    assert "media.example.org/published" in text
    assert text.count("{{") == text.count("}}")


def test_golden_snippets(request: pytest.FixtureRequest) -> None:
    """Every variant of every kind, to be read by people."""
    parts = [
        f"## {item.item} {variant}\n{text}\n"
        for item in PASTED
        for variant, text in embed.snippets(SITE, POST, item).items()
    ]
    for name, texts in (
        ("gallery", embed.gallery_snippets(SITE, POST)),
        ("post", embed.post_snippets(SITE, POST)),
    ):
        parts += [f"## {name} {variant}\n{text}\n" for variant, text in texts.items()]
    parts += [
        f"## {item.item} oembed\n{json.dumps(oembed.item(SITE, POST, item), ensure_ascii=False)}\n"
        for item in (VIDEO, AUDIO, PHOTO, FAILED)
    ]
    goldens.check("snippets.txt", "\n".join(parts), rewrite=request.config.getoption("--golden"))


def test_the_gallery_counts_its_photos_and_shows_three() -> None:
    """Feeds and mail show the first photos and the way to the rest."""
    native = Parsed(embed.gallery_snippets(SITE, POST)["native"])
    images = [attributes for tag, attributes in native.elements if tag == "img"]
    assert len(images) == len([one for one in POST.items if one.kind is Kind.PHOTO])
    assert "2 fotos" in " ".join(native.words)


@ids
def test_a_width_is_exact_and_a_greatest_width_shrinks(item: ItemManifest) -> None:
    """Both keep the shape, and neither is wider than the screen."""
    exact = embed.snippets(SITE, POST, item, Look(width=480))
    most = embed.snippets(SITE, POST, item, Look(max_width=300))
    (frame,) = Parsed(exact["iframe"]).all("iframe")
    assert frame["width"] == "480"
    assert "width:480px;max-width:100%;" in (frame["style"] or "")
    (limited,) = Parsed(most["iframe"]).all("iframe")
    assert limited["width"] == "100%"
    assert "width:100%;max-width:300px;" in (limited["style"] or "")
    if item.kind is not Kind.AUDIO:
        across, down = display.ratio(item)
        assert abs(int(frame["height"] or 0) - 480 * down / across) <= 0.5
        assert abs(int(limited["height"] or 0) - 300 * down / across) <= 0.5
    for variant in ("native", "poster"):
        assert "width:480px;max-width:100%" in exact[variant]
        assert "width:100%;max-width:300px" in most[variant]
    assert exact["url"] == most["url"]


def test_a_greatest_width_never_enlarges_a_portrait_film() -> None:
    """A film that is upright stays no taller than a phone's screen."""
    assert "max-width:360px" in embed.snippets(SITE, POST, TALL, Look(max_width=900))["iframe"]


@pytest.mark.parametrize("look", [Look(width=0), Look(max_width=9000), Look(width=5, max_width=5)])
def test_impossible_widths_are_refused(look: Look) -> None:
    """A typing mistake is told, not made into a snippet."""
    with pytest.raises(BadInput, match="pixels"):
        embed.check_look(look)
    with pytest.raises(BadInput, match="not both"):
        embed.check_look(Look(width=300, max_width=300))


def test_a_language_is_that_of_titles_and_words() -> None:
    """The same items in an article of another language; the addresses stay."""
    item = replace(VIDEO, titles={"en": "The vote"})
    post = replace(POST, items=(item, PHOTO, PHOTO_TALL))
    english = embed.snippets(SITE, post, item, Look(language="en"))
    assert "The vote. <a" in english["native"]
    assert "Watch with subtitles" in english["native"]
    assert english["url"] == embed.snippets(SITE, post, item)["url"]
    assert (
        "The longest session (2 photos)"
        in embed.gallery_snippets(SITE, post, Look(language="en"))["iframe"]
    )
    assert "The longest session" in embed.post_snippets(SITE, post, Look(language="en"))["poster"]


def test_the_first_image_of_an_article_is_not_put_off() -> None:
    """Browsers fetch it at once; every other photo waits until it is near."""
    made = embed.snippets(SITE, POST, PHOTO)
    (first,), (later,) = (Parsed(made[name]).all("img") for name in ("first", "native"))
    assert ("loading" in first, first.get("fetchpriority")) == (False, "high")
    assert (later["loading"], "fetchpriority" in later) == ("lazy", False)
    assert {k: v for k, v in first.items() if k != "fetchpriority"} == {
        k: v for k, v in later.items() if k != "loading"
    }


def test_the_whole_post_is_its_parts_in_order_with_the_photos_together() -> None:
    """One block for each film and recording, one for all photos, none for what failed."""
    made = embed.post_snippets(SITE, POST)
    native = Parsed(made["native"])
    assert [tag for tag, _ in native.elements if tag in {"video", "audio", "img"}] == [
        "video", "video", "audio", "img", "img", "video",
    ]  # fmt: skip
    assert made["native"].count("/gallery.html") == 3
    assert "roto" not in made["native"]
    assert "/pleno/post/embed.html" in made["iframe"]
    assert made["url"].endswith("/pleno/index.html")


def test_a_post_with_nothing_to_show_gives_a_reason() -> None:
    """It is told, and nothing broken can be copied."""
    made = embed.post_snippets(SITE, replace(POST, items=(FAILED,)))
    assert all(embed.is_reason(text) for text in made.values())


@pytest.mark.parametrize(
    ("base", "blog", "told"),
    [
        ("https://example.org/media", "https://example.org/blog", "ambos están en example.org"),
        ("https://Example.org.", "example.org", "ambos están en example.org"),
        ("https://example.org:8443", "https://example.org", "ambos están en example.org"),
        ("https://media.example.org", "https://example.org", ""),
        ("https://media.example.org", "", ""),
        ("https://s3.eu-west-1.amazonaws.com/voz", "", "en s3.eu-west-1.amazonaws.com los"),
        ("https://storage.googleapis.com/voz", "", "en storage.googleapis.com los"),
        ("https://nyc3.digitaloceanspaces.com/voz", "", "en nyc3.digitaloceanspaces.com los"),
        ("https://voz.s3.eu-west-1.amazonaws.com", "", ""),
        ("https://voz.nyc3.digitaloceanspaces.com", "", ""),
        ("https://media.example.org/published", "", ""),
    ],
)
def test_the_player_is_refused_where_its_origin_is_not_its_own(
    base: str, blog: str, told: str
) -> None:
    """On the blog's host or a host of strangers, frames give way to the reason and the remedy."""
    site = Site(base_url=base, language="es", blog=blog)
    made = embed.snippets(site, POST, VIDEO)
    for variant in embed.FRAMED:
        assert embed.is_reason(made[variant]) is bool(told)
        assert told in made[variant]
    if told:
        assert "base_url" in made["iframe"]
    for variant in ("url", "native", "poster", "markdown"):
        assert not embed.is_reason(made[variant])
    assert (
        'sandbox="allow-scripts allow-popups' in oembed.item(site, POST, VIDEO)["html"]
    ) is bool(told)


def test_a_posts_own_blog_counts_before_the_sites() -> None:
    """A post for another blog is judged by that one."""
    site = Site(base_url="https://media.example.org", blog="https://media.example.org")
    assert embed.is_reason(embed.snippets(site, POST, VIDEO)["iframe"])
    other = replace(POST, blog="https://blog.example.net")
    assert not embed.is_reason(embed.snippets(site, other, VIDEO)["iframe"])


@pytest.mark.parametrize(
    "title", ["[gallery ids=1]", "{{ site.title }}", "{% raw %}", "{{< figure src=x >}}"]
)
def test_no_title_is_a_shortcode_to_a_blog_system(title: str) -> None:
    """What WordPress, Hugo or Jekyll act upon reaches them as harmless references."""
    made = embed.snippets(SITE, POST, replace(VIDEO, title=title))
    for variant in ("iframe", "native", "poster"):
        assert not re.search(r"[][{}]", made[variant])
        assert title in "".join(Parsed(made[variant]).words)
    for variant in ("hugo", "jekyll"):
        assert title not in made[variant]
