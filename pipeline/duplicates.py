"""Photos that show the same picture: which of them is published, and what is said of the others.

Owns the choice: of photos with the same pixels the first in reading order stands for all, with the
words of all. The others keep their addresses, which lead to it. Pure: `manifest` asks; what their
pixels are was measured when they were developed (`images`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipeline.model import ItemManifest, Kind

# Between captions of one picture that do not say the same.
AND = " · "


def marked(items: Iterable[ItemManifest]) -> tuple[tuple[ItemManifest, ...], tuple[str, ...]]:
    """The items in their order, each duplicate naming the photo it duplicates; and the notes."""
    order = tuple(items)
    groups: dict[str, list[ItemManifest]] = {}
    for item in order:
        if name := pixels(item):
            groups.setdefault(name, []).append(item)
    twins = [group for group in groups.values() if len(group) > 1]
    changed = {item.item: item for group in twins for item in _resolved(group)}
    notes = tuple(_note(group) for group in twins)
    return tuple(changed.get(item.item, item) for item in order), notes


def pixels(item: ItemManifest) -> str:
    """The name of a photo's pixels; empty while they are not known."""
    if item.kind is not Kind.PHOTO:
        return ""
    return next((str(o.extra["pixels"]) for o in item.outputs if "pixels" in o.extra), "")


def _resolved(group: list[ItemManifest]) -> list[ItemManifest]:
    first, *others = group
    speaking = replace(
        first,
        caption=AND.join(dict.fromkeys(one.caption for one in group if one.caption)),
        alt=next((one.alt for one in group if one.alt), ""),
        credit=next((one.credit for one in group if one.credit), ""),
    )
    return [speaking, *(replace(one, duplicate_of=first.item) for one in others)]


def _note(group: list[ItemManifest]) -> str:
    first, *others = (item.source.name for item in group)
    show = "show" if len(others) > 1 else "shows"
    return f"{_listed(others)} {show} the same picture as {first}; it is published once."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
