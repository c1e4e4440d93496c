"""Encoding profiles: what comes with the house, what an operator may write, what is refused."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import profiles
from pipeline.errors import ConfigError

BUILT_IN = ("archive", "default", "fast")
FILES = Path(profiles.__file__).parent


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text)


def told(name: str, folder: Path | None) -> str:
    """What is said about a profile that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        profiles.load(name, folder)
    return str(caught.value)


def numbers(value: Any, above: str = "") -> Iterator[str]:
    """The dotted names of all numbers in a table; list entries share their list's name."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from numbers(below, f"{above}.{name}" if above else name)
    elif isinstance(value, list):
        for below in value:
            yield from numbers(below, above)
    elif isinstance(value, (int, float)):
        yield above


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_comes_with_the_house_is_sound(name: str) -> None:
    """Every built-in profile loads, under its own name, and says what it is for."""
    profile = profiles.load(name)
    assert profile.name == name
    assert profile.summary
    assert profile.limits.stall_s < profile.limits.step_timeout_s


def test_the_names_are_known(tmp_path: Path) -> None:
    """The list holds the built-in profiles and the operator's own."""
    write(tmp_path, "mine", 'extends = "default"')
    assert profiles.names() == BUILT_IN
    assert profiles.names(tmp_path) == ("archive", "default", "fast", "mine")
    assert sorted(profiles.load_all(tmp_path)) == list(profiles.names(tmp_path))


def test_every_number_stands_beside_its_reason() -> None:
    """In the default profile a comment stands above every setting, or above its table's first."""
    commented = False
    for line in (FILES / "default.toml").read_text().splitlines():
        if line.startswith(("#", "summary")):
            commented = True
        elif not line or line.startswith("["):
            commented = commented and line.startswith("[")
        elif not line.startswith(("crf", "max_bps")):  # told once, above the ladder
            assert commented, line
            commented = False


def test_every_number_has_bounds() -> None:
    """No number of a profile is taken without a look, but those that must be one of a few."""
    table = tomllib.loads((FILES / "default.toml").read_text())
    few = {"video.stable_rung", "audio.sample_rate"}
    assert set(numbers(table)) - few == set(profiles._BOUNDS)


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    """Tables are merged over the extended profile, lists replaced as a whole."""
    write(
        tmp_path,
        "mine",
        'summary = "m"\nextends = "default"\n[video]\npreset = "slow"\n[photo]\nwidths = [500]\n',
    )
    base, mine = profiles.load("default"), profiles.load("mine", tmp_path)
    assert mine.photo.widths == (500,)
    assert mine.video == dataclasses.replace(base.video, preset="slow")
    assert (mine.summary, mine.audio, mine.limits) == ("m", base.audio, base.limits)


def test_an_operator_may_replace_a_built_in_profile(tmp_path: Path) -> None:
    """A file of the same name hides the built-in one, and may extend the one it hides."""
    write(tmp_path, "default", 'extends = "default"\n[video]\nmax_fps = 25\n')
    assert profiles.load("default", tmp_path).video.max_fps == 25
    assert profiles.load("default").video.max_fps == 60


