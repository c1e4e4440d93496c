"""Where a stretch of a film lies that has no index to tell it: found by going there.

Owns the walk that FFmpeg will take through a file: opening it, going to a moment, reading on from
there. The file is brought as it is read, so what was brought is what FFmpeg will want. Runs only
inside a confined child; `partial` is the parent's side, and `probe_index` does the same for MP4 and
MOV without reading what lies between.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer

from pipeline.errors import Unreadable
from pipeline.model import adapter
from pipeline.partial import AFTERMATH_S, MORE_KEYS, Reach
from pipeline.probe_index import opened, zero_s
from pipeline.probe_streams import MS
from pipeline.remote import RemoteFile

# Where pictures are reordered, FFmpeg's command line goes to so much before a moment.
_REORDERED_S = Fraction(3, 23)


def walked(path: str, demuxer: str, wanted: dict[str, Any]) -> None:
    """Read all that a `Reach` names; raises Unreadable where that fails."""
    reach: Reach = adapter(Reach).validate_python(wanted)
    with RemoteFile(path) as file:
        for start, end in reach.spans:
            # Each time anew: what a demuxer has learnt on its way decides where it looks next.
            with _opened(file, demuxer) as container:
                _go(container, start)
            until = 0
            if end is not None and not reach.key_frames_only:
                until = _place(file, demuxer, end + AFTERMATH_S)
            with _opened(file, demuxer) as container:
                _go(container, start - _REORDERED_S)
                # All of it at once, as far as two looks can tell; reading will find the rest.
                file.bring(file.tell(), until)
                _read(container, reach, end)


def _opened(file: RemoteFile, demuxer: str) -> AbstractContextManager[InputContainer]:
    file.seek(0)
    return opened(file, demuxer)


def _go(container: InputContainer, moment: Fraction) -> None:
    """Go to a moment on the film's clock, and read what is there."""
    at = zero_s(container) + moment
    if moment > 0:
        container.seek(int(at * av.time_base))
    next(container.demux(), None)


def _place(file: RemoteFile, demuxer: str, moment: Fraction) -> int:
    """About where a moment lies in the file; 0 where nothing leads there."""
    with suppress(Unreadable), _opened(file, demuxer) as container:
        _go(container, moment)
        return file.tell()
    return 0


def _read(container: InputContainer, reach: Reach, end: Fraction | None) -> None:
    """Read on until every stream has what is wanted of it, or to the end."""
    keys = reach.key_frames_only
    if not {*reach.streams} <= {stream.index for stream in container.streams}:
        raise Unreadable("The file has not the tracks that are wanted.")
    enough = None if end is None else zero_s(container) + end + (0 if keys else AFTERMATH_S)
    behind = dict.fromkeys(reach.streams, 0)
    for packet in container.demux():
        if packet.stream.index in behind and _is_behind(packet, enough, keys=keys):
            behind[packet.stream.index] += 1
            if min(behind.values()) >= (MORE_KEYS if keys else 1):
                return


def _is_behind(packet: Any, enough: Fraction | None, *, keys: bool) -> bool:
    """True where a packet, or a key frame, lies behind the end of what is wanted."""
    at = packet.pts if packet.dts is None else packet.dts
    if enough is None or at is None or (keys and not packet.is_keyframe):
        return False
    return bool(at * (packet.time_base or MS) > enough)
