"""From a step to the encoder's arguments: golden lists, one flag per line. Nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import goldens
import pytest
from values import (
    changed,
    film,
    picture_stream,
    planned,
    recording,
    sound_stream,
    step,
    text_stream,
)

from pipeline import graph
from pipeline.graph import Bench
from pipeline.model import Colour, Probe, Step

BENCH = Bench(ffmpeg=Path("/bin/ffmpeg"), source=Path("/in/a film.mp4"), folder=Path("/out"))
SMALL = picture_stream(640, 360)
PQ = Colour(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")
HLG = Colour(primaries="bt2020", transfer="arib-std-b67", matrix="bt2020nc", full_range=True)
UNTAGGED = Colour(full_range=True)


def ladder(probe: Probe) -> tuple[str, ...]:
    """The command of a film's ladder, as `render` asks for it."""
    return graph.ladder(step(planned(probe), "ladder"), BENCH, 3.5)


def posters(probe: Probe) -> tuple[str, ...]:
    """The command of a film's poster candidates."""
    return graph.candidates(step(planned(probe), "poster"), BENCH)


def sound(probe: Probe) -> Step:
    """The step of a recording."""
    return step(planned(probe), "sound")


CASES: dict[str, Callable[[], tuple[str, ...]]] = {
    "ladder": lambda: ladder(film(SMALL)),
    "ladder-portrait": lambda: ladder(film(picture_stream(1080, 1920))),
    "ladder-interlaced": lambda: ladder(film(changed(SMALL, interlaced=True))),
    "ladder-120fps": lambda: ladder(film(changed(SMALL, frame_rate=Fraction(120)))),
    "ladder-pq": lambda: ladder(film(changed(SMALL, colour=PQ))),
    "ladder-hlg": lambda: ladder(film(changed(SMALL, colour=HLG))),
    "ladder-untagged": lambda: ladder(film(changed(SMALL, colour=UNTAGGED))),
    "ladder-tiny": lambda: ladder(film(picture_stream(160, 90))),
    "ladder-silent": lambda: ladder(film(SMALL, audio=())),
    "ladder-mono": lambda: ladder(film(SMALL, audio=(sound_stream(1),))),
    "ladder-surround": lambda: ladder(film(SMALL, audio=(sound_stream(6),))),
    "poster": lambda: posters(film(SMALL, duration_ms=100)),
    "poster-interlaced": lambda: posters(film(changed(SMALL, interlaced=True), duration_ms=None)),
    "sound": lambda: graph.sound(sound(recording()), BENCH, -2.0),
    "sound-mono-44100": lambda: graph.sound(
        sound(recording(sound_stream(1, index=0, sample_rate=44_100))), BENCH, 0.0
    ),
    "measure-sound": lambda: graph.measure_sound(sound(recording()), BENCH, 266),
    "measure-file": lambda: graph.measure_file(Path("/out/audio.m4a"), BENCH),
    "subtitles": lambda: graph.subtitles(
        step(planned(film(text=(text_stream(),))), "captions-es"), BENCH, 2
    ),
}


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
        assert "-f" in argv[start:at] or name == "measure-file"


@pytest.mark.parametrize("name", CASES)
def test_outputs_lie_in_the_folder(name: str) -> None:
    """What is written is written below the scratch folder, or nowhere."""
    argv = CASES[name]()
    named = [a for at, a in enumerate(argv) if a.startswith("file:") and argv[at - 1] != "-i"]
    assert all(a.startswith("file:/out/") for a in named)
    assert named or "-" in argv


@pytest.mark.parametrize(
    "made", ["ladder", "ladder-interlaced", "ladder-hlg", "sound", "sound-mono-44100"]
)
def test_nothing_of_the_sources_tags_is_published(made: str) -> None:
    """Places, names and serial numbers of the source stay out of every output."""
    argv = CASES[made]()
    outputs = sum(a.startswith("file:/out/") for a in argv)
    for flag in ("-map_metadata", "-map_chapters"):
        assert [argv[at + 1] for at, a in enumerate(argv) if a == flag] == ["-1"] * outputs


def test_a_film_is_decoded_once() -> None:
    """One input for the whole ladder; each rung is scaled from the next larger one."""
    argv = ladder(film())
    assert argv.count("-i") == 1
    scales = [part for part in ";".join(argv).split(";") if "scale=" in part]
    assert len(scales) == len(step(planned(film()), "ladder").outputs)


def test_only_what_a_step_holds_can_be_made() -> None:
    """A step without the part that is asked for is our own mistake."""
    made = step(planned(), "ladder")
    with pytest.raises(ValueError, match="treatment"):
        graph.ladder(changed(made, treatment=None), BENCH, 0.0)
    with pytest.raises(ValueError, match="treatment"):
        graph.candidates(changed(step(planned(), "poster"), treatment=None), BENCH)
    with pytest.raises(ValueError, match="measure"):
        graph.measure_sound(changed(made, sound=None), BENCH, 1)
