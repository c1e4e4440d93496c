"""Words with times become cues that a person can read in time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import captions_layout, captions_lint
from pipeline.captions_layout import Word

SPEECH = (
    "El pleno empieza esta tarde a las siete en la casa de la cultura porque el ayuntamiento está "
    "en obras. Los vecinos piden más autobuses, y un parque para los niños del barrio. "
    "¿Quién vota en contra?"
)


def said(text: str, word_ms: int = 360, gap_ms: int = 40) -> list[Word]:
    """Words at an even pace."""
    step = word_ms + gap_ms
    return [
        Word(start_ms=n * step, end_ms=n * step + word_ms, text=word)
        for n, word in enumerate(text.split())
    ]


def test_speech_is_broken_where_a_reader_breathes() -> None:
    """Two lines of 42 at most; sentences apart; commas and links before the break, never lost."""
    cues = captions_layout.cues(said(SPEECH), "es")
    lines = [line for cue in cues for line in cue.text.split("\n")]
    assert " ".join(lines) == SPEECH
    assert max(map(len, lines)) <= 42
    assert all(cue.text.count("\n") <= 1 for cue in cues)
    assert not [cue for cue in cues if ". " in cue.text.replace("\n", " ")]
    torn = {"el", "la", "de", "los", "un", "en", "y", "para", "a"}
    assert not [line for line in lines if line.split()[-1].lower() in torn]


def test_what_is_made_passes_the_linter() -> None:
    """At an ordinary pace nothing is too long, too brief, too fast or flickers."""
    assert captions_lint.lint(captions_layout.cues(said(SPEECH), "es"), "es") == ()


def test_silence_ends_a_cue() -> None:
    """What is said after a pause is shown when it is said."""
    words = [
        Word(start_ms=0, end_ms=400, text="Espera"),
        Word(start_ms=3000, end_ms=3300, text="sí"),
    ]
    first, second = captions_layout.cues(words, "es")
    assert (first.text, second.start_ms) == ("Espera", 3000)
    assert first.end_ms < 3000


def test_a_short_word_stays_long_enough_but_not_into_the_next() -> None:
    """Five sixths of a second where there is room."""
    words = [Word(start_ms=0, end_ms=200, text="Sí."), Word(start_ms=500, end_ms=700, text="No.")]
    first, second = captions_layout.cues(words, "es")
    assert (first.end_ms, second.end_ms) == (420, 500 + 833)


ANY_WORD = st.text("abc.,¿?", min_size=1, max_size=60)


@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.integers(0, 1500), ANY_WORD), min_size=1, max_size=60
    )
)
def test_whatever_is_heard_no_word_is_lost_and_no_cue_overlaps(
    heard: list[tuple[int, int, str]],
) -> None:
    """For any pace, pauses and word lengths, cues are in order and hold all words."""
    words, at = [], 0
    for length, gap, text in heard:
        words.append(Word(start_ms=at, end_ms=at + length, text=text))
        at += length + gap
    cues = captions_layout.cues(words, "en")
    assert " ".join(cue.text for cue in cues).split() == " ".join(w.text for w in words).split()
    assert all(cue.start_ms < cue.end_ms for cue in cues)
    assert all(before.end_ms <= after.start_ms + 1 for before, after in pairwise(cues))


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_nothing_said_is_no_cue(language: str) -> None:
    """An empty track is not made."""
    assert captions_layout.cues([], language) == ()
