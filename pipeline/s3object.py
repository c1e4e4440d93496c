"""An object as S3 is sent it: its bytes on the way, its headers, its size and its entity tag.

Owns compressing what is to be kept compressed, always to the same bytes, and foretelling the tag
that S3 will give. Refuses every request: `s3store` next door makes them.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from pipeline.model import Object

PART = 8 << 20
"""From this size on a file is sent in parts of it, and its entity tag is made of theirs."""

# Every script and style of the pages: they are looked at again with every page that is written.
_REMEMBERED = 32


def sent(item: Object) -> Object:
    """The object with the bytes that travel and are kept; `encoding` then says what they are."""
    if not item.encoding:
        return item
    body = item.body if isinstance(item.body, bytes) else item.body.read_bytes()
    return replace(item, body=_gzipped(body))


@functools.lru_cache(maxsize=_REMEMBERED)
def _gzipped(body: bytes) -> bytes:
    """Equal bytes for equal bytes: neither a time nor a system is noted, as `compress` may."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(body)
    return packed.getvalue()


def headers(media_type: str, cache: str, encoding: str = "") -> dict[str, Any]:
    """What S3 is to serve with the bytes, by boto3's names."""
    wanted = {"ContentType": media_type, "CacheControl": cache, "ContentEncoding": encoding}
    return {name: value for name, value in wanted.items() if value}


def size_of(body: bytes | Path) -> int:
    """How many bytes these are."""
    return len(body) if isinstance(body, bytes) else body.stat().st_size


def tag_of(body: bytes | Path) -> str:
    """The entity tag S3 gives to a body as it is sent: MD5, or the MD5 of its parts' MD5s.

    A store that makes it otherwise (some encrypt) has everything written anew: slow, never wrong.
    """
    if isinstance(body, bytes):
        return _md5(body).hex()
    with body.open("rb") as file:
        parts = [_md5(part) for part in iter(functools.partial(file.read, PART), b"")]
    if size_of(body) < PART:
        return (parts[0] if parts else _md5(b"")).hex()
    return f"{_md5(b''.join(parts)).hex()}-{len(parts)}"


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def opened(body: bytes | Path) -> contextlib.AbstractContextManager[bytes | IO[bytes]]:
    """The bytes, or the file to read them from."""
    return contextlib.nullcontext(body) if isinstance(body, bytes) else body.open("rb")
