"""Which subtitles and transcripts of an item are shown now, of all that were made.

Owns the one rule of precedence: what a person wrote comes before what a machine heard, and what
names its language before what had to be guessed. Pure. `manifest` and `film` ask it, so that pages
and playlists never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.model import Artifact
from pipeline.records import ItemRecords


def subtitles(records: ItemRecords) -> tuple[Artifact, ...]:
    """One subtitle file for each language."""
    return _first_of_each(made for made in _made(records) if made.role == "captions")


def transcripts(records: ItemRecords) -> tuple[Artifact, ...]:
    """One transcript for each language.

    One with times comes before one without, because readers can go from its words to the moment;
    but what a person wrote always comes before what a machine heard.
    """
    found = [made for made in _made(records) if made.role == "transcript"]
    return _first_of_each(sorted(found, key=lambda made: not made.extra.get("timed")))


def is_automatic(made: Artifact) -> bool:
    """True for what a machine has heard."""
    return bool(made.extra.get("automatic"))


def _made(records: ItemRecords) -> Iterator[Artifact]:
    for step in records.plan.steps if records.plan else ():
        if step.fingerprint in records.done:
            yield from records.done[step.fingerprint].artifacts


def _first_of_each(found: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """The best of each language. A person's "es-MX" also stands in for a machine's "es"."""
    ordered = sorted(found, key=lambda made: (is_automatic(made), bool(made.extra.get("guessed"))))
    shown = dict[str, Artifact]()
    for made in ordered:
        language = made.language or "und"
        near = {_primary(known) for known in shown} if _yields(made) else set(shown)
        if (_primary(language) if _yields(made) else language) not in near:
            shown[language] = made
    return tuple(shown.values())


def _yields(made: Artifact) -> bool:
    return is_automatic(made) or bool(made.extra.get("guessed"))


def _primary(language: str) -> str:
    return language.partition("-")[0]
