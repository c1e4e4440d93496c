"""From a step to the encoder's arguments: golden lists, one flag per line. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import goldens
import pytest
from values import (
    DEFAULT,
    changed,
    drop,
    film,
    picture_stream,
    planned,
    recording,
    sound_stream,
    step,
    text_stream,
)

from pipeline import graph, graph_sound, graph_stills
from pipeline.graph_input import Bench
from pipeline.graph_sound import Pressing
from pipeline.loudness import Level
from pipeline.model import AudioOut, Colour, ItemInfo, Probe, Rung, Step, VideoStream

BENCH = Bench(ffmpeg=Path("/bin/ffmpeg"), source=Path("/in/a film.mp4"), folder=Path("/out"))
OUT = BENCH.folder
SMALL = picture_stream(640, 360)
FILM_RATE = Fraction(24000, 1001)
RUNGS = (
    Rung(short_side=240, crf=23, max_bps=400_000),
    Rung(short_side=360, crf=23, max_bps=900_000),
)
ENCODER = {"preset": "fast", "x264": "", "av1_preset": 10}
AV1 = Rung(short_side=360, crf=38, max_bps=700_000, codec="av1")
PQ = Colour(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")
HLG = Colour(primaries="bt2020", transfer="arib-std-b67", matrix="bt2020nc", full_range=True)
UNTAGGED = Colour(full_range=True)


def chunk(
    probe: Probe, name: str = "film-0000", *, clip: str = "", **video: Any
) -> tuple[str, ...]:
    """The command of one chunk of a film."""
    facts = {"rungs": RUNGS, "gop_seconds": 4.0, "chunk_seconds": 32.0} | ENCODER | video
    profile = changed(DEFAULT, video=changed(DEFAULT.video, **facts))
    plan = planned(probe, profile=profile, drop=drop(info=ItemInfo(clip=clip)))
    return graph.chunk(step(plan, name), BENCH)


def minute(stream: VideoStream, **facts: Any) -> Probe:
    """A film of a minute: four chunks."""
    return film(stream, duration_ms=61_000, **facts)


def posters(probe: Probe, *, sparing: bool = True) -> tuple[str, ...]:
    """The command of a film's poster candidates."""
    return graph_stills.candidates(step(planned(probe), "poster"), BENCH, sparing=sparing)


def heard(probe: Probe, name: str = "sound-0", *, clip: str = "") -> tuple[str, ...]:
    """The command of a film's sound."""
    plan = planned(probe, drop=drop(info=ItemInfo(clip=clip)))
    return graph.film_sound(step(plan, name), BENCH, Level(gain_db=3.5, ceiling_dbtp=-1.5))


def sound(probe: Probe) -> Step:
    """The step of a recording."""
    return step(planned(probe), "sound")


def pressed(probe: Probe, *, clip: str = "", alone: bool = False) -> tuple[str, ...]:
    """The command of a recording's files: both of them, or the mp3 alone."""
    made = step(planned(probe, drop=drop(info=ItemInfo(clip=clip))), "sound")
    outs = tuple(out for out in made.outputs if isinstance(out, AudioOut))
    press = Pressing(
        outs=outs[1:] if alone else outs,
        level=Level(gain_db=-2.0, ceiling_dbtp=-1.5),
        words=OUT / "words.txt",
        cover=OUT / "embedded.jpg" if probe.cover_index else None,
    )
    return graph_sound.pressed(made, BENCH, press)


def copied() -> tuple[str, ...]:
    """The command of a film that is fit for the web."""
    ready = changed(SMALL, web_ready=True, bitrate_bps=500_000)
    return graph.copied(step(planned(film(ready)), "copy"), BENCH)


def joined(sound: Path | None = None, begin_s: Fraction = Fraction(0)) -> tuple[str, ...]:
    """The command that joins a film."""
    laid, target = OUT / "pieces.mp4", OUT / "video.mp4"
    return graph.joined(laid, sound, target, BENCH, begin_s=begin_s)


