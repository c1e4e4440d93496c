"""Film and sound, read in the child: streams as they are displayed and heard, not as labelled.

Owns opening with a forced demuxer, one pass over the packets that times every stream and decodes
a few frames of each, and what follows from them. Refuses playlists, other files and other
protocols, and streams of which nothing decodes. Runs only inside a confined child; `probe` is the
parent's side, `probe_time` the arithmetic, `probe_streams` turns what was seen into values.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

import av
import av.error
import av.logging
from av.container import InputContainer
from av.stream import Disposition

from pipeline import (
    diagnose,
    probe_cuts,
    probe_moments,
    probe_programs,
    probe_protected,
    probe_ready,
    probe_streams,
)
from pipeline.errors import BadInput, OverLimit, Unreadable
from pipeline.figures import clock
from pipeline.model import Kind, Limits, Probe, VideoStream
from pipeline.probe_clock import COPIES, Clock, goes_on
from pipeline.probe_packets import packets
from pipeline.probe_streams import MS, Seen
from pipeline.probe_time import ENOUGH, Timeline
from pipeline.remote import Readable, RemoteFile
from pipeline.sniff import Sniffed

_WHOLE_BYTES = 256 << 20  # read to the end up to here: a second of disk at most
_SAMPLE_BYTES = 64 << 20  # of larger files, look for decodable frames no farther than this
_TAIL_S = 10  # of larger files, look for the end from here before the claimed one
_FRAMES = {"video": 6, "audio": 1}  # pictures enough to tell interlacing in any field order
_LOG = 40  # lines of the libraries' own complaints kept as evidence
_PLACES = 5  # named in a note; more help nobody
_ASKED = 64  # times in vain, until a file that is cut off has nothing more
_GIVE_UP = 600  # packets that do not decode before a stream counts as broken
_TS_DISCONT = 0x200  # AVFMT_TS_DISCONT
# Where only some pictures have a time, because several share a packet of the wire, or none has.
_SPARSE = _TS_DISCONT | probe_moments.NO_TIMES
_KEYS = 3  # in broadcast streams, so many key frames show how far they are apart
_PROGRAMS = "The recording holds several programs; the one with the largest picture is published."
_NOT_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(slots=True)
class _Pass:
    """One walk over a file's packets; `reach_s` is the end of whatever is in the file.

    `keys` is how many key frames it wants to see of each picture; `hits` are the seconds, by the
    file's clock, at which something did not arrive whole. The `clock` is watched where it may jump.
    """

    seen: dict[int, Seen]
    keys: int = 0
    bytes: int = 0
    reach_s: Fraction = Fraction(0)
    damaged: bool = False
    hits: set[int] = field(default_factory=set)
    clock: Clock | None = None
    failed: Counter[int] = field(default_factory=Counter)

    @property
    def knows_enough(self) -> bool:
        """True when every stream has shown its frames and its rate, or has had its chance."""
        return self.bytes > _SAMPLE_BYTES or all(
            not self.wants(seen) and (seen.type != "video" or self._is_known(seen))
            for seen in self.seen.values()
        )

    def _is_known(self, seen: Seen) -> bool:
        return len(seen.times.starts) >= ENOUGH and len(seen.keys) >= self.keys

    def stumbled(self) -> None:
        """Remember that something could not be read here."""
        self.hits.add(int(self.reach_s))

    def wants(self, seen: Seen) -> bool:
        """True while a stream has to show more frames."""
        return len(seen.frames) < _FRAMES[seen.type] and self.failed[seen.index] < _GIVE_UP


def examined(stream: Readable, kind: Sniffed, limits: Limits, *, straight: bool) -> Probe:
    """Everything `model.Probe` asks of a film or sound file.

    Where its clock starts anew on the way, it is only that, unless it is taken for `straight`.
    Raises Unreadable, Unsupported, OverLimit or Hostile.
    """
    probe_protected.refuse(stream, kind.demuxer)
    # Now, for from here on it is read elsewhere.
    size = stream.seek(0, os.SEEK_END)
    small = size <= _WHOLE_BYTES
    with av.logging.Capture() as log, _opened(stream, kind.demuxer, limits) as container:
        _refuse_streams(container, limits)
        keys = _KEYS if _is_broadcast(container) else 0
        walk = _Pass(_to_watch(container, limits), keys)
        if kind.demuxer in COPIES and not straight:
            walk.clock = Clock()
        complete = _walk(container, walk, whole=small or not container.duration)
        if walk.clock and (walk.clock.restarts or not (complete or goes_on(container, size))):
            return Probe(kind=Kind.VIDEO, container=kind.name, demuxer=kind.demuxer, restarts=True)
        if not complete:
            _look_at_end(container, walk, size)
        if kind.demuxer == "mov" and walk.reach_s < _claimed_s(container):
            _look_behind_cut(container, walk)
        if not any(seen.frames for seen in walk.seen.values()):
            raise _unplayable(container, walk, "".join(line for _, _, line in log[-_LOG:]))
        return _told(container, kind, walk, limits)


@contextmanager
def _opened(stream: Readable, demuxer: str, limits: Limits) -> Iterator[InputContainer]:
    """Open with this demuxer and no other, following nothing the file points at."""
    av.logging.set_level(av.logging.INFO)  # `dumps_format` is silent below
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "max_pixels": str(limits.max_frame_pixels),
        "max_streams": str(limits.max_streams * 4),
    }
    stream.seek(0)
    source: Any = stream if isinstance(stream, RemoteFile) else f"file:{stream.name}"
    try:
        container = av.open(source, format=demuxer, options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise diagnose.unreadable(f"{error!r}") from error
    with container:
        yield container


def _refuse_streams(container: InputContainer, limits: Limits) -> None:
    count = len(container.streams)
    if count > limits.max_streams:
        raise OverLimit(
            f"The file holds {count} tracks, more than the {limits.max_streams} allowed"
            " (limits.max_streams)."
        )
    for stream in container.streams.video:
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > limits.max_frame_pixels:
            raise OverLimit(
                f"The picture is {width}x{height}, more than the {limits.max_frame_pixels} pixels"
                " allowed (limits.max_frame_pixels)."
            )


# --- one pass over the packets ----------------------------------------------------------------


def _to_watch(container: InputContainer, limits: Limits) -> dict[int, Seen]:
    """Pictures and sounds with a decoder."""
    seen = {}
    for stream in _played(container):
        if stream.codec_context is None:
            continue
        if stream.type == "video":
            stream.codec_context.options = _decoder(limits)
        else:
            probe_streams.place(stream)
        stream.codec_context.thread_type = "NONE"  # frames without delay, and fewer threads
        seen[stream.index] = Seen(stream, Timeline(stream.time_base or MS))
    return seen


def _decoder(limits: Limits) -> dict[str, str]:
    """Refuse bombs before they are decoded; and what smoothes pictures is not worth its time."""
    return {"max_pixels": str(limits.max_frame_pixels), "skip_loop_filter": "all"}


def _walk(container: InputContainer, walk: _Pass, *, whole: bool) -> bool:
    """Time packets and decode the first ones; True if it went on to the end of the file."""
    try:
        for packet in packets(container, stumbled=walk.stumbled):
            _take(walk, packet)
            if not whole and walk.knows_enough:
                return False
    except av.error.FFmpegError:
        walk.damaged = True
    return True


def _take(walk: _Pass, packet: Any) -> None:
    """Time a packet, and decode it where its stream has not shown enough yet."""
    walk.bytes += packet.size
    if walk.clock:
        walk.clock.move(packet)
    _time(walk, packet)
    seen = walk.seen.get(packet.stream.index)
    if seen is None:
        return
    _note_key(seen, packet)
    if walk.wants(seen):
        try:
            seen.frames += seen.decoded(packet)
        except (av.error.FFmpegError, ValueError):
            walk.failed[seen.index] += 1


def _note_key(seen: Seen, packet: Any) -> None:
    """Remember where a stream can be entered, and whether pictures there need what was before."""
    seen.discards |= packet.is_discard
    if packet.is_keyframe and packet.size and packet.pts is not None:
        seen.keys.append(packet.pts)
        if seen.closed and seen.stream.codec_context.name == "h264":
            extradata = seen.stream.codec_context.extradata
            seen.closed = probe_ready.starts_afresh(extradata, packet)


def _time(walk: _Pass, packet: Any) -> None:
    start = packet.dts if packet.pts is None else packet.pts
    seen = walk.seen.get(packet.stream.index)
    if start is None and seen and packet.stream.container.format.flags & _SPARSE:
        start = seen.times.end  # one after the other is all that is said of it
    if start is None or not packet.size or packet.is_discard:
        return
    length = packet.duration or 0
    walk.reach_s = max(walk.reach_s, (start + length) * (packet.time_base or MS))
    if seen:
        seen.times.add(start, length, packet.size)
        if _shows(seen):
            probe_cuts.note(seen, packet)
        if packet.is_corrupt:
            walk.hits.add(int(start * (packet.time_base or MS)))


def _look_at_end(container: InputContainer, walk: _Pass, size: int) -> None:
    """Of a large file, time the last seconds that it has."""
    for seen in walk.seen.values():
        seen.is_partial = True
    known_s = walk.reach_s
    for number, end_s in enumerate(_ends(container, walk, size)):
        _time_from(container, walk, end_s)
        if walk.reach_s > known_s:
            for seen in walk.seen.values():
                seen.is_cut = number > 0
            break


def _ends(container: InputContainer, walk: _Pass, size: int) -> Iterator[Fraction]:
    """Where it may end: as it claims, or where its index says that it was cut off.

    Where nothing lies there, all of it has to be read.
    """
    yield _claimed_s(container)
    yield _there_s(walk, size)
    yield Fraction(0)


def _time_from(container: InputContainer, walk: _Pass, end_s: Fraction) -> None:
    """Time what begins at most so much before `end_s`."""
    try:
        container.seek(max(0, int((end_s - _TAIL_S) * av.time_base)), backward=True)
        for packet in packets(container, stumbled=walk.stumbled):
            _time(walk, packet)
    except av.error.FFmpegError:
        walk.damaged = True


def _there_s(walk: _Pass, size: int) -> Fraction:
    """Up to where a file is there by an index that comes first; 0 where there is none."""
    return max(
        (
            entry.timestamp * (seen.stream.time_base or MS)
            for seen in walk.seen.values()
            for entry in seen.stream.index_entries
            if 0 <= entry.pos <= size - entry.size
        ),
        default=Fraction(0),
    )


def _look_behind_cut(container: InputContainer, walk: _Pass) -> None:
    """Time what is left of a file that is cut off.

    FFmpeg ends with the first track that does, and asked again goes on with the others.
    """
    idle = 0
    while idle < _ASKED:
        idle += 1
        with suppress(av.error.FFmpegError):
            for packet in container.demux():
                _time(walk, packet)
                idle = 0 if packet.size else idle


# --- what follows from it ---------------------------------------------------------------------


def _told(container: InputContainer, kind: Sniffed, walk: _Pass, limits: Limits) -> Probe:
    dump = cast("Any", container).dumps_format()
    played = [seen for seen in walk.seen.values() if seen.frames]
    elsewhere = probe_programs.elsewhere([seen.stream for seen in played], dump)
    kept = [seen for seen in played if seen.index not in elsewhere]
    probe_streams.refuse_closed(dump)
    crops = probe_streams.crops(dump)
    start_s = _start_s(container, kept)
    told_s = max(_claimed_s(container) + start_s, probe_streams.end_s(filter(_sounds, kept)))
    for seen in filter(_shows, kept):
        seen.times.told_s = told_s
    length_s = probe_streams.end_s(kept) - start_s
    for seen in filter(_shows, kept):
        probe_moments.look(container, seen, start_s, length_s)
    indexed = not _is_broadcast(container)
    video = tuple(
        _judged(one, probe_streams.video(one, crops.get(one.index), start_s), kind, indexed=indexed)
        for one in filter(_shows, kept)
    )
    probe = Probe(
        kind=Kind.VIDEO if video else Kind.AUDIO,
        container=kind.name,
        demuxer=kind.demuxer,
        duration_ms=probe_streams.ms(length_s),
        start_ms=probe_streams.ms(start_s),
        video=video,
        audio=tuple(probe_streams.audio(one, start_s) for one in filter(_sounds, kept)),
        text=tuple(one for one in probe_streams.texts(container) if one.index not in elsewhere),
        cover_index=probe_streams.cover(container),
        chapters=probe_streams.chapters(container, float(length_s)),
        tags=probe_streams.tags(container),
        notes=(
            *([_PROGRAMS] if len(kept) < len(played) else []),
            *_notes(container, walk, float(length_s)),
            *_hits(walk, start_s),
        ),
    )
    _refuse_length(probe, limits)
    return dataclasses.replace(probe, cuts=_cuts(container, probe, walk, start_s))


def _cuts(
    container: InputContainer, probe: Probe, walk: _Pass, start_s: Fraction
) -> tuple[tuple[int, int], ...]:
    """Where the main picture can be cut, if its rate is uneven; as `plan_film` chooses it."""
    best = max(probe.video, key=lambda s: (s.default, s.width * s.height, -s.index), default=None)
    if best is None or not best.variable_rate or best.interlaced:
        return ()
    # Where timestamps may jump, as in MPEG-TS, ffmpeg's clock starts with the first of the streams
    # that it uses: with the picture, where it reads that alone.
    if _is_broadcast(container) and best.start_ms:
        return ()
    return probe_cuts.cuts(walk.seen[best.index], probe.demuxer, start_s)


def _judged(seen: Seen, stream: VideoStream, kind: Sniffed, *, indexed: bool) -> VideoStream:
    """A stream with what only its packets tell: its key frames, and whether it is ready."""
    longest_ms = probe_ready.key_ms(seen, indexed=indexed)
    run_in_ms = probe_ready.run_in_ms(seen, longest_ms)
    timed = dataclasses.replace(stream, key_ms=longest_ms, run_in_ms=run_in_ms)
    ready = probe_ready.web_ready(seen, timed, kind.demuxer)
    return dataclasses.replace(timed, web_ready=ready)


def _is_broadcast(container: InputContainer) -> bool:
    """True for streams without an index, in which timestamps may jump."""
    return bool(container.format.flags & _TS_DISCONT)


def _shows(seen: Seen) -> bool:
    return seen.type == "video"


def _sounds(seen: Seen) -> bool:
    return not _shows(seen)


def _claimed_s(container: InputContainer) -> Fraction:
    return Fraction(container.duration or 0, av.time_base)


def _unplayable(container: InputContainer, walk: _Pass, log: str) -> BadInput:
    """Why nothing of a file decodes; a decoder that refuses a size forgets it, its log does not."""
    found = diagnose.failure(log)
    if isinstance(found, OverLimit):
        return found
    if not walk.seen:
        return Unreadable("There is no picture and no sound in the file.", evidence=log)
    if container.duration and not any(seen.times.packets for seen in walk.seen.values()):
        return Unreadable(
            "The file was cut short: it says what should be in it, but the recording itself is"
            " missing. Copy it again from the card.",
            evidence=log,
        )
    return Unreadable(
        "Nothing in the file can be played: no picture and no sound of it decodes.", evidence=log
    )


def _start_s(container: InputContainer, kept: list[Seen]) -> Fraction:
    """Where ffmpeg's clock starts: what a codec or an edit list puts before is not shown."""
    if container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    return min(one.times.first_s for one in kept)


