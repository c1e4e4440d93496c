"""The inside of our own fragmented MP4 files: where each fragment lies, and when it is shown.

Owns the reading of the few boxes that say so (ISO/IEC 14496-12: tfhd, tfdt, trun; codec strings
after RFC 6381), and the one correction of them (`settle`). Meant for files of our own encoder, one
track each; anything else raises ValueError.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, zip_longest
from typing import TypeAlias

from pipeline.model import Fragmented, Segment

# A copied film can have gigabytes: it is mapped, not read.
Bytes: TypeAlias = bytes | bytearray | mmap.mmap

# Boxes that hold boxes, on the way to what is read here; their own header is 8 bytes.
_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf")
# Bits of `trun` and `tfhd` that say which fields are there.
_RUN_OFFSET, _RUN_FIRST, _RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT = (
    0x1, 0x4, 0x100, 0x200, 0x400, 0x800,
)  # fmt: skip
# Those that every sample has; the shift is the last of them.
_RUN_FIELDS = (_RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT)
_HEAD_BASE, _HEAD_ENTRY, _HEAD_DURATION = 0x1, 0x2, 0x8
# Size and type; the fields of `stsd` before its first entry; those of an entry before its boxes.
_BOX, _ENTRIES, _PICTURE_ENTRY = 8, 16, 86
_AV1_DEPTHS = {(0, 0): 8, (1, 0): 10, (1, 1): 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a file holds: its fragments, how many samples, and when the last of them is over."""

    fragmented: Fragmented
    samples: int
    end: int

    @property
    def end_s(self) -> Fraction:
        """The same in seconds."""
        return Fraction(self.end, self.fragmented.timescale)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One fragment: its place, and when its samples begin to be shown, in ticks."""

    offset: int
    end: int
    starts: tuple[int, ...]
    over: int


def read(data: Bytes) -> Inside | None:
    """What a fragmented MP4 holds; None for a file without fragments.

    Raises ValueError where the boxes do not fit together.
    """
    boxes = list(_boxes(data, 0, len(data)))
    moofs = [(at, size) for kind, at, size in boxes if kind == b"moof"]
    if not moofs:
        return None
    try:
        codec, timescale, usual = _header(data)
        runs = [_run(data, at, size, usual, _end_of(boxes, at)) for at, size in moofs]
    except (struct.error, IndexError, KeyError, StopIteration) as error:
        raise ValueError(f"not a fragmented MP4 of ours: {error!r}") from error
    return Inside(
        fragmented=Fragmented(
            codec=codec,
            timescale=timescale,
            header_bytes=moofs[0][0],
            segments=tuple(_segments(runs)),
            pauses=tuple(_pauses(runs, timescale)),
        ),
        samples=sum(len(run.starts) for run in runs),
        end=max(run.over for run in runs),
    )


def _segments(runs: list[_Run]) -> Iterator[Segment]:
    ends = [min(later.starts) for _, later in pairwise(runs)] + [max(run.over for run in runs)]
    for run, end in zip(runs, ends, strict=True):
        start = min(run.starts)
        yield Segment(
            offset=run.offset, bytes=run.end - run.offset, start=start, duration=end - start
        )


def _pauses(runs: list[_Run], timescale: int) -> Iterator[tuple[int, int]]:
    starts = sorted(start for run in runs for start in run.starts)
    for early, late in pairwise(starts):
        if (late - early) * 2 >= timescale:
            yield early, late


def _boxes(data: Bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and size of the boxes in a stretch."""
    while at + _BOX <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + _BOX)
        if size < _BOX or at + size > end:
            raise ValueError(f"a box of {size} bytes at {at}")
        yield kind, at, size
        at += size


def _end_of(boxes: list[tuple[bytes, int, int]], at: int) -> int:
    """Where the fragment that begins at `at` ends: after its `mdat`."""
    return next(place + size for kind, place, size in boxes if kind == b"mdat" and place > at)


def _find(data: Bytes, path: tuple[bytes, ...], at: int, end: int) -> int:
    """Where the box lies that `path` leads to; raises KeyError."""
    for kind, place, size in _boxes(data, at, end):
        if kind == path[0]:
            return place if len(path) == 1 else _find(data, path[1:], place + _BOX, place + size)
    raise KeyError(path)


def _header(data: Bytes) -> tuple[str, int, int]:
    """Codec, ticks per second, and the duration of a sample that does not say."""
    media = (b"moov", b"trak", b"mdia")
    clock = _find(data, (*media, b"mdhd"), 0, len(data))
    long = data[clock + 8] == 1
    (timescale,) = struct.unpack_from(">I", data, clock + (28 if long else 20))
    extends = _find(data, (b"moov", b"mvex", b"trex"), 0, len(data))
    (usual,) = struct.unpack_from(">I", data, extends + 20)
    described = _find(data, (*media, b"minf", b"stbl", b"stsd"), 0, len(data))
    return _codec(data, described), timescale, usual


def _codec(data: Bytes, described: int) -> str:
    entry = described + _ENTRIES
    size, kind = struct.unpack_from(">I4s", data, entry)
    if kind == b"mp4a":
        return "mp4a.40.2"
    inner = entry + _PICTURE_ENTRY
    if kind == b"avc1":
        at = _find(data, (b"avcC",), inner, entry + size) + _BOX
        return f"avc1.{data[at + 1]:02x}{data[at + 2]:02x}{data[at + 3]:02x}"
    if kind == b"av01":
        at = _find(data, (b"av1C",), inner, entry + size) + _BOX
        profile, level, flags = data[at + 1] >> 5, data[at + 1] & 31, data[at + 2]
        depth = _AV1_DEPTHS[flags >> 6 & 1, flags >> 5 & 1]
        return f"av01.{profile}.{level:02}{'H' if flags >> 7 else 'M'}.{depth:02}"
    raise ValueError(f"samples of kind {kind!r}")


