"""Storyboards: which small picture a player shows for which moment of a film.

Owns how many thumbnails a film gets, the names of the sprites they are tiled into, and the WebVTT
that maps time to a place in a sprite. Pure. Refuses to make pictures: `graph.thumbnails` compiles
that, in the same order and number.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from pipeline.model import StoryboardOut

# A rest of a film shorter than this gets no thumbnail of its own: nobody can point at it.
REST_MS = 100


def count(out: StoryboardOut, duration_ms: int) -> int:
    """How many thumbnails a film of that length gets: one every `out.every_ms`, at least one."""
    return max(1, ceil((duration_ms - REST_MS) / out.every_ms))


def sprites(out: StoryboardOut, duration_ms: int) -> tuple[str, ...]:
    """File names of the sprites, in order; all are of one size, the last may end in black."""
    number = ceil(count(out, duration_ms) / (out.columns * out.rows))
    return tuple(f"sprite-{index}.jpg" for index in range(1, number + 1))


def webvtt(out: StoryboardOut, duration_ms: int) -> str:
    """The map, for sprites lying beside it: cues without gaps from 0 to the end of the film.

    Places are media fragments, `sprite-1.jpg#xywh=x,y,width,height` in pixels of the sprite.
    """
    return "WEBVTT\n\n" + "\n".join(_cues(out, duration_ms))


def _cues(out: StoryboardOut, duration_ms: int) -> Iterator[str]:
    names, total = sprites(out, duration_ms), count(out, duration_ms)
    for index in range(total):
        sheet, place = divmod(index, out.columns * out.rows)
        row, column = divmod(place, out.columns)
        begin = index * out.every_ms
        end = begin + out.every_ms if index + 1 < total else max(duration_ms, begin + 1)
        box = f"{column * out.width},{row * out.height},{out.width},{out.height}"
        yield f"{_stamp(begin)} --> {_stamp(end)}\n{names[sheet]}#xywh={box}\n"


def _stamp(moment_ms: int) -> str:
    seconds, ms = divmod(moment_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
