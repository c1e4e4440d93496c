"""The contact sheet: photos of a gallery in rows on one picture, for link cards.

Owns the layout, which fills the card to its edges, and the encoding under a limit of bytes. Reads
our own finished outputs alone, in the confined child. Refuses to choose photos: see `contact`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from pipeline.address import CONTACT_SIZE

SIZE = CONTACT_SIZE
# Chat systems fetch no card that is much larger.
MOST_BYTES = 300_000
_GAP = 4
_PAPER = (13, 13, 13)
_QUALITIES = (84, 76, 68, 58, 46, 34)
# A portrait's face is above its middle.
_CENTRE = (0.5, 0.4)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a photo lies on the sheet, in pixels."""

    x: int
    y: int
    width: int
    height: int


def arrange(paths: list[str], target: str) -> dict[str, Any]:
    """Lay the photos out in their order and write the sheet; answers its size and bytes."""
    sheet = Image.new("RGB", SIZE, _PAPER)
    pictures = [_opened(path) for path in paths]
    for picture, cell in zip(pictures, cells([p.width / p.height for p in pictures]), strict=True):
        fitted = ImageOps.fit(
            picture, (cell.width, cell.height), Image.Resampling.LANCZOS, centering=_CENTRE
        )
        sheet.paste(fitted, (cell.x, cell.y))
    data = next((d for d in _encodings(sheet) if len(d) <= MOST_BYTES), b"")
    Path(target).write_bytes(data)
    return {"width": sheet.width, "height": sheet.height, "bytes": len(data)}


def _opened(path: str) -> Image.Image:
    with Image.open(path, formats=("JPEG",)) as image:
        return image.convert("RGB")


def _encodings(sheet: Image.Image) -> Iterator[bytes]:
    for quality in _QUALITIES:
        buffer = BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, progressive=True, optimize=True)
        yield buffer.getvalue()


def cells(ratios: list[float]) -> list[Cell]:
    """Rows of equal height; in each, photos share the width after their shapes."""
    rows = _rows(ratios)
    edges = _edges(SIZE[1], [1.0] * len(rows))
    return [
        Cell(x=left, y=top, width=right - left, height=bottom - top)
        for row, (top, bottom) in zip(rows, edges, strict=True)
        for left, right in _edges(SIZE[0], row)
    ]


def _rows(ratios: list[float]) -> list[list[float]]:
    """As many rows as make cells of about the photos' own shapes, about equally full."""
    across = SIZE[0] / SIZE[1]
    count = max(1, round((sum(ratios) / across) ** 0.5))
    full, rows, total = sum(ratios) / count, [[]], 0.0  # type: ignore[var-annotated]
    for ratio in ratios:
        if rows[-1] and total + ratio / 2 > full * len(rows) and len(rows) < count:
            rows.append([])
        rows[-1].append(ratio)
        total += ratio
    return rows


def _edges(length: int, shares: list[float]) -> list[tuple[int, int]]:
    """Stretches of a length after their shares, with gaps between them."""
    free = length - _GAP * (len(shares) - 1)
    found, start, done = [], 0, 0.0
    for number, share in enumerate(shares):
        done += share
        end = round(free * done / sum(shares)) + _GAP * number
        found.append((start, end))
        start = end + _GAP
    return found
