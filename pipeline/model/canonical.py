"""Canonical JSON of any value, and names made of it.

Owns the one way to write values down: two equal values are the same bytes everywhere.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


@functools.cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """The one pydantic adapter for a value type; building one is slow, so they are kept."""
    from pydantic import TypeAdapter  # noqa: PLC0415  (0.1 s of CPU: most children do without)

    return TypeAdapter(kind)


def to_json(value: Any) -> bytes:
    """Canonical JSON of a value: sorted keys, no spaces, UTF-8, a final newline."""
    kind: Any = type(value)
    plain = adapter(kind).dump_python(value, mode="json")
    return (
        json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    ).encode()


def from_json(kind: type[T], data: bytes | str) -> T:
    """Read a value back; raises pydantic.ValidationError on anything that does not fit."""
    wanted: Any = kind
    value: T = adapter(wanted).validate_json(data)
    return value


def digest(*parts: Any) -> str:
    """Hex sha256 over the canonical JSON of plain parts: the house's one way to name work."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
