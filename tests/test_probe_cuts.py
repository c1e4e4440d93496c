"""Where films of uneven rate can be cut: only at times at which ffmpeg shows a picture."""

from __future__ import annotations

import re
import subprocess
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import imageio_ffmpeg
import pytest

from pipeline import probe, probe_media
from pipeline.model import Limits, Probe, adapter
from pipeline.probe_cuts import chosen, cuts, note
from pipeline.probe_streams import Seen
from pipeline.probe_time import Timeline

LIMITS = Limits(
    max_bytes=1 << 30,
    max_duration_s=3600,
    max_frame_pixels=4096 * 4096,
    max_photo_pixels=100_000_000,
    max_streams=16,
    max_text_bytes=1 << 20,
    memory_bytes=2 << 30,
    step_timeout_s=60,
    stall_s=30,
)
# Of ten seconds four show a picture every 1 to 3 s, the others one every 0.1 to 0.3 s.
LAPSES = "not(mod(n,25))+lt(mod(n+60,100),60)*lt(mod(n*n,11),4)"
UNEVEN = (
    *("-f", "lavfi", "-i", "testsrc2=s=128x96:r=10:d=40"),
    *("-f", "lavfi", "-i", "sine=d=40", "-vf", f"select='{LAPSES}',settb=1/1000"),
    *("-fps_mode", "passthrough", "-pix_fmt", "yuv420p"),
)
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12")
REORDERED = (*X264, "-bf", "3")
VP8 = ("-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "200k")
VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "200k")
# Of films of a few seconds, too, only the beginning and the end are read.
LARGE = {"_WHOLE_BYTES": 1, "ENOUGH": 40, "_TAIL_S": 5}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a file with ffmpeg: name, then arguments."""

    def made(name: str, *argv: str | Path) -> Path:
        _ffmpeg("-y", *map(str, argv), str(tmp_path / name))
        return tmp_path / name

    return made


def _ffmpeg(*argv: str) -> str:
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    done = subprocess.run(
        [tool, "-hide_banner", "-nostdin", *argv],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stderr


def _examined(path: Path) -> Probe:
    """The child's side, here: our own samples need no confinement."""
    return probe.examine(str(path), adapter(Limits).dump_python(LIMITS, mode="json"))


def _shown_ms(path: Path) -> list[float]:
    """When ffmpeg shows each picture, on the clock that every chunk is read by."""
    clock = ("-copyts", "-start_at_zero", "-i", str(path), "-map", "0:v:0")
    told = _ffmpeg(*clock, "-vf", "showinfo", "-fps_mode", "passthrough", "-f", "null", "-")
    return [1000 * float(time) for time in re.findall(r"pts_time:\s*(-?[\d.]+)", told)]


def _assert_real(found: tuple[tuple[int, int], ...], path: Path) -> None:
    """Every cut is a picture's time and the one before it, none in the first second, ascending."""
    shown = _shown_ms(path)
    pairs = list(pairwise(shown))
    for begins, before in found:
        assert (begins, before) == pytest.approx(
            min(((b, a) for a, b in pairs), key=lambda pair: abs(pair[0] - begins)), abs=1
        )
    times = [begins for begins, _ in found]
    assert times == sorted(set(times))
    assert times[0] > 1000
    assert len(times) > (shown[-1] - shown[0]) / 3001


# --- films -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "coder"),
    [
        ("plain.mp4", X264),
        ("reordered.mp4", REORDERED),
        ("reordered.mkv", REORDERED),
        ("vp9.webm", VP9),
    ],
)
def test_cuts_are_times_of_real_pictures(make: Make, name: str, coder: tuple[str, ...]) -> None:
    """Also where pictures are reordered."""
    film = make(name, *UNEVEN, *coder)
    _assert_real(_examined(film).cuts, film)


def test_pictures_that_are_never_shown_do_not_count(make: Make, tmp_path: Path) -> None:
    """Coded in two passes, VP8 keeps some for reference alone, with times of their own."""
    for number in ("1", "2"):
        two = ("-an", "-pass", number, "-passlogfile", tmp_path / "passes")
        film = make("hidden.webm", *UNEVEN, *VP8, *two)
    with av.open(str(film)) as container:
        packets = sum(packet.size > 0 for packet in container.demux())
    assert packets > len(_shown_ms(film))
    _assert_real(_examined(film).cuts, film)


@pytest.mark.parametrize("coder", [X264, REORDERED])
@pytest.mark.parametrize("options", [("-ss", "5.3"), ("-itsoffset", "2.5")])
def test_cuts_keep_to_the_clock_of_the_film(
    make: Make, coder: tuple[str, ...], options: tuple[str, ...]
) -> None:
    """Pictures that an edit list hides do not count, and a late track stays late."""
    film = make("film.mp4", *UNEVEN, *coder)
    maps = ("-map", "0:v", "-map", "1:a", "-c", "copy")
    edited = make("edited.mp4", *options, "-i", film, "-i", film, *maps)
    _assert_real(_examined(edited).cuts, edited)


