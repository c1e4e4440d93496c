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
