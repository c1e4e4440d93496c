"""What a finished output really is: every packet counted, its two ends decoded.

Owns the measuring of our own MP4, M4A and MP3 files, in the child. Refuses nothing: it reports,
and `render` compares with what was ordered. Read `probe.Facts` for the meaning of each number.
"""

from __future__ import annotations

import itertools
import mmap
from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from pipeline import diagnose, fragments
from pipeline.errors import Unreadable
from pipeline.model import Kind
from pipeline.probe import Facts, StreamFacts
from pipeline.probe_streams import MS, displayed, ms
from pipeline.probe_time import Timeline

_END_S = 2  # the last group of pictures begins no earlier than this before the end, or is longer
_BEFORE_S = Fraction(1, 10)  # a seam is looked at from this long before it to this long after
_FIRST = {"video": 1, "audio": 20}  # key packets: a group of pictures, half a second of sound
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": "mov,mp3"}


def measured(path: str) -> Facts:
    """Facts about the file at `path`. Raises Unreadable when it cannot be opened."""
    try:
        with av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace") as container:
            if not container.streams.video and not container.streams.audio:
                raise Unreadable("There is no picture and no sound in the file.")
            inside = _inside(path) if "mp4" in container.format.name else None
            return _fragmented(container, inside) if inside else _facts(container)
    except (av.error.FFmpegError, ValueError) as error:
        raise diagnose.unreadable(f"{error!r}") from error


def broken_seams(path: str, at_ms: list[int]) -> list[int]:
    """Moments that do not decode, from the key frame before each to the first frames after it."""
    with av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace") as container:
        video = container.streams.video[0]
        video.codec_context.options = {"err_detect": "explode"}
        return [at for at in at_ms if not _passes(container, video, Fraction(at, 1000))]


def _passes(container: Any, video: Any, at: Fraction) -> bool:
    """Decode across a seam: its first picture is a key frame, and all before it are there."""
    try:
        container.seek(max(0, int((at - _BEFORE_S) / video.time_base)), stream=video)
        for frame in container.decode(video):
            if frame.is_corrupt:
                return False
            if frame.time is not None and frame.time > at + _BEFORE_S:
                return True
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _inside(path: str) -> fragments.Inside | None:
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as all_,
    ):
        return fragments.read(all_)


def _fragmented(container: Any, inside: fragments.Inside) -> Facts:
    """Facts of one track in fragments: times from its boxes, its first and its last decoded."""
    stream = container.streams[0]
    stream.codec_context.options = {"err_detect": "explode"}
    known, clock = inside.fragmented, inside.fragmented.timescale
    first = _first(container, stream)
    last = _decode(container, [stream], Fraction(known.segments[-1].start, clock), None)
    size = _size(stream, first)
    is_film = stream.type == "video"
    return Facts(
        kind=Kind.VIDEO if is_film else Kind.AUDIO,
        container=container.format.name,
        duration_ms=ms(Fraction(inside.end, clock)),
        streams=(),
        decodes=bool(first and last),
        width=size[0] if size else None,
        height=size[1] if size else None,
        frames=inside.samples if is_film else None,
        video_codec=stream.codec_context.codec.canonical_name if is_film else "",
        audio_codec="" if is_film else stream.codec_context.codec.canonical_name,
        fragmented=known,
    )


def _first(container: Any, stream: Any) -> list[Any]:
    """The first picture, or a few packets of sound."""
    frames: list[Any] = []
    # The empty packet at the end of a short film would flush the decoder, which is done below.
    there = (packet for packet in container.demux(stream) if packet.size)
    try:
        for packet in itertools.islice(there, _FIRST[stream.type]):
            frames += packet.decode()
        frames += stream.codec_context.decode(None)
        stream.codec_context.flush_buffers()
    except (av.error.FFmpegError, ValueError):
        return []
    return frames


def _facts(container: Any) -> Facts:
    streams = [*container.streams.video[:1], *container.streams.audio[:1]]
    for stream in streams:
        stream.codec_context.options = {"err_detect": "explode"}
    walks = {stream.index: _Walk(Timeline(stream.time_base or MS)) for stream in streams}
    for packet in container.demux(*streams):
        if packet.size and packet.pts is not None and not packet.is_discard:
            walks[packet.stream.index].take(packet)
    seen = tuple(_stream(stream, walks[stream.index]) for stream in streams)
    video = next((one for one in seen if one.type == "video"), None)
    audio = next((one for one in seen if one.type == "audio"), None)
    start = min((walk.times.first_s for walk in walks.values()), default=Fraction(0))
    end = max((walk.times.end_s() for walk in walks.values()), default=Fraction(0))
    first, last = _decoded(container, streams, end)
    size = _size(streams[0], first)
    return Facts(
        kind=Kind.VIDEO if video else Kind.AUDIO,
        container=container.format.name,
        duration_ms=ms(end - start),
        streams=seen,
        decodes=bool(first and last),
        width=size[0] if size else None,
        height=size[1] if size else None,
        frames=video.packets if video else None,
        video_codec=video.codec if video else "",
        audio_codec=audio.codec if audio else "",
        audio_duration_ms=audio.duration_ms if audio else None,
    )


@dataclass(slots=True)
class _Walk:
    """What passes of one stream: its times, and whether they go on as they should."""

    times: Timeline
    shown: array[int] = field(default_factory=lambda: array("q"))
    turn: int | None = None
    ascends: bool = True

    def take(self, packet: Any) -> None:
        """Take in a packet."""
        self.times.add(packet.pts, packet.duration or 0, packet.size)
        self.shown.append(packet.pts)
        if packet.dts is not None:
            self.ascends &= self.turn is None or packet.dts > self.turn
            self.turn = packet.dts

    @property
    def in_order(self) -> bool:
        """True where each has a time of its own to be shown and is decoded after the one before."""
        return self.ascends and len({*self.shown}) == len(self.shown)


def _stream(stream: Any, walk: _Walk) -> StreamFacts:
    times = walk.times
    return StreamFacts(
        index=stream.index,
        type=stream.type,
        codec=stream.codec_context.codec.canonical_name,
        packets=times.packets,
        first_pts_ms=ms(times.first_s),
        last_pts_ms=ms(times.last[0] * times.tick),
        duration_ms=ms(times.end_s() - times.first_s),
        in_order=walk.in_order,
    )


def _decoded(container: Any, streams: list[Any], end: Fraction) -> tuple[list[Any], list[Any]]:
    """Frames of the first group of pictures and of the last; empty where one has a complaint."""
    start = _decode(container, streams, Fraction(0), _FIRST[streams[0].type])
    return start, _decode(container, streams, max(Fraction(0), end - _END_S), None)


def _decode(container: Any, streams: list[Any], at: Fraction, keys: int | None) -> list[Any]:
    """Frames from the key packet before `at` seconds on, `keys` key packets long or to the end."""
    frames: list[Any] = []
    try:
        container.seek(int(at * av.time_base), backward=True)
        for packet in container.demux(*streams):
            if keys is not None and packet.is_keyframe and packet.stream is streams[0]:
                keys -= 1
                if keys < 0:
                    break
            frames += packet.decode()
    except (av.error.FFmpegError, ValueError):
        return []
    return [] if any(frame.is_corrupt for frame in frames) else frames


def _size(stream: Any, frames: list[Any]) -> tuple[int, int] | None:
    """Width and height of the first picture as a player shows it."""
    picture = next((frame for frame in frames if hasattr(frame, "rotation")), None)
    if picture is None:
        return None
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    return displayed((picture.width, picture.height), None, aspect, -picture.rotation % 360)
