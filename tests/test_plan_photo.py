"""What will be made of a picture: widths, a size to zoom into, pages, motion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import DEFAULT, changed, drop, photo, planned, step

from pipeline import plan as planning
from pipeline import plan_photo
from pipeline.model import ItemInfo, LoopOut, PhotoOut, Plan
from pipeline.order import LATER

SIDES = st.integers(min_value=2, max_value=9000)
SCAN = ItemInfo(scan=True)


def stills(plan_: Plan, name: str = "photo") -> list[PhotoOut]:
    return [out for out in step(plan_, name).outputs if isinstance(out, PhotoOut)]


@pytest.mark.parametrize(
    ("width", "made"),
    [
        (3000, (320, 640, 960, 1280, 1920, 2560)),
        (2560, (320, 640, 960, 1280, 1920, 2560)),
        (1600, (320, 640, 960, 1280, 1600)),
        (1300, (320, 640, 960, 1280)),
        (100, (100,)),
        (1, (1,)),
    ],
)
def test_photo_widths(width: int, made: tuple[int, ...]) -> None:
    """Widths below the photo's, and its own where that shows notably more."""
    assert plan_photo.photo_widths(width, DEFAULT.photo.widths) == made


@given(SIDES)
def test_no_photo_is_enlarged(width: int) -> None:
    """There is always a width, and none above the photo's."""
    made = plan_photo.photo_widths(width, DEFAULT.photo.widths)
    assert made
    assert max(made) <= width


