"""Reading the text files that lie beside media: captions in words, and written transcripts.

Owns their decoding and their limits. Refuses subtitle files: `captions` parses those, confined.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import Missing
from pipeline.model import Sidecar
from pipeline.store import Store

# Old Windows editors; every byte means something in it, so it never fails.
FALLBACK = "cp1252"


def read(store: Store, sidecars: Iterable[Sidecar], max_bytes: int) -> dict[str, str]:
    """The words of all text sidecars by "role-language", cut off at `max_bytes` each."""
    said = {}
    for sidecar in sidecars:
        if sidecar.role == "captions":
            continue
        try:
            data = store.read(sidecar.source.key, length=max_bytes)
        except Missing:
            continue
        said[f"{sidecar.role}-{sidecar.language}"] = decode(data).strip()
    return said


def decode(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with its mark, or as an old Windows editor would have it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig").replace("\0", "")
    except UnicodeDecodeError:
        return data.decode(FALLBACK, "replace").replace("\0", "")
