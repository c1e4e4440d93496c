"""Posters: the still a film is known by, with and without its play badge.

Owns which frame is worth showing, the badge burnt into posters that are mere links, and the quiet
picture shown while an item is being prepared. Refuses to take frames out of films: `render` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

from pipeline import errors

# What frames come in: JPEG and PNG from elsewhere, PPM from our own decoder.
_FRAMES = ("JPEG", "PNG", "PPM")
# What mail programs and link cards take without complaint.
_BADGE_WIDTH, _BADGE_BYTES = 1200, 150_000
# Part of the short side: seen at 300 px, not in the way at 1200.
_BADGE_SHARE = 0.18
# Below this much less quality the eye minds more than it minds fewer pixels.
_QUALITY_STEPS = (0, 8, 16)
# Shapes are drawn this much larger and scaled down: smooth edges.
_FINER = 4
# Frames are judged at this size; noise is gone and blur still shows.
_JUDGED = (480, 480)
_DARK, _BRIGHT = 24, 235
# A grid of 16 by 16 cells of 8 by 8 pixels; a cell whose neighbouring pixels differ by less than
# this on average is plain ground: compressed walls and skies stay below, skin and cloth do not.
_CELLS, _CELL, _ROUGH = 16, 8, 4
_PAPER, _EDGE, _INK = (238, 239, 241), (221, 223, 227), (171, 176, 184)
_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, -1, 0, -1, 4, -1, 0, -1, 0), scale=1, offset=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a frame looks, in figures: variance of its edges, spread and mean of its light
    (0..255), share of pixels that are neither black nor white, colourfulness (Hasler and
    Suesstrunk 2003, the spread of the two opponent channels), and the share of its area with
    something to see in it, as opposed to plain ground around a title.
    """  # noqa: D205 - one sentence

    edges: float
    mean: float
    spread: float
    exposed: float
    colour: float
    detail: float


