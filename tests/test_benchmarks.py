"""The benchmarks run, and divide the right way round. No figure of time is judged here."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest
from browsing import needs_chromium

from benchmarks import __main__ as command
from benchmarks import first_play, peers, quality, scale, sources, table, video, video_tables
from benchmarks.meter import Failed, alone, run
from benchmarks.simulate import WORKERS, Job, Outcome, simulate
from config import profiles
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


def test_only_the_reader_of_a_pipe_is_measured() -> None:
    """What feeds the encoder costs the encoder nothing."""
    busy = "print(sum(range(10_000_000)))"
    idle = "import sys; sys.stdin.read()"
    used = alone((sys.executable, "-c", idle), (sys.executable, "-c", busy))
    fed = alone((sys.executable, "-c", busy), (sys.executable, "-c", idle.replace("read", "close")))
    assert used < fed


def test_a_feeder_that_fails_is_told() -> None:
    """Half a film is no film."""
    with pytest.raises(Failed):
        alone((sys.executable, "-c", ""), (sys.executable, "-c", "raise SystemExit(3)"))


def test_a_viewer_without_av1_has_nothing_to_compare_at_540() -> None:
    """The table of codecs holds the sizes that both have, as AV1 / H.264."""
    ours = contender("ours", 10.0, (360, 100, 80.0), (540, 200, 85.0), (720, 400, 90.0))
    av1 = contender("ours, AV1", 20.0, (360, 70, 81.0), (720, 300, 90.5))
    found = video.Comparison(
        source="film.mp4",
        contenders=(ours, av1),
        ratios=(),
        floor_cpu_s=4.5,
        chunks_cpu_s=5.0,
        with_av1=video.against(av1, ours),
    )
    costs, _, _, floor, codecs = video_tables.tables(found)
    assert codecs.rows == (("360", 0.7, "+1.00"), ("720", 0.75, "+0.50"))
    assert floor.rows[1] == ("our chunks in H.264", 5.0, 0.9)
    assert "2.00 times" in codecs.remark
    assert len(costs.rows) == 2


def test_a_profile_without_av1_borrows_a_ladder() -> None:
    """The default is measured in both codecs, and a ladder of its own is left alone."""
    archive = profiles.load("archive")
    assert video.both_codecs(archive) is archive
    plain = dataclasses.replace(
        archive,
        video=dataclasses.replace(
            archive.video, rungs=tuple(r for r in archive.video.rungs if r.codec == "h264")
        ),
    )
    assert video.both_codecs(plain).video.rungs == archive.video.rungs


# --- simulated workers -----------------------------------------------------------------------

FILM = (
    Job(name="low", seconds=2, priority=0, opens=True),
    Job(name="sound", seconds=1, priority=0, opens=True),
    *(Job(name=f"chunk-{n}", seconds=10, priority=6) for n in range(6)),
    Job(name="film", seconds=5, priority=6, needs=tuple(f"chunk-{n}" for n in range(6))),
)


def simulated(workers: int) -> Outcome:
    return simulate(FILM, workers, probe_s=1, pause_s=0)


def test_one_worker_does_one_thing_after_the_other() -> None:
    """The probe, what opens the film, then all the rest: the sum of all times."""
    assert simulated(1) == Outcome(workers=1, first_play_s=4, complete_s=69)


def test_what_waits_for_others_bounds_everyone() -> None:
    """With more workers than steps, the longest chain remains; with fewer, nobody is idle."""
    assert simulated(2).complete_s == 1 + 2 + 30 + 5
    assert simulated(256) == Outcome(workers=256, first_play_s=3, complete_s=16)


def test_more_workers_are_never_slower() -> None:
    """For this film: neither until the first play, nor until the end."""
    found = [simulated(workers) for workers in WORKERS]
    assert [each.complete_s for each in found] == sorted(
        (each.complete_s for each in found), reverse=True
    )
    assert WORKERS[0] == 1
    assert WORKERS[-1] == 256


def test_every_step_pays_its_pause() -> None:
    """Queue and store cost each step the same, also on one worker."""
    paused = simulate(FILM, 1, probe_s=1, pause_s=0.5)
    assert paused.complete_s == 69 + 0.5 * len(FILM)


@pytest.mark.parametrize(
    "jobs",
    [
        (Job(name="a", seconds=1, priority=0, needs=("nobody",)),),
        (Job(name="a", seconds=1, priority=0, needs=("a",)),),
    ],
)
def test_a_film_that_never_ends_is_refused(jobs: tuple[Job, ...]) -> None:
    """Steps that wait for nobody, or for themselves, are a mistake in the plan."""
    with pytest.raises(ValueError, match=r"nobody makes|waits for itself"):
        simulate(jobs, 1, probe_s=0, pause_s=0)


def test_a_process_knows_its_children() -> None:
    """What is bound to a core are the processes of a pool, found by their parent."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in scale.children(os.getpid())
        child.communicate(b"\n")


