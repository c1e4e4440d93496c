"""Loudness: from measured figures to the gain that is applied, and to the drawn waveform.

Owns the reading of FFmpeg's `ebur128` and `astats` reports and the arithmetic after EBU R 128 and
ITU-R BS.1770-5. Pure. `graph_sound` asks for the measurement, `shop` brings its text here; `flaws`
says in words what is wrong with a recording.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.model import SoundTrack

# BS.1770 gates at -70 LUFS: below it there is nothing to hear, and no gain would mend that.
SILENCE_LUFS = -70.0
# Peaks below this are silence to an ear. A microphone that is not plugged in is so quiet, and this
# far below the one that is.
SILENT_DBFS, FAR_SIDE_DB = -50.0, 30.0
# What is on both sides is twice the power of what is on one (BS.1770 adds the channels).
DOUBLED_LU = 3.01
# The limiter stops half a decibel short of the ceiling: lossy coding overshoots by about that.
CODEC_MARGIN_DB = 0.5
# A file is encoded once more where it is farther off than this: half of what directories allow.
TOLERANCE_LU = 0.5
# Directories of podcasts allow this much; what was brought under its peak may stay within it.
FAR_LU = 1.0
# The last rounds serve the peaks alone.
KEPT_ROUNDS = 2
# Of what is added where the limiter is at work, it takes about a third away again.
EATEN = 1.5
# A waveform shows 48 dB: quieter than that is a flat line.
FLOOR_DB = -48.0
BAR, GAP, HEIGHT = 2, 1, 64

_INTEGRATED = re.compile(r"^\s*I:\s+(-?[\d.]+|-inf|nan) LUFS", re.MULTILINE)
_RANGE = re.compile(r"^\s*LRA:\s+(-?[\d.]+|-inf|nan) LU\b", re.MULTILINE)
_PEAK = re.compile(r"^\s*Peak:\s+(-?[\d.]+|-inf|nan) dBFS", re.MULTILINE)
_LEVEL = re.compile(r"Overall\.Peak_level=(-?[\d.]+|-?inf|nan)")
_SIDE = re.compile(r"astats\.(\d+)\.Peak_level=(-?[\d.]+|-?inf|nan)")
_COUNT = re.compile(r"Overall\.Peak_count=([\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How a programme is levelled: a gain for the whole of it, and a ceiling for its true peaks.

    Where there is a `side`, that channel is heard on both. `peak_dbtp` is the programme's own true
    peak: a limiter is of use only where the gain would bring it over the ceiling.
    """

    gain_db: float
    ceiling_dbtp: float
    side: int | None = None
    peak_dbtp: float = math.inf

    @property
    def limits(self) -> bool:
        """True where a limiter has something to do."""
        return self.peak_dbtp + self.gain_db > self.ceiling_dbtp


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Sample peaks of every stretch of a recording: the level in dBFS, and how often it is met.

    `sides` are those of each channel, over all of it.
    """

    every_ms: int
    levels: tuple[float, ...]
    counts: tuple[int, ...]
    sides: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """Integrated loudness (LUFS), loudness range (LU) and true peak (dBTP); -inf for silence."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float

    @property
    def silent(self) -> bool:
        """True where the meter heard nothing at all."""
        return not self.integrated_lufs > SILENCE_LUFS

    def figures(self) -> dict[str, float | None]:
        """The figures for the manifest; None where there is no finite value."""
        values = {
            "integrated_lufs": self.integrated_lufs,
            "range_lu": self.range_lu,
            "true_peak_dbtp": self.true_peak_dbtp,
        }
        return {name: round(v, 1) if math.isfinite(v) else None for name, v in values.items()}


def read_summary(report: str) -> Loudness:
    """Read the summary that `ebur128=peak=true` prints at its end.

    Raises ValueError where there is none: the measurement did not run to its end.
    """
    summary = report.rpartition("Summary:")[2]
    found = [pattern.search(summary) for pattern in (_INTEGRATED, _RANGE, _PEAK)]
    if not all(found):
        raise ValueError("no loudness summary")
    values = [_number(match.group(1)) for match in found if match]
    return Loudness(integrated_lufs=values[0], range_lu=values[1], true_peak_dbtp=values[2])


def read_peaks(report: str, every_ms: int) -> Peaks:
    """The peaks of each stretch, in order, from what `astats` told `ametadata=print`."""
    sides: dict[str, float] = {}
    for channel, text in _SIDE.findall(report):
        sides[channel] = max(sides.get(channel, -math.inf), _number(text))
    return Peaks(
        every_ms=every_ms,
        levels=tuple(_number(text) for text in _LEVEL.findall(report)),
        counts=tuple(round(float(text)) for text in _COUNT.findall(report)),
        sides=tuple(sides.values()),
    )


