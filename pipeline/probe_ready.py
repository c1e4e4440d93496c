"""Whether a film's own pictures can be published as they are, without encoding them again.

Owns that judgement, and reading just enough of H.264 for it (ITU-T H.264, 7.3.1; ISO/IEC 14496-15,
5.3.3). Refuses to call anything ready that one of today's browsers would show differently from
what we encode: then it is encoded. `probe_media` collects the key packets, `plan` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pipeline.model import Colour, VideoStream
from pipeline.probe_streams import Seen, ms

_PROFILES = ("Constrained Baseline", "Main", "High")
_MOST_KEY_MS = 10_500  # players begin and switch at key frames only; 250 frames of film are 10.4 s
_BORDER_MS = 500  # more than the pictures that are coded ahead of being shown
_FASTEST = 61  # frames per second; the limit is 60, and a camera's clock may run fast
_HD_HEIGHT = 720  # from here on, players take pictures that name no colours for BT.709
_IDR, _SLICE = 5, 1  # NAL units that hold pictures; the first begins one that needs no other
_TYPE = 0x1F
_AVCC = 1  # first byte of the configuration record; a bare stream begins with 0


def starts_afresh(extradata: bytes | None, packet: Any) -> bool:
    """True when an H.264 key packet as MP4 has it is an IDR picture.

    Others are key frames to a seeking player only: what follows may still need what was before.
    """
    if not extradata or extradata[0] != _AVCC:
        return False
    kinds = _units(memoryview(packet), (extradata[4] & 3) + 1)
    return next((kind == _IDR for kind in kinds if _SLICE <= kind <= _IDR), False)


def _units(data: memoryview, length_bytes: int) -> Iterator[int]:
    """The types of a packet's NAL units, each of which stands behind its own length."""
    at = 0
    while at + length_bytes < len(data):
        length = int.from_bytes(data[at : at + length_bytes], "big")
        yield data[at + length_bytes] & _TYPE
        at += length_bytes + length


def key_ms(seen: Seen, *, indexed: bool) -> int | None:
    """The longest way from one key frame to the next, or to the end; None where nobody knows.

    Of a file that was not read whole the container's index tells, if it is `indexed`. Else what was
    read of it does: there may be longer ways, but hardly of twice the length.
    """
    tick, keys = seen.times.tick, seen.keys
    if seen.is_partial and not indexed:
        ways = [late - early for early, late in pairwise(sorted(keys))]
        return ms(2 * max(ways) * tick) if ways else None
    if seen.is_partial:
        keys = [one.timestamp for one in seen.stream.index_entries if one.is_keyframe]
    if not keys:
        return None
    marks = [*sorted(keys), max(seen.times.end, *keys)]
    return max(ms((late - early) * tick) for early, late in pairwise(marks))


def run_in_ms(seen: Seen, longest_ms: int | None) -> int | None:
    """How much too early to seek for every picture to come; None: begin at the beginning.

    Most containers lead to the key frame before. Broadcast streams, searched by their timestamps,
    lead to anywhere, so `longest_ms` between key frames has to be gone back; RealMedia without an
    index leads nowhere.
    """
    if "lost" in seen.landings:
        return None
    if "between" not in seen.landings:
        return 0
    return None if longest_ms is None else longest_ms + _BORDER_MS


def web_ready(seen: Seen, video: VideoStream, demuxer: str) -> bool:
    """True when every browser shows these pictures rightly as they are."""
    context = seen.stream.codec_context
    return (
        demuxer == "mov"
        and seen.closed
        and seen.times.packets > 1  # a single picture has to be repeated
        and not seen.discards
        and (video.codec, video.pixel_format) == ("h264", "yuv420p")
        and video.profile in _PROFILES
        and int(context.field_order) <= 1
        and _is_plain(video)
        and (seen.stream.sample_aspect_ratio or 1) == video.sample_aspect
        and _is_bt709(video.colour, video.height)
        and video.frame_rate <= _FASTEST
        and video.start_ms == 0
        and video.key_ms is not None
        and video.key_ms <= _MOST_KEY_MS
    )


def _is_plain(video: VideoStream) -> bool:
    """Shown as it is coded: not turned, cut, stretched, woven or changing."""
    same_size = (video.width, video.height) == (video.coded_width, video.coded_height)
    even = video.width % 2 == 0 and video.height % 2 == 0
    turned = video.rotation or video.mirrored
    changes = video.changes or video.reshapes
    return same_size and even and not (turned or video.interlaced or changes)


def _is_bt709(colour: Colour, height: int) -> bool:
    named = {colour.primaries, colour.transfer, colour.matrix} - {""}
    silent_sd = not colour.matrix and height < _HD_HEIGHT
    return named <= {"bt709"} and not colour.full_range and not silent_sd