def test_what_a_part_used_is_counted_with_what_it_started() -> None:
    """Children that have ended are in it; a process that is gone has used nothing."""
    with subprocess.Popen([sys.executable, "-c", "sum(range(10**7))"]) as child:
        child.wait()
    assert scale.used_s(os.getpid()) >= scale.used_s(child.pid) == 0
    assert scale.used_s(os.getpid()) > 0


# --- all of it -------------------------------------------------------------------------------


def test_everything_on_folders_runs_on_a_second_of_film(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--quick --json` measures and prints plain data that names every contender."""
    assert command.main(["video", "photos", "rerun", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = [each["name"] for each in found["video"]["contenders"]]
    assert names == ["ours", "ours, AV1", "MediaCMS", "PeerTube, one rung", "PeerTube, ladder"]
    scores = [r["vmaf"] for each in found["video"]["contenders"] for r in each["renditions"]]
    assert all(40 < score <= 100 for score in scores)
    assert found["video"]["floor_cpu_s"] > 0
    assert [rung["short_side"] for rung in found["video"]["with_av1"]["rungs"]] == [360]
    developed = found["photos"]["developed"]
    assert {each["name"] for each in developed} == {"ours", "Pillow"}
    assert all(10e6 < each["peak_bytes"] < 2e9 for each in developed)
    judged = [each for each in developed if each["format"] != "both"]
    assert all(0.9 < e["ssim"] <= 1 and 20 < e["ssimulacra2"] <= 100 for e in judged)
    assert found["rerun"]["photos"] == 3


@pytest.mark.integration
@pytest.mark.usefixtures("only_stack")
def test_the_stack_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """First play and scale bring up real stacks, see the film through, and leave nobody."""
    assert command.main(["first-play", "scale", "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (film,) = found["first-play"]["films"]
    assert film["length_s"] == first_play.QUICK_LENGTHS_S[0]
    assert film["stack_s"] > 0
    assert film["command_s"] > 0
    outcomes = found["scale"]["outcomes"]
    assert [each["workers"] for each in outcomes] == list(WORKERS)
    assert all(each["first_play_s"] <= each["complete_s"] for each in outcomes)
    assert found["scale"]["one_s"] > 0


@pytest.mark.browser
def test_a_player_is_weighed(capsys: pytest.CaptureFixture[str]) -> None:
    """In a throttled Chromium: light before play, hls.js only then, and a first frame."""
    needs_chromium()
    assert command.main(["embed", "--quick", "--json"]) == 0
    pages = json.loads(capsys.readouterr().out)["embed"]["pages"]
    assert [one["page"] for one in pages] == ["film/embed.html", "film.html"]
    for one in pages:
        assert one["requests"] in (5, 7)
        assert 20_000 < one["bytes"] < 150_000
        assert 190_000 < one["play_bytes"] < 400_000  # hls.js, compressed, and the first seconds
        # hls.js alone takes that long at 2 Mbit/s: the link is throttled.
        assert one["first_frame_s"] > 0.7
