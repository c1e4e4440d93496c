"""Films that are turned, mirrored, stretched, cut, odd or change on the way: shown as meant."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from measure import near, pictures, shape
from reels import H264, Reel, make, published, quarters

RED, GREEN, BLUE, WHITE = (192, 0, 0), (0, 192, 0), (0, 0, 192), (192, 192, 192)
NAMES = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}


def _corners(reel: Reel) -> str:
    """The colours of the four quarters of a picture in the middle of the film, row by row."""
    shown = reel.pictures[len(reel.pictures) // 2]
    places = ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))
    found = [shown.colour(*place) for place in places]
    return "".join(
        next((name for name, wanted in NAMES.items() if near(colour, wanted, 12)), "?")
        for colour in found
    )


@pytest.mark.parametrize(
    ("turn", "flip", "size", "corners"),
    [
        ("90", "", (180, 320), "GWRB"),
        ("180", "", (320, 180), "WBGR"),
        ("270", "", (180, 320), "BRWG"),
        ("0", "-display_hflip", (320, 180), "GRWB"),
        ("90", "-display_vflip", (180, 320), "RBGW"),
    ],
)
def test_a_turned_or_mirrored_film_is_shown_upright(
    tmp_path: Path, turn: str, flip: str, size: tuple[int, int], corners: str
) -> None:
    """Phones write how to hold the picture into a matrix; the published one needs none."""
    flat = make(tmp_path / "flat.mp4", "-f", "lavfi", "-i", quarters(), *H264)
    matrix = ("-display_rotation", turn, *([flip] if flip else []))
    film = make(tmp_path / "turned.mp4", *matrix, "-i", flat, "-c", "copy")
    reel = published(film, tmp_path)
    assert (reel.video.width, reel.video.height) == size
    assert shape(reel.path)[:2] == size
    assert "Display Matrix" not in shape(reel.path)[2]
    assert _corners(reel) == corners
    poster = next(out for out in reel.item.outputs if out.role == "poster")
    assert (poster.width, poster.height) == size


def test_a_camera_held_at_an_angle_is_taken_for_the_nearest_quarter(tmp_path: Path) -> None:
    """No black corners, nothing stretched."""
    flat = make(tmp_path / "flat.mp4", "-f", "lavfi", "-i", quarters(), *H264)
    film = make(tmp_path / "turned.mp4", "-display_rotation", "80", "-i", flat, "-c", "copy")
    reel = published(film, tmp_path)
    assert (reel.video.width, reel.video.height, _corners(reel)) == (180, 320, "GWRB")


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ("240x180", "4/3", (320, 180)),
        ("160x90", "2/1", (320, 90)),
        ("161x121", "1/1", (160, 120)),
    ],
)
def test_pixels_become_square_and_sizes_even(
    tmp_path: Path, size: str, aspect: str, shown: tuple[int, int]
) -> None:
    """Anamorphic film is stretched as players do; odd sizes lose a line rather than gain one."""
    source = f"testsrc2=s={size}:r=25:d=1,setsar={aspect}"
    film = make(tmp_path / "film.mkv", "-f", "lavfi", "-i", source, "-c:v", "ffv1")
    reel = published(film, tmp_path)
    assert shape(reel.path)[:2] == shown
    assert "SAR" not in shape(reel.path)[2] or "SAR 1:1" in shape(reel.path)[2]
    assert len(reel.pictures) == 25


def _tagged(matrix: str) -> str:
    """A filter to 4:2:0 of that matrix, which says so; all else is BT.709."""
    said = f"colorspace={matrix}:color_primaries=bt709:color_trc=bt709"
    return f"scale=out_color_matrix={matrix},format=yuv420p,setparams={said}"


def test_an_aspect_that_no_lens_has_is_no_aspect(tmp_path: Path) -> None:
    """Fit for the web in all else, it would be shown as wide as it claims: so it is no copy."""
    source = ("-f", "lavfi", "-i", f"{quarters('320x240')},{_tagged('bt709')},setsar=25")
    reel = published(make(tmp_path / "film.mp4", *source, *H264, "-g", "25"), tmp_path)
    assert "is a copy" not in reel.notes
    assert shape(reel.path)[:2] == (320, 240)
    assert _corners(reel) == "RGBW"


def test_what_the_container_cuts_off_is_not_shown(tmp_path: Path) -> None:
    """A crop in the stream's own header is applied, and nothing is stretched to make up for it."""
    flat = make(tmp_path / "flat.mp4", "-f", "lavfi", "-i", quarters("320x192"), *H264)
    crop = ("-bsf:v", "h264_metadata=crop_top=32:crop_bottom=32")
    reel = published(make(tmp_path / "cut.mp4", "-i", flat, "-c", "copy", *crop), tmp_path)
    assert shape(reel.path)[:2] == (320, 128)
    assert _corners(reel) == "RGBW"