def _notes(container: InputContainer, walk: _Pass, there_s: float) -> tuple[str, ...]:
    claimed_s = float(_claimed_s(container))
    read_s = max(float(seen.times.end_s() - seen.times.first_s) for seen in walk.seen.values())
    missing_s = claimed_s - max(float(walk.reach_s), read_s)
    notes = []
    if missing_s > max(1.0, 0.05 * claimed_s):
        notes.append(
            f"The file says it lasts {_clock(claimed_s)}, but only {_clock(there_s)} is there."
        )
    elif walk.damaged:
        notes.append(f"The file is damaged after {_clock(there_s)}; what follows is lost.")
    for stream in _played(container):
        # Of some, FFmpeg has no decoder at all: the sound all around of newer phones is one.
        if stream.index not in walk.seen or not walk.seen[stream.index].frames:
            what = "picture" if stream.type == "video" else "sound"
            notes.append(f"Track {stream.index + 1} ({what}) cannot be decoded and was left out.")
    return tuple(notes)


def _played(container: InputContainer) -> Iterator[Any]:
    """The tracks that are there to be seen or heard: no cover art, no data, no subtitles."""
    for stream in (*container.streams.video, *container.streams.audio):
        if not stream.disposition & _NOT_PICTURES:
            yield stream


def _hits(walk: _Pass, start_s: Fraction) -> Iterator[str]:
    """Where a recording off the air, or off a bad card, has holes in it."""
    places = [clock(max(0, second - int(start_s)) * 1000) for second in sorted(walk.hits)]
    if places:
        more = " and elsewhere" if len(places) > _PLACES else ""
        where = ", ".join(places[:_PLACES]) + more
        yield f"The recording is damaged at {where}: pictures or sound may be missing there."


def _refuse_length(probe: Probe, limits: Limits) -> None:
    seconds = (probe.duration_ms or 0) / 1000
    if seconds > limits.max_duration_s:
        raise OverLimit(
            f"It lasts {_clock(seconds)}, longer than the {_clock(limits.max_duration_s)} allowed"
            " (limits.max_duration_s)."
        )


def _clock(seconds: float) -> str:
    return clock(int(seconds) * 1000)
