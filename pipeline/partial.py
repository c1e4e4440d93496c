"""The part of a large source that a piece of work needs, as a local file with holes elsewhere.

Owns what is needed of a source (`reach`) and which way it is brought here: in a sparse file of its
full size, where every tool finds everything at its own place; from first to last byte through a
tool's standard input, where it is read once and nothing of it need stay; or whole, where a part
cannot be told or would not pay. Refuses to parse anything in this process (`probe_index` and
`probe_walk` do, in a child), to fetch (`sparse` does), and to mix two states of an object.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput, ToolBug, Unreadable
from pipeline.model import (
    AudioOut,
    CaptionsOut,
    CopyOut,
    Limits,
    PosterOut,
    Probe,
    SoundOut,
    SoundTrack,
    Source,
    Step,
    WaveformOut,
    adapter,
)
from pipeline.probe import Bringer, ask, child, probe
from pipeline.process import Service
from pipeline.sparse import Excess, Ranges, SparseCopy, changed, framework, part, through
from pipeline.store import DirStore, Store

log = logging.getLogger(__name__)

LARGE_BYTES = 64 << 20
"""Smaller sources are copied whole: one transfer serves every step of the same worker."""

PROBED_WHOLE_BYTES = 256 << 20
"""Up to here a probe reads a file to its end (`probe_media`), so it needs all of it."""

# Where FFmpeg finds a moment by looking around in the file, and is found to look at the same places
# each time. It reads them alike when it cannot go back, but for the times of pictures in MXF. MP4
# and MOV belong here where they have no index for the whole of them.
_WALKED = ("asf", "avi", "flv", "matroska", "mov", "mpeg", "mpegts", "mxf")

AFTERMATH_S = 2
"""What is wanted behind the end of a stretch.

