"""EBU STL, the subtitle file of television (EBU Tech 3264-E), into plain cues.

Owns its blocks, its time codes and its character tables: ISO 6937, where an accent stands before
its letter, and four parts of ISO 8859. Refuses to judge or mend: `captions` does. Teletext's
colours, boxes and positions are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.captions_cue import Cue

_HEAD, _BLOCK, _TEXT_AT = 1024, 128, 16
_MARK = re.compile(rb"(?s).{3}STL(\d\d)\.\d\d")
_LAST, _USER_DATA = 0xFF, 0xFE
_COMMENT_AT = 15
# The GSI block: character table, language, time code of the programme's start.
_TABLE, _LANGUAGE, _START = slice(12, 14), slice(14, 16), slice(256, 264)
_TABLES = {b"01": "iso8859-5", b"02": "iso8859-6", b"03": "iso8859-7", b"04": "iso8859-8"}
# Appendix 3 of the standard; those of our newsrooms.
_LANGUAGES = {
    b"03": "ca", b"08": "de", b"09": "en", b"0A": "es", b"0D": "eu", b"0F": "fr", b"13": "gl",
    b"15": "it", b"1D": "nl", b"21": "pt",
}  # fmt: skip
_ACCENTS = dict(
    zip(
        (0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF),
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u0327\u030b\u0328\u030c",
        strict=True,
    )
)
# From A0 and from D0 on; a blank stands for what is not assigned.
_SIGNS = "\xa0¡¢£$¥ § ‘“«←↑→↓°±²³×µ¶·÷’”»¼½¾¿"  # noqa: RUF001 - these are the ones
_LETTERS = "―¹®©™♪      ⅛⅜⅝⅞ΩÆĐªĦ ĲĿŁØŒºÞŦŊŉĸæđðħıĳŀłøœßþŧŋ "
_ITALIC, _PLAIN, _UNDERLINE, _NO_LINE, _NEW_LINE, _UNUSED = 0x80, 0x81, 0x82, 0x83, 0x8A, 0x8F
_TAGS = {_ITALIC: "<i>", _PLAIN: "</i>", _UNDERLINE: "<u>", _NO_LINE: "</u>", _NEW_LINE: "\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One block: a subtitle, or a part of a long one, with its text still in bytes."""

    start_ms: int
    end_ms: int
    text: bytes
    ends: bool


def is_stl(data: bytes) -> bool:
    """True for a file that begins as EBU STL does."""
    return _MARK.match(data) is not None


def language(data: bytes) -> str:
    """The language the file claims, or ""."""
    return _LANGUAGES.get(data[_LANGUAGE].upper(), "")


def cues(data: bytes) -> tuple[Cue, ...]:
    """The subtitles of a file for which `is_stl` is true, timed from the programme's start."""
    found = list(_joined(data))
    start = _clock(data[_START])
    # Programmes begin at 10:00:00:00 by custom; a start after the first words is a slip.
    first = min((cue.start_ms for cue in found), default=0)
    shift = start if start is not None and start <= first else 0
    return tuple(
        replace(cue, start_ms=cue.start_ms - shift, end_ms=cue.end_ms - shift) for cue in found
    )


def _joined(data: bytes) -> Iterator[Cue]:
    table, text = data[_TABLE], b""
    for part in _parts(data):
        text += part.text
        if part.ends:
            said = _decoded(text, table)
            yield Cue(start_ms=part.start_ms, end_ms=part.end_ms, text=said)
            text = b""


def _parts(data: bytes) -> Iterator[_Part]:
    rate = _rate(data)
    for at in range(_HEAD, len(data) - _BLOCK + 1, _BLOCK):
        block = data[at : at + _BLOCK]
        if block[3] == _USER_DATA or block[_COMMENT_AT]:
            continue
        yield _Part(
            start_ms=_moment(block[5:9], rate),
            end_ms=_moment(block[9:13], rate),
            text=block[_TEXT_AT:].rstrip(bytes([_UNUSED])),
            ends=block[3] == _LAST,
        )


def _rate(data: bytes) -> int:
    found = _MARK.match(data)
    return int(found[1]) or 25 if found else 25


def _moment(code: bytes, rate: int) -> int:
    hours, minutes, seconds, frames = code
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + frames * 1000 // rate


def _clock(digits: bytes) -> int | None:
    if not digits.isdigit():
        return None
    parts = bytes(int(digits[at : at + 2]) for at in (0, 2, 4, 6))
    return _moment(parts, 25)


def _decoded(text: bytes, table: bytes) -> str:
    known = _TABLES.get(table)
    said = "".join(_spelt(text, known) if known else _latin(text))
    lines = (" ".join(line.split()) for line in said.split("\n"))
    return unicodedata.normalize("NFC", "\n".join(line for line in lines if line))


def _spelt(text: bytes, codec: str) -> Iterator[str]:
    for byte in text:
        yield _TAGS.get(byte) or bytes([byte]).decode(codec, "ignore").replace("<", "&lt;")


def _latin(text: bytes) -> Iterator[str]:
    """ISO 6937; an accent waits for the letter it belongs to."""
    accent = ""
    for byte in text:
        if byte in _ACCENTS:
            accent = _ACCENTS[byte]
            continue
        yield _letter(byte) + accent
        accent = ""


def _letter(byte: int) -> str:
    if byte in _TAGS:
        return _TAGS[byte]
    if byte < 0x20 or 0x7F <= byte < 0xA0:  # noqa: PLR2004 - control codes of teletext
        return " "
    if byte >= 0xD0:  # noqa: PLR2004 - where the letters begin
        return _LETTERS[byte - 0xD0 : byte - 0xD0 + 1]
    if byte >= 0xA0:  # noqa: PLR2004 - where the signs begin
        return _SIGNS[byte - 0xA0 : byte - 0xA0 + 1]
    return {"&": "&amp;", "<": "&lt;"}.get(chr(byte), chr(byte))
