"""From measured figures to the gain, and to the drawn waveform."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import planned, recording, step

from pipeline import flaws, loudness
from pipeline.loudness import Level, Loudness, Peaks

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
BOTH = Peaks(every_ms=500, levels=(-3.0,), counts=(1,), sides=(-3.0, -9.0))
LEFT = Peaks(every_ms=500, levels=(-3.0,), counts=(1,), sides=(-3.0, -62.0))


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
    assert loudness.gain_db(found, BOTH, TRACK) == 0.0
    nothing = Peaks(every_ms=500, levels=(-math.inf,), counts=(1,))
    assert flaws.remarks(found, nothing, TRACK) == ("The recording is silent.",)


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
    assert loudness.gain_db(measured(lufs), BOTH, TRACK) == gain


def test_the_ceiling_leaves_room_for_the_codec() -> None:
    """-1 dBTP less the half decibel that lossy coding adds."""
    wanted = loudness.level(measured(-20), BOTH, TRACK)
    assert wanted == Level(gain_db=4.0, ceiling_dbtp=-1.5, peak_dbtp=-6.0)
    assert 20 * math.log10(loudness.amplitude(wanted.ceiling_dbtp)) == pytest.approx(-1.5)


@pytest.mark.parametrize(("peak", "limits"), [(-5.5, False), (-5.4, True), (0.0, True)])
def test_the_limiter_works_where_peaks_reach_it(peak: float, *, limits: bool) -> None:
    """4 dB more bring -5.5 dBTP to the ceiling and no further; silence reaches nothing."""
    assert loudness.level(measured(-20, peak), BOTH, TRACK).limits == limits
    assert not loudness.level(measured(-math.inf, -math.inf), BOTH, TRACK).limits


@pytest.mark.parametrize(
    ("sides", "lone"),
    [
        ((-3.0, -62.0), 0),
        ((-math.inf, -30.0), 1),
        ((-3.0, -40.0), None),  # far, but to be heard
        ((-40.0, -62.0), None),  # a whisper, and the hiss beside it
        ((-math.inf, -math.inf), None),
        ((-3.0,), None),
        ((), None),
    ],
)
def test_a_lone_side_is_one_beside_silence(sides: tuple[float, ...], lone: int | None) -> None:
    """What can be heard on the other side stays there, and nothing is made of silence."""
    assert loudness.lone_side(dataclasses.replace(BOTH, sides=sides)) == lone


def test_a_lone_side_is_put_on_both_at_the_same_loudness() -> None:
    """Twice the power is 3 dB more; and the file that missed its target keeps its side."""
    wanted = loudness.level(measured(-20), LEFT, TRACK)
    assert wanted == Level(gain_db=0.99, ceiling_dbtp=-1.5, side=0, peak_dbtp=-6.0)
    again = loudness.mended(wanted, measured(-18.0, -3.0), TRACK, 5)
    assert again is not None
    assert again.side == 0


@pytest.mark.parametrize(
    ("came", "again"),
    [
        (measured(-16.4, -1.1), None),
        (measured(-15.6, -3.0), None),
        (measured(-17.0, -1.5), Level(gain_db=5.5, ceiling_dbtp=-1.5)),
        (measured(-15.0, -1.5), Level(gain_db=3.0, ceiling_dbtp=-1.5)),
        (measured(-16.0, -0.6), Level(gain_db=4.0, ceiling_dbtp=-2.0)),
        (measured(-70.0, -60.0), None),
    ],
)
def test_a_file_that_missed_its_target_is_made_again(came: Loudness, again: Level | None) -> None:
    """Louder, quieter, or under a lower ceiling; half a unit is near enough, silence is left."""
    assert loudness.mended(Level(gain_db=4.0, ceiling_dbtp=-1.5), came, TRACK, 5) == again


def test_peaks_that_a_lower_ceiling_leaves_cost_gain() -> None:
    """What a coder adds to a clap hardly follows the ceiling; a quieter file is never over it."""
    once = loudness.mended(Level(gain_db=4.0, ceiling_dbtp=-1.5), measured(-16.0, -0.5), TRACK, 5)
    assert once == Level(gain_db=4.0, ceiling_dbtp=-2.1)
    twice = loudness.mended(once, measured(-16.1, -0.7), TRACK, 4)
    assert twice == Level(gain_db=3.6, ceiling_dbtp=-2.5)
    assert loudness.mended(twice, measured(-16.6, -1.1), TRACK, 3) is None


def test_the_last_rounds_serve_the_peaks() -> None:
    """A file that is too quiet after its ceiling was lowered is made louder, but not at the end."""
    low = Level(gain_db=4.0, ceiling_dbtp=-2.5)
    louder = Level(gain_db=7.0, ceiling_dbtp=-2.5)
    assert loudness.mended(low, measured(-18.0, -1.2), TRACK, 3) == louder
    assert loudness.mended(low, measured(-18.0, -1.2), TRACK, 2) is None
    assert loudness.mended(louder, measured(-16.0, -0.9), TRACK, 2) == Level(
        gain_db=6.8, ceiling_dbtp=-2.7
    )


def test_the_most_that_is_allowed_is_never_passed() -> None:
    """A whisper that got all of the allowed gain is not made again for the rest."""
    most = Level(gain_db=TRACK.max_gain_db, ceiling_dbtp=-1.5)
    assert loudness.mended(most, measured(-25.0, -9.0), TRACK, 5) is None


def test_peaks_are_read_in_order() -> None:
    """A level and a count for each stretch; digital silence is minus infinity."""
    report = "\n".join(
        f"frame:{at} pts:0\nlavfi.astats.Overall.Peak_level={level}\n"
        f"lavfi.astats.Overall.Peak_count={count}"
        for at, (level, count) in enumerate((("-3.5", "2.000000"), ("-inf", "9"), ("0.0", "138")))
    )
    assert loudness.read_peaks(report, 500) == Peaks(
        every_ms=500, levels=(-3.5, -math.inf, 0.0), counts=(2, 9, 138)
    )


def test_the_loudest_of_each_side_is_read() -> None:
    """Over all stretches; a side that is silent all along is minus infinity."""
    report = "\n".join(
        f"lavfi.astats.1.Peak_level={left}\nlavfi.astats.2.Peak_level=-inf\n"
        f"lavfi.astats.Overall.Peak_level={left}\nlavfi.astats.Overall.Peak_count=1"
        for left in ("-9.0", "-3.5", "-inf")
    )
    found = loudness.read_peaks(report, 500)
    assert found.sides == (-3.5, -math.inf)
    assert found.levels == (-9.0, -3.5, -math.inf)


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
