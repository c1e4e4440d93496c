"""Reading subtitle files: any encoding, any of the formats people have, into plain cues.

Owns decoding and the tolerant reader of SRT, WebVTT and SBV: these are all "a line of two times,
then text", and only a reader of our own can name the line that is wrong, skip NOTE and STYLE, and
keep voices. ASS, SSA, TTML and SAMI are read by pysubs2, EBU STL by `captions_stl`. Refuses to
judge or mend: `captions` does.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from typing import NoReturn

import pysubs2
from charset_normalizer import from_bytes

from pipeline import captions_stl, errors, languages
from pipeline.captions_cue import Cue

_MAX_CUES = 50_000
_EXAMPLES = 3
_STAMP = r"(?:(\d{1,4})\s*:\s*)?(\d{1,2})\s*:\s*(\d{1,2})(?:\s*[.,:]\s*(\d{1,3}))?"
_TIMING = re.compile(rf"\s*{_STAMP}\s*(?:--?>|,)\s*{_STAMP}(?:\s.*)?")
# Half a timing line: it looks like one and is not; a cue is lost here.
_BROKEN = re.compile(r".*-->.*|\s*\d+:\d{2}:\d{2}[.,]\d+\s*,.*")
# Its colon before the milliseconds is a slip worth telling.
_SLIP = re.compile(r".*\d:\d{3}(?!\d).*")
# Bounded, as all repetition over a stranger's text should be.
_OVERRIDE = re.compile(r"\{[^{}\\]{0,99}\\[^{}]{0,400}\}")
_STYLE = re.compile(r"\\([biu])(\d*)(?=\\|\}|$)")
_EVENT = re.compile(r"\s*(?:Dialogue|Comment)\s*:")
_TTML = re.compile(r"<(\w+:)?tt[\s>]")
_XML_LANGUAGE = re.compile(r"xml:lang=[\"']([\w-]+)[\"']")
_HEADER_LANGUAGE = re.compile(r"^Language:\s*([\w-]+)", re.MULTILINE | re.IGNORECASE)
# Letters and signs that Western European text has beyond ASCII; anything else is another code page.
_WESTERN = frozenset(
    "áéíóúüñçàèìòùâêîôûäëïöåæøœßãõýÿšžÁÉÍÓÚÜÑÇÀÈÌÒÙÂÊÎÔÛÄËÏÖÅÆØŒÃÕÝŸŠŽðÐþÞ¿¡ºª«»·–—‘’“”„‚…•€£§°©®™\xa0´`"  # noqa: RUF001 - these are the ones
)
_BINARY = (
    (re.compile(rb"PG[\x00-\xff]{8}"), "a Blu-ray (PGS) file of pictures"),
    (re.compile(rb"\x00\x00\x01\xba"), "a DVD (VobSub) file of pictures"),
    (re.compile(rb"\s*# VobSub index file"), "the index of DVD subtitles, which are pictures"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtitles:
    """What a file holds, in the file's order, with the language it claims or ""."""

    cues: tuple[Cue, ...]
    language: str = ""
    notes: tuple[str, ...] = ()


def read(data: bytes) -> Subtitles:
    """Read a subtitle file of any supported kind.

    Raises errors.Unsupported for binary subtitles, errors.Unreadable (with the first line that
    makes no sense) where nothing can be read, errors.OverLimit for absurd numbers of cues.
    """
    _refuse(data)
    found, note, text = _found(data)
    if len(found.cues) > _MAX_CUES:
        raise errors.OverLimit(f"The subtitle file holds more than {_MAX_CUES} cues.")
    if not found.cues:
        _give_up(text)
    return replace(found, notes=(note, *found.notes) if note else found.notes)


def _found(data: bytes) -> tuple[Subtitles, str, str]:
    """What was read, with a note on its encoding, and the text it was read from."""
    if captions_stl.is_stl(data):
        cues = captions_stl.cues(data)
        return Subtitles(cues=cues, language=captions_stl.language(data)), "", ""
    text, note = decode(data)
    return _by_kind(text), note, text


def decode(data: bytes) -> tuple[str, str]:
    """The text, with plain line ends and no NUL, and a note where its encoding was guessed."""
    text, note = _text_of(data)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""), note


def _text_of(data: bytes) -> tuple[str, str]:
    marks = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    marked = next((encoding for mark, encoding in marks if data.startswith(mark)), "")
    encoding = marked or _unmarked_utf16(data) or "utf-8"
    try:
        return data.decode(encoding).removeprefix("\ufeff"), ""
    except UnicodeDecodeError:
        return _guessed(data)