@pytest.mark.parametrize("options", [(), ("-ss", "5.3"), ("-ss", "5.3", "-t", "20")])
def test_a_large_film_is_cut_by_its_index(
    make: Make, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """What is not read is told by the index, in the same words as if it were."""
    film = make("film.mp4", *options, "-i", make("all.mp4", *UNEVEN, *X264), "-c", "copy")
    whole = _examined(film).cuts
    for setting, value in LARGE.items():
        monkeypatch.setattr(probe_media, setting, value)
    assert _examined(film).cuts == whole
    _assert_real(whole, film)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("reordered.mp4", REORDERED),
        ("fragments.mp4", (*X264, "-movflags", "+frag_keyframe+empty_moov")),
        ("film.mkv", X264),
    ],
)
def test_a_large_film_whose_index_does_not_tell_has_no_cuts(
    make: Make, monkeypatch: pytest.MonkeyPatch, name: str, options: tuple[str, ...]
) -> None:
    """When pictures are decoded is not when they are shown; a fragment is not the whole."""
    film = make(name, *UNEVEN, *options)
    for setting, value in LARGE.items():
        monkeypatch.setattr(probe_media, setting, value)
    found = _examined(film)
    assert found.video[0].variable_rate
    assert found.cuts == ()


def test_a_film_of_even_rate_has_no_cuts(make: Make) -> None:
    """Every second of it begins with a picture anyway."""
    even = ("-f", "lavfi", "-i", "testsrc2=s=128x96:r=10:d=4", *X264)
    assert _examined(make("even.mp4", *even)).cuts == ()


def test_the_main_picture_is_cut(make: Make) -> None:
    """The default track decides, be the others as uneven as they may."""
    even = ("-f", "lavfi", "-i", "testsrc2=s=128x96:r=10:d=40")
    film = make("uneven.mp4", *UNEVEN, *X264)
    both = ("-map", "0:v", "-map", "1:v", "-c:v", "copy")
    first = ("-disposition:v:0", "default", "-disposition:v:1", "0")
    other = make("even.mp4", *even, *X264)
    assert _examined(make("one.mkv", "-i", film, "-i", other, *both, *first)).cuts
    assert not _examined(make("two.mkv", "-i", other, "-i", film, *both, *first)).cuts


def test_a_transport_stream_that_begins_with_sound_has_no_cuts(make: Make) -> None:
    """Without the sound, ffmpeg's clock of such a film starts later."""
    film = make("film.ts", "-i", make("film.mp4", *UNEVEN, *REORDERED), "-c", "copy")
    found = _examined(film)
    assert found.video[0].variable_rate
    assert found.video[0].start_ms > 0
    assert found.cuts == ()


# --- times -------------------------------------------------------------------------------------


def _seen(**facts: Any) -> Seen:
    context = SimpleNamespace(name="h264", has_b_frames=False)
    stream = SimpleNamespace(time_base=Fraction(1, 1000), start_time=0, codec_context=context)
    return Seen(stream, Timeline(Fraction(1, 1000)), **facts)


def _packets(*times: int | None) -> Iterator[Any]:
    for time in times:
        yield SimpleNamespace(pts=time, dts=time, is_keyframe=time == 0)


def test_pictures_too_close_to_tell_apart_are_not_cut() -> None:
    """Between two pictures in one millisecond, no rounded border finds room."""
    assert list(chosen([0, 400, 1000, 1001, 1002, 1500, 3500, 4000])) == [
        (1500, 1002),
        (3500, 1500),
    ]
    assert list(chosen([])) == []


def test_pictures_before_the_first_key_frame_do_not_count() -> None:
    """They need what is not there, wherever they are shown."""
    seen = _seen()
    for packet in _packets(-2000, 0, 1200):
        note(seen, packet)
        seen.keys += [packet.pts] if packet.is_keyframe else []
    assert seen.shown.tolist() == [0, 1200]
    early = _seen(shown=array("q", [3000, 1500, 2900, 4500]), keys=[3000])
    assert cuts(early, "mov", Fraction(0)) == ((4500, 3000),)


def test_a_picture_without_a_time_leaves_no_cuts() -> None:
    """What is not known of one puts all pairs of neighbours in doubt."""
    seen = _seen(keys=[0])
    for packet in _packets(0, 1500, None, 3000):
        note(seen, packet)
    assert cuts(seen, "avi", Fraction(0)) == ()


def test_a_clock_that_runs_back_leaves_no_cuts() -> None:
    """Pictures of two recordings in one file share their times; reordered ones do not."""
    once = [n * 400 for n in range(100)]
    swapped = [time for pair in pairwise(once) for time in reversed(pair)][:-1:2] + once[-1:]
    assert cuts(_seen(shown=array("q", swapped), keys=[0]), "mpegts", Fraction(0))
    assert not cuts(_seen(shown=array("q", once + once), keys=[0]), "mpegts", Fraction(0))
