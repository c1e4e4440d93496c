"""What makes subtitles hard to read, by the rules of the trade.

Owns those rules and their figures: line length, lines, reading speed, time on screen, gaps and
overlaps. Pure; it warns, it never blocks. Refuses words for reporters: a finding names its rule
and its places, `sheet` says it in their language. `captions` mends what must be mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pipeline.captions_text import Cue, words

# Netflix's Timed Text Style Guide: 42 characters, 2 lines, 5/6 s to 7 s, 2 frames between two.
LINE_CHARACTERS, LINES = 42, 2
SHORTEST_MS, LONGEST_MS = 833, 7000
GAP_MS = 80
# Characters a second, by the same guide.
_SPEED, _OTHER_SPEED = {"en": 20, "es": 17}, 20
# Scripts that write words without spaces are not measured in Latin characters.
_DENSE = ("zh", "ja", "ko", "th")
_EXAMPLES = 3
_QUOTED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that is broken: how often, the rule's own figure, and the first places.

    A place is {"at_ms", "line", "text"}: when, where in the file (0: nowhere), and what is said.
    """

    rule: str
    limit: float
    count: int
    places: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A cue as its reader meets it, with how long it is after the one before."""

    cue: Cue
    text: str
    ms: int
    gap_ms: int | None


def speed(language: str) -> int:
    """Characters a second that can be read with ease."""
    return _SPEED.get(language.partition("-")[0], _OTHER_SPEED)


def lint(cues: Sequence[Cue], language: str) -> tuple[Finding, ...]:
    """What makes these subtitles hard to read; cues are in order of time."""
    seen = list(_seen(cues))
    found = []
    for rule, limit, broken in _rules(language):
        places = [one for one in seen if broken(one)]
        if places:
            shown = tuple(_place(one) for one in places[:_EXAMPLES])
            found.append(Finding(rule=rule, limit=limit, count=len(places), places=shown))
    return tuple(found)


def _seen(cues: Sequence[Cue]) -> Iterator[_Seen]:
    befores: list[Cue | None] = [None, *(former for former, _ in pairwise(cues))]
    for cue, before in zip(cues, befores, strict=True):
        gap = None if before is None else cue.start_ms - before.end_ms
        yield _Seen(cue=cue, text=words(cue.text), ms=cue.end_ms - cue.start_ms, gap_ms=gap)


def _rules(language: str) -> Iterator[tuple[str, float, Callable[[_Seen], bool]]]:
    if language.partition("-")[0] not in _DENSE:
        fastest = speed(language)
        yield "long-line", LINE_CHARACTERS, lambda one: _longest(one.text) > LINE_CHARACTERS
        yield "fast", fastest, lambda one: len(one.text) * 1000 > fastest * one.ms
    yield "many-lines", LINES, lambda one: one.text.count("\n") >= LINES
    yield "brief", SHORTEST_MS / 1000, lambda one: one.ms < SHORTEST_MS
    yield "lasting", LONGEST_MS / 1000, lambda one: one.ms > LONGEST_MS
    yield "overlap", 0, lambda one: one.gap_ms is not None and one.gap_ms < 0
    # Cues that touch are a style of their own; a flicker of a frame is a slip.
    yield "gap", GAP_MS / 1000, lambda one: one.gap_ms is not None and 0 < one.gap_ms < GAP_MS


def _longest(text: str) -> int:
    return max((len(line) for line in text.split("\n")), default=0)


def _place(one: _Seen) -> dict[str, Any]:
    flat = " ".join(one.text.split())
    short = flat if len(flat) <= _QUOTED else flat[:_QUOTED].rsplit(" ", 1)[0] + "…"
    return {"at_ms": one.cue.start_ms, "line": one.cue.line, "text": short}
