"""Where a film of uneven rate can be cut: real times of its pictures, about one a second.

Owns noting when each picture is shown, and choosing among these times. Refuses to guess: where the
times of all pictures are not known for certain, there are no cuts. `probe_media` hands over the
packets of its pass; of large films it reads only the ends, and what is between comes from the index
of MP4 and MOV.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from pipeline.probe_streams import MS, Seen, ms

_EVERY_MS = 1000
# Rounded to milliseconds, a border between two pictures must not fall on the wrong side of one.
_APART_MS = 2
# Reordering moves a picture by no more places than this (H.264 and HEVC keep 16 at most, and so
# many may overtake one); farther, and the clock has run back.
_PLACES = 40
_VP8_SHOWN = 0x10  # show_frame in the first byte of a VP8 frame (RFC 6386, 9.1)


def note(seen: Seen, packet: Any) -> None:
    """Remember when a picture is shown; what comes before the first key frame never is."""
    if packet.pts is None:
        seen.untimed = True
        return
    seen.reordered |= packet.pts != packet.dts
    if (seen.keys or packet.is_keyframe) and _is_shown(seen, packet):
        seen.shown.append(packet.pts)


def _is_shown(seen: Seen, packet: Any) -> bool:
    """False for the pictures that VP8 keeps for later reference alone, in packets of their own."""
    if seen.stream.codec_context.name not in ("vp8", "libvpx"):
        return True
    return bool(memoryview(packet)[0] & _VP8_SHOWN)


def cuts(seen: Seen, demuxer: str, start_s: Fraction) -> tuple[tuple[int, int], ...]:
    """When pictures begin, about every second, and when the one before each of them began.

    In ms after `start_s`, the start of the container's clock; ascending, the first more than a
    second after the film's first picture. Empty where the times of the pictures are uncertain.
    """
    times = _of_index(seen, demuxer) if seen.is_partial else seen.shown
    if seen.untimed or _runs_back(times):
        return ()
    tick = seen.stream.time_base or MS
    first = seen.keys[0] if seen.keys else 0  # what is shown before needs what is not there
    return tuple(chosen(ms(time * tick - start_s) for time in sorted(times) if time >= first))


def chosen(shown_ms: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Of ascending times, about one in a second, each with the one before it."""
    last: int | None = None
    for before, begins in pairwise(shown_ms):
        last = max(0, before) if last is None else last
        if begins - last > _EVERY_MS and begins - before >= _APART_MS:
            yield begins, before
            last = begins


def _runs_back(times: array[int]) -> bool:
    """True where times are farther out of order than reordered pictures are."""
    ordered = sorted(times)
    late = zip(ordered, times[_PLACES:], strict=False)
    early = zip(ordered[_PLACES:], times, strict=False)
    return any(a > b for a, b in late) or any(a < b for a, b in early)


def _of_index(seen: Seen, demuxer: str) -> array[int]:
    """All times out of the film's own index, or none.

    The index of MP4 and MOV tells when pictures are decoded, which is when they are shown where
    none is reordered. That of a fragmented film, or of one cut short, does not fit its end.
    """
    stream = seen.stream
    if demuxer != "mov" or seen.reordered or stream.codec_context.has_b_frames:
        return array("q")
    entries = [entry for entry in stream.index_entries if entry.size]
    times = array("q", (entry.timestamp for entry in entries if not entry.is_discard))
    if len(entries) > stream.frames or not times or times[-1] != seen.times.last[0]:
        return array("q")
    return times
