"""What all steps of a film share, decided once.

Owns the values that chunks, sound and stills of one film are planned from. Pure. `plan_frames` says
where its chunks meet, `plan_film` and `plan_joined` make steps of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from pipeline.model import Span, Step, Treatment, VideoProfile, VideoStream
from pipeline.order import Order, draft
from pipeline.plan_frames import (
    Border,
    Chunk,
    Window,
    apart,
    borders,
    chunks_of,
    gop_frames,
    main_video,
    output_rate,
    phase_s,
    treat,
    uneven_borders,
    window,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Film:
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
        """True where pictures keep times of their own, which are not those of a rate."""
        return self.stream.variable_rate and self.treatment.frame_rate is None

    @property
    def video(self) -> VideoProfile:
        """How film is encoded."""
        return self.order.profile.video

    @property
    def gop_frames(self) -> int:
        """Frames in a group of pictures."""
        return gop_frames(self.rate, self.video)

    def step(self, name: str, priority: int) -> Step:
        """A step of this film, of all that is shown of it, with no output yet."""
        made = draft(self.order, name, priority)
        return dataclasses.replace(
            made,
            treatment=self.treatment,
            span=self.window.span,
            duration_ms=self.window.duration_ms,
        )


def film_of(order: Order) -> Film:
    """Decide what all steps of the film depend on."""
    stream = main_video(order.probe)
    treatment = treat(stream, order.profile.video.max_fps)
    rate = treatment.frame_rate or output_rate(stream, order.profile.video.max_fps)
    shown = window(order)
    uneven = stream.variable_rate and treatment.frame_rate is None
    made = chunks_of(order, stream, rate, shown)
    if uneven and order.probe.cuts:
        found = uneven_borders(made, rate, order.probe.cuts, shown.span.shift_s)
    else:
        found = borders(made, rate, phase_s(stream, treatment, rate, shown.span))
    return Film(
        order=order,
        stream=stream,
        treatment=treatment,
        rate=rate,
        window=shown,
        chunks=apart(made, found),
        borders=found,
    )


def span_of(film: Film, chunk: Chunk) -> Span:
    """Where a chunk lies in the source."""
    whole = film.window.span
    start, end = whole.start_s, whole.end_s
    if chunk.first:
        start = whole.shift_s + film.borders[chunk.first].cut_s
    if chunk.end is not None:
        end = whole.shift_s + film.borders[chunk.end].cut_s
    return dataclasses.replace(whole, start_s=start, end_s=end)


def length_ms_of(film: Film, chunk: Chunk) -> int | None:
    """How long a chunk plays, where that is known."""
    begin = film.borders[chunk.first].at_s * 1000
    if chunk.end is not None:
        return round(film.borders[chunk.end].at_s * 1000 - begin)
    whole = film.window.duration_ms
    return None if whole is None else max(0, round(whole - begin))


def end_s_of(film: Film, chunk: Chunk) -> Fraction | None:
    """Where a chunk ends; the last one where the film does, if that is known."""
    if chunk.end is not None:
        return film.borders[chunk.end].at_s
    length = film.window.duration_ms
    return Fraction(length, 1000) if length else None


def hold_ms_of(film: Film) -> int:
    """How long the last picture has to stay: until the sound has ended, too."""
    if film.window.span.end_s is not None or not film.window.duration_ms:
        return 0
    shown = film.stream.start_ms + (film.stream.duration_ms or 0)
    over = (film.order.probe.duration_ms or 0) - shown
    frame_ms = 1000 / film.rate
    return over if film.stream.duration_ms and over > frame_ms else 0