Reordered frames, what deinterlacing looks ahead, and the frames that a decoder of many threads
wants to have before it hands out the first.
"""

MORE_KEYS = 4
"""So many key frames a decoder that reorders frames may want before it hands out the first."""

_RESTARTS = "The recording's clock starts anew on the way; its parts follow one another."
_APART = "The recording's clock starts anew on the way: what comes then may be missing."

# The share of a file that is worth fetching by parts.
_WORTH = Fraction(1, 2)
# Bytes in a second that a store must bring for a child not to be taken for one that hangs.
_SLOWEST = 2 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is needed of a film: streams by FFmpeg's index, and spans of time in seconds.

    Times are those of `ffmpeg -copyts -start_at_zero`: the container's clock less its start time.
    An end of None is the end of the film. `pictures` is False where no stream is one of pictures;
    `key_frames_only` leaves all other frames out.
    """

    streams: tuple[int, ...]
    spans: tuple[tuple[Fraction, Fraction | None], ...]
    pictures: bool = True
    key_frames_only: bool = False

    @property
    def is_all(self) -> bool:
        """True where it is read from the first byte to the last, without going anywhere."""
        return self.spans == ((Fraction(0), None),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A source as a piece of work gets it.

    `whole` is False where the file at `path` has holes. Where there is a `service`, it has nothing
    but holes: tools read the source from their standard input instead.
    """

    path: Path
    whole: bool = True
    service: Service | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where files may lie: whole copies in `cache`, parts in `scratch`, which one job owns."""

    cache: Path
    scratch: Path
    limits: Limits


def reach(step: Step) -> Reach | None:
    """What a step reads of its source; None where it is everything, or cannot be told."""
    streams = tuple(sorted(set(_streams(step))))
    if not streams:
        return None
    posters = [out for out in step.outputs if isinstance(out, PosterOut)]
    moments = sorted({Fraction(ms, 1000) for out in posters for ms in out.moments_ms})
    if not moments or any(out.every_ms for out in posters):
        shown = step.treatment is not None or any(isinstance(o, CopyOut) for o in step.outputs)
        return Reach(streams=streams, spans=(_span(step),), pictures=shown)
    return Reach(
        streams=streams,
        spans=tuple((moment, moment) for moment in moments),
        # One moment is a reporter's choice, found to the frame; among many, key frames will do.
        key_frames_only=len(moments) > 1,
    )


def _span(step: Step) -> tuple[Fraction, Fraction | None]:
    """From where a step begins to read (`graph_input.begun`) to the end of its span."""
    span = step.span
    if any(isinstance(out, CaptionsOut) for out in step.outputs):  # are clipped when they are read
        return Fraction(0), None
    if span.run_in_s is None:  # it cannot begin anywhere else
        return Fraction(0), span.end_s
    return max(Fraction(0), span.start_s - span.run_in_s), span.end_s


def _streams(step: Step) -> Iterator[int]:
    """Every stream that a step or one of its outputs names."""
    if step.treatment is not None:
        yield step.treatment.stream
    if step.sound is not None:
        yield from _sides(step.sound)
    for out in step.outputs:
        match out:
            case SoundOut() | AudioOut() | WaveformOut():
                yield from _sides(out.track)
            case CopyOut() | CaptionsOut() if out.stream is not None:
                yield out.stream


def _sides(track: SoundTrack) -> tuple[int, ...]:
    return (track.stream,) if track.right is None else (track.stream, track.right)


# --- whole or in part -------------------------------------------------------------------------


@contextmanager
def source(
    store: Store, entry: Source, demuxer: str, wanted: Reach | None, place: Place
) -> Iterator[Local]:
    """What `wanted` can be read from: the whole source, a part of it, or a service that sends it.

    Raises what the store raises, DiskFull, and Missing where the object is not (or no longer) the
    one that `entry` names.
    """
    if wanted is not None and _is_far(store, entry, LARGE_BYTES, place):
        _require_same(store, entry)
        index = _index(store, entry) if demuxer == "mov" else None
        if index is None and _is_read_through(demuxer, wanted):
            yield Local(path=place.scratch, whole=False, service=_sent(store, entry))
            return
        with _empty(store, entry, place) as copy:
            if _is_filled(copy, place, demuxer, wanted, index):
                _require_same(store, entry)
                yield Local(path=copy.path, whole=False)
                return
    with store.local(entry.key, place.cache) as path:
        if not isinstance(store, DirStore):  # whose stat might have to read all of the file
            _require_same(store, entry)
        yield Local(path=path)


@contextmanager
def straightened(store: Store, entry: Source, demuxer: str, place: Place) -> Iterator[Local]:
    """A copy on one clock of a source whose own starts anew on the way. Raises as `source`.

    And Unreadable where no such copy can be made.
    """
    copy = place.scratch / f"straight-{secrets.token_hex(4)}"
    with source(store, entry, demuxer, None, place) as local:
        command = child(local.path, place.scratch, place.limits)
        patience_s = command.timeout_s + entry.bytes / _SLOWEST
        command = dataclasses.replace(command, timeout_s=patience_s, file_bytes=2 * entry.bytes)
        arguments = {"path": str(local.path), "demuxer": demuxer, "target": str(copy)}
        try:
            ask("probe_clock:straightened", arguments, command, None)
            yield Local(path=copy)
        finally:
            copy.unlink(missing_ok=True)


def examined(store: Store, entry: Source, place: Place) -> Probe:
    """The probe of a source, of which no more is fetched than it looks at.

    Raises what `probe.probe` and the store raise.
    """
    found = _examined(store, entry, place)
    if not found.restarts:
        return found
    try:
        with straightened(store, entry, found.demuxer, place) as local:
            copied = probe(local.path, place.scratch, place.limits, straight=True)
        return dataclasses.replace(copied, restarts=True, notes=(*copied.notes, _RESTARTS))
    except Unreadable as error:
        log.info("%s: %s %s", entry.name, error, error.evidence)
    first = _examined(store, entry, place, straight=True)
    return dataclasses.replace(first, notes=(*first.notes, _APART))


def _examined(store: Store, entry: Source, place: Place, *, straight: bool = False) -> Probe:
    if _is_far(store, entry, PROBED_WHOLE_BYTES, place):
        _require_same(store, entry)
        with _empty(store, entry, place) as copy, suppress(Excess):
            found = probe(copy.path, place.scratch, place.limits, _bringer(copy), straight=straight)
            _require_same(store, entry)
            return found
        log.info("%s: probed whole", entry.name)
    with source(store, entry, "", None, place) as local:
        return probe(local.path, place.scratch, place.limits, straight=straight)


def _is_far(store: Store, entry: Source, large: int, place: Place) -> bool:
    """True for a large file that would have to be copied, and was not yet."""
    return entry.bytes > large and not store.is_local(entry, place.cache)


def _index(store: Store, entry: Source) -> Ranges | None:
    """Where the index of an MP4 or MOV lies; None where it has none, or one for each fragment."""
    try:
        return framework(functools.partial(part, store, entry), entry.bytes)
    except Unreadable as error:
        log.info("%s: %s %s", entry.name, error, error.evidence)
        return None


def _is_read_through(demuxer: str, wanted: Reach) -> bool:
    """True where FFmpeg reads a file from its first byte to its last, and need not go back."""
    return demuxer in _WALKED and wanted.is_all and not (demuxer == "mxf" and wanted.pictures)


def _require_same(store: Store, entry: Source) -> None:
    """Raise Missing where other bytes lie under the key than those that `entry` names."""
    there = store.stat(entry.key)
    if there is None or there.identity != entry.identity:
        raise changed(entry, f"expected {entry.identity}, found {there}")


# --- a part -----------------------------------------------------------------------------------


@contextmanager
def _empty(store: Store, entry: Source, place: Place) -> Iterator[SparseCopy]:
    """A sparse file that is to be filled; gone in the end."""
    path = place.scratch / f"part-{secrets.token_hex(4)}"
    copy = SparseCopy(store=store, entry=entry, path=path)
    try:
        copy.create()
        yield copy
    finally:
        path.unlink(missing_ok=True)


def _sent(store: Store, entry: Source) -> Service:
    """What sends a child all of a source, of one state of the object."""

    def send(line: socket.socket) -> None:
        try:
            through(store, entry, line)
        finally:
            _require_same(store, entry)

    return send


def _bringer(copy: SparseCopy) -> Bringer:
    """What brings a child as much of a file as is worth it."""
    allowed = int(copy.entry.bytes * _WORTH)
    return Bringer(service=functools.partial(copy.answer, allowed), seconds=allowed / _SLOWEST)


def _is_filled(
    copy: SparseCopy, place: Place, demuxer: str, wanted: Reach, index: Ranges | None
) -> bool:
    """Fill a sparse file with what is wanted; False where its place cannot be told."""
    try:
        if index is not None:
            copy.fetch(index)
            copy.fetch(_indexed(copy.path, place, wanted))
        elif demuxer in _WALKED:
            _walk(copy, place, demuxer, wanted)
        else:
            return False
    except (BadInput, ToolBug, Excess) as error:
        evidence = getattr(error, "evidence", "")
        log.info("%s: fetched whole, for %r %s", copy.entry.name, error, evidence)
        return False
    return True


def _indexed(path: Path, place: Place, wanted: Reach) -> Ranges:
    """Byte ranges (start, end) by the film's own index. Raises as `ask`."""
    arguments = {"path": str(path), "wanted": _plain(wanted)}
    command = child(path, place.scratch, place.limits)
    ranges: Ranges = ask("probe_index:reached", arguments, command, Ranges)
    return ranges


def _walk(copy: SparseCopy, place: Place, demuxer: str, wanted: Reach) -> None:
    """Bring what is read on the way to what is wanted, and there. Raises as `ask`, and Excess."""
    arguments = {"path": str(copy.path), "demuxer": demuxer, "wanted": _plain(wanted)}
    command = _bringer(copy).serving(child(copy.path, place.scratch, place.limits))
    ask("probe_walk:walked", arguments, command, None)


def _plain(wanted: Reach) -> Any:
    return adapter(Reach).dump_python(wanted, mode="json")
