"""Recordings of every kind, made for real: loudness, length, place in time, words, cover, flaws.

What comes out is looked at with ffmpeg's meter and with PyAV, never by what the product says of it.
"""

from __future__ import annotations

import array
import math
import random
import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import measure
import media
import pytest
from av.stream import Disposition
from homes import QUICK, quiet
from values import changed
from works import planned, shop

from pipeline import loudness, render
from pipeline.errors import OverLimit
from pipeline.loudness import Loudness
from pipeline.model import Plan, StepRecord
from pipeline.probe import probe

FILES = ("audio.m4a", "audio.mp3")
# Pink noise at -20 dBFS or so: what a meter for programme loudness can weigh.
NOISE = "anoisesrc=c=pink:r={rate}:a=0.3:s=7:d={seconds}"
PLANTED = "PLANTED"
CONTAINERS_OWN = {"major_brand", "minor_version", "compatible_brands"}


def ffmpeg(*arguments: Any) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg and give back what it said."""
    return subprocess.run(
        [media.FFMPEG, "-hide_banner", "-nostdin", *map(str, arguments)],
        check=True,
        capture_output=True,
        timeout=60,
    )


class Recording:
    """A source, its plan, and the files that were made of it."""

    def __init__(self, path: Path, folder: Path, clip: str = "") -> None:
        self.plan: Plan = planned(path, clip=clip)
        (step,) = (one for one in self.plan.steps if one.name == "sound")
        self.folder = folder
        self.record: StepRecord = render.perform(step, "p", shop(path, folder), quiet)

    def opened(self, name: str) -> Any:
        """One of the files, opened by PyAV."""
        return av.open(str(self.folder / name))

    @property
    def roles(self) -> list[str]:
        """What was made."""
        return [made.role for made in self.record.artifacts]


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Make a source with ffmpeg: its name, and the arguments before it."""

    def made(name: str, *arguments: Any) -> Path:
        ffmpeg("-v", "error", *arguments, tmp_path / name)
        return tmp_path / name

    return made


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Recording]:
    """Publish a source."""
    return lambda path, clip="": Recording(path, tmp_path / f"made-{path.name}", clip)


def meter(path: Path) -> Loudness:
    """The meter of the trade."""
    heard = ffmpeg("-i", path, "-map", "a:0", "-af", "ebur128=peak=true", "-f", "null", "-")
    return loudness.read_summary(heard.stderr.decode())


def samples(path: Path, rate: int = 48_000) -> array.array[int]:
    """What a player plays, as one channel of 16 bits; nothing but ffmpeg decides what that is."""
    pcm = ffmpeg(
        "-v", "error", "-i", path, "-map", "a:0", "-ac", 1, "-ar", rate, "-f", "s16le", "-"
    )
    return array.array("h", pcm.stdout)


# --- everything a reporter may bring -----------------------------------------------------------

INPUTS = {
    "wav24.wav": ("-c:a", "pcm_s24le"),
    "wav-float.wav": ("-c:a", "pcm_f32le"),
    "wav-96k.wav": ("-ar", 96_000),
    "phone-8k.wav": ("-ar", 8000, "-ac", 1),
    "flac.flac": (),
    "aiff.aiff": (),
    "opus.opus": ("-c:a", "libopus"),
    "browser.webm": ("-c:a", "libopus"),
    "vbr-no-table.mp3": ("-q:a", 4, "-write_xing", 0),
    "windows.wma": (),
    "vorbis.ogg": ("-c:a", "libvorbis"),
    "raw.aac": ("-c:a", "aac"),
    "phone.3gp": ("-c:a", "aac", "-ac", 1),
    "dvd.ac3": ("-ac", 6),
    "cd-mono.m4a": ("-ar", 44_100, "-ac", 1),
}


