"""The pictures of a film in time: what happens to each, how many a second, and where chunks meet.

Owns rates, borders and the published part of a film, all in exact fractions. Pure. `plan_film`
makes steps of it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from pipeline.intake import clip_ms
from pipeline.model import Probe, Span, Treatment, VideoProfile, VideoStream
from pipeline.order import Order

# The first chunks are short, in groups of pictures: playback starts with the first, and each takes
# about as long to make as the ones before it take to watch.
RAMP = (1, 2, 4)
# At its end a film is cut into halves of what is left, down to this part of the usual chunk, so
# that workers who share it finish together: one would else wait for the other's last chunk.
SMALLEST = 4
# Borders lie this part of a frame before the frame: timestamps are rounded (Matroska: to 1 ms).
BEFORE = Fraction(1, 4)
# Demuxers with FFmpeg's AVFMT_TS_DISCONT.
JUMPING = ("mpegts", "mpeg", "ogg")
# Filters that look back see this much of what comes before a chunk.
RUN_IN_S = Fraction(1, 2)
# Ticks per second: exact for 24, 25, 30, 50, 60 and the NTSC rates but 23.976.
TICKS = 90_000
MIN_TICKS = 10_000
# BT.601 was the rule below this height, BT.709 above it; for files that do not say.
HD_HEIGHT = 720
MATRICES = ("smpte170m", "bt470bg", "smpte240m", "fcc", "bt2020nc", "bt709")
# Transparency of these lies in a second stream that FFmpeg's own decoders pass over.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
# Slower than this, a stream is a slideshow or a single picture.
SLOW = Fraction(1)
# Decoders of what television and discs carry, where the aspect of pixels may change on the way.
RESHAPING = ("mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc", "vc1")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The published part of a film: its place in the source, and its length where that is known."""

    span: Span
    duration_ms: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames from `first` to before `end` of the published film; None means to its end."""

    first: int
    end: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """Where a chunk begins, in seconds of the published film: its first picture `at_s`.

    The source is cut at `cut_s`, a little before, where no picture is.
    """

    at_s: Fraction
    cut_s: Fraction


def phase_s(stream: VideoStream, treatment: Treatment, rate: Fraction, span: Span) -> Fraction:
    """How far the frames of an even film lie off the whole periods of the published clock."""
    if treatment.frame_rate is None:
        return (Fraction(stream.start_ms, 1000) - span.shift_s) % (1 / rate)
    # Frames of a new rate lie on whole periods of the file's own clock.
    return -span.late_s % (1 / rate)


def borders(
    made: tuple[Chunk, ...], rate: Fraction, phase_s: Fraction = Fraction(0)
) -> dict[int, Border]:
    """Where each chunk begins: on its frame. The film itself begins at zero in any case."""
    found = {}
    for chunk in made:
        at = Fraction(chunk.first) / rate + phase_s
        border = Border(at_s=at, cut_s=at - BEFORE / rate)
        found[chunk.first] = border if chunk.first else Border(at_s=Fraction(0), cut_s=Fraction(0))
    return found


def uneven_borders(
    made: tuple[Chunk, ...],
    rate: Fraction,
    cuts: tuple[tuple[int, int], ...],
    shift_s: Fraction,
) -> dict[int, Border]:
    """Where each chunk of a film of uneven rate begins: on the next picture after its time.

    `cuts` are real pictures' times as `Probe.cuts` has them.
    """
    found = borders(made, rate)
    for chunk in made:
        at = Fraction(chunk.first) / rate
        later = (cut for cut in cuts if Fraction(cut[0], 1000) - shift_s >= at)
        if chunk.first and (cut := next(later, None)):
            begins, before = (Fraction(ms, 1000) - shift_s for ms in cut)
            found[chunk.first] = Border(at_s=begins, cut_s=(begins + before) / 2)
    return found


def apart(made: tuple[Chunk, ...], found: Mapping[int, Border]) -> tuple[Chunk, ...]:
    """Chunks with something in each: where pictures are rare, two may begin with the same one."""
    kept: list[Chunk] = []
    for chunk in made:
        if kept and found[chunk.first].at_s <= found[kept[-1].first].at_s:
            kept[-1] = dataclasses.replace(kept[-1], end=chunk.end)
        else:
            kept.append(chunk)
    return tuple(kept)


def chunks_of(
    order: Order, stream: VideoStream, rate: Fraction, shown: Window
) -> tuple[Chunk, ...]:
    """The chunks of what is shown, before any is moved onto a picture."""
    made = chunks(shown.duration_ms, rate, order.profile.video)
    if stream.run_in_ms is None and len(made) > 1:
        # Without an index every chunk is decoded from the beginning: few of them, then.
        return (made[0], dataclasses.replace(made[1], end=None))
    return made


def main_video(probe: Probe) -> VideoStream:
    """The picture a player would show: the default track, else the largest."""
    return max(probe.video, key=lambda s: (s.default, s.width * s.height, -s.index))


def treat(stream: VideoStream, max_fps: int) -> Treatment:
    """Decide what has to happen to the frames: deinterlacing, tone mapping, a rate cap."""
    curves: dict[str, Literal["pq", "hlg"]] = {"smpte2084": "pq", "arib-std-b67": "hlg"}
    rate = output_rate(stream, max_fps)
    kept = rate == shown_rate(stream)
    return Treatment(
        stream=stream.index,
        decoder=ALPHA_DECODERS.get(stream.codec, "") if stream.has_alpha else "",
        reshaping=stream.codec if stream.reshapes and stream.codec in RESHAPING else "",
        alpha=stream.has_alpha,
        rotation=stream.rotation,
        mirrored=stream.mirrored,
        deinterlace=stream.interlaced,
        field_order=stream.field_order,
        coded=(stream.coded_width, stream.coded_height) if stream.interlaced else None,
        tonemap=curves.get(stream.colour.transfer, ""),
        colour=dataclasses.replace(stream.colour, matrix=_matrix(stream)),
        frame_rate=None if kept else rate,
    )


def _matrix(stream: VideoStream) -> str:
    """A colour matrix by the rule of its size where the file names none that films have."""
    if stream.colour.matrix in MATRICES:
        return ""
    return "bt709" if min(stream.coded_width, stream.coded_height) >= HD_HEIGHT else "smpte170m"


def output_rate(stream: VideoStream, max_fps: int) -> Fraction:
    """Frames per second as published: fields become frames, and 120 or 240 fps a whole fraction."""
    rate = shown_rate(stream)
    if rate < SLOW:
        return SLOW
    divisor = max(1, math.ceil(rate / (max_fps + Fraction(1, 2))))
    return rate / divisor


def shown_rate(stream: VideoStream) -> Fraction:
    """Pictures a second as the source means them: of interlaced ones every field is one."""
    return stream.frame_rate * 2 if stream.interlaced else stream.frame_rate


def window(order: Order) -> Window:
    """All of the film, or the clip somebody chose, from the nearest frame on."""
    duration = order.probe.duration_ms
    clip = clip_ms(order.drop.info.clip)
    stream = main_video(order.probe)
    if clip is None or (duration and clip[0] >= duration):
        whole = Span(run_in_s=_run_in_s(stream), zero_s=_zero_s(order.probe))
        return Window(span=whole, duration_ms=duration)
    rate = output_rate(stream, order.profile.video.max_fps)
    start, end = (_on_frame(ms, rate) for ms in (clip[0], clip[1]))
    last = duration if clip[1] is None else min(clip[1], duration or clip[1])
    edge = BEFORE / rate
    span = Span(
        start_s=max(Fraction(0), (start or Fraction(0)) - edge),
        end_s=None if end is None or last == duration else end - edge,
        shift_s=start or Fraction(0),
        run_in_s=_run_in_s(stream),
        zero_s=_zero_s(order.probe),
    )
    return Window(span=span, duration_ms=None if last is None else last - clip[0])


def _zero_s(probe: Probe) -> Fraction:
    """Where timestamps may jump, FFmpeg counts from the streams it reads, not from the file's.

    Picture and sound are read apart: each would begin at zero, however late it was.
    """
    jumps = probe.demuxer in JUMPING
    return Fraction(probe.start_ms, 1000) if jumps else Fraction(0)


def _run_in_s(stream: VideoStream) -> Fraction | None:
    """How much earlier than a chunk one has to read: filters look back, and some seeks miss."""
    if stream.run_in_ms is None:
        return None
    return max(RUN_IN_S, Fraction(stream.run_in_ms, 1000))


def _on_frame(ms: int | None, rate: Fraction) -> Fraction | None:
    return None if ms is None else round(Fraction(ms, 1000) * rate) / rate


def gop_frames(rate: Fraction, video: VideoProfile) -> int:
    """Frames in a group of pictures."""
    return max(1, round(rate * Fraction(video.gop_seconds)))


def chunks(duration_ms: int | None, rate: Fraction, video: VideoProfile) -> tuple[Chunk, ...]:
    """Cut a film into chunks of whole groups of pictures: short ones first, and short ones last.

    The last one is open.
    """
    gop = gop_frames(rate, video)
    groups = Fraction(duration_ms or 0, 1000) * rate / gop
    usual = max(1, round(video.chunk_seconds / video.gop_seconds))
    borders = [0]
    ramp = iter(RAMP)
    while True:
        left = groups - borders[-1]
        size = next(ramp, 0) or min(usual, max(1, usual // SMALLEST, int(left) // 2))
        # A rest of less than half a chunk is no work of its own.
        if left - size < max(Fraction(1), Fraction(size, 2)):
            break
        borders.append(borders[-1] + size)
    ends = [*(border * gop for border in borders[1:]), None]
    return tuple(
        Chunk(first=border * gop, end=end) for border, end in zip(borders, ends, strict=True)
    )


def timescale(rate: Fraction) -> int:
    """Ticks per second that time every frame of a constant rate exactly."""
    if (TICKS * rate.denominator) % rate.numerator == 0:
        return TICKS
    return rate.numerator * math.ceil(MIN_TICKS / rate.numerator)
