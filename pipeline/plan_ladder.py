"""The sizes a film is made in: which rungs, and how large each picture is.

Owns the rule that nothing is ever enlarged and no rung wasted. Pure. The rungs themselves are the
profile's.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from pipeline.model import Rung, VideoStream

# A rung of the source's own size is worth making when it shows this much more than the next.
WORTHWHILE = 1.15


def ladder(stream: VideoStream, rungs: tuple[Rung, ...], codec: str) -> tuple[Rung, ...]:
    """The rungs to make, smallest first: none above the source, one of its own size if it pays."""
    ordered = sorted(
        (rung for rung in rungs if rung.codec == codec), key=lambda rung: rung.short_side
    )
    if not ordered:
        return ()
    short = stream.short_side
    fitting = [rung for rung in ordered if rung.short_side <= short]
    if not fitting:
        return (dataclasses.replace(ordered[0], short_side=short),)
    higher = next((rung for rung in ordered if rung.short_side > short), None)
    if higher is not None and short >= fitting[-1].short_side * WORTHWHILE:
        fitting.append(_between(fitting[-1], higher, short))
    return tuple(fitting)


def _between(low: Rung, high: Rung, short: int) -> Rung:
    """A rung of the source's own size; its cap grows with the number of pixels."""
    share = (short**2 - low.short_side**2) / (high.short_side**2 - low.short_side**2)
    cap = round(low.max_bps + share * (high.max_bps - low.max_bps))
    return dataclasses.replace(high, short_side=short, max_bps=cap)


def fit(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Scale to a short side, even numbers rounded down so that nothing is ever enlarged."""
    scale = min(Fraction(1), Fraction(short_side, min(width, height)))
    return _even(width * scale), _even(height * scale)


def _even(value: Fraction | int) -> int:
    return max(2, int(value) // 2 * 2)


def inside(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The same for a long side."""
    scale = min(Fraction(1), Fraction(long_side, max(width, height)))
    return _even(width * scale), _even(height * scale)
