"""Versions of one film, by their names alone: talk.short.mp4 beside talk.mp4.

Owns the rule of what names a version, and finds the film that each is a version of. Pure: it sees
names, never a file. Refuses all that only looks alike, as 2024.05.01.mp4 or talk.v2.mp4: what it
overlooks is still published, as an item. `intake` calls it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from pipeline import languages

MAX_WORD = 24
# Letters alone: figures number dates, takes, cameras and revisions.
_WORD = re.compile(r"[^\W\d_]{3,}(?:-[^\W\d_]+)*")


def is_version(word: str) -> bool:
    """True for what may stand before a film's extension to name a version of it.

    Three to 24 letters of any script, hyphens between them. No language: talk.es.mp4 is a film of
    its own, and talk.es.srt the subtitles of talk.mp4.
    """
    # Some systems write an accent as a character of its own, which is no letter.
    composed = unicodedata.normalize("NFC", word)
    fits = len(composed) <= MAX_WORD and _WORD.fullmatch(composed)
    return bool(fits) and languages.tag(composed) is None


def part_path(film: str, word: str) -> str:
    """What a version of a film would be called if it were a file of its own."""
    return f"{bare(film)}.{word}{PurePosixPath(film).suffix}"


def versions(films: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The versions among films: each one's main film, and its name as a version of that."""
    named: dict[str, list[str]] = {}
    for path in films:
        named.setdefault(bare(path).casefold(), []).append(path)
    found = {path: _lineage(path, named) for paths in named.values() for path in paths}
    return {path: lineage for path, lineage in found.items() if lineage is not None}


def bare(path: str) -> str:
    """A path without its extension."""
    return str(PurePosixPath(path).with_suffix(""))


def _lineage(path: str, named: Mapping[str, list[str]]) -> tuple[str, str] | None:
    """Of several films of one name it is the one of the same extension and spelling.

    A version of a version is a version of the film itself.
    """
    base, _, word = bare(path).rpartition(".")
    mains = named.get(base.casefold())
    if not mains or not is_version(word):
        return None
    main = min(mains, key=lambda film: (*_differences(film, path, base), film))
    first, before = _lineage(main, named) or (main, "")
    return first, f"{before} {word}".strip()


def _differences(film: str, path: str, base: str) -> tuple[bool, bool]:
    return _suffix(film) != _suffix(path), bare(film) != base


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.casefold()
