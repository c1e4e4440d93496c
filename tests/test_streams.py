"""HLS of real films, from the ingest folder to a strict validator: growing, whole, with holes."""

from __future__ import annotations

from pathlib import Path

import m3u8
import media
import pytest
import streams
from homes import Home
from reels import AAC, H264, make

from pipeline import lease
from pipeline.errors import ToolBug
from pipeline.model import Artifact
from pipeline.scan import scan

SECONDS = 6
PICTURES = ("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=25:d={SECONDS}")
TONES = tuple(
    part
    for pitch in (440, 660)
    for part in ("-f", "lavfi", "-i", f"sine={pitch}:r=48000:d={SECONDS}")
)
SPOKEN = ("-metadata:s:a:0", "language=spa", "-metadata:s:a:1", "language=eng")
UNEVEN = ("-vf", "select='lt(mod(n*n,41),19)+eq(n,149)'", "-fps_mode", "passthrough")
KINDS: dict[str, tuple[str, ...]] = {
    "plain": (*PICTURES, *TONES[:4], *H264, "-bf", "2", *AAC),
    "silent": (*PICTURES, *H264),
    "languages": (*PICTURES, *TONES, "-map", "0", "-map", "1", "-map", "2", *SPOKEN, *H264, *AAC),
    "uneven": (*PICTURES, *TONES[:4], *UNEVEN, *H264, *AAC),
}


def film(kind: str) -> Path:
    """A film of six seconds, of several chunks."""
    path = media.folder(f"stream-{kind}.mkv")
    return path if path.exists() else make(path, *KINDS[kind])


def told(home: Home, role: str = "hls") -> Artifact:
    """A playlist of the film as the manifest lists it."""
    return next(out for out in home.item("talk").outputs if out.role == role)


def index(home: Home, role: str = "hls") -> Path:
    """Where that playlist lies."""
    return home.root / "published" / told(home, role).key


def laid(tmp_path: Path, kind: str) -> Home:
    """A house with that film, nothing done yet."""
    home = Home(tmp_path)
    home.lay("talk.mkv", film(kind))
    return home


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_film_keeps_every_rule(tmp_path: Path, kind: str) -> None:
    """The validator is content, and codecs, sizes, ranges and bandwidths are those of the bytes."""
    home = laid(tmp_path, kind)
    home.lay("talk.es.srt", media.SRT.format(text="Se vota."))
    home.run()
    length_s = (told(home).duration_ms or 0) / 1000
    assert length_s == pytest.approx(SECONDS, abs=0.1)
    known = streams.check(index(home), seconds=length_s)
    assert len(known.playlists) == 2
    languages = [one.language for one in known.media if one.type == "AUDIO"]
    assert languages == {"silent": [], "languages": ["es", "en"]}.get(kind, [None])
    assert [one.language for one in known.media if one.type == "SUBTITLES"] == ["es"]
    path = index(home).parent / known.playlists[0].uri
    if kind != "uneven":
        assert float(streams.frame_rate(path)) == pytest.approx(25, abs=0.01)
        assert {one.stream_info.frame_rate for one in known.playlists} == {25}
    assert m3u8.loads(path.read_text()).playlist_type == "vod"


def test_a_second_ladder_in_av1_keeps_every_rule(tmp_path: Path) -> None:
    """Its codec string is that of its headers, and its sound is that of the first ladder."""
    home = laid(tmp_path, "plain")
    home.run()
    known = streams.check(index(home, "hls-av1"), seconds=SECONDS)
    assert all(one.stream_info.codecs.startswith("av01.0.") for one in known.playlists)
    assert len([one for one in known.media if one.type == "AUDIO"]) == 1


def test_a_growing_film_keeps_every_rule(tmp_path: Path) -> None:
    """From the first chunk on, at every state in which its playlists are published."""
    home = laid(tmp_path, "languages")
    scan(home.house)
    states = []
    while bell := home.rope.take():
        home.answer(bell)
        if bell.task == "publish" and any(o.role == "hls" for o in home.item("talk").outputs):
            state = told(home)
            states.append((state.extra["complete"], state.duration_ms))
            streams.check(index(home), seconds=(state.duration_ms or 0) / 1000)
    assert {complete for complete, _ in states} == {False, True}
    assert [ready for _, ready in states] == sorted(ready for _, ready in states)


def test_a_film_with_a_hole_keeps_every_rule(tmp_path: Path) -> None:
    """What could not be made is a gap that no player tries to load; the sound goes on."""
    home = laid(tmp_path, "plain")
    scan(home.house)
    while (known_ := home.house.item("march", "talk")) is None or known_.plan is None:
        bell = home.rope.take()
        assert bell is not None
        home.answer(bell)
    (lost,) = (s.fingerprint for s in known_.plan.steps if s.name == "film-0001")
    lease.fail(home.house.records, known_, lost, ToolBug("The machine failed."))
    home.run()
    assert "The machine failed." in " ".join(home.item("talk").notes)
    known = streams.check(index(home), seconds=SECONDS)
    for listed in known.playlists:
        one = m3u8.loads((index(home).parent / listed.uri).read_text())
        assert any(segment.gap_tag for segment in one.segments)
        assert sum(segment.duration for segment in one.segments) == pytest.approx(SECONDS, abs=0.05)
