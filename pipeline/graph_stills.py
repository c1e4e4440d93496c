"""From a step to the command lines of pictures of films: posters, storyboards, previews.

Owns which frames are taken and how they are packed. Pure. The parts it is built from are in
`graph_input`; `render_film` runs what is compiled here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline.graph_input import (
    CLEAN_PICTURE,
    Bench,
    begun,
    bounds,
    compiled,
    file,
    kept,
    opened,
    seconds,
    shown,
    tagged,
    woven,
)
from pipeline.model import LoopOut, PosterOut, PreviewOut, Step, StoryboardOut

# A key frame before its moment lies before zero and would be dropped; and candidates are looked at
# once, so they are not packed at all: PNG took as much time as decoding 100 frames [m].
_CANDIDATE = {"fps_mode": "passthrough", "vcodec": "ppm"}
# Enough for the eye to see motion, and a moment of 0.8 s is a whole number of frames.
PREVIEW_RATE = 15


def candidates(step: Step, bench: Bench, *, sparing: bool) -> tuple[str, ...]:
    """One picture from each moment a poster could be taken from: 0.ppm, 1.ppm, ...

    A `sparing` look decodes key frames alone, unless a reporter chose the moment; of short films,
    those frames that others are built on.
    """
    first = next(out for out in step.outputs if isinstance(out, PosterOut))
    if step.treatment is None:
        raise ValueError("a poster needs a treatment")
    if first.every_ms:
        return _spread_candidates(step, bench, {"skip_frame": "noref"} if sparing else {})
    outputs = []
    for number, moment_ms in enumerate(first.moments_ms):
        if sparing and len(first.moments_ms) > 1:
            picture = _near(moment_ms, step, bench)
        else:
            picture = _at(moment_ms, step, bench)
        target = file(bench.folder / f"{number}.ppm")
        picture = _candidate(picture, first, step)
        outputs.append(ffmpeg.output(picture, target, vframes=1, update=1, **_CANDIDATE))
    return compiled(outputs, bench)


def _candidate(picture: Any, out: PosterOut, step: Step) -> Any:
    """A frame as it will be shown."""
    treatment = step.treatment
    if treatment is None:
        raise ValueError("a poster needs a treatment")
    return shown(picture, out.width, out.height, treatment).filter("format", "rgb24")


def _picture(source: Any, step: Step) -> Any:
    """Whole frames of the film's main picture."""
    treatment = step.treatment
    if treatment is None:
        raise ValueError("a poster needs a treatment")
    picture = source[str(treatment.stream)]
    return woven(picture, treatment, "send_frame") if treatment.deinterlace else picture


def _near(moment_ms: int, step: Step, bench: Bench) -> Any:
    """The key frame before a moment: decoding nothing else spares whole groups of pictures."""
    key_frames = {"noaccurate_seek": None, "skip_frame": "nokey", "discard:v": "nokey"}
    # A single frame gains nothing by threads, and sixteen decoders of 4K with many take gigabytes.
    options = {"ss": moment_ms / 1000, "threads": 1} | key_frames
    return _picture(opened(step, bench, **options, **_options(step)), step)


def _at(moment_ms: int, step: Step, bench: Bench) -> Any:
    """The picture of a moment, to the frame, as a reporter chose it."""
    span = replace(step.span, start_s=Fraction(moment_ms, 1000), end_s=None)
    picture = _picture(opened(step, bench, **begun(span), **_options(step)), step)
    return picture.filter("settb", "AVTB").filter("trim", start=seconds(span.zero_s + span.start_s))


def _options(step: Step) -> dict[str, Any]:
    return kept(step.treatment) if step.treatment else {}


def _spread_candidates(step: Step, bench: Bench, spared: dict[str, str]) -> tuple[str, ...]:
    """A picture every so often from one decode: for films of few pixels, cheaper than seeking."""
    out = next(out for out in step.outputs if isinstance(out, PosterOut))
    source = opened(step, bench, **begun(step.span), **_options(step), **spared)
    picture = _picture(source, step)
    if ends := bounds(step.span):
        picture = picture.filter("trim", **ends)
    # `select`, not `fps`: the first picture comes in any case, also of a film that lies of its end.
    apart = f"isnan(prev_selected_t)+gte(t-prev_selected_t,{out.every_ms / 1000:.6f})"
    picture = _candidate(picture.filter("select", apart), out, step)
    target = file(bench.folder / "%d.ppm")
    count = len(out.moments_ms)
    made = ffmpeg.output(picture, target, vframes=count, start_number=0, **_CANDIDATE)
    return compiled([made], bench)


