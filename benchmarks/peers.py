"""The peers' work as command lines: MediaCMS 8.3.2 and PeerTube with their default settings.

Owns what each of them runs for one film, flag by flag as they run it, their quirks included.
Pure: it answers argument lists, `video` runs them. Nothing here is a model for our own flags:
those are in `pipeline.graph`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import VideoStream

# MediaCMS: short side and kb/s of its H.264 profiles (files/helpers.py).
MEDIACMS_RUNGS = {144: 150, 240: 300, 360: 500, 480: 1000, 720: 2500, 1080: 4500}
# MediaCMS makes these even where the source is smaller.
MEDIACMS_ALWAYS = 240
# Where its animated preview begins; shorter films get none.
MEDIACMS_GIF_START_S = 3
# A picture of its sprite every so often. Of a shorter film, ffmpeg 9 makes none and fails.
MEDIACMS_SPRITE_S = 10
# PeerTube: the heights of its ladder in the order of its jobs, and bits per pixel for each.
PEERTUBE_RUNGS = (480, 360, 720, 240, 144)
PEERTUBE_BITS = {
    144: 0.19, 240: 0.17, 360: 0.15, 480: 0.12, 720: 0.11, 1080: 0.10, 1440: 0.09, 2160: 0.08,
}  # fmt: skip
PEERTUBE_LEAST = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One ffmpeg run; `rung` is the short side of the film it makes at `out`, if it makes one."""

    name: str
    argv: tuple[str, ...]
    out: Path
    rung: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The source as the peers see it: at its stored, not its displayed height."""

    ffmpeg: Path
    path: Path
    folder: Path
    stream: VideoStream
    seconds: float

    @property
    def bitrate_bps(self) -> int:
        """Of the whole file, sound included."""
        return round(self.path.stat().st_size * 8 / self.seconds)

    @property
    def start(self) -> tuple[str, ...]:
        """How each command line begins."""
        return (str(self.ffmpeg), *"-hide_banner -loglevel error -nostdin -y".split())


def mediacms(film: Film) -> Iterator[Job]:
    """Every rung from its own decode, then an animated GIF and the pictures of a sprite."""
    for short_side, kbps in MEDIACMS_RUNGS.items():
        if short_side <= max(film.stream.coded_height, MEDIACMS_ALWAYS):
            yield _mediacms_rung(film, short_side, kbps)
    if film.seconds > MEDIACMS_GIF_START_S:
        yield _mediacms_gif(film)
    if film.seconds > MEDIACMS_SPRITE_S:
        yield _mediacms_sprite(film)


def _mediacms_gif(film: Film) -> Job:
    out = film.folder / "mc.gif"
    start = ("-ss", str(MEDIACMS_GIF_START_S), "-i", str(film.path))
    flags = "-vf scale=344:-1:flags=lanczos,fps=1 -t 25 -f gif".split()
    return Job(name="gif", argv=(*film.start, *start, *flags, str(out)), out=out)


def _mediacms_sprite(film: Film) -> Job:
    out = film.folder / "mc_img%03d.jpg"
    flags = ("-f", "image2", "-vf", f"fps=1/{MEDIACMS_SPRITE_S}, scale=160:90", str(out))
    return Job(name="sprite", argv=(*film.start, "-i", str(film.path), *flags), out=out)


def _mediacms_rung(film: Film, short_side: int, kbps: int) -> Job:
    rate = film.stream.frame_rate
    wide, cap, gop = (short_side * 16 + 4) // 9, kbps * 3 // 2, int(rate * 4)
    scale = (
        rf"scale=if(lt(iw\,ih)\,{short_side}\,{wide}):if(lt(iw\,ih)\,{wide}\,{short_side})"
        f":force_original_aspect_ratio=decrease:force_divisible_by=2:flags=lanczos,fps=fps={rate}"
    )
    out = film.folder / f"mc_{short_side}.mp4"
    flags = (
        f"-pix_fmt yuv420p -crf 23 -c:a aac -b:a 128k -ac 2 -maxrate {cap}k -bufsize {cap}k"
        " -force_key_frames expr:gte(t,n_forced*4)"
        f" -x264-params keyint={gop * 2}:keyint_min={gop}"
        " -preset medium -profile:v main -level 4.2 -strict -2"
    ).split()
    argv = (*film.start, "-i", str(film.path), "-c:v", "libx264", "-filter:v", scale, *flags)
    return Job(name=str(short_side), argv=(*argv, str(out)), out=out, rung=short_side)


def peertube_default(film: Film) -> Iterator[Job]:
    """A remuxed copy, and HLS at the source's own height."""
    web = film.folder / "pt_web.mp4"
    copied = "-threads 1 -c:a copy -c:v copy -f mp4 -map_metadata -1 -movflags +faststart".split()
    yield Job(name="remux", argv=(*film.start, "-i", str(film.path), *copied, str(web)), out=web)
    yield _peertube_rung(film, web, film.stream.coded_height)


def peertube_lower(film: Film) -> Iterator[Job]:
    """The other rungs, each from the HLS file of the source's height."""
    top = film.stream.coded_height
    source = film.folder / f"pt_{top}.mp4"
    yield from (_peertube_rung(film, source, height) for height in PEERTUBE_RUNGS if height < top)


def _peertube_rung(film: Film, source: Path, height: int) -> Job:
    rate, bps = round(film.stream.frame_rate), peertube_bps(film, height)
    out = film.folder / f"pt_{height}"
    flags = (
        "-threads 1 -c:a aac -channel_layout stereo -c:v libx264 -f mp4 -movflags faststart"
        " -max_muxing_queue_size 1024 -map_metadata -1 -pix_fmt yuv420p"
        f" -vf scale=w=-2:h={height} -preset veryfast -maxrate:v {bps} -bufsize:v {bps * 2}"
        f" -b_strategy 1 -bf 16 -r {rate} -g:v {rate * 2} -hls_time 4 -hls_list_size 0"
        f" -hls_playlist_type vod -hls_segment_filename {out}.mp4 -hls_segment_type fmp4"
        f" -f hls -hls_flags single_file {out}.m3u8"
    ).split()
    argv = (*film.start, "-i", str(source), *flags)
    return Job(name=str(height), argv=argv, out=out.with_suffix(".mp4"), rung=height)


def peertube_bps(film: Film, height: int) -> int:
    """Its cap: bits per pixel for the height, at most 1.3 times the source's own rate."""
    known = [step for step in PEERTUBE_BITS if step <= height]
    pixels_s = height * height * round(16 / 9, 4) * round(film.stream.frame_rate)
    average = math.floor(pixels_s * PEERTUBE_BITS[max(known, default=min(PEERTUBE_BITS))])
    least = math.floor(pixels_s * PEERTUBE_LEAST)
    ceiling = film.bitrate_bps * 1.3 if film.bitrate_bps else average
    return int(max(least, min(average, ceiling)))
