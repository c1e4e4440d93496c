"""The reporter's sheet serves every blog, and warns before readers complain."""

from __future__ import annotations

from dataclasses import replace

from sample_post import FAILED, PHOTO, POST, SHORT, SITE, TALL, VIDEO, WAITING

from pipeline import embed, sheet


def test_every_blog_system_gets_exactly_one_snippet_of_each_entry() -> None:
    """Whatever blog is chosen, each thing that can be pasted shows one block, never two or none."""
    for entry in sheet.entries(SITE, POST):
        served = [system for snippet in entry.snippets for system in snippet.systems]
        wanted = [system.id for system in sheet.SYSTEMS] if entry.snippets else []
        assert sorted(served) == sorted(wanted), entry.id


def test_entries_are_the_post_the_gallery_and_every_item() -> None:
    """A gallery of one photo is that photo; it is not offered."""
    assert [entry.id for entry in sheet.entries(SITE, POST)][:3] == ["post", "gallery", "votacion"]
    alone = sheet.entries(SITE, replace(POST, items=(PHOTO,)))
    assert [entry.id for entry in alone] == ["post", "manos"]


def test_a_failed_item_has_nothing_to_copy() -> None:
    """Its entry stays, with the reason beside it."""
    (entry,) = (one for one in sheet.entries(SITE, POST) if one.id == FAILED.item)
    assert entry.snippets == ()
    assert entry.item is not None
    assert entry.item.error == FAILED.error


def test_a_version_has_an_entry_only_when_it_failed() -> None:
    """The film is pasted once; but what went wrong is told."""
    failed = replace(FAILED, item=SHORT.item, version_of=VIDEO.item)
    for version, there in ((SHORT, False), (failed, True)):
        entries = sheet.entries(SITE, replace(POST, items=(VIDEO, version)))
        assert (SHORT.item in [entry.id for entry in entries]) is there


def test_warnings_name_the_remedy() -> None:
    """Missing alternative text and missing subtitles, only where something is shown already."""
    assert "post.toml" in sheet.warnings(POST, replace(PHOTO, alt=""))[0]
    assert ".srt" in sheet.warnings(POST, TALL)[0]
    silent = replace(TALL, probe={"audio": []})
    for item in (PHOTO, VIDEO, WAITING, FAILED, silent):
        assert sheet.warnings(POST, item) == ()


def test_every_system_is_served_by_a_known_variant() -> None:
    """The list of systems and the list of variants cannot drift apart."""
    assert {system.variant for system in sheet.SYSTEMS} == set(embed.VARIANTS)
