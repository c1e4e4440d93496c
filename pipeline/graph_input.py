"""What every command line shares: inputs, time, upright pictures in the web's colours, outputs.

Owns the names and guards of inputs, the clock that chunks have in common, and everything that is
done to decoded pictures whatever becomes of them. Pure. `graph` and `graph_stills` build their
commands from these parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline.model import STRANGEST_ASPECT, Span, Step, Treatment

# FFmpeg's name for its standard input.
STDIN = "pipe:0"
# What tone mapping takes for white and for the brightest there is, cd/m2. ITU-R BT.2408 has its
# white at 203 and keeps the rest for highlights; phones expose far brighter than that.
WHITE, BRIGHTEST = 100, 1000
# Pixels that rounding to even numbers may have taken from a side.
ROUNDED = 4
# Timestamps stay those of the file, counted from its start: borders mean the same in every chunk.
CLOCK: dict[str, Any] = {"copyts": None, "start_at_zero": None}
# Nothing of the source's tags is published: places, serial numbers and names live there.
CLEAN: dict[str, Any] = {
    "map_metadata": -1,
    "map_chapters": -1,
    # No encoder names and dates: equal work gives equal bytes.
    "fflags": "+bitexact",
    "flags:v": "+bitexact",
    "flags:a": "+bitexact",
}
# The same for outputs without sound: FFmpeg warns of flags that fit no stream.
CLEAN_PICTURE = {key: value for key, value in CLEAN.items() if key != "flags:a"}
# Primaries that reach far beyond BT.709's: colours shown as they come would look pale.
WIDE = ("bt2020", "smpte431", "smpte432")
# Clockwise quarters after the left-right flip of a mirrored picture.
_TURNS: dict[int, tuple[tuple[str, str], ...]] = {
    0: (),
    90: (("transpose", "clock"),),
    180: (("hflip", ""), ("vflip", "")),
    270: (("transpose", "cclock"),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a step is worked on: the encoder's binary, the source, the folder for outputs.

    A source of None is read from standard input, from its first byte to its last.
    """

    ffmpeg: Path
    source: Path | None
    folder: Path


def opened(step: Step, bench: Bench, **options: Any) -> Any:
    """The source of a step as an input."""
    name = STDIN if bench.source is None else file(bench.source)
    # A forced demuxer and a protocol list: a playlist named .mp4 is refused, never followed.
    return ffmpeg.input(name, format=step.demuxer, protocol_whitelist="file,pipe", **options)


def own(path: Path) -> Any:
    """A film or sound file of our own making."""
    return ffmpeg.input(file(path), protocol_whitelist="file,pipe")


def file(path: Path) -> str:
    """A name that can be nothing but a file's."""
    return f"file:{path.absolute()}"


def copies(stream: Any, count: int, splitter: str) -> list[Any]:
    """A stream to be used `count` times; `splitter` is "split" or "asplit"."""
    if count == 1:
        return [stream]
    parts = stream.filter_multi_output(splitter, count)
    return [parts.stream(index) for index in range(count)]


def compiled(
    outputs: list[Any],
    bench: Bench,
    *,
    progress: bool = True,
    loglevel: str = "warning",
    filter_threads: int = 0,
) -> tuple[str, ...]:
    """The command line of one run; with `progress` it reports on standard output.

    Each filter has so many threads, or as many as there are cores.
    """
    merged = ffmpeg.merge_outputs(*outputs).global_args(
        "-hide_banner", "-nostdin", "-nostats", "-loglevel", loglevel
    )
    # However much is broken, what can be decoded is wanted; what came out is measured anyway.
    merged = merged.global_args("-max_error_rate", "1")
    if filter_threads:
        merged = merged.global_args("-filter_complex_threads", str(filter_threads))
    if progress:
        merged = merged.global_args("-progress", "pipe:1")
    return tuple(ffmpeg.compile(merged, cmd=str(bench.ffmpeg), overwrite_output=True))


# --- time ------------------------------------------------------------------------------------


def begun(span: Span) -> dict[str, Any]:
    """Input options to begin a little before a stretch."""
    start = Fraction(0) if span.run_in_s is None else span.start_s - span.run_in_s
    clock = {"copyts": None} if span.zero_s else CLOCK
    return clock | ({"ss": seconds(start)} if start > 0 else {})


def seconds(value: Fraction) -> str:
    """Seconds as FFmpeg reads them, to the microsecond."""
    return f"{float(value):.6f}"


def bounds(span: Span) -> dict[str, str]:
    """What `trim` and `atrim` keep of a source."""
    kept = {"start": seconds(span.zero_s + span.start_s)} if span.start_s > 0 else {}
    return kept | ({"end": seconds(span.zero_s + span.end_s)} if span.end_s is not None else {})


# --- pictures --------------------------------------------------------------------------------


