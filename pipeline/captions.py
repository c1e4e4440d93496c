"""Subtitles: whatever was uploaded becomes clean WebVTT, rebuilt cue by cue.

Owns cues, their mending, their linting and their text as a transcript. Refuses to pass anything
through: of the original only times, words and b, i, u, v, lang, ruby survive. Reading files is in
`captions_read`; languages and their names are in `languages`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline import captions_read, errors, languages
from pipeline.captions_read import Cue

__all__ = ["Cue", "clean", "lint", "plain_text", "to_webvtt"]

_MAX_BYTES = 5_000_000
# Reading speed and layout of the trade (media guidelines of broadcasters and streaming services).
_LINE_CHARACTERS, _LINES = 42, 2
_SHORTEST_MS, _LONGEST_MS = 833, 7000
_SPEED, _OTHER_SPEED = {"en": 20, "es": 17}, 20
# Scripts that write words without spaces are not measured in Latin characters.
_DENSE = ("zh", "ja", "ko", "th")
# A cue whose end was lost is shown as long as it takes to read at this speed.
_MENDED_MS_PER_CHARACTER = 60
_EXAMPLES = 3
# A pause this long, or a text this long, ends a paragraph of the transcript.
_PAUSE_MS, _PARAGRAPH = 2500, 600
# Bounded, as all repetition over a stranger's text should be.
_TAG = re.compile(r"<(/?)(\w{0,20})([^<>]{0,300})>")
_KEPT = ("b", "i", "u", "v", "lang", "ruby", "rt")
# Tags that only style, in SRT by habit or in WebVTT by right: their text stays.
_STYLING = ("font", "c", "span", "p", "div", "s", "strong", "em", "small", "big")
_CLOSING_MARKS = "\"'\u201d\u2019\xbb)"
_VOICE = re.compile(r"<v ([^<>]+)>")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


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
    "cues", "last_ms", "language", "notes", "warnings"}: notes say what was mended, warnings what
    the linter found. Raises errors.OverLimit, Unsupported or Unreadable, the last with the number
    of the first line that makes no sense.
    """
    data = Path(path).read_bytes()
    if len(data) > max_bytes:
        raise errors.OverLimit(
            f"The subtitle file is larger than {max_bytes / 1e6:g} MB "
            "(setting limits.max_text_bytes)."
        )
    found = captions_read.read(data)
    mended = _mend(found.cues)
    if not mended.cues:
        raise errors.Unreadable("The subtitle file holds no text that could be shown.")
    cues = _between(mended.cues, start_ms, end_ms)
    if not cues:
        raise errors.Unreadable("The subtitle file has no text for the part that is published.")
    language = _language(name) or found.language
    return {
        "webvtt": to_webvtt(cues),
        "cues": len(cues),
        "last_ms": max(cue.end_ms for cue in cues),
        "language": language,
        "notes": [*found.notes, *mended.notes],
        "warnings": list(lint(cues, language)),
    }


def to_webvtt(cues: Iterable[Cue]) -> str:
    """WebVTT of cleaned cues, in order of time; every cue's text is rebuilt, none is trusted."""
    ordered = sorted(cues, key=_when)
    blocks = (f"{_clock(c.start_ms)} --> {_clock(c.end_ms)}\n{markup(c.text)}\n" for c in ordered)
    return "\n".join(("WEBVTT\n", *blocks))


def markup(text: str) -> str:
    """Cue text with the allowed tags balanced and all else escaped: safe WebVTT, no blank line.

    Styling tags go, their text stays; tags of no known kind are shown as the text they are.
    """
    pieces, stack, at = [], list[str](), 0
    for tag in _TAG.finditer(text):
        pieces += [_escaped(text[at : tag.start()]), _kept_tag(tag, stack)]
        at = tag.end()
    pieces += [_escaped(text[at:]), *(f"</{name}>" for name in reversed(stack))]
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def words(text: str) -> str:
    """What a reader sees of a cue: no tags, no entities, line breaks kept."""
    safe = re.sub(r"<[^<>]*>", "", markup(text))
    lines = (line.strip() for line in html.unescape(safe).split("\n"))
    return "\n".join(line for line in lines if line)


