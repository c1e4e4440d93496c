"""What the reporter's sheet remarks on the words of an item: missing, by a machine, hard to read.

Owns the sentences on subtitles and transcripts, with the time and words of each place. Pure.
Refuses to judge: `captions_lint` has, when the subtitles were made. `sheet` shows these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline import display
from pipeline.figures import clock
from pipeline.model import ItemManifest, Kind
from pipeline.phrases import Phrases


def remarks(say: Phrases, item: ItemManifest) -> Iterator[str]:
    """What readers will miss, and what a reporter should read through."""
    if item.kind is Kind.VIDEO and not display.is_silent(item) and not display.captions(item):
        yield say("warn-captions")
    if item.kind is Kind.AUDIO and not display.transcripts(item):
        yield say("warn-transcript", language=item.language)
    for made in display.automatic(item):
        label, language = display.track_label(made), made.language
        yield say("warn-automatic", label=label, language=language)


def lint(say: Phrases, item: ItemManifest) -> Iterator[str]:
    """What makes the subtitles hard to read, with times and words, so that it can be found."""
    for made in display.captions(item):
        for found in made.extra.get("warnings") or ():
            if isinstance(found, dict):  # those of former versions are sentences
                yield _finding(say, display.track_label(made), found)


def _finding(say: Phrases, label: str, found: dict[str, Any]) -> str:
    places = ", ".join(_place(say, place) for place in found["places"])
    limit = f"{found['limit']:g}"
    return say(
        f"lint-{found['rule']}", label=label, limit=limit, count=found["count"], places=places
    )


def _place(say: Phrases, place: dict[str, Any]) -> str:
    line = f", {say('lint-line', line=place['line'])}" if place["line"] else ""
    return f"{clock(place['at_ms'])}{line}: “{place['text']}”"