@pytest.mark.parametrize("name", INPUTS)
def test_any_input_comes_out_at_its_loudness_and_length(
    name: str, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """Both files: within 1 LU of -16, no peak above -1 dBTP, as long as what came in."""
    noise = NOISE.format(rate=48_000, seconds=1.5)
    path = source(name, "-f", "lavfi", "-i", noise, *INPUTS[name])
    made = record(path)
    # As a player has it: what a codec swallows at the start is silence, not a shorter recording.
    wanted = len(measure.sound(path))
    for file in FILES:
        found = meter(made.folder / file)
        assert found.integrated_lufs == pytest.approx(-16, abs=1), file
        assert found.true_peak_dbtp <= -1, file
        assert len(samples(made.folder / file)) == pytest.approx(wanted, abs=0.05 * 48_000), file
    told = made.record.artifacts[0]
    assert told.duration_ms == pytest.approx(wanted / 48, abs=50)
    assert told.extra["loudness_after"]["integrated_lufs"] == pytest.approx(
        meter(made.folder / "audio.m4a").integrated_lufs, abs=0.1
    )


def test_amr_of_an_old_phone_is_published(tmp_path: Path, record: Callable[..., Recording]) -> None:
    """Telephone speech at 12.2 kb/s: mono, at its loudness."""
    chance = random.Random(5)  # noqa: S311 - nothing secret
    frames = b"".join(b"\x3c" + chance.randbytes(31) for _ in range(75))
    path = tmp_path / "memo.amr"
    path.write_bytes(b"#!AMR\n" + frames)
    made = record(path)
    for file in FILES:
        with made.opened(file) as opened:
            assert opened.streams.audio[0].channels == 1
        assert meter(made.folder / file).true_peak_dbtp <= -1


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_nothing_moves_in_time(
    rate: int, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """A click stays where it was, to a millisecond: neither encoder nor limiter delays anything.

    And no sample is missing or too many: files can be played one after the other without a gap.
    """
    click = f"aevalsrc='0.02*sin(2*PI*300*t)+if(between(t,0.7,0.7004),0.9,0)':s={rate}:d=1.5"
    path = source("click.wav", "-f", "lavfi", "-i", click)
    made = record(path)
    for file in FILES:
        heard = samples(made.folder / file, rate)
        at = max(range(len(heard)), key=lambda n: abs(heard[n]))
        assert at / rate == pytest.approx(0.7002, abs=0.001), file
        assert len(heard) == pytest.approx(1.5 * rate, abs=2), file


# --- channels ----------------------------------------------------------------------------------


def power(heard: array.array[int], frequency: float, rate: int = 48_000) -> float:
    """How much of one frequency is in a sound (Goertzel 1958)."""
    turn = 2 * math.cos(2 * math.pi * frequency / rate)
    one = two = 0.0
    for sample in heard[: rate // 2]:
        one, two = sample + turn * one - two, one
    return one * one + two * two - turn * one * two


def test_the_centre_of_a_surround_recording_stays_in_front(
    source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """Who speaks in the centre is as strong beside left and right as six speakers would make it.

    In a room, powers add up: a tone from the centre equals one from the left. In two channels it is
    in both with 3 dB less, which is the same power. Nothing of the surrounds is stronger than that.
    """
    tones = {"FC": 400, "FL": 700, "FR": 900, "BL": 1300, "BR": 1700, "LFE": 50}
    order = ("FL", "FR", "FC", "LFE", "BL", "BR")
    wave = "|".join(f"0.1*sin(2*PI*{tones[channel]}*t)" for channel in order)
    path = source("room.wav", "-f", "lavfi", "-i", f"aevalsrc='{wave}':c=5.1:s=48000:d=1.5")
    made = record(path)
    assert made.record.artifacts[0].extra["channels"] == 2
    sides = []
    for side in ("c0", "c1"):
        one = ["-i", made.folder / "audio.m4a", "-af", f"pan=mono|c0={side},aresample=48000"]
        pcm = ffmpeg("-v", "error", *one, "-f", "s16le", "-").stdout
        sides.append(array.array("h", pcm))
    strength = {name: sum(power(side, tone) for side in sides) for name, tone in tones.items()}
    assert strength["FC"] == pytest.approx(strength["FL"], rel=0.15)
    assert strength["FC"] == pytest.approx(strength["FR"], rel=0.15)
    assert strength["BL"] < 0.6 * strength["FC"]
    # Left stays left, and the centre is in the middle.
    assert power(sides[0], tones["FL"]) > 1000 * power(sides[1], tones["FL"])
    assert power(sides[0], tones["FC"]) == pytest.approx(power(sides[1], tones["FC"]), rel=0.1)


def test_of_several_tracks_the_main_one_is_published_and_told(
    source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """The track a player would start with; the others are named, with what to do."""
    path = source(
        "two.mka",
        *("-f", "lavfi", "-i", "sine=440:d=1", "-f", "lavfi", "-i", "sine=1000:d=1"),
        *("-map", 0, "-map", 1, "-metadata:s:a:0", "language=eng"),
        *("-metadata:s:a:1", "language=spa", "-disposition:a:0", 0, "-disposition:a:1", "default"),
    )
    made = record(path)
    heard = samples(made.folder / "audio.m4a")
    assert power(heard, 1000) > 100 * power(heard, 440)
    (note,) = made.plan.notes
    assert "2 sound tracks; track 2 (Español) is published" in note
    assert "track 1 (English)" in note
    with made.opened("audio.m4a") as opened:
        assert opened.streams.audio[0].metadata["language"] == "spa"


# --- words, chapters, cover --------------------------------------------------------------------

WORDS = """;FFMETADATA1
title=Pleno\\; sesión \\= 1
artist=Radio Vega
album=Crónicas
date=2024-05-06T07:08:09Z
language=spa
comment=PLANTED
location=+40.4168-003.7038/
serial_number=PLANTED
encoded_by=PLANTED
composer=PLANTED
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=Apertura
comment=PLANTED
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2500
title=Debate & «voto»
[CHAPTER]
TIMEBASE=1/1000
START=2500
END=3000
title=Cierre
"""


def dressed(source: Callable[..., Path], folder: Path, name: str, *extra: Any) -> Path:
    """Three seconds with tags, private ones too, three chapters and a red cover of 640x480."""
    words, cover = folder / "words.txt", folder / "red.png"
    words.write_text(WORDS, encoding="utf-8")
    ffmpeg("-v", "error", "-f", "lavfi", "-i", "color=red:s=640x480", "-frames:v", 1, cover)
    sound = ("-f", "lavfi", "-i", NOISE.format(rate=44_100, seconds=3))
    into = ("-map", 0, "-map", 2, "-map_metadata", 1, "-map_chapters", 1, "-c:v", "copy")
    tags = ("-disposition:v", "attached_pic", "-metadata:s:a", f"title={PLANTED}")
    return source(name, *sound, "-i", words, "-i", cover, *into, *tags, *extra)


def test_the_street_a_memo_was_made_in_is_not_told(
    source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """Phones call memos after it, and whoever renames the file has not renamed the memo."""
    tags = ("-metadata", f"title={PLANTED} Calle Mayor 5", "-metadata", f"artist={PLANTED} Ana")
    maker = ("-fflags", "+bitexact", "-metadata", "encoding_tool=com.apple.VoiceMemos (iPhone 17)")
    sound = ("-f", "lavfi", "-i", NOISE.format(rate=44_100, seconds=1))
    path = source("interview.m4a", *sound, *tags, *maker)
    assert b"com.apple.VoiceMemos" in path.read_bytes()
    made = record(path)
    for file in FILES:
        assert PLANTED.encode() not in (made.folder / file).read_bytes()
        with made.opened(file) as opened:
            assert opened.metadata["title"] == "interview"


@pytest.mark.parametrize("name", ["book.m4b", "show.mp3", "show.mka"])
def test_words_chapters_and_cover_are_kept(
    name: str, tmp_path: Path, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """In the m4a and in the mp3; what may name people, places or machines is in neither."""
    extra = ("-f", "mp4") if name.endswith("m4b") else ()
    if name.endswith("mka"):
        # Matroska keeps covers as attachments: here, the words alone.
        path = dressed(source, tmp_path, name, "-map", "-0:v?", "-vn")
    else:
        path = dressed(source, tmp_path, name, *extra)
    assert PLANTED.encode() in path.read_bytes()
    made = record(path)
    for file in FILES:
        assert PLANTED.encode() not in (made.folder / file).read_bytes()
        with made.opened(file) as opened:
            said = dict(opened.metadata)
            assert said["title"] == "Pleno; sesión = 1"
            assert (said["artist"], said["album"]) == ("Radio Vega", "Crónicas")
            assert said["date"].startswith("2024")
            assert "07:08" not in str(said)
            assert {"title", "artist", "album", "date", "language"} >= set(said) - CONTAINERS_OWN
            chapters = [
                (round(1000 * one["start"] * one["time_base"]), one["metadata"]["title"])
                for one in opened.chapters()
            ]
            assert chapters == [(0, "Apertura"), (1000, "Debate & «voto»"), (2500, "Cierre")]
            covers = [s for s in opened.streams.video if s.disposition & Disposition.attached_pic]
            assert len(covers) == (0 if name.endswith("mka") else 1)
    if not name.endswith("mka"):
        assert made.roles[3:] == ["cover", "poster", "poster-play", "square"]


def test_the_cover_is_published_in_every_shape(
    tmp_path: Path, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """As it is, as a poster with and without badge, and as the square that directories want."""
    made = record(dressed(source, tmp_path, "show.mp3"))
    sizes = {one.role: (one.width, one.height) for one in made.record.artifacts if one.width}
    assert sizes["cover"] == sizes["poster"] == sizes["poster-play"] == (640, 480)
    assert sizes["square"] == (1400, 1400)
    for role in ("cover", "square", "poster-play"):
        with av.open(str(made.folder / f"{role}.jpg")) as opened:
            picture = next(opened.decode(video=0)).reformat(format="rgb24")
        red, green, blue = bytes(picture.planes[0])[:3]
        assert red > 90 > max(green, blue)


def test_of_two_covers_the_front_is_taken(
    tmp_path: Path, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """The one that says so, wherever it stands."""
    for colour in ("blue", "red"):
        still = ("-f", "lavfi", "-i", f"color={colour}:s=64x64", "-frames:v", 1)
        ffmpeg("-v", "error", *still, tmp_path / f"{colour}.jpg")
    path = source(
        "two.mp3",
        *("-f", "lavfi", "-i", NOISE.format(rate=44_100, seconds=1)),
        *("-i", tmp_path / "blue.jpg", "-i", tmp_path / "red.jpg", "-map", 0, "-map", 1, "-map", 2),
        *("-c:v", "copy", "-metadata:s:v:0", "comment=Cover (back)"),
        *("-metadata:s:v:1", "comment=Cover (front)"),
    )
    made = record(path)
    with av.open(str(made.folder / "cover.jpg")) as opened:
        red, _, blue = bytes(next(opened.decode(video=0)).reformat(format="rgb24").planes[0])[:3]
    assert red > blue


def test_a_broken_cover_costs_the_cover_alone(
    tmp_path: Path, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """The recording is published, and the reporter is told."""
    path = dressed(source, tmp_path, "show.mp3")
    data = path.read_bytes()
    at = data.index(b"\x89PNG")
    path.write_bytes(data[: at + 8] + bytes(200) + data[at + 208 :])
    made = record(path)
    assert made.roles == ["sound", "enclosure", "waveform"]
    assert any("cover was left out" in note for note in made.record.notes)


def test_a_clip_moves_its_chapters(
    tmp_path: Path, source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """Chapters count from where the published part begins; those outside of it are gone."""
    made = record(dressed(source, tmp_path, "show.mp3"), "0:00.5-0:02")
    for file in FILES:
        with made.opened(file) as opened:
            marks = [
                tuple(round(1000 * one[end] * one["time_base"]) for end in ("start", "end"))
                for one in opened.chapters()
            ]
        assert marks == [(0, 500), (500, 1500)]
        assert len(samples(made.folder / file)) == pytest.approx(1.5 * 48_000, abs=100)


# --- flaws -------------------------------------------------------------------------------------


def test_flaws_of_a_real_recording_are_told(
    source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """Six silent seconds before speech that was recorded far too loud, in plain words."""
    loud = "aevalsrc='clip(3*sin(2*PI*200*t)*sin(2*PI*2*t),-1,1)':s=16000:d=2,adelay=6000"
    made = record(source("late.wav", "-f", "lavfi", "-i", loud))
    silent, clipped = made.record.notes
    assert silent == "The recording begins with 0:06 of silence."
    assert re.match(r"The recording was clipped in 2\d% of its length, first at 0:06", clipped)


def test_a_whisper_gets_what_is_allowed_and_no_more(
    source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """Twenty decibels at most, and the rest is told: more would be hiss."""
    quiet_noise = NOISE.format(rate=48_000, seconds=1.5) + ",volume=-35dB"
    made = record(source("whisper.wav", "-f", "lavfi", "-i", quiet_noise, "-c:a", "pcm_f32le"))
    assert made.record.artifacts[0].extra["gain_db"] == 20.0
    (note,) = made.record.notes
    assert "very quiet" in note


def test_a_cut_off_recording_is_saved_as_far_as_it_goes(
    source: Callable[..., Path], record: Callable[..., Recording]
) -> None:
    """What is there is published, and what is missing is told."""
    path = source("long.flac", "-f", "lavfi", "-i", NOISE.format(rate=48_000, seconds=20))
    made = record(media.cut(path, 0.3))
    assert made.record.artifacts[0].duration_ms == pytest.approx(6000, abs=500)
    notes = (*made.plan.probe.notes, *made.record.notes)
    assert any("0:20" in note and "only 0:0" in note for note in notes)


def test_a_recording_over_the_limit_is_refused(source: Callable[..., Path], tmp_path: Path) -> None:
    """Before any of it is made, and the limit has a name."""
    path = source("long.wav", "-f", "lavfi", "-i", "sine=440:r=8000:d=9")
    limits = changed(QUICK.limits, max_duration_s=8)
    with pytest.raises(OverLimit, match=re.escape("limits.max_duration_s")):
        probe(path, tmp_path, limits)


def test_progress_of_a_recording_never_runs_backwards(
    source: Callable[..., Path], tmp_path: Path
) -> None:
    """Measuring, encoding and measuring again are one way from 0 to 99."""
    path = source("talk.wav", "-f", "lavfi", "-i", NOISE.format(rate=48_000, seconds=3))
    (step,) = (one for one in planned(path).steps if one.name == "sound")
    heard: list[int] = []
    render.perform(step, "p", shop(path, tmp_path / "job"), lambda p: heard.append(p.percent))
    assert all(early <= late for early, late in pairwise(heard))
    assert 0 <= heard[0] <= heard[-1] <= 99
