"""What the text file beside an item says of it: a caption, and above it lines like "alt: ...".

Owns the shape of `name.txt`. Pure. Refuses nothing: whatever is not such a line is the caption.
`texts` reads the file, `manifest` decides who is believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"\s*([^\W\d_]+(?: [^\W\d_]+)?)\s*:\s*(.*?)\s*")
_FIELDS = {
    "title": "title",
    "título": "title",
    "alt": "alt",
    "texto alternativo": "alt",
    "caption": "caption",
    "pie": "caption",
    "credit": "credit",
    "crédito": "credit",
    "order": "order",
    "orden": "order",
    "cover": "cover",
    "portada": "cover",
}
_YES = frozenset({"yes", "true", "1", "x", "sí", "si"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words for one item; empty means: take it from elsewhere. `order` counts from 1."""

    title: str = ""
    caption: str = ""
    alt: str = ""
    credit: str = ""
    order: int | None = None
    cover: bool = False


def read(text: str) -> Said:
    """The lines at the top that name a field, and the rest as the caption."""
    lines = text.splitlines()
    found: dict[str, str] = {}
    while lines and (field := _field(lines[0])):
        found.setdefault(*field)
        lines.pop(0)
    rest = "\n".join(lines).strip()
    number = found.get("order", "")
    return Said(
        title=found.get("title", ""),
        caption="\n".join(part for part in (found.get("caption", ""), rest) if part),
        alt=found.get("alt", ""),
        credit=found.get("credit", ""),
        order=int(number) if re.fullmatch(r"[0-9]{1,6}", number) else None,
        cover=found.get("cover", "").casefold() in _YES,
    )


def _field(line: str) -> tuple[str, str] | None:
    match = _LINE.fullmatch(line)
    name = _FIELDS.get(match[1].casefold()) if match else None
    return (name, match[2]) if match and name else None
