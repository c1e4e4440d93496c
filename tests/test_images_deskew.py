"""Scans: lines set level, nothing lost, pictures left alone; pages of documents."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat
from test_images import PIXELS, distance, out, scene

from pipeline import images, images_deskew


def page(width: int = 1200, height: int = 1600, mode: str = "L") -> Image.Image:
    """A page of lines of words in two columns with a picture, and a frame at its very edge."""
    dice = random.Random(7)  # noqa: S311 - the same page every time
    sheet = Image.new("L", (width, height), 235)
    draw = ImageDraw.Draw(sheet)
    for left in (90, width // 2 + 20):
        for top in range(150, height - 150, 26):
            at, end = left, left + width // 2 - 130
            while at < end:
                word = dice.randint(20, 80)
                draw.rectangle((at, top, min(at + word, end), top + 11), fill=dice.randint(20, 70))
                at += word + 12
    draw.rectangle((90, 500, width // 2 - 40, 900), fill=150)
    draw.rectangle((0, 0, width - 1, height - 1), outline=0, width=3)
    return sheet.convert(mode)


@pytest.mark.parametrize("angle", [-4.3, -0.6, 0.25, 1.5, 6.0])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_lines_are_found_to_a_twentieth_of_a_degree(angle: float, mode: str) -> None:
    """However the page lies, in grey or colour, it is turned back by as much."""
    crooked = page(mode=mode).rotate(
        angle, Image.Resampling.BICUBIC, fillcolor=235 if mode == "L" else (235,) * 3
    )
    assert images_deskew.skew(crooked) == pytest.approx(-angle, abs=0.06)


def test_a_level_page_stays_as_it_is() -> None:
    """Nothing is resampled without need."""
    straight = page()
    assert images_deskew.level(straight) == (straight, 0.0)


def test_nothing_is_cut_off_and_paper_fills_the_corners() -> None:
    """Marks in all four corners are there after the turn, in a picture of the same size."""
    sheet = page()
    draw = ImageDraw.Draw(sheet)
    for x in (8, 1162):
        for y in (8, 1562):
            draw.rectangle((x, y, x + 30, y + 30), fill=0)
    # As a scanner sees it: the whole page, turned, on a lid of the paper's colour.
    crooked = sheet.rotate(-2.0, Image.Resampling.BICUBIC, expand=True, fillcolor=235)
    level, angle = images_deskew.level(crooked)
    assert angle == pytest.approx(2.0, abs=0.06)
    assert level.size == crooked.size
    assert level.getpixel((0, 0)) == pytest.approx(235, abs=3)
    corners = level.resize((10, 10), Image.Resampling.BOX)
    dark = [corners.getpixel(at) for at in ((0, 0), (9, 0), (0, 9), (9, 9))]
    assert max(dark) < 232


@pytest.mark.parametrize("kind", ["noise", "photo", "blank", "tiny"])
def test_what_has_no_lines_is_never_turned(kind: str) -> None:
    """A photograph, noise, an empty page: turning them would be a guess."""
    dice = random.Random(3)  # noqa: S311 - the same noise every time
    noise = Image.frombytes("L", (600, 800), dice.randbytes(480_000))
    pictures = {
        "noise": noise,
        "photo": noise.filter(ImageFilter.GaussianBlur(12)),
        "blank": Image.new("RGB", (600, 800), (250, 248, 240)),
        "tiny": scene(6, 4),
    }
    assert images_deskew.level(pictures[kind])[1] == 0.0


def test_every_size_is_set_level_and_that_is_said(tmp_path: Path) -> None:
    """Asked of the sizes of one picture, it happens once, to all of them, with a note."""
    path = tmp_path / "crooked.png"
    page().rotate(1.5, Image.Resampling.BICUBIC, fillcolor=235).save(path)
    wanted = [out(w, w * 4 // 3) | {"deskew": True} for w in (900, 600)]
    told = images.develop(str(path), wanted, str(tmp_path), {"max_pixels": PIXELS})
    assert told["notes"] == ["Set level: it was turned by 1.5 degrees."]
    for each in wanted:
        with Image.open(tmp_path / each["file"]) as made:
            assert images_deskew.skew(made) == 0.0


# --- pages -----------------------------------------------------------------------------------


def document(folder: Path, **options: Any) -> str:
    """A TIFF of three pages of different sizes, bilevel as fax machines make them."""
    path = folder / "pages.tif"
    pages = [page(600, 800).convert("1"), page(400, 500).convert("1"), page(800, 600).convert("1")]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="group4", **options)
    return str(path)


def test_pages_of_a_document_are_found_with_their_sizes(tmp_path: Path) -> None:
    """By their headers alone, numbered as the file has them."""
    picture = images.inspect(document(tmp_path), PIXELS)
    assert (picture.width, picture.height, picture.pages) == (600, 800, 3)
    assert picture.sheets == ((1, 400, 500), (2, 800, 600))
    assert not picture.animated


def test_a_page_is_developed_by_its_number(tmp_path: Path) -> None:
    """Bilevel print becomes smooth grey, not a raster, and it is the page that was asked for."""
    wanted = [out(400, 300) | {"page": 2}]
    images.develop(document(tmp_path), wanted, str(tmp_path), {"max_pixels": PIXELS})
    with Image.open(tmp_path / "400.jpeg") as made:
        assert made.mode == "L"
        assert len(made.getcolors() or []) > 50
        shown = (
            page(800, 600).convert("1").convert("L").resize((400, 300), Image.Resampling.LANCZOS)
        )
        assert distance(made, shown) < 6


def test_smaller_copies_and_masks_are_no_pages(tmp_path: Path) -> None:
    """What a program keeps beside its page, smaller or as a mask, is not shown to readers."""
    path = tmp_path / "with-copy.tif"
    copy = Image.new("L", (150, 200))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    page(600, 800).save(path, save_all=True, append_images=[copy, page(600, 800)])
    picture = images.inspect(str(path), PIXELS)
    assert [number for number, _, _ in picture.sheets] == [2]


def test_print_stays_crisp(tmp_path: Path) -> None:
    """At the size to zoom into, edges of letters are as steep as in the scan itself."""
    path = tmp_path / "print.png"
    sheet = page(1000, 1400)
    sheet.save(path)
    wanted = [out(1000, 1400) | {"quality": 85}]
    images.develop(str(path), wanted, str(tmp_path), {"max_pixels": PIXELS})
    with Image.open(tmp_path / "1000.jpeg") as made:
        edges = [
            ImageStat.Stat(ImageChops.difference(im, ImageChops.offset(im, 1, 0))).rms[0]
            for im in (made.convert("L"), sheet)
        ]
    assert edges[0] / edges[1] > 0.97