CASES: dict[str, Callable[[], tuple[str, ...]]] = {
    "chunk-first": lambda: chunk(minute(SMALL)),
    "chunk-middle": lambda: chunk(minute(SMALL), "film-0002"),
    "chunk-last-held": lambda: chunk(minute(changed(SMALL, duration_ms=59_000)), "film-0005"),
    "chunk-clip": lambda: chunk(minute(SMALL), "film-0001", clip="0:10-0:40"),
    "chunk-clip-first": lambda: chunk(minute(SMALL), clip="0:10-0:40"),
    "chunk-portrait": lambda: chunk(film(picture_stream(360, 640, rotation=90))),
    "chunk-mirrored": lambda: chunk(film(changed(SMALL, mirrored=True, rotation=180))),
    "chunk-interlaced": lambda: chunk(film(changed(SMALL, interlaced=True, field_order="tff"))),
    "chunk-reshaping": lambda: chunk(film(changed(SMALL, reshapes=True))),
    "chunk-120fps": lambda: chunk(minute(changed(SMALL, frame_rate=Fraction(120))), "film-0001"),
    "chunk-vfr": lambda: chunk(minute(changed(SMALL, variable_rate=True)), "film-0001"),
    "chunk-ntsc": lambda: chunk(minute(changed(SMALL, frame_rate=FILM_RATE)), "film-0001"),
    "chunk-pq": lambda: chunk(film(changed(SMALL, colour=PQ))),
    "chunk-hlg": lambda: chunk(film(changed(SMALL, colour=HLG))),
    "chunk-untagged": lambda: chunk(film(changed(SMALL, colour=UNTAGGED))),
    "chunk-tiny": lambda: chunk(film(picture_stream(160, 90))),
    "chunk-av1": lambda: chunk(minute(SMALL), "av1-0001", rungs=(*RUNGS, AV1)),
    "copied": copied,
    "film-sound": lambda: heard(film(SMALL)),
    "film-sound-mono": lambda: heard(film(SMALL, audio=(sound_stream(1),))),
    "film-sound-surround": lambda: heard(film(SMALL, audio=(sound_stream(6),))),
    "film-sound-endless": lambda: heard(film(SMALL, duration_ms=None)),
    "film-sound-opening": lambda: heard(film(SMALL, duration_ms=3_600_000), "sound-opening"),
    "film-sound-clip": lambda: heard(minute(SMALL), clip="0:10-0:40"),
    "joined": lambda: joined(sound=OUT / "s.mp4"),
    "joined-silent": joined,
    "joined-late": lambda: joined(begin_s=Fraction(4004, 1000)),
    "poster": lambda: posters(film(SMALL, duration_ms=100)),
    "poster-thorough": lambda: posters(film(SMALL, duration_ms=100), sparing=False),
    "poster-interlaced": lambda: posters(film(changed(SMALL, interlaced=True), duration_ms=None)),
    "sound": lambda: pressed(recording()),
    "sound-mono-44100": lambda: pressed(
        recording(sound_stream(1, index=0, sample_rate=44_100, language="es"))
    ),
    "sound-surround": lambda: pressed(recording(sound_stream(6, index=0))),
    "sound-cover-clip": lambda: pressed(recording(cover_index=1), clip="0:02-0:04"),
    "sound-again": lambda: pressed(recording(), alone=True),
    "cover": lambda: graph_sound.cover_bytes(sound(recording(cover_index=1)), BENCH, 1),
    "measure-sound": lambda: graph_sound.measure_sound(sound(recording()), BENCH, 33),
    "measure-file": lambda: graph_sound.measure_file(Path("/out/audio.m4a"), BENCH),
    "subtitles": lambda: graph.subtitles(
        step(planned(film(text=(text_stream(),))), "captions-es"), BENCH, 2
    ),
}
# Commands whose input was made here: nobody else chose what is in it.
OWN = ("measure-file", "joined", "joined-silent", "joined-late")


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    """Every command is as it was read and agreed on, flag by flag."""
    text = "".join(f"{argument}\n" for argument in CASES[name]())
    goldens.check(f"graph/{name}.txt", text, rewrite=request.config.getoption("--golden"))


@pytest.mark.parametrize("name", CASES)
def test_a_command_is_the_same_each_time(name: str) -> None:
    """Equal steps give equal commands: nothing depends on hash seeds or on order of calls."""
    assert CASES[name]() == CASES[name]()


@pytest.mark.parametrize("name", CASES)
def test_no_command_opens_anything_but_files(name: str) -> None:
    """Every input has a protocol list and a `file:` name, and every upload a forced demuxer."""
    argv = CASES[name]()
    inputs = [at for at, argument in enumerate(argv) if argument == "-i"]
    assert inputs
    starts = [0, *(at + 2 for at in inputs)]
    for start, at in zip(starts, inputs, strict=False):
        assert argv[at + 1].startswith("file:/")
        assert "-protocol_whitelist file,pipe" in " ".join(argv[start:at])
        assert "-f" in argv[start:at] or name in OWN


@pytest.mark.parametrize("name", CASES)
def test_outputs_lie_in_the_folder(name: str) -> None:
    """What is written is written below the scratch folder, or nowhere."""
    argv = CASES[name]()
    named = [a for at, a in enumerate(argv) if a.startswith("file:") and argv[at - 1] != "-i"]
    assert all(a.startswith("file:/out/") for a in named)
    assert named or "-" in argv


@pytest.mark.parametrize("peak", [-20.0, -3.0])
def test_a_limiter_that_nothing_reaches_is_left_out(peak: float) -> None:
    """It takes more time than all else that is done to sound."""
    level = Level(gain_db=3.5, ceiling_dbtp=-1.5, peak_dbtp=peak)
    argv = graph.film_sound(step(planned(minute(SMALL)), "sound-0"), BENCH, level)
    assert any("alimiter" in word for word in argv) == (peak > -5)


@pytest.mark.parametrize(
    "made",
    [name for name in CASES if name.startswith(("chunk", "copied", "film-", "join"))],
)
def test_nothing_of_the_sources_tags_is_published(made: str) -> None:
    """Places, names and serial numbers of the source stay out of every output."""
    argv = CASES[made]()
    outputs = sum(a.startswith("file:/out/") and argv[n - 1] != "-i" for n, a in enumerate(argv))
    for flag in ("-map_metadata", "-map_chapters"):
        assert [argv[at + 1] for at, a in enumerate(argv) if a == flag] == ["-1"] * outputs


