"""What a machine has heard is believed only where nothing speaks against it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import heard
from pipeline.captions_layout import Word
from pipeline.heard import Heard, Segment


def segment(text: str, at_ms: int = 0, **doubts: Any) -> Segment:
    words = tuple(
        Word(start_ms=at_ms + n * 300, end_ms=at_ms + n * 300 + 250, text=word)
        for n, word in enumerate(text.split())
    )
    return Segment(words=words, **doubts)


@pytest.mark.parametrize(
    "doubtful",
    [
        segment("Bla", no_speech=0.9, logprob=-0.9),
        segment("Bla", logprob=-1.5),
        segment("la la la la la la", ratio=3.1),
        segment("Subtítulos realizados por la comunidad de Amara.org"),
        segment("Subtitles by the Amara community"),
        segment("¡Gracias por ver el vídeo!", no_speech=0.5),
        segment("Thanks for watching!", no_speech=0.5),
    ],
    ids=lambda one: one.text[:20],
)
def test_words_that_nobody_said_are_left_out(doubtful: Segment) -> None:
    """The model's own doubts, repetition, and what it learnt to put under silence."""
    good = segment("Buenas tardes a todos.", no_speech=0.7, logprob=-0.3)
    assert list(heard.believed([good, doubtful])) == [good]


def test_thanks_that_were_said_stay() -> None:
    """Where the model is sure that somebody speaks, a farewell is one."""
    thanks = segment("Gracias.", no_speech=0.05)
    assert list(heard.believed([thanks])) == [thanks]


def test_a_loop_is_cut_after_its_second_turn() -> None:
    """People do repeat themselves once; models do it for minutes."""
    loop = [segment("Sí, señor.", n * 1000) for n in range(9)]
    assert len(list(heard.believed(loop))) == 2


def test_the_language_is_what_most_of_it_is_in() -> None:
    """By believed words: an invented jingle in another language does not count."""
    chunks = [
        Heard(language="pt", tracks={"pt": (segment("la " * 50, ratio=9.0),)}),
        Heard(language="es", tracks={"es": (segment("Buenas tardes."),), "en": (segment("Hi."),)}),
        Heard(language=""),
    ]
    assert heard.spoken(chunks) == "es"
    assert heard.spoken([Heard(language="")]) == heard.spoken([]) == ""


def test_chunks_are_one_text_in_order_of_time() -> None:
    """Whatever order they come in."""
    chunks = [
        Heard(language="es", tracks={"es": (segment("luego", 9000),)}),
        Heard(language="es", tracks={"es": (segment("antes", 1000),)}),
    ]
    assert [word.text for word in heard.words(chunks, "es")] == ["antes", "luego"]
    assert heard.words(chunks, "en") == ()
