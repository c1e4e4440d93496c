"""What will be made of a picture: its widths, a size to zoom into, its further pages, its motion.

Owns every choice about sizes of stills. Pure. `plan` calls it for photos; the films' own are in
`plan_film`. Refuses to know what is in a file beyond its probe.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pipeline.model import LoopOut, PhotoOut, PhotoProfile, Picture, Step
from pipeline.order import LATER, SOON, Order, draft

# A width of the photo's own is worth making when it shows this much more than the next.
WORTHWHILE = 1.15
# What browsers still draw in one piece; a receipt of 3000 x 100000 pixels is made narrower.
_MAX_HEIGHT = 16_000
# A document of more pages than this is no gallery item.
_MAX_SHEETS = 100
# Below, there is nothing to see, and H.264 has its own ideas.
_MIN_LOOP = 16
_LARGE = "large"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One picture to be made in its sizes; `prefix` begins the names of its files."""

    number: int
    width: int
    height: int
    role: str
    prefix: str = ""

    def height_at(self, width: int) -> int:
        return min(max(1, self.exactly(width)), _MAX_HEIGHT)

    def exactly(self, width: int) -> int:
        return round(Fraction(self.height * width, self.width))


def plan_photo(order: Order) -> tuple[list[Step], list[str]]:
    """The steps of one picture, and what is to be said of them."""
    picture = order.probe.picture
    if picture is None:
        raise ValueError("a photo item without a picture")  # the probe never says so
    main = _Page(number=0, width=picture.width, height=picture.height, role="photo")
    steps = [_step(order, "photo", main)]
    steps += [_step(order, page.prefix.removesuffix("-"), page) for page in _sheets(picture)]
    return [*steps, *_loop(order, picture)], _notes(picture)


def photo_widths(width: int, offered: tuple[int, ...]) -> tuple[int, ...]:
    """The widths to make: those below the photo's, and its own where that is not the largest."""
    fitting = [w for w in sorted(offered) if w <= width]
    if len(fitting) < len(offered) and (not fitting or width > fitting[-1] * WORTHWHILE):
        fitting.append(width)
    return tuple(fitting)


def _notes(picture: Picture) -> list[str]:
    if picture.animated or picture.pages == 1:
        return []
    if not picture.sheets:
        return [f"The file holds {picture.pages} images; its main picture is published."]
    if len(picture.sheets) > _MAX_SHEETS:
        shown = f"the first {_MAX_SHEETS + 1} are published"
        return [f"The file holds {len(picture.sheets) + 1} pages; {shown}: split it for the rest."]
    return [f"The file holds {len(picture.sheets) + 1} pages; all are shown on its own page."]


# --- stills ----------------------------------------------------------------------------------


def _step(order: Order, name: str, page: _Page) -> Step:
    outputs = (*_sizes(order, page), *_zoomable(order, page))
    step = draft(order, name, SOON if page.number == 0 else LATER)
    return dataclasses.replace(step, outputs=outputs, required=page.number == 0)


def _sheets(picture: Picture) -> Iterator[_Page]:
    """The pages of a document after its first."""
    for count, (number, width, height) in enumerate(picture.sheets[:_MAX_SHEETS], start=2):
        yield _Page(number=number, width=width, height=height, role="page", prefix=f"page-{count}-")


def _sizes(order: Order, page: _Page) -> Iterator[PhotoOut]:
    """The fixed widths in both formats."""
    photo = order.profile.photo
    formats: tuple[tuple[Literal["jpeg", "avif"], str, int], ...] = (
        ("jpeg", "jpg", photo.jpeg_quality),
        ("avif", "avif", photo.avif_quality),
    )
    for form, suffix, quality in formats:
        for width in _drawable(page, photo_widths(page.width, photo.widths)):
            name = f"{page.prefix}{width}.{suffix}"
            yield _out(order, page, (name, page.role, width), (form, quality))


def _drawable(page: _Page, widths: tuple[int, ...]) -> tuple[int, ...]:
    kept = tuple(width for width in widths if page.exactly(width) <= _MAX_HEIGHT)
    return kept or (max(1, page.width * _MAX_HEIGHT // page.height),)


def _zoomable(order: Order, page: _Page) -> Iterator[PhotoOut]:
    """One size beyond the fixed widths, for what has to be read from near."""
    photo = order.profile.photo
    if not order.drop.info.scan and page.width * page.height < photo.scan_pixels:
        return
    (width,) = _drawable(page, (min(page.width, photo.scan_width),))
    if width > max(photo_widths(page.width, photo.widths)):
        name = f"{page.prefix}{_LARGE}.jpg"
        yield _out(order, page, (name, _role(page), width), ("jpeg", photo.scan_quality))


def _role(page: _Page) -> str:
    return _LARGE if page.role == "photo" else f"{page.role}-{_LARGE}"


def _out(
    order: Order,
    page: _Page,
    named: tuple[str, str, int],
    encoded: tuple[Literal["jpeg", "avif"], int],
) -> PhotoOut:
    name, role, width = named
    form, quality = encoded
    return PhotoOut(
        role=role,
        file=name,
        width=width,
        height=page.height_at(width),
        format=form,
        quality=quality,
        speed=order.profile.photo.avif_speed,
        page=page.number,
        deskew=bool(order.drop.info.deskew),
    )


# --- motion ----------------------------------------------------------------------------------


def _loop(order: Order, picture: Picture) -> Iterator[Step]:
    """A picture that moves is shown as film, too; where that fails, its still stands for it."""
    width, height = _loop_size(picture, order.profile.photo)
    if picture.animated and min(width, height) >= _MIN_LOOP:
        out = LoopOut(
            role="loop",
            file="loop.mp4",
            width=width,
            height=height,
            crf=order.profile.photo.loop_crf,
        )
        step = draft(order, "loop", LATER)
        yield dataclasses.replace(step, outputs=(out,), required=False)


def _loop_size(picture: Picture, photo: PhotoProfile) -> tuple[int, int]:
    """Even numbers, rounded down: H.264 has no others, and nothing is enlarged."""
    width = min(picture.width, photo.loop_width)
    return width // 2 * 2, picture.height * width // picture.width // 2 * 2
