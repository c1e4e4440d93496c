"""Pages stand by themselves: no inline script, no foreign host, no broken link, in any state."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import goldens
import pytest
from markup import Parsed
from sample_post import (
    AUDIO,
    GROWING,
    HOSTILE,
    POST,
    SHORT,
    SITE,
    TALL,
    VIDEO,
    WITHDRAWN,
    made,
    poisoned,
)

from pipeline import pages, press
from pipeline.errors import ConfigError
from pipeline.model import Object, PostCard, PostManifest, Site, State


def html(objects: tuple[Object, ...]) -> dict[str, Parsed]:
    """The pages among the objects, by key."""
    return {one.key: Parsed(body(one)) for one in objects if one.key.endswith(".html")}


def body(one: Object) -> str:
    """The text of an object."""
    assert isinstance(one.body, bytes)
    return one.body.decode()


def text(objects: tuple[Object, ...], key: str) -> str:
    """The text of the one object with that key."""
    (found,) = (one for one in objects if one.key == key)
    return body(found)


@pytest.fixture(scope="module")
def rendered() -> tuple[Object, ...]:
    return pages.render(SITE, POST)


CARDS = (
    PostCard(post="old", title="Old", language="en", date="2026-01-01", state=State.PUBLISHED),
    PostCard(
        post="pleno",
        title="Pleno",
        language="es",
        date="2026-11-20",
        state=State.PROCESSING,
        poster="pleno/votacion/poster.jpg",
        counts={"photo": 1, "video": 2},
    ),
)


def everything() -> dict[str, Parsed]:
    """Every kind of page there is."""
    return {
        **html(pages.render(SITE, POST)),
        **html(pages.withdrawn(SITE, POST, WITHDRAWN)),
        **html(pages.index(SITE, CARDS)),
    }


def test_objects_come_in_the_order_of_writing(rendered: tuple[Object, ...]) -> None:
    """What is referred to is there before it is named; the reporter's sheet comes last."""
    keys = [one.key for one in rendered]
    ranks = ["_p/", "/style.css", "/item.json", "/oembed.json", "/embed.html"]
    first = [next(n for n, key in enumerate(keys) if rank in key) for rank in ranks]
    assert first == sorted(first)
    assert [key for key in keys if not key.endswith(".css")][-5:] == [
        *("pleno/post.json", "pleno/index.en.html", "pleno/index.html"),
        *("pleno/embeds/en.html", "pleno/embeds.html"),
    ]
    assert len(keys) == len(set(keys))
    assert keys.index("pleno/votacion/embed.html") < keys.index("pleno/votacion.html")


def test_headers_are_exact(rendered: tuple[Object, ...]) -> None:
    """A bucket sends no nosniff: every type must be right. Only hashed names last forever."""
    types = {
        ".html": "text/html; charset=utf-8",
        ".json": "application/json",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        ".vtt": "text/vtt; charset=utf-8",
    }
    for one in rendered:
        is_chapters = one.key.endswith("/chapters.json")
        wanted = (
            "application/json+chapters" if is_chapters else types[posixpath.splitext(one.key)[1]]
        )
        assert one.media_type == wanted, one.key
        hashed = one.key.startswith("_p/")
        assert ("immutable" in one.cache) is hashed, one.key
        assert one.cache


def test_rendering_is_repeatable(rendered: tuple[Object, ...]) -> None:
    """The same manifests give the same bytes, whoever renders them."""
    assert pages.render(SITE, POST) == rendered


def test_every_link_between_our_pages_leads_somewhere(rendered: tuple[Object, ...]) -> None:
    """Relative links name pages we wrote, files the manifest lists, or the two posters."""
    known = {one.key for one in rendered} | {"index.html"}
    known |= {made.key for item in POST.items for made in item.outputs}
    known |= {f"pleno/{item.item}/poster.jpg" for item in POST.items}
    for key, page in html(rendered).items():
        for link in _links(page):
            target = urlsplit(link)
            if target.scheme or not target.path:
                continue
            found = posixpath.normpath(posixpath.join(posixpath.dirname(key), unquote(target.path)))
            assert found in known, (key, link)


