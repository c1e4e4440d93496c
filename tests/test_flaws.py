"""What a reporter is told of a recording: silence, clipping, whispers; nothing without cause."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import planned, recording, step

from pipeline import flaws
from pipeline.loudness import Loudness, Peaks

TRACK = step(planned(recording()), "sound").sound
assert TRACK is not None
SPEECH, HISS = -6.0, -62.0


def said(
    levels: list[float], counts: list[int] | None = None, *, lufs: float = -20.0
) -> tuple[str, ...]:
    """The remarks on a recording of half-seconds."""
    peaks = Peaks(every_ms=500, levels=tuple(levels), counts=tuple(counts or [2] * len(levels)))
    measured = Loudness(integrated_lufs=lufs, range_lu=5.0, true_peak_dbtp=-3.0)
    return flaws.remarks(measured, peaks, TRACK)


def test_a_good_recording_gets_no_remark() -> None:
    """Pauses of a speaker, and the second before a recorder is switched off, are no flaws."""
    assert said([HISS] * 8 + [SPEECH] * 40 + [HISS] * 50 + [SPEECH] * 40 + [HISS] * 9) == ()


@pytest.mark.parametrize("still", [HISS, -math.inf], ids=["hiss", "digital"])
def test_silence_is_told_with_its_length(still: float) -> None:
    """Before, after and within what can be heard: each in a sentence of its own, with its place."""
    levels = [still] * 24 + [SPEECH] * 20 + [still] * 80 + [SPEECH] * 2 + [still] * 14
    begins, ends, holes = said(levels)
    assert "begins with 0:12 of silence" in begins
    assert "ends with 0:07 of silence, from 1:03 on" in ends
    assert "from 0:22 to 1:02" in holes


def test_a_quiet_recording_is_not_taken_for_silence() -> None:
    """Speech at -55 LUFS is below the threshold of a normal recording, and still speech."""
    remarks = said([-45.0, -52.0] * 40, lufs=-58.0)
    assert not any("silence" in text or "nothing to hear" in text for text in remarks)


def test_a_whisper_is_told() -> None:
    """How quiet it is, how much was added, and what is still missing."""
    (text,) = said([-40.0] * 20, lufs=-48.0)
    assert "-48 LUFS" in text
    assert "20 dB louder" in text
    assert "12 dB below" in text
    assert said([-20.0] * 20, lufs=-37.0) == ()


@pytest.mark.parametrize(("sides", "named"), [((-6.0, -70.0), "left"), ((-70.0, -6.0), "right")])
def test_a_microphone_on_one_side_is_told(sides: tuple[float, float], named: str) -> None:
    """It is heard on both; that makes it no whisper, though each side is half of what it was."""
    peaks = Peaks(every_ms=500, levels=(-6.0,) * 9, counts=(2,) * 9, sides=sides)
    measured = Loudness(integrated_lufs=-20.0, range_lu=5.0, true_peak_dbtp=-3.0)
    assert flaws.remarks(measured, peaks, TRACK) == (
        f"Only the {named} side has sound; it was put on both.",
    )


def test_clipping_is_told_with_its_share() -> None:
    """Samples that stand at full scale: in how much of the time, and where first."""
    (text,) = said([SPEECH] * 15 + [0.0] * 5, [2] * 15 + [40] * 5)
    assert "clipped in 25% of its length, first at 0:08" in text
    (few,) = said([SPEECH] * 400 + [0.0], [2] * 400 + [5])
    assert "in a few moments" in few


def test_a_recording_made_as_loud_as_possible_was_not_clipped() -> None:
    """One sample at full scale is what normalising leaves; equal ones below it are no flaw."""
    assert said([0.0] * 10, [2] * 10) == ()
    assert said([-0.5] * 10, [90] * 10) == ()


@given(
    st.lists(st.tuples(st.floats(-120, 6) | st.just(-math.inf), st.integers(1, 500)), max_size=60),
    st.floats(-69, 0),
)
def test_whatever_was_measured_makes_sentences(pairs: list[tuple[float, int]], lufs: float) -> None:
    """Every remark is a sentence, and there is at most one of each kind."""
    levels, counts = [p[0] for p in pairs], [p[1] for p in pairs]
    remarks = said(levels, counts, lufs=lufs)
    assert all(text[0].isupper() and text.endswith(".") for text in remarks)
    assert len({text[:18] for text in remarks}) == len(remarks) <= 5
