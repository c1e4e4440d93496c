"""What will be made of a film: the steps of its chunks and of its sound, and their order.

Owns what is urgent, and the remarks for the reporter. Pure: no file, no clock, no tool. Rates and
borders in time are in `plan_frames`, sizes in `plan_ladder`, what all steps share in `plan_basis`,
what is made of finished parts in `plan_joined`. `plan` calls it for videos.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

from pipeline import languages
from pipeline.model import AudioStream, CopyOut, Probe, Rung, SoundOut, Step, VideoOut
from pipeline.order import (
    FIRST,
    IDLE,
    LATER,
    SOON,
    URGENT,
    Order,
    main_audio,
    right_of,
    sound_track,
    unplaced_notes,
)
from pipeline.plan_basis import Film, end_s_of, film_of, hold_ms_of, length_ms_of, span_of
from pipeline.plan_frames import RAMP, TICKS, Chunk, shown_rate, timescale
from pipeline.plan_joined import LEAST_TIMEOUT_S, joined_steps, poster_step, timeout_s
from pipeline.plan_ladder import fit, ladder

# Rungs of the very first chunk that are made before all others: they encode in a second or two.
FIRST_SHORT_SIDE = 360
# A film whose sound is encoded in a few seconds needs no opening of its own.
LONG_MS = 120_000
# Of a camera that writes sixteen tracks, nobody hears the sixteenth.
MAX_SOUNDS = 8
# Sound that begins this much before the picture is worth a word, and so is sound that goes on.
LATE_MS = 200
HELD_MS = 500


def plan_film(order: Order) -> tuple[list[Step], list[str]]:
    """The steps of a film, those that others need before them, and remarks for the reporter."""
    film = film_of(order)
    rungs = ladder(film.stream, order.profile.video.rungs, "h264")
    ready = _is_web_ready(film)
    sounds = sounds_of(order.probe)
    chunked = list(_chunk_steps(film, "film", rungs[:-1] if ready else rungs))
    if ready and order.copies:
        chunked.append(_copy_step(film, rungs[-1]))
    elif ready:
        # What is made already stays as it is: the largest size comes beside it.
        chunked += _chunk_steps(film, "own", rungs[-1:])
    heard = list(_sound_steps(film, sounds))
    joined = joined_steps(film, chunked, heard)
    steps = [*chunked, *heard, poster_step(film), *joined, *_av1_steps(film, rungs)]
    # Brokers keep the order of ringing among equals.
    steps.sort(key=lambda step: bool(step.priority))
    return steps, list(_notes(film, rungs, sounds, ready=ready))


def _is_web_ready(film: Film) -> bool:
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
        and hold_ms_of(film) <= video.gop_seconds * 1000
        and 0 < (stream.bitrate_bps or 0) <= min(video.copy_max_bps, top.max_bps)
    )


# --- chunks ----------------------------------------------------------------------------------


def _chunk_steps(film: Film, kind: str, rungs: tuple[Rung, ...]) -> Iterator[Step]:
    if not rungs:  # the only one is a copy
        return
    for number, chunk in enumerate(film.chunks):
        name = f"{kind}-{number:04}"
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


def _chunk_step(film: Film, name: str, rungs: tuple[Rung, ...], chunk: Chunk) -> Step:
    idle = rungs[0].codec == "av1"
    treatment = dataclasses.replace(film.treatment, cascade=_cascade(film, rungs[0].codec))
    priority = IDLE if idle else LATER if chunk.first else URGENT
    length = length_ms_of(film, chunk)
    base = film.step(name, priority)
    return dataclasses.replace(
        base,
        treatment=treatment,
        span=span_of(film, chunk),
        duration_ms=length,
        outputs=tuple(_rung_out(film, rung, chunk) for rung in rungs),
        # What is missing in the end is a gap in the film, not the loss of it.
        required=False,
        timeout_s=timeout_s(film, length),
    )


def _cascade(film: Film, codec: str) -> tuple[tuple[int, int], ...]:
    """Every size of a ladder, largest first."""
    made = ladder(film.stream, film.video.rungs, codec)
    sizes = (fit(film.stream.width, film.stream.height, rung.short_side) for rung in made)
    return tuple(sorted(sizes, reverse=True))


def _rung_out(film: Film, rung: Rung, chunk: Chunk) -> VideoOut:
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
        end_s=end_s_of(film, chunk),
        hold_ms=hold_ms_of(film) if chunk.end is None else 0,
        hold_from_ms=film.stream.last_ms or 0 if chunk.end is None and hold_ms_of(film) else 0,
    )


def _copy_step(film: Film, rung: Rung) -> Step:
    stream = film.stream
    out = CopyOut(
        role="chunk",
        file=f"{rung.short_side}.mp4",
        width=stream.width,
        height=stream.height,
        stream=stream.index,
        frame_rate=film.rate,
        timescale=TICKS if stream.variable_rate else timescale(film.rate),
        end_s=end_s_of(film, film.chunks[-1]),
    )
    return dataclasses.replace(film.step("copy", SOON), outputs=(out,), required=False)


def _av1_steps(film: Film, made: tuple[Rung, ...]) -> list[Step]:
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


def _sound_steps(film: Film, sounds: tuple[AudioStream, ...]) -> Iterator[Step]:
    if sounds and (film.window.duration_ms or 0) > LONG_MS:
        yield _opening_step(film, sounds[0])
    for number, stream in enumerate(sounds):
        yield _sound_step(film, f"sound-{number}", stream, is_main=not number)


def _sound_step(film: Film, name: str, stream: AudioStream, *, is_main: bool) -> Step:
    short = (film.window.duration_ms or LONG_MS) < LONG_MS
    track = sound_track(stream, film.order)
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


def _opening_step(film: Film, stream: AudioStream) -> Step:
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


# --- remarks ---------------------------------------------------------------------------------


def _notes(
    film: Film, made: tuple[Rung, ...], sounds: tuple[AudioStream, ...], *, ready: bool
) -> Iterator[str]:
    stream, probe = film.stream, film.order.probe
    dropped = [r.short_side for r in film.video.rungs if r.short_side > made[-1].short_side]
    if dropped and stream.short_side < max(dropped):
        sizes = ", ".join(f"{size}p" for size in sorted(set(dropped)))
        yield f"Not made: {sizes}. The film itself is {stream.width}x{stream.height}."
    if ready and film.order.copies:
        yield "The film was fit for the web already: its largest size is a copy, without loss."
    elif ready:
        yield "Some pictures of the film are damaged: copy it again from the card, if you can."
    if film.treatment.deinterlace:
        yield "The film is interlaced; it was turned into full frames."
    if film.treatment.tonemap:
        yield "The film is HDR; it was tone-mapped for ordinary screens."
    yield from _picture_notes(film)
    if not probe.audio:
        yield "The film has no sound."
    if len(sounds) < len(probe.audio):
        yield f"The film has {len(probe.audio)} sound tracks; {_published(sounds, probe)}."
    if sounds:
        yield from unplaced_notes(sounds[0])
    yield from _clip_notes(film)


def _published(sounds: tuple[AudioStream, ...], probe: Probe) -> str:
    """Which of the tracks are heard."""
    if right_of(sounds[0], probe):
        more = f", and {len(sounds) - 1} more published" if sounds[1:] else ""
        return f"two of a single channel became the left and the right of one{more}"
    return "one is published" if len(sounds) == 1 else f"{len(sounds)} are published"


def _picture_notes(film: Film) -> Iterator[str]:
    """What was repaired, and what was given up."""
    stream, shown = film.stream, shown_rate(film.stream)
    if (count := len(film.order.probe.video)) > 1:
        yield f"The film has {count} picture tracks; track {stream.index + 1} is published."
    if stream.changes:
        yield "The picture changes its size on the way; it is shown in the first one's frame."
    elif stream.reshapes:
        yield "The picture changes its shape on the way; it is shown in the first one's frame."
    if stream.has_alpha:
        yield "What is transparent is shown over black."
    if stream.start_ms >= LATE_MS:
        late = stream.start_ms / 1000
        yield f"The sound begins {late:.1f} s before the picture; which stands till then."
    if (held_ms := hold_ms_of(film)) >= HELD_MS and not stream.is_still:
        yield f"The picture ends {held_ms / 1000:.1f} s before the sound; the last one stands."
    if film.rate < shown:
        yield f"{round(shown)} pictures a second became {round(film.rate)}."
    if stream.run_in_ms is None:
        yield "The file has no index, so making it takes longer."


def _clip_notes(film: Film) -> Iterator[str]:
    wanted = film.order.drop.info.clip
    if wanted and film.window.span.is_all:
        yield f'The clip "{wanted}" lies after the end; the whole film is published.'
