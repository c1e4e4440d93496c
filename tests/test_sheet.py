"""The reporter's sheet serves every blog, and warns before readers complain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_post import AUDIO, FAILED, PHOTO, PHOTO_TALL, POST, SHORT, SITE, TALL, VIDEO, WAITING

from pipeline import embed, sheet
from pipeline.bandwidth import Overhead
from pipeline.model import ItemManifest, PostManifest, Site

OVERHEAD = Overhead(frame=40_000, film=15_000, playing=550_000)


def entries(post: PostManifest, site: Site = SITE) -> tuple[sheet.Entry, ...]:
    """The entries in the post's own language."""
    return sheet.entries(site, post, OVERHEAD)


def entry(item: ItemManifest, site: Site = SITE) -> sheet.Entry:
    """The entry of one item of the post."""
    (found,) = (one for one in entries(POST, site) if one.id == item.item)
    return found


def test_every_blog_system_gets_exactly_one_snippet_of_each_entry() -> None:
    """Whatever blog is chosen, each thing that can be pasted shows one block, never two or none."""
    for one in entries(POST):
        served = [s for snippet in one.snippets if not snippet.aside for s in snippet.systems]
        wanted = [system.id for system in sheet.SYSTEMS] if one.snippets else []
        assert sorted(served) == sorted(wanted), one.id


def test_entries_are_the_post_the_gallery_and_every_item() -> None:
    """A gallery of one photo is that photo; it is not offered."""
    assert [one.id for one in entries(POST)][:3] == ["post", "gallery", "votacion"]
    assert [one.id for one in entries(replace(POST, items=(PHOTO,)))] == ["post", "manos"]


def test_a_failed_item_shows_the_reason_in_the_place_of_its_snippets() -> None:
    """The same line that the command prints; nothing broken can be copied."""
    failed = entry(FAILED)
    assert failed.snippets == ()
    assert failed.reason == embed.snippets(SITE, POST, FAILED)["iframe"]
    assert "Copy the file from the card again." in failed.reason
    assert entry(VIDEO).reason == ""


def test_a_version_has_an_entry_only_when_it_failed() -> None:
    """The film is pasted once; but what went wrong is told."""
    failed = replace(FAILED, item=SHORT.item, version_of=VIDEO.item)
    for version, there in ((SHORT, False), (failed, True)):
        found = entries(replace(POST, items=(VIDEO, version)))
        assert (SHORT.item in [one.id for one in found]) is there


def test_photos_are_offered_as_pictures_and_as_the_first_image() -> None:
    """No blog gains anything from a photo in a frame; the first image stands beside, folded."""
    blocks = {one.variant: one for one in entry(PHOTO).snippets}
    assert {"blogger", "ghost", "drupal", "plain"} <= set(blocks["native"].systems)
    assert blocks["iframe"].systems == ()
    assert (blocks["first"].aside, blocks["first"].systems) == (True, blocks["native"].systems)
    assert "first" not in {one.variant for one in entry(VIDEO).snippets}


def test_a_refused_player_gives_way_to_what_may_be_pasted() -> None:
    """Where media and blog share a host, each blog still gets a block that is no frame."""
    site = replace(SITE, blog=SITE.base_url)
    for one in entries(POST, site):
        variants = {snippet.variant for snippet in one.snippets}
        assert not variants & set(embed.FRAMED)
        served = [s for snippet in one.snippets if not snippet.aside for s in snippet.systems]
        assert len(served) == (len(sheet.SYSTEMS) if one.snippets else 0)
    (blogger,) = (s for s in entry(VIDEO, site).snippets if "blogger" in s.systems)
    assert blogger.variant == "native"


def test_warnings_name_the_remedy() -> None:
    """Missing alternative text, subtitles and transcripts, only where something is shown."""
    assert "post.toml" in sheet.warnings(POST, replace(PHOTO, alt=""))[0]
    assert ".srt" in sheet.warnings(POST, TALL)[0]
    assert "transcripción" in sheet.warnings(POST, AUDIO)[0]
    silent = replace(TALL, probe={"audio": []})
    for item in (PHOTO, VIDEO, WAITING, FAILED, silent):
        assert sheet.warnings(POST, item) == ()


def test_every_system_is_served_by_a_known_variant() -> None:
    """The list of systems and the list of variants cannot drift apart."""
    assert {system.variant for system in sheet.SYSTEMS} == set(embed.VARIANTS) - {"first"}


def test_a_sheet_for_each_language_that_has_titles() -> None:
    """The post's own comes first; snippets are in the language of their sheet."""
    made = list(sheet.sheets(SITE, POST, OVERHEAD))
    assert [(one.language, one.number) for one in made] == [("es", 1), ("en", 1)]
    texts = [{s.variant: s.text for s in one.entries[0].snippets} for one in made]
    assert "El pleno más largo" in texts[0]["iframe"]
    assert "The longest session" in texts[1]["iframe"]


@pytest.mark.parametrize(("count", "pages"), [(60, [63]), (61, [3, 60, 1]), (1000, None)])
def test_many_photos_fill_more_than_one_sheet(count: int, pages: list[int] | None) -> None:
    """Films and the gallery stay on the first one; every photo has its place on exactly one."""
    photos = tuple(replace(PHOTO_TALL, item=f"p{number}") for number in range(count))
    post = replace(POST, titles={}, items=(VIDEO, *photos))
    made = list(sheet.sheets(SITE, post, OVERHEAD))
    assert pages is None or [len(one.entries) for one in made] == pages
    assert [one.id for one in made[0].entries[:3]] == ["post", "gallery", "votacion"]
    seen = [one.id for part in made for one in part.entries]
    assert len(seen) == len(set(seen)) == count + 3
    assert all(len(one.entries) <= sheet.PHOTOS_PER_SHEET + 3 for one in made)


def test_only_languages_name_a_sheet() -> None:
    """Whatever a reporter takes for a language, no page leaves the post's folder."""
    titles = dict.fromkeys(["../../x", "en/../..", "en-2", "", "<b>", "pt-BR", "zh-Hant-TW"], "x")
    post = replace(POST, titles=titles, items=(replace(VIDEO, titles={"..": "y", "ca": "z"}),))
    assert sheet.languages(post) == ("es", "ca", "pt-BR", "zh-Hant-TW")
