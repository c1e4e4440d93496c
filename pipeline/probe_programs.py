"""One program of a recording that holds several, as a whole channel of digital television does.

Owns reading which stream belongs to which program, and the choice. Refuses to open anything.
`probe_media` asks when it knows what can be played, `probe_clock` before it copies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pipeline.probe_streams import DUMPED_STREAM

_PROGRAM = re.compile(r"^  Program (\d+)")
_ALONE = re.compile(r"^  No Program")


def elsewhere(streams: Sequence[Any], dump: str) -> frozenset[int]:
    """The streams of other programs than the one with the largest picture, by FFmpeg's description.

    Without any picture it is the one with the first sound. Sound of a program without a picture
    counts as the picture's where that has none of its own: some machines sort so badly.
    """
    of = _programs(dump)
    shown = [one for one in streams if one.type == "video"]
    heard = [one for one in streams if one.type == "audio"]
    main = max(streams, key=lambda one: (_pixels(one), -one.index), default=None)
    chosen = of.get(main.index, set()) if main else set()
    if not chosen:
        return frozenset()
    others = {stream for stream, programs in of.items() if programs.isdisjoint(chosen)}
    if all(one.index in others for one in heard):
        pictured = set[int]().union(*(of.get(one.index, set()) for one in shown))
        others -= {one.index for one in heard if of[one.index].isdisjoint(pictured)}
    return frozenset(others)


def _programs(dump: str) -> dict[int, set[int]]:
    """The programs of each stream that has any; PyAV does not hand them out."""
    found: dict[int, set[int]] = {}
    program: int | None = None
    for line in dump.splitlines():
        if match := _PROGRAM.match(line):
            program = int(match[1])
        elif _ALONE.match(line):
            program = None
        elif (match := DUMPED_STREAM.match(line)) and program is not None:
            found.setdefault(int(match[1]), set()).add(program)
    return found


def _pixels(stream: Any) -> int:
    context = stream.codec_context
    return int(context.width * context.height) if context and stream.type == "video" else 0
