"""The use cases on one item: ingest, make, retry. Each may run twice, late or in any order.

Owns the order of reading and writing, nothing else: what to make is decided in `plan`, what comes
next in `todo`. Who carries the bells is not known here: in one process it is a loop over a heap, on
many machines it is Celery. `scan` finds the work, `publish` shows it.
"""

from __future__ import annotations

import dataclasses

from pipeline import address, lease, render, texts
from pipeline.errors import Missing, OverLimit, Unreadable
from pipeline.house import House, publish_bell, ring_due
from pipeline.manifest import step_of
from pipeline.model import Drop, Limits, Source, Step
from pipeline.plan import Order, plan
from pipeline.probe import probe
from pipeline.records import PostRecords, failures, item_key


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
            planned = plan(_order(house, records.drop))
            house.records.put(item_key(post, item, "plan", records.generation), planned)
    except (lease.Busy, Missing):
        return
    finally:
        house.ring(publish_bell(post))
    fresh = house.item(post, item)
    if fresh is not None:
        ring_due(house, fresh)


def _order(house: House, drop: Drop) -> Order:
    profile = house.profile(drop.profile)
    _check_size(drop.media, profile.limits)
    with (
        house.ingest.local(drop.media.key, house.sources) as path,
        house.workbench() as folder,
    ):
        found = probe(path, folder, profile.limits)
    said = texts.read(house.ingest, drop.sidecars, profile.limits.max_text_bytes)
    return Order(drop=drop, probe=found, profile=profile, tool=house.tool, texts=said)


def _check_size(source: Source, limits: Limits) -> None:
    if source.bytes == 0:
        raise Unreadable(f"{source.name} is empty (0 bytes). Copy it again from the card.")
    if source.bytes > limits.max_bytes:
        raise OverLimit(
            f"{source.name} is larger than {limits.max_bytes / 1e9:.0f} GB, the limit set by "
            "limits.max_bytes in the profile."
        )


def make(house: House, post: str, item: str, step: str, *, report: render.Report) -> None:
    """Run one step of an item's plan, store what it made, and ring for the pages.

    Raises what the step raises, after recording it.
    """
    records = house.item(post, item)
    wanted = step_of(records.plan, step) if records and records.plan else None
    if records is None or wanted is None:
        return
    try:
        with lease.hold(house.records, records, wanted.fingerprint, house.owner) as pulse:

            def tell(progress: render.Progress) -> None:
                pulse.report(progress.percent, progress.text)
                report(progress)

            _make(house, records.drop, wanted, tell)
    except (lease.Busy, Missing):
        return
    finally:
        house.ring(publish_bell(post))


def _make(house: House, drop: Drop, step: Step, tell: render.Report) -> None:
    prefix = f"{drop.post}/{drop.item}/r/{step.fingerprint}"
    limits = house.profile(drop.profile).limits
    with (
        house.ingest.local(step.source.key, house.sources) as path,
        house.workbench() as folder,
    ):
        shop = render.Shop(ffmpeg=house.ffmpeg, source=path, folder=folder, limits=limits)
        record = render.perform(step, prefix, shop, tell)
        for artifact in record.artifacts:
            house.published.put(render.stored(artifact, folder, address.FOREVER))
    house.records.put(item_key(drop.post, drop.item, "done", step.fingerprint), record)


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


def retry(house: House, post: str, item: str | None = None) -> tuple[str, ...]:
    """Forget the failures of a post or of one item, so that the next scan tries them again.

    Returns the items that had any. Raises Missing for a post or an item that is not known.
    """
    keys = list(failures(_known(house, post, item).entries, post, item))
    house.records.drop(*keys)
    house.records.drop(*house.records.marks(post))
    return tuple(sorted({key.split("/")[2] for key in keys if "/fail-" in key}))