@pytest.mark.parametrize("made", [name for name in CASES if name.startswith("sound")])
def test_a_recording_says_our_words_alone(made: str) -> None:
    """Tags and chapters come from the file that we wrote, and from no stream of the source."""
    argv = CASES[made]()
    inputs = [argv[at + 1] for at, argument in enumerate(argv) if argument == "-i"]
    outputs = sum(a.startswith("file:/out/audio.") for a in argv)
    for flag in ("-map_metadata", "-map_chapters"):
        chosen = [inputs[int(argv[at + 1])] for at, a in enumerate(argv) if a == flag]
        assert chosen == ["file:/out/words.txt"] * outputs
    for stream in range(len(inputs) - 1):
        at = [n for n, a in enumerate(argv) if a == f"-map_metadata:s:{stream}"]
        assert [argv[n + 1] for n in at] == ["-1"] * outputs


def test_a_chunk_is_decoded_once() -> None:
    """One input for all of its rungs; each is scaled from the next larger one."""
    argv = chunk(film(SMALL), "film-0001")
    assert argv.count("-i") == 1
    scales = [part for part in ";".join(argv).split(";") if "scale=" in part]
    assert len(scales) == len(RUNGS)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("chunk")])
def test_borders_are_the_same_for_whoever_asks(name: str) -> None:
    """The source's own clock is kept, and what is cut is cut in microseconds, before it is scaled.

    (Players change rungs at any border: one frame more or less on one of them would be seen.)
    """
    argv = CASES[name]()
    assert "-copyts" in argv[: argv.index("-i")]
    assert "-start_at_zero" in argv[: argv.index("-i")]
    if any("trim=" in argument for argument in argv):
        (filters,) = (a for a in argv if "trim=" in a)
        scaled = filters.index("scale=eval=frame")
        assert filters.index("settb=AVTB") < filters.index("trim=") < scaled


@pytest.mark.parametrize("run_in_s", [Fraction(1, 2), Fraction(4), Fraction(60), None])
def test_decoding_begins_before_the_chunk(run_in_s: Fraction | None) -> None:
    """As long before as the step says, so that what looks back sees what was there; or all of it.

    What is kept does not depend on it.
    """
    middle = step(planned(minute(SMALL)), "film-0002")
    made = changed(middle, span=changed(middle.span, run_in_s=run_in_s))
    argv = graph.chunk(made, BENCH)
    begin = None if run_in_s is None else middle.span.start_s - run_in_s
    if begin is None or begin <= 0:
        assert "-ss" not in argv
    else:
        assert float(argv[argv.index("-ss") + 1]) == pytest.approx(float(begin))
    (cut,) = re.findall(r"trim=[^,;\[]*start=([0-9.]+)", " ".join(argv))
    assert float(cut) == pytest.approx(float(middle.span.start_s))


@pytest.mark.parametrize(
    ("source", "name", "threads"),
    [
        (picture_stream(), "film-0000-low", ("", "")),
        (picture_stream(), "film-0001", ("1", "1")),
        (picture_stream(colour=HLG), "film-0001", ("1", "")),
        (SMALL, "film-0001", ("", "")),
    ],
)
def test_decoding_side_by_side_is_for_who_has_cores_to_spare(
    source: VideoStream, name: str, threads: tuple[str, str]
) -> None:
    """Many encoders leave none; tone mapping takes longer than they do."""
    argv = chunk(minute(source), name, rungs=(*RUNGS, Rung(short_side=720, crf=23, max_bps=10**6)))
    before = argv[: argv.index("-i")]
    decoding = before[before.index("-threads") + 1] if "-threads" in before else ""
    flag = "-filter_complex_threads"
    assert (decoding, argv[argv.index(flag) + 1] if flag in argv else "") == threads


def test_an_input_may_be_sent() -> None:
    """A source that is sent is standard input, opened with the same guards."""
    bench = changed(BENCH, source=None)
    argv = graph.film_sound(
        step(planned(minute(SMALL)), "sound-0"), bench, Level(gain_db=0.0, ceiling_dbtp=-1.0)
    )
    at = argv.index("pipe:0")
    assert argv[at - 1] == "-i"
    said = " ".join(argv[:at])
    assert "-f mov " in said
    assert "-protocol_whitelist file,pipe" in said


def test_only_what_a_step_holds_can_be_made() -> None:
    """A step without the part that is asked for is our own mistake."""
    made = step(planned(), "film-0000")
    with pytest.raises(ValueError, match="treatment"):
        graph.chunk(changed(made, treatment=None), BENCH)
    with pytest.raises(ValueError, match="treatment"):
        graph_stills.candidates(
            changed(step(planned(), "poster"), treatment=None), BENCH, sparing=True
        )
    with pytest.raises(ValueError, match="measure"):
        graph_sound.measure_sound(changed(made, sound=None), BENCH, 1)
