"""Which films can be published without encoding them, and how they can be entered."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from reels import H264, make
from values import DEFAULT

from pipeline import probe
from pipeline.model import Limits, VideoStream, adapter
from pipeline.probe_ready import run_in_ms
from pipeline.probe_streams import Seen
from pipeline.probe_time import Timeline

HD = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=2")
MPEG2 = ("-c:v", "mpeg2video", "-g", "25")


def _video(path: Path) -> VideoStream:
    limits = adapter(Limits).dump_python(DEFAULT.limits, mode="json")
    (found,) = probe.examine(str(path), limits).video
    return found


def test_plain_film_from_the_web_is_ready(tmp_path: Path) -> None:
    """H.264 in MP4, 8 bits, square, upright, with a key frame every second."""
    found = _video(make(tmp_path / "web.mp4", *HD, *H264, "-g", "25"))
    assert found.web_ready
    assert (found.key_ms, found.run_in_ms, found.start_ms) == (1000, 0, 0)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("other.mkv", ()),
        ("rare.mp4", ("-g", "1000", "-t", "12", "-stream_loop", "-1")),
        ("open.mp4", ("-preset", "veryfast", "-g", "12", "-x264-params", "open-gop=1:scenecut=0")),
        ("deep.mp4", ("-pix_fmt", "yuv420p10le")),
        ("full.mp4", ("-pix_fmt", "yuvj420p")),
        ("tall.mp4", ("-vf", "setsar=2")),
        ("dim.mp4", ("-color_trc", "smpte2084", "-vf", "setparams=color_trc=smpte2084")),
        ("one.mp4", ("-frames:v", "1")),
    ],
)
def test_what_some_player_would_show_wrongly_is_not(
    tmp_path: Path, name: str, more: tuple[str, ...]
) -> None:
    """Each of these is played by some browsers only, or seeks badly, or looks different."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=12") if "rare" in name else HD
    flags = more[:2] if "rare" in name else more
    assert not _video(make(tmp_path / name, *source, *H264, *flags)).web_ready


@pytest.mark.parametrize("turn", [("-display_rotation", "90"), ("-display_hflip",)])
def test_a_turned_film_is_not_ready(tmp_path: Path, turn: tuple[str, ...]) -> None:
    """Players disagree about matrices, and about mirrors most of all."""
    flat = make(tmp_path / "flat.mp4", *HD, *H264)
    assert not _video(make(tmp_path / "t.mp4", *turn, "-i", flat, "-c", "copy")).web_ready


@pytest.mark.parametrize(
    ("name", "codec", "back_ms"),
    [
        ("a.mkv", MPEG2, 0),
        ("a.avi", ("-c:v", "mpeg4", "-g", "25"), 0),
        ("a.ts", MPEG2, 1500),
        ("a.mpg", MPEG2, 1500),
    ],
)
def test_how_far_back_to_go_is_found_by_trying(
    tmp_path: Path, name: str, codec: tuple[str, ...], back_ms: int
) -> None:
    """An index leads to key frames, timestamps lead anywhere between them."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=6")
    found = _video(make(tmp_path / name, *source, *codec, "-sc_threshold", "1000000000"))
    assert (found.run_in_ms, found.key_ms) == (back_ms, 1000)


def test_a_film_in_which_seeking_fails_once_is_read_from_the_beginning() -> None:
    """RealMedia finds some places and not others: pictures must not depend on luck."""
    seen = Seen(None, Timeline(Fraction(1, 1000)), landings=["key", "lost", "key"])
    assert run_in_ms(seen, 1000) is None


def test_without_known_key_frames_nobody_knows_how_far_to_go_back() -> None:
    """Between two key frames, and no index that tells how far apart they are."""
    seen = Seen(None, Timeline(Fraction(1, 1000)), landings=["between"])
    assert run_in_ms(seen, None) is None
