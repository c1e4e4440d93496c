"""Running one step and believing nothing: what is measured, refused, noted and reported."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

import media
import pytest
from homes import QUICK, quiet
from values import TOOL, changed, drop, source, subtitles

from pipeline import graph, loudness, render
from pipeline.errors import BadInput, ToolBug, Unreadable
from pipeline.model import Artifact, Plan, Sidecar, Step, StepRecord, VideoOut
from pipeline.plan import Order, plan
from pipeline.probe import probe
from pipeline.render import Progress, Shop


@functools.cache
def planned(path: Path, *sidecars: Sidecar) -> Plan:
    """The plan of a real file, by a real probe."""
    scratch = media.folder("probes")
    scratch.mkdir(exist_ok=True)
    found = probe(path, scratch, QUICK.limits)
    dropped = drop(path.name, media=source(path.name, ""), sidecars=sidecars)
    return plan(Order(drop=dropped, probe=found, profile=QUICK, tool=TOOL))


def step(path: Path, name: str) -> Step:
    """One step of that plan."""
    (found,) = (s for s in planned(path).steps if s.name == name)
    return found


def shop(path: Path, folder: Path) -> Shop:
    """A shop for a file."""
    folder.mkdir(exist_ok=True)
    return Shop(ffmpeg=media.FFMPEG, source=path, folder=folder, limits=QUICK.limits)


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


def test_a_film_is_measured(make: Make, tmp_path: Path) -> None:
    """Sizes, frames, length, bytes and hash are those of the finished file."""
    (rung,) = make(media.film(), "ladder").artifacts
    assert (rung.role, rung.key, rung.media_type) == ("rung", "p/i/r/f/180.mp4", "video/mp4")
    assert (rung.width, rung.height, rung.frames) == (320, 180, 25)
    assert rung.duration_ms == pytest.approx(1000, abs=60)
    file = tmp_path / "job/180.mp4"
    assert (rung.bytes, rung.sha256) == (file.stat().st_size, render.sha256(file))
    assert rung.extra["stable"] is True


def test_the_same_work_makes_the_same_bytes(make: Make, tmp_path: Path) -> None:
    """No date, no encoder name, no chance: two workers make one file."""
    first = make(media.film(), "ladder").artifacts
    (tmp_path / "job").rename(tmp_path / "before")
    assert make(media.film(), "ladder").artifacts == first


def test_the_upload_is_weighed_where_its_identity_is_no_hash(make: Make) -> None:
    """S3 names bytes by ETags; the manifest wants a sha256. A folder's identity is one already."""
    made = make(media.film(), "ladder")
    assert made.source_sha256 == render.sha256(media.film())
    known = changed(step(media.film(), "ladder"), source=source(identity="b" * 64))
    assert render._source_sha256(known, Path("/nowhere")) == "b" * 64


def test_progress_is_told(tmp_path: Path) -> None:
    """Percent never runs backwards or beyond 99 before the end; words name step and speed."""
    heard: list[Progress] = []
    path = media.film(2)
    render.perform(step(path, "ladder"), "p", shop(path, tmp_path / "job"), heard.append)
    percents = [p.percent for p in heard]
    assert percents == sorted(percents)
    assert 0 <= percents[0] <= percents[-1] <= 99
    assert all(p.text.startswith("ladder") for p in heard)


# --- verification ----------------------------------------------------------------------------


def test_a_wrong_size_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the encoder made is measured: another size than planned is never published."""
    ladder = graph.ladder

    def wrong(wanted: Step, bench: graph.Bench, gain: float) -> tuple[str, ...]:
        outs = [changed(o, width=160, height=90) for o in wanted.outputs if isinstance(o, VideoOut)]
        return ladder(changed(wanted, outputs=tuple(outs)), bench, gain)

    monkeypatch.setattr(graph, "ladder", wrong)
    with pytest.raises(ToolBug) as raised:
        make(media.film(), "ladder")
    assert "film" in raised.value.public
    assert "160" in raised.value.evidence


def test_a_broken_output_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that ends well but leaves garbage is not believed."""
    encode = render._encode

    def spoilt(argv: tuple[str, ...], wanted: Step, place: Shop, report: render.Report) -> None:
        encode(argv, wanted, place, report)
        for file in place.folder.glob("*.m*"):
            data = file.read_bytes()
            file.write_bytes(data[:200] + bytes(len(data) - 200))

    monkeypatch.setattr(render, "_encode", spoilt)
    for path, name in ((media.film(), "ladder"), (media.sound(), "sound")):
        with pytest.raises(ToolBug):
            make(path, name)