def test_a_film_that_changes_its_size_on_the_way_keeps_every_picture(tmp_path: Path) -> None:
    """Joined recordings: each part fits into the first one's frame, with bars where it must."""
    wire = (*H264, "-bf", "0", "-g", "25", "-muxdelay", "0", "-muxpreload", "0")
    parts = (("320x180", "0"), ("180x180", "2"), ("320x180", "4"))
    joined = b"".join(
        make(
            tmp_path / f"{at}.ts",
            *("-f", "lavfi", "-i", quarters(size, seconds=2), *wire, "-output_ts_offset", at),
        ).read_bytes()
        for size, at in parts
    )
    film = tmp_path / "joined.ts"
    film.write_bytes(joined)
    reel = published(film, tmp_path)
    assert shape(reel.path)[:2] == (320, 180)
    assert len(reel.pictures) == 150
    middle = reel.pictures[75]
    assert near(middle.colour(0.05, 0.5), (0, 0, 0), 12)
    assert near(middle.colour(0.35, 0.25), RED, 12)
    assert near(middle.colour(0.65, 0.75), WHITE, 12)
    assert near(reel.pictures[140].colour(0.05, 0.25), RED, 12)


@pytest.mark.parametrize(
    ("coder", "pictures_a_second"),
    [
        ((*H264, "-bf", "0", "-qp", "8"), 25),
        (("-c:v", "mpeg2video", "-q:v", "2"), 25),
        (("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme"), 50),
    ],
    ids=["H.264", "MPEG-2", "fields"],
)
def test_a_film_that_changes_its_aspect_and_its_colours_keeps_both(
    tmp_path: Path, coder: tuple[str, ...], pictures_a_second: int
) -> None:
    """Television goes from 4:3 to 16:9, from one matrix to another: each part as it was meant."""
    parts = (("4/3", "smpte170m", 9, 1), ("16/9", "bt709", 10, 2))
    fields = ["setfield=tff"] * (pictures_a_second == 50)
    joined = b""
    for aspect, matrix, at, seconds in parts:
        chain = ",".join([_tagged(matrix), f"setdar={aspect}", *fields])
        source = ("-f", "lavfi", "-i", quarters("320x240", seconds=seconds), "-vf", chain)
        wire = ("-g", "25", "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", str(at))
        joined += make(tmp_path / f"{at}.ts", *source, *coder, *wire).read_bytes()
    film = tmp_path / "joined.ts"
    film.write_bytes(joined)
    reel = published(film, tmp_path)
    assert "changes its shape" in reel.notes
    assert shape(reel.path)[:2] == (320, 240)
    assert len(reel.pictures) == 3 * pictures_a_second
    steps = {round(late.at_s - early.at_s, 2) for early, late in pairwise(reel.pictures)}
    assert steps == {1 / pictures_a_second}
    early, late = reel.pictures[pictures_a_second // 2], reel.pictures[-20]
    assert near(early.colour(0.25, 0.1), RED, 14)
    # The wide part has bars above and below in the first one's frame, and colours alike.
    assert near(late.colour(0.25, 0.04), (0, 0, 0), 12)
    places = ((0.25, 0.3), (0.75, 0.3), (0.25, 0.7), (0.75, 0.7))
    for place, wanted in zip(places, NAMES.values(), strict=True):
        assert near(early.colour(*place), wanted, 14), place
        assert near(late.colour(*place), wanted, 14), place


def test_small_film_is_never_enlarged(tmp_path: Path) -> None:
    """The picture keeps its size, and the poster too."""
    film = make(tmp_path / "s.mp4", "-f", "lavfi", "-i", "testsrc2=s=128x96:r=10:d=1", *H264)
    reel = published(film, tmp_path)
    sizes = {
        (o.width, o.height) for o in reel.item.outputs if o.role in ("video", "rung", "poster")
    }
    assert sizes == {(128, 96)}
    assert len(pictures(reel.path)) == 10
