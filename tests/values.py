"""Small builders of the model's values: every field has a dull default, a test names its own."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

from config import profiles
from pipeline.model import (
    Artifact,
    AudioOut,
    AudioStream,
    Colour,
    CopyOut,
    Drop,
    Entry,
    FilmOut,
    Fragmented,
    Kind,
    Picture,
    Plan,
    PostInfo,
    Probe,
    Profile,
    Reel,
    Segment,
    Sidecar,
    SoundOut,
    Source,
    Step,
    StepRecord,
    TextStream,
    VideoOut,
    VideoStream,
)
from pipeline.plan import Order, plan
from pipeline.records import ItemRecords, PostDrop
from pipeline.store import DirStore

DEFAULT: Profile = profiles.load("default")
TOOL = "ffmpeg version 9.0"
NOW = 1_000_000.0


def entry(key: str, identity: str = "", *, modified: float = 0.0) -> Entry:
    """A listed file; its identity is its key unless told."""
    return Entry(key=key, bytes=1000, identity=identity or f"id-{key}", modified=modified)


def source(name: str = "talk.mp4", identity: str = "a" * 64) -> Source:
    """An uploaded file of the post "post"."""
    return Source(key=f"post/{name}", name=name, bytes=1000, identity=identity)


def drop(name: str = "talk.mp4", **facts: Any) -> Drop:
    """An item as it was dropped."""
    known = {"post": "post", "item": "talk", "kind": Kind.VIDEO, "media": source(name)}
    return Drop(**(known | facts))


def subtitles(language: str = "es", identity: str = "s" * 64) -> Sidecar:
    """A subtitle file beside talk.mp4."""
    name = f"talk.{language}.srt"
    return Sidecar(role="captions", language=language, source=source(name, identity))


def picture_stream(width: int = 1920, height: int = 1080, **facts: Any) -> VideoStream:
    """A plain progressive picture of 25 frames per second in BT.709."""
    known = {
        "index": 0,
        "codec": "h264",
        "pixel_format": "yuv420p",
        "coded_width": width,
        "coded_height": height,
        "width": width,
        "height": height,
        "rotation": 0,
        "sample_aspect": Fraction(1),
        "frame_rate": Fraction(25),
        "variable_rate": False,
        "interlaced": False,
        "frames": 250,
        "duration_ms": 10_000,
        "bit_depth": 8,
        "has_alpha": False,
        "colour": Colour(primaries="bt709", transfer="bt709", matrix="bt709"),
    }
    return VideoStream(**(known | facts))


def sound_stream(channels: int = 2, **facts: Any) -> AudioStream:
    """A sound track at 48 kHz."""
    known = {
        "index": 1,
        "codec": "aac",
        "channels": channels,
        "layout": {1: "mono", 2: "stereo", 6: "5.1"}.get(channels, ""),
        "sample_rate": 48_000,
        "duration_ms": 10_000,
    }
    return AudioStream(**(known | facts))


def text_stream(index: int = 2, language: str = "es", **facts: Any) -> TextStream:
    """An embedded subtitle track."""
    return TextStream(
        **({"index": index, "codec": "mov_text", "is_text": True, "language": language} | facts)
    )


def film(stream: VideoStream | None = None, **facts: Any) -> Probe:
    """A film of ten seconds with stereo sound."""
    known = {
        "kind": Kind.VIDEO,
        "container": "mov",
        "demuxer": "mov",
        "duration_ms": 10_000,
        "video": (stream or picture_stream(),),
        "audio": (sound_stream(),),
    }
    return Probe(**(known | facts))


def recording(stream: AudioStream | None = None, **facts: Any) -> Probe:
    """A sound recording of ten seconds."""
    known = {
        "kind": Kind.AUDIO,
        "container": "wav",
        "demuxer": "wav",
        "duration_ms": 10_000,
        "audio": (stream or sound_stream(index=0),),
    }
    return Probe(**(known | facts))


def photo(width: int = 3000, height: int = 2000, **facts: Any) -> Probe:
    """A photo from a camera."""
    known = {"format": "JPEG", "width": width, "height": height, "orientation": 1, "mode": "RGB"}
    return Probe(kind=Kind.PHOTO, container="jpeg", demuxer="", picture=Picture(**(known | facts)))


def order(probe: Probe | None = None, **facts: Any) -> Order:
    """What a plan is made from."""
    known = {"drop": drop(), "probe": probe or film(), "profile": DEFAULT, "tool": TOOL}
    return Order(**(known | facts))


def planned(probe: Probe | None = None, **facts: Any) -> Plan:
    """The plan of an order."""
    return plan(order(probe, **facts))


def step(plan_: Plan, name: str) -> Step:
    """The one step of that name; fails where there is none."""
    (found,) = (s for s in plan_.steps if s.name == name)
    return found


def left_behind(plan_: Plan, name: str, **facts: Any) -> StepRecord:
    """The record of a finished step, its pictures and sound in fragments as they were planned."""
    done = step(plan_, name)
    known = {"step": name, "fingerprint": done.fingerprint, "source_sha256": "c" * 64}
    made = tuple(_artifact(out, done) for out in done.outputs)
    return StepRecord(**(known | {"artifacts": made} | facts))


def _artifact(out: Any, done: Step) -> Artifact:
    facts: dict[str, Any] = {
        "role": out.role,
        "key": f"post/talk/r/{done.fingerprint}/{out.file}",
        "media_type": "image/jpeg" if out.file.endswith("jpg") else "application/octet-stream",
        "bytes": 1000,
        "sha256": "0" * 64,
        "width": getattr(out, "width", None),
        "duration_ms": done.duration_ms if isinstance(out, FilmOut | AudioOut) else None,
        "language": getattr(out, "language", None),
    }
    if isinstance(out, VideoOut | CopyOut):
        extra = {"label": f"{out.short_side}p", "rung": out.short_side}
        return Reel(**facts, frames=100, extra=extra, inside=_pictures(out, done))
    if isinstance(out, SoundOut):
        extra = {"label": out.label, "default": out.default, "channels": out.track.channels}
        return Reel(**facts, extra=extra, inside=_heard(out))
    return Artifact(**facts)


def _pictures(out: VideoOut | CopyOut, done: Step) -> Fragmented:
    rate = out.frame_rate
    group = out.gop_frames if isinstance(out, VideoOut) else round(rate * 4)
    first = max(0, round((done.span.start_s - done.span.shift_s) * rate + Fraction(1, 4)))
    count = round(Fraction(done.duration_ms or 0, 1000) * rate)
    ticks = [round(Fraction(first + at) * out.timescale / rate) for at in range(0, count, group)]
    end = round(Fraction(first + count) * out.timescale / rate)
    codec = {"h264": "avc1.64001f", "av1": "av01.0.05M.08"}[getattr(out, "codec", "h264")]
    return _fragmented(codec, out.timescale, [*ticks, end])


def _heard(out: SoundOut) -> Fragmented:
    rate = out.track.sample_rate
    ticks = range(0, (out.length_ms or 0) * rate // 1000, out.fragment_ms * rate // 1000)
    return _fragmented("mp4a.40.2", rate, [*ticks, (out.length_ms or 0) * rate // 1000])


def _fragmented(codec: str, timescale: int, borders: list[int]) -> Fragmented:
    """Fragments of a thousand bytes each between these times."""
    segments = tuple(
        Segment(offset=700 + 1000 * number, bytes=1000, start=start, duration=end - start)
        for number, (start, end) in enumerate(itertools.pairwise(borders))
    )
    return Fragmented(codec=codec, timescale=timescale, header_bytes=700, segments=segments)


def post_drop(**facts: Any) -> PostDrop:
    """What a scan saw of the post "post"."""
    known = {"folder": "post", "info": PostInfo(), "language": "en", "items": ("talk",)}
    return PostDrop(**(known | facts))


def records_of(**facts: Any) -> ItemRecords:
    """Everything known about the item "talk"."""
    return ItemRecords(**({"drop": drop(), "generation": "g1"} | facts))


class Clock(DirStore):
    """A store on a folder whose clock is set by the test."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.time = NOW

    def now(self) -> float:
        """What the test says."""
        return self.time


def changed(value: Any, **facts: Any) -> Any:
    """The value with some fields changed."""
    return dataclasses.replace(value, **facts)