def test_an_empty_output_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that says nothing and makes nothing found nothing to decode."""
    monkeypatch.setattr(render, "_encode", lambda *_: None)
    with pytest.raises(Unreadable):
        make(media.film(), "ladder")


def test_rungs_of_different_length_are_caught() -> None:
    """A player that changes rungs must find the same frames in each."""
    facts = {"role": "rung", "media_type": "video/mp4", "bytes": 1, "sha256": ""}
    rungs = (Artifact(key="a", frames=25, **facts), Artifact(key="b", frames=24, **facts))
    with pytest.raises(ToolBug):
        render._check_alike(rungs, step(media.film(), "ladder"))
    render._check_alike(rungs[:1] * 2, step(media.film(), "ladder"))


# --- damaged sources -------------------------------------------------------------------------


@pytest.mark.hostile
def test_a_cut_film_that_knows_its_length_is_published_with_a_note(make: Make) -> None:
    """A truncated MKV still says how long it was: the note names both lengths."""
    path = media.cut(media.film(4, "mkv"), 0.5)
    (rung,) = make(path, "ladder").artifacts
    assert rung.duration_ms is not None
    assert 1000 < rung.duration_ms < 3000
    assert "The file says it lasts 0:04, but only 0:02 is there." in planned(path).notes


def test_a_film_that_decodes_shorter_than_it_is_gets_a_note() -> None:
    """What the decoder lost after the probe is told too, with both lengths."""
    wanted = changed(step(media.film(), "ladder"), duration_ms=245_000)
    made = Artifact(
        role="rung", key="a", media_type="video/mp4", bytes=1, sha256="", duration_ms=63_000
    )
    (note,) = render._cut_short(wanted, made)
    assert "4:05" in note
    assert "1:03" in note
    assert render._cut_short(wanted, changed(made, duration_ms=244_500)) == []


@pytest.mark.hostile
def test_a_cut_stream_is_published_as_long_as_it_is(make: Make) -> None:
    """A truncated transport stream tells no length: what is there is published, whole."""
    path = media.cut(media.film(4, "ts"), 0.5)
    (rung,) = make(path, "ladder").artifacts
    claimed = step(path, "ladder").duration_ms
    assert claimed is not None
    assert rung.duration_ms is not None
    assert 1000 < rung.duration_ms < 3000
    assert abs(claimed - rung.duration_ms) < 500


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


def test_a_film_without_sound_has_none(make: Make, tmp_path: Path) -> None:
    """No silent track is made up."""
    (rung,) = make(media.silent_film(), "ladder").artifacts
    assert "gain_db" not in rung.extra
    assert rung.frames == 25


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
    """Plain and with the badge, in the planned size."""
    made = make(media.film(), "poster").artifacts
    assert [(a.role, a.width, a.height) for a in made] == [
        ("poster", 320, 180),
        ("poster-play", 320, 180),
    ]


def captions(text: str, folder: Path) -> StepRecord:
    """Make subtitles from a file beside the film."""
    path = folder / "talk.es.srt"
    path.write_text(text)
    (wanted,) = (s for s in planned(media.film(), subtitles("es")).steps if s.name == "captions-es")
    return render.perform(wanted, "p", shop(path, folder / "job"), quiet)


def test_subtitles_become_clean_webvtt(tmp_path: Path) -> None:
    """Rebuilt cue by cue, in their language."""
    (made,) = captions(media.SRT.format(text="<b>Se vota.</b><script>"), tmp_path).artifacts
    assert (made.role, made.language, made.key) == ("captions", "es", "p/es.vtt")
    text = (tmp_path / "job/es.vtt").read_text()
    assert text.startswith("WEBVTT\n")
    assert "Se vota." in text
    assert "<script>" not in text


def test_subtitles_without_words_are_bad_input(tmp_path: Path) -> None:
    """The file is at fault, and the reason is plain."""
    with pytest.raises(BadInput):
        captions("1\n", tmp_path)
