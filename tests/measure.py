"""Looking at films with ffmpeg's eyes, not ours: sizes, times, colours, where a bar stands.

Nothing here uses the library that the product probes with, so a mistake there cannot hide here.
"""

from __future__ import annotations

import array
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import media

Rgb = tuple[int, int, int]

RATE = 48_000
_SHOWN = re.compile(rb"pts_time:(\S+).* s:(\d+)x(\d+)")
_SHAPE = re.compile(r"Video: .*?, (\d+)x(\d+)(?: \[SAR (\d+):(\d+))?")
_PATCH = 4  # pixels around a point


@dataclass(frozen=True)
class Picture:
    """One decoded picture: when it is shown, and its pixels, three bytes each."""

    at_s: float
    width: int
    height: int
    rgb: bytes

    def colour(self, across: float, down: float) -> Rgb:
        """The mean colour of a small patch; the place is given in shares of the size."""
        left, top = int(self.width * across), int(self.height * down)
        rows = range(max(0, top - _PATCH), min(self.height, top + _PATCH))
        columns = range(max(0, left - _PATCH), min(self.width, left + _PATCH))
        points = [(y * self.width + x) * 3 for y in rows for x in columns]
        red, green, blue = (sum(self.rgb[at + c] for at in points) / len(points) for c in range(3))
        return round(red), round(green), round(blue)

    def row(self, down: float) -> bytes:
        """The green of one line: near enough to its brightness."""
        start = int(self.height * down) * self.width * 3
        return self.rgb[start + 1 : start + self.width * 3 : 3]

    @property
    def brightness(self) -> float:
        """The mean of its middle line, 0 to 255."""
        return sum(self.row(0.5)) / self.width


def pictures(film: Path) -> list[Picture]:
    """Every picture of a film at the time it is shown, not turned, stretched or repeated."""
    done = subprocess.run(
        [
            *(media.FFMPEG, "-hide_banner", "-nostdin", "-copyts", "-i", f"file:{film}"),
            *("-map", "0:v:0", "-vf", "format=rgb24,showinfo=checksum=0"),
            *("-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    found, at = [], 0
    for shown in _SHOWN.finditer(done.stderr):
        width, height = int(shown[2]), int(shown[3])
        end = at + width * height * 3
        found.append(Picture(float(shown[1]), width, height, done.stdout[at:end]))
        at = end
    assert at == len(done.stdout)
    return found


def shape(film: Path) -> tuple[int, int, str]:
    """Width, height and all that ffmpeg says of the picture: colours, aspect, turning."""
    done = subprocess.run(
        [media.FFMPEG, "-hide_banner", "-nostdin", "-i", f"file:{film}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    match = _SHAPE.search(done.stderr)
    assert match is not None
    said = done.stderr[match.start() : done.stderr.find("Stream", match.end())]
    return int(match[1]), int(match[2]), said


def sound(film: Path, *, stream: int = 0) -> array.array[int]:
    """A sound track as a player hears it: one channel, `RATE` samples a second from time zero."""
    done = subprocess.run(
        [
            *(media.FFMPEG, "-hide_banner", "-nostdin", "-v", "error", "-copyts"),
            *("-i", f"file:{film}", "-map", f"0:a:{stream}"),
            *("-af", f"aresample={RATE}:async=1:first_pts=0", "-ac", "1", "-f", "s16le", "pipe:1"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return array.array("h", done.stdout)


def beeps(samples: array.array[int]) -> list[float]:
    """When, in seconds, each beep begins after a silence of a tenth of a second or more."""
    loud = max(map(abs, samples), default=0) / 4
    found, last = [], -RATE
    for place in (place for place, sample in enumerate(samples) if abs(sample) > loud):
        if place - last > RATE / 10:
            found.append(place / RATE)
        last = place
    return found


def flashes(shown: list[Picture]) -> list[float]:
    """When, in seconds, the picture turns from dark to bright."""
    bright = [picture.brightness > 128 for picture in shown]
    turns = zip(shown, bright, [False, *bright], strict=False)
    return [picture.at_s for picture, now, before in turns if now and not before]


def bar(picture: Picture) -> float:
    """Where the middle of a bright upright bar stands, in pixels from the left."""
    row = picture.row(0.5)
    return sum(place * value for place, value in enumerate(row)) / max(1, sum(row))


def gaps(shown: list[Picture]) -> list[float]:
    """Seconds from each picture to the next."""
    return [late.at_s - early.at_s for early, late in pairwise(shown)]


def near(found: Rgb, wanted: Rgb, tolerance: int) -> bool:
    """True if no component of a colour is farther off than so many of 255 levels."""
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))
