"""Transcripts: paragraphs that can be read, from cues and from what reporters write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline import transcript
from pipeline.captions_cue import Cue
from pipeline.transcript import Paragraph, Transcript


def cue(start_ms: int, end_ms: int, text: str) -> Cue:
    return Cue(start_ms=start_ms, end_ms=end_ms, text=text)


def test_cues_flow_together_until_a_pause_or_another_voice() -> None:
    """Paragraphs begin at long pauses and new speakers, and have the time of their first words."""
    cues = [
        cue(0, 1000, "<v Ana>Hola,"),
        cue(1000, 2000, "<v Ana>buenos <i>días</i>."),
        cue(2000, 3000, "<v Luis>Hola &amp; adiós."),
        cue(9000, 9900, "Later."),
    ]
    assert transcript.from_cues(cues) == (
        Paragraph(start_ms=0, speaker="Ana", text="Hola, buenos días."),
        Paragraph(start_ms=2000, speaker="Luis", text="Hola & adiós."),
        Paragraph(start_ms=9000, text="Later."),
    )


def test_two_voices_in_one_cue_are_two_paragraphs() -> None:
    """Within a cue time passes as letters do."""
    first, second = transcript.from_cues([cue(0, 1000, "<v Ana>¿Vienes?</v>\n<v Luis>No, mamá.")])
    assert (first.speaker, first.text, first.start_ms) == ("Ana", "¿Vienes?", 0)
    assert (second.speaker, second.text) == ("Luis", "No, mamá.")
    assert second.start_ms is not None
    assert 300 < second.start_ms < 700


def test_no_paragraph_has_more_than_five_sentences() -> None:
    """Whether the sentences fill a cue each, or one cue holds them all."""
    said = "Una frase corta. " * 12
    short = [cue(n * 1000, n * 1000 + 999, "Una.") for n in range(12)]
    for cues in ([cue(0, 30_000, said)], short):
        counts = [len(transcript.sentences(p.text)) for p in transcript.from_cues(cues)]
        assert counts == [5, 5, 2]


def test_words_without_a_full_stop_do_not_run_on_for_ever() -> None:
    """Two minutes of unpunctuated speech are several paragraphs."""
    cues = [cue(n * 1000, n * 1000 + 1000, "palabras sin punto alguno") for n in range(120)]
    assert len(transcript.from_cues(cues)) >= 2


def test_sentences_end_where_a_reader_would_end_them() -> None:
    """Abbreviations, figures and small letters go on; quotation marks stay with their sentence."""
    text = "Hola, Sr. Pérez. ¿Qué tal? «Bien.» Son 3.5 km y EE. UU. no está. Fin"
    assert transcript.sentences(text) == [
        "Hola, Sr. Pérez.", "¿Qué tal?", "«Bien.»", "Son 3.5 km y EE. UU. no está.", "Fin",
    ]  # fmt: skip


@given(st.text(max_size=200))
def test_no_word_is_lost_between_sentences(text: str) -> None:
    """Sentences put together again are the text, whatever it holds."""
    assert "".join("".join(transcript.sentences(text)).split()) == "".join(text.split())


def test_what_a_reporter_wrote_is_read_with_speakers_and_times() -> None:
    """Markdown marks go, names at the beginning are speakers, times in front are times."""
    text = (
        "# Pleno\n\n**Ana Pérez:** Hola *a todos*.\n\n[01:20] LUIS: Mire [esto](http://x.test).\n\n"
        "Nota que: esto no es nadie."
    )
    assert transcript.from_text(text) == (
        Paragraph(text="Pleno"),
        Paragraph(speaker="Ana Pérez", text="Hola a todos."),
        Paragraph(speaker="LUIS", start_ms=80_000, text="Mire esto."),
        Paragraph(text="Nota que: esto no es nadie."),
    )


def test_lines_without_blank_ones_between_are_paragraphs() -> None:
    """Old editors put no blank line between paragraphs."""
    assert len(transcript.from_text("Uno.\nDos.\nTres.")) == 3


def test_the_text_file_is_readable_by_itself() -> None:
    """Title, then times and speakers before the words."""
    words = Transcript(
        language="es",
        paragraphs=(
            Paragraph(text="Hola.", start_ms=61_000, speaker="Ana"),
            Paragraph(text="Fin."),
        ),
    )
    assert transcript.plain(words, "El pleno") == "El pleno\n\n[1:01] Ana: Hola.\n\nFin.\n"
    assert transcript.flat(words) == "Ana: Hola. Fin."
