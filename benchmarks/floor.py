"""The floor: what x264 alone takes for the same frames, already decoded and scaled.

Owns the command lines of the bare encoder and of whoever feeds it. What our chunks take above it
is decoding, scaling, starting processes and checking. All cores are kept busy, as they are in our
chunks: where two of them are threads of one, a second of CPU time is worth less then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.meter import alone, say
from pipeline.model import Plan, VideoOut


def cpu_s(ffmpeg: Path, source: Path, plan: Plan, folder: Path) -> float:
    """CPU seconds of x264 for all rungs of a plan, each encoded as a whole on one thread."""

    def taken_s(rung: VideoOut) -> float:
        say(f"  x264 alone: {min(rung.width, rung.height)} ...")
        out = folder / f"floor-{rung.file}"
        return alone(_bare(ffmpeg, rung, out), _fed(ffmpeg, source, rung))

    # The largest takes as long as all others.
    largest_first = sorted(rungs(plan), key=lambda rung: -rung.width * rung.height)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(taken_s, largest_first))


def rungs(plan: Plan) -> Iterator[VideoOut]:
    """Every H.264 rung of a plan, once."""
    made = (out for step in plan.steps for out in step.outputs if isinstance(out, VideoOut))
    yield from {out.file: out for out in made if out.codec == "h264"}.values()


def _fed(ffmpeg: Path, source: Path, rung: VideoOut) -> tuple[str, ...]:
    scaled = f"fps={rung.frame_rate},scale={rung.width}:{rung.height},format=yuv420p"
    start = (str(ffmpeg), "-v", "error", "-nostdin", "-i", str(source))
    return (*start, "-map", "0:v:0", "-vf", scaled, "-f", "yuv4mpegpipe", "-")


def _bare(ffmpeg: Path, rung: VideoOut, out: Path) -> tuple[str, ...]:
    start = (str(ffmpeg), "-v", "error", "-nostdin", "-y", "-f", "yuv4mpegpipe", "-i", "-")
    flags = (
        f"-c:v libx264 -threads 1 -profile:v high -preset {rung.preset} -crf {rung.crf}"
        f" -maxrate {rung.max_bps} -bufsize {rung.max_bps * 2}"
        f" -g {rung.gop_frames} -keyint_min {rung.gop_frames} -sc_threshold 0"
    ).split()
    options = ("-x264-params", rung.options) if rung.options else ()
    return (*start, *flags, *options, str(out))
