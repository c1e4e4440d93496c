"""Films of every depth, range, matrix and curve: the colours that were shot are the ones shown.

The reference is the picture before it was encoded: four flat quarters whose colours are known.
Tolerances are in levels of 255; ten are what 4:2:0 at limited range and x264 may cost together.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from measure import Rgb, near, shape
from reels import Reel, make, published, quarters

COLOURS: tuple[Rgb, ...] = ((192, 0, 0), (0, 192, 0), (0, 0, 192), (192, 192, 192))
PLACES = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "8")
BT709 = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
BT601 = ("-color_primaries", "smpte170m", "-color_trc", "smpte170m", "-colorspace", "smpte170m")


def _found(reel: Reel) -> list[Rgb]:
    picture = reel.pictures[len(reel.pictures) // 2]
    return [picture.colour(*place) for place in PLACES]


def _wrong(reel: Reel, tolerance: int) -> list[tuple[Rgb, Rgb]]:
    """The quarters that do not look as they should: found and wanted."""
    both = zip(_found(reel), COLOURS, strict=True)
    return [(found, wanted) for found, wanted in both if not near(found, wanted, tolerance)]


def _is_plain(reel: Reel) -> bool:
    """8-bit 4:2:0 of limited range in BT.709, and labelled so."""
    said = shape(reel.path)[2]
    return "yuv420p(tv, bt709, progressive)" in said


@pytest.mark.parametrize(
    ("name", "scale", "format_", "codec"),
    [
        ("ten.mp4", "bt709:out_range=tv", "yuv420p10le", (*X264, *BT709)),
        ("full.mp4", "bt709:out_range=pc", "yuv422p", (*X264, *BT709, "-color_range", "pc")),
        ("sd.mp4", "smpte170m:out_range=tv", "yuv444p", (*X264, *BT601)),
        ("mute.avi", "smpte170m:out_range=tv", "yuv420p", ("-c:v", "mpeg4", "-q:v", "2")),
        ("photos.avi", "smpte170m:out_range=pc", "yuvj420p", ("-c:v", "mjpeg", "-q:v", "2")),
        ("wide.mkv", "bt2020:out_range=tv", "yuv420p10le", ("-c:v", "ffv1")),
    ],
)
def test_depth_range_and_matrix_change_no_colour(
    tmp_path: Path, name: str, scale: str, format_: str, codec: tuple[str, ...]
) -> None:
    """10 bits, 4:2:2, 4:4:4, full range, BT.601 and BT.2020; silent files are judged by size."""
    chain = f"scale=out_color_matrix={scale}:flags=accurate_rnd,format={format_}"
    if name == "wide.mkv":
        chain += ",setparams=colorspace=bt2020nc:color_primaries=bt709:color_trc=bt709"
    film = make(tmp_path / name, "-f", "lavfi", "-i", quarters(), "-vf", chain, *codec)
    reel = published(film, tmp_path)
    assert _is_plain(reel)
    assert _wrong(reel, 10) == []


@pytest.mark.parametrize(("primaries", "matrix"), [("bt2020", "bt2020nc"), ("smpte432", "bt709")])
def test_a_wide_gamut_is_not_shown_pale(tmp_path: Path, primaries: str, matrix: str) -> None:
    """What cameras write in BT.2020 or P3 without HDR has the colours that were before them."""
    chain = (
        "zscale=tin=bt709:min=gbr:pin=bt709:rin=full"
        f":t=bt709:m={matrix}:p={primaries}:r=limited,format=yuv420p10le"
    )
    tags = ("-color_primaries", primaries, "-color_trc", "bt709", "-colorspace", matrix)
    made = ("-f", "lavfi", "-i", quarters(), "-vf", chain, *X264, *tags)
    reel = published(make(tmp_path / "wide.mp4", *made), tmp_path)
    assert _is_plain(reel)
    assert _wrong(reel, 10) == []


@pytest.mark.parametrize(
    ("name", "format_", "codec"),
    [
        ("screen.mov", "rgb24", ("-c:v", "png")),
        ("planes.mkv", "gbrp", ("-c:v", "ffv1")),
    ],
)
def test_screen_recordings_in_rgb_keep_their_colours(
    tmp_path: Path, name: str, format_: str, codec: tuple[str, ...]
) -> None:
    """RGB knows neither matrix nor limited range, whatever its packing."""
    film = make(tmp_path / name, "-f", "lavfi", "-i", quarters(), *codec, "-pix_fmt", format_)
    reel = published(film, tmp_path)
    assert _is_plain(reel)
    assert _wrong(reel, 10) == []


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("title.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
        ("title.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "yuva420p")),
    ],
)
def test_what_is_transparent_is_shown_over_black(
    tmp_path: Path, name: str, codec: tuple[str, ...]
) -> None:
    """Editors leave any colour under transparent pixels; it must not come to light."""
    holes = quarters() + ",format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*lt(X,W/2)'"
    film = make(tmp_path / name, "-f", "lavfi", "-i", holes, *codec)
    reel = published(film, tmp_path)
    red, green, blue, white = _found(reel)
    assert near(red, COLOURS[0], 12)
    assert near(blue, COLOURS[2], 12)
    assert near(green, (0, 0, 0), 8)
    assert near(white, (0, 0, 0), 8)


@pytest.mark.parametrize("curve", ["arib-std-b67", "smpte2084"])
def test_high_dynamic_range_looks_natural(tmp_path: Path, curve: str) -> None:
    """SDR graded into HLG or PQ comes back as it was: neither washed out nor dark.

    Reference white is 203 cd/m2 (ITU-R BT.2408). A tone curve may move what was SDR by some
    levels, to leave room above; black stays black, grey without a tint, and colours pure.
    """
    to_hdr = (
        "zscale=tin=bt709:min=gbr:pin=bt709:rin=full:t=linear:m=gbr:p=bt709:npl=203,"
        "format=gbrpf32le,"
        f"zscale=p=bt2020:t={curve}:m=bt2020nc:r=limited:npl=203,format=yuv420p10le"
    )
    tags = f"colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc:log-level=none"
    film = make(
        tmp_path / "hdr.mp4",
        *("-f", "lavfi", "-i", quarters(), "-vf", to_hdr, "-c:v", "libx265"),
        *("-preset", "ultrafast", "-x265-params", tags, "-tag:v", "hvc1"),
    )
    reel = published(film, tmp_path)
    assert _is_plain(reel)
    assert "HDR" in reel.notes
    assert _wrong(reel, 40) == []
    white = _found(reel)[3]
    assert max(white) - min(white) <= 6


def test_dolby_vision_without_a_picture_for_others_is_refused(tmp_path: Path) -> None:
    """Green faces help nobody: the reporter is told what to export."""
    data = bytearray((Path(__file__).parent / "samples" / "dolby-vision-8.4.mp4").read_bytes())
    profile = data.index(b"dvvC") + 6
    data[profile] = 5 << 1 | data[profile] & 1
    data[profile + 2] = 0
    (tmp_path / "closed.mp4").write_bytes(data)
    item = published(tmp_path / "closed.mp4", tmp_path).item
    assert item.error is not None
    assert item.error.code == "unsupported"
    assert "HDR10" in item.error.message


def test_dolby_vision_of_phones_looks_like_the_hlg_that_it_carries(tmp_path: Path) -> None:
    """Profile 8.4 is HLG with notes for other screens: they change no colour and spoil nothing.

    The sample shows the same four quarters, graded as above, with a phone's own notes (RPU) on each
    picture: x265 takes them over from what it encodes, and nothing here could make them anew.
    """
    film = Path(__file__).parent / "samples" / "dolby-vision-8.4.mp4"
    strip = ("-c", "copy", "-bsf:v", "dovi_rpu=strip=1")
    plain = published(make(tmp_path / "plain.mp4", "-i", film, *strip), tmp_path / "plain")
    reel = published(film, tmp_path)
    assert "DOVI configuration record" in shape(film)[2]
    assert "HDR" in reel.notes
    assert "DOVI" not in shape(reel.path)[2]
    assert _is_plain(reel)
    assert _wrong(reel, 40) == []
    assert len(reel.pictures) == 8
    assert [one.rgb for one in reel.pictures] == [one.rgb for one in plain.pictures]