def lint(cues: Sequence[Cue], language: str) -> tuple[str, ...]:
    """What makes these subtitles hard to read, as a few sentences naming the first places."""
    base = language.partition("-")[0]
    speed = _SPEED.get(base, _OTHER_SPEED)
    seen = [(cue, words(cue.text), cue.end_ms - cue.start_ms) for cue in cues]
    dense = base in _DENSE
    findings = {
        f"lines longer than {_LINE_CHARACTERS} characters": [
            cue for cue, text, _ in seen if not dense and _longest_line(text) > _LINE_CHARACTERS
        ],
        f"more than {_LINES} lines": [c for c, text, _ in seen if text.count("\n") >= _LINES],
        f"more than {speed} characters a second": [
            cue for cue, text, ms in seen if not dense and _characters(text) * 1000 > speed * ms
        ],
        f"less than {_SHORTEST_MS / 1000:.2f} s on screen": [
            cue for cue, _, ms in seen if ms < _SHORTEST_MS
        ],
        f"more than {_LONGEST_MS // 1000} s on screen": [
            cue for cue, _, ms in seen if ms > _LONGEST_MS
        ],
    }
    return tuple(_sentence(what, found) for what, found in findings.items() if found)


def plain_text(cues: Sequence[Cue]) -> tuple[str, ...]:
    """The transcript in paragraphs: a new one at each long pause, speaker or full page of text."""
    paragraphs, current, last = list[str](), "", Cue(start_ms=0, end_ms=0, text="")
    for cue in sorted(cues, key=_when):
        said = " ".join(words(cue.text).split())
        speaker = _speaker(cue)
        if current and _breaks(current, last, cue):
            paragraphs, current = [*paragraphs, current], ""
        if speaker and not current:
            said = f"{speaker}: {said}"
        current = f"{current} {said}".strip()
        last = cue
    return (*paragraphs, current) if current else tuple(paragraphs)


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
        reading = max(_SHORTEST_MS, _MENDED_MS_PER_CHARACTER * _characters(words(cue.text)))
        end = min(cue.start_ms + reading, following.get(cue.start_ms, 1 << 62))
        mended.append(replace(cue, end_ms=end))
    return mended


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
    places = [f"line {cue.line}" if cue.line else _clock(cue.start_ms)[:8] for cue in cues]
    more = ", ..." if len(cues) > _EXAMPLES else ""
    return f"{what}: {len(cues)} ({', '.join(places[:_EXAMPLES])}{more})."


def _sentence(what: str, cues: Sequence[Cue]) -> str:
    places = ", ".join(_clock(cue.start_ms)[:8] for cue in cues[:_EXAMPLES])
    more = ", ..." if len(cues) > _EXAMPLES else ""
    noun = "cue has" if len(cues) == 1 else "cues have"
    return f"{len(cues)} {noun} {what} (at {places}{more})."


# --- text ---------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    """Text for WebVTT: entities read once, then &, < and > (so never "-->") escaped."""
    plain = html.unescape(text).replace("\r", "").replace("\0", "")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _kept_tag(tag: re.Match[str], stack: list[str]) -> str:
    """What stands in a tag's place; opens and closes tags on the stack."""
    name = tag[2].lower()
    if name == "br":
        return "\n"
    if name in _STYLING or re.match(r"\d", name):
        return ""
    if name not in _KEPT:
        return _escaped(tag[0])
    return _closing(name, stack) if tag[1] else _opening(name, tag[3], stack)


def _opening(name: str, rest: str, stack: list[str]) -> str:
    """The opening tag without classes, or "" for one that lacks what it needs."""
    said = " ".join(re.sub(r"^\.\S*", "", rest).split())
    fit = {
        "v": bool(said),
        "lang": _LANGUAGE_TAG.fullmatch(said) is not None,
        "rt": "ruby" in stack,
    }
    if not fit.get(name, True):
        return ""
    stack.append(name)
    return f"<{name} {_escaped(said)}>" if name in ("v", "lang") else f"<{name}>"


def _closing(name: str, stack: list[str]) -> str:
    """Close up to and including the tag, so that crossed tags nest; nothing if it is not open."""
    if name not in stack:
        return ""
    closed = list[str]()
    while not closed or closed[-1] != name:
        closed.append(stack.pop())
    return "".join(f"</{each}>" for each in closed)


def _longest_line(text: str) -> int:
    return max((len(line) for line in text.split("\n")), default=0)


def _characters(text: str) -> int:
    return len(text.replace("\n", " "))


def _when(cue: Cue) -> tuple[int, int]:
    return cue.start_ms, cue.end_ms


def _clock(ms: int) -> str:
    seconds, rest = divmod(max(ms, 0), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _speaker(cue: Cue) -> str:
    match = _VOICE.search(markup(cue.text))
    return html.unescape(match[1]) if match else ""


def _breaks(current: str, last: Cue, cue: Cue) -> bool:
    if cue.start_ms - last.end_ms >= _PAUSE_MS or _speaker(cue) != _speaker(last):
        return True
    return len(current) >= _PARAGRAPH and current.rstrip(_CLOSING_MARKS).endswith(
        (".", "!", "?", "…")
    )