def lone_side(peaks: Peaks) -> int | None:
    """The one of two channels that has all of the sound; None where both have some, or neither."""
    if len(peaks.sides) != 2:  # noqa: PLR2004
        return None
    loud = max((0, 1), key=lambda side: peaks.sides[side])
    quiet = peaks.sides[1 - loud]
    alone = quiet < SILENT_DBFS and peaks.sides[loud] - quiet > FAR_SIDE_DB
    return loud if alone else None


def level(measured: Loudness, peaks: Peaks, track: SoundTrack) -> Level:
    """How a programme is first brought to its target."""
    return Level(
        gain_db=gain_db(measured, peaks, track),
        ceiling_dbtp=_ceiling_dbtp(track),
        side=lone_side(peaks),
        peak_dbtp=measured.true_peak_dbtp,
    )


def _ceiling_dbtp(track: SoundTrack) -> float:
    return track.true_peak_dbtp - CODEC_MARGIN_DB


def gain_db(measured: Loudness, peaks: Peaks, track: SoundTrack) -> float:
    """The gain that brings the programme to its target; none for silence, bounded for whispers."""
    if measured.silent:
        return 0.0
    return round(min(wanted_db(measured, peaks, track), track.max_gain_db), 2)


def wanted_db(measured: Loudness, peaks: Peaks, track: SoundTrack) -> float:
    """The gain that a programme would need, however much."""
    comes = measured.integrated_lufs + (0.0 if lone_side(peaks) is None else DOUBLED_LU)
    return track.loudness_lufs - comes


def mended(used: Level, came: Loudness, track: SoundTrack, left: int) -> Level | None:
    """Another level for a file that missed its target, None for one that is right.

    Lossy coding may overshoot by more than was left for it: first the ceiling is lowered, and if
    that was in vain (what a coder adds to a clap hardly follows the ceiling) the gain as well. A
    limiter with much to do makes a programme quieter than its gain promised: it is made louder as
    long as more than `KEPT_ROUNDS` of the rounds `left` are there to bring its peaks down again.
    """
    lowered = used.ceiling_dbtp < _ceiling_dbtp(track)
    over = came.true_peak_dbtp - track.true_peak_dbtp
    less = over + 0.1 if over > 0 else 0.0
    lacks = 0.0 if came.silent else track.loudness_lufs - came.integrated_lufs
    allowed = FAR_LU if lowered else TOLERANCE_LU
    more = 0.0
    if abs(lacks) > allowed and left > KEPT_ROUNDS:
        more = lacks * EATEN if lacks > 0 else lacks
    elif lowered:
        more = -less
    again = dataclasses.replace(
        used,
        gain_db=round(min(used.gain_db + more, track.max_gain_db), 2),
        ceiling_dbtp=round(used.ceiling_dbtp - less, 2),
    )
    return None if again == used else again


def amplitude(decibels: float) -> float:
    """A level in dB against full scale as a linear amplitude."""
    return float(10 ** (decibels / 20))


def bars(levels: Sequence[float], count: int) -> tuple[float, ...]:
    """Levels in dBFS as `count` heights from 0 to 1, the loudest of each stretch winning."""
    if not levels:
        return (0.0,) * count
    edges = [round(i * len(levels) / count) for i in range(count + 1)]
    stretches = [levels[a : max(b, a + 1)] or levels[-1:] for a, b in pairwise(edges)]
    top = max(*levels, FLOOR_DB + 1)
    return tuple(max(0.0, (max(s) - FLOOR_DB) / (top - FLOOR_DB)) for s in stretches)


def waveform_svg(heights: Sequence[float]) -> bytes:
    """One path of upright bars around the middle line, coloured by `currentColor`."""
    middle = HEIGHT / 2
    strokes = []
    for index, height in enumerate(heights):
        half = max(1.0, height * (middle - 1))
        x = index * (BAR + GAP) + BAR / 2
        strokes.append(f"M{x:g} {middle - half:.1f}V{middle + half:.1f}")
    width = len(heights) * (BAR + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" '
        f'preserveAspectRatio="none"><path d="{"".join(strokes)}" stroke="currentColor" '
        f'stroke-width="{BAR}" stroke-linecap="round" fill="none"/></svg>\n'
    ).encode()


def _number(text: str) -> float:
    value = float(text)
    return -math.inf if math.isnan(value) else value
