"""Running one step and believing nothing: what is measured, refused, noted and reported."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import media
import pytest
from homes import quiet
from test_images import distance, scene
from values import changed, source, subtitles
from works import planned, shop, step

from pipeline import loudness, render, render_sound
from pipeline import shop as shopping
from pipeline.errors import BadInput, ToolBug, Unreadable
from pipeline.model import Artifact, Step, StepRecord
from pipeline.shop import Progress, Report, Shop


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Path, str], StepRecord]:
    """Run one step of a file's plan in scratch."""

    def run(path: Path, name: str) -> StepRecord:
        return render.perform(step(path, name), "p/i/r/f", shop(path, tmp_path / "job"), quiet)

    return run


Make = Callable[[Path, str], StepRecord]


def meter(path: Path) -> loudness.Loudness:
    """Measure a file with the meter of the trade, outside of everything under test."""
    done = subprocess.run(
        [
            *(media.FFMPEG, "-nostdin", "-hide_banner", "-i", path, "-map", "a:0"),
            *("-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return loudness.read_summary(done.stderr)


# --- what is measured ------------------------------------------------------------------------


def test_a_recording_is_measured(make: Make, tmp_path: Path) -> None:
    """Length, bytes and hash are those of the finished file."""
    sound, enclosure, waveform = make(media.sound(), "sound").artifacts
    assert (sound.role, sound.key, sound.media_type) == ("sound", "p/i/r/f/audio.m4a", "audio/mp4")
    for made in (sound, enclosure):
        assert made.duration_ms == pytest.approx(2000, abs=60)
    for made in (sound, enclosure, waveform):
        file = tmp_path / "job" / made.key.rpartition("/")[2]
        assert (made.bytes, made.sha256) == (file.stat().st_size, render.sha256(file))


@pytest.mark.parametrize("name", ["film-0000", "sound-0", "av1-0000"])
def test_the_same_work_makes_the_same_bytes(make: Make, tmp_path: Path, name: str) -> None:
    """No date, no encoder name, no chance: two workers make one file."""
    first = make(media.film(), name).artifacts
    (tmp_path / "job").rename(tmp_path / "before")
    assert make(media.film(), name).artifacts == first


def test_the_upload_is_weighed_where_its_identity_is_no_hash(tmp_path: Path) -> None:
    """S3 names bytes by ETags; the manifest wants a sha256. A folder's identity is one already."""
    place = shop(media.film(), tmp_path / "job")
    heard = step(media.film(), "sound-0")
    assert render._source_sha256(heard, place) == render.sha256(media.film())
    known = changed(heard, source=source(identity="b" * 64))
    assert render._source_sha256(known, changed(place, source=Path("/nowhere"))) == "b" * 64


def test_a_part_of_an_upload_is_not_weighed(tmp_path: Path) -> None:
    """Neither by a step that looks at a part of it, nor where only a part is here."""
    place = shop(media.film(), tmp_path / "job")
    assert render._source_sha256(step(media.film(), "film-0000"), place) is None
    holes = changed(place, whole=False)
    assert render._source_sha256(step(media.film(), "sound-0"), holes) is None


def test_progress_is_told(tmp_path: Path) -> None:
    """Percent never runs backwards or beyond 99 before the end; words name the step."""
    heard: list[Progress] = []
    path = media.film(2)
    render.perform(step(path, "film-0000"), "p", shop(path, tmp_path / "job"), heard.append)
    percents = [p.percent for p in heard]
    assert percents == sorted(percents)
    assert 0 <= percents[0] <= percents[-1] <= 99
    assert all(p.text.startswith("film-0000") for p in heard)


def test_progress_of_a_chunk_counts_from_its_start() -> None:
    """The encoder tells where in the film it is, not how far in the chunk."""
    second = step(media.film(3), "film-0001")
    assert second.duration_ms == 2000
    begin_us = 1_000_000
    at = {
        str(us): shopping._progress({"out_time_us": str(us)}, second).percent
        for us in (begin_us, begin_us + 1_000_000, begin_us + 9_000_000)
    }
    assert list(at.values()) == pytest.approx([0, 50, 99], abs=1)


# --- verification ----------------------------------------------------------------------------


def spoil(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Let the encoder end well and leave garbage behind."""
    encode = shopping.encode

    def spoilt(argv: tuple[str, ...], wanted: Step, place: Shop, report: Report) -> None:
        encode(argv, wanted, place, report)
        for file in place.folder.glob("*.m*"):
            data = file.read_bytes()
            file.write_bytes(data[:200] + bytes(len(data) - 200))

    monkeypatch.setattr(module, "encode", spoilt)


def test_a_broken_output_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that ends well but leaves garbage is not believed."""
    spoil(monkeypatch, render_sound)
    with pytest.raises(ToolBug):
        make(media.sound(), "sound")


def test_an_empty_output_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that says nothing and makes nothing found nothing to decode."""
    monkeypatch.setattr(render_sound, "encode", lambda *_: None)
    with pytest.raises(Unreadable):
        make(media.sound(), "sound")


def test_what_decodes_shorter_than_it_is_gets_a_note() -> None:
    """What the decoder lost after the probe is told too, with both lengths."""
    wanted = changed(step(media.sound(), "sound"), duration_ms=245_000)
    made = Artifact(
        role="sound", key="a", media_type="audio/mp4", bytes=1, sha256="", duration_ms=63_000
    )
    (note,) = shopping.cut_short(wanted, made)
    assert "4:05" in note
    assert "1:03" in note
    assert shopping.cut_short(wanted, changed(made, duration_ms=244_500)) == []


# --- sound -----------------------------------------------------------------------------------


@pytest.mark.parametrize("volume_db", [-12.0, 0.0, 15.0], ids=["quiet", "plain", "loud"])
def test_sound_is_brought_to_its_loudness(make: Make, tmp_path: Path, volume_db: float) -> None:
    """Every file is within 1 LU of -16 LUFS and below -1 dBTP, whatever came in."""
    made = make(media.sound(4, volume_db=volume_db), "sound")
    for name in ("audio.m4a", "audio.mp3"):
        found = meter(tmp_path / "job" / name)
        assert found.integrated_lufs == pytest.approx(-16, abs=1)
        assert found.true_peak_dbtp <= -1
    told = made.artifacts[0].extra["loudness_after"]["integrated_lufs"]
    assert told == pytest.approx(meter(tmp_path / "job/audio.m4a").integrated_lufs, abs=0.1)


def test_mono_stays_mono(make: Make, tmp_path: Path) -> None:
    """One channel in, one channel out, at its loudness."""
    make(media.sound(3, volume_db=-5.0, channels=1), "sound")
    for name in ("audio.m4a", "audio.mp3"):
        shown = subprocess.run(
            [media.FFMPEG, "-nostdin", "-i", tmp_path / "job" / name],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        ).stderr
        assert ", mono," in shown
        assert meter(tmp_path / "job" / name).integrated_lufs == pytest.approx(-16, abs=1)


def test_silence_is_published_and_told(make: Make) -> None:
    """Nothing to amplify: the file is made, with a remark."""
    made = make(media.silence(), "sound")
    assert "The recording is silent." in made.notes
    assert made.artifacts[0].extra["gain_db"] == 0.0


# --- stills and subtitles --------------------------------------------------------------------


def test_photos_have_the_planned_sizes(make: Make) -> None:
    """Every width in both formats, measured."""
    made = make(media.photo(), "photo").artifacts
    assert [(a.width, a.height, a.media_type) for a in made] == [
        (width, width * 9 // 16, form)
        for form in ("image/jpeg", "image/avif")
        for width in (160, 320)
    ]


def test_posters_are_taken_from_the_film(make: Make) -> None:
    """Plain and with the badge in the planned size, and in the square that podcasts want."""
    made = make(media.film(), "poster").artifacts
    assert [(a.role, a.width, a.height) for a in made] == [
        ("poster", 320, 180),
        ("poster-play", 320, 180),
        ("square", 1400, 1400),
    ]


def captions(text: str, folder: Path) -> StepRecord:
    """Make subtitles from a file beside the film."""
    path = folder / "talk.es.srt"
    path.write_text(text)
    (wanted,) = (s for s in planned(media.film(), subtitles("es")).steps if s.name == "captions-es")
    return render.perform(wanted, "p", shop(path, folder / "job"), quiet)


def test_subtitles_become_clean_webvtt(tmp_path: Path) -> None:
    """Rebuilt cue by cue, in their language."""
    made, said = captions(media.SRT.format(text="<b>Se vota.</b><script>"), tmp_path).artifacts
    assert (made.role, made.language, made.key) == ("captions", "es", "p/es.vtt")
    assert (said.role, said.language, said.key) == ("transcript", "es", "p/es.json")
    text = (tmp_path / "job/es.vtt").read_text()
    assert text.startswith("WEBVTT\n")
    assert "Se vota." in text
    assert "<script>" not in text


def test_subtitles_longer_than_their_film_are_told_with_their_line(tmp_path: Path) -> None:
    """The line is that of the last cue; so is what the linter found."""
    late = "2\n00:01:00,000 --> 00:01:00,100\nLate\n"
    made = captions(f"{media.SRT.format(text='Hola.')}\n{late}", tmp_path)
    assert "talk.es.srt: the subtitles go on for 0:59 after the film has ended (line 6)." in (
        made.notes
    )
    (found,) = (w for w in made.artifacts[0].extra["warnings"] if w["rule"] == "brief")
    assert [place["line"] for place in found["places"]] == [2, 6]


def test_a_file_that_names_no_language_is_called_by_its_words(tmp_path: Path) -> None:
    """A post in Spanish with English subtitles in talk.srt: they are English, and it is said."""
    side = dataclasses.replace(subtitles("es"), source=source("talk.srt"), named=False)
    path = tmp_path / "talk.srt"
    path.write_text(
        "1\n00:00:00,100 --> 00:00:00,900\nThis is what the mayor said to all of them and to us.\n"
    )
    (wanted,) = (s for s in planned(media.film(), side).steps if s.name == "captions-es")
    made = render.perform(wanted, "p", shop(path, tmp_path / "job"), quiet)
    assert [(a.key, a.language) for a in made.artifacts] == [
        ("p/en.vtt", "en"),
        ("p/en.json", "en"),
    ]
    assert "by its words it is English" in made.notes[0]
    assert made.artifacts[0].extra["guessed"]


def test_subtitles_without_words_are_bad_input(tmp_path: Path) -> None:
    """The file is at fault, and the reason is plain."""
    with pytest.raises(BadInput):
        captions("1\n", tmp_path)


# --- pictures that move ----------------------------------------------------------------------


def test_a_picture_that_moves_becomes_a_film_of_its_own_times(make: Make, tmp_path: Path) -> None:
    """Every image once, as long as it stood, silent, in the web's colours, named as loop.mp4."""
    images = [scene(161, 121).rotate(40 * number) for number in range(5)]
    path = tmp_path / "moving.gif"
    times = [50, 400, 30, 60, 1000]
    images[0].save(path, save_all=True, append_images=images[1:], duration=times, loop=0)
    (made,) = make(path, "loop").artifacts
    assert (made.role, made.key, made.media_type) == ("loop", "p/i/r/f/loop.mp4", "video/mp4")
    assert (made.width, made.height, made.frames, made.duration_ms) == (160, 120, 5, 1540)
    with av.open(str(tmp_path / "job" / "loop.mp4")) as film:
        assert not film.streams.audio
        shown = [round(float(frame.time) * 1000) for frame in film.decode(video=0)]
        film.seek(0)
        first = next(film.decode(video=0))
    assert shown == [0, 50, 450, 480, 540]
    assert (first.colorspace, first.color_range) == (1, 1)  # BT.709, limited
    assert distance(first.to_image(), images[0].crop((0, 0, 160, 120))) < 8