def test_the_version_follows_the_contents(tmp_path: Path) -> None:
    """Another number is another version, other words are not."""
    versions = []
    for text in ('summary = "a"', 'summary = "b"', "[video]\nmax_fps = 25"):
        write(
            tmp_path,
            "mine",
            f'extends = "default"\n{text}\n' if "[" in text else f'{text}\nextends = "default"\n',
        )
        versions.append(profiles.load("mine", tmp_path).version)
    assert versions[0] == versions[1] == profiles.load("default").version
    assert versions[2] != versions[0]
    assert max(versions) < 2**53  # exact in every JSON reader


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Unknown names with the nearest known one, bounds and misfits: all in one error."""
    write(
        tmp_path,
        "mine",
        'extends = "default"\nnonsense = 1\n[video]\nmax_fsp = 3\npreset = "quick"\n'
        "stable_rung = 700\n[photo]\nwidths = [640, 320]\n[audio]\nsample_rate = 12345\n"
        "[limits]\nstall_s = 1\n",
    )
    text = told("mine", tmp_path)
    assert "video.max_fsp: there is no such name; did you mean video.max_fps?" in text
    assert "nonsense: there is no such name" in text
    assert "limits.stall_s: 1 is not between 5 and 3600" in text
    assert "video.preset: quick is none of" in text
    assert "video.stable_rung: 700" in text
    assert "photo.widths: at least one" in text
    assert "audio.sample_rate: 12345" in text


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('x264 = "subme=2:keyint=48"', "video.x264: keyint is Newsreel's own to set"),
        ('x264 = "no_scenecut"', "video.x264: scenecut is Newsreel's own to set"),
        ('x264 = "-i /etc/passwd"', "is not of the form name=value"),
        ("chunk_seconds = 3", "video.chunk_seconds: a chunk holds at least one group"),
        ("av1_preset = 14", "video.av1_preset: 14 is not between 2 and 13"),
        ('rungs = [{short_side = 720, crf = 30, max_bps = 900000, codec = "av1"}]', "one in h264"),
        ('rungs = [{short_side = 720, crf = 30, max_bps = 900000, codec = "vp9"}]', "codec"),
    ],
)
def test_what_would_break_the_engine_is_refused(tmp_path: Path, setting: str, said: str) -> None:
    """Options that the joints of a film depend on, and ladders without H.264, are no profile."""
    write(tmp_path, "mine", f'extends = "default"\n[video]\n{setting}\n')
    assert said in told("mine", tmp_path)


def test_a_ladder_may_be_in_two_codecs(tmp_path: Path) -> None:
    """A size may stand in each codec, and x264's options are free otherwise."""
    rungs = "".join(
        f'[[video.rungs]]\nshort_side = 720\ncrf = 30\nmax_bps = 900000\ncodec = "{codec}"\n'
        for codec in ("h264", "av1")
    )
    write(tmp_path, "mine", f'extends = "default"\n[video]\nx264 = "8x8dct=0"\n{rungs}')
    video = profiles.load("mine", tmp_path).video
    assert [(rung.codec, rung.short_side) for rung in video.rungs] == [("h264", 720), ("av1", 720)]
    assert video.x264 == "8x8dct=0"


def test_wrong_types_are_told(tmp_path: Path) -> None:
    """Words in place of numbers are told by their place; rungs are counted from one."""
    write(
        tmp_path,
        "mine",
        'extends = "default"\n[audio]\nmax_gain_db = "loud"\n'
        '[[video.rungs]]\nshort_side = "tall"\ncrf = 23\nmax_bps = 1_000_000\n',
    )
    text = told("mine", tmp_path)
    assert "audio.max_gain_db" in text
    assert "video.rungs.1.short_side" in text


def test_a_part_that_is_missing_is_told(tmp_path: Path) -> None:
    """A profile that extends none must be complete."""
    write(tmp_path, "mine", 'summary = "m"\n[video]\npreset = "fast"\n')
    assert "video.rungs: Field required" in told("mine", tmp_path)


@pytest.mark.parametrize("name", ["defualt", "../default", ""])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    """The nearest name is offered; a path is no name."""
    text = told(name, None)
    assert "archive, default, fast" in text
    assert ("did you mean default" in text) == (name != "")


def test_circles_are_refused(tmp_path: Path) -> None:
    """Profiles that extend each other end in an error that names them."""
    write(tmp_path, "a", 'extends = "b"')
    write(tmp_path, "b", 'extends = "a"')
    assert "circle: a and b" in told("a", tmp_path)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    """A syntax error names the profile."""
    write(tmp_path, "mine", "summary = ")
    assert "profile mine cannot be read" in told("mine", tmp_path)
