"""What is said, in the languages we speak."""

from __future__ import annotations

import string

import pytest

from pipeline import phrases
from pipeline.phrases import Phrases


@pytest.mark.parametrize("name", sorted(phrases._SAY))
def test_every_phrase_exists_in_every_language_with_the_same_blanks(name: str) -> None:
    """A phrase lacks no language, and no translation forgets or invents a value."""
    said = phrases._SAY[name]
    assert set(said) == set(phrases.LANGUAGES)
    blanks = [
        {field for _, field, _, _ in string.Formatter().parse(text)} for text in said.values()
    ]
    assert all(one == blanks[0] for one in blanks)
    assert all(text.strip() for text in said.values())


@pytest.mark.parametrize(
    ("language", "spoken"),
    [("es", "es"), ("es-MX", "es"), ("EN_gb", "en"), ("eu", "en"), ("", "en")],
)
def test_the_nearest_language_is_spoken(language: str, spoken: str) -> None:
    """Regions speak their language; languages we do not know are addressed in English."""
    assert phrases.spoken(language) == spoken


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0:00"), (499, "0:00"), (500, "0:01"), (192_000, "3:12"), (3_723_000, "1:02:03")],
)
def test_a_length_of_time_is_written_as_players_write_it(milliseconds: int, text: str) -> None:
    """Hours appear only when there are any."""
    assert phrases.clock(milliseconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_999, "10.0 kB"), (24_000_000, "24 MB"),
     (999_600, "1.0 MB"), (5_000_000_000_000, "5000 GB")],
)  # fmt: skip
def test_sizes_have_two_or_three_digits(count: int, text: str) -> None:
    """Sizes are decimal, and never print as 1000 of a unit."""
    assert phrases.size(count) == text


def test_dates_are_written_out_and_anything_else_is_left_alone() -> None:
    """A reader sees words; an unreadable date is shown as the reporter wrote it."""
    assert Phrases("es").date("2026-11-20T21:30:00+01:00") == "20 de noviembre de 2026"
    assert Phrases("en").date("2026-11-02") == "2 November 2026"
    assert Phrases("en").date("last summer") == "last summer"


def test_numbers_agree_with_their_noun() -> None:
    """One photo is not one photos."""
    assert [Phrases("en").count("photo", n) for n in (1, 2)] == ["1 photo", "2 photos"]


@pytest.mark.parametrize(
    ("language", "locale"), [("es", "es_ES"), ("es-MX", "es_MX"), ("en", "en_US"), ("xx", "xx")]
)
def test_cards_name_a_territory(language: str, locale: str) -> None:
    """Open Graph wants language and territory."""
    assert phrases.locale(language) == locale