def _links(page: Parsed) -> list[str]:
    plain = ("src", "href", "poster", "data-nr-poll", "data-nr-post", "data-nr-photo")
    plain += ("data-nr-hls", "data-nr-av1", "data-nr-growing", "data-nr-storyboard")
    links = [
        value
        for _, attributes in page.elements
        for name in plain
        if (value := attributes.get(name))
    ]
    for _, attributes in page.elements:
        for name in ("srcset", "data-nr-jpeg", "data-nr-avif"):
            links += [part.split()[0] for part in (attributes.get(name) or "").split(",") if part]
    return links


def test_pages_load_nothing_from_other_hosts_and_run_nothing_inline() -> None:
    """The policy allows neither, and nothing in the pages needs either."""
    for key, page in everything().items():
        policy = page.meta("Content-Security-Policy")
        assert policy, key
        assert "unsafe" not in policy
        assert page.elements.index(("meta", {"charset": "utf-8"})) < 4
        for tag, attributes in page.elements:
            assert not [name for name in attributes if name == "style" or name.startswith("on")], (
                key
            )
            assert tag != "style", key
            if tag in {"img", "video", "audio", "source", "track", "iframe", "script"}:
                assert "//" not in (attributes.get("src") or ""), key
            if tag == "script":
                assert attributes.get("src") or attributes["type"] == "application/ld+json", key


@pytest.mark.parametrize("payload", HOSTILE)
def test_no_payload_changes_the_structure_of_a_page(payload: str) -> None:
    """Hostile texts add no element and no attribute anywhere; they are only ever read as text."""
    before = html(pages.render(SITE, poisoned("harmless words")))
    after = html(pages.render(SITE, poisoned(payload)))
    assert list(after) == list(before)
    for key, page in after.items():
        assert page.shape() == before[key].shape(), key
        for tag, attributes in page.elements:
            for name in ("href", "src"):
                assert not (attributes.get(name) or "").startswith("javascript:"), (key, tag)
        for block in page.scripts:
            json.loads(block)


def test_an_item_in_the_making_says_so_and_looks_again(rendered: tuple[Object, ...]) -> None:
    """A frame pasted at upload shows progress, asks by script, and reloads itself without."""
    frame = html(rendered)["pleno/tarde/embed.html"]
    (bar,) = frame.all("progress")
    (notice,) = [a for _, a in frame.elements if "data-nr-poll" in a]
    assert bar["value"] == "42"
    assert (notice["data-nr-poll"], notice["data-nr-state"]) == ("item.json", "processing")
    assert frame.meta("refresh") == "30"
    assert not frame.all("video")
    assert "<noscript><meta" in text(rendered, "pleno/tarde/embed.html")
    assert html(rendered)["pleno/votacion/embed.html"].meta("refresh") is None


def test_film_plays_without_script_and_fetches_nothing_before(rendered: tuple[Object, ...]) -> None:
    """Native controls, no preloading, the shape known, and tracks allowed by crossorigin."""
    frame = html(rendered)["pleno/votacion/embed.html"]
    (video,) = frame.all("video")
    assert video["preload"] == "none"
    assert {"controls", "playsinline"} <= set(video)
    assert (video["width"], video["height"], video["src"]) == ("1280", "720", "video.mp4")
    assert video["data-nr-hls"] == "hls/0a1b2c3d4e5f/index.m3u8"
    assert video["data-nr-av1"] == "hls/0a1b2c3d4e5f/av1.m3u8"
    assert json.loads(video["data-nr-av1-video"] or "")["height"] == 720
    assert video["crossorigin"] == "anonymous"
    tracks = [(one["kind"], one["srclang"], "default" in one) for one in frame.all("track")]
    assert tracks == [("captions", "es", True), ("subtitles", "en", False)]
    (tall,) = html(rendered)["pleno/puerta/embed.html"].all("video")
    assert "crossorigin" not in tall
    assert "data-nr-hls" not in tall