def kept(treatment: Treatment) -> dict[str, Any]:
    """Input options: turning is ours, and a change in mid-stream builds nothing anew.

    A filter graph built anew loses the frames it holds, and counts from zero.
    """
    options: dict[str, Any] = {"noautorotate": None, "reinit_filter": 0}
    if treatment.decoder:
        options[f"c:{treatment.stream}"] = treatment.decoder
    if treatment.reshaping:
        # ffmpeg gives every picture the shape that it found when it opened the file, unless it
        # found none: it may not decode before it has to.
        options["codec_whitelist"] = "none"
        options[f"codec_whitelist:{treatment.stream}"] = treatment.reshaping
    return options


def woven(picture: Any, treatment: Treatment, mode: str) -> Any:
    """Whole frames out of fields; `mode` is bwdif's."""
    parity = treatment.field_order or "auto"
    if treatment.coded:
        # Weaving needs one size all along; pictures that have it pass through untouched.
        picture = picture.filter("scale", *treatment.coded, interl=-1)
    return picture.filter("bwdif", mode=mode, parity=parity, deint="all")


def shown(picture: Any, width: int, height: int, treatment: Treatment) -> Any:
    """Scale, turn upright, and bring whatever colours came in to limited BT.709."""
    if treatment.alpha:
        # Over black, as players show it, and before scaling, which would smear hidden colours.
        picture = picture.filter("premultiply", inplace=1)
    size = (height, width) if treatment.rotation % 180 else (width, height)
    picture = _scaled(picture, size, treatment)
    if treatment.mirrored:
        picture = picture.filter("hflip")
    for name, argument in _TURNS[treatment.rotation]:
        picture = picture.filter(name, argument) if argument else picture.filter(name)
    if treatment.rotation or treatment.mirrored:
        # Else the file would be turned once more by whoever plays it.
        picture = picture.filter("sidedata", mode="delete", type="DISPLAYMATRIX")
    return picture


def _boxed(picture: Any, size: tuple[int, int], **options: Any) -> Any:
    """Scale into a box, with bars where a film changes its shape on the way."""
    width, height = size
    aspect = f"(a*if(between(sar,{1 / STRANGEST_ASPECT},{STRANGEST_ASPECT}),sar,1))"
    # A shape that is off by the rounding to even numbers is the shape that was planned.
    shape = f"lt(abs({height}*{aspect}-{width}),{ROUNDED})"
    across = f"if({shape},{width},min({width},2*round({height}*{aspect}/2)))"
    down = f"if({shape},{height},min({height},2*round({width}/{aspect}/2)))"
    picture = picture.filter("scale", w=across, h=down, eval="frame", **options)
    return picture.filter("pad", width, height, -1, -1, "black", eval="frame").filter("setsar", 1)


def _scaled(picture: Any, size: tuple[int, int], treatment: Treatment) -> Any:
    if treatment.tonemap:
        return _tonemapped(_boxed(picture, size, flags="bicubic"), treatment)
    picture = _boxed(
        picture,
        size,
        flags="bicubic+accurate_rnd+full_chroma_int",
        # Each picture says its own, which may change on the way, where the file says any.
        in_color_matrix=treatment.colour.matrix or "auto",
        out_color_matrix="bt709",
        in_range="auto",
        out_range="limited",
    )
    if treatment.colour.primaries in WIDE:
        picture = _narrowed(picture, treatment.colour.primaries)
    return tagged(picture.filter("format", "yuv420p"))


def _narrowed(picture: Any, primaries: str) -> Any:
    """Bring BT.709's matrix over wide primaries to its own ones; what lies outside is clipped."""
    limited = {"range": "limited", "matrix": "bt709", "transfer": "bt709"}
    came = {f"{key}in": value for key, value in limited.items()}
    # Of more than eight bits, so that what is rounded twice shows no steps.
    return picture.filter("format", "yuv444p10le").filter(
        "zscale", primariesin=primaries, **came, primaries="bt709", **limited
    )


def tagged(picture: Any) -> Any:
    """Say what the colours are by now, whatever came in."""
    return picture.filter(
        "setparams",
        color_primaries="bt709",
        color_trc="bt709",
        colorspace="bt709",
        range="limited",
    )


def _tonemapped(picture: Any, treatment: Treatment) -> Any:
    """HDR to SDR in linear light; Hable's curve keeps skin and sky natural (media notes)."""
    transfer = {"pq": "smpte2084", "hlg": "arib-std-b67"}[treatment.tonemap]
    linear = picture.filter(
        "zscale",
        transferin=transfer,
        matrixin="bt2020nc",
        primariesin="bt2020",
        rangein="full" if treatment.colour.full_range else "limited",
        transfer="linear",
        npl=WHITE,
    ).filter("format", "gbrpf32le")
    mapped = linear.filter("zscale", primaries="bt709")
    mapped = mapped.filter("tonemap", "hable", desat=0, peak=BRIGHTEST / WHITE)
    return mapped.filter(
        "zscale", transfer="bt709", matrix="bt709", range="limited", primaries="bt709"
    ).filter("format", "yuv420p")
