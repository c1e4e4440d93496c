"""What is measured on a finished film or sound file of ours.

Owns the meaning of each figure. Pure values, apart from those of `model` because they never leave a
step: `probe_facts` measures them in a child, `render` and `render_film` compare them with what was
ordered.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import Fragmented, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """One stream of a finished output, counted packet by packet.

    `last_pts_ms` is when its last packet begins. `in_order` says that no two are shown at the same
    time, and that each is to be decoded after the one before.
    """

    index: int
    type: str
    codec: str
    packets: int
    first_pts_ms: int
    last_pts_ms: int
    duration_ms: int
    in_order: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a finished film or sound file of ours really is.

    `width` and `height` are as displayed; `frames` counts the packets of the picture;
    `decodes` says that the first picture, the last group of them and the sound beside were decoded
    without a complaint. `broken_ms` are those of the seams asked about that do not decode from the
    key frame before them on. Both leave out pictures that none is built on, but for those next to
    the end or the seam. Of a `fragmented` file `duration_ms` is when its last sample is over, on
    the film's own clock.
    """

    kind: Kind
    container: str
    duration_ms: int
    streams: tuple[StreamFacts, ...]
    decodes: bool
    broken_ms: tuple[int, ...] = ()
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    video_codec: str = ""
    audio_codec: str = ""
    audio_duration_ms: int | None = None
    fragmented: Fragmented | None = None