def test_a_film_in_the_making_plays_and_says_so() -> None:
    """Below the picture, politely, with how far it is; the script asks for more by itself."""
    objects = pages.render(SITE, replace(POST, items=(GROWING,)))
    for key in ("pleno/votacion/embed.html", "pleno/votacion.html", "pleno/index.html"):
        page = html(objects)[key]
        (note,) = [one for one in page.all("p") if one.get("role") == "status"]
        assert "hidden" not in note
        assert (note["data-nr-growing"] or "").endswith("item.json")
        assert "1:04 / 3:12" in "".join(page.words)
        assert (page.all("video")[0]["src"] or "").endswith("/index.m3u8")
        assert "video.mp4" not in text(objects, key)


def test_a_film_that_broke_off_says_how_much_there_is() -> None:
    """No promise of more when no more will come."""
    broken = replace(GROWING, state=State.FAILED)
    page = text(pages.render(SITE, replace(POST, items=(broken,))), "pleno/votacion.html")
    assert "Solo se han podido preparar los primeros 1:04" in page
    assert "data-nr-growing" not in page


def test_versions_are_offered_on_the_page_of_the_film() -> None:
    """Each with its length and size; the post, its sheet and the gallery list the film once."""
    objects = pages.render(SITE, replace(POST, items=(VIDEO, SHORT)))
    watch, frame = (
        html(objects)[f"pleno/{key}"] for key in ("votacion.html", "votacion/embed.html")
    )
    assert "Versión corta 1:10, 1.2 MB" in " ".join("".join(watch.words).split())
    links = {one["href"]: one.get("aria-current") for one in watch.all("a")}
    assert links["votacion.html"] == "page"
    assert links["votacion-short.html"] is None
    assert "../votacion-short/embed.html" in {one["href"] for one in frame.all("a")}
    for key in ("pleno/index.html", "pleno/embeds.html"):
        assert "votacion-short" not in text(objects, key)
    assert "pleno/votacion-short/embed.html" in html(objects)


def test_readers_choose_size_and_speed_where_there_is_a_choice() -> None:
    """A film of one file has a speed alone."""
    page = html(pages.render(SITE, replace(POST, items=(VIDEO, TALL))))
    values = [one["value"] for one in page["pleno/votacion.html"].all("option")]
    assert values[:3] == ["", "720", "360"]
    assert "nr-quality" not in str(page["pleno/puerta.html"].elements)


def test_readers_are_told_that_subtitles_are_missing(rendered: tuple[Object, ...]) -> None:
    """A film with speech and without subtitles says so on its page; one with them does not."""
    assert "Sin subtítulos todavía" in text(rendered, "pleno/puerta.html")
    assert "Sin subtítulos todavía" not in text(rendered, "pleno/votacion.html")


def test_the_reason_of_a_failure_is_for_the_reporter_alone(rendered: tuple[Object, ...]) -> None:
    """Readers see a quiet notice or nothing; the sheet says what happened and what to do."""
    reason = "Copy the file from the card again."
    assert reason in text(rendered, "pleno/embeds.html")
    for key in ("pleno/index.html", "pleno/roto.html", "pleno/roto/embed.html"):
        assert reason not in text(rendered, key)
    assert "no está disponible por ahora" in text(rendered, "pleno/roto/embed.html")


def test_the_sheet_holds_every_snippet_and_is_never_indexed(rendered: tuple[Object, ...]) -> None:
    """One copy button per snippet; search engines stay out; the post's page does not link here."""
    sheet = html(rendered)["pleno/embeds.html"]
    buttons = [one for one in sheet.all("button") if "data-nr-copy" in one]
    assert len(buttons) == len(sheet.all("textarea"))
    assert "noindex" in (sheet.meta("robots") or "")
    assert "embeds.html" not in text(rendered, "pleno/index.html")
    labels = {one["for"] for one in sheet.all("label") if "for" in one}
    assert {one["id"] for one in sheet.all("textarea")} == labels
    english = html(rendered)["pleno/embeds/en.html"]
    assert "noindex" in (english.meta("robots") or "")
    assert english.all("html")[0]["lang"] == "en"


