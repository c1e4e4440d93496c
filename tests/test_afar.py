"""The whole path of large films in a store elsewhere: what is fetched, and what is published."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import media
import pytest
from homes import QUICK, Home
from values import changed

from pipeline import partial
from pipeline.model import Source, State
from pipeline.sparse import SparseCopy
from pipeline.store import DirStore

WORDS = "1\n00:00:01,000 --> 00:00:03,000\nfirst\n\n2\n00:00:12,000 --> 00:00:14,000\nlast\n"


class Elsewhere:
    """A store that is not this machine's disk; it counts what is fetched of the film."""

    def __init__(self, store: DirStore) -> None:
        self._store = store
        self.fetched = self.wholes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """As a store does."""
        data = self._store.read(key, start=start, length=length)
        self.fetched += len(data) * _is_film(key)
        return data

    @contextlib.contextmanager
    def local(self, key: str, folder: Path, **more: Any) -> Iterator[Path]:
        """As a store does."""
        self.wholes += _is_film(key)
        with self._store.local(key, folder, **more) as path:
            yield path

    def is_local(self, source: Source, _folder: Path) -> bool:
        """As a store does that keeps nothing."""
        return not _is_film(source.key)


def _is_film(key: str) -> bool:
    return "/talk." in key


COPIED = ("-c:v", "copy", "-c:a", "copy")
CODED = {
    # As browsers and streaming programs record: no index but of each fragment.
    "mp4": (*COPIED, "-movflags", "frag_keyframe+empty_moov+skip_trailer"),
    "mxf": ("-c:v", "mpeg2video", "-b:v", "8M", "-bf", "2", "-c:a", "pcm_s16le", "-ar", "48000"),
    "avi": ("-c:v", "mpeg4", "-b:v", "8M", "-c:a", "mp3"),
}


def long_film(ending: str) -> Path:
    """Fifteen seconds and 15 MB of it, with subtitles inside where that is usual."""
    words = media.folder("afar") / "words.srt"
    words.parent.mkdir(exist_ok=True)
    words.write_text(WORDS)
    clip = media._made(
        "noise-8M.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3,noise=alls=60:allf=t"),
        *("-f", "lavfi", "-i", "sine=440:d=3"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "25", "-b:v", "8M"),
        *("-c:a", "aac", "-shortest"),
    )
    texts = ("-i", str(words), "-map", "0", "-map", "1", "-c:s", "srt") if ending == "mkv" else ()
    looped = ("-stream_loop", "4", "-i", str(clip), *texts)
    return media._made(f"talk.{ending}", *looped, *CODED.get(ending, COPIED))


def plain(home: Home) -> Home:
    """A house without an idle pass, which would only take time here."""
    rungs = tuple(rung for rung in QUICK.video.rungs if rung.codec == "h264")
    profile = changed(QUICK, video=changed(QUICK.video, rungs=rungs))
    home.house = dataclasses.replace(home.house, profiles={"default": profile})
    return home


def afar(home: Home) -> Elsewhere:
    """Move a house's ingest folder elsewhere."""
    store = Elsewhere(DirStore(home.ingest))
    home.house = dataclasses.replace(home.house, ingest=store)
    return store


@pytest.fixture(autouse=True)
def _a_short_film_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "LARGE_BYTES", 1 << 10)
    monkeypatch.setattr(partial, "_WORTH", 1)


@pytest.mark.parametrize("ending", ["m2ts", "mkv", *CODED])
def test_a_film_from_afar_is_the_film_from_here(ending: str, tmp_path: Path) -> None:
    """Published pictures, sound and words are the same, byte for byte, without copying the film."""
    homes = [plain(Home(tmp_path / where)) for where in ("here", "afar")]
    store = afar(homes[1])
    for home in homes:
        home.lay(f"talk.{ending}", long_film(ending))
        assert home.run().items[0].state is State.PUBLISHED
    here, there = (_made(home) for home in homes)
    assert here.keys() == there.keys()
    different = {key for key in here if here[key] != there[key]}
    # In the first packet of a transport stream, who cannot go back rounds times otherwise.
    allowed = ("/sound.mp4", "/video.mp4") if ending == "m2ts" else ()
    assert all(key.endswith(allowed) for key in different), different
    assert store.wholes == 1  # for the probe
    assert list((tmp_path / "afar" / "scratch").rglob("part-*")) == []


def _made(home: Home) -> dict[str, str]:
    return {key: digest for key, digest in home.published.items() if "/r/" in key}


def _talk_afar(root: Path) -> tuple[Home, Elsewhere]:
    """A house whose one film lies elsewhere."""
    home = plain(Home(root))
    home.lay("talk.mkv", long_film("mkv"))
    return home, afar(home)


def test_what_a_part_lacks_is_made_from_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that was chosen wrongly costs time and nothing else."""
    home, store = _talk_afar(tmp_path)
    fetch = SparseCopy.fetch

    def forgetful(copy: SparseCopy, ranges: Any) -> None:
        fetch(copy, [(start, end) for start, end in ranges if end < 6 << 20 or start > 9 << 20])

    monkeypatch.setattr(SparseCopy, "fetch", forgetful)
    assert home.run().items[0].state is State.PUBLISHED
    film = next(out for out in home.item("talk").outputs if out.role == "video")
    assert film.frames >= 374  # between two rounds of the clip, a gap
    assert home.item("talk").notes == ()
    assert store.wholes > 1


def test_sound_that_is_cut_off_on_its_way_is_made_from_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So much of a film is sent to who reads all of it; what is too little is noticed."""
    home, store = _talk_afar(tmp_path)

    def half(store: Any, entry: Source, line: socket.socket) -> None:
        line.sendall(store.read(entry.key, start=0, length=entry.bytes // 2))

    monkeypatch.setattr(partial, "through", half)
    assert home.run().items[0].state is State.PUBLISHED
    film = next(out for out in home.item("talk").outputs if out.role == "video")
    assert abs(film.extra["av_offset_ms"]) <= 20
    assert home.item("talk").notes == ()
    assert store.wholes > 1
