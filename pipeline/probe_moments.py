"""A look at a few moments of a film: what its header and its first picture cannot tell.

Owns seeking to several places, noting where that leads, and decoding a few neighbouring pictures
there. Refuses to decode what is taller than any television line-up, and never goes far: a moment
that shows nothing soon is left. `probe_fields` judges the pictures, `probe_media` calls this when
its pass over the packets is over.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
import av.error

from pipeline.probe_streams import Landing, Seen

_SHARES = (0.1, 0.35, 0.6, 0.85)  # of the film: past the titles, before the credits
_FRAMES = 4  # three pairs of neighbours at each moment
_LONE = 16  # of a film that can be entered at one place only
_DELAY = 8  # packets that go in before pictures come out; more, and the place is damaged
_WAY = 600  # packets to the next key frame; where it is farther, the moment is left
_TALLEST = 1152  # lines; nothing taller was ever shot in fields
_BITS = 8  # nor, but for studio formats that say so, anything finer
NO_TIMES = 0x80  # AVFMT_NOTIMESTAMPS
_SLACK_S = Fraction(15, 100)  # where nothing else can be found, the next packet is near enough


def look(container: Any, seen: Seen, start_s: Fraction, length_s: Fraction) -> None:
    """Add groups of neighbouring pictures to `seen.moments`, and to `seen.landings`."""
    worth_it = _is_worth_it(seen.frames[0])
    if worth_it:
        seen.moments.append(_alike(seen.frames))
    for share in _SHARES:
        packets = _sought(container, seen, start_s + length_s * Fraction(share))
        if worth_it:
            _add(seen, packets, _FRAMES)
    if len(seen.moments) == 1:
        seen.moments.clear()
        _add(seen, _sought(container, seen, start_s), _LONE)


def _is_worth_it(frame: Any) -> bool:
    fine = any(part.bits > _BITS for part in frame.format.components)
    return frame.height <= _TALLEST and (frame.interlaced_frame or not fine)


def _sought(container: Any, seen: Seen, at_s: Fraction) -> Iterator[Any]:
    """A stream's packets from a moment on; where that really is goes to `seen.landings`."""
    packets: Iterator[Any] = iter(())
    landing: Landing = "lost"
    try:
        container.seek(int(at_s * av.time_base))
        packets = container.demux(seen.stream)
        if first := next((packet for packet in packets if packet.size), None):
            # Without a container, ffmpeg loses its way even where the pictures have times.
            if not container.format.flags & NO_TIMES:
                landing = _landing(first, max(at_s, seen.times.first_s))
            packets = itertools.chain([first], packets)
    except av.error.FFmpegError:
        pass  # then it is lost
    seen.landings.append(landing)
    return packets


def _landing(packet: Any, at_s: Fraction) -> Landing:
    at = packet.pts if packet.dts is None else packet.dts
    if at is None or at * packet.time_base > at_s + _SLACK_S:
        return "lost"
    return "key" if packet.is_keyframe else "between"


def _add(seen: Seen, packets: Iterable[Any], count: int) -> None:
    """Take in so many pictures from the next key frame on, if they are new."""
    near = itertools.islice(packets, _WAY)
    entered = itertools.dropwhile(lambda packet: not packet.is_keyframe, near)
    try:
        key = next(entered, None)
        # A film of few key frames leads to the same one again: that is told before decoding.
        if key is None or _is_known(seen, key.pts):
            return
        pictures = _whole(seen, itertools.islice(itertools.chain([key], entered), count + _DELAY))
        group = _alike(list(itertools.islice(pictures, count)))
    except (av.error.FFmpegError, ValueError):
        return
    # The first whole picture need not be that key frame.
    if group and not _is_known(seen, group[0].pts):
        seen.moments.append(group)


def _is_known(seen: Seen, pts: int | None) -> bool:
    return any(group[0].pts == pts for group in seen.moments)


def _whole(seen: Seen, packets: Iterable[Any]) -> Iterator[Any]:
    """The pictures in packets, but for those that lack a part."""
    for packet in packets:
        yield from (frame for frame in seen.decoded(packet) if not frame.is_corrupt)


def _alike(frames: list[Any]) -> list[Any]:
    """Those of the first one's size and format."""
    kinds = [(frame.width, frame.height, frame.format.name) for frame in frames]
    return [frame for frame, kind in zip(frames, kinds, strict=True) if kind == kinds[0]]
