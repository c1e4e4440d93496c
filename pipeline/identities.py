"""What a file's bytes are called: a sha256 over them, read once and remembered.

Owns the cache of identities of a folder and the safe way to open a file in it. Refuses to judge
files by name; a cache entry holds for one inode, size and time, and a missing, damaged or
unwritable cache file costs time, never correctness. `store` is the one neighbour that asks.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# A file changed twice within one tick of the file system's clock keeps its size and time, so what
# was written this recently is hashed again next time. Common clocks tick every 10 ms or faster.
_UNSETTLED_NS = 100_000_000
_PIECE = 64 << 20  # of a large file, so that hashing an hour of film delays nobody
_BLOCK = 1 << 20


class Identities:
    """The sha256 of files; safe to share between threads, and between processes by its file."""

    def __init__(self, file: Path | None) -> None:
        """Without a file, identities are remembered by this object alone."""
        self._file = file
        self._lock = threading.Lock()
        self._known = _load(file)
        self._seen: set[str] = set()
        self._changed = False

    def of(self, path: Path, facts: os.stat_result) -> str:
        """The identity of a file, which is read only if `facts` are new; raises OSError.

        A file that may not be opened is told apart by its facts, so that a listing can name it.
        """
        stamp = _stamp(facts)
        with self._lock:
            self._seen.add(stamp)
            known = self._known.get(stamp)
        try:
            return known or self._measure(path)
        except PermissionError:
            return f"unread-{stamp}"

    def _measure(self, path: Path) -> str:
        with opened(path) as file:
            before = os.fstat(file.fileno())
            identity = _digest(file, before.st_size)
            after = os.fstat(file.fileno())
        settled = abs(time.time_ns() - after.st_mtime_ns) > _UNSETTLED_NS
        if settled and _stamp(before) == _stamp(after):
            self._remember(_stamp(after), identity)
        return identity

    def _remember(self, stamp: str, identity: str) -> None:
        with self._lock:
            self._known[stamp] = identity
            self._changed = True

    def forget_unseen(self) -> None:
        """Drop what no file was asked for by: to be called after all of them were."""
        with self._lock:
            gone = self._known.keys() - self._seen
            self._known = {k: v for k, v in self._known.items() if k not in gone}
            self._changed |= bool(gone)

    def save(self) -> None:
        """Write the cache file if there is something new to remember."""
        with self._lock:
            if self._file is None or not self._changed:
                return
            text = json.dumps({"identities": self._known})
            self._changed = False
        with contextlib.suppress(OSError):
            _replace(self._file, text.encode())


def _digest(file: io.BufferedReader, size: int) -> str:
    """The sha256 of a file; of a large one, that of its pieces' digests, made side by side."""
    if size <= _PIECE:
        return hashlib.file_digest(file, "sha256").hexdigest()
    piece = functools.partial(_piece, file.fileno())
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return hashlib.sha256(b"".join(pool.map(piece, range(0, size, _PIECE)))).hexdigest()


def _piece(handle: int, start: int) -> bytes:
    found = hashlib.sha256()
    for at in range(start, start + _PIECE, _BLOCK):
        found.update(os.pread(handle, _BLOCK, at))  # nothing behind the end
    return found.digest()


def opened(path: Path) -> io.BufferedReader:
    """Open a file for reading, never through a link at its end, never waiting for a pipe."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return io.BufferedReader(io.FileIO(handle, "rb"))


def _stamp(facts: os.stat_result) -> str:
    return f"{facts.st_ino}-{facts.st_size}-{facts.st_mtime_ns}"


def _load(file: Path | None) -> dict[str, str]:
    """What the cache file holds; nothing if it is not there or not what we wrote."""
    try:
        known = json.loads(file.read_bytes())["identities"] if file else {}
        return {str(stamp): str(identity) for stamp, identity in known.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _replace(file: Path, data: bytes) -> None:
    draft = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.write_bytes(data)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
