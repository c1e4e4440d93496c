"""Subtitles: whatever was uploaded becomes clean WebVTT, rebuilt cue by cue.

Owns the mending of cues and the writing of files. Refuses to pass anything through: of the original
only times, words and b, i, u, v, lang, ruby survive. Reading files is in `captions_read`, the text
of a cue in `captions_text`, the rules of the trade in `captions_lint`, paragraphs in `transcript`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline import (
    captions_language,
    captions_lint,
    captions_read,
    captions_telemetry,
    errors,
    languages,
    transcript,
)
from pipeline.captions_text import Cue, markup, words

__all__ = ["Cue", "clean", "clock", "to_webvtt"]

_MAX_BYTES = 5_000_000
# A cue whose end was lost is shown as long as it takes to read at this speed.
_MENDED_MS_PER_CHARACTER = 60
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mended:
    """Cues fit to be shown, and what had to be done to them."""

    cues: tuple[Cue, ...]
    notes: tuple[str, ...]


def clean(
    path: str,
    name: str,
    max_bytes: int = _MAX_BYTES,
    start_ms: int = 0,
    end_ms: int | None = None,
) -> dict[str, Any]:
    """Read an uploaded subtitle file and answer it as clean WebVTT; runs in the confined child.

    `name` is the file's own name ("film.es.srt"), from which the language is read. Of a film that
    is published in part, `start_ms` and `end_ms` (None: to the end) say which, on the file's clock:
    the cues of that part are cut at its borders and timed from its beginning. Answers {"webvtt",
    "cues", "last_ms", "last_line", "language", "notes", "warnings", "paragraphs"}: the language is
    that of the name, else the one the file claims, else the one its words show, else ""; notes say
    what was mended, warnings what the linter found. A camera's log is answered by {"log": True}
    alone. Raises errors.OverLimit, Unsupported or Unreadable, the last with the number of the first
    line that makes no sense.
    """
    data = Path(path).read_bytes()
    if len(data) > max_bytes:
        raise errors.OverLimit(
            f"The subtitle file is larger than {max_bytes / 1e6:g} MB "
            "(setting limits.max_text_bytes)."
        )
    found = captions_read.read(data)
    if captions_telemetry.is_log(found.cues):
        return {"log": True}
    mended = _mend(found.cues)
    if not mended.cues:
        raise errors.Unreadable("The subtitle file holds no text that could be shown.")
    cues = _between(mended.cues, start_ms, end_ms)
    if not cues:
        raise errors.Unreadable("The subtitle file has no text for the part that is published.")
    last = max(cues, key=lambda cue: cue.end_ms)
    language = _language(name) or found.language or _heard(cues)
    return {
        "webvtt": to_webvtt(cues),
        "cues": len(cues),
        "last_ms": last.end_ms,
        "last_line": last.line,
        "language": language,
        "notes": [*found.notes, *mended.notes],
        "warnings": [asdict(finding) for finding in captions_lint.lint(cues, language)],
        "paragraphs": [asdict(one) for one in transcript.from_cues(cues)],
    }


def to_webvtt(cues: Iterable[Cue], note: str = "") -> str:
    """WebVTT of cleaned cues, in order of time; every cue's text is rebuilt, none is trusted.

    `note` is one line of ours for whoever opens the file in an editor.
    """
    ordered = sorted(cues, key=_when)
    blocks = (f"{clock(c.start_ms)} --> {clock(c.end_ms)}\n{markup(c.text)}\n" for c in ordered)
    return "\n".join(("WEBVTT\n", *([f"NOTE {note}\n"] if note else ()), *blocks))


# --- mending ------------------------------------------------------------------------------------


def _mend(cues: Iterable[Cue]) -> _Mended:
    """Order, and repair what can be repaired; every loss gets a note."""
    wordy = sorted((cue for cue in cues if words(cue.text)), key=_when)
    unique = list({(c.start_ms, c.end_ms, words(c.text)): c for c in reversed(wordy)}.values())[
        ::-1
    ]
    shown = [cue for cue in unique if max(cue.start_ms, cue.end_ms) > 0 or cue.start_ms == 0]
    begun = [replace(cue, start_ms=max(cue.start_ms, 0)) for cue in shown]
    timed = _with_ends(begun)
    broken = [cue for cue in begun if cue.end_ms <= cue.start_ms]
    overlaps = [later for former, later in pairwise(timed) if later.start_ms < former.end_ms]
    notes = (
        _note("Cues left out because they repeat another", len(wordy) - len(unique)),
        _note("Cues left out because they lie before the beginning", len(unique) - len(shown)),
        _placed("Cues that ended before they began, given a new end", broken),
        _placed("Cues that overlap the one before", overlaps),
    )
    return _Mended(cues=tuple(timed), notes=tuple(note for note in notes if note))


def _between(cues: Sequence[Cue], start_ms: int, end_ms: int | None) -> tuple[Cue, ...]:
    """What is shown between two moments, on the clock of the first. A choice, so without a note."""
    last = max((cue.end_ms for cue in cues), default=0) if end_ms is None else end_ms
    return tuple(
        replace(
            cue,
            start_ms=max(cue.start_ms, start_ms) - start_ms,
            end_ms=min(cue.end_ms, last) - start_ms,
        )
        for cue in cues
        if cue.end_ms > start_ms and cue.start_ms < last
    )


def _with_ends(cues: Sequence[Cue]) -> list[Cue]:
    """Give each cue that ends before it begins its reading time, up to the next later cue."""
    starts = sorted({cue.start_ms for cue in cues})
    following = dict(pairwise(starts))
    mended = []
    for cue in cues:
        if cue.end_ms > cue.start_ms:
            mended.append(cue)
            continue
        reading = max(captions_lint.SHORTEST_MS, _MENDED_MS_PER_CHARACTER * len(words(cue.text)))
        end = min(cue.start_ms + reading, following.get(cue.start_ms, 1 << 62))
        mended.append(replace(cue, end_ms=end))
    return mended


def _heard(cues: Sequence[Cue]) -> str:
    return captions_language.guess(" ".join(words(cue.text) for cue in cues))


def _language(name: str) -> str:
    """The language in a file's name: "film.es.srt", "film.es.forced.srt", "film.English.vtt"."""
    parts = name.split(".")[1:-1]
    return next((tag for part in reversed(parts) if (tag := languages.tag(part))), "")


# --- words about places -------------------------------------------------------------------------


def _note(what: str, count: int) -> str:
    return f"{what}: {count}." if count else ""


def _placed(what: str, cues: Sequence[Cue]) -> str:
    if not cues:
        return ""
    places = [f"line {cue.line}" if cue.line else clock(cue.start_ms)[:8] for cue in cues]
    more = ", ..." if len(cues) > _EXAMPLES else ""
    return f"{what}: {len(cues)} ({', '.join(places[:_EXAMPLES])}{more})."


def clock(ms: int) -> str:
    """A moment as WebVTT writes it: 01:02:03.004."""
    seconds, rest = divmod(max(ms, 0), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _when(cue: Cue) -> tuple[int, int]:
    return cue.start_ms, cue.end_ms
