"""The benchmarks run, and divide the right way round. No figure of time is judged here."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest

from benchmarks import __main__ as command
from benchmarks import peers, quality, sources, table, video
from benchmarks.meter import Failed, run
from pipeline.model import Colour, VideoStream

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())


def contender(name: str, cpu_s: float, *renditions: tuple[int, int, float]) -> video.Contender:
    """A contender with renditions of (short side, bytes, VMAF)."""
    made = tuple(
        video.Rendition(short_side=side, bytes=size, vmaf=score) for side, size, score in renditions
    )
    return video.Contender(name=name, cpu_s=cpu_s, wall_s=cpu_s / 2, renditions=made)


def stream(height: int, rate: Fraction) -> VideoStream:
    """A plain 16:9 stream."""
    width = height * 16 // 9
    return VideoStream(
        index=0,
        codec="h264",
        pixel_format="yuv420p",
        coded_width=width,
        coded_height=height,
        width=width,
        height=height,
        rotation=0,
        sample_aspect=Fraction(1),
        frame_rate=rate,
        variable_rate=False,
        interlaced=False,
        frames=None,
        duration_ms=None,
        bit_depth=8,
        has_alpha=False,
        colour=Colour(),
    )


def film(tmp_path: Path, seconds: float, *, height: int = 1080) -> peers.Film:
    """A film of 10 Mb/s as the peers see it."""
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(round(seconds * 10_000_000 / 8)))
    picture = stream(height, Fraction(24000, 1001))
    return peers.Film(ffmpeg=FFMPEG, path=path, folder=tmp_path, stream=picture, seconds=seconds)


def test_ratios_are_ours_divided_by_theirs() -> None:
    """Less than 1 means that we take less; a positive VMAF difference that we look better."""
    ours = contender("ours", 10.0, (540, 50, 80.0), (1080, 300, 95.0))
    peer = contender("peer", 40.0, (144, 10, 1.0), (480, 100, 78.5), (1080, 200, 96.0))
    ratio = video.against(ours, peer)
    assert (ratio.peer, ratio.cpu, ratio.wall) == ("peer", 0.25, 0.25)
    assert [(r.short_side, r.peer_short_side, r.bytes, r.vmaf) for r in ratio.rungs] == [
        (540, 480, 0.5, 1.5),
        (1080, 1080, 1.5, -1.0),
    ]


def test_a_rung_is_not_compared_with_one_of_another_size() -> None:
    """Where the peer has nothing near, there is no ratio that could mislead."""
    ratio = video.against(
        contender("ours", 1.0, (240, 1, 1.0)), contender("p", 1.0, (1080, 1, 1.0))
    )
    assert ratio.rungs == ()


def test_peers_make_no_rung_above_the_source(tmp_path: Path) -> None:
    """MediaCMS makes 144 and 240 of everything, PeerTube one rung of the source's own height."""
    small = film(tmp_path, 1, height=180)
    assert [job.rung for job in peers.mediacms(small)] == [144, 240]
    assert [job.rung for job in peers.peertube_default(small)] == [None, 180]
    assert [job.rung for job in peers.peertube_lower(small)] == [144]


def test_peertubes_cap_follows_its_formula(tmp_path: Path) -> None:
    """Bits per pixel for the height, but not more than 1.3 times the source's rate."""
    whole = film(tmp_path, 2)
    assert peers.peertube_bps(whole, 720) == int(720 * 720 * 1.7778 * 24 * 0.11)
    assert peers.peertube_bps(film(tmp_path, 2, height=2160), 2160) == 13_000_000


def test_vmaf_sees_through_repeated_first_frames(tmp_path: Path) -> None:
    """A copy that starts one frame late scores as the copy, not as a film out of step."""
    source = sources.film(FFMPEG, tmp_path, quick=True)
    late = tmp_path / "late.mp4"
    start = (FFMPEG, "-v", "error", "-i", source, "-an", "-c:v", "libx264")
    run((*start, "-crf", "12", "-vf", "tpad=start=1:start_mode=clone", late))
    reference = quality.Reference(
        ffmpeg=FFMPEG, path=source, width=640, height=360, frame_rate=Fraction(25)
    )
    assert quality.vmaf(reference, late) > 90


def test_a_still_beginning_does_not_hide_the_step(tmp_path: Path) -> None:
    """Where the first seconds fit at any shift, what comes later decides how frames are paired."""
    source, copy = tmp_path / "source.mp4", tmp_path / "copy.mp4"
    picture = "testsrc2=size=320x180:rate=25:duration=1,tpad=start=60:color=black"
    encode = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
    run((FFMPEG, "-v", "error", "-f", "lavfi", "-i", picture, *encode, "-crf", "10", source))
    run((FFMPEG, "-v", "error", "-i", source, *encode, "-crf", "35", copy))
    reference = quality.Reference(
        ffmpeg=FFMPEG, path=source, width=320, height=180, frame_rate=Fraction(25)
    )
    assert quality._lead(reference, copy) == 0


def test_a_tool_that_fails_is_quoted() -> None:
    """The command line and the tool's last words, so that a broken run explains itself."""
    with pytest.raises(Failed, match="no-such-file"):
        run([FFMPEG, "-v", "error", "-i", "no-such-file", "-f", "null", "-"])


def test_tables_align_figures() -> None:
    """Figures have two decimals and stand right-aligned; what is missing is a dash."""
    made = table.Table(title="T", head=("", "a"), rows=(("x", 1.234), ("long", None)))
    assert table.rendered(made).splitlines()[2:] == [
        "|      |    a |",
        "|------|-----:|",
        "| x    | 1.23 |",
        "| long |    - |",
    ]


def test_everything_runs_on_a_second_of_film(capsys: pytest.CaptureFixture[str]) -> None:
    """`--quick --json` measures all three and prints plain data that names every contender."""
    assert command.main(["--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = [each["name"] for each in found["video"]["contenders"]]
    assert names == ["ours", "MediaCMS", "PeerTube, one rung", "PeerTube, ladder"]
    scores = [r["vmaf"] for each in found["video"]["contenders"] for r in each["renditions"]]
    assert all(40 < score <= 100 for score in scores)
    assert {each["name"] for each in found["photos"]["developed"]} == {"ours", "Pillow"}
    assert found["rerun"]["photos"] == 3
