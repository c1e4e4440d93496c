"""One interface over a folder and over any S3: where everything is read from and written to.

Owns the `Store` protocol and `DirStore`, the store on plain folders. A store keeps bytes under
keys, tells them apart by identity, and replaces them whole: a reader sees the old or the new, never
a half. Refuses to know what the bytes mean (`flow` does) and to follow links out of its root. The
store on S3 is next door in `s3store`; both must pass the same tests.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat as modes
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from pipeline.errors import DiskFull, Missing, NewsreelError, StoreUnavailable, Unreadable
from pipeline.identities import Identities, opened
from pipeline.model import Entry, Object, Source

Progress: TypeAlias = Callable[[int], object]
"""Called with the number of bytes moved since the last call, possibly from another thread."""

DRAFT = ".newsreel-draft-"
"""File names that begin so are a store's own unfinished business: never listed, never read."""

_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)

# How often a folder may vanish between making it and writing into it (another writer's `delete`
# removes emptied folders) before that is taken for something else.
_VANISHED = 20


class Store(Protocol):
    """What every store does.

    Raises `Missing`, `StoreUnavailable`, `DiskFull` or `Unreadable`, never a library's own error.
    Keys are relative, with `/` between segments; `ValueError` says that a key is not one.
    """

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Every object whose key begins with `prefix`, in the order of its key's UTF-8 bytes."""

    def stat(self, key: str) -> Entry | None:
        """What lies there, or None."""

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes as they lie there, fewer where it ends; raises `Missing`."""

    def local(
        self, key: str, folder: Path, *, on_bytes: Progress | None = None
    ) -> AbstractContextManager[Path]:
        """A complete local file with the object's bytes, to be read only; raises `Missing`.

        A store elsewhere downloads into `folder`, once per identity, and leaves the copy there:
        `folder` is the caller's to remove.
        """

    def is_local(self, source: Source, folder: Path) -> bool:
        """True where `local` has nothing to download: it is there already."""

    def put(self, item: Object, *, on_bytes: Progress | None = None) -> Entry:
        """Write or replace, atomically."""

    def create(self, item: Object) -> bool:
        """Write unless something lies there already; True for the one caller that wrote."""

    def copy(self, source: str, key: str, *, media_type: str, cache: str = "") -> None:
        """Give the bytes of `source` a second name, with headers of its own; raises `Missing`."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is no mistake."""

    def sync(self, objects: Iterable[Object]) -> tuple[str, ...]:
        """Write what differs in its bytes from what lies there; returns the keys written.

        Order is kept: a pointer (`.html`, `.json`) is written only once all before it are.
        Headers alone are not compared.
        """

    def holds(self, item: Object) -> bool:
        """True where exactly these bytes lie at the object's key already."""

    def now(self) -> float:
        """Unix time in seconds by the store's clock, to be compared with `Entry.modified`."""


