"""In which order the items of a post are read, and what the files beside them say of that.

Owns the last word on order and cover after post.toml: the text file beside a photo may number it or
make it the cover, and pictures may go by their day. Pure. `intake` has put files in order by name
and by post.toml before anything was looked into; `manifest` asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pipeline import said
from pipeline.model import Plan
from pipeline.records import ItemRecords, PostDrop
from pipeline.said import Said


def ordered(drop: PostDrop, items: Iterable[ItemRecords]) -> list[ItemRecords]:
    """Items in reading order: what post.toml orders, what its text file numbers, then by name.

    Where post.toml wants it so, pictures go by the day they were taken before they go by name.
    """
    by_name = {name: number for number, name in enumerate(drop.items)}

    def key(records: ItemRecords) -> tuple[bool, float, str, int]:
        place = by_name.get(records.drop.item, len(by_name))
        if place < drop.ordered:
            return False, 0, "", place
        number = beside(records.plan).order
        picture = records.plan.probe.picture if records.plan else None
        taken = picture.taken if picture and drop.info.sort == "taken" else ""
        return True, math.inf if number is None else number, taken, place

    return sorted(items, key=key)


def cover(items: Iterable[ItemRecords]) -> str:
    """The item whose text file makes it the cover."""
    return next((r.drop.item for r in items if beside(r.plan).cover), "")


def beside(plan: Plan | None) -> Said:
    """What the text file beside the media file says."""
    texts = plan.texts if plan else {}
    found = (text for key, text in texts.items() if key.startswith("caption-text"))
    return said.read(next(found, ""))


def own(plan: Plan | None, language: str, what: str) -> str:
    """A picture's own words: caption, alt, headline or credit; in that language where it can."""
    picture = plan.probe.picture if plan else None
    if picture is None:
        return ""
    translated = {"caption": picture.captions, "alt": picture.alts}.get(what, {})
    return translated.get(language) or str(getattr(picture, what))