@pytest.mark.parametrize(
    ("base", "flagged"),
    [("https://media.example.org", False), ("http://127.0.0.1:8333/published", True)],
)
def test_an_unreachable_address_is_flagged_on_the_sheet(base: str, flagged: bool) -> None:  # noqa: FBT001
    """A reporter does not paste what only this computer can open."""
    sheet = text(pages.render(Site(base_url=base), POST), "pleno/embeds.html")
    assert ("Solo funciona en este ordenador" in sheet) is flagged


def test_nothing_remains_of_a_withdrawn_item() -> None:
    """Embed, page, manifest and oEmbed answer politely, without a word of the old content."""
    objects = pages.withdrawn(SITE, POST, WITHDRAWN)
    keys = {one.key for one in objects}
    assert {
        "pleno/borrado/embed.html",
        "pleno/borrado.html",
        "pleno/borrado/item.json",
        "pleno/borrado/oembed.json",
    } <= keys
    for one in objects:
        if one.key.startswith("_p/"):
            continue
        for gone in ("Secreto", "Aprobado por un voto", "MVI 42", "Apertura", "video.mp4"):
            assert gone not in body(one), (one.key, gone)
    assert "ya no está disponible" in text(objects, "pleno/borrado/embed.html")
    assert json.loads(text(objects, "pleno/borrado/item.json"))["state"] == "withdrawn"


def test_a_withdrawn_item_inside_a_post_is_scrubbed_everywhere() -> None:
    """It is on no page for readers, and in the manifest only as a place."""
    objects = pages.render(SITE, replace(POST, items=(VIDEO, WITHDRAWN)))
    assert not [one.key for one in objects if "Secreto" in body(one)]
    assert "borrado" not in text(objects, "pleno/index.html")


def test_a_post_speaks_its_language() -> None:
    """English posts have English pages, whatever the site speaks."""
    objects = pages.render(SITE, replace(POST, language="en"))
    assert all(page.all("html")[0]["lang"] == "en" for page in html(objects).values())
    assert "This video is being prepared" in text(objects, "pleno/tarde/embed.html")


def test_the_gallery_exists_only_with_photos() -> None:
    """No photos, no gallery; with them a page, a frame and an oEmbed answer."""
    keys = {one.key for one in pages.render(SITE, replace(POST, items=(VIDEO,)))}
    assert "pleno/gallery.html" not in keys
    assert {
        "pleno/gallery.html",
        "pleno/gallery/embed.html",
        "pleno/gallery/oembed.json",
    } <= {one.key for one in pages.render(SITE, POST)}


def test_an_empty_post_is_a_page_too() -> None:
    """A post whose first file is still being looked at has its address already."""
    post = PostManifest(post="nuevo", title="Nuevo", language="es", state=State.WAITING, percent=0)
    keys = [one.key for one in pages.render(SITE, post)]
    assert [k for k in keys if k.endswith(".html")][-2:] == [
        *("nuevo/index.html", "nuevo/embeds.html"),
    ]


def test_the_front_page_lists_the_newest_post_first() -> None:
    """Titles, dates and posters, each in the language of its post."""
    page = html(pages.index(SITE, CARDS))["index.html"]
    links = [one["href"] for one in page.all("a")]
    assert links.index("pleno/index.html") < links.index("old/index.html")
    assert [one["src"] for one in page.all("img")] == ["pleno/votacion/poster.jpg"]


def test_discovery_is_absolute_and_early(rendered: tuple[Object, ...]) -> None:
    """WordPress reads the head only, and resolves no relative address."""
    for key, answer in (("votacion.html", "votacion"), ("gallery.html", "gallery")):
        page = text(rendered, f"pleno/{key}")
        url = f"https://media.example.org/published/pleno/{answer}/oembed.json"
        assert f'type="application/json+oembed" href="{url}"' in page
        assert page.index(url) < 4000
    watch = html(rendered)["pleno/votacion.html"]
    assert watch.meta("og:video") == "https://media.example.org/published/pleno/votacion/video.mp4"
    assert watch.meta("twitter:card") == "player"


