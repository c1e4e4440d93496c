"""What the reporter says of a post in post.toml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import intake, post_toml
from pipeline.model import Entry, PostInfo

GOOD = """
title = { es = "La votación", en = "The vote" }
language = "es"
date = 2026-05-01
byline = "A. Pérez"
order = ["b.mp4"]
[items."talk.mp4"]
title = "The talk"
caption = "One vote."
poster = "1:02:03.5"
clip = "10:05-"
version = "Whole"
versions = { short = "10:05-12:40", "versión-corta" = "11:00-12:00" }
"""


def test_a_good_post_toml() -> None:
    """Everything it may say is read; the title is the one in the post's language."""
    read = post_toml.read(GOOD.encode())
    assert read.notes == ()
    assert (read.info.title, read.info.language) == ("La votación", "es")
    assert read.info.titles == {"es": "La votación", "en": "The vote"}
    assert (read.info.date, read.info.order) == ("2026-05-01", ("b.mp4",))
    item = intake.info_for("day 2/talk.mp4", read.info)
    assert (item.title, item.caption, item.poster) == ("The talk", "One vote.", "1:02:03.5")
    assert (item.clip, item.version) == ("10:05-", "Whole")
    assert item.versions == {"short": "10:05-12:40", "versión-corta": "11:00-12:00"}


def test_scans_are_said_of_the_post_or_of_one_picture() -> None:
    """What the post says holds for every picture that says nothing itself."""
    text = b'scan = true\n[items."a.tif"]\ndeskew = true\n[items."b.jpg"]\nscan = false\n'
    read = post_toml.read(text)
    assert read.notes == ()
    names = ("a.tif", "b.jpg", "c.jpg")
    entries = {n: Entry(key=f"p/{n}", bytes=1, identity=n, modified=0.0) for n in names}
    found = intake.sort_out(intake.Folder(name="p", files=entries), read.info, "en")
    assert [(bool(i.info.scan), bool(i.info.deskew)) for i in found.items] == [
        (True, True),
        (False, False),
        (True, False),
    ]


@pytest.mark.parametrize("place", ["", '[items."a.tif"]\n'])
@pytest.mark.parametrize("value", ['"true"', "1", '"yes"', "[]"])
def test_a_choice_that_is_none_is_told_how_to_write_it(place: str, value: str) -> None:
    """No guess is made of what somebody meant."""
    (note,) = post_toml.read(f"{place}deskew = {value}".encode()).notes
    assert "deskew: write true or false, without quotation marks" in note


def test_a_mark_at_the_start_does_no_harm() -> None:
    """Windows editors begin a file with a byte order mark."""
    assert post_toml.read(b"\xef\xbb\xbftitle = 'T'").info.title == "T"


def test_a_date_with_a_time_is_written_as_iso_8601() -> None:
    """The manifest's date is a date or a date-time with a T in it."""
    assert post_toml.read(b"date = 2026-05-01 10:00:00Z").info.date == "2026-05-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"title = ", "cannot be read"),
        (b"title = '\xff'", "cannot be read"),
        (b"a = " + b"[" * 20_000, "cannot be read"),
        (b"a = " + b"9" * 20_000, "cannot be read"),
        (b".".join([b"a"] * 50_000) + b" = 1", "cannot be read"),
        (b"[" + b" . ".join([b'"a"'] * 50_000) + b"]", "cannot be read"),
        (b"headline = 'x'", "headline"),
        (b"language = 'tlh'", "language"),
        (b"date = 2024", "date"),
        (b"date = {a = 1}", "date"),
        (b"[items.a]\nposter = 'soon'", "items.a.poster"),
        (b"[items.a]\nposter = '" + b"9" * 400 + b"'", "items.a.poster"),
        (b"[items.a]\nposter = 83", "items.a.poster"),
        (b"[items.a]\nclip = '5:00'", 'items.a.clip: a part is written "10:05-12:40"'),
        (b"[items.a]\nclip = '5:00-4:00'", "items.a.clip: a part has to end after it begins"),
        (b"[items.a.versions]\nshort = ''", "items.a.versions.short: the part"),
        (b"[items.a.versions]\nshort = '1-x'", "items.a.versions.short: a moment"),
        (b"[items.a.versions]\nes = '1-2'", "items.a.versions.es"),
        (b"[items.a.versions]\n'../b' = '1-2'", "items.a.versions.../b"),
    ],
)
def test_a_broken_post_toml_is_a_note(text: bytes, word: str) -> None:
    """Whatever is wrong is said with its place, and the post goes on with the defaults."""
    read = post_toml.read(text)
    assert read.info == PostInfo()
    (note,) = read.notes
    assert word in note
    assert len(note) < 1000


def test_a_thousand_mistakes_make_one_short_note() -> None:
    """The first few are named, the rest counted."""
    (note,) = post_toml.read("".join(f"k{n} = 1\n" for n in range(1000)).encode()).notes
    assert "and 995 more" in note
    assert len(note) < 1000


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    """Any bytes give a reading: information, or a note."""
    read = post_toml.read(data)
    assert read.notes or isinstance(read.info, PostInfo)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('tittle = "x"', "tittle: did you mean title?"),
        ("[titles]\nen = 'x'", "titles: did you mean title?"),
        ("[elsewhere]", "elsewhere: not known here; known are title, language, date"),
        (
            '[items."a.jpg"]\nalt_text = "x"',
            "items.a.jpg.alt_text: not known here; known are title",
        ),
        ('[items."a.jpg"]\nclipp = "1-2"', "items.a.jpg.clipp: did you mean clip?"),
        ("byline = 3", "byline: write a text in quotation marks"),
        ('order = "a.jpg"', 'order: write a list in brackets, like ["one.mp4", "two.jpg"]'),
        ('items = ["a.jpg"]', "items: write a table of its own"),
    ],
)
def test_a_slip_is_told_in_a_reporters_words(text: str, said: str) -> None:
    """What was meant, or what may stand there; never a parser's own jargon."""
    (note,) = post_toml.read(text.encode()).notes
    assert said in note
    assert "input" not in note.lower()
