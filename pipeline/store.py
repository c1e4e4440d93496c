"""The Store: one interface over a folder and over any S3 (contract; being written)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored object. `identity` names exactly these bytes; `modified` is Unix time by the store's clock."""

    key: str
    bytes: int
    identity: str
    modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Something to be stored: bytes or a file, with the headers it is served with."""

    key: str
    body: bytes | Path
    media_type: str
    cache: str = ""


class Store(Protocol):
    """What every store does; raises Missing, StoreUnavailable, DiskFull or ConfigError, never a library's own."""

    def list(self, prefix: str = "") -> Iterator[Entry]: ...
    def stat(self, key: str) -> Entry | None: ...
    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes: ...
    def local(self, key: str, folder: Path) -> AbstractContextManager[Path]: ...
    def put(self, item: Object) -> Entry: ...
    def create(self, item: Object) -> bool: ...
    def copy(self, source: str, target: Object) -> None: ...
    def delete(self, keys: Iterable[str]) -> None: ...
    def sync(self, objects: Iterable[Object]) -> tuple[str, ...]: ...
    def now(self) -> float: ...
