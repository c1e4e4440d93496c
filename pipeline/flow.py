"""The use cases on one item: ingest, make, retry. Each may run twice, late or in any order.

Owns the order of reading and writing, nothing else: what to make is decided in `plan`, what comes
next in `todo`. Who carries the bells is not known here: in one process it is a loop over a heap, on
many machines it is Celery. `scan` finds the work, `publish` shows it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

from pipeline import address, lease, partial, render, texts, todo
from pipeline.errors import BadInput, Missing, OverLimit, ToolBug, Unfit, Unreadable
from pipeline.house import House, publish_bell, ring_due
from pipeline.manifest import step_of
from pipeline.model import (
    Artifact,
    Drop,
    Limits,
    Source,
    SpeechOut,
    SpokenOut,
    Step,
    StepRecord,
)
from pipeline.order import SOUND_ROLES, Order
from pipeline.partial import Reach
from pipeline.plan import plan
from pipeline.records import ItemRecords, PostRecords, failures, item_key
from pipeline.shop import Progress, Report, Shop

log = logging.getLogger(__name__)

# What does not make a post playable stands back for what does, on the same machine.
PATIENT_NICE = 10
# What nobody waits for stands back for all of it.
SPEECH_NICE = 19


def ingest(house: House, post: str, item: str) -> None:
    """Probe one upload, plan it, and ring for each step of the plan.

    Raises what the probe raises, after recording it; the item's page then says why it failed.
    """
    records = house.item(post, item)
    if records is None or records.plan is not None:
        return
    name = f"ingest-{records.generation}"
    try:
        with lease.hold(house.records, records, name, house.owner):
            _plan(house, records)
    except (lease.Busy, Missing):
        return
    finally:
        house.ring(publish_bell(post))
    fresh = house.item(post, item)
    if fresh is not None:
        ring_due(house, [fresh])


def _plan(house: House, records: ItemRecords, *, copies: bool = True) -> None:
    drop = records.drop
    order = dataclasses.replace(_order(house, drop), copies=copies)
    house.records.put(item_key(drop.post, drop.item, "plan", records.generation), plan(order))


def _order(house: House, drop: Drop) -> Order:
    profile = house.profile(drop.profile)
    check_size(drop.media, profile.limits)
    with house.workbench() as folder:
        place = partial.Place(cache=house.sources, scratch=folder, limits=profile.limits)
        found = partial.examined(house.ingest, drop.media, place)
    said = texts.read(house.ingest, drop.sidecars, profile.limits.max_text_bytes)
    return Order(
        drop=drop,
        probe=found,
        profile=profile,
        tool=house.tool,
        texts=said,
        hearing=house.ears.hearing if house.ears else None,
    )


def check_size(source: Source, limits: Limits) -> None:
    """Refuse what needs no look inside; raises Unreadable and OverLimit."""
    if source.bytes == 0:
        raise Unreadable(f"{source.name} is empty (0 bytes). Copy it again from the card.")
    if source.bytes > limits.max_bytes:
        raise OverLimit(
            f"{source.name} is larger than {limits.max_bytes / 1e9:.0f} GB, the limit set by "
            "limits.max_bytes in the profile."
        )


def make(house: House, post: str, item: str, step: str, *, report: Report) -> None:
    """Run one step of an item's plan, store what it made, and ring for what comes next.

    Raises what the step raises, after recording it.
    """
    records = house.item(post, item)
    wanted = step_of(records.plan, step) if records and records.plan else None
    if records is None or wanted is None or not todo.is_ready(wanted, records):
        return
    try:
        with lease.hold(house.records, records, wanted.fingerprint, house.owner) as pulse:

            def tell(progress: Progress) -> None:
                pulse.report(progress.percent, progress.text)
                report(progress)

            try:
                _make(house, records, wanted, tell)
            except Unfit as error:
                log.info("%s, %s: %s", error.public, wanted.name, error.evidence)
                _plan(house, records, copies=False)
    except (lease.Busy, Missing):
        return
    finally:
        house.ring(publish_bell(post))
    fresh = house.item(post, item)
    if fresh is not None:
        ring_due(house, [fresh])


def _make(house: House, records: ItemRecords, step: Step, tell: Report) -> None:
    for wanted in (partial.reach(step), None):
        with house.workbench() as folder, _shop(house, records, step, folder, wanted) as shop:
            try:
                record = render.perform(step, prefix(records.drop, step), shop, tell)
            except (BadInput, ToolBug):
                if shop.whole:
                    raise
                # Is the file at fault, or the choice of its part? Only the whole of it can tell.
                what = step.source.name, step.name
                log.info("%s, %s: again, from the whole file", *what, exc_info=True)
                continue
            keep(house, records.drop, record, folder)
            return


def prefix(drop: Drop, step: Step) -> str:
    """Where the outputs of a step are published, for ever."""
    return f"{drop.post}/{drop.item}/r/{step.fingerprint}"


def keep(house: House, drop: Drop, record: StepRecord, folder: Path) -> None:
    """Store what a step has made in `folder`, last of all that it is done."""
    for artifact in record.artifacts:
        house.published.put(render.stored(artifact, folder, address.FOREVER))
    house.records.put(item_key(drop.post, drop.item, "done", record.fingerprint), record)


@contextlib.contextmanager
def _shop(
    house: House, records: ItemRecords, step: Step, folder: Path, wanted: Reach | None
) -> Iterator[Shop]:
    """The bench of a step, with what it is made from: its part of the source, or other outputs."""
    limits = house.profile(records.drop.profile).limits
    bench = Shop(
        ffmpeg=house.ffmpeg,
        source=folder,
        folder=folder,
        limits=limits,
        nice=_nice(step),
        ears=house.ears,
    )
    with contextlib.ExitStack() as stack:
        place = partial.Place(cache=house.sources, scratch=folder, limits=limits)
        if step.needs:
            inputs = tuple(
                (made, stack.enter_context(house.published.local(made.key, folder)))
                for made in _needed(records, step)
            )
            yield dataclasses.replace(bench, source=house.ffmpeg, inputs=inputs)
            return
        local = stack.enter_context(
            partial.straightened(house.ingest, step.source, step.demuxer, place)
            if step.restarts
            else partial.source(house.ingest, step.source, step.demuxer, wanted, place)
        )
        yield dataclasses.replace(
            bench, source=local.path, whole=local.whole, service=local.service
        )


def _needed(records: ItemRecords, step: Step) -> Iterator[Artifact]:
    """What the steps before it have made of its rung, and of sound; the failed made nothing."""
    for other in records.plan.steps if records.plan else ():
        if other.name in step.needs and other.fingerprint in records.done:
            for made in records.done[other.fingerprint].artifacts:
                if _is_needed(made, step):
                    yield made


def _is_needed(made: Artifact, step: Step) -> bool:
    if isinstance(step.outputs[0], SpeechOut | SpokenOut):
        return made.role in ("speech", *SOUND_ROLES)
    rungs = {getattr(out, "rung", None) for out in step.outputs}
    return made.role != "chunk" or made.extra.get("rung") in rungs


def _nice(step: Step) -> int:
    """How far a step stands back for others on the same machine."""
    if isinstance(step.outputs[0], SpeechOut):
        return SPEECH_NICE
    return PATIENT_NICE if step.priority else 0


def remake(house: House, post: str, item: str | None = None) -> tuple[str, ...]:
    """Plan a post or one item anew, with the encoder and the profile of today.

    What is published stays until its successor is ready. Returns the items. Raises Missing for a
    post or an item that is not known.
    """
    look = _known(house, post, item)
    names = [name for name in look.items if item in (None, name)]
    for name in names:
        drop = look.items[name]
        again = dataclasses.replace(drop, edition=drop.edition + 1)
        house.records.put(item_key(post, name, "drop"), again)
    house.records.drop(*house.records.marks(post))
    return tuple(sorted(names))


def _known(house: House, post: str, item: str | None) -> PostRecords:
    look = house.records.post(post)
    if look.drop is None or (item is not None and item not in look.items):
        raise Missing(f"There is no {'item' if item else 'post'} called {item or post}.")
    return look


def _made_without(records: ItemRecords) -> Iterator[str]:
    """The records of what was made while something that it needs had failed: it has gaps."""
    steps = records.plan.steps if records.plan else ()
    lost = {step.name for step in steps if step.fingerprint in records.failed}
    for step in steps:
        if step.fingerprint in records.done and lost.intersection(step.needs):
            yield item_key(records.drop.post, records.drop.item, "done", step.fingerprint)


def retry(house: House, post: str, item: str | None = None) -> tuple[str, ...]:
    """Forget the failures of a post or of one item, so that the next scan tries them again.

    Returns the items that had any. Raises Missing for a post or an item that is not known.
    """
    look = _known(house, post, item)
    keys = list(failures(look.entries, post, item))
    ones = (one for name, one in house.items(look).items() if item in (None, name))
    house.records.drop(*keys, *(key for one in ones for key in _made_without(one)))
    house.records.drop(*house.records.marks(post))
    return tuple(sorted({key.split("/")[2] for key in keys if "/fail-" in key}))
