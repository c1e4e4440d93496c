"""What is made of a film besides its chunks and its sound: one file of them all, and stills.

Owns video.mp4, the storyboard, the preview and the poster. Pure. `plan_film` puts them in order.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction

from pipeline.intake import moment_ms
from pipeline.model import (
    CopyOut,
    CoverOut,
    FilmOut,
    PosterOut,
    PreviewOut,
    Step,
    StoryboardOut,
    VideoOut,
)
from pipeline.order import COVER_SIDE, LATER, URGENT
from pipeline.plan_basis import Film, hold_ms_of
from pipeline.plan_ladder import fit, inside

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
# One that has fewer key frames to choose from is decoded up to so many times that length: its
# first picture alone is too often black, or a hand before the lens.
FEW_MOMENTS, SPREAD_FURTHER = 3, 4
# A chunk may take this much longer than it plays, on one slow core; and any step this many seconds.
PATIENCE = 60
LEAST_TIMEOUT_S = 900
# Thumbnails for scrubbing, and the short film of link cards: their short sides.
THUMB_SHORT_SIDE = 90
SPRITE_SIDE = 5
PREVIEW_SHORT_SIDE = 240
PREVIEW_FROM = 360
PREVIEW_MOMENTS, PREVIEW_MOMENT_MS = 6, 800


def timeout_s(film: Film, length_ms: int | None) -> int:
    """How long a step may take that works on so much of the film."""
    limit = film.order.profile.limits.step_timeout_s
    if length_ms is None:
        return limit
    return min(limit, max(LEAST_TIMEOUT_S, length_ms * PATIENCE // 1000))


def joined_steps(film: Film, chunked: list[Step], heard: list[Step]) -> Iterator[Step]:
    """What is made of finished chunks: the joined film, the storyboard, the preview."""
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


def _film_step(film: Film, rung: int, needs: tuple[str, ...]) -> Step:
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
        base, outputs=(out,), needs=needs, timeout_s=timeout_s(film, film.window.duration_ms)
    )


def _last_ms(film: Film) -> int | None:
    """When the last picture is due; nobody knows where the rate changes, or it is repeated."""
    span, last = film.window.span, film.stream.last_ms
    known = span.end_s is None and film.treatment.frame_rate is None and not hold_ms_of(film)
    # A picture that is the only one stands from the beginning, whenever it is due.
    if last is None or film.stream.is_still or not known:
        return None
    field_s = 1 / film.rate if film.treatment.deinterlace else 0
    return round(last + (field_s - span.shift_s) * 1000)


def _storyboard_step(film: Film, rung: int, needs: tuple[str, ...]) -> Step:
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


def _preview_step(film: Film, rung: int, needs: tuple[str, ...]) -> Step:
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


def poster_step(film: Film) -> Step:
    """The film's still, plain, with a badge and in a square, from the source itself."""
    stream = film.stream
    width, height = inside(stream.width, stream.height, POSTER_LONG_SIDE)
    moments, every_ms = _looked_at(film)
    outs = tuple(
        PosterOut(
            role=role,
            file=f"{role}.jpg",
            width=width,
            height=height,
            quality=film.video.poster_quality,
            badge=role == "poster-play",
            moments_ms=moments,
            every_ms=every_ms,
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


def _looked_at(film: Film) -> tuple[tuple[int, ...], int]:
    """Moments of the source, in ms, and how far apart they lie where all of it is decoded.

    A reporter counts from where the published film begins.
    """
    shown = film.window
    start_ms = round(shown.span.shift_s * 1000)
    at = moment_ms(film.order.drop.info.poster)
    # There is no picture after the end: then the choice is ours again.
    if at is not None and (not shown.duration_ms or at < shown.duration_ms):
        return (start_ms + at,), 0
    if not shown.duration_ms:
        return (start_ms,), 0
    spread = sorted({start_ms + round(shown.duration_ms * share) for share in POSTER_MOMENTS})
    # Closer ones would mostly lead to the same key frame. Half of the longest way between two,
    # since most of them lie closer than that.
    apart = _apart(spread, (film.stream.key_ms or 0) // 2)
    much = SPREAD_PIXELS * (1 if len(apart) >= FEW_MOMENTS else SPREAD_FURTHER)
    if _pixels(film) <= much and len(spread) > 1:
        return tuple(spread), max(1, shown.duration_ms // len(spread))
    return apart, 0


def _pixels(film: Film) -> Fraction:
    """Of all pictures together."""
    stream, seconds = film.stream, Fraction(film.window.duration_ms or 0, 1000)
    return stream.coded_width * stream.coded_height * film.rate * seconds


def _apart(moments: list[int], least_ms: int) -> tuple[int, ...]:
    """Those that lie at least so far from each other."""
    kept = moments[:1]
    for moment in moments[1:]:
        if moment - kept[-1] >= least_ms:
            kept.append(moment)
    return tuple(kept)
