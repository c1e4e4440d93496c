"""The frozen values that stand between deciding and doing.

Owns the vocabulary (source, probe, profile, step, plan, artifact, manifest) and its canonical
JSON. Refuses all behaviour beyond small look-ups: `plan` decides, `render` does. Units are in the
names; frame rates are exact fractions written "30000/1001".
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


class Kind(StrEnum):
    """What an item is to its reader."""

    VIDEO = "video"
    AUDIO = "audio"
    PHOTO = "photo"


class State(StrEnum):
    """Where an item stands, in the order it passes through them."""

    WAITING = "waiting"
    PROCESSING = "processing"
    PLAYABLE = "playable"
    PUBLISHED = "published"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


# --- what came in ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One uploaded file. `identity` is the store's own name for exactly these bytes."""

    key: str
    name: str
    bytes: int
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A text file that belongs to a media file; `language` is a BCP-47 tag or "und".

    `named` is False where the file's name holds no language, and the post's was assumed.
    """

    role: Literal["captions", "caption-text", "transcript"]
    language: str
    source: Source
    named: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInfo:
    """What post.toml says about one item; empty means: take it from elsewhere.

    `version` is what readers call this version of a film; `versions` are further ones to be made
    of its file, by name, each the clip that it shows. A photo may be a `scan`, and be set upright
    (`deskew`); None: as the post says.
    """

    title: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    caption: str = ""
    alt: str = ""
    credit: str = ""
    poster: str = ""
    clip: str = ""
    version: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    scan: bool | None = None
    deskew: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostInfo:
    """What post.toml says about the post, with sensible defaults for everything."""

    title: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    language: str = ""
    date: str = ""
    byline: str = ""
    credit: str = ""
    cover: str = ""
    profile: str = ""
    blog: str = ""
    text: str = ""
    order: tuple[str, ...] = ()
    sort: Literal["", "name", "taken"] = ""
    items: dict[str, ItemInfo] = field(default_factory=dict)
    scan: bool = False
    deskew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One item as it lies in the ingest bucket: a media file with what belongs to it.

    `edition` is raised when somebody asks for everything to be made anew. A film may be one
    version of another item: `version` is what readers call it, `version_of` that item.
    """

    post: str
    item: str
    kind: Kind
    media: Source
    sidecars: tuple[Sidecar, ...] = ()
    info: ItemInfo = ItemInfo()
    profile: str = "default"
    version: str = ""
    version_of: str = ""
    edition: int = 0
    withdrawn: bool = False


# --- what was found in it -------------------------------------------------------------------


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
    the same all along. `start_ms` and `last_ms`, when the first and the last picture come, count
    from where the file's clock starts; `key_ms` is the longest way from one key frame to the next,
    and `run_in_ms` how much too early one has to seek for every picture to come (None: only from
    the beginning). `web_ready` pictures can be published as they are.
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
    start_ms: int = 0
    last_ms: int | None = None
    profile: str = ""
    key_ms: int | None = None
    run_in_ms: int | None = 0
    web_ready: bool = False

    @property
    def short_side(self) -> int:
        """The smaller displayed dimension, by which rungs are named."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream:
    """A sound track. `start_ms` counts from where the file's clock starts."""

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
    notes: tuple[str, ...] = ()