def test_every_width_comes_as_jpeg_and_avif() -> None:
    """Old readers get JPEG; shapes are kept."""
    (made,) = planned(photo(1000, 500)).steps
    assert [(o.file, o.height) for o in made.outputs] == [  # type: ignore[union-attr]
        (f"{width}.{suffix}", width // 2) for suffix in ("jpg", "avif") for width in (320, 640, 960)
    ]


@given(SIDES, st.integers(min_value=2, max_value=300_000))
def test_what_is_made_can_be_drawn(width: int, height: int) -> None:
    """However long a strip is, something is made of it that browsers draw, in its shape."""
    for out in stills(planned(photo(width, height))):
        assert 1 <= out.height <= 16_000
        assert 1 <= out.width <= width
        true = height * out.width / width
        assert abs(out.height - true) <= 0.5 or out.height == 1 or out.width == 1


def test_an_album_of_one_moment_shows_its_main_picture() -> None:
    """Bursts, stereo pairs and pictures with depth maps are one picture, and that is said."""
    plan_ = planned(photo(pages=3))
    assert [made.name for made in plan_.steps] == ["photo"]
    assert "The file holds 3 images; its main picture is published." in plan_.notes


# --- scans -----------------------------------------------------------------------------------


def test_a_scan_keeps_a_size_to_zoom_into() -> None:
    """One JPEG beyond the fixed widths, of better quality, and no larger than the scan."""
    for width, large in ((8000, 5120), (4000, 4000)):
        made = stills(planned(photo(width, 1000), drop=drop(info=SCAN)))
        (zoom,) = [out for out in made if out.role == "large"]
        assert (zoom.file, zoom.width, zoom.format) == ("large.jpg", large, "jpeg")
        assert zoom.quality == DEFAULT.photo.scan_quality > DEFAULT.photo.jpeg_quality


def test_a_small_scan_needs_no_further_size() -> None:
    """Where the widest of the fixed widths shows all there is, it is the size to zoom into."""
    assert {out.role for out in stills(planned(photo(2464, 3248), drop=drop(info=SCAN)))} == {
        "photo"
    }


def test_very_large_pictures_are_scans_unless_said_otherwise() -> None:
    """From the profile's number of pixels on, a picture can be zoomed into without being asked."""
    side = 7000
    assert side * side > DEFAULT.photo.scan_pixels > 5000 * 5000
    roles = [{o.role for o in stills(planned(photo(n, n)))} for n in (5000, side)]
    assert roles == [{"photo"}, {"photo", "large"}]


def test_deskew_is_asked_of_every_size() -> None:
    """All sizes of a picture are set level, or none is."""
    asked = stills(planned(photo(), drop=drop(info=ItemInfo(deskew=True))))
    assert all(out.deskew for out in asked)
    assert not any(out.deskew for out in stills(planned(photo())))


def test_asking_for_a_scan_plans_anew_and_nothing_else_does() -> None:
    """A line in post.toml starts the work again; files dropped before there were scans do not."""
    plain = drop()
    before = planning.generation(plain)
    assert before == planning.generation(replace(plain, info=ItemInfo(scan=None, deskew=False)))
    asked = {planning.generation(replace(plain, info=ItemInfo(**{n: True}))) for n in CHOICES}
    assert len(asked | {before}) == 3


CHOICES = ("scan", "deskew")


# --- pages -----------------------------------------------------------------------------------


def test_every_page_of_a_document_is_made() -> None:
    """Each further page is a step of its own that may fail alone, in sizes of its own."""
    sheets = ((1, 1000, 1400), (3, 500, 700))
    plan_ = planned(photo(3000, 4000, pages=4, sheets=sheets), drop=drop(info=SCAN))
    assert [(s.name, s.required) for s in plan_.steps] == [
        ("photo", True),
        ("page-2", False),
        ("page-3", False),
    ]
    second, third = stills(plan_, "page-2"), stills(plan_, "page-3")
    assert [(o.file, o.page, o.role) for o in second][:2] == [
        ("page-2-320.jpg", 1, "page"),
        ("page-2-640.jpg", 1, "page"),
    ]
    assert {o.page for o in third} == {3}
    assert max(o.width for o in third) == 500
    assert "The file holds 3 pages; all are shown on its own page." in plan_.notes
    assert stills(plan_)[-1].file == "large.jpg"


def test_a_page_can_be_zoomed_into_like_the_first() -> None:
    """What holds for the first page of a scan holds for all."""
    plan_ = planned(photo(6000, 8000, pages=2, sheets=((1, 6000, 8000),)), drop=drop(info=SCAN))
    assert stills(plan_, "page-2")[-1].role == "page-large"
    assert stills(plan_, "page-2")[-1].file == "page-2-large.jpg"


def test_a_book_is_published_in_part_and_that_is_said() -> None:
    """A hundred pages and the first are made; the note tells how many there are."""
    sheets = tuple((n, 100, 100) for n in range(1, 400))
    plan_ = planned(photo(pages=400, sheets=sheets))
    assert len(plan_.steps) == 101
    assert any("holds 400 pages; the first 101" in note for note in plan_.notes)


# --- motion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "made"),
    [((201, 151), (200, 150)), ((2561, 1441), (1280, 720)), ((1280, 333), (1280, 332))],
)
def test_a_picture_that_moves_becomes_a_loop(size: tuple[int, int], made: tuple[int, int]) -> None:
    """Beside its still, as one film of even sides, rounded down; a failure leaves the still."""
    plan_ = planned(photo(*size, animated=True, pages=9))
    loop = step(plan_, "loop")
    (out,) = loop.outputs
    assert isinstance(out, LoopOut)
    assert (out.width, out.height, out.file) == (*made, "loop.mp4")
    assert (loop.required, loop.priority) == (False, LATER)
    assert step(plan_, "photo").required
    assert plan_.notes == ()


@pytest.mark.parametrize("facts", [{"pages": 9}, {"animated": True, "pages": 9, "height": 12}])
def test_what_does_not_move_or_show_makes_no_loop(facts: dict[str, Any]) -> None:
    """Several stills are no motion, and a spacer of a few pixels is nothing to look at."""
    assert [made.name for made in planned(photo(**({"width": 600} | facts))).steps] == ["photo"]


def test_a_wider_loop_is_the_profiles_choice() -> None:
    """No number is in the code."""
    wide = changed(DEFAULT, photo=changed(DEFAULT.photo, loop_width=400, loop_crf=30))
    (out,) = step(planned(photo(800, 400, animated=True, pages=2), profile=wide), "loop").outputs
    assert isinstance(out, LoopOut)
    assert (out.width, out.height, out.crf) == (400, 200, 30)
