"""Parts of large sources: what is fetched, that it decodes alike, and when the whole is taken."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import os
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import media
import pytest
import values
from hypothesis import given
from hypothesis import strategies as st

from pipeline import partial, probe, probe_index, process, remote, sparse
from pipeline.errors import DiskFull, Missing, OverLimit, StoreUnavailable, ToolBug, Unreadable
from pipeline.model import (
    CaptionsOut,
    Colour,
    CopyOut,
    Entry,
    Limits,
    Object,
    PhotoOut,
    PosterOut,
    Source,
    Span,
    Step,
    Treatment,
)
from pipeline.partial import Place, Reach
from pipeline.s3store import S3Store
from pipeline.store import DirStore

LIMITS = Limits(
    max_bytes=1 << 40,
    max_duration_s=86_400,
    max_frame_pixels=1 << 26,
    max_photo_pixels=1 << 28,
    max_streams=32,
    max_text_bytes=1 << 20,
    memory_bytes=4 << 30,
    step_timeout_s=600,
    stall_s=60,
)
KEY = "post/film.mp4"
CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1\nSTART={10 * n}\nEND={10 * n + 10}\ntitle=Part {n}\n"
    for n in range(4)
)


class Far:
    """A store elsewhere that holds one file: it counts what is fetched of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = "as it was"
        self.fetched = self.requests = self.wholes = 0
        self._lock = threading.Lock()

    @property
    def entry(self) -> Source:
        """The file as it was listed."""
        size = self.path.stat().st_size
        return Source(key=KEY, name="film.mp4", bytes=size, identity="as it was")

    def stat(self, key: str) -> Entry | None:
        """As a store does."""
        size = self.path.stat().st_size
        return Entry(key=key, bytes=size, identity=self.identity, modified=0.0)

    def read(self, _key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """As a store does."""
        with self.path.open("rb") as file:
            file.seek(start)
            data = file.read(length)
        with self._lock:
            self.fetched += len(data)
            self.requests += 1
        return data

    @contextlib.contextmanager
    def local(self, _key: str, _folder: Path, **_: Any) -> Iterator[Path]:
        """As a store does."""
        self.wholes += 1
        yield self.path

    def is_local(self, _source: Source, _folder: Path) -> bool:
        """As a store does that keeps what it has copied."""
        return self.wholes > 0

    @property
    def share(self) -> float:
        """How much of the file was fetched."""
        return self.fetched / self.path.stat().st_size


class CountingS3(S3Store):
    """A bucket that counts what is fetched, and refuses to hand out whole files."""

    fetched = 0

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """As a store does."""
        data = super().read(key, start=start, length=length)
        self.fetched += len(data)
        return data

    def local(self, *_: Any, **__: Any) -> Any:
        """Not this time."""
        raise AssertionError("the whole file was asked for")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty bench."""
    scratch = tmp_path / "job"
    scratch.mkdir()
    return Place(cache=tmp_path / "sources", scratch=scratch, limits=LIMITS)


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films of a few megabytes are handled like large ones."""
    monkeypatch.setattr(partial, "LARGE_BYTES", 1 << 10)
    monkeypatch.setattr(partial, "PROBED_WHOLE_BYTES", 1 << 10)


def clip() -> Path:
    """Four seconds of noise at some 20 Mb/s with reordered frames, and a tone."""
    return media._made(
        "noise.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4,noise=alls=60:allf=t"),
        *("-f", "lavfi", "-i", "sine=440:d=4"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "25", "-b:v", "20M"),
        *("-c:a", "aac", "-shortest"),
    )


def film(name: str = "end.mp4", *arguments: str, times: int = 10) -> Path:
    """The clip again and again: a film of `times` times 4 s and 10 MB."""
    looped = ("-stream_loop", str(times - 1), "-i", str(clip()))
    return media._made(name, *looped, *(arguments or ("-c", "copy")))


def plain() -> Path:
    """Its index is at its end, as cameras write it."""
    return film()


def faststart() -> Path:
    """Its index is at its start."""
    return film("start.mp4", "-c", "copy", "-movflags", "+faststart")


def edited() -> Path:
    """An edit list hides its first frames."""
    return media._made("edited.mp4", "-ss", "2.5", "-i", str(plain()), "-c", "copy")


