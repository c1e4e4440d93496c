"""One clock for a recording whose own starts anew on the way, as joined recordings have it.

Owns telling such a start from what any broadcast has, and the copy on one clock that is read in the
recording's place. Refuses to decode and to alter anything but times. Runs only inside a confined
child; `probe_media` asks while it reads a file, `partial` is the parent's side of the copy.

FFmpeg's command line mends such clocks, too, but for the streams that it reads: picture and sound,
which are read apart here, would each be put right by itself, and no longer fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any

import av
import av.error
import av.logging

from pipeline import probe_programs
from pipeline.probe_index import opened
from pipeline.probe_packets import packets

# By demuxer, what its copy is written as: these let the clock jump, and carry the same streams.
COPIES = {"mpegts": "mpegts", "mpeg": "vob", "ogg": "ogg"}
# As FFmpeg has it: no packet is decoded so much before the one before it; and where so much is
# missing of all tracks nothing was lost, for the file goes on: the clock was set.
_BACK_S, _AHEAD_S = Fraction(1, 10), 10
_PLACES = 24  # of a large file at which the clock is read
# Of the usual way from one to the next; what takes more bytes than four times as many is no film.
_SHORT = Fraction(1, 4)
_MUXED = ("video", "audio", "subtitle")


@dataclass(slots=True)
class Clock:
    """Where on one clock each packet belongs: `parts` are the seconds to add in each part.

    Picture and sound come to a new part in their own time, for they are not packed evenly.
    """

    parts: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    _part: dict[int, int] = field(default_factory=dict)
    _last: dict[int, tuple[Fraction, Fraction]] = field(default_factory=dict)
    _reached: dict[int, Fraction] = field(default_factory=dict)

    @property
    def restarts(self) -> bool:
        """True once it started anew."""
        return len(self.parts) > 1

    def move(self, packet: Any) -> Fraction:
        """Seconds to add to the times of a packet, the next one of its stream."""
        stream, at = packet.stream.index, packet.dts
        if packet.stream.type not in ("video", "audio"):
            return self.parts[-1]
        if at is None:
            return self.parts[self._part.get(stream, -1)]
        begin = at * packet.time_base
        end = begin + (packet.duration or 0) * packet.time_base
        last = self._last.get(stream)
        if last is None:
            self._part[stream] = len(self.parts) - 1
        elif begin < last[0] - _BACK_S or begin > self._reached[self._part[stream]] + _AHEAD_S:
            self._part[stream] = self._next_part(stream, begin, last[1])
        part = self._part[stream]
        self._last[stream] = begin, end
        self._reached[part] = max(end, self._reached.get(part, end))
        return self.parts[part]

    def _next_part(self, stream: int, begin: Fraction, expected: Fraction) -> int:
        """The part that a stream has come to: one that another has entered before, or a new one."""
        due = expected + self.parts[self._part[stream]]
        for number in range(self._part[stream] + 1, len(self.parts)):
            if abs(begin + self.parts[number] - due) < _AHEAD_S:
                return number
        self.parts.append(due - begin)
        return len(self.parts) - 1


def goes_on(container: Any, size: int) -> bool:
    """Whether a large file has one clock; all of it is read where it does not look so in places."""
    moments = [_moment(container, size * place // _PLACES) for place in range(_PLACES)]
    known = [moment for moment in moments if moment is not None]
    ways = [late - early for early, late in pairwise(known)]
    if not ways or min(ways) > _SHORT * median(ways):
        return True
    clock = Clock()
    try:
        container.seek(0, unsupported_byte_offset=True)
        for packet in packets(container):
            clock.move(packet)
    except av.error.FFmpegError:
        pass  # as far as it can be read
    return not clock.restarts


def _moment(container: Any, place: int) -> Fraction | None:
    """When the first picture behind a place is decoded; or sound, where there is none."""
    kind = "video" if container.streams.video else "audio"
    try:
        container.seek(place, unsupported_byte_offset=True)
        for packet in container.demux(getattr(container.streams, kind)[0]):
            if packet.dts is not None:
                return Fraction(packet.dts * packet.time_base)
    except av.error.FFmpegError:
        pass
    return None


def straightened(path: str, demuxer: str, target: str) -> None:
    """The child's side of `partial`'s copy: the same packets, on one clock.

    Raises Unreadable where a picture or a sound of the file cannot be copied.
    """
    with opened(f"file:{path}", demuxer) as source:
        try:
            with av.open(target, "w", format=COPIES[demuxer]) as copy:
                for packet in _on_one_clock(source, dict(_tracks(source, copy))):
                    copy.mux(packet)
        except OSError as error:  # the disk's fault, not the recording's
            raise OSError(error.errno, error.strerror, target) from error


def _tracks(source: Any, copy: Any) -> Iterator[tuple[int, Any]]:
    """For each stream of the source that is read, the copy's own; subtitles where it holds them.

    Programs are not told apart in the copy: it has one.
    """
    av.logging.set_level(av.logging.INFO)  # below, nothing is dumped
    dump = source.dumps_format()
    av.logging.set_level(None)
    left = probe_programs.elsewhere([*source.streams.video, *source.streams.audio], dump)
    for stream in source.streams:
        is_read = stream.type in _MUXED and stream.codec_context is not None
        if is_read and stream.index not in left:
            try:
                # Opaque: FFmpeg need not have an encoder for it.
                yield stream.index, copy.add_stream_from_template(stream, opaque=True)
            except (av.error.FFmpegError, ValueError):
                if stream.type != "subtitle":
                    raise


def _on_one_clock(source: Any, tracks: dict[int, Any]) -> Iterator[Any]:
    clock = Clock()
    taken: dict[int, tuple[int, int]] = {}  # by stream, when its last packet begins and ends
    for packet in packets(source, *(source.streams[index] for index in tracks)):
        if not packet.size:
            continue
        index, tick = packet.stream.index, packet.time_base
        late = round(clock.move(packet) / tick)
        length = packet.duration or 1
        last = taken.get(index)
        at = (last[1] if last else 0) if packet.dts is None else packet.dts + late
        # Sound of the part before may reach into this one: it is there once.
        if last and packet.stream.type == "audio" and at + length / 2 < last[1]:
            continue
        packet.dts = max(at, last[0] + 1) if last else at
        packet.pts = None if packet.pts is None else max(packet.pts + late, packet.dts)
        taken[index] = packet.dts, packet.dts + length
        packet.stream = tracks[index]
        yield packet
