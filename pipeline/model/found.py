"""What a confined child found in an upload.

Owns streams, pictures, chapters and tags, as they are displayed and heard. Refuses to judge:
`wanted` says what is to become of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from pipeline.model.kinds import Kind

STRANGEST_ASPECT = 10
"""A sample aspect beyond 10:1, or 1:10, is a mistake and no lens: such pixels count as square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """Colour tags by FFmpeg's names ("bt709", "smpte2084"); empty where the file is silent."""

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    full_range: bool = False

    @property
    def is_hdr(self) -> bool:
        """True for the two HDR transfer curves, PQ (SMPTE ST 2084) and HLG (ARIB STD-B67)."""
        return self.transfer in ("smpte2084", "arib-std-b67")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    """A moving picture. `width` and `height` are as displayed: square pixels, upright.

    To be upright it is first flipped left to right if `mirrored`, then turned clockwise by
    `rotation` (0, 90, 180 or 270). `interlaced` means that it has to be deinterlaced, whatever
    the file says, with the first field in `field_order`. `changes` tells of a size that is not
    the same all along, `reshapes` of such an aspect of the pixels. `start_ms` and `last_ms`, when
    the first and the last picture come, count from where the file's clock starts; `key_ms` is the
    longest way from one key frame to the next, and `run_in_ms` how much too early one has to seek
    for every picture to come (None: only from the beginning). `web_ready` pictures can be
    published as they are.
    """

    index: int
    codec: str
    pixel_format: str
    coded_width: int
    coded_height: int
    width: int
    height: int
    rotation: int
    sample_aspect: Fraction
    frame_rate: Fraction
    variable_rate: bool
    interlaced: bool
    frames: int | None
    duration_ms: int | None
    bit_depth: int
    has_alpha: bool
    colour: Colour
    bitrate_bps: int | None = None
    language: str = "und"
    default: bool = False
    mirrored: bool = False
    field_order: Literal["", "tff", "bff"] = ""
    changes: bool = False
    reshapes: bool = False
    start_ms: int = 0
    last_ms: int | None = None
    profile: str = ""
    key_ms: int | None = None
    run_in_ms: int | None = 0
    web_ready: bool = False

    @property
    def is_still(self) -> bool:
        """True where its only picture stands from the beginning to the end."""
        return self.last_ms == self.start_ms

    @property
    def short_side(self) -> int:
        """The smaller displayed dimension, by which rungs are named."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """A sound track. `start_ms` counts from where the file's clock starts.

    `layout` is FFmpeg's name for where the channels belong; it is empty where the file does not say
    so of several channels, or not of all.
    """

    index: int
    codec: str
    channels: int
    layout: str
    sample_rate: int
    duration_ms: int | None
    bitrate_bps: int | None = None
    language: str = "und"
    title: str = ""
    default: bool = False
    start_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStream:
    """An embedded subtitle track; `is_text` is false for bitmap subtitles."""

    index: int
    codec: str
    is_text: bool
    language: str = "und"
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A still. `width` and `height` are as displayed; `pages` counts frames or pages.

    `captions` and `alts` are the picture's own words in certain languages, by tag.
    `sheets` are the pages after the first, where a file holds a document: number (from 0), width,
    height.
    """

    format: str
    width: int
    height: int
    orientation: int
    mode: str
    pages: int = 1
    animated: bool = False
    icc: str = ""
    caption: str = ""
    captions: dict[str, str] = field(default_factory=dict)
    alt: str = ""
    alts: dict[str, str] = field(default_factory=dict)
    headline: str = ""
    credit: str = ""
    copyright: str = ""
    keywords: tuple[str, ...] = ()
    taken: str = ""
    sheets: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A named stretch of time."""

    start_ms: int
    end_ms: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What a recording says of itself, and the files made of it repeat; everything else is dropped.

    `date` is a year, a month or a day; `language` the BCP-47 tag of what is spoken, or empty.
    """

    title: str = ""
    artist: str = ""
    album: str = ""
    date: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a confined child found in a media file.

    `cuts`, for a main picture of uneven rate, holds about every second when a picture begins and
    when the one before it began, in ms after the container's start (as `ffmpeg -copyts
    -start_at_zero` shows them). There are none where that cannot be told for certain.

    Of a file whose clock `restarts`, everything is that of its copy on one clock, which is read in
    its place.
    """

    kind: Kind
    container: str
    demuxer: str
    duration_ms: int | None = None
    start_ms: int = 0
    video: tuple[VideoStream, ...] = ()
    audio: tuple[AudioStream, ...] = ()
    text: tuple[TextStream, ...] = ()
    picture: Picture | None = None
    cover_index: int | None = None
    chapters: tuple[Chapter, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()
    tags: Tags = Tags()
    restarts: bool = False
    notes: tuple[str, ...] = ()
