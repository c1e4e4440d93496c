"""What comes next for an item: (records, now) -> bells to ring.

Owns the one retry policy: how long a ring is waited for, when a silent worker is given up, how
often the world may fail. Pure. `flow` rings what is decided here; Celery and the one-process loop
only carry the bells.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.model import Plan, SpeechOut, Step
from pipeline.order import FIRST, IDLE
from pipeline.records import ItemRecords, Run

# A worker renews its run record every 5 s; after six missed renewals it is taken for dead.
RENEW_S = 5.0
LEASE_S = 30.0
# A ring nobody answered is repeated after a minute, then after two, four, ... at most hourly.
PATIENCE_S = 60.0
MAX_PATIENCE_S = 3600.0
# Passing failures: the rest between two tries; how many there are, the error says.
FIRST_REST_S = 5.0
MAX_REST_S = 600.0
# A file whose worker died three times is not given a fourth.
MAX_DEATHS = 3

# Pages of so few items, or written within this time, need no rest.
FEW_ITEMS = 50
QUICK_PAGES_S = 0.5
MAX_PAGES_REST_S = 15.0

Task = Literal["ingest", "render", "transcribe", "publish"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Bell:
    """A request to do something; ids only. 0 is the most urgent `priority`.

    `more` are further items of the post, of which the same is to be done in one go.
    """

    priority: int
    task: Task
    post: str
    item: str = ""
    step: str = ""
    more: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[str, ...]:
        """Every item it rings for."""
        return (self.item, *self.more)


def todo(records: ItemRecords, now: float) -> Iterator[Bell]:
    """The bells that should ring for an item now."""
    drop = records.drop
    if drop.withdrawn:
        return
    if records.plan is None:
        run = f"ingest-{records.generation}"
        if is_due(run, records, now):
            yield Bell(priority=1, task="ingest", post=drop.post, item=drop.item)
        return
    alone = _is_starting(records.plan, records)
    for step in records.plan.steps:
        if step.fingerprint in records.done or not is_ready(step, records):
            continue
        if alone and step.priority > FIRST:
            continue
        if is_due(step.fingerprint, records, now):
            yield render_bell(drop.post, drop.item, step)


def _is_starting(plan: Plan, records: ItemRecords) -> bool:
    """True while the first seconds of a film are made: nothing else of it may slow that down.

    Where they have to rest, the others do not wait for them.
    """
    ended = records.done.keys() | records.failed.keys()
    first = (s.fingerprint for s in plan.steps if s.priority == FIRST)
    runs = (records.runs.get(name) for name in first if name not in ended)
    return any(run is None or run[0].state != "resting" for run in runs)


def render_bell(post: str, item: str, step: Step) -> Bell:
    """The bell of one step; listening to speech has a queue of its own."""
    task: Task = "transcribe" if isinstance(step.outputs[0], SpeechOut) else "render"
    return Bell(priority=step.priority, task=task, post=post, item=item, step=step.name)


def is_ready(step: Step, records: ItemRecords) -> bool:
    """True where everything a step is made from is over, one way or the other."""
    if not step.needs or records.plan is None:
        return True
    ended = records.done.keys() | records.failed.keys()
    needed = (s for s in records.plan.steps if s.name in step.needs)
    return all(other.fingerprint in ended for other in needed)


def is_due(name: str, records: ItemRecords, now: float) -> bool:
    """True where work is neither failed, nor waited for, nor being done."""
    if name in records.failed:
        return False
    if name not in records.runs:
        return True
    run, modified = records.runs[name]
    if run.state == "running":
        return is_silent(run, modified, now)
    if run.state == "resting":
        return now >= run.not_before
    patience = min(PATIENCE_S * 2.0 ** max(0, run.rings - 1), MAX_PATIENCE_S)
    return now - modified > patience


def is_silent(run: Run, modified: float, now: float) -> bool:
    """True where a running record has not been renewed: its worker is gone."""
    return run.state == "running" and now - modified > LEASE_S


def started(run: Run | None, modified: float, now: float, owner: str) -> Run:
    """The run record of a new start, with the silent end of the last one counted."""
    before = run or Run(state="rung")
    died = is_silent(before, modified, now)
    return dataclasses.replace(
        before,
        state="running",
        attempts=before.attempts + 1,
        deaths=before.deaths + died,
        owner=owner,
        percent=0,
        text="",
    )


def rung(run: Run | None, modified: float, now: float) -> Run:
    """The run record of a doorbell that is about to ring."""
    before = run or Run(state="resting")
    died = is_silent(before, modified, now)
    return dataclasses.replace(
        before, state="rung", rings=before.rings + 1, deaths=before.deaths + died
    )


def is_over(records: ItemRecords) -> bool:
    """True where nothing more will happen by itself: every step is done or failed."""
    if records.drop.withdrawn or f"ingest-{records.generation}" in records.failed:
        return True
    if records.plan is None:
        return False
    ended = records.done.keys() | records.failed.keys()
    return all(step.fingerprint in ended for step in records.plan.steps)


def is_settled(records: ItemRecords) -> bool:
    """True where readers have everything, though idle hands may still make better of it."""
    if records.plan is None:
        return is_over(records)
    ended = records.done.keys() | records.failed.keys()
    return all(s.fingerprint in ended for s in records.plan.steps if s.priority < IDLE)


def rest_s(attempts: int) -> float:
    """Seconds until the next try: doubling, with up to a quarter of jitter so workers spread."""
    rest = min(FIRST_REST_S * 2.0 ** max(0, attempts - 1), MAX_REST_S)
    return rest * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


def pages_rest_s(took_s: float, items: int) -> float:
    """Seconds that the pages of a post rest after they were written; none for a small post.

    Whatever made those slow, a film that has just become playable is not to wait for it.

    So writing them again and again takes a fifth of the time, however many ask for it; but the last
    writing is never far away.
    """
    small = items <= FEW_ITEMS or took_s <= QUICK_PAGES_S
    return 0.0 if small else min(4 * took_s, MAX_PAGES_REST_S)
