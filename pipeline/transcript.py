"""What is said in an item, as text to read: paragraphs, with speakers and times where known.

Owns the making of paragraphs from cues and from what a reporter wrote, and the plain text of them.
Pure. A captions step writes a transcript beside its WebVTT, so that pages are printed without
parsing anything again. Refuses markup: `pages` prints it, escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.captions_text import Cue, turns
from pipeline.figures import clock

# A pause this long ends a paragraph, and so do five sentences (what reads well on a phone).
_PAUSE_MS, _SENTENCES = 2500, 5
# Where nobody has set a full stop, a paragraph still has to end some time.
_PARAGRAPH = 700
# A sentence ends where the next word does not go on in small letters.
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'\u201d\u2019»)\]]*(?=\s+[^\w\s]*[^\W_a-zß-ÿ])|$)")
# What ends in a full stop and ends no sentence.
_SHORT = re.compile(
    r"(?:^|\s)(?:Sra?|Dra?|Mr|Mrs|Ms|Dr|St|Prof|Ud|Uds|etc|vs|No|núm|pág|EE|\w)\.$", re.IGNORECASE
)
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*\s*")
_MARKS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,2000}\)")
_TIME = re.compile(r"[\[(]?(?:(\d{1,2}):)?(\d{1,2}):(\d{2})(?:[.,]\d{1,3})?[\])]?[\s:\u2013-]+")
# "**Ana:** yes", "ANA: yes", "Ana Pérez: yes"; not "Note that: yes".
_NAME = r"[^\W\d_a-zà-þ][\w.'-]*(?:\s(?:de|del|la|van|von|[^\W\d_a-zà-þ][\w.'-]*)){0,4}"
_SPEAKER = re.compile(rf"(?:\*\*|__)?({_NAME})(?:\*\*|__)?:(?:\*\*|__)?\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A few sentences of one speaker; `start_ms` is None where nobody knows when they are said."""

    text: str
    start_ms: int | None = None
    speaker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All that is said, in one language; `automatic` where a machine has written it down."""

    language: str
    paragraphs: tuple[Paragraph, ...]
    automatic: bool = False

    @property
    def is_timed(self) -> bool:
        """True where a reader can go from the words to the moment."""
        return any(one.start_ms is not None for one in self.paragraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A sentence, or what a cue holds of one."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str

    @property
    def ends(self) -> bool:
        return self.text.rstrip("\"'\u201d\u2019»)]").endswith((".", "!", "?", "…"))


def from_cues(cues: Iterable[Cue]) -> tuple[Paragraph, ...]:
    """Paragraphs of at most five sentences; a new one at each long pause and each new speaker."""
    made = list[list[_Piece]]()
    for piece in _pieces(cues):
        if made and not _breaks(made[-1], piece):
            made[-1].append(piece)
        else:
            made.append([piece])
    return tuple(
        Paragraph(
            start_ms=pieces[0].start_ms,
            speaker=pieces[0].speaker,
            text=" ".join(piece.text for piece in pieces),
        )
        for pieces in made
    )


def from_text(text: str) -> tuple[Paragraph, ...]:
    """What a reporter wrote, plain or in Markdown: a block is a paragraph, a long one several.

    "Name:" at its beginning is the speaker; a time ("[12:40]") is when it is said.
    """
    blocks = re.split(r"\n\s*\n", text.strip())
    if len(blocks) == 1:
        blocks = text.strip().split("\n")
    return tuple(part for block in blocks for part in _written(block))


def plain(transcript: Transcript, title: str) -> str:
    """A transcript as a text file: title, then paragraphs with their times and speakers."""
    return "\n\n".join((title, *(_line(one) for one in transcript.paragraphs))) + "\n"


def flat(transcript: Transcript) -> str:
    """All that is said on one line, as search engines want it."""
    said = (f"{p.speaker}: {p.text}" if p.speaker else p.text for p in transcript.paragraphs)
    return " ".join(said)


def sentences(text: str) -> list[str]:
    """The sentences of a text on one line."""
    found = list[str]()
    for match in _SENTENCE.finditer(" ".join(text.split())):
        part = match[0].strip()
        if found and _SHORT.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found


def _line(paragraph: Paragraph) -> str:
    time = "" if paragraph.start_ms is None else f"[{clock(paragraph.start_ms)}] "
    speaker = f"{paragraph.speaker}: " if paragraph.speaker else ""
    return f"{time}{speaker}{paragraph.text}"


# --- from cues -------------------------------------------------------------------------------


def _pieces(cues: Iterable[Cue]) -> Iterator[_Piece]:
    for cue in sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)):
        said = [(who, part) for who, text in turns(cue.text) for part in sentences(text)]
        length, at = max(1, sum(len(part) for _, part in said)), 0
        for who, part in said:
            # Within a cue, time passes as letters do.
            start = cue.start_ms + (cue.end_ms - cue.start_ms) * at // length
            at += len(part)
            end = cue.start_ms + (cue.end_ms - cue.start_ms) * at // length
            yield _Piece(start_ms=start, end_ms=end, speaker=who, text=part)


def _breaks(before: Sequence[_Piece], piece: _Piece) -> bool:
    last = before[-1]
    if piece.speaker != last.speaker or piece.start_ms - last.end_ms >= _PAUSE_MS:
        return True
    length = sum(len(one.text) for one in before)
    if not last.ends:
        return length >= 2 * _PARAGRAPH
    return length >= _PARAGRAPH or sum(one.ends for one in before) >= _SENTENCES


# --- from a reporter's hand ------------------------------------------------------------------


def _written(block: str) -> Iterator[Paragraph]:
    heading = _HEADING.fullmatch(block)
    text = " ".join((heading[1] if heading else block).split())
    start, text = _after_time(text)
    named = _SPEAKER.match(text)
    if named:
        text = text[named.end() :]
    first = Paragraph(text="", start_ms=start, speaker=named[1] if named else "")
    said = sentences(_MARKS.sub("", _LINK.sub(r"\1", text)))
    for at in range(0, len(said), _SENTENCES):
        yield replace(first, text=" ".join(said[at : at + _SENTENCES]))
        first = replace(first, start_ms=None)


def _after_time(text: str) -> tuple[int | None, str]:
    found = _TIME.match(text)
    if found is None:
        return None, text
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000, text[found.end() :]
