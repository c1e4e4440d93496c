"""Scans set level: how far lines of text run off the horizontal, and turning them back.

Owns the angle (by projection profiles: the rows of a page that lies straight are either full of ink
or empty) and the one turn. Refuses to guess where there are no lines: such a picture stays as it
is. Works on pictures that are upright, in their colours and scaled already; see `images`.
"""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

# Wide enough for lines of newspaper print to stay apart; all angles take a third of a second.
_LOOK = 700
# Feeders and flat-bed scanners are off by less; what is more was meant, or is no page.
_MOST_DEG = 7.0
_STEPS_DEG = (0.5, 0.1, 0.02)
# Less cannot be seen, and every turn costs a little sharpness.
_LEAST_DEG = 0.05
# How much clearer rows must become for it to be lines at all; photographs stay far below.
_CLEARER = 1.15


def level(image: Image.Image) -> tuple[Image.Image, float]:
    """The picture with its lines of text level, in the same size, and by how many degrees.

    Positive angles were turned counter-clockwise. Nothing is cut off: the page is made smaller by
    what its corners need, and paper fills the rest.
    """
    angle = skew(image)
    return (image, 0.0) if abs(angle) < _LEAST_DEG else (_turned(image, angle), angle)


def skew(image: Image.Image) -> float:
    """Degrees to turn counter-clockwise until lines are level; 0.0 where no lines are seen."""
    ink = _ink(image)
    if ink.getbbox() is None:
        return 0.0
    best, rows = 0.0, _clarity(ink, 0.0)
    straight, reach = rows, _MOST_DEG
    for step in _STEPS_DEG:
        count = round(reach / step)
        tried = [best + step * number for number in range(-count, count + 1)]
        rows, best = max((_clarity(ink, angle), angle) for angle in tried)
        reach = step
    is_edge = abs(best) > _MOST_DEG - _STEPS_DEG[0]
    return 0.0 if is_edge or rows < straight * _CLEARER else round(best, 2)


def _ink(image: Image.Image) -> Image.Image:
    """What is darker than the paper around it, small, white on black, with an empty margin."""
    small = image.convert("L")
    small.thumbnail((_LOOK, _LOOK * 4), Image.Resampling.BOX)
    paper = small.filter(ImageFilter.BoxBlur(small.width / 30))
    darker = ImageChops.subtract(paper, small)
    # The scanner's own edge is the straightest line there is, and says nothing of the page.
    margin = max(1, small.width // 25)
    return ImageOps.expand(ImageOps.crop(darker, margin), margin, 0)


def _clarity(ink: Image.Image, angle: float) -> float:
    """How unevenly ink is spread over the rows: the mean square of steps from row to row."""
    turned = ink.rotate(angle, Image.Resampling.BILINEAR) if angle else ink
    rows = turned.resize((1, ink.height), Image.Resampling.BOX)
    down = ImageChops.offset(rows, 0, 1)
    return float(ImageStat.Stat(ImageChops.difference(rows, down)).sum2[0]) / ink.height


def _turned(image: Image.Image, angle: float) -> Image.Image:
    """Turn and fit in one resampling, so that letters stay as crisp as they can."""
    width, height = image.size
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    grow = max(
        (width * cosine + height * abs(sine)) / width,
        (height * cosine + width * abs(sine)) / height,
    )
    a, b = cosine * grow, -sine * grow
    across = width / 2 - a * width / 2 - b * height / 2
    down = height / 2 + b * width / 2 - a * height / 2
    matrix = (a, b, across, -b, a, down)
    paper = _paper(image)
    return image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=paper
    )


def _paper(image: Image.Image) -> int | tuple[int, ...]:
    """The commonest colour of the edges: what a page is printed on."""
    edge = max(1, min(image.size) // 50)
    width, height = image.size
    strips = [
        image.crop((0, 0, width, edge)),
        image.crop((0, height - edge, width, height)),
    ]
    found = [ImageStat.Stat(strip).median for strip in strips]
    brightest = max(found, key=sum)
    return brightest[0] if len(brightest) == 1 else tuple(brightest)
