"""What a finished output really is: every packet counted, its two ends decoded.

Owns the measuring of our own MP4, M4A and MP3 files, in the child. Refuses nothing: it reports,
and `render` compares with what was ordered. Read `facts` for the meaning of each number.
"""

from __future__ import annotations

import dataclasses
import itertools
import mmap
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.stream import Disposition

from pipeline import diagnose, fragments
from pipeline.errors import Unreadable
from pipeline.facts import Facts, StreamFacts
from pipeline.model import Kind
from pipeline.probe_streams import MS, displayed, ms
from pipeline.probe_time import Timeline

_END_S = 2  # the last group of pictures begins no earlier than this before the end, or is longer
_NEAR_S = Fraction(1, 10)  # every picture is decoded this long before an end or a seam, and after
_FIRST = {"video": 1, "audio": 20}  # packets: a picture, half a second of sound
# Damage lies in the bits and is told by reading them; nobody looks at these pictures.
_DECODER = {"err_detect": "explode", "skip_loop_filter": "all"}
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": "mov,mp3"}


def measure(paths: list[str], seams_ms: Sequence[int] = ()) -> list[dict[str, Any]]:
    """The child's side of `probe.facts` and `probe.facts_of_all`."""
    return [dataclasses.asdict(measured(path, seams_ms)) for path in paths]


def measured(path: str, seams_ms: Sequence[int] = ()) -> Facts:
    """Facts about the file at `path`. Raises Unreadable when it cannot be opened."""
    try:
        with av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace") as container:
            if not container.streams.video and not container.streams.audio:
                raise Unreadable("There is no picture and no sound in the file.")
            for stream in (*container.streams.video, *container.streams.audio):
                stream.codec_context.options = _DECODER
            inside = _inside(path) if "mp4" in container.format.name else None
            return _fragmented(container, inside) if inside else _facts(container, seams_ms)
    except (av.error.FFmpegError, ValueError) as error:
        raise diagnose.unreadable(f"{error!r}") from error


def _passes(container: Any, video: Any, at: Fraction) -> bool:
    """Decode across a seam: its first picture is a key frame, and all before it are there."""
    try:
        container.seek(max(0, int((at - _NEAR_S) / video.time_base)), stream=video)
        for packet in container.demux(video):
            _spare(packet, at - _NEAR_S)
            frames = packet.decode()
            if any(frame.is_corrupt for frame in frames):
                return False
            if any(frame.time is not None and frame.time > at + _NEAR_S for frame in frames):
                return True
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _spare(packet: Any, near_s: Fraction) -> None:
    """Before `near_s`, decode those pictures alone that later ones are built on: half the work."""
    if packet.stream.type == "video" and packet.pts is not None:
        is_far = packet.pts * packet.time_base < near_s
        packet.stream.codec_context.skip_frame = "NONREF" if is_far else "DEFAULT"


def _inside(path: str) -> fragments.Inside | None:
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as all_,
    ):
        return fragments.read(all_)


def _fragmented(container: Any, inside: fragments.Inside) -> Facts:
    """Facts of one track in fragments: times from its boxes, its first and its last decoded."""
    stream = container.streams[0]
    known, clock = inside.fragmented, inside.fragmented.timescale
    first = _first(container, stream)
    last = _last(container, [stream], Fraction(known.segments[-1].start, clock), inside.end_s)
    size = _size(stream, first)
    is_film = stream.type == "video"
    return Facts(
        kind=Kind.VIDEO if is_film else Kind.AUDIO,
        container=container.format.name,
        duration_ms=ms(inside.end_s),
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


def _facts(container: Any, seams_ms: Sequence[int]) -> Facts:
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    streams = [*films[:1], *container.streams.audio[:1]]
    walks = {stream.index: _Walk(Timeline(stream.time_base or MS)) for stream in streams}
    for packet in container.demux(*streams):
        if packet.size and packet.pts is not None and not packet.is_discard:
            walks[packet.stream.index].take(packet)
    seen = tuple(_stream(stream, walks[stream.index]) for stream in streams)
    video = next((one for one in seen if one.type == "video"), None)
    audio = next((one for one in seen if one.type == "audio"), None)
    start = min((walk.times.first_s for walk in walks.values()), default=Fraction(0))
    end = max((walk.times.end_s() for walk in walks.values()), default=Fraction(0))
    first = [_first_of(container, stream) for stream in streams]
    over = walks[streams[0].index].times.end_s()
    last = _last(container, streams, max(Fraction(0), end - _END_S), over)
    size = _size(streams[0], first[0])
    return Facts(
        kind=Kind.VIDEO if video else Kind.AUDIO,
        container=container.format.name,
        duration_ms=ms(end - start),
        streams=seen,
        decodes=bool(all(first) and last),
        broken_ms=tuple(
            at for at in seams_ms if not _passes(container, streams[0], Fraction(at, 1000))
        ),
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


def _first_of(container: Any, stream: Any) -> list[Any]:
    container.seek(0, backward=True)
    return _first(container, stream)


def _last(container: Any, streams: list[Any], at: Fraction, end: Fraction) -> list[Any]:
    """Frames from the key packet before `at` seconds to the end; none where one has a complaint."""
    frames: list[Any] = []
    try:
        container.seek(int(at * av.time_base), backward=True)
        for packet in container.demux(*streams):
            _spare(packet, end - _NEAR_S)
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
