"""Which pieces of work travel together: (items, now) -> bells, small photos of a post by the dozen.

Owns the size of a batch. A child process takes as long to start as a small photo takes to make, so
photos that nobody has tried yet share one; what was tried and did not end goes alone, so that a
file which breaks things costs the others one try. Pure. `todo` says what is due, `together` does
the work of a batch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from pipeline import todo
from pipeline.model import Kind, PhotoOut, Step
from pipeline.records import ItemRecords
from pipeline.todo import Bell

# A batch is over within a minute on a slow machine, and a post of a hundred photos still keeps
# eight workers busy.
MOST_ITEMS = 12
# Beyond these a child's start no longer matters: four photos of 12 megapixels fill a batch.
MOST_PIXELS = 48_000_000
MOST_BYTES = 64_000_000

Load = Callable[[ItemRecords, Bell], float]
"""How much of a batch a piece of work fills, from 0 to 1; more than 1 goes alone."""


def bells(items: Iterable[ItemRecords], now: float) -> list[Bell]:
    """All bells that should ring now for items of one post, in the order of the items."""
    due = [(item, bell) for item in items for bell in todo.todo(item, now)]
    return [bell for _, same in groupby(due, key=_errand) for bell in _packed(list(same))]


def run_name(item: ItemRecords, bell: Bell) -> str:
    """What the run record of a bell's work is called."""
    step = step_of(item, bell)
    return step.fingerprint if step else f"ingest-{item.generation}"


def step_of(item: ItemRecords, bell: Bell) -> Step | None:
    """The step that a bell asks for; None for the first look at a file."""
    steps = item.plan.steps if item.plan else ()
    return next((step for step in steps if step.name == bell.step), None)


def _errand(work: tuple[ItemRecords, Bell]) -> tuple[str, str, int, str]:
    """What bells of one batch have in common; work that goes alone has it with nothing else."""
    item, bell = work
    alone = item.drop.item if _load(item, bell) > 1 else ""
    return bell.task, bell.step, bell.priority, alone


def _packed(works: list[tuple[ItemRecords, Bell]]) -> Iterator[Bell]:
    """One bell for as much of the same errand as a batch holds."""
    names: list[str] = []
    filled = 0.0
    for item, bell in works:
        load = _load(item, bell)
        if names and filled + load > 1:
            yield _together(bell, names)
            names, filled = [], 0.0
        names.append(bell.item)
        filled += load
    if names:
        yield _together(works[0][1], names)


def _together(bell: Bell, names: list[str]) -> Bell:
    return dataclasses.replace(bell, item=names[0], more=tuple(names[1:]))


def _load(item: ItemRecords, bell: Bell) -> float:
    run = item.runs.get(run_name(item, bell))
    untried = run is None or run[0].attempts == 0
    share = _photo_load(item, bell) if untried else None
    return 2.0 if share is None else max(share, 1 / MOST_ITEMS - 1e-9)


def _photo_load(item: ItemRecords, bell: Bell) -> float | None:
    """The share of a batch that a photo takes; None for everything else."""
    step = step_of(item, bell)
    if step is None:
        return item.drop.media.bytes / MOST_BYTES if item.drop.kind is Kind.PHOTO else None
    picture = item.plan.probe.picture if item.plan else None
    if picture is None or not all(isinstance(out, PhotoOut) for out in step.outputs):
        return None
    return picture.width * picture.height / MOST_PIXELS
