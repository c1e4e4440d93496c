"""Cards and linked data hold what the networks and search engines require."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_post import AUDIO, FAILED, GROWING, PHOTO, POST, SITE, VIDEO, WAITING

from pipeline import structured
from pipeline.model import Chapter


def test_a_video_has_what_google_requires() -> None:
    """Name, thumbnail and upload date with its zone; chapters as clips that can be opened."""
    data = structured.item_linked_data(SITE, POST, VIDEO)
    assert data is not None
    assert (data["@type"], data["name"]) == ("VideoObject", "La votación")
    assert data["thumbnailUrl"] == ["https://media.example.org/published/pleno/votacion/poster.jpg"]
    assert data["uploadDate"] == "2026-11-20T21:30:00+01:00"
    assert data["duration"] == "PT3M12S"
    assert [clip["url"].rpartition("?")[2] for clip in data["hasPart"]] == ["t=0", "t=30"]


def test_a_film_in_the_making_names_no_file_yet() -> None:
    """Its page plays, but there is nothing to point search engines and chats at."""
    data = structured.item_linked_data(SITE, POST, GROWING)
    assert data is not None
    assert "contentUrl" not in data
    assert data["embedUrl"].endswith("/votacion/embed.html")
    names = {one.name for one in structured.item_meta(SITE, POST, GROWING)}
    assert "twitter:player" in names
    assert "og:video" not in names


def test_sound_and_photos_are_described_too() -> None:
    """A photo names its maker, which search engines show as its licence badge."""
    sound = structured.item_linked_data(SITE, POST, AUDIO)
    image = structured.item_linked_data(SITE, POST, PHOTO)
    assert sound is not None
    assert image is not None
    assert sound["contentUrl"].endswith("/entrevista/audio.m4a")
    assert (image["creditText"], image["width"]) == ("M. Ruiz", 1920)


@pytest.mark.parametrize("item", [WAITING, FAILED], ids=["waiting", "failed"])
def test_nothing_is_promised_to_search_engines_before_it_exists(item: object) -> None:
    """No linked data and no player card for what does not play."""
    assert structured.item_linked_data(SITE, POST, item) is None
    names = {one.name for one in structured.item_meta(SITE, POST, item)}
    assert "og:image" in names
    assert not {"og:video", "twitter:player"} & names


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2026-11-20", "2026-11-20T00:00:00+00:00"),
        ("2026-11-20T21:30:00+01:00", "2026-11-20T21:30:00+01:00"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_upload_dates_have_a_zone_or_are_left_out(date: str, moment: str) -> None:
    """A date that cannot be read is better absent than wrong."""
    assert structured.moment(date) == moment


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "PT0S"), (192_000, "PT3M12S"), (3_600_000, "PT1H")]
)
def test_durations_follow_iso_8601(milliseconds: int, text: str) -> None:
    """Units that are zero are left out."""
    assert structured.duration(milliseconds) == text


def test_descriptions_end_at_a_word() -> None:
    """Long texts are cut between words; short ones are left as they are."""
    cut = structured.description("palabra " * 100)
    assert len(cut) <= 281
    assert cut.endswith("palabra…")
    assert structured.description("a\n\nb") == "a b"


def test_the_gallery_lists_its_photos() -> None:
    """Each image of the gallery is an ImageObject without a context of its own."""
    images = structured.gallery_linked_data(SITE, POST)["image"]
    assert [image["@type"] for image in images] == ["ImageObject", "ImageObject"]
    assert not [image for image in images if "@context" in image]


def test_key_moments_have_names_and_seconds_of_their_own() -> None:
    """Google drops a list with two moments at one second, or without a name."""
    chapters = tuple(
        Chapter(start_ms=start, end_ms=start + 300, title=title)
        for start, title in ((0, "Uno"), (300, "Uno y pico"), (9000, ""), (12_000, "Dos"))
    )
    data = structured.item_linked_data(SITE, POST, replace(VIDEO, chapters=chapters))
    assert data is not None
    clips = [(one["startOffset"], one["endOffset"], one["name"]) for one in data["hasPart"]]
    assert clips == [(0, 1, "Uno y pico"), (12, 13, "Dos")]
    alone = structured.item_linked_data(SITE, POST, replace(VIDEO, chapters=chapters[2:]))
    assert alone is not None
    assert "hasPart" not in alone


def test_a_post_says_when_it_was_published() -> None:
    """Only where its date is one."""
    for date, there in ((POST.date, True), ("ayer", False), ("", False)):
        names = {one.name for one in structured.post_meta(SITE, replace(POST, date=date), "x")}
        assert ("article:published_time" in names) is there


def test_what_is_seen_has_a_date_even_if_nobody_gave_one() -> None:
    """Google requires uploadDate: without the reporter's, it is the first appearance."""
    seen = "2026-11-26T01:02:03+00:00"
    for date in ("", "ayer"):
        post = replace(POST, date=date, first_seen=seen)
        for item in (VIDEO, AUDIO):
            data = structured.item_linked_data(SITE, post, item)
            assert data is not None
            assert data["uploadDate"] == seen
        image = structured.item_linked_data(SITE, post, PHOTO)
        assert image is not None
        assert image["datePublished"] == seen
    given = structured.item_linked_data(SITE, replace(POST, first_seen=seen), VIDEO)
    assert given is not None
    assert given["uploadDate"] == POST.date
