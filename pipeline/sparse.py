"""A sparse local copy of a stored object: all of its size, and only the bytes that were asked for.

Owns the walk over the boxes of an MP4 or MOV by ranges (ISO/IEC 14496-12), fetching ranges side by
side into a file that has holes elsewhere, and doing so whenever a child asks (`remote` is the
child's side). Refuses to read an index: `framework` says where it lies, `probe_index` reads it in a
child, and `partial` brings both together.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from pipeline.errors import DiskFull, Missing, ToolBug, Unreadable
from pipeline.model import Source
from pipeline.remote import BLOCK
from pipeline.store import Store

Ranges: TypeAlias = list[tuple[int, int]]
"""Byte ranges: the first byte of each, and the one behind its last."""

NO_INDEX = "The file has no index that tells where its frames lie."

_HEAD = 64 << 10  # what `sniff` reads, and where most files have their first boxes
_INDEX_BYTES = 256 << 20  # a day of film has less; more is no index but an attack or a mistake
_MAX_BOXES = 64
_BOX_HEADER = 16  # with a 64-bit size
_SMALLEST_BOX = 8
_PADDING = (b"mdat", b"free", b"skip", b"wide")  # of these, only the header matters
_AT_ONCE = 8
_AHEAD = 3  # pieces on their way, or waiting to be sent
_PIECE = 8 << 20
_GAP = BLOCK  # two ranges nearer than this are fetched as one
_QUESTION_BYTES = 64
_FULL = (errno.ENOSPC, errno.EDQUOT)


def framework(read: Callable[[int, int], bytes], size: int) -> Ranges:
    """Where a file's first bytes, its index and the headers of all its boxes lie.

    Raises Unreadable where it has no index for the whole of it.
    """
    boxes = tuple(_boxes(read, size))
    kinds = {kind for kind, _, _ in boxes}
    if b"moov" not in kinds or b"moof" in kinds:  # fragments have an index each
        raise Unreadable(NO_INDEX, evidence=repr(boxes))
    ranges = [(0, min(_HEAD, size))]
    for kind, start, end in boxes:
        ranges.append((start, min(end, start + _BOX_HEADER) if kind in _PADDING else end))
    if sum(end - start for start, end in ranges) > _INDEX_BYTES:
        raise Unreadable("The file's index is unbelievably large.", evidence=repr(boxes))
    return sorted(ranges)


def _boxes(read: Callable[[int, int], bytes], size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the boxes on the top level (ISO/IEC 14496-12, 4.2).

    It ends where the parser's walk would: at the end, or at what cannot be a box.
    """
    start = 0
    for _ in range(_MAX_BOXES):
        if start + _SMALLEST_BOX > size:
            return
        header = read(start, min(_BOX_HEADER, size - start))
        length, kind = struct.unpack_from(">I4s", header)
        if length == 1 and len(header) == _BOX_HEADER:
            (length,) = struct.unpack_from(">Q", header, 8)
        length = length or size - start
        if length < _SMALLEST_BOX:
            return
        yield kind, start, min(start + length, size)
        start += length
    raise Unreadable(NO_INDEX, evidence=f"more than {_MAX_BOXES} boxes")


# --- fetching ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseCopy:
    """A file at `path` of the size of a stored object, which is filled with parts of it."""

    store: Store
    entry: Source
    path: Path

    def create(self) -> None:
        """Make it, all of one hole."""
        with _room(), self.path.open("xb") as file:
            file.truncate(self.entry.bytes)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fill sorted ranges, several pieces at a time."""
        with (
            _room(),
            self.path.open("r+b", buffering=0) as file,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            for _ in pool.map(partial(self._move, file.fileno()), _pieces(ranges)):
                pass  # raises here what went wrong there, and lets the rest be

    def answer(self, allowed: int, line: socket.socket) -> None:
        """Bring whatever ranges a child asks for, until it is gone (`process.Service`).

        Raises Excess where more than `allowed` bytes are wanted, else as `fetch` does.
        """
        with line.makefile("rb") as questions:
            while question := questions.readline(_QUESTION_BYTES):
                start, end = _understood(question, self.entry.bytes)
                allowed -= end - start
                if allowed < 0:
                    raise Excess(f"{start} to {end}")
                self.fetch([(start, end)])
                line.sendall(b"\n")

    def _move(self, target: int, piece: Ranges) -> None:
        """Read from the first range of a piece to its last; what lies between stays a hole."""
        base = piece[0][0]
        end = piece[-1][1]
        data = memoryview(part(self.store, self.entry, base, end - base))
        for start, end in piece:
            _write(target, data[start - base : end - base], start)


class Excess(Exception):
    """So much of an object is wanted that it had better be copied whole."""


def _understood(question: bytes, size: int) -> tuple[int, int]:
    """A range within the object; what asks is a child that reads hostile files."""
    start, _, end = question.partition(b" ")
    try:
        asked = int(start), int(end)
    except ValueError as error:
        raise ToolBug("A child asked for nonsense.", evidence=repr(question)) from error
    if not 0 <= asked[0] < asked[1] <= size:
        raise ToolBug("A child asked for what is not in the file.", evidence=repr(question))
    return asked


def changed(entry: Source, evidence: str) -> Missing:
    """The error for an object that is no longer the one that `entry` names."""
    return Missing(f"“{entry.name}” is not there (any more).", evidence=f"{entry.key}: {evidence}")


@contextmanager
def _room() -> Iterator[None]:
    """Say in the house's words that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                "There is no room left on the disk for scratch files.", evidence=repr(error)
            ) from error
        raise


def _write(target: int, data: memoryview, start: int) -> None:
    while data:
        written = os.pwrite(target, data, start)
        data, start = data[written:], start + written


def part(store: Store, entry: Source, start: int, length: int) -> bytes:
    """A range of an object; raises Missing where it is shorter than it was."""
    data = store.read(entry.key, start=start, length=length)
    if len(data) != length:
        raise changed(entry, f"{len(data)} of {length} bytes from {start}")
    return data


def through(store: Store, entry: Source, line: socket.socket) -> None:
    """Send all of an object, from its first byte to its last, and keep nothing.

    Raises what the store raises, and Missing where the object is shorter than it was.
    """
    with ThreadPoolExecutor(_AHEAD) as pool:
        pending: deque[Future[bytes]] = deque()
        for start, end in _cut([(0, entry.bytes)]):
            pending.append(pool.submit(part, store, entry, start, end - start))
            if len(pending) == _AHEAD:
                line.sendall(pending.popleft().result())
        for rest in pending:
            line.sendall(rest.result())


def _pieces(ranges: Iterable[tuple[int, int]]) -> Iterator[Ranges]:
    """Sorted ranges cut and grouped so that each group is worth one request of at most 8 MiB."""
    held: Ranges = []
    for start, end in _cut(ranges):
        if held and (start - held[-1][1] >= _GAP or end - held[0][0] > _PIECE):
            yield held
            held = []
        held.append((start, end))
    if held:
        yield held


def _cut(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in ranges:
        for at in range(start, end, _PIECE):
            yield at, min(at + _PIECE, end)