def tracks() -> Path:
    """Two sounds, the first late; subtitles; chapters, whose titles lie in a track of text."""
    folder = media.folder("parts")
    folder.mkdir(exist_ok=True)
    (folder / "s.srt").write_text("1\n00:00:30,000 --> 00:00:31,000\nlate words\n")
    (folder / "chapters").write_text(CHAPTERS)
    return media._made(
        "tracks.mov",
        *("-i", str(plain()), "-itsoffset", "1.5", "-f", "lavfi", "-i", "sine=300:d=38"),
        *("-f", "lavfi", "-i", "sine=600:d=40", "-i", str(folder / "s.srt")),
        *("-f", "ffmetadata", "-i", str(folder / "chapters")),
        *("-map", "0:v", "-map", "1", "-map", "2", "-map", "3", "-map_chapters", "4"),
        *("-c:v", "copy", "-c:a", "aac", "-c:s", "mov_text"),
    )


def uneven() -> Path:
    """Its pictures come when something moves."""
    some = "select='not(mod(n,40))+lt(mod(n,250),200)*lt(mod(n*n,11),5)'"
    return media._made(
        "uneven.mp4",
        *("-i", str(plain()), "-vf", some, "-fps_mode", "passthrough", "-c:a", "copy"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-b:v", "20M"),
    )


FILMS = [plain, faststart, edited, tracks]


def walked(demuxer: str, times: int = 10) -> Path:
    """The same film in a container that has no full index."""
    copy = ("-c", "copy")
    mpeg = ("-c:v", "mpeg2video", "-b:v", "20M", "-bf", "2", "-g", "12", "-c:a", "mp2")
    name, arguments = {
        "matroska": ("film.mkv", ("-map", "0", "-map", "0:a", *copy)),
        "mpegts": ("film.m2ts", copy),
        "mpeg": ("film.mpg", (*mpeg, "-maxrate", "24M", "-bufsize", "4M")),
        "avi": ("film.avi", ("-c:v", "mpeg4", "-b:v", "20M", "-c:a", "mp3")),
        "asf": ("film.wmv", ("-c:v", "wmv2", "-b:v", "20M", "-c:a", "wmav2")),
        "mxf": ("film.mxf", (*mpeg[:-2], "-c:a", "pcm_s16le", "-ar", "48000")),
        "flv": ("film.flv", (*copy, "-flvflags", "add_keyframe_index")),
        # As browsers and streaming programs record: no index but of each fragment.
        "mov": ("fragments.mp4", (*copy, "-movflags", "frag_keyframe+empty_moov+skip_trailer")),
    }[demuxer]
    return film(f"{times}-{name}", *arguments, times=times)


WALKED = ("asf", "avi", "flv", "matroska", "mov", "mpeg", "mpegts", "mxf")


def ffmpeg(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [media.FFMPEG, "-hide_banner", "-nostdin", "-v", "error", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def frames(path: Path, wanted: Reach, demuxer: str = "mov") -> list[str]:
    """The MD5 of every decoded frame of the first stream and span that is wanted."""
    start, end = wanted.spans[0]
    until = () if end is None else ("-to", str(float(end)))
    begin = ("-ss", str(float(start))) if start else ()
    seek = ("-copyts", "-start_at_zero", *begin, *until)
    to = ("-map", f"0:{wanted.streams[0]}", "-f", "framemd5", "-")
    lines = ffmpeg("-f", demuxer, *seek, "-i", f"file:{path}", *to).stdout.splitlines()
    return [line for line in lines if not line.startswith("#")]


def reach(stream: int, start: str, end: str | None) -> Reach:
    span = (Fraction(start), None if end is None else Fraction(end))
    return Reach(streams=(stream,), spans=(span,))


# --- what is needed ---------------------------------------------------------------------------


PICTURES = Treatment(stream=3, deinterlace=False, tonemap="", colour=Colour(), frame_rate=None)


def step(*outputs: Any, **facts: Any) -> Step:
    known = {
        "name": "a step",
        "fingerprint": "f" * 64,
        "source": Source(key=KEY, name="film.mp4", bytes=1, identity="i"),
        "demuxer": "mov",
        "timeout_s": 60,
        "priority": 5,
    }
    return Step(outputs=outputs, **(known | facts))


def poster(*moments_ms: int) -> PosterOut:
    return PosterOut(
        role="poster",
        file="poster.jpg",
        width=64,
        height=36,
        quality=80,
        badge=False,
        moments_ms=moments_ms,
    )


def test_a_chunk_reaches_for_its_pictures_in_its_span() -> None:
    """A step's span, and what is run in before it, is what it needs of the stream it treats."""
    span = Span(start_s=Fraction(3, 2), end_s=Fraction(9, 2))
    wanted = partial.reach(step(treatment=PICTURES, span=span))
    assert wanted == Reach(streams=(3,), spans=((Fraction(1), Fraction(9, 2)),))
    far = partial.reach(step(treatment=PICTURES, span=dataclasses.replace(span, run_in_s=None)))
    assert far == Reach(streams=(3,), spans=((Fraction(0), Fraction(9, 2)),))


def test_sound_of_two_tracks_reaches_for_both() -> None:
    """Left and right may be a track each."""
    track = values.step(values.planned(values.recording()), "sound").sound
    pair = dataclasses.replace(track, stream=1, right=2)
    assert partial.reach(step(sound=pair)).streams == (1, 2)


def test_a_copy_reaches_for_the_whole_of_its_stream() -> None:
    """Without a span, a stream is needed from its beginning to its end."""
    out = CopyOut(
        role="rung",
        file="720.mp4",
        width=1280,
        height=720,
        stream=2,
        frame_rate=Fraction(25),
        timescale=12800,
    )
    assert partial.reach(step(out)) == Reach(streams=(2,), spans=((Fraction(0), None),))


def test_posters_reach_for_key_frames_or_for_the_chosen_moment() -> None:
    """Among many moments key frames will do; one alone was chosen, and is found to the frame."""
    many = partial.reach(step(poster(1500, 500), poster(1500, 500), treatment=PICTURES))
    half, later = Fraction(1, 2), Fraction(3, 2)
    spans = ((half, half), (later, later))
    assert many == Reach(streams=(3,), spans=spans, key_frames_only=True)
    one = partial.reach(step(poster(500), treatment=PICTURES))
    assert one == Reach(streams=(3,), spans=((half, half),))


def test_embedded_captions_reach_for_their_track_alone() -> None:
    """A text track is a stream like any other; a file of its own is needed whole."""
    out = CaptionsOut(role="captions", file="c.vtt", language="en", stream=4)
    whole = ((Fraction(0), None),)
    assert partial.reach(step(out)) == Reach(streams=(4,), spans=whole, pictures=False)
    clip = Span(start_s=Fraction(30), end_s=Fraction(40))
    assert partial.reach(step(out, span=clip)) == partial.reach(step(out))
    assert partial.reach(step(dataclasses.replace(out, stream=None))) is None


def test_what_names_no_stream_needs_everything() -> None:
    """A photo has no streams to choose from."""
    out = PhotoOut(role="p", file="p.jpg", width=1, height=1, format="jpeg", quality=1, speed=1)
    assert partial.reach(step(out)) is None


# --- it decodes alike -------------------------------------------------------------------------


@pytest.mark.parametrize("made", FILMS)
@pytest.mark.parametrize("span", [("0", "3"), ("701/50", "1802/100"), ("35", None)])
def test_pictures_of_a_span_are_bit_identical(made: Any, span: Any, place: Place) -> None:
    """Every decoded frame is that of the whole file, from less than half of it."""
    far, wanted = Far(made()), reach(0, *span)
    with partial.source(far, far.entry, "mov", wanted, place) as local:
        assert not local.whole
        assert local.path.stat().st_size == far.path.stat().st_size
        found = frames(local.path, wanted)
    assert len(found) > 50
    assert found == frames(far.path, wanted)
    assert far.share < 0.45
    assert far.wholes == 0
    assert list(place.scratch.iterdir()) == []


@pytest.mark.parametrize(("made", "stream"), [(plain, 1), (edited, 1), (tracks, 1), (tracks, 2)])
def test_sound_of_a_whole_film_is_bit_identical(made: Any, stream: int, place: Place) -> None:
    """A sound track is fetched to its end, and the pictures between take no room."""
    far, wanted = Far(made()), reach(stream, "0", None)
    with partial.source(far, far.entry, "mov", wanted, place) as local:
        room = local.path.stat().st_blocks * 512
        assert frames(local.path, wanted) == frames(far.path, wanted)
    assert room < 0.3 * far.path.stat().st_size


def test_sound_and_pictures_of_one_span_are_bit_identical(place: Place) -> None:
    """Sound is there from the key frame on that a player goes to, not only from the span on."""
    far = Far(tracks())
    wanted = Reach(streams=(0, 1), spans=((Fraction(20), Fraction(22)),))
    with partial.source(far, far.entry, "mov", wanted, place) as local:
        for stream in (0, 1):
            alone = dataclasses.replace(wanted, streams=(stream,))
            assert frames(local.path, alone) == frames(far.path, alone)


def test_subtitles_are_fetched_without_the_film(place: Place) -> None:
    """A text track is complete, and costs little more than the film's opening."""
    far, wanted = Far(tracks()), reach(3, "0", None)
    with partial.source(far, far.entry, "mov", wanted, place) as local:
        named = f"file:{local.path}"
        text = ffmpeg("-f", "mov", "-i", named, "-map", "0:3", "-f", "srt", "-").stdout
    assert "late words" in text
    assert far.share < 0.2


def at_key(path: Path, demuxer: str, at: str) -> str:
    """The key frame before a moment, as posters take it."""
    near = ("-noaccurate_seek", "-skip_frame", "nokey", "-discard:v", "nokey", "-threads", "1")
    return ffmpeg(
        *("-max_error_rate", "1", "-f", demuxer, "-ss", at, *near, "-i", f"file:{path}"),
        *("-map", "0:0", "-frames:v", "1", "-f", "framemd5", "-"),
    ).stdout


def refused(far: Far, place: Place, error: type[Exception], demuxer: str, wanted: Reach) -> None:
    """A part that cannot be had: it is said why, and nothing is left behind."""
    with (
        pytest.raises(error),
        partial.source(far, far.entry, demuxer, wanted, place),
    ):
        pass
    assert list(place.scratch.iterdir()) == []


def of_moments(*moments: int) -> Reach:
    spans = tuple((Fraction(at), Fraction(at)) for at in moments)
    return Reach(streams=(0,), spans=spans, key_frames_only=True)


def test_key_frames_of_moments_are_bit_identical(place: Place) -> None:
    """A key frame is there whole for each moment; what is not there does no harm to it."""
    far = Far(plain())
    with partial.source(far, far.entry, "mov", of_moments(5, 22), place) as local:
        for at in ("5", "22"):
            assert at_key(local.path, "mov", at) == at_key(far.path, "mov", at)
    assert far.share < 0.25


# --- without a full index ---------------------------------------------------------------------


@pytest.mark.parametrize("demuxer", WALKED)
@pytest.mark.parametrize("span", [("0", "3"), ("701/50", "1802/100"), ("29", "31"), ("35", None)])
def test_a_span_is_found_without_a_full_index(demuxer: str, span: Any, place: Place) -> None:
    """What FFmpeg reads on its way to a moment, and from there on, is there; and not much more."""
    far, wanted = Far(walked(demuxer)), reach(0, *span)
    with partial.source(far, far.entry, demuxer, wanted, place) as local:
        assert not local.whole
        found = frames(local.path, wanted, demuxer)
    assert len(found) > 40
    assert found == frames(far.path, wanted, demuxer)
    assert far.share < 0.5
    assert far.wholes == 0
    assert list(place.scratch.iterdir()) == []


@pytest.mark.parametrize("demuxer", WALKED)
def test_sound_of_a_span_is_found_without_a_full_index(demuxer: str, place: Place) -> None:
    """The same holds for sound."""
    far, wanted = Far(walked(demuxer)), reach(1, "20", "22")
    with partial.source(far, far.entry, demuxer, wanted, place) as local:
        assert not local.whole
        assert frames(local.path, wanted, demuxer) == frames(far.path, wanted, demuxer)


@pytest.mark.parametrize("demuxer", ["matroska", "mpegts"])
def test_key_frames_are_found_without_a_full_index(demuxer: str, place: Place) -> None:
    """As with an index, though the pictures between have to be read as well."""
    far = Far(walked(demuxer, times=20))
    with partial.source(far, far.entry, demuxer, of_moments(5, 62), place) as local:
        assert not local.whole
        for at in ("5", "62"):
            assert at_key(local.path, demuxer, at) == at_key(far.path, demuxer, at)
    assert far.share < 0.4


def heard(argv: tuple[str, ...], place: Place, local: partial.Local) -> str:
    """What a confined FFmpeg says of its input."""
    command = process.Command(
        argv=(str(media.FFMPEG), "-v", "error", "-nostdin", *argv, "-f", "framemd5", "-"),
        reads=(local.path, Path(media.FFMPEG)),
        scratch=place.scratch,
        timeout_s=60,
        memory_bytes=LIMITS.memory_bytes,
        service=local.service,
    )
    finished = process.run(command)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.decode()


@pytest.mark.parametrize("demuxer", WALKED)
def test_sound_of_a_whole_film_passes_through(demuxer: str, place: Place) -> None:
    """What has to be read from end to end is sent as often as it is wanted, and takes no room."""
    far, wanted = Far(walked(demuxer)), dataclasses.replace(reach(1, "0", None), pictures=False)
    with partial.source(far, far.entry, demuxer, wanted, place) as local:
        argv = ("-f", demuxer, "-copyts", "-start_at_zero", "-i", "pipe:0", "-map", "0:1")
        found = [heard(argv, place, local) for _ in range(2)]
        assert list(place.scratch.iterdir()) == []
    lines = [line for line in found[0].splitlines() if not line.startswith("#")]
    assert found[0] == found[1]
    for line, there in zip(lines, frames(far.path, wanted, demuxer), strict=True):
        (_, at, *rest), (_, at_there, *rest_there) = line.split(","), there.split(",")
        # In the first packet of a transport stream, who cannot go back rounds times otherwise.
        assert abs(int(at) - int(at_there)) <= 8
        assert rest[-1] == rest_there[-1]
    assert far.wholes == 0


def test_pictures_of_mxf_are_not_passed_through(place: Place) -> None:
    """Their times are others where FFmpeg cannot go back; what was copied once, is used again."""
    far = Far(walked("mxf"))
    for wanted in (reach(0, "0", None), reach(1, "0", None), reach(0, "5", "6")):
        with partial.source(far, far.entry, "mxf", wanted, place) as local:
            assert local.whole
            assert local.service is None
    assert far.wholes == 3


def test_what_is_sent_is_one_state_of_the_object(place: Place) -> None:
    """An object that is replaced while it is sent is not believed."""
    far, wanted = Far(walked("matroska")), reach(1, "0", None)
    with partial.source(far, far.entry, "matroska", wanted, place) as local:
        far.identity = "another"
        with pytest.raises(Missing):
            heard(("-f", "matroska", "-i", "pipe:0", "-map", "0:1"), place, local)


def test_who_needs_no_more_may_leave(place: Place) -> None:
    """A child that ends before its input does is no error."""
    far, wanted = Far(walked("matroska")), reach(1, "0", None)
    with partial.source(far, far.entry, "matroska", wanted, place) as local:
        assert heard(("-f", "matroska", "-t", "1", "-i", "pipe:0", "-map", "0:1"), place, local)


def test_what_would_be_read_for_the_most_part_is_taken_whole(place: Place) -> None:
    """Who wants more than half of a film had better have all of it."""
    far = Far(walked("mpegts"))
    with partial.source(far, far.entry, "mpegts", reach(0, "5", "35"), place) as local:
        assert local.whole
    assert far.share < 0.51


def test_a_store_that_fails_on_the_way_is_heard(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """What the store says to a question of the child is what the step fails with."""
    far = Far(walked("matroska"))

    def failing(*_: Any, **__: Any) -> bytes:
        raise StoreUnavailable("The object store did not answer.")

    monkeypatch.setattr(far, "read", failing)
    refused(far, place, StoreUnavailable, "matroska", reach(0, "5", "8"))


@given(st.lists(st.tuples(st.integers(0, 5 << 20), st.integers(0, 2 << 20)), max_size=12))
def test_a_file_that_is_brought_reads_like_one_that_is_here(reads: list[tuple[int, int]]) -> None:
    """Whatever is read in whatever order is there by then, and nothing is asked for twice."""
    whole = os.urandom(64) * (5 << 14)
    there, asked = bytearray(len(whole)), []
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(len(whole))

        def bring(start: int, end: int) -> None:
            assert 0 <= start < end <= len(whole)
            assert not any(there[start:end])
            asked.append((start, end))
            there[start:end] = b"\1" * (end - start)
            os.pwrite(file.fileno(), whole[start:end], start)

        with remote.RemoteFile(file.name, bring) as brought:
            for start, length in reads:
                brought.seek(start)
                assert brought.read(length) == whole[start : start + length]


@pytest.mark.hostile
@pytest.mark.parametrize("question", [b"-1 5\n", b"5 5\n", b"0 1 2\n", b"0 99999999999\n", b"x\n"])
def test_a_child_cannot_ask_for_what_is_not_there(question: bytes, place: Place) -> None:
    """It reads hostile files; what it says is not trusted."""
    far = Far(plain())
    copy = sparse.SparseCopy(store=far, entry=far.entry, path=place.scratch / "part")
    copy.create()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(question)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ToolBug):
            copy.answer(1 << 40, ours)
    assert far.fetched == 0


# --- when the whole is taken ------------------------------------------------------------------


def test_a_folder_gives_its_own_file(tmp_path: Path, place: Place) -> None:
    """Nothing is copied that is here already."""
    store = DirStore(tmp_path / "in")
    store.put(Object(key=KEY, body=plain(), media_type="video/mp4"))
    entry = dataclasses.replace(Far(plain()).entry, identity=store.stat(KEY).identity)
    with partial.source(store, entry, "mov", reach(0, "0", "1"), place) as local:
        assert local == partial.Local(path=tmp_path / "in" / KEY)


@pytest.mark.parametrize(("demuxer", "wanted"), [("rm", reach(0, "0", "1")), ("mov", None)])
def test_without_a_way_or_a_wish_the_whole_is_taken(
    demuxer: str, wanted: Reach | None, place: Place
) -> None:
    """Only where it was tried a part is found, and only by who knows what he wants."""
    far = Far(plain())
    with partial.source(far, far.entry, demuxer, wanted, place) as local:
        assert local.path == far.path
    assert far.fetched == 0


def test_a_small_file_is_taken_whole(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """One transfer of a small file serves all steps."""
    monkeypatch.setattr(partial, "LARGE_BYTES", 1 << 30)
    far = Far(plain())
    with partial.source(far, far.entry, "mov", reach(0, "0", "1"), place) as local:
        assert local.path == far.path


def test_a_stream_that_is_not_there_is_looked_for_in_the_whole(place: Place) -> None:
    """An index that does not know a wanted stream is not relied on."""
    far = Far(plain())
    with partial.source(far, far.entry, "mov", reach(7, "0", "1"), place) as local:
        assert local.path == far.path
    assert list(place.scratch.iterdir()) == []


def test_a_child_that_breaks_over_an_index_costs_only_the_transfer(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """What goes wrong in reading an index is no reason to refuse the film."""

    def broken(*_: object) -> None:
        raise ToolBug("A child gave no answer.")

    monkeypatch.setattr(process, "call", broken)
    far = Far(plain())
    with partial.source(far, far.entry, "mov", reach(0, "0", "1"), place) as local:
        assert local.path == far.path


def box(kind: bytes, size: int, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", size, kind) + body


FTYP = box(b"ftyp", 16, b"isom\0\0\0\0")
HOSTILE = {
    "no index": FTYP + box(b"mdat", 0),
    "a box of no size": FTYP + box(b"moov", 4),
    "a box beyond the end": FTYP + box(b"mdat", 1, struct.pack(">Q", 1 << 62)),
    "a size that wraps": FTYP + box(b"mdat", 1, struct.pack(">Q", (1 << 64) - 16)),
    "too many boxes": FTYP + box(b"free", 8) * 5000 + box(b"moov", 8),
    "an index of rubbish": FTYP + box(b"moov", 1000, os.urandom(992)),
    "an index beyond all measure": FTYP + box(b"moov", 1 << 30),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.hostile
def test_hostile_boxes_come_to_an_end(name: str, tmp_path: Path, place: Place) -> None:
    """Whatever the boxes say, a few small reads decide, and the whole is handed to the probe."""
    path = tmp_path / "hostile.mp4"
    path.write_bytes(HOSTILE[name])
    os.truncate(path, 2 << 30)
    far = Far(path)
    with partial.source(far, far.entry, "mov", reach(0, "0", "1"), place) as local:
        assert local.path == path
    assert far.requests < 80
    assert far.fetched < 1 << 20


# --- one state of the object ------------------------------------------------------------------


def test_an_object_that_changed_before_is_not_read(place: Place) -> None:
    """Steps are planned for certain bytes; other bytes are not that source any more."""
    far = Far(plain())
    far.identity = "another"
    with (
        pytest.raises(Missing, match=r"film\.mp4"),
        partial.source(far, far.entry, "mov", reach(0, "0", "1"), place),
    ):
        pass
    assert far.fetched == 0


def test_an_object_that_changed_before_is_not_copied_whole(place: Place) -> None:
    """The same holds for what is copied whole."""
    far = Far(plain())
    far.identity = "another"
    with pytest.raises(Missing), partial.source(far, far.entry, "mov", None, place):
        pass


def test_an_object_that_changes_meanwhile_is_not_used(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """Two states of an object are never mixed, and nothing is left behind."""
    far = Far(plain())
    asked = partial._indexed

    def replaced(*arguments: Any) -> Any:
        far.identity = "another"
        return asked(*arguments)

    monkeypatch.setattr(partial, "_indexed", replaced)
    refused(far, place, Missing, "mov", reach(0, "0", "1"))


def test_an_object_that_shrinks_is_missing(tmp_path: Path, place: Place) -> None:
    """An answer shorter than asked for says that the object is another."""
    far = Far(plain())
    entry = far.entry
    far.path = media.cut(far.path, 0.5)
    with pytest.raises(Missing), partial.source(far, entry, "mov", reach(0, "0", "1"), place):
        pass


def test_a_store_that_fails_meanwhile_is_heard(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """A passing failure stays one: the step is tried again, and no half-filled file is used."""
    far = Far(plain())
    read = far.read

    def failing(key: str, *, start: int = 0, length: int | None = None) -> bytes:
        if (length or 0) > 1 << 20:
            raise StoreUnavailable("The object store did not answer.")
        return read(key, start=start, length=length)

    monkeypatch.setattr(far, "read", failing)
    refused(far, place, StoreUnavailable, "mov", reach(0, "0", "1"))


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """Want of room is the machine's fault, not the file's."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    far = Far(plain())
    with pytest.raises(DiskFull), partial.source(far, far.entry, "mov", reach(0, "0", "1"), place):
        pass
    assert list(place.scratch.iterdir()) == []


# --- ranges -----------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 20 << 20)), min_size=1, max_size=20)
)
def test_pieces_hold_every_range_once(steps: list[tuple[int, int]]) -> None:
    """Whatever the gaps and lengths, pieces cover the ranges exactly, in order, and stay small."""
    ranges, at = [], 0
    for gap, length in steps:
        ranges.append((at + gap, at + gap + length))
        at += gap + length
    pieces = list(sparse._pieces(ranges))
    parts = [part for piece in pieces for part in piece]
    assert list(probe_index._merged(parts, 1)) == list(probe_index._merged(ranges, 1))
    assert sum(end - start for start, end in parts) == sum(end - start for start, end in ranges)
    for piece in pieces:
        assert piece[-1][1] - piece[0][0] <= sparse._PIECE
        gaps = [late[0] - early[1] for early, late in itertools.pairwise(piece)]
        assert all(gap < sparse._GAP for gap in gaps)


def test_answers_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an index has more scattered entries than an answer can hold, they are joined."""

    @dataclasses.dataclass
    class Scattered:
        pos: int
        size: int = 10

    monkeypatch.setattr(probe_index, "_MAX_RANGES", 100)
    entries = [Scattered(pos) for pos in range(0, 10_000 * 5_000, 5_000)]
    ranges = probe_index._joined(entries, 1 << 40)
    assert len(ranges) <= 100
    assert (ranges[0][0], ranges[-1][1]) == (0, 9_999 * 5_000 + 10)


def test_positions_outside_the_file_are_left_out() -> None:
    """An index may point anywhere; only what lies in the file is fetched."""

    @dataclasses.dataclass
    class At:
        pos: int
        size: int

    entries = [At(-5, 3), At(90, 50), At(200, 1), At(10, 0)]
    assert probe_index._joined(entries, 100) == [(90, 100)]


# --- probing ----------------------------------------------------------------------------------


LARGE = {
    "mov": lambda: film("large.mp4", times=32),
    "matroska": lambda: walked("matroska", times=32),
    "mpegts": lambda: walked("mpegts", times=32),
}


@pytest.mark.parametrize("demuxer", LARGE)
def test_a_probe_finds_the_same_from_afar(demuxer: str, place: Place) -> None:
    """Of a large film, as much is fetched as a probe looks at, and it sees what is there."""
    far = Far(LARGE[demuxer]())
    assert far.entry.bytes > 300 << 20
    found = partial.examined(far, far.entry, place)
    assert found == probe.probe(far.path, place.scratch, LIMITS)
    assert found.duration_ms == pytest.approx(128_700, abs=100)
    # Key frames are a second apart: nobody has to begin minutes before a chunk.
    assert found.video[0].run_in_ms is not None
    assert found.video[0].run_in_ms < 3000
    assert found.notes == ()
    assert far.share < 0.35
    assert far.wholes == 0
    assert list(place.scratch.iterdir()) == []


@pytest.mark.parametrize("made", [edited, tracks, uneven])
def test_a_probe_from_afar_misses_nothing(
    made: Any, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """Edit lists, chapters in a track of their own and pictures that come unevenly are found."""
    monkeypatch.setattr(partial, "_WORTH", 2)
    far = Far(made())
    found = partial.examined(far, far.entry, place)
    assert found == probe.probe(far.path, place.scratch, LIMITS)
    assert found.notes == ()
    assert len(found.chapters) == (4 if made is tracks else 0)
    assert len(found.cuts) == pytest.approx(30 if made is uneven else 0, abs=8)
    assert far.wholes == 0


def test_what_is_to_be_read_whole_is_copied_whole(place: Place) -> None:
    """A small film is probed to its end: that is no part."""
    far = Far(plain())
    found = partial.examined(far, far.entry, place)
    assert found == probe.probe(far.path, place.scratch, LIMITS)
    assert far.wholes == 1


def test_a_film_of_which_nothing_decodes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """What is said of a film that is far away is what would be said of it here."""
    monkeypatch.setattr(partial, "_WORTH", 2)
    path = tmp_path / "zeros.mp4"
    data = bytearray(faststart().read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    far = Far(path)
    with pytest.raises(Unreadable, match="decodes"):
        partial.examined(far, far.entry, place)
    assert far.wholes == 0


def test_a_limit_is_told_by_the_index(place: Place) -> None:
    """A film that is too long is refused without fetching it."""
    far = Far(LARGE["mov"]())
    strict = dataclasses.replace(place, limits=dataclasses.replace(LIMITS, max_duration_s=5))
    with pytest.raises(OverLimit, match="max_duration_s"):
        partial.examined(far, far.entry, strict)
    assert far.wholes == 0


def test_a_photo_is_probed_whole(place: Place) -> None:
    """What has no index at all goes the way of small files."""
    far = Far(media.photo("1920x1080"))
    found = partial.examined(far, far.entry, place)
    assert found.picture is not None
    assert far.wholes == 1


# --- a real store -----------------------------------------------------------------------------


@pytest.mark.integration
def test_a_large_film_in_s3_is_read_by_ranges(
    private_s3: S3Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 300 MB, a chunk and a probe fetch a small part; sound takes the room of sound alone."""
    monkeypatch.undo()
    path = film("large.mp4", times=32)
    assert path.stat().st_size > 300 << 20
    private_s3.put(Object(key=KEY, body=path, media_type="video/mp4"))
    store = CountingS3(private_s3._access, private_s3.bucket)
    size, there = path.stat().st_size, store.stat(KEY)
    entry = Source(key=KEY, name="film.mp4", bytes=size, identity=there.identity)

    chunk = reach(0, "60", "68")
    with partial.source(store, entry, "mov", chunk, place) as local:
        assert frames(local.path, chunk) == frames(path, chunk)
    assert store.fetched < 0.15 * size

    sound = reach(1, "0", None)
    with partial.source(store, entry, "mov", sound, place) as local:
        assert frames(local.path, sound) == frames(path, sound)
        assert local.path.stat().st_blocks * 512 < 0.1 * size

    store.fetched = 0
    found = partial.examined(store, entry, place)
    assert found.video[0].frames == 3200
    assert found.notes == ()
    assert store.fetched < 0.35 * size
