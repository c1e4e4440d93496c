"""Identities are right whatever became of the cache, and unchanged files are read once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import identities
from pipeline.store import DirStore


@pytest.fixture
def folder(tmp_path: Path) -> DirStore:
    """A store on `tmp_path/store`, remembering in `tmp_path/cache.json`."""
    return DirStore(tmp_path / "store", cache=tmp_path / "cache.json")


@pytest.fixture
def aged(folder: DirStore, tmp_path: Path) -> Callable[[str, bytes], None]:
    """Write a file that was last changed an hour ago."""

    def write(name: str, body: bytes) -> None:
        path = tmp_path / "store" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
        hour_ago = folder.now() - 3600
        os.utime(path, (hour_ago, hour_ago))

    return write


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read for their identity."""
    names: list[str] = []
    opened = identities.opened
    monkeypatch.setattr(
        identities, "opened", lambda path: (names.append(path.name), opened(path))[1]
    )
    return names


def test_unchanged_files_are_read_once(
    tmp_path: Path, aged: Callable[[str, bytes], None], reads: list[str]
) -> None:
    """Between runs only new and changed files are read again."""
    aged("a", b"1")
    aged("b", b"2")
    first = list(DirStore(tmp_path / "store", cache=tmp_path / "cache.json").list())
    assert reads == ["a", "b"]
    aged("b", b"22")
    second = list(DirStore(tmp_path / "store", cache=tmp_path / "cache.json").list())
    assert reads == ["a", "b", "b"]
    assert first[0] == second[0]
    assert second[1].identity == hashlib.sha256(b"22").hexdigest()


def test_fresh_files_are_not_trusted(folder: DirStore, tmp_path: Path) -> None:
    """Bytes changed in place within a tick of the clock, size kept, are still noticed."""
    path = tmp_path / "store" / "a"
    path.parent.mkdir()
    for body in (b"1", b"2", b"3"):
        with path.open("wb") as file:
            file.write(body)
        assert folder.stat("a").identity == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\x00", b"[]", b"null", b'{"identities": [1]}', b'{"identities": {"a'],
    ids=ascii,
)
def test_damaged_memory_is_made_anew(
    tmp_path: Path, aged: Callable[[str, bytes], None], reads: list[str], damage: bytes
) -> None:
    """Whatever the cache file holds, identities are right, and it is good again afterwards."""
    aged("a", b"1")
    cache = tmp_path / "memory" / "cache.json"
    cache.parent.mkdir()
    cache.write_bytes(damage)
    for _ in range(2):
        entry = next(DirStore(tmp_path / "store", cache=cache).list())
        assert entry.identity == hashlib.sha256(b"1").hexdigest()
        list(DirStore(tmp_path / "store", cache=cache).list())
    assert reads == ["a"]
    assert [path.name for path in cache.parent.iterdir()] == ["cache.json"]


def test_memory_that_cannot_be_kept(tmp_path: Path, aged: Callable[[str, bytes], None]) -> None:
    """Without a place for the cache file everything works."""
    aged("a", b"1")
    (tmp_path / "file").touch()
    store = DirStore(tmp_path / "store", cache=tmp_path / "file" / "cache.json")
    assert [entry.key for entry in store.list()] == ["a"]


def test_memory_does_not_grow(folder: DirStore, aged: Callable[[str, bytes], None]) -> None:
    """What no file has any more is forgotten by a full listing, and by no other."""
    aged("a", b"1")
    aged("b", b"2")
    list(folder.list())
    folder.delete(["b"])
    known = DirStore(folder._root, cache=folder._identities._file)
    list(known.list("a"))
    assert len(known._identities._known) == 2
    list(known.list())
    assert len(known._identities._known) == 1


@pytest.mark.parametrize("size", [99, 100, 101, 250, 300])
def test_large_files_are_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Every byte counts, wherever it lies, and so does the length."""
    monkeypatch.setattr(identities, "_PIECE", 100)
    monkeypatch.setattr(identities, "_BLOCK", 50)
    path, body = tmp_path / "film", bytes(range(256)) * 2

    def named(data: bytes) -> str:
        path.write_bytes(data)
        return identities.Identities(None).of(path, path.stat())

    whole = named(body[:size])
    assert named(body[:size]) == whole
    assert named(body[: size - 1]) != whole
    for at in range(size):
        assert named(body[:at] + b"\xff" + body[at + 1 : size]) != whole or body[at] == 0xFF