def test_photos_are_links_without_script(rendered: tuple[Object, ...]) -> None:
    """Every photo of the gallery leads to its own page, and loads only when it is near."""
    page = html(rendered)["pleno/gallery.html"]
    links = [one["href"] for one in page.all("a") if "data-nr-photo" in one]
    assert links == ["manos.html", "alcaldesa.html"]
    photos = [one for one in page.all("img") if one.get("alt")]
    assert {one["loading"] for one in photos} == {"lazy"}


@pytest.mark.parametrize(
    "key",
    [
        "pleno/votacion/embed.html",
        "pleno/tarde/embed.html",
        "pleno/votacion.html",
        "pleno/gallery.html",
        "pleno/index.html",
    ],
)
def test_golden_pages(
    key: str, rendered: tuple[Object, ...], request: pytest.FixtureRequest
) -> None:
    """The markup of the main pages, to be read by people; hashes of assets are left out."""
    page = re.sub(r"_p/[0-9a-f]{12}", "_p/HASH", text(rendered, key))
    goldens.check(key.replace("/", "-"), page, rewrite=request.config.getoption("--golden"))


def test_assets_are_small(rendered: tuple[Object, ...]) -> None:
    """An embed costs a reader a few kilobytes before play."""
    sizes = {
        posixpath.basename(one.key): len(one.body) for one in rendered if one.key.startswith("_p/")
    }
    assert sizes["player.js"] + sizes["film.js"] + sizes["player.css"] < 30_000
    assert set(sizes) == {
        *("player.js", "film.js", "player.css", "gallery.js", "cards.js", "sheet.js", "site.css"),
        "loop.js",
        *("transcript.css", "hls.min.js", "hls.LICENSE.txt"),
    }


def test_only_what_never_changes_is_compressed(rendered: tuple[Object, ...]) -> None:
    """Scripts and styles with a hash in their names, the heaviest of what a page loads, are."""
    for one in rendered:
        assert one.encoding == ("gzip" if one.key.startswith("_p/") else "")


def test_hls_js_asks_for_nothing_more(rendered: tuple[Object, ...]) -> None:
    """It names no source map, which browsers' tools would ask our bucket for."""
    (player,) = (one for one in rendered if one.key.endswith("/hls.min.js"))
    assert "sourceMappingURL" not in body(player)


def test_what_was_not_fetched_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout without hls.js says what to run instead of publishing half a player."""
    monkeypatch.setattr(press, "FETCHED", "never.min.js")
    with pytest.raises(ConfigError, match=r"never\.min\.js.*make web"):
        press.assets.__wrapped__()


@pytest.mark.parametrize(
    ("base", "source"),
    [
        ("https://s3.eu-west-1.amazonaws.com/voz", "https://s3.eu-west-1.amazonaws.com/voz/"),
        ("https://media.example.org/p", "'self' https://media.example.org"),
    ],
)
def test_scripts_of_strangers_on_a_shared_host_are_not_ours(base: str, source: str) -> None:
    """Where every customer's bucket is one origin, the policy names our folder alone."""
    page = html(pages.render(Site(base_url=base), POST))["pleno/votacion/embed.html"]
    policy = page.meta("Content-Security-Policy") or ""
    assert f"script-src {source};" in policy
    assert f"connect-src {source};" in policy


def test_the_cover_of_a_recording_is_shown_on_its_page() -> None:
    """A sleeve that came with the sound stands above it; without one there is no picture."""
    key = f"{POST.post}/{AUDIO.item}/r/1/cover.jpg"
    cover = made("cover", key, "image/jpeg", width=500, height=400)
    covered = replace(AUDIO, outputs=(*AUDIO.outputs, cover))
    for item, count in ((AUDIO, 0), (covered, 1)):
        objects = pages.render(SITE, replace(POST, items=(item,)))
        page = text(objects, f"{POST.post}/{AUDIO.item}.html")
        assert page.count('<img class="nr-sleeve" src="') == count
