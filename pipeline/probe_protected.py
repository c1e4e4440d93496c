"""Copy protection, recognised before a parser stumbles over it.

Owns the marks of encrypted media in MP4/MOV and Windows Media files. Refuses with the reporter's
sentence; damaged structure is left to the parser. A parser's own complaint about such files is
"invalid data", which would send the reporter to the card reader in vain.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from pipeline.errors import Unsupported
from pipeline.remote import Readable

# Sample entries of ISO/IEC 23001-7 (encv, enca) and of Apple's FairPlay (drms, drmi).
_PROTECTED_ENTRIES = (b"encv", b"enca", b"drms", b"drmi")
# Advanced Systems Format: the Content Encryption and Extended Content Encryption objects.
_ASF_ENCRYPTION = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_ASF_HEADER = 64 << 10
_INDEX_BYTES = 16 << 20
_SENTENCE = "The file is encrypted (copy protection): upload a copy without protection."


def refuse(stream: Readable, demuxer: str) -> None:
    """Raise Unsupported when the file is encrypted."""
    stream.seek(0)
    if demuxer == "mov":
        protected = any(_has_protected_entry(index) for index in _indexes(stream))
    else:
        head = stream.read(_ASF_HEADER) if demuxer == "asf" else b""
        protected = any(mark in head for mark in _ASF_ENCRYPTION)
    if protected:
        raise Unsupported(_SENTENCE)


def _has_protected_entry(index: bytes) -> bool:
    """True when a sample description names a protected entry and its protection scheme."""
    start = index.find(b"stsd")
    while start >= 0:
        if index[start + 16 : start + 20] in _PROTECTED_ENTRIES:
            return True
        start = index.find(b"stsd", start + 4)
    return False


def _indexes(stream: Readable) -> Iterator[bytes]:
    """The movie boxes of an ISO base media file, as far as its top level can be walked."""
    end = stream.seek(0, os.SEEK_END)
    position = 0
    while position + 8 <= end:
        stream.seek(position)
        header = stream.read(16)
        size, kind = struct.unpack(">I4s", header[:8])
        if size == 1 and len(header) == 16:  # noqa: PLR2004  (a 64-bit size follows)
            size = struct.unpack(">Q", header[8:])[0]
        size = size or end - position
        if size < 8:  # noqa: PLR2004  (smaller than its own header: nothing to walk)
            return
        if kind == b"moov":
            stream.seek(position)
            yield stream.read(min(size, _INDEX_BYTES))
        position += size