def _unmarked_utf16(data: bytes) -> str:
    """UTF-16 without its mark: every other byte of Latin text is zero."""
    sample = data[:4096]
    if sample[1::2].count(0) * 2 > len(sample[1::2]):
        return "utf-16-le"
    return "utf-16-be" if sample[::2].count(0) * 2 > len(sample[::2]) else ""


def _guessed(data: bytes) -> tuple[str, str]:
    western = data.decode("cp1252", "replace")
    if _looks_western(western):
        return western, "The text is not UTF-8: it was read as Western European (Windows-1252)."
    best = from_bytes(data).best()
    if best is None:
        raise errors.Unreadable("The subtitle file is not text in any encoding: save it as UTF-8.")
    return str(best), f"The text is not UTF-8: it was read as {best.encoding}. Check the accents."


def _looks_western(text: str) -> bool:
    """Mostly ASCII letters, and nearly all the others of the kind Western languages use.

    Short texts give statistics nothing to hold on to: four bytes are as good as any Chinese.
    """
    letters = sum(char.isascii() and char.isalpha() for char in text)
    others = [char for char in text if not char.isascii()]
    known = sum(char in _WESTERN for char in others)
    return known >= 0.9 * len(others) and len(others) <= 0.4 * letters


def _refuse(data: bytes) -> None:
    for pattern, name in _BINARY:
        if pattern.match(data):
            raise errors.Unsupported(f"This is {name}: export the subtitles as SRT or WebVTT.")
    if not data.strip():
        raise errors.Unreadable("The subtitle file is empty.")


def _by_kind(text: str) -> Subtitles:
    beginning = text[:4096]
    if "[Script Info]" in text or re.search(r"^\[V4\+? Styles\]", text, re.MULTILINE):
        return _by_pysubs2(text, "ass")
    if _TTML.search(beginning):
        return _ttml(text)
    if "<SAMI>" in beginning.upper():
        return _by_pysubs2(text, "sami")
    return _timed_lines(text, is_webvtt=beginning.lstrip().startswith("WEBVTT"))


def _give_up(text: str) -> NoReturn:
    lines = text.split("\n")
    broken = [number for number, line in enumerate(lines, 1) if _BROKEN.fullmatch(line)]
    full = [number for number, line in enumerate(lines, 1) if line.strip()]
    raise errors.Unreadable(
        f"No subtitles were found: line {(broken or full or [1])[0]} is not what SRT, WebVTT, SBV, "
        "ASS or TTML would have there. Export the file anew as SRT or WebVTT."
    )


# --- SRT, WebVTT, SBV ---------------------------------------------------------------------------


def _timed_lines(text: str, *, is_webvtt: bool) -> Subtitles:
    """One pass over the lines: a timing line opens a cue, a blank line closes it.

    In SRT, text after a blank line belongs to the cue before it unless it is the next one's
    number; in WebVTT it is a NOTE, STYLE, REGION or identifier, and is dropped.
    """
    reader = _Reader(keeps_orphans=not is_webvtt)
    for number, line in enumerate(text.split("\n"), 1):
        reader.take(number, line)
    head = text.split("\n\n", 1)[0] if is_webvtt else ""
    claimed = _HEADER_LANGUAGE.search(head)
    return Subtitles(
        cues=reader.finish(),
        language=(languages.tag(claimed[1]) or "") if claimed else "",
        notes=reader.notes(),
    )