# --- what the operator wants -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the video ladder, named by its short side in pixels, in one codec.

    `x264` are options of its own, beside those of the profile.
    """

    short_side: int
    crf: float
    max_bps: int
    codec: Literal["h264", "av1"] = "h264"
    x264: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoProfile:
    """How film is encoded."""

    rungs: tuple[Rung, ...]
    preset: str
    x264: str
    av1_preset: int
    max_fps: int
    gop_seconds: float
    chunk_seconds: float
    stable_rung: int
    copy_max_bps: int
    poster_quality: int
    storyboard_thumbs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioProfile:
    """How sound is encoded; loudness after EBU R 128 (LUFS, dBTP)."""

    loudness_lufs: float
    true_peak_dbtp: float
    max_gain_db: float
    aac_bps_per_channel: int
    mp3_bps_per_channel: int
    sample_rate: int
    waveform_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoProfile:
    """How stills are encoded, and pictures that move (`loop_crf`, no wider than `loop_width`).

    Scans, and what has `scan_pixels` or more, get one more size to zoom into: `scan_width` at most.
    """

    widths: tuple[int, ...]
    jpeg_quality: int
    avif_quality: int
    avif_speed: int
    scan_pixels: int
    scan_width: int
    scan_quality: int
    loop_width: int
    loop_crf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is refused, and how long and how large a child may grow."""

    max_bytes: int
    max_duration_s: int
    max_frame_pixels: int
    max_photo_pixels: int
    max_streams: int
    max_text_bytes: int
    memory_bytes: int
    step_timeout_s: int
    stall_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The operator's intent. `version` changes whenever outputs would change."""

    name: str
    version: int
    summary: str
    video: VideoProfile
    audio: AudioProfile
    photo: PhotoProfile
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How a machine writes down what is said: by which model, and the languages spoken here.

    Without `languages` it may be any that the model knows.
    """

    model: str
    languages: tuple[str, ...] = ()


# --- what is to be made ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a source on its own clock, in seconds: from `start_s` to just before `end_s`.

    `shift_s` is what the published film's clock is behind the source's; `end_s` None means to the
    end. Borders lie a little before a frame, so that rounded timestamps fall on one side. Reading
    has to begin `run_in_s` earlier; None means at the file's beginning, for one without an index.
    `zero_s` is where the file's own timestamps begin, for formats of which FFmpeg does not know it.
    """

    start_s: Fraction = Fraction(0)
    end_s: Fraction | None = None
    shift_s: Fraction = Fraction(0)
    run_in_s: Fraction | None = Fraction(1, 2)
    zero_s: Fraction = Fraction(0)

    @property
    def late_s(self) -> Fraction:
        """How far the file's own timestamps are ahead of the published clock."""
        return self.zero_s + self.shift_s

    @property
    def is_all(self) -> bool:
        """True where nothing is left out."""
        return self.start_s == self.shift_s == 0 and self.end_s is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTrack:
    """Which sound goes in and what becomes of it; the gain is measured when it is made.

    `source_rate` is that of what goes in, `sample_rate` that of what comes out.
    """

    stream: int
    source_rate: int
    channels: int
    sample_rate: int
    bitrate_bps: int
    loudness_lufs: float
    true_peak_dbtp: float
    max_gain_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What happens to every decoded frame before any scaling.

    `frame_rate` is a rate to convert to; None keeps every frame at its own time. A `mirrored`
    picture is flipped left-right, then turned clockwise by `rotation` degrees. What is transparent
    (`alpha`) becomes black; `decoder` names the one that sees it, where the usual one does not.
    Rungs are scaled one from the other through all sizes of the `cascade`, largest first.
    """

    stream: int
    decoder: str = ""
    alpha: bool = False
    rotation: int = 0
    mirrored: bool = False
    deinterlace: bool
    field_order: Literal["", "tff", "bff"] = ""
    tonemap: Literal["", "pq", "hlg"]
    colour: Colour
    frame_rate: Fraction | None
    cascade: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOut:
    """One rung of one chunk: fragmented MP4 (CMAF), a closed group of pictures to a fragment.

    Frames are timed in `timescale` ticks per second. `gop_ms` bounds the groups of films whose
    frames come unevenly. `hold_ms` keeps the last picture, which comes at `hold_from_ms` of the
    source, for as long as the sound goes on. On the published clock the chunk fills the time from
    `begin_s` to `end_s` (None: to an end that nobody knows).
    """

    make: Literal["video"] = "video"
    role: str
    file: str
    codec: Literal["h264", "av1"]
    width: int
    height: int
    crf: float
    preset: str
    options: str
    max_bps: int
    gop_frames: int
    gop_ms: int = 0
    frame_rate: Fraction
    timescale: int
    begin_s: Fraction = Fraction(0)
    end_s: Fraction | None = None
    hold_ms: int = 0
    hold_from_ms: int = 0

    @property
    def short_side(self) -> int:
        """What the rung is called by."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOut:
    """The source's own pictures as the top rung, in fragmented MP4, not encoded again.

    The last one stays to `end_s` of the film, where that is known.
    """

    make: Literal["copy"] = "copy"
    role: str
    file: str
    width: int
    height: int
    stream: int
    frame_rate: Fraction
    timescale: int
    end_s: Fraction | None = None

    @property
    def short_side(self) -> int:
        """What the rung is called by."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundOut:
    """A film's sound track in one language: AAC in fragmented MP4, `fragment_ms` to a fragment."""

    make: Literal["film-sound"] = "film-sound"
    role: str
    file: str
    track: SoundTrack
    fragment_ms: int
    length_ms: int | None
    language: str
    label: str
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOut:
    """video.mp4: the finished chunks of one rung and a sound track, joined without encoding.

    `frames` is how many there should be, where that is known; the first is due at `late_ms`, the
    last at `last_ms` (None: nobody knows).
    """

    make: Literal["film"] = "film"
    role: str
    file: str
    rung: int
    frames: int | None
    frame_rate: Fraction
    variable_rate: bool
    late_ms: int = 0
    last_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryboardOut:
    """Small pictures of the whole film for scrubbing: tiled sprites, and a WebVTT that maps them.

    Made from the key frames of the finished rung `rung`: one every `every_ms`.
    """

    make: Literal["storyboard"] = "storyboard"
    role: str
    file: str
    rung: int
    width: int
    height: int
    columns: int
    rows: int
    every_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewOut:
    """A short silent film for link cards and lists: a moment from each of several places."""

    make: Literal["preview"] = "preview"
    role: str
    file: str
    rung: int
    width: int
    height: int
    moments_ms: tuple[int, ...]
    moment_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PosterOut:
    """The best frame among `moments_ms` as JPEG, plain or with a play badge burnt in.

    With `every_ms`, frames that far apart are looked at instead, as many as there are moments.
    """

    make: Literal["poster"] = "poster"
    role: str
    file: str
    width: int
    height: int
    quality: int
    badge: bool
    moments_ms: tuple[int, ...]
    every_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOut:
    """A loudness-normalised sound file with its tags, and its chapters on the published clock."""

    make: Literal["audio"] = "audio"
    role: str
    file: str
    codec: Literal["aac", "mp3"]
    track: SoundTrack
    tags: Tags = Tags()
    chapters: tuple[Chapter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverOut:
    """A recording's cover art as JPEG, no side longer than `longest` and never enlarged.

    With a `badge` a play badge is burnt in. A `square` fills `longest` both ways, as directories
    of podcasts want it: the picture stands whole before an enlarged, blurred copy of itself.
    """

    make: Literal["cover"] = "cover"
    role: str
    file: str
    stream: int
    shape: Literal["plain", "badge", "square"]
    longest: int
    quality: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveformOut:
    """The shape of the sound as a small SVG of `bars` bars."""

    make: Literal["waveform"] = "waveform"
    role: str
    file: str
    bars: int
    track: SoundTrack


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoOut:
    """One width of a still in one format; `page` counts from 0, `deskew` sets lines level."""

    make: Literal["photo"] = "photo"
    role: str
    file: str
    width: int
    height: int
    format: Literal["jpeg", "avif"]
    quality: int
    speed: int
    page: int = 0
    deskew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOut:
    """A picture that moves as a short silent film, in faststart MP4 at the picture's own times."""

    make: Literal["loop"] = "loop"
    role: str
    file: str
    width: int
    height: int
    crf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionsOut:
    """A clean WebVTT file rebuilt from parsed cues, and beside it the transcript for pages.

    Where the language is not `named`, and the file's own words are clearly another, that counts.
    """

    make: Literal["captions"] = "captions"
    role: str
    file: str
    language: str
    stream: int | None = None
    named: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptOut:
    """What a reporter has written down of the words, in paragraphs for pages."""

    make: Literal["transcript"] = "transcript"
    role: str
    file: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechOut:
    """What is said in one chunk of the published sound, as a machine hears it.

    Its borders are looked for near `begin_ms` and `end_ms` (None: the end), where it is quiet.
    """

    make: Literal["speech"] = "speech"
    role: str
    file: str
    begin_ms: int
    end_ms: int | None
    hearing: Hearing


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenOut:
    """Subtitles and transcripts of all chunks of speech, in the languages that are found."""

    make: Literal["spoken"] = "spoken"
    role: str
    file: str
    hearing: Hearing


class _By:
    """Tells pydantic by which field it knows one of several types, without importing it here.

    Most children of a worker need no pydantic, and importing it takes 0.1 s of CPU [m].
    """

    def __init__(self, field_name: str) -> None:
        self._field_name = field_name

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Called by pydantic: https://docs.pydantic.dev/latest/concepts/types/."""
        from pydantic import Field  # noqa: PLC0415  (see above)

        chosen = Annotated[source, Field(discriminator=self._field_name)]
        return handler.generate_schema(chosen)


Output = Annotated[
    VideoOut
    | CopyOut
    | SoundOut
    | FilmOut
    | StoryboardOut
    | PreviewOut
    | PosterOut
    | AudioOut
    | CoverOut
    | WaveformOut
    | PhotoOut
    | LoopOut
    | CaptionsOut
    | TranscriptOut
    | SpeechOut
    | SpokenOut,
    _By("make"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One piece of work that succeeds or fails as a whole.

    `priority` follows Redis transports: 0 is the most urgent, 9 the least. `fingerprint` is the
    key prefix of everything the step makes, so equal work is done once. When a step that is not
    `required` fails, the item is published without what it would have made, with a note. `needs`
    names the steps whose outputs it is made from; without any it is made from the source, or from
    a `span` of it.
    """

    name: str
    fingerprint: str
    source: Source
    demuxer: str
    outputs: tuple[Output, ...]
    treatment: Treatment | None = None
    sound: SoundTrack | None = None
    span: Span = Span()
    needs: tuple[str, ...] = ()
    duration_ms: int | None = None
    required: bool = True
    timeout_s: int
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that will be made of one item, with the reasons in plain words.

    `texts` holds what text sidecars say, by role and language ("caption-text-es").
    """

    kind: Kind
    source: Source
    profile: str
    profile_version: int
    probe: Probe
    steps: tuple[Step, ...]
    texts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# --- what was made ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A fragment that a player can ask for by itself: its bytes in the file, its time in ticks."""

    offset: int
    bytes: int
    start: int
    duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragmented:
    """The inside of a fragmented MP4: `header_bytes` at its start, then the segments.

    Times are in `timescale` ticks per second; `codec` is written as RFC 6381 has it. In `pauses`
    no sample begins for half a second or more: from the end of one to the start of the next.
    """

    codec: str
    timescale: int
    header_bytes: int
    segments: tuple[Segment, ...]
    pauses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Facts measured on a finished output. `key` is where it lies in the published store."""

    role: str
    key: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    frames: int | None = None
    language: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel(Artifact):
    """A fragmented MP4 with one track: a chunk of film, or a film's sound."""

    inside: Fragmented


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What one finished step left behind."""

    step: str
    fingerprint: str
    artifacts: tuple[Reel | Artifact, ...]
    notes: tuple[str, ...] = ()
    source_sha256: str | None = None


# --- the published truth ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an item failed, in the reporter's words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What the manifest tells of an upload: its own name, never its place in the store."""

    name: str
    bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemManifest:
    """`<post>/<item>/item.json`."""

    schema: str = "newsreel/item/1"
    post: str
    item: str
    kind: Kind
    version: str = ""
    version_of: str = ""
    duplicate_of: str = ""
    state: State
    percent: int
    title: str
    titles: dict[str, str] = field(default_factory=dict)
    caption: str = ""
    alt: str = ""
    credit: str = ""
    language: str = "en"
    source: SourceFacts
    probe: dict[str, Any] = field(default_factory=dict)
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    colour: str = ""
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()
    error: Failure | None = None
    outputs: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostManifest:
    """`<post>/post.json`: the post and all of its items in reading order."""

    schema: str = "newsreel/post/1"
    post: str
    title: str
    titles: dict[str, str] = field(default_factory=dict)
    language: str
    date: str = ""
    first_seen: str = ""
    byline: str = ""
    credit: str = ""
    blog: str = ""
    text: str = ""
    cover: str = ""
    state: State
    percent: int
    notes: tuple[str, ...] = ()
    items: tuple[ItemManifest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What feeds say of a site; empty means: what its name and its pictures give.

    `category` is one of Apple's, "News" or "News > Politics"; `image` an absolute URL; `origin` the
    address that the ids of entries are made from, for a site that has moved.
    """

    description: str = ""
    author: str = ""
    email: str = ""
    category: str = "News"
    explicit: bool = False
    image: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where published files are seen from, and whose they are."""

    base_url: str
    name: str = "Newsreel"
    language: str = "en"
    blog: str = ""
    show: Show = Show()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardItem:
    """A film or a recording that has a page worth finding."""

    item: str
    kind: Kind
    title: str
    text: str = ""
    duration_ms: int | None = None
    has_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCard:
    """What the site's front page and its sitemap need to know of a post."""

    post: str
    title: str
    language: str
    date: str
    state: State
    poster: str = ""
    first_seen: str = ""
    preview: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    items: tuple[CardItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """A file that a feed points at."""

    key: str
    media_type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A film, a recording or a photo as feeds list it; `published` is an ISO moment with its zone.

    `file` is what is downloaded, `square` the picture that directories of podcasts show.
    """

    item: str
    kind: Kind
    title: str
    text: str
    html: str
    published: str
    duration_ms: int | None
    file: FeedFile
    poster: FeedFile
    square: str = ""
    captions: tuple[FeedFile, ...] = ()
    has_chapters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """A post as feeds list it; without episodes, there is nothing of it to be seen yet.

    `html` is what feed readers show of it; `updated` the moment its newest item came.
    """

    post: str
    title: str
    language: str
    author: str
    text: str
    html: str
    published: str
    updated: str
    episodes: tuple[Episode, ...] = ()


# --- things in a store -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored object. `identity` names exactly these bytes; `modified` is the store's time."""

    key: str
    bytes: int
    identity: str
    modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Something to be stored: bytes or a file, with the headers it is served with."""

    key: str
    body: bytes | Path
    media_type: str
    cache: str = ""


# --- canonical JSON --------------------------------------------------------------------------


@functools.cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """The one pydantic adapter for a value type; building one is slow, so they are kept."""
    from pydantic import TypeAdapter  # noqa: PLC0415  (0.1 s of CPU: most children do without)

    return TypeAdapter(kind)


def to_json(value: Any) -> bytes:
    """Canonical JSON of a value: sorted keys, no spaces, UTF-8, a final newline."""
    kind: Any = type(value)
    plain = adapter(kind).dump_python(value, mode="json")
    return (
        json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    ).encode()


def from_json(kind: type[T], data: bytes | str) -> T:
    """Read a value back; raises pydantic.ValidationError on anything that does not fit."""
    wanted: Any = kind
    value: T = adapter(wanted).validate_json(data)
    return value


def digest(*parts: Any) -> str:
    """Hex sha256 over the canonical JSON of plain parts: the house's one way to name work."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
