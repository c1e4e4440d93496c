"""Loudness: from measured figures to the gain that is applied, and to the drawn waveform.

Owns the reading of FFmpeg's `ebur128` and `astats` reports and the arithmetic after EBU R 128 and
ITU-R BS.1770-5. Pure. `graph` asks for the measurement, `render` brings its text here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.model import SoundTrack

# BS.1770 gates at -70 LUFS: below it there is nothing to hear, and no gain would mend that.
SILENCE_LUFS = -70.0
# The limiter stops half a decibel short of the ceiling: lossy coding overshoots by about that.
CODEC_MARGIN_DB = 0.5
# Peaks this near to full scale, measured as true peak, mean the recording was clipped.
CLIPPED_DBTP = -0.05
# A waveform shows 48 dB: quieter than that is a flat line.
FLOOR_DB = -48.0
BAR, GAP, HEIGHT = 2, 1, 64

_INTEGRATED = re.compile(r"^\s*I:\s+(-?[\d.]+|-inf|nan) LUFS", re.MULTILINE)
_RANGE = re.compile(r"^\s*LRA:\s+(-?[\d.]+|-inf|nan) LU\b", re.MULTILINE)
_PEAK = re.compile(r"^\s*Peak:\s+(-?[\d.]+|-inf|nan) dBFS", re.MULTILINE)
_LEVEL = re.compile(r"Overall\.Peak_level=(-?[\d.]+|-?inf|nan)")


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


def read_levels(report: str) -> tuple[float, ...]:
    """Peak level in dBFS of each stretch, in order, from `ametadata=print`."""
    return tuple(_number(text) for text in _LEVEL.findall(report))


def gain_db(measured: Loudness, track: SoundTrack) -> float:
    """The gain that brings the programme to its target; none for silence, bounded for whispers."""
    if measured.silent:
        return 0.0
    return round(min(track.loudness_lufs - measured.integrated_lufs, track.max_gain_db), 2)


def ceiling(track: SoundTrack) -> float:
    """The limiter's ceiling as a linear amplitude."""
    return float(10 ** ((track.true_peak_dbtp - CODEC_MARGIN_DB) / 20))


def remarks(measured: Loudness) -> list[str]:
    """What a reporter should know about the recording."""
    if measured.silent:
        return ["The recording is silent."]
    if measured.true_peak_dbtp >= CLIPPED_DBTP:
        return ["The recording was clipped: its loudest passages are distorted."]
    return []


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
