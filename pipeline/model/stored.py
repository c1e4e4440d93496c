"""Things in a store, as its listing shows them and as it is given them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored object. `identity` names exactly these bytes; `modified` is the store's time."""

    key: str
    bytes: int
    identity: str
    modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Something to be stored: bytes or a file, with the headers it is served with.

    `body` is always plain. A store that serves headers keeps it in `encoding`, which every browser
    undoes; any other keeps it plain. Playlists are never encoded: Chromium's own HLS fails on them.
    """

    key: str
    body: bytes | Path
    media_type: str
    cache: str = ""
    encoding: Literal["", "gzip"] = ""