class DirStore:
    """A store on a folder. Media types and cache headers are the web server's affair here."""

    def __init__(self, root: Path, *, cache: Path | None = None) -> None:
        """`cache` is a file outside `root` where identities are remembered between runs."""
        self._root = Path(os.path.realpath(root))
        self._identities = Identities(cache)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Every regular file below the root; links, pipes and drafts are passed over."""
        try:
            for key, path in _walk(self._root, "", prefix):
                with contextlib.suppress(Missing):  # removed since the folder was read
                    yield self._entry(key, path)
            if not prefix:
                self._identities.forget_unseen()
        finally:
            self._identities.save()

    def stat(self, key: str) -> Entry | None:
        """What lies there, or None."""
        try:
            return self._entry(key, self._find(key))
        except Missing:
            return None

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes from `start`; raises `Missing` and `Unreadable`."""
        with _reading(key), opened(self._find(key)) as file:
            file.seek(start)
            return file.read() if length is None else file.read(length)

    @contextlib.contextmanager
    def local(
        self,
        key: str,
        folder: Path,  # noqa: ARG002 - nothing needs copying here
        *,
        on_bytes: Progress | None = None,  # noqa: ARG002
    ) -> Iterator[Path]:
        """The file itself, never a copy."""
        path = self._find(key)
        with _reading(key), opened(path):
            pass  # it can be opened: said here, not by whichever tool would stumble over it
        yield path

    def is_local(self, source: Source, folder: Path) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def put(self, item: Object, *, on_bytes: Progress | None = None) -> Entry:
        """Write beside the target, then rename over it."""
        fill = partial(_fill, body=item.body, on_bytes=on_bytes)
        return self._place(item.key, fill, os.replace)

    def create(self, item: Object) -> bool:
        """Write beside the target, then link, which fails where something lies."""
        if os.path.lexists(self._writable(item.key)):
            return False
        try:
            self._place(item.key, partial(_fill, body=item.body), _link_new)
        except _TakenError:
            return False
        return True

    def copy(self, source: str, key: str, *, media_type: str, cache: str = "") -> None:  # noqa: ARG002
        """Link where the file system can, else copy.

        Two names of one file are safe here: `put` never writes into a file, it renames a new one
        over the name, so the other name keeps the old bytes.
        """
        self._place(key, partial(_duplicate, self._find(source)), os.replace)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove files, and the folders below the root that are empty then."""
        for key in keys:
            with contextlib.suppress(Missing):
                path = self._find(key)
                with _writing(key):
                    path.unlink(missing_ok=True)
                self._prune(path.parent)

    def sync(self, objects: Iterable[Object]) -> tuple[str, ...]:
        """Write what differs, one after the other in the order given."""
        return tuple(self.put(item).key for item in objects if not self.holds(item))

    def holds(self, item: Object) -> bool:
        """True where exactly these bytes lie at the object's key already."""
        try:
            with _reading(item.key), opened(self._find(item.key)) as there:
                return _same(there, item.body)
        except Missing:
            return False

    def now(self) -> float:
        """This machine's clock."""
        return time.time()

    def _entry(self, key: str, path: Path) -> Entry:
        """Measure a file; raises `Missing` where it is gone or not a regular file."""
        with _reading(key):
            facts = path.lstat()
            if not modes.S_ISREG(facts.st_mode):
                raise _missing(key)
            identity = self._identities.of(path, facts)
        return Entry(key=key, bytes=facts.st_size, identity=identity, modified=facts.st_mtime)

    def _place(
        self, key: str, fill: Callable[[Path], object], settle: Callable[[Path, Path], object]
    ) -> Entry:
        """Fill a draft beside the target and settle it under its name in one step."""
        target = self._writable(key)
        draft = target.with_name(f"{DRAFT}{secrets.token_hex(8)}")
        with _writing(key):
            try:
                _in_folder(target.parent, partial(fill, draft))
                entry = self._entry(key, draft)
                settle(draft, target)
            finally:
                # Also after a rename: between two links to one file, rename does nothing at all.
                draft.unlink(missing_ok=True)
        return entry

    def _writable(self, key: str) -> Path:
        path = self._root.joinpath(*_segments(key))
        if not _is_real(path.parent):
            raise StoreUnavailable(
                "A folder to be written to is a link. Replace it by a real folder.",
                evidence=f"{path.parent} leads to {os.path.realpath(path.parent)}",
            )
        return path

    def _find(self, key: str) -> Path:
        """Where a key lies; raises `Missing` if nothing does or a link is on the way."""
        path = self._root.joinpath(*_segments(key))
        with _reading(key):
            if "%" in key and not os.path.lexists(path):
                path = self._find_undecodable(key)
            if not modes.S_ISREG(path.lstat().st_mode) or not _is_real(path.parent):
                raise _missing(key)
        return path

    def _find_undecodable(self, key: str) -> Path:
        """The file whose name is not UTF-8 and was listed as `key`."""
        path = self._root
        for segment in _segments(key):
            names = (name for name in os.listdir(path) if _spoken(name) == segment)  # noqa: PTH208
            path /= next(names, segment)
        return path

    def _prune(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # the first that is not empty ends it
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent


class _TakenError(Exception):
    """The name that was to be created is in use."""


def _segments(key: str) -> tuple[str, ...]:
    """Split a key, refusing what could lead out of the root or name one file twice."""
    segments = tuple(key.split("/"))
    odd = any(part in ("", ".", "..") or part.startswith(DRAFT) for part in segments)
    if odd or "\0" in key:
        raise ValueError(f"not a key of a store: {key!r}")
    return segments


def _spoken(name: str) -> str:
    """A file name as part of a key: bytes that are not UTF-8 are written %XX."""
    if name.isprintable():  # lone surrogates, which stand for such bytes, are not
        return name
    return "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in name)


def _walk(folder: Path, above: str, prefix: str) -> Iterator[tuple[str, Path]]:
    """Keys and paths of the regular files below `folder`, in the order of keys."""
    for name, entry in _named(folder):
        key = above + name
        if name.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                yield from _walk(Path(entry.path), key, prefix)
        elif key.startswith(prefix):
            yield key, Path(entry.path)


def _named(folder: Path) -> Iterable[tuple[str, os.DirEntry[str]]]:
    """Files and folders of a folder, folders with a final slash so that keys come out sorted."""
    names: dict[str, os.DirEntry[str]] = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ()
    for entry in entries:
        name = _spoken(entry.name)
        if name.startswith(DRAFT) or (name in names and name != entry.name):
            continue  # a name spelt %XX wins over a file that could only be listed as such
        if entry.is_dir(follow_symlinks=False):
            names[f"{name}/"] = entry
        elif entry.is_file(follow_symlinks=False):
            names[name] = entry
    return sorted(names.items(), key=lambda pair: pair[0].encode())


def _is_real(folder: Path) -> bool:
    """True if no link is on the way to a folder, which need not exist."""
    return os.path.realpath(folder) == str(folder)


def _body(body: bytes | Path) -> IO[bytes]:
    return io.BytesIO(body) if isinstance(body, bytes) else body.open("rb")


def _same(there: IO[bytes], body: bytes | Path) -> bool:
    size = len(body) if isinstance(body, bytes) else body.stat().st_size
    if os.fstat(there.fileno()).st_size != size:
        return False
    with _body(body) as ours:
        return all(
            chunk == there.read(len(chunk)) for chunk in iter(partial(ours.read, _CHUNK), b"")
        )


def _fill(draft: Path, *, body: bytes | Path, on_bytes: Progress | None = None) -> None:
    with _body(body) as source, draft.open("xb") as target:
        for chunk in iter(partial(source.read, _CHUNK), b""):
            target.write(chunk)
            if on_bytes:
                on_bytes(len(chunk))
        target.flush()
        os.fsync(target.fileno())


def _duplicate(source: Path, draft: Path) -> None:
    try:
        os.link(source, draft, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one that knows no links
        _fill(draft, body=source)


def _link_new(draft: Path, target: Path) -> None:
    """Name a draft; raises _TakenError where the name is in use."""
    try:
        _claim(draft, target)
    except FileExistsError as error:
        raise _TakenError from error


def _claim(draft: Path, target: Path) -> None:
    try:
        os.link(draft, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # no links here (FAT, some network shares): take the name, then fill it
        target.open("xb").close()
        draft.replace(target)


def _in_folder(folder: Path, write: Callable[[], object]) -> None:
    """Write into a folder, making it anew if another writer removes it in between."""
    for _ in range(_VANISHED - 1):
        with contextlib.suppress(FileNotFoundError, FileExistsError):  # gone before mkdir looked
            folder.mkdir(parents=True, exist_ok=True)
            write()
            return
    folder.mkdir(parents=True, exist_ok=True)
    write()


def _missing(key: str) -> Missing:
    name = key.rpartition("/")[2]
    return Missing(f"“{name}” is not there (any more).", evidence=key)


@contextlib.contextmanager
def _reading(key: str) -> Iterator[None]:
    """Say what the operating system has against reading in the house's words."""
    try:
        yield
    except OSError as error:
        raise _unread(key, error) from error


def _unread(key: str, error: OSError) -> NewsreelError:
    name, evidence = key.rpartition("/")[2], f"{key}: {error!r}"
    if error.errno in _GONE:
        return _missing(key)
    if isinstance(error, PermissionError):
        return Unreadable(
            f"“{name}” cannot be opened: its permissions do not allow it.", evidence=evidence
        )
    return StoreUnavailable(f"“{name}” could not be read from its disk.", evidence=evidence)


@contextlib.contextmanager
def _writing(key: str) -> Iterator[None]:
    """Say what the operating system has against writing in the house's words."""
    try:
        yield
    except OSError as error:
        raise _unwritten(key, error) from error


def _unwritten(key: str, error: OSError) -> NewsreelError:
    name, evidence = key.rpartition("/")[2], f"{key}: {error!r}"
    if error.errno in _FULL:
        return DiskFull("The disk is full. Free some space; the work goes on.", evidence=evidence)
    return StoreUnavailable(
        f"“{name}” could not be written. Look at the folder's permissions.", evidence=evidence
    )
