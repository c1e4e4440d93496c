"""What an item costs a reader on a thin line: bytes until it is seen, until it plays, in all.

Owns the two lines a reporter is shown and which rendition each of them carries. Pure arithmetic
over measured outputs; sound inside films is estimated, because it is counted with no size of its
own. Refuses words and layout: see `sheet` and its template.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import display, display_film
from pipeline.model import Artifact, ItemManifest, Kind

# A telephone in the country, and an ordinary one in town.
LINES_BPS = (256_000, 2_000_000)

# How much of a line a player dares to plan with: hls.js takes less than it measures.
_DARED = 0.8

# Two channels of AAC beside the pictures, and how much of both is needed before the first frame.
_SOUND_BPS = 128_000
_HEAD_MS = 4000

# A recording's index and its first moments.
_SOUND_HEAD_BYTES = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What every frame loads of ours, in bytes: page, style and script; and what a film adds."""

    frame: int
    film: int
    playing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Bytes until the first picture is seen, until it plays (None for pictures), and in all."""

    bps: int
    seen: int
    plays: int | None
    whole: int

    def seconds(self, count: int) -> float:
        """How long so many bytes take on this line, if nothing else is on it."""
        return count * 8 / self.bps


def costs(item: ItemManifest, overhead: Overhead) -> tuple[Cost, ...]:
    """One line each for LINES_BPS; () until there is something to measure."""
    if display.stage(item) is not display.Stage.READY:
        return ()
    return tuple(_COST[item.kind](item, overhead, bps) for bps in LINES_BPS)


def gallery_costs(photos: tuple[ItemManifest, ...], overhead: Overhead) -> tuple[Cost, ...]:
    """The strip of a gallery: its first photo, and all of them."""
    made = [_article(one) for one in photos if display.stage(one) is display.Stage.READY]
    if not made:
        return ()
    seen, whole = overhead.frame + made[0], overhead.frame + sum(made)
    return tuple(Cost(bps=bps, seen=seen, plays=None, whole=whole) for bps in LINES_BPS)


def _film(item: ItemManifest, overhead: Overhead, bps: int) -> Cost:
    seen = overhead.frame + overhead.film + _bytes(display.with_roles(item, "poster"))
    size = _carried(item, bps)
    if size is None:
        whole = _bytes(display.with_roles(item, "video"))
        return Cost(bps=bps, seen=seen, plays=seen + _part(whole, item), whole=seen + whole)
    sound = 0 if display.is_silent(item) else _SOUND_BPS * (item.duration_ms or 0) // 8000
    whole = size.bytes + sound
    plays = seen + overhead.playing + _part(whole, item)
    return Cost(bps=bps, seen=seen, plays=plays, whole=seen + overhead.playing + whole)


def _carried(item: ItemManifest, bps: int) -> Artifact | None:
    """The size of a film that a player will settle on; None where there is only the file."""
    if display_film.playlist(item) is None:
        return None
    sizes = [one for one in display.with_roles(item, "rung") if one.extra.get("codec") == "h264"]
    sizes.sort(key=display.short_side)
    fitting = [one for one in sizes if _peak(one) + _SOUND_BPS <= bps * _DARED]
    return next(reversed(fitting or sizes[:1]), None)


def _peak(size: Artifact) -> int:
    return int(size.extra.get("peak_bps") or size.extra.get("average_bps") or 0)


def _part(whole: int, item: ItemManifest) -> int:
    """The bytes of the first seconds."""
    length = item.duration_ms or _HEAD_MS
    return whole * min(_HEAD_MS, length) // length


def _sound(item: ItemManifest, overhead: Overhead, bps: int) -> Cost:
    seen = overhead.frame + _bytes(display.with_roles(item, "waveform"))
    whole = display.sounds(item)[0].bytes
    return Cost(bps=bps, seen=seen, plays=seen + min(whole, _SOUND_HEAD_BYTES), whole=seen + whole)


def _photo(item: ItemManifest, overhead: Overhead, bps: int) -> Cost:
    largest = (display.avifs(item) or display.jpegs(item))[-1]
    seen = _article(item)
    return Cost(bps=bps, seen=seen, plays=None, whole=seen + overhead.frame + largest.bytes)


def _article(item: ItemManifest) -> int:
    """The width an article's column loads, in the format nearly every browser takes."""
    wanted = display.article_photo(item).width
    same = (one for one in display.avifs(item) if one.width == wanted)
    return next(same, display.article_photo(item)).bytes


def _bytes(made: tuple[Artifact, ...]) -> int:
    return made[0].bytes if made else 0


_COST = {Kind.VIDEO: _film, Kind.AUDIO: _sound, Kind.PHOTO: _photo}
