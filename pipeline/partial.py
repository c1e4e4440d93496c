"""The part of a large source that a piece of work needs, as a local file with holes elsewhere.

Owns what is needed of a source (`reach`) and which way it is brought here: in a sparse file of its
full size, where every tool finds everything at its own place, or whole, where a part cannot be told
or would not pay. Refuses to parse an index in this process (`probe_index` does, in a child), to
fetch (`sparse` does), and to mix two states of an object.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline import process
from pipeline.errors import BadInput, OverLimit, ToolBug, Unreadable, Unsupported
from pipeline.model import (
    AudioOut,
    CaptionsOut,
    CopyOut,
    Limits,
    Output,
    PosterOut,
    Probe,
    SoundOut,
    Source,
    Step,
    WaveformOut,
    adapter,
)
from pipeline.probe import TIMEOUT_S, probe
from pipeline.sparse import NO_INDEX, Ranges, SparseCopy, changed, framework
from pipeline.store import DirStore, Store

log = logging.getLogger(__name__)

LARGE_BYTES = 64 << 20
"""Smaller sources are copied whole: one transfer serves every step of the same worker."""

PROBED_WHOLE_BYTES = 256 << 20
"""Up to here a probe reads a file to its end (`probe_media`), so it needs all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is needed of a film: streams by FFmpeg's index, and spans of time in seconds.

    Times are those of `ffmpeg -copyts -start_at_zero`: the container's clock less its start time.
    An end of None is the end of the film. `key_frames_only` leaves all other frames out.
    """

    streams: tuple[int, ...]
    spans: tuple[tuple[Fraction, Fraction | None], ...]
    key_frames_only: bool = False


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
        return Reach(streams=streams, spans=((step.span.start_s, step.span.end_s),))
    return Reach(
        streams=streams,
        spans=tuple((moment, moment) for moment in moments),
        # One moment is a reporter's choice, found to the frame; among many, key frames will do.
        key_frames_only=len(moments) > 1,
    )


def _streams(step: Step) -> Iterator[int]:
    """Every stream that a step or one of its outputs names."""
    if step.treatment is not None:
        yield step.treatment.stream
    if step.sound is not None:
        yield step.sound.stream
    for out in step.outputs:
        if (stream := _stream_of(out)) is not None:
            yield stream


def _stream_of(out: Output) -> int | None:
    match out:
        case SoundOut() | AudioOut() | WaveformOut():
            return out.track.stream
        case CopyOut() | CaptionsOut():
            return out.stream
        case _:
            return None


def is_part(path: Path, place: Place) -> bool:
    """True where what `source` gave holds only what was wanted of it."""
    return path.parent == place.scratch


# --- whole or in part -------------------------------------------------------------------------


@contextmanager
def source(
    store: Store, entry: Source, demuxer: str, wanted: Reach | None, place: Place
) -> Iterator[Path]:
    """A local file to read `wanted` from: the whole source, or a sparse file that holds that part.

    Raises what the store raises, DiskFull, and Missing where the object is not (or no longer) the
    one that `entry` names.
    """
    part = None
    if wanted is not None and demuxer == "mov" and _is_far(store, entry, LARGE_BYTES):
        arguments = {"wanted": adapter(Reach).dump_python(wanted, mode="json")}
        part = _part(store, entry, place, _Question("reached", arguments))
    with _either(store, entry, place, part) as path:
        yield path


@contextmanager
def probed(store: Store, entry: Source, place: Place) -> Iterator[Path]:
    """A local file for `probe.probe`: the whole source, or a sparse file that holds what it reads.

    Raises as `source` does. What the probe holds against a sparse file may be the fault of its
    holes: `examined` looks again at the whole.
    """
    with _either(store, entry, place, _probed_part(store, entry, place)) as path:
        yield path


def examined(store: Store, entry: Source, place: Place) -> Probe:
    """The probe of a source, of which no more is fetched than it takes.

    A part decides only where nothing is wrong with it; else the whole file is fetched and probed.
    Limits and copy protection are told by the index alone. Raises what `probe.probe` and the store
    raise.
    """
    if part := _probed_part(store, entry, place):
        try:
            found = probe(part, place.scratch, place.limits)
            if not found.notes:
                return found
        except (OverLimit, Unsupported):
            raise
        except BadInput as error:
            log.info("%s: probed whole, for in part: %r %s", entry.name, error, error.evidence)
        finally:
            part.unlink(missing_ok=True)
    with _either(store, entry, place, None) as path:
        return probe(path, place.scratch, place.limits)


def _probed_part(store: Store, entry: Source, place: Place) -> Path | None:
    if not _is_far(store, entry, PROBED_WHOLE_BYTES):
        return None
    return _part(store, entry, place, _Question("probed", {}))


def _is_far(store: Store, entry: Source, large: int) -> bool:
    """True for a large file that would have to be copied; a folder has the file itself."""
    return entry.bytes > large and not isinstance(store, DirStore)


@contextmanager
def _either(store: Store, entry: Source, place: Place, part: Path | None) -> Iterator[Path]:
    """The part while it is used, else the whole."""
    if part is None:
        with store.local(entry.key, place.cache) as path:
            if not isinstance(store, DirStore):  # whose stat might have to read all of the file
                _require_same(store, entry)
            yield path
        return
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _require_same(store: Store, entry: Source) -> None:
    """Raise Missing where other bytes lie under the key than those that `entry` names."""
    there = store.stat(entry.key)
    if there is None or there.identity != entry.identity:
        raise changed(entry, f"expected {entry.identity}, found {there}")


# --- a part -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Question:
    """What to ask of `probe_index`: a function and its arguments beside the path."""

    function: str
    arguments: dict[str, Any]


def _part(store: Store, entry: Source, place: Place, question: _Question) -> Path | None:
    """A sparse file that holds what is asked for; None where its place cannot be told."""
    _require_same(store, entry)
    path = place.scratch / f"part-{secrets.token_hex(4)}"
    copy = SparseCopy(store=store, entry=entry, path=path)
    try:
        copy.create()
        copy.fetch(framework(copy.read, entry.bytes))
        copy.fetch(_asked(question, path, place))
        _require_same(store, entry)
    except (BadInput, ToolBug) as error:
        log.info("%s: fetched whole, for %r %s", entry.name, error, error.evidence)
        path.unlink(missing_ok=True)
        return None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _asked(question: _Question, path: Path, place: Place) -> Ranges:
    """Byte ranges (start, end) by the film's own index. Raises Unreadable and Hostile."""
    command = process.Command(
        argv=(),
        reads=(path,),
        scratch=place.scratch,
        timeout_s=min(TIMEOUT_S, place.limits.step_timeout_s),
        memory_bytes=place.limits.memory_bytes,
        file_bytes=0,
    )
    function = f"pipeline.probe_index:{question.function}"
    try:
        answer = process.call(function, {"path": str(path), **question.arguments}, command)
        return TypeAdapter(Ranges).validate_python(answer)
    except process.Overran as error:
        raise Unreadable(NO_INDEX, evidence=error.evidence) from error
    except ValidationError as error:
        raise ToolBug("An index gave no usable answer.", evidence=str(error)) from error