def make(frames: list[str], outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every poster of a film from the best of its frames; see `choose`, `poster` and `badge`.

    An output has a target, a quality, and is badged or not.
    """
    best = frames[choose(frames)]
    return [
        (badge if out["badged"] else poster)(best, out["target"], out["quality"]) for out in outputs
    ]


def choose(paths: list[str]) -> int:
    """Index of the best poster among frames of one film; the first wins a tie.

    Bars that are black in every frame do not count. Among equally good frames the one that looks
    like the rest of the film wins. A frame that does not open is passed over; errors.Unreadable
    when none does.
    """
    opened = {index: image for index, path in enumerate(paths) if (image := _opened(path))}
    if not opened:
        raise errors.Unreadable("No frame of the film makes a poster.")
    area = _area(list(opened.values()))
    frames = {index: image.crop(area(image)) for index, image in opened.items()}
    scores = {index: score(_look(image)) for index, image in frames.items()}
    palettes = {index: _palette(image) for index, image in frames.items()}
    typical = _typical(list(palettes.values()), list(scores.values()))
    return max(scores, key=lambda index: scores[index] * _fitting(palettes[index], typical))


def score(look: Look) -> float:
    """How good a poster is, over 0: a product, so that one grave fault cannot be bought off.

    Each part lies in 0.05..1 and saturates where more is no better: edge variance of 400 is
    crisp, a light spread of 55 is full contrast, colourfulness of 40 is "quite colourful", and a
    face before a plain wall still has detail in a third of the picture.
    """
    crisp = min(sqrt(look.edges / 400), 1)
    contrast = min(look.spread / 55, 1)
    balance = 1 - abs(look.mean - 118) / 137
    colour = 0.7 + 0.3 * min(look.colour / 40, 1)
    filled = min(look.detail / 0.35, 1)
    parts = (crisp, contrast, balance, look.exposed, colour, filled)
    product = 1.0
    for part in parts:
        product *= max(part, 0.05)
    return product


def poster(source: str, target: str, quality: int = 82) -> dict[str, Any]:
    """Save a chosen frame as a progressive JPEG of the same size.

    Answers file, width, height, bytes, sha256 and media_type as measured.
    """
    with Image.open(source, formats=_FRAMES) as frame:
        return _written(_jpeg(frame.convert("RGB"), quality), target)


def badge(source: str, target: str, quality: int = 82) -> dict[str, Any]:
    """Burn the play badge into a poster: at most 1200 pixels wide and 150 kB, never enlarged.

    Answers file, width, height, bytes, sha256 and media_type as measured.
    """
    with Image.open(source, formats=_FRAMES) as plain:
        plain.draft("RGB", (_BADGE_WIDTH, 1))
        image = plain.convert("RGB")
    image.thumbnail((_BADGE_WIDTH, image.height), Image.Resampling.LANCZOS)
    _press(image)
    image, data = _within(image, quality, _BADGE_BYTES)
    return _written(data, target)


def placeholder(target: str, width: int, height: int, kind: str) -> dict[str, Any]:
    """A quiet poster for an item still being prepared; `kind` is video, audio or photo."""
    image = Image.new("RGB", (width, height), _PAPER)
    image.paste(_shade((width, height)))
    side = max(round(min(width, height) * 0.3), 1)
    ink = Image.new("RGB", (side, side), _INK)
    glyph = _drawn(side, _GLYPHS.get(kind, _GLYPHS["video"]))
    image.paste(ink, ((width - side) // 2, (height - side) // 2), glyph)
    return _written(_jpeg(image, 85), target)


# --- judging ------------------------------------------------------------------------------------


def _opened(path: str) -> Image.Image | None:
    try:
        with Image.open(path, formats=_FRAMES) as frame:
            frame.draft("RGB", _JUDGED)
            image = frame.convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None
    image.thumbnail(_JUDGED, Image.Resampling.BILINEAR)
    return image


def _area(frames: list[Image.Image]) -> Callable[[Image.Image], tuple[int, int, int, int]]:
    """What is left of a frame without the bars that are black in all of them."""
    width, height = size = frames[0].size
    lit = Image.new("L", size)
    for frame in frames:
        lit = ImageChops.lighter(lit, frame.convert("L").resize(size))
    shown = lit.point(lambda value: 255 * (value >= _DARK)).getbbox() or (0, 0, width, height)

    def area(frame: Image.Image) -> tuple[int, int, int, int]:
        across, down = frame.width / width, frame.height / height
        left, top, right, bottom = shown
        return int(left * across), int(top * down), ceil(right * across), ceil(bottom * down)

    return area


def _look(image: Image.Image) -> Look:
    grey = image.convert("L")
    light = ImageStat.Stat(grey)
    counts = grey.histogram()
    return Look(
        edges=_edges(grey),
        mean=light.mean[0],
        spread=light.stddev[0],
        exposed=sum(counts[_DARK:_BRIGHT]) / sum(counts),
        colour=_colourfulness(image),
        detail=_detail(grey),
    )


def _edges(grey: Image.Image) -> float:
    """Variance of the Laplacian; Pillow's filters leave the outermost pixels as they were."""
    inner = (1, 1, max(grey.width - 1, 2), max(grey.height - 1, 2))
    return ImageStat.Stat(grey.filter(_LAPLACIAN).crop(inner)).var[0]


def _detail(grey: Image.Image) -> float:
    """Share of the cells of a grid in which the light differs visibly from place to place."""
    small = grey.resize((_CELLS * _CELL, _CELLS * _CELL), Image.Resampling.BOX)
    rough = ImageChops.subtract(
        small.filter(ImageFilter.MaxFilter(3)), small.filter(ImageFilter.MinFilter(3))
    )
    cells = rough.resize((_CELLS, _CELLS), Image.Resampling.BOX).histogram()
    return sum(cells[_ROUGH:]) / _CELLS**2


def _palette(image: Image.Image) -> list[float]:
    """Shares of eight levels of red, of green and of blue."""
    counts = image.histogram()
    pixels = image.width * image.height
    return [sum(counts[first : first + 32]) / pixels for first in range(0, len(counts), 32)]


def _typical(palettes: list[list[float]], weights: list[float]) -> list[float]:
    """The film's palette: frames count by their score, or a film of fades would be black."""
    total = sum(weights)
    return [
        sum(share * weight for share, weight in zip(shares, weights, strict=True)) / total
        for shares in zip(*palettes, strict=True)
    ]


def _fitting(palette: list[float], typical: list[float]) -> float:
    """0.75..1: how much a frame looks like the film; it decides between good frames only."""
    common = sum(min(pair) for pair in zip(palette, typical, strict=True)) / 3
    return 0.75 + 0.25 * common


def _colourfulness(image: Image.Image) -> float:
    red, green, blue = image.split()
    opponents = (
        ImageChops.subtract(red, green, 2, 128),
        ImageChops.subtract(ImageChops.add(red, green, 2), blue, 2, 128),
    )
    one, other = (ImageStat.Stat(each) for each in opponents)
    spread = sqrt(one.var[0] + other.var[0])
    away = sqrt((one.mean[0] - 128) ** 2 + (other.mean[0] - 128) ** 2)
    return 2 * (spread + 0.3 * away)


# --- drawing ------------------------------------------------------------------------------------


def _drawn(side: int, shapes: Any) -> Image.Image:
    """A mask of `side` pixels from shapes drawn on a square of 100 units."""
    large = side * _FINER
    mask = Image.new("L", (large, large))
    shapes(ImageDraw.Draw(mask), large / 100)
    return mask.resize((side, side), Image.Resampling.BOX)


def _press(image: Image.Image) -> None:
    """Paste the badge into the middle: a dark translucent disc, a light ring and triangle."""
    side = max(round(min(image.size) * _BADGE_SHARE), 24)
    at = ((image.width - side) // 2, (image.height - side) // 2)
    disc = _drawn(side, _disc).point(lambda value: value * 0.62)
    image.paste(Image.new("RGB", disc.size, (16, 18, 22)), at, disc)
    image.paste(Image.new("RGB", disc.size, (255, 255, 255)), at, _drawn(side, _play))


def _disc(draw: ImageDraw.ImageDraw, unit: float) -> None:
    draw.ellipse((0, 0, 100 * unit - 1, 100 * unit - 1), fill=255)


def _play(draw: ImageDraw.ImageDraw, unit: float) -> None:
    edge = 3 * unit
    draw.ellipse((edge, edge, 97 * unit, 97 * unit), outline=215, width=round(2.5 * unit))
    # The triangle's centre of mass, not its box, sits in the middle.
    draw.polygon([(x * unit, y * unit) for x, y in ((39, 28), (39, 72), (76, 50))], fill=255)


def _film(draw: ImageDraw.ImageDraw, unit: float) -> None:
    draw.rounded_rectangle((0, 18 * unit, 100 * unit, 82 * unit), 8 * unit, fill=255)
    for left in range(7, 94, 18):
        for top in (24, 70):
            hole = (left * unit, top * unit, (left + 9) * unit, (top + 6) * unit)
            draw.rounded_rectangle(hole, 1.5 * unit, fill=0)
    draw.polygon([(x * unit, y * unit) for x, y in ((43, 38), (43, 62), (63, 50))], fill=0)


def _sound(draw: ImageDraw.ImageDraw, unit: float) -> None:
    for place, length in enumerate((18, 40, 66, 92, 58, 78, 44, 24)):
        left = 2 + place * 12.6
        bar = (left * unit, (50 - length / 2) * unit, (left + 7) * unit, (50 + length / 2) * unit)
        draw.rounded_rectangle(bar, 3.5 * unit, fill=255)


def _photo(draw: ImageDraw.ImageDraw, unit: float) -> None:
    draw.rounded_rectangle((0, 14 * unit, 100 * unit, 86 * unit), 8 * unit, fill=255)
    draw.rounded_rectangle((6 * unit, 20 * unit, 94 * unit, 80 * unit), 4 * unit, fill=0)
    draw.ellipse((66 * unit, 28 * unit, 80 * unit, 42 * unit), fill=255)
    hills = ((12, 74), (36, 38), (55, 64), (65, 53), (88, 74))
    draw.polygon([(x * unit, y * unit) for x, y in hills], fill=255)


_GLYPHS = {"video": _film, "audio": _sound, "photo": _photo}


def _shade(size: tuple[int, int]) -> Image.Image:
    """A barely visible fall of light from top to bottom."""
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, _EDGE), Image.new("RGB", size, _PAPER), ramp)


def _within(image: Image.Image, quality: int, budget: int) -> tuple[Image.Image, bytes]:
    """A JPEG of at most `budget` bytes: a little less quality first, then fewer pixels."""
    while True:
        for step in _QUALITY_STEPS:
            data = _jpeg(image, max(quality - step, 1))
            if len(data) <= budget:
                return image, data
        smaller = (image.width * 4 // 5, image.height * 4 // 5)
        image = image.resize(smaller, Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    image.info.clear()  # Pillow's writer would copy comments from here
    image.save(buffer, "JPEG", quality=quality, progressive=True, optimize=True)
    return buffer.getvalue()


def _written(data: bytes, target: str) -> dict[str, Any]:
    """Write a finished JPEG and answer what is measured on the file."""
    Path(target).write_bytes(data)
    with Image.open(target, formats=("JPEG",)) as image:
        image.load()
        width, height = image.size
    return {
        "file": Path(target).name,
        "width": width,
        "height": height,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "media_type": "image/jpeg",
    }
