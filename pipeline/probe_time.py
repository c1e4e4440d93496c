"""What packets' timestamps say: how long a stream really is, and how fast its pictures come.

Owns the arithmetic behind durations and frame rates, on plain integers over a time base. Refuses
to open anything. Containers misstate both (FLV and Matroska say 1000 fps, a cut-off file keeps the
length it had): `probe_media` feeds this with the packets that are really there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

ENOUGH = 240
"""So many timestamps settle a frame rate."""
_SLOW_S = Fraction(1, 2)  # from here on a picture is a slide: its length is worth a second look
_BLINK_S = Fraction(1, 25)  # what claims that are only the last picture's beginning leave of it
_REORDERED = 16  # so many pictures at the end of a stretch may have neighbours that were not read

_STANDARD = tuple(
    Fraction(rate)
    for rate in (
        "1 5 6 7.5 8 10 12 12.5 15 16 18 20 24000/1001 24 25 30000/1001 30 48 50 60000/1001 60 90"
        " 100 120000/1001 120 240000/1001 240"
    ).split()
)
_FASTEST = Fraction(1000)
_FALLBACK = Fraction(25)


@dataclass(slots=True)
class Timeline:
    """One stream's packets so far: `tick` seconds per unit of `first`, `end` and `starts`.

    `told_s` is when everything is over by what else is known: the container's word, the sound.
    """

    tick: Fraction
    told_s: Fraction = Fraction(0)
    starts: list[int] = field(default_factory=list)
    first: int | None = None
    end: int = 0
    last: tuple[int, int] = (0, 0)
    packets: int = 0
    bytes: int = 0

    def add(self, start: int, length: int, size: int) -> None:
        """Take in a packet: its presentation time, its length (0 if unknown) and its bytes."""
        self.packets += 1
        self.bytes += size
        if len(self.starts) < ENOUGH:
            self.starts.append(start)
        self.first = start if self.first is None else min(self.first, start)
        self.last = max(self.last, (start, length))
        # Lengths of reordered pictures are ways to the next one decoded: before a pause, a picture
        # that is shown after it claims to last as long. The end is told by what comes last.
        self.end = max(sum(self.last), start + length)

    @property
    def first_s(self) -> Fraction:
        """When it begins."""
        return (self.first or 0) * self.tick

    def end_s(self, period: Fraction = Fraction(0)) -> Fraction:
        """When it ends; its last packet lasts a `period` where it tells no length to be believed.

        Flash and Matroska say one tick of whatever they do not know.
        """
        if self._tells_length(period):
            return self.end * self.tick
        stands_s = self.told_s if self.ends_early(period) else self.last[0] * self.tick + period
        return max(self.end * self.tick, stands_s)

    def ends_early(self, period: Fraction) -> bool:
        """True where all is over before the last of slow pictures has stood as long as others."""
        if period < _SLOW_S or self._tells_length(period):
            return False
        return _BLINK_S < self.told_s - self.last[0] * self.tick < period

    def _tells_length(self, period: Fraction) -> bool:
        length = self.last[1]
        return bool(length) and length * self.tick * 2 >= period


def frame_rate(times: Timeline, claims: tuple[Fraction | None, ...]) -> tuple[Fraction, bool]:
    """Frames per second, and whether they come unevenly.

    The rate is that of the usual gap, so that no picture is lost where they come unevenly: the
    nearest standard rate, or the first claim that fits. Without two timestamps the first sane
    claim must do, or 25.
    """
    gaps = _gaps(times)
    if not gaps:
        return _sane(claims), False
    typical = median_low(gaps)
    # A time base of whole pictures rounds nothing; a fine one rounds by up to a tick.
    rounding = times.tick if times.tick * 4 < typical else Fraction(0)
    usual = [gap for gap in gaps if abs(gap - typical) <= rounding + typical / 10]
    period = sum(usual, Fraction(0)) / len(usual)
    uneven = (len(gaps) - len(usual)) * _ODD_ONES > len(gaps)
    slack = _JITTER + float(rounding / (period * len(usual)))
    return _meant(1 / period, claims, slack), uneven


_ODD_ONES = 50  # one odd gap in so many is a dropped picture, not an uneven stream
_JITTER = 0.0012  # of a camera's clock; 24 and 23.976 are 0.001 apart, and the nearer one is taken


def _gaps(times: Timeline) -> list[Fraction]:
    starts = sorted(set(times.starts))
    if len(starts) > 2 * _REORDERED:
        starts = starts[:-_REORDERED]
    return [(late - early) * times.tick for early, late in pairwise(starts)]


def _meant(rate: Fraction, claims: tuple[Fraction | None, ...], slack: float) -> Fraction:
    """The standard rate, or the claim, that `rate` is meant to be; else `rate` itself, rounded."""
    nearest = min(_STANDARD, key=lambda standard: abs(standard - rate))
    for known in (nearest, *claims):
        if known and abs(float(known / rate) - 1) <= slack:
            return known
    return min(rate, _FASTEST).limit_denominator(1001)


def _sane(claims: tuple[Fraction | None, ...]) -> Fraction:
    return next((rate for rate in claims if rate and rate <= _STANDARD[-1]), _FALLBACK)
