"""Tiny films, sounds and photos, made once for each process that runs tests."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())

SRT = "1\n00:00:00,100 --> 00:00:00,900\n{text}\n"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n"


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="newsreel-media-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def folder(name: str) -> Path:
    """A folder that lasts as long as this process."""
    return _folder() / name


def _made(name: str, *arguments: str) -> Path:
    """Run ffmpeg once for a file."""
    path = _folder() / name
    if not path.exists():
        subprocess.run(
            [FFMPEG, "-hide_banner", "-nostdin", "-v", "error", *arguments, f"file:{path}"],
            check=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
    return path


def film(
    seconds: float = 1, suffix: str = "mp4", *, tone: int = 440, size: str = "320x180"
) -> Path:
    """A moving test picture at 25 frames per second with a tone; `tone` makes other bytes."""
    return _made(
        f"film-{seconds}-{tone}-{size}.{suffix}",
        *("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"),
        *("-f", "lavfi", "-i", f"sine={tone}:d={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac", "-shortest"),
    )


def talking_film(sound: Path, seconds: int = 8) -> Path:
    """A test picture with this sound."""
    return _made(
        f"talking-{sound.stem}-{sound.stat().st_size}.mp4",
        *("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=25:d={seconds}"),
        *("-i", f"file:{sound}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac", "-shortest"),
    )


def silent_film() -> Path:
    """A film of one second without sound."""
    return _made(
        "silent.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1"),
        *("-c:v", "libx264", "-preset", "ultrafast"),
    )


def cut(path: Path, share: float) -> Path:
    """The first part of a file, as a copy that broke off leaves it."""
    data = path.read_bytes()
    made = path.with_name(f"cut-{path.name}")
    made.write_bytes(data[: int(len(data) * share)])
    return made


def sound(seconds: float = 2, *, volume_db: float = -20.0, channels: int = 2) -> Path:
    """Pink noise of a level: what a meter for programme loudness can weigh."""
    return _made(
        f"sound-{seconds}-{volume_db}-{channels}.wav",
        *("-f", "lavfi", "-i", f"anoisesrc=c=pink:r=48000:a=0.5:s=7:d={seconds}"),
        *("-af", f"volume={volume_db}dB", "-ac", str(channels)),
    )


def silence() -> Path:
    """A second of digital silence."""
    return _made("silence.wav", "-f", "lavfi", "-i", "anullsrc=r=48000:d=1")


def photo(size: str = "640x360") -> Path:
    """A test picture as JPEG."""
    return _made(f"photo-{size}.jpg", "-f", "lavfi", "-i", f"testsrc2=s={size}", "-frames:v", "1")