class _Reader:
    """The state of that pass: the open cue, lines that may belong to it, lines that were broken."""

    def __init__(self, *, keeps_orphans: bool) -> None:
        self._keeps_orphans = keeps_orphans
        self._cues: list[Cue] = []
        self._lines: list[str] = []
        self._orphans: list[str] = []
        self._open = False
        self._lost = False
        self._broken: list[int] = []
        self._slips: list[int] = []

    def take(self, number: int, line: str) -> None:
        timing = _TIMING.fullmatch(line)
        if timing:
            self._begin(number, timing)
        elif _BROKEN.fullmatch(line):
            self._broken.append(number)
            self._close()
            self._lost = True  # the text that follows has no time to be shown at
        elif not line.strip():
            self._open = False
            self._orphans += [""] if self._orphans else []
        elif self._open:
            self._lines.append(line)
        else:
            self._orphans.append(line)

    def finish(self) -> tuple[Cue, ...]:
        self._adopt(self._orphans)
        self._close()
        return tuple(self._cues)

    def notes(self) -> tuple[str, ...]:
        told = (
            ("Times that could not be read, their cues left out", self._broken),
            ("Times written wrongly, read as they were meant", self._slips),
        )
        return tuple(f"{what}: {_lines(numbers)}." for what, numbers in told if numbers)

    def _begin(self, number: int, timing: re.Match[str]) -> None:
        if self._open and self._lines and self._lines[-1].strip().isdigit():
            self._lines.pop()  # the blank line before the next cue's number was forgotten
        if self._orphans and self._orphans[-1]:
            self._orphans.pop()  # the number or identifier right above the times
        self._adopt(self._orphans)
        self._close()
        self._slips += [number] if _SLIP.fullmatch(timing[0]) else []
        groups = timing.groups()
        start, end = _milliseconds(groups[:4]), _milliseconds(groups[4:])
        self._cues.append(Cue(start_ms=start, end_ms=end, text="", line=number))
        self._open = True

    def _adopt(self, orphans: list[str]) -> None:
        if self._keeps_orphans and self._cues and not self._lost:
            self._lines += [line for line in orphans if line]
        self._orphans = []

    def _close(self) -> None:
        if self._cues and not self._lost:
            text = _without_overrides("\n".join(self._lines))
            self._cues[-1] = replace(self._cues[-1], text=text)
        self._lines, self._orphans, self._open, self._lost = [], [], False, False


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_EXAMPLES])
    more = ", ..." if len(numbers) > _EXAMPLES else ""
    return f"{len(numbers)} (line {shown}{more})"


def _milliseconds(groups: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = groups
    ms = int((fraction or "").ljust(3, "0"))
    return ((int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)) * 1000 + ms


# --- ASS, SSA, SAMI, TTML -----------------------------------------------------------------------


def _by_pysubs2(text: str, kind: str, *, absolute: bool = False) -> Subtitles:
    options = {"ignore_par_time_offset": absolute} if kind == "ttml" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pysubs2.SSAFile.from_string(text, format_=kind, **options)
    except NotImplementedError as odd:
        raise errors.Unsupported(
            "The subtitle file counts time in a way we do not read: export it as SRT or WebVTT.",
            evidence=str(odd),
        ) from odd
    except (ValueError, LookupError, SyntaxError, ArithmeticError, pysubs2.Pysubs2Error) as fault:
        raise errors.Unreadable(
            f"The subtitle file is not sound {kind.upper()}{_line_of(fault)}: export it anew.",
            evidence=f"{type(fault).__name__}: {fault}",
        ) from fault
    lines = _event_lines(text, len(found))
    return Subtitles(
        cues=tuple(
            Cue(start_ms=e.start, end_ms=e.end, text=_from_ass(e.text), line=line)
            for e, line in zip(found, lines, strict=True)
            if not (e.is_comment or e.is_drawing)
        )
    )


def _event_lines(text: str, events: int) -> list[int]:
    """Where each event of ASS was written; zeros where that cannot be told, as in the others."""
    written = [n for n, line in enumerate(text.split("\n"), 1) if _EVENT.match(line)]
    return written if len(written) == events else [0] * events


def _line_of(fault: Exception) -> str:
    position = getattr(fault, "position", None)
    return f" (line {position[0]})" if position else ""


def _ttml(text: str) -> Subtitles:
    """TTML without a DOCTYPE: no entities to expand, nothing to fetch, so its parser is safe."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise errors.Hostile("The subtitle file declares entities, which subtitles never need.")
    claimed = _XML_LANGUAGE.search(text[:4096])
    # Lyrics as Apple writes them give every time from the beginning, not from the parent's.
    absolute = "itunes:" in text[:4096]
    found = _by_pysubs2(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), "ttml", absolute=absolute)
    return replace(found, language=(languages.tag(claimed[1]) or "") if claimed else "")


def _from_ass(text: str) -> str:
    r"""Event text as cue text: \N breaks the line, \h and \n are blanks, overrides become tags."""
    broken = text.replace("\\N", "\n").replace("\\n", " ").replace("\\h", " ")
    return _without_overrides(broken)


def _without_overrides(text: str) -> str:
    r"""Override blocks ({\i1}, {\an8}, {\pos(1,2)}) as b, i, u tags, or as nothing."""

    def tags(block: re.Match[str]) -> str:
        return "".join(
            f"</{name}>" if value in ("", "0") else f"<{name}>"
            for name, value in _STYLE.findall(block[0])
        )

    return _OVERRIDE.sub(tags, text)
