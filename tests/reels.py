"""Films as cameras and editors leave them, made small, and what becomes of them when published.

`make` makes one with ffmpeg, `published` takes it the real way, from the ingest folder to the
manifest, in chunks so short that every film has seams.
"""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

import media
from homes import QUICK, Home
from measure import Picture, pictures
from values import changed

from pipeline.model import Artifact, ItemManifest, Profile, Rung

# One rung, of the film's own size: no test has to reckon with scaling. Chunks of two seconds.
PLAIN: Profile = changed(
    QUICK,
    video=changed(
        QUICK.video,
        rungs=(Rung(short_side=1080, crf=18, max_bps=8_000_000),),
        gop_seconds=1.0,
        chunk_seconds=2.0,
        storyboard_thumbs=4,
    ),
)
# Moments, in seconds, at which a film of `signals` flashes and beeps.
MOMENTS = (0.48, 1.48, 2.48)
SECONDS = 3
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
# What makes such a film fit for the web as it is.
READY = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-g", "25")
AAC = ("-c:a", "aac", "-b:a", "96k")
_NOW = "+".join(f"between(t\\,{at - 0.001}\\,{at + 0.119})" for at in MOMENTS)
BEEPS = ("-f", "lavfi", "-i", f"aevalsrc='0.3*sin(2*PI*1000*t)*({_NOW})':s=48000:d={SECONDS}")


@dataclass(frozen=True)
class Reel:
    """A published film: its manifest, and the folder that readers' players load from."""

    item: ItemManifest
    folder: Path

    @property
    def video(self) -> Artifact:
        """The whole film as one file."""
        (found,) = (out for out in self.item.outputs if out.role == "video")
        return found

    @property
    def path(self) -> Path:
        """Where that file lies."""
        return self.folder / self.video.key

    @functools.cached_property
    def pictures(self) -> list[Picture]:
        """Every picture of it."""
        return pictures(self.path)

    @property
    def notes(self) -> str:
        """All that a reporter is told."""
        return " ".join(self.item.notes)


def make(target: Path, *argv: str | Path) -> Path:
    """Make a film with ffmpeg and return where it is."""
    quiet = (media.FFMPEG, "-hide_banner", "-nostdin", "-v", "error", "-y")
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*quiet, *map(str, argv), f"file:{target}"], check=True, timeout=60)
    return target


def published(film: Path, root: Path, profile: Profile = PLAIN) -> Reel:
    """Drop a film into a house below `root` and let it be worked on until nothing is left."""
    home = Home(root / "house")
    home.house = changed(home.house, profiles={"default": profile})
    name = f"film{film.suffix}"
    home.lay(name, film)
    home.run()
    return Reel(home.item("film"), root / "house" / "published")


def quarters(size: str = "320x180", rate: str = "25", seconds: float = 1) -> str:
    """A lavfi source: red, green above blue, white. It tells every turn and every mirror apart."""
    width, height = (int(side) // 2 for side in size.split("x"))
    one = f"s={width}x{height}:r={rate}:d={seconds}"
    colours = ("0xC00000", "0x00C000", "0x0000C0", "0xC0C0C0")
    sources = ";".join(f"color={colour}:{one}[{n}]" for n, colour in enumerate(colours))
    return f"{sources};[0][1]hstack[a];[2][3]hstack[b];[a][b]vstack,format=gbrp"


def signals(size: str = "320x180", rate: str = "25") -> str:
    """A lavfi source that is white for three frames or more at each of `MOMENTS`, else black."""
    moments = f"drawbox=c=white:t=fill:enable='{_NOW}'"
    return f"color=black:s={size}:r={rate}:d={SECONDS},{moments}"


def moving_bar(size: str, rate: str, seconds: float = SECONDS) -> str:
    """A lavfi source: a white bar on black that goes to the right, a tenth of the width wide."""
    width = int(size.partition("x")[0])
    black, bar = f"color=black:s={size}:r={rate}:d={seconds}", f"color=white:s={width // 10}x1080"
    return f"{black}[a];{bar}:r={rate}:d={seconds}[b];[a][b]overlay=x={width}*0.2*t:y=0"
