"""Reading the text files that lie beside media: captions in words, and written transcripts.

Owns their decoding and their limits. Refuses subtitle files: `captions` parses those, confined.
"""

from __future__ import annotations

import codecs
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
            data = store.read(sidecar.source.key, length=max_bytes + 1)
        except Missing:
            continue
        said[f"{sidecar.role}-{sidecar.language}"] = decode(_cut(data, max_bytes)).strip()
    return said


def _cut(data: bytes, max_bytes: int) -> bytes:
    """At most `max_bytes`; UTF-8 is never cut inside a character, it would be taken for cp1252."""
    if len(data) <= max_bytes:
        return data
    try:
        # A decoder that waits for more keeps the begun character back, and answers the whole ones.
        whole = codecs.getincrementaldecoder("utf-8")().decode(data[:max_bytes])
    except UnicodeDecodeError:
        return data[:max_bytes]
    return whole.encode()


def decode(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with its mark, or as an old Windows editor would have it."""
    return _decoded(data).replace("\0", "")


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(FALLBACK, "replace")