def thumbnails(out: StoryboardOut, laid: Path, count: int, bench: Bench) -> tuple[str, ...]:
    """`count` thumbnails of a finished rung in sprites: sprite-1.jpg, sprite-2.jpg, ..."""
    # Key frames only, and one thread: frames that wait for no other gain nothing by more.
    film = ffmpeg.input(file(laid), protocol_whitelist="file,pipe", skip_frame="nokey", threads=1)
    # Exactly one picture to a slot from zero to the end, even where key frames come unevenly: the
    # map is computed, not read from here. It is the last key frame before the slot's middle.
    picture = (
        film["v:0"]
        .filter("fps", fps=f"1000/{out.every_ms}", start_time=0, eof_action="pass")
        .filter("tpad", stop=-1, stop_mode="clone")
        .filter("trim", end_frame=count)
        .filter("scale", out.width, out.height, flags="lanczos")
        .filter("setsar", 1)
        # JPEG knows one matrix, that of BT.601, and the full range of light.
        .filter("scale", out_color_matrix="smpte170m", out_range="full")
        .filter("format", "yuvj420p")
        .filter("tile", layout=f"{out.columns}x{out.rows}", color="black")
    )
    output = ffmpeg.output(
        picture,
        file(bench.folder / "sprite-%d.jpg"),
        format="image2",
        vcodec="mjpeg",
        # 2 kB to a thumbnail of 160x90; at 6 faces get blocks, at 2 the bytes double.
        **{"q:v": 4},
        fps_mode="passthrough",
        threads=1,
        **CLEAN_PICTURE,
    )
    return compiled([output], bench)


def preview(out: PreviewOut, laid: Path, bench: Bench) -> tuple[str, ...]:
    """A silent faststart MP4 of the moments of a finished rung, one after the other."""
    moments = [_moment(at / 1000, out, laid) for at in out.moments_ms]
    picture = ffmpeg.concat(*moments, v=1, a=0) if len(moments) > 1 else moments[0]
    output = ffmpeg.output(
        picture,
        file(bench.folder / out.file),
        vcodec="libx264",
        # "slow" shows 1 to 3 points of VMAF more in as many bytes [m], for twice the time: too much
        # for five silent seconds in a list.
        preset="veryfast",
        crf=27,
        # With its buffer this keeps five seconds of the wildest film under 250 kB.
        maxrate=320_000,
        bufsize=320_000,
        threads=1,
        pix_fmt="yuv420p",
        movflags="+faststart",
        **CLEAN_PICTURE,
    )
    return compiled([output], bench)


def loop(out: LoopOut, frames: Path, bench: Bench) -> tuple[str, ...]:
    """A silent faststart MP4 of images that were unrolled before, each at its own time."""
    picture = (
        ffmpeg.input(file(frames), format="apng", protocol_whitelist="file,pipe", threads=1)["v:0"]
        .filter("scale", out_color_matrix="bt709", out_range="limited", flags="lanczos")
        .filter("format", "yuv420p")
    )
    output = ffmpeg.output(
        tagged(picture),
        file(bench.folder / out.file),
        vcodec="libx264",
        **{"profile:v": "high"},
        # A few seconds of mostly still pictures: the slow preset costs less than reading them.
        preset="slow",
        # Drawings and recorded screens are what loops show; real film loses nothing by it.
        tune="animation",
        crf=out.crf,
        # Shown in the order of the file, from its very beginning: no edit list that a loop could
        # stumble over.
        bf=0,
        threads=1,
        # Images stand as long as they stood; two in one tick would be one too many.
        fps_mode="vfr",
        enc_time_base="1:1000",
        video_track_timescale=1000,
        movflags="+faststart",
        **CLEAN_PICTURE,
    )
    return compiled([output], bench)


def _moment(at_s: float, out: PreviewOut, laid: Path) -> Any:
    film = ffmpeg.input(
        file(laid), protocol_whitelist="file,pipe", ss=at_s, t=out.moment_ms / 1000, threads=1
    )
    return (
        film["v:0"]
        .filter("fps", fps=PREVIEW_RATE)
        .filter("scale", out.width, out.height, flags="lanczos")
        .filter("setsar", 1)
        .filter("setpts", "PTS-STARTPTS")
    )