def _run(data: Bytes, at: int, size: int, usual: int, end: int) -> _Run:
    track = _find(data, (b"traf",), at + _BOX, at + size)
    (track_size,) = struct.unpack_from(">I", data, track)
    inside = (track + _BOX, track + track_size)
    head = _find(data, (b"tfhd",), *inside)
    flags = struct.unpack_from(">I", data, head + 8)[0] & 0xFFFFFF
    if flags & _HEAD_DURATION:
        skipped = 8 * bool(flags & _HEAD_BASE) + 4 * bool(flags & _HEAD_ENTRY)
        (usual,) = struct.unpack_from(">I", data, head + 16 + skipped)
    clock = _find(data, (b"tfdt",), *inside)
    (now,) = struct.unpack_from(">Q" if data[clock + 8] else ">I", data, clock + 12)
    starts, over = [], 0
    for kind, place, _ in _boxes(data, *inside):
        if kind == b"trun":
            for duration, shift in _samples(data, place, usual):
                starts.append(now + shift)
                over = max(over, now + shift + duration)
                now += duration
    return _Run(offset=at, end=end, starts=tuple(starts), over=over)


def _samples(data: Bytes, at: int, usual: int) -> Iterator[tuple[int, int]]:
    """Duration of each sample, and how much later than its turn it is shown, in ticks."""
    flags, count = struct.unpack_from(">II", data, at + 8)
    flags &= 0xFFFFFF
    place = at + 16 + 4 * bool(flags & _RUN_OFFSET) + 4 * bool(flags & _RUN_FIRST)
    for _ in range(count):
        duration, shift = usual, 0
        if flags & _RUN_DURATION:
            (duration,) = struct.unpack_from(">I", data, place)
            place += 4
        place += 4 * bool(flags & _RUN_SIZE) + 4 * bool(flags & _RUN_FLAGS)
        if flags & _RUN_SHIFT:
            (shift,) = struct.unpack_from(">i", data, place)
            place += 4
        yield duration, shift


# --- how long each picture stands ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    """One fragment's pictures in the order of decoding: when each is shown, in ticks.

    And where its own clock is written, the lengths, and how much later than its turn each is shown.
    """

    clock: int
    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    shifts: tuple[int, ...]


def settle(data: mmap.mmap | bytearray, end: int | None, longest: int) -> None:
    """Give each picture of a film of uneven rate the length for which it is shown, in place.

    A length is the way to the next picture's turn to be decoded, and encoders take those turns from
    other pictures: fragments then begin elsewhere than they say, and the last picture reaches into
    what follows. The very last one is shown up to `end`, where that is known, else `longest` ticks.
    Raises ValueError where there is no room for the lengths.
    """
    boxes = list(_boxes(data, 0, len(data)))
    tracks = [_track(data, at, size) for kind, at, size in boxes if kind == b"moof"]
    starts = sorted(start for track in tracks for start in track.starts)
    ends = dict(pairwise(starts))
    if starts:
        ends[starts[-1]] = max(starts[-1] + 1, starts[-1] + longest if end is None else end)
    for track in tracks:
        _write(data, track, ends)


def _write(data: mmap.mmap | bytearray, track: _Track, ends: dict[int, int]) -> None:
    """Turns that begin with the first picture shown, each as long as its picture stands."""
    turn = min(track.starts)
    struct.pack_into(">Q", data, track.clock + 12, turn)
    for start, length_at, shift_at in zip_longest(track.starts, track.lengths, track.shifts):
        struct.pack_into(">I", data, length_at, ends[start] - start)
        if shift_at is not None:
            struct.pack_into(">i", data, shift_at, start - turn)
        elif start != turn:
            raise ValueError("no room for the turns of pictures")
        turn += ends[start] - start


def _track(data: mmap.mmap | bytearray, at: int, size: int) -> _Track:
    track = _find(data, (b"traf",), at + _BOX, at + size)
    (track_size,) = struct.unpack_from(">I", data, track)
    inside = (track + _BOX, track + track_size)
    clock, run = _find(data, (b"tfdt",), *inside), _find(data, (b"trun",), *inside)
    flags, count = struct.unpack_from(">II", data, run + 8)
    each = 4 * sum(bool(flags & bit) for bit in _RUN_FIELDS)
    if not data[clock + 8] or not flags >> 24:
        raise ValueError("no room for the times of pictures")
    first = run + 16 + 4 * bool(flags & _RUN_OFFSET) + 4 * bool(flags & _RUN_FIRST)
    # A single picture may leave all that is said of it to the fragment's head.
    places = tuple(first + number * each for number in range(count))
    lengths = places
    if not flags & _RUN_DURATION:
        lengths = (_usual_length(data, _find(data, (b"tfhd",), *inside), count),)
    return _Track(
        clock=clock,
        starts=_run(data, at, size, 0, 0).starts,
        lengths=lengths,
        shifts=tuple(place + each - 4 for place in places) if flags & _RUN_SHIFT else (),
    )


def _usual_length(data: mmap.mmap | bytearray, head: int, count: int) -> int:
    """Where the length of a fragment's only picture is written."""
    flags = struct.unpack_from(">I", data, head + 8)[0] & 0xFFFFFF
    if count != 1 or not flags & _HEAD_DURATION:
        raise ValueError("no room for the lengths of pictures")
    return head + 16 + 8 * bool(flags & _HEAD_BASE) + 4 * bool(flags & _HEAD_ENTRY)
