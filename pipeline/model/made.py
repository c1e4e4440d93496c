"""What was made, measured.

Owns the facts about finished files; nothing here is taken from a plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
