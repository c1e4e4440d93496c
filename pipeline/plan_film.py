"""What will be made of a film: its ladder, its chunks of time, its sound, its pictures.

Owns every choice about sizes, rates, borders in time and the order of work of films. Pure: no
file, no clock, no tool. `plan` calls it for videos; `graph` turns a step into a command line.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Literal

from pipeline import languages
from pipeline.intake import clip_ms, moment_ms
from pipeline.model import (
    AudioStream,
    CopyOut,
    CoverOut,
    FilmOut,
    PosterOut,
    PreviewOut,
    Probe,
    Rung,
    SoundOut,
    Span,
    Step,
    StoryboardOut,
    Treatment,
    VideoOut,
    VideoProfile,
    VideoStream,
)
from pipeline.order import (
    COVER_SIDE,
    FIRST,
    IDLE,
    LATER,
    SOON,
    URGENT,
    Order,
    draft,
    main_audio,
    sound_track,
)

# A poster's long side: link cards want 1200 wide, and more only costs the reader bytes.
POSTER_LONG_SIDE = 1280
# Where to look for a poster: past the titles, spread over the film, before the credits. The very
# first frame is looked at too: of a damaged film it may be all there is.
POSTER_MOMENTS = (
    0, 0.03, 0.07, 0.12, 0.18, 0.24, 0.31, 0.38, 0.45, 0.52, 0.59, 0.66, 0.73, 0.8, 0.86, 0.92,
)  # fmt: skip
# A film of no more pixels in all is decoded whole for its poster, about 10 s of 1080p30: cheaper
# than as many seeks, and every frame may be chosen.
SPREAD_PIXELS = 600_000_000
# A rung of the source's own size is worth making when it shows this much more than the next.
WORTHWHILE = 1.15
# The first chunks are short, in groups of pictures: playback starts with the first, and each takes
# about as long to make as the ones before it take to watch.
RAMP = (1, 2, 4)
# At its end a film is cut into halves of what is left, down to this part of the usual chunk, so
# that workers who share it finish together: one would else wait for the other's last chunk.
SMALLEST = 4
# Rungs of the very first chunk that are made before all others: they encode in a second or two.
FIRST_SHORT_SIDE = 360
# A film whose sound is encoded in a few seconds needs no opening of its own.
LONG_MS = 120_000
# Borders lie this part of a frame before the frame: timestamps are rounded (Matroska: to 1 ms).
BEFORE = Fraction(1, 4)
# Demuxers with FFmpeg's AVFMT_TS_DISCONT.
JUMPING = ("mpegts", "mpeg", "ogg")
# Filters that look back see this much of what comes before a chunk.
RUN_IN_S = Fraction(1, 2)
# Of a camera that writes sixteen tracks, nobody hears the sixteenth.
MAX_SOUNDS = 8
# Ticks per second: exact for 24, 25, 30, 50, 60 and the NTSC rates but 23.976.
TICKS = 90_000
MIN_TICKS = 10_000
# BT.601 was the rule below this height, BT.709 above it; for files that do not say.
HD_HEIGHT = 720
MATRICES = ("smpte170m", "bt470bg", "smpte240m", "fcc", "bt2020nc", "bt709")
# Decoders of what television and discs carry, where the aspect of pixels may change on the way.
RESHAPING = ("mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc", "vc1")
# Transparency of these lies in a second stream that FFmpeg's own decoders pass over.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
# Sound that begins this much before the picture is worth a word.
LATE_MS = 200
# Slower than this, a stream is a slideshow or a single picture.
SLOW = Fraction(1)
# A chunk may take this much longer than it plays, on one slow core; and any step this many seconds.
PATIENCE = 60
LEAST_TIMEOUT_S = 900
# Thumbnails for scrubbing, and the short film of link cards: their short sides.
THUMB_SHORT_SIDE = 90
SPRITE_SIDE = 5
PREVIEW_SHORT_SIDE = 240
PREVIEW_FROM = 360
PREVIEW_MOMENTS, PREVIEW_MOMENT_MS = 6, 800


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Film:
    """What all steps of a film share."""

    order: Order
    stream: VideoStream
    treatment: Treatment
    rate: Fraction
    window: Window
    chunks: tuple[Chunk, ...]
    borders: Mapping[int, Border]

    @property
    def is_uneven(self) -> bool:
        return self.stream.variable_rate and self.treatment.frame_rate is None

    @property
    def video(self) -> VideoProfile:
        return self.order.profile.video

    @property
    def gop_frames(self) -> int:
        return gop_frames(self.rate, self.video)

    def step(self, name: str, priority: int) -> Step:
        made = draft(self.order, name, priority)
        return dataclasses.replace(
            made,
            treatment=self.treatment,
            span=self.window.span,
            duration_ms=self.window.duration_ms,
        )


def plan_film(order: Order) -> tuple[list[Step], list[str]]:
    """The steps of a film, those that others need before them, and remarks for the reporter."""
    film = _film(order)
    rungs = ladder(film.stream, order.profile.video.rungs, "h264")
    copied = _is_web_ready(film)
    sounds = sounds_of(order.probe)
    chunked = list(_chunk_steps(film, rungs[:-1] if copied else rungs))
    if copied:
        chunked.append(_copy_step(film, rungs[-1]))
    heard = list(_sound_steps(film, sounds))
    joined = _joined_steps(film, chunked, heard)
    steps = [*chunked, *heard, _poster_step(film), *joined, *_av1_steps(film, rungs)]
    # Brokers keep the order of ringing among equals.
    steps.sort(key=lambda step: bool(step.priority))
    return steps, list(_notes(film, rungs, sounds, copied=copied))


def _film(order: Order) -> _Film:
    stream = main_video(order.probe)
    treatment = treat(stream, order.profile.video.max_fps)
    rate = treatment.frame_rate or output_rate(stream, order.profile.video.max_fps)
    shown = window(order)
    uneven = stream.variable_rate and treatment.frame_rate is None
    made = _chunks(order, stream, rate, shown)
    if uneven and order.probe.cuts:
        found = uneven_borders(made, rate, order.probe.cuts, shown.span.shift_s)
    else:
        found = borders(made, rate, _phase_s(stream, treatment, rate, shown.span))
    return _Film(
        order=order,
        stream=stream,
        treatment=treatment,
        rate=rate,
        window=shown,
        chunks=_apart(made, found),
        borders=found,
    )


def _phase_s(stream: VideoStream, treatment: Treatment, rate: Fraction, span: Span) -> Fraction:
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


def _apart(made: tuple[Chunk, ...], found: Mapping[int, Border]) -> tuple[Chunk, ...]:
    """Chunks with something in each: where pictures are rare, two may begin with the same one."""
    kept: list[Chunk] = []
    for chunk in made:
        if kept and found[chunk.first].at_s <= found[kept[-1].first].at_s:
            kept[-1] = dataclasses.replace(kept[-1], end=chunk.end)
        else:
            kept.append(chunk)
    return tuple(kept)


def _chunks(order: Order, stream: VideoStream, rate: Fraction, shown: Window) -> tuple[Chunk, ...]:
    made = chunks(shown.duration_ms, rate, order.profile.video)
    if stream.run_in_ms is None and len(made) > 1:
        # Without an index every chunk is decoded from the beginning: few of them, then.
        return (made[0], dataclasses.replace(made[1], end=None))
    return made


def main_video(probe: Probe) -> VideoStream:
    """The picture a player would show: the default track, else the largest."""
    return max(probe.video, key=lambda s: (s.default, s.width * s.height, -s.index))


# --- pictures in time ------------------------------------------------------------------------


def treat(stream: VideoStream, max_fps: int) -> Treatment:
    """Decide what has to happen to the frames: deinterlacing, tone mapping, a rate cap."""
    curves: dict[str, Literal["pq", "hlg"]] = {"smpte2084": "pq", "arib-std-b67": "hlg"}
    rate = output_rate(stream, max_fps)
    kept = rate == _shown_rate(stream)
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
    rate = _shown_rate(stream)
    if rate < SLOW:
        return SLOW
    divisor = max(1, math.ceil(rate / (max_fps + Fraction(1, 2))))
    return rate / divisor


def _shown_rate(stream: VideoStream) -> Fraction:
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


def _span(film: _Film, chunk: Chunk) -> Span:
    whole = film.window.span
    start, end = whole.start_s, whole.end_s
    if chunk.first:
        start = whole.shift_s + film.borders[chunk.first].cut_s
    if chunk.end is not None:
        end = whole.shift_s + film.borders[chunk.end].cut_s
    return dataclasses.replace(whole, start_s=start, end_s=end)


def _length_ms(film: _Film, chunk: Chunk) -> int | None:
    begin = film.borders[chunk.first].at_s * 1000
    if chunk.end is not None:
        return round(film.borders[chunk.end].at_s * 1000 - begin)
    whole = film.window.duration_ms
    return None if whole is None else max(0, round(whole - begin))


def timescale(rate: Fraction) -> int:
    """Ticks per second that time every frame of a constant rate exactly."""
    if (TICKS * rate.denominator) % rate.numerator == 0:
        return TICKS
    return rate.numerator * math.ceil(MIN_TICKS / rate.numerator)


# --- the ladder ------------------------------------------------------------------------------


def ladder(stream: VideoStream, rungs: tuple[Rung, ...], codec: str) -> tuple[Rung, ...]:
    """The rungs to make, smallest first: none above the source, one of its own size if it pays."""
    ordered = sorted(
        (rung for rung in rungs if rung.codec == codec), key=lambda rung: rung.short_side
    )
    if not ordered:
        return ()
    short = stream.short_side
    fitting = [rung for rung in ordered if rung.short_side <= short]
    if not fitting:
        return (dataclasses.replace(ordered[0], short_side=short),)
    higher = next((rung for rung in ordered if rung.short_side > short), None)
    if higher is not None and short >= fitting[-1].short_side * WORTHWHILE:
        fitting.append(_between(fitting[-1], higher, short))
    return tuple(fitting)


def _between(low: Rung, high: Rung, short: int) -> Rung:
    """A rung of the source's own size; its cap grows with the number of pixels."""
    share = (short**2 - low.short_side**2) / (high.short_side**2 - low.short_side**2)
    cap = round(low.max_bps + share * (high.max_bps - low.max_bps))
    return dataclasses.replace(high, short_side=short, max_bps=cap)


