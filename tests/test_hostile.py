"""Hostile and damaged uploads: refused or harmless, no address asked, no other file read.

Samples of a folder `../shared/media` beside the checkout are used where it is there; the rest of
the suite makes its own.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from pipeline.errors import BadInput, Hostile, OverLimit, Unreadable, Unsupported
from pipeline.model import Kind, Limits, Probe
from pipeline.probe import probe
from pipeline.process import Command, run

pytestmark = pytest.mark.hostile

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "media"
LIMITS = Limits(
    max_bytes=1 << 30,
    max_duration_s=4 * 3600,
    max_frame_pixels=50_000_000,
    max_photo_pixels=150_000_000,
    max_streams=32,
    max_text_bytes=1 << 20,
    memory_bytes=2 << 30,
    step_timeout_s=60,
    stall_s=30,
)
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The child's only folder."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on loopback that must never be asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def _was_asked(server: socket.socket) -> bool:
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


def _write(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


# --- samples of others -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("hostile-concat-reads-local-file.mkv", Unsupported),
        ("hostile-hls-localfile-in-real-avi-named.mp4", Unreadable),
        ("hostile-hls-ssrf-named.avi", Unsupported),
        ("hostile-html-named.jpg", Unsupported),
        ("hostile-jpeg-lottapixel.jpg", OverLimit),
        ("hostile-mp4-firefox-stsc-contradiction.mp4", Unreadable),
        ("hostile-playlist-reads-local-file.mp4", Unsupported),
        ("hostile-svg-external-image.svg", Unsupported),
        ("hostile-svg-script.svg", Unsupported),
        ("hostile-svg-xxe-local-file.svg", Unsupported),
        ("hostile-zip-symlink.zip", Unsupported),
        ("bomb-17000x17000-in-1kb.avif", OverLimit),
        ("bomb-3000000x2000000-header.bmp", OverLimit),
        ("bomb-png-ztxt.png", Hostile),
        ("broken-corrupt-header.mkv", Unreadable),
        ("broken-empty-0-bytes.mov", Unreadable),
        ("broken-mov-mjpeg-2003-no-decodable-frame-claims-42s.mov", Unreadable),
        ("broken-no-moov.mp4", Unreadable),
        ("drm-encrypted-clearkey.mp4", Unsupported),
    ],
)
def test_samples_are_refused(name: str, leaf: type[BadInput], scratch: Path) -> None:
    """Each known attack ends in the leaf that says what it is, whatever it is named."""
    if not (SAMPLES / name).exists():
        pytest.skip("the sample folder is not beside this checkout")
    with pytest.raises(BadInput) as caught:
        probe(SAMPLES / name, scratch, LIMITS)
    assert type(caught.value) is leaf
    assert str(SAMPLES) not in caught.value.public


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hostile-png-cve-2022-44268.png", Kind.PHOTO),
        ("hostile-tiff-pillow-crash.tif", Kind.PHOTO),
        ("hostile-webm-firefox-9841x705.webm", Kind.VIDEO),
        ("wrong-extension-avi-named.mp4", Kind.VIDEO),
        ("wrong-extension-jpeg-named.heic", Kind.PHOTO),
    ],
)
def test_samples_that_only_look_odd_are_described(name: str, kind: Kind, scratch: Path) -> None:
    """What does no harm when its header is read is described, by what it is."""
    if not (SAMPLES / name).exists():
        pytest.skip("the sample folder is not beside this checkout")
    assert probe(SAMPLES / name, scratch, LIMITS).kind is kind


# --- files that point elsewhere ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["film.mp4", "photo.jpg", "sound.mp3", "list.m3u8"])
@pytest.mark.parametrize(
    "template",
    [
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{url}'\n",
        "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><image href='{url}'/></svg>",
        "<html><img src='{url}'></html>",
        "<?xml version='1.0'?>\n<MPD><BaseURL>{url}</BaseURL></MPD>",
        "[InternetShortcut]\nURL={url}\n",
    ],
)
def test_nothing_is_followed(
    tmp_path: Path, scratch: Path, listener: socket.socket, name: str, template: str
) -> None:
    """A list of addresses is refused under every name, and its address is not asked."""
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.ts"
    file = _write(tmp_path, name, template.format(url=url).encode())
    with pytest.raises(Unsupported):
        probe(file, scratch, LIMITS)
    assert not _was_asked(listener)


def test_a_tool_that_would_follow_cannot(
    tmp_path: Path, scratch: Path, listener: socket.socket
) -> None:
    """Even an ffmpeg told to follow playlists reaches neither the network nor another file."""
    secret = tmp_path / "secret.ts"
    film = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=0.2")
    subprocess.run([FFMPEG, "-loglevel", "error", *film, secret], check=True)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.ts"
    for target in (address, f"file:{secret}"):
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"
        playlist = _write(tmp_path, "list.m3u8", text.encode())
        open_all = ("-protocol_whitelist", "file,http,tcp", "-allowed_extensions", "ALL")
        argv = (FFMPEG, "-loglevel", "error", "-rw_timeout", "1000000", *open_all)
        command = Command(
            argv=(*argv, "-f", "hls", "-i", f"file:{playlist}", "-c", "copy", "stolen.ts"),
            reads=(playlist,),
            scratch=scratch,
            timeout_s=30,
            memory_bytes=2 << 30,
        )
        assert run(command).returncode != 0
        stolen = scratch / "stolen.ts"
        assert not stolen.exists() or not stolen.stat().st_size
    assert not _was_asked(listener)


# --- damage ------------------------------------------------------------------------------------


def _described_or_refused(file: Path, scratch: Path) -> Probe | None:
    """Probe it; anything but a description or the file's own fault is raised."""
    try:
        return probe(file, scratch, LIMITS)
    except BadInput:
        return None


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "mp3", "wav"])
def test_damaged_files_are_the_files_fault(tmp_path: Path, scratch: Path, suffix: str) -> None:
    """Flipped bytes and missing ends give a description or a refusal, never a bug or a hang."""
    whole = tmp_path / f"whole.{suffix}"
    tracks = ["-f", "lavfi", "-i", "sine=d=1"]
    if suffix not in ("mp3", "wav"):
        tracks += ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=1", "-c:v", "mpeg4"]
    subprocess.run([FFMPEG, "-loglevel", "error", *tracks, whole], check=True, timeout=60)
    chance = random.Random(suffix)  # noqa: S311  (the same damage in every run)
    for number in range(3):
        data = bytearray(whole.read_bytes())
        for _ in range(20):
            data[chance.randrange(len(data) if number % 2 else 600)] = chance.randrange(256)
        del data[chance.randrange(len(data) // 2, len(data)) :]
        _described_or_refused(_write(tmp_path, f"hurt{number}", bytes(data)), scratch)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("codec", ["mpeg4", "ffv1", "libx264"])
def test_a_film_larger_than_allowed_is_refused_before_it_is_decoded(
    tmp_path: Path, scratch: Path, codec: str
) -> None:
    """Its header is enough, and the limit is named, whichever decoder is the first to refuse."""
    film = tmp_path / "film.mkv"
    source = ("-f", "lavfi", "-i", "color=s=300x300:d=0.2")
    subprocess.run([FFMPEG, "-loglevel", "error", *source, "-c:v", codec, film], check=True)
    small = dataclasses.replace(LIMITS, max_frame_pixels=1000)
    with pytest.raises(OverLimit, match=r"limits\.max_frame_pixels"):
        probe(film, scratch, small)


def test_a_header_of_billions_of_pixels_costs_nothing(tmp_path: Path, scratch: Path) -> None:
    """Nothing of that size is ever allocated."""
    film = tmp_path / "film.mkv"
    source = ("-f", "lavfi", "-i", "color=s=300x300:d=0.2")
    subprocess.run([FFMPEG, "-loglevel", "error", *source, "-c:v", "ffv1", film], check=True)
    said = b"\xb0\x82\x01\x2c\xba\x82\x01\x2c"  # PixelWidth and PixelHeight, 300 each
    huge = film.read_bytes().replace(said, b"\xb0\x82\xff\xff\xba\x82\xff\xff")
    file = _write(tmp_path, "huge.mkv", huge)
    with pytest.raises(Unreadable, match="Nothing in the file can be played"):
        probe(file, scratch, dataclasses.replace(LIMITS, memory_bytes=500 << 20))


def test_a_name_says_nothing(tmp_path: Path, scratch: Path) -> None:
    """A file called like a switch, an address or a pattern is only a file."""
    whole = tmp_path / "whole.wav"
    source = ("-f", "lavfi", "-i", "sine=d=0.2")
    subprocess.run([FFMPEG, "-loglevel", "error", *source, whole], check=True, timeout=60)
    for name in ("-i", "concat:a|b", "%d\nü\U0001f600"):
        odd = tmp_path / name
        shutil.copyfile(whole, odd)
        assert probe(odd, scratch, LIMITS).kind is Kind.AUDIO
