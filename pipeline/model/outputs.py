"""What can be made: a closed union of outputs, every number of them final.

Owns one type for each kind of output, and the treatments that lead there. A new kind of output is a
class here, a rule in `plan`, a maker in `render`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from pipeline.model.found import Chapter, Colour, Tags
from pipeline.model.wanted import Hearing


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

    `source_rate` is that of what goes in, `sample_rate` that of what comes out. Where there is a
    `right` stream, it is the right side of a sound of which `stream` is the left. So many channels
    as are `unplaced` come without a word of where they belong; `ambisonic` ones are no loudspeakers
    but a sphere.
    """

    stream: int
    source_rate: int
    channels: int
    sample_rate: int
    bitrate_bps: int
    loudness_lufs: float
    true_peak_dbtp: float
    max_gain_db: float
    right: int | None = None
    unplaced: int = 0
    ambisonic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What happens to every decoded frame before any scaling.

    `frame_rate` is a rate to convert to; None keeps every frame at its own time. A `mirrored`
    picture is flipped left-right, then turned clockwise by `rotation` degrees. What is transparent
    (`alpha`) becomes black; `decoder` names the one that sees it, where the usual one does not.
    Rungs are scaled one from the other through all sizes of the `cascade`, largest first. Of films
    whose pixels change their aspect on the way, `reshaping` names the decoder that tells; those
    that are woven from fields have the `coded` size. A colour without a matrix is what each picture
    says.
    """

    stream: int
    decoder: str = ""
    reshaping: str = ""
    alpha: bool = False
    rotation: int = 0
    mirrored: bool = False
    deinterlace: bool
    field_order: Literal["", "tff", "bff"] = ""
    coded: tuple[int, int] | None = None
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
