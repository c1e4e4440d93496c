"""The cue: a stretch of time and what is shown in it. All that reads or writes subtitles has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A stretch of time and its text as written (tags included); `line` is where it was found."""

    start_ms: int
    end_ms: int
    text: str
    line: int = 0
