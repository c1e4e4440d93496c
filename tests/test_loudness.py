"""From measured figures to the gain, and to the drawn waveform."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import planned, recording, step

from pipeline import loudness
from pipeline.loudness import Loudness

REPORT = """
[Parsed_ebur128_0 @ 0x1] Summary:

  Integrated loudness:
    I:         {i} LUFS
    Threshold: -33.5 LUFS

  Loudness range:
    LRA:         4.2 LU
    Threshold: -43.5 LUFS
    LRA low:   -26.0 LUFS
    LRA high:  -21.8 LUFS

  True peak:
    Peak:       {peak} dBFS
"""
TRACK = step(planned(recording()), "sound").sound
assert TRACK is not None


def measured(lufs: float, peak: float = -6.0) -> Loudness:
    """A measurement."""
    return Loudness(integrated_lufs=lufs, range_lu=4.2, true_peak_dbtp=peak)


def test_the_summary_is_read() -> None:
    """Loudness, range and true peak, from the last summary of the report."""
    report = REPORT.format(i="-70.0", peak="-inf") + REPORT.format(i="-23.5", peak="-1.2")
    assert loudness.read_summary(report) == measured(-23.5, -1.2)


@pytest.mark.parametrize("word", ["-inf", "nan"])
def test_silence_has_no_figures(word: str) -> None:
    """A meter that heard nothing says so; no infinite number reaches a manifest."""
    found = loudness.read_summary(REPORT.format(i=word, peak="-inf"))
    assert found.silent
    assert found.figures() == {"integrated_lufs": None, "range_lu": 4.2, "true_peak_dbtp": None}
    assert loudness.gain_db(found, TRACK) == 0.0
    assert loudness.remarks(found) == ["The recording is silent."]


@pytest.mark.parametrize("report", ["", "Summary:", REPORT.partition("True peak")[0]])
def test_a_report_without_its_end_is_no_measurement(report: str) -> None:
    """Half a summary is a measurement that did not run to its end."""
    with pytest.raises(ValueError, match="no loudness summary"):
        loudness.read_summary(report.format(i="-20.0", peak="0"))


@pytest.mark.parametrize(
    ("lufs", "gain"), [(-23.0, 7.0), (-16.0, 0.0), (-9.25, -6.75), (-60.0, 20.0), (-70.0, 0.0)]
)
def test_the_gain(lufs: float, gain: float) -> None:
    """The difference to -16 LUFS; not more than the profile allows, none below the gate."""
    assert loudness.gain_db(measured(lufs), TRACK) == gain


def test_the_ceiling_leaves_room_for_the_codec() -> None:
    """-1 dBTP less the half decibel that lossy coding adds."""
    assert 20 * math.log10(loudness.ceiling(TRACK)) == pytest.approx(-1.5)


def test_clipping_is_told() -> None:
    """A recording that touches full scale was clipped; one just below was not."""
    assert loudness.remarks(measured(-10, 0.3)) != []
    assert loudness.remarks(measured(-10, -0.5)) == []


def test_levels_are_read_in_order() -> None:
    """One level for each stretch; digital silence is minus infinity."""
    lines = [f"lavfi.astats.Overall.Peak_level={v}" for v in ("-3.5", "-inf", "0.0")]
    assert loudness.read_levels("\n".join(lines)) == (-3.5, -math.inf, 0.0)


@given(
    st.lists(st.floats(-200, 20) | st.just(-math.inf), max_size=50),
    st.integers(min_value=1, max_value=60),
)
def test_bars(levels: list[float], count: int) -> None:
    """Always as many bars as wanted, each between 0 and 1, whatever was measured."""
    made = loudness.bars(levels, count)
    assert len(made) == count
    assert all(0 <= bar <= 1 for bar in made)


def test_the_loudest_of_a_stretch_wins() -> None:
    """A short clap must not vanish in a coarse waveform, and the loudest bar is full."""
    assert loudness.bars((-48.0, -6.0, -48.0, -27.0), 2) == (1.0, 0.5)


def test_the_waveform_is_a_drawing() -> None:
    """Well-formed SVG of one bar for each height, which takes the page's colour."""
    drawn = ET.fromstring(loudness.waveform_svg((0.0, 0.5, 1.0)))  # noqa: S314 - our own
    (path,) = drawn
    assert path.attrib["d"].count("M") == 3
    assert path.attrib["stroke"] == "currentColor"
    assert drawn.attrib["viewBox"] == "0 0 9 64"
