"""Where the parts of a film lie in its file, read in the child from the film's own index.

Owns the turning of streams and times into byte ranges, for MP4 and MOV whose index (`moov`) is
there and whose data need not be. Refuses to follow positions out of the file and to answer without
an end. Runs only inside a confined child; `partial` is the parent's side and fetches the ranges.
"""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.logging
from av.container import InputContainer
from av.stream import Disposition

from pipeline import diagnose
from pipeline.errors import Unreadable
from pipeline.model import adapter
from pipeline.partial import AFTERMATH_S, MORE_KEYS, Reach
from pipeline.probe_streams import MS
from pipeline.sparse import Ranges

# FFmpeg looks at so much of every film before the first frame that it was asked for
# (`probesize`; `analyzeduration` ends it earlier), whichever streams are wanted.
_OPENING_BYTES = 5 << 20
_AT_LEAST = 16  # first packets of every stream, also where they lie far from the others'
_PREROLL_S = 1  # to the start of a stretch: rounded timestamps, sound that must swing in
_JOIN_BYTES = 4 << 10  # a block of a disk: holes smaller than this save nothing
_MAX_RANGES = 400_000  # of an answer, which must fit into 16 MB


def reached(path: str, wanted: dict[str, Any]) -> Ranges:
    """Byte ranges (start, end) of what a `Reach` names, sorted; raises Unreadable."""
    reach: Reach = adapter(Reach).validate_python(wanted)
    with opened(f"file:{path}", "mov") as container:
        streams = _chosen(container, reach.streams)
        spans = (_span(container, streams, reach, span) for span in reach.spans)
        found = itertools.chain(_opening(container), *spans)
        return _joined(found, Path(path).stat().st_size)


@contextmanager
def opened(source: Any, demuxer: str) -> Iterator[InputContainer]:
    """Open a film by its name, or by a file to be read, of which not all need be there.

    Raises Unreadable where it cannot be opened, or later be read.
    """
    av.logging.set_level(None)  # of course it finds the frames damaged
    options = {"protocol_whitelist": "file", "format_whitelist": demuxer}
    try:
        with av.open(
            source, format=demuxer, options=options, metadata_errors="replace"
        ) as container:
            yield container
    except (av.error.FFmpegError, ValueError) as error:
        raise diagnose.unreadable(f"{error!r}") from error


def _chosen(container: InputContainer, indexes: tuple[int, ...]) -> list[Any]:
    """Streams by FFmpeg's index; raises Unreadable when one is not there or has no index."""
    there: dict[int, Any] = {stream.index: stream for stream in container.streams}
    if not all(index in there and len(there[index].index_entries) for index in indexes):
        raise Unreadable("The file's index does not tell where its tracks lie.")
    return [there[index] for index in indexes]


def _pictures(container: InputContainer) -> list[Any]:
    """The streams of moving pictures."""
    stills = Disposition.attached_pic | Disposition.timed_thumbnails
    return [one for one in container.streams.video if not one.disposition & stills]


# --- what is wanted ---------------------------------------------------------------------------


def _opening(container: InputContainer) -> Iterator[Any]:
    """The first packets of all streams in the order of their times."""
    for stream in container.streams:
        yield from stream.index_entries[:_AT_LEAST]
    spent = 0
    timed = (_timed(stream) for stream in container.streams)
    for _, entry in heapq.merge(*timed, key=operator.itemgetter(0)):
        yield entry
        spent += entry.size
        if spent >= _OPENING_BYTES:
            return


def _timed(stream: Any) -> Iterator[tuple[Fraction, Any]]:
    tick = stream.time_base or MS
    return ((entry.timestamp * tick, entry) for entry in stream.index_entries)


def _span(
    container: InputContainer,
    streams: list[Any],
    reach: Reach,
    span: tuple[Fraction, Fraction | None],
) -> Iterator[Any]:
    if reach.key_frames_only:
        return _keys(container, streams, span)
    return _span_of(container, streams, span)


def _span_of(
    container: InputContainer, streams: list[Any], span: tuple[Fraction, Fraction | None]
) -> Iterator[Any]:
    """Everything of `streams` that must be read to show `span`."""
    start, end = _on_file_clock(container, span)
    anchor = _anchor(container, start - _PREROLL_S)
    for stream in streams:
        last = None if end is None else end + AFTERMATH_S
        yield from _between(stream, _key_before(stream, anchor), last)


def _anchor(container: InputContainer, start: Fraction) -> Fraction:
    """When reading begins in order to show `start`.

    FFmpeg goes to a key frame of the picture first, whatever it is asked for, and takes the other
    streams from there.
    """
    keys = (_time_at(one, _key_before(one, start)) for one in _pictures(container))
    return min((start, *keys))


def _keys(
    container: InputContainer, streams: list[Any], span: tuple[Fraction, Fraction | None]
) -> Iterator[Any]:
    """Key frames alone, from the last but one before `span` to some behind it."""
    start, end = _on_file_clock(container, span)
    anchor = _anchor(container, start)
    for stream in streams:
        tick = stream.time_base or MS
        nearest = _time_at(stream, _key_before(stream, anchor))
        first = _key_before(stream, nearest - tick)
        keys = (entry for entry in _between(stream, first, None) if entry.is_keyframe)
        behind = 0
        for entry in keys:
            yield entry
            behind += end is not None and entry.timestamp * tick > end
            if behind == MORE_KEYS:
                break


# --- where it lies ----------------------------------------------------------------------------


def zero_s(container: InputContainer) -> Fraction:
    """Where FFmpeg's clock starts, on that of the file."""
    return Fraction(container.start_time or 0, av.time_base)


def _on_file_clock(
    container: InputContainer, span: tuple[Fraction, Fraction | None]
) -> tuple[Fraction, Fraction | None]:
    first = zero_s(container)
    return first + span[0], None if span[1] is None else first + span[1]


def _key_before(stream: Any, moment: Fraction) -> int:
    """The place in the index of the last key frame not after `moment` seconds, or of the first."""
    tick = stream.time_base or MS
    return max(0, int(stream.index_entries.search_timestamp(int(moment // tick))))


def _time_at(stream: Any, place: int) -> Fraction:
    if place >= len(stream.index_entries):
        return Fraction(0)
    return Fraction(stream.index_entries[place].timestamp * (stream.time_base or MS))


def _between(stream: Any, first: int, end: Fraction | None) -> list[Any]:
    """Entries of the index from a place on, to `end` seconds or to the last."""
    entries, last = stream.index_entries, None
    if end is not None:
        moment = int(end // (stream.time_base or MS))
        last = max(first, int(entries.search_timestamp(moment, any_frame=True))) + 1
    found: list[Any] = entries[first:last]
    return found


def _joined(entries: Iterable[Any], size: int) -> Ranges:
    """Entries as few sorted ranges within a file of `size` bytes."""
    ends = ((entry.pos, min(entry.pos + entry.size, size)) for entry in entries)
    ranges = sorted({(start, end) for start, end in ends if 0 <= start < end})
    gap = _JOIN_BYTES
    while len(joined := list(_merged(ranges, gap))) > _MAX_RANGES:
        gap *= 2
    return joined


def _merged(ranges: Ranges, gap: int) -> Iterator[tuple[int, int]]:
    """Sorted ranges, those joined that are less than `gap` bytes apart."""
    held: tuple[int, int] | None = None
    for start, end in ranges:
        if held is not None and start - held[1] < gap:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held