def fit(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Scale to a short side, even numbers rounded down so that nothing is ever enlarged."""
    scale = min(Fraction(1), Fraction(short_side, min(width, height)))
    return _even(width * scale), _even(height * scale)


def _even(value: Fraction | int) -> int:
    return max(2, int(value) // 2 * 2)


def _is_web_ready(film: _Film) -> bool:
    """True where the source's own pictures can be the top rung as they are."""
    stream, video = film.stream, film.video
    top = ladder(stream, video.rungs, "h264")[-1]
    return (
        stream.web_ready
        and film.window.span.is_all
        and film.treatment.frame_rate is None
        and top.short_side == stream.short_side
        and fit(stream.width, stream.height, top.short_side) == (stream.width, stream.height)
        # For longer than a group of pictures, the last one has to be repeated.
        and _hold_ms(film) <= video.gop_seconds * 1000
        and 0 < (stream.bitrate_bps or 0) <= min(video.copy_max_bps, top.max_bps)
    )


# --- chunks ----------------------------------------------------------------------------------


def _chunk_steps(film: _Film, rungs: tuple[Rung, ...]) -> Iterator[Step]:
    if not rungs:  # the only one is a copy
        return
    for number, chunk in enumerate(film.chunks):
        name = f"film-{number:04}"
        if number:
            yield _chunk_step(film, name, rungs, chunk)
            continue
        low = tuple(rung for rung in rungs if rung.short_side <= FIRST_SHORT_SIDE)
        high = tuple(rung for rung in rungs if rung not in low)
        if low and high:
            first = _chunk_step(film, f"{name}-low", low, chunk)
            yield dataclasses.replace(first, priority=FIRST)
        if high or low:
            yield _chunk_step(film, name, high or low, chunk)


def _chunk_step(film: _Film, name: str, rungs: tuple[Rung, ...], chunk: Chunk) -> Step:
    idle = rungs[0].codec == "av1"
    treatment = dataclasses.replace(film.treatment, cascade=_cascade(film, rungs[0].codec))
    priority = IDLE if idle else LATER if chunk.first else URGENT
    length = _length_ms(film, chunk)
    base = film.step(name, priority)
    return dataclasses.replace(
        base,
        treatment=treatment,
        span=_span(film, chunk),
        duration_ms=length,
        outputs=tuple(_rung_out(film, rung, chunk) for rung in rungs),
        # What is missing in the end is a gap in the film, not the loss of it.
        required=False,
        timeout_s=_timeout_s(film, length),
    )


def _cascade(film: _Film, codec: str) -> tuple[tuple[int, int], ...]:
    """Every size of a ladder, largest first."""
    made = ladder(film.stream, film.video.rungs, codec)
    sizes = (fit(film.stream.width, film.stream.height, rung.short_side) for rung in made)
    return tuple(sorted(sizes, reverse=True))


def _timeout_s(film: _Film, length_ms: int | None) -> int:
    limit = film.order.profile.limits.step_timeout_s
    if length_ms is None:
        return limit
    return min(limit, max(LEAST_TIMEOUT_S, length_ms * PATIENCE // 1000))


def _rung_out(film: _Film, rung: Rung, chunk: Chunk) -> VideoOut:
    stream, video, rate = film.stream, film.video, film.rate
    width, height = fit(stream.width, stream.height, rung.short_side)
    return VideoOut(
        role="chunk",
        file=f"{rung.short_side}.mp4",
        codec=rung.codec,
        width=width,
        height=height,
        crf=rung.crf,
        preset=video.preset if rung.codec == "h264" else str(video.av1_preset),
        options=":".join(part for part in (video.x264, rung.x264) if part and rung.codec == "h264"),
        max_bps=rung.max_bps,
        gop_frames=film.gop_frames,
        gop_ms=round(video.gop_seconds * 1000) if film.is_uneven else 0,
        frame_rate=rate,
        timescale=TICKS if film.is_uneven else timescale(rate),
        begin_s=film.borders[chunk.first].at_s,
        end_s=_end_s(film, chunk),
        hold_ms=_hold_ms(film) if chunk.end is None else 0,
        hold_from_ms=film.stream.last_ms or 0 if chunk.end is None and _hold_ms(film) else 0,
    )


def _end_s(film: _Film, chunk: Chunk) -> Fraction | None:
    """Where a chunk ends; the last one where the film does, if that is known."""
    if chunk.end is not None:
        return film.borders[chunk.end].at_s
    length = film.window.duration_ms
    return Fraction(length, 1000) if length else None


def _hold_ms(film: _Film) -> int:
    """How long the last picture has to stay: until the sound has ended, too."""
    if film.window.span.end_s is not None or not film.window.duration_ms:
        return 0
    shown = film.stream.start_ms + (film.stream.duration_ms or 0)
    over = (film.order.probe.duration_ms or 0) - shown
    frame_ms = 1000 / film.rate
    return over if film.stream.duration_ms and over > frame_ms else 0


def _copy_step(film: _Film, rung: Rung) -> Step:
    stream = film.stream
    out = CopyOut(
        role="chunk",
        file=f"{rung.short_side}.mp4",
        width=stream.width,
        height=stream.height,
        stream=stream.index,
        frame_rate=film.rate,
        timescale=TICKS if stream.variable_rate else timescale(film.rate),
        end_s=_end_s(film, film.chunks[-1]),
    )
    return dataclasses.replace(film.step("copy", SOON), outputs=(out,), required=False)


def _av1_steps(film: _Film, made: tuple[Rung, ...]) -> list[Step]:
    """The AV1 ladder, where it shows more than the other one, or is wanted in any case."""
    rungs = ladder(film.stream, film.video.rungs, "av1")
    if not rungs or rungs[-1].short_side < made[-1].short_side:
        return []
    return [
        _chunk_step(film, f"av1-{number:04}", rungs, chunk)
        for number, chunk in enumerate(film.chunks)
    ]


# --- sound -----------------------------------------------------------------------------------


def sounds_of(probe: Probe) -> tuple[AudioStream, ...]:
    """The tracks to publish: the main one first, then the first of each other language."""
    main = main_audio(probe)
    if main is None:
        return ()
    chosen = {main.language: main}
    for stream in probe.audio:
        if stream.language != "und":
            chosen.setdefault(stream.language, stream)
    return tuple(chosen.values())[:MAX_SOUNDS]


def _sound_steps(film: _Film, sounds: tuple[AudioStream, ...]) -> Iterator[Step]:
    if sounds and (film.window.duration_ms or 0) > LONG_MS:
        yield _opening_step(film, sounds[0])
    for number, stream in enumerate(sounds):
        yield _sound_step(film, f"sound-{number}", stream, is_main=not number)


def _sound_step(film: _Film, name: str, stream: AudioStream, *, is_main: bool) -> Step:
    short = (film.window.duration_ms or LONG_MS) < LONG_MS
    track = sound_track(stream, film.order.profile.audio)
    out = SoundOut(
        role="sound-track",
        file="sound.mp4",
        track=track,
        fragment_ms=round(film.video.gop_seconds * 1000),
        length_ms=film.window.duration_ms,
        language=stream.language,
        label=stream.title or _language_name(stream),
        default=is_main,
    )
    base = film.step(name, (FIRST if short else SOON) if is_main else LATER)
    length = film.window.duration_ms
    return dataclasses.replace(
        base,
        treatment=None,
        sound=track,
        outputs=(out,),
        required=False,
        timeout_s=_sound_timeout_s(base.timeout_s, length),
    )


def _sound_timeout_s(limit: int, length_ms: int | None) -> int:
    return limit if length_ms is None else min(limit, max(LEAST_TIMEOUT_S, length_ms // 2000))


def _language_name(stream: AudioStream) -> str:
    return "Original" if stream.language == "und" else languages.label(stream.language)


def _opening_step(film: _Film, stream: AudioStream) -> Step:
    """The first minute's sound, so that nobody waits for the whole of it; replaced by the whole."""
    ramp_s = Fraction(sum(RAMP) * film.gop_frames) / film.rate
    ramp_s += Fraction(film.video.chunk_seconds)
    step = _sound_step(film, "sound-opening", stream, is_main=True)
    whole = film.window.span
    (out,) = (made for made in step.outputs if isinstance(made, SoundOut))
    length = round(ramp_s * 1000)
    return dataclasses.replace(
        step,
        span=dataclasses.replace(whole, end_s=whole.shift_s + ramp_s),
        outputs=(dataclasses.replace(out, length_ms=length),),
        duration_ms=length,
        priority=FIRST,
    )


# --- what is made of what was made -----------------------------------------------------------


def _joined_steps(film: _Film, chunked: list[Step], heard: list[Step]) -> Iterator[Step]:
    sides = sorted({out.short_side for step in chunked for out in _rungs(step)})
    stable = max((s for s in sides if s <= film.video.stable_rung), default=sides[0])
    sound = tuple(step.name for step in heard if step.name == "sound-0")
    yield _film_step(film, stable, (*_with(chunked, stable), *sound))
    encoded = [step for step in chunked if step.name != "copy"] or chunked
    sides = sorted({out.short_side for step in encoded for out in _rungs(step)})
    length = film.window.duration_ms or 0
    if length > film.video.gop_seconds * 1000:
        yield _storyboard_step(film, sides[0], _with(encoded, sides[0]))
    if length >= 2 * PREVIEW_MOMENT_MS:
        side = max((s for s in sides if s <= PREVIEW_FROM), default=sides[0])
        yield _preview_step(film, side, _with(encoded, side))


def _rungs(step: Step) -> list[VideoOut | CopyOut]:
    return [out for out in step.outputs if isinstance(out, VideoOut | CopyOut)]


def _with(steps: list[Step], side: int) -> tuple[str, ...]:
    return tuple(s.name for s in steps if any(out.short_side == side for out in _rungs(s)))


def _film_step(film: _Film, rung: int, needs: tuple[str, ...]) -> Step:
    whole = film.window.span.is_all
    kept = film.treatment.frame_rate is None
    count = film.stream.frames if whole and kept else None
    out = FilmOut(
        role="video",
        file="video.mp4",
        rung=rung,
        frames=count * 2 if count and film.treatment.deinterlace else count,
        frame_rate=film.rate,
        variable_rate=film.stream.variable_rate and kept,
        late_ms=max(0, film.stream.start_ms - round(film.window.span.shift_s * 1000)),
        last_ms=_last_ms(film),
    )
    base = film.step("film", LATER)
    return dataclasses.replace(
        base, outputs=(out,), needs=needs, timeout_s=_timeout_s(film, film.window.duration_ms)
    )


def _last_ms(film: _Film) -> int | None:
    """When the last picture is due; nobody knows where the rate changes, or it is repeated."""
    span, last = film.window.span, film.stream.last_ms
    known = span.end_s is None and film.treatment.frame_rate is None and not _hold_ms(film)
    # A picture that is the only one stands from the beginning, whenever it is due.
    if last is None or last == film.stream.start_ms or not known:
        return None
    field_s = 1 / film.rate if film.treatment.deinterlace else 0
    return round(last + (field_s - span.shift_s) * 1000)


def _storyboard_step(film: _Film, rung: int, needs: tuple[str, ...]) -> Step:
    width, height = fit(film.stream.width, film.stream.height, THUMB_SHORT_SIDE)
    group_ms = round(film.gop_frames / film.rate * 1000)
    wanted = (film.window.duration_ms or 0) / film.video.storyboard_thumbs
    out = StoryboardOut(
        role="storyboard",
        file="storyboard.vtt",
        rung=rung,
        width=width,
        height=height,
        columns=SPRITE_SIDE,
        rows=SPRITE_SIDE,
        every_ms=group_ms * max(1, math.ceil(wanted / group_ms)),
    )
    base = film.step("storyboard", LATER)
    return dataclasses.replace(base, outputs=(out,), needs=needs, required=False)


def _preview_step(film: _Film, rung: int, needs: tuple[str, ...]) -> Step:
    width, height = fit(film.stream.width, film.stream.height, PREVIEW_SHORT_SIDE)
    length = film.window.duration_ms or 0
    out = PreviewOut(
        role="preview",
        file="preview.mp4",
        rung=rung,
        width=width,
        height=height,
        moments_ms=preview_moments(length),
        moment_ms=PREVIEW_MOMENT_MS,
    )
    base = film.step("preview", LATER)
    return dataclasses.replace(base, outputs=(out,), needs=needs, required=False)


def preview_moments(length_ms: int) -> tuple[int, ...]:
    """Where the moments of a preview begin: evenly spread, with as much between as is shown."""
    count = max(1, min(PREVIEW_MOMENTS, length_ms // (2 * PREVIEW_MOMENT_MS)))
    middles = (length_ms * (2 * n + 1) / (2 * count) for n in range(count))
    return tuple(max(0, round(middle - PREVIEW_MOMENT_MS / 2)) for middle in middles)


def _poster_step(film: _Film) -> Step:
    stream = film.stream
    width, height = _inside(stream.width, stream.height, POSTER_LONG_SIDE)
    moments = _moments(film.order.drop.info.poster, film.window)
    outs = tuple(
        PosterOut(
            role=role,
            file=f"{role}.jpg",
            width=width,
            height=height,
            quality=film.video.poster_quality,
            badge=role == "poster-play",
            moments_ms=moments,
            every_ms=_every_ms(film, moments),
        )
        for role in ("poster", "poster-play")
    )
    square = CoverOut(
        role="square",
        file="square.jpg",
        stream=stream.index,
        shape="square",
        longest=COVER_SIDE,
        quality=film.video.poster_quality,
    )
    step = film.step("poster", URGENT)
    return dataclasses.replace(step, outputs=(*outs, square), required=False)


def _every_ms(film: _Film, moments: tuple[int, ...]) -> int:
    stream, length = film.stream, film.window.duration_ms
    if len(moments) == 1 or not length:
        return 0
    pixels = stream.coded_width * stream.coded_height * film.rate * length / 1000
    return max(1, length // len(moments)) if pixels <= SPREAD_PIXELS else 0


def _moments(chosen: str, shown: Window) -> tuple[int, ...]:
    """Moments of the source, in ms; a reporter counts from where the published film begins."""
    start_ms = round(shown.span.shift_s * 1000)
    at = moment_ms(chosen)
    # There is no picture after the end: then the choice is ours again.
    if at is not None and (not shown.duration_ms or at < shown.duration_ms):
        return (start_ms + at,)
    if not shown.duration_ms:
        return (start_ms,)
    return tuple(sorted({start_ms + round(shown.duration_ms * s) for s in POSTER_MOMENTS}))


def _inside(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = min(Fraction(1), Fraction(long_side, max(width, height)))
    return _even(width * scale), _even(height * scale)


# --- remarks ---------------------------------------------------------------------------------


def _notes(
    film: _Film, made: tuple[Rung, ...], sounds: tuple[AudioStream, ...], *, copied: bool
) -> Iterator[str]:
    stream, probe = film.stream, film.order.probe
    dropped = [r.short_side for r in film.video.rungs if r.short_side > made[-1].short_side]
    if dropped and stream.short_side < max(dropped):
        sizes = ", ".join(f"{size}p" for size in sorted(set(dropped)))
        yield f"Not made: {sizes}. The film itself is {stream.width}x{stream.height}."
    if copied:
        yield "The film was fit for the web already: its largest size is a copy, without loss."
    if film.treatment.deinterlace:
        yield "The film is interlaced; it was turned into full frames."
    if film.treatment.tonemap:
        yield "The film is HDR; it was tone-mapped for ordinary screens."
    yield from _picture_notes(film)
    if not probe.audio:
        yield "The film has no sound."
    if len(sounds) < len(probe.audio):
        yield (
            f"The film has {len(probe.audio)} sound tracks; "
            f"{'one is' if len(sounds) == 1 else f'{len(sounds)} are'} published."
        )
    yield from _clip_notes(film)


def _picture_notes(film: _Film) -> Iterator[str]:
    """What was repaired, and what was given up."""
    stream, shown = film.stream, _shown_rate(film.stream)
    if stream.changes:
        yield "The picture changes its size on the way; it is shown in the first one's frame."
    elif stream.reshapes:
        yield "The picture changes its shape on the way; it is shown in the first one's frame."
    if stream.has_alpha:
        yield "What is transparent is shown over black."
    if stream.start_ms >= LATE_MS:
        late = stream.start_ms / 1000
        yield f"The sound begins {late:.1f} s before the picture; which stands till then."
    if film.rate < shown:
        yield f"{round(shown)} pictures a second became {round(film.rate)}."
    if stream.run_in_ms is None:
        yield "The file has no index, so making it takes longer."


def _clip_notes(film: _Film) -> Iterator[str]:
    wanted = film.order.drop.info.clip
    if wanted and film.window.span.is_all:
        yield f'The clip "{wanted}" lies after the end; the whole film is published.'
