"""The use cases on several photos of a post at once: first looks, and developing.

Owns the order of reading and writing of a batch: every photo is held, decided and recorded by
itself, only the confined child is shared. What is no small photo after all, or not free, is left to
`flow`, which does one thing at a time; `batches` decides what comes here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline import flow, lease, partial, photos, probe, render, texts, todo
from pipeline.errors import NewsreelError
from pipeline.house import House, publish_bell, ring_due
from pipeline.lease import Hands
from pipeline.manifest import step_of
from pipeline.model import Limits, PhotoOut, Probe, Step
from pipeline.order import Order
from pipeline.photos import Job
from pipeline.plan import plan
from pipeline.records import ItemRecords, item_key
from pipeline.shop import Made, Progress, Report, Shop


def ingest(house: House, post: str, items: Sequence[str]) -> None:
    """Probe several small files in one child, plan each, and ring for their steps.

    What is wrong with one is recorded for it, and stops no other. Raises Transient where the world
    failed, after recording it for all that were still to do.
    """
    found = (records for records in _known(house, post, items) if records.plan is None)
    work = [(records, f"ingest-{records.generation}") for records in found]
    try:
        with lease.hold_all(house.records, work, house.owner) as hands:
            _ingest(house, hands)
    finally:
        house.ring(publish_bell(post))
    ring_due(house, _known(house, post, items))


def make(house: House, post: str, wanted: tuple[str, Sequence[str]], *, report: Report) -> None:
    """Develop several photos in one child; `wanted` are the step's name and the items.

    As `ingest` is, of one bad file and of a failing world.
    """
    step, items = wanted
    steps = [(records, _ready(records, step)) for records in _known(house, post, items)]
    work = {records.drop.item: (records, one) for records, one in steps if one is not None}
    names = [(records, one.fingerprint) for records, one in work.values()]
    report(Progress(percent=0, text=f"{len(names)} photos"))
    try:
        with lease.hold_all(house.records, names, house.owner) as hands:
            _make(house, hands, {name: one for name, (_, one) in work.items()})
    finally:
        house.ring(publish_bell(post))
    ring_due(house, _known(house, post, items))


def _known(house: House, post: str, items: Iterable[str]) -> Iterator[ItemRecords]:
    found = (house.item(post, item) for item in items)
    return (records for records in found if records is not None)


def _ready(records: ItemRecords, name: str) -> Step | None:
    """The step, if it still is one of a photo and may be made now."""
    step = step_of(records.plan, name) if records.plan else None
    if step is None or not all(isinstance(out, PhotoOut) for out in step.outputs):
        return None
    return step if todo.is_ready(step, records) else None


@contextlib.contextmanager
def _sources(house: House, hands: Hands, scratch: Path) -> Iterator[dict[str, Path]]:
    """Where the files of what is held lie, by item; what cannot be had has failed by then."""
    with contextlib.ExitStack() as stack:
        paths = {}
        for records in hands.items:
            place, media = _place(house, records, scratch), records.drop.media
            with _told(hands, records):
                flow.check_size(media, place.limits)
                source = partial.source(house.ingest, media, "", None, place)
                paths[records.drop.item] = stack.enter_context(source).path
        yield paths


@contextlib.contextmanager
def _told(hands: Hands, records: ItemRecords) -> Iterator[None]:
    """Let a failure of the body be that of one item alone."""
    try:
        yield
    except NewsreelError as error:
        hands.failed(records, error)
    except Exception as error:  # noqa: BLE001 - a mistake of ours with one photo, recorded as such
        hands.failed(records, lease.our_fault(records.drop.media.name, error))


def _place(house: House, records: ItemRecords, scratch: Path) -> partial.Place:
    limits = _limits(house, records)
    return partial.Place(cache=house.sources, scratch=scratch, limits=limits)


def _limits(house: House, records: ItemRecords) -> Limits:
    return house.profile(records.drop.profile).limits


# --- first looks -----------------------------------------------------------------------------


def _ingest(house: House, hands: Hands) -> None:
    with house.workbench() as scratch, _sources(house, hands, scratch) as paths:
        held = hands.items
        if not held:
            return
        # One profile for a post: the limits of one are those of all.
        files = [paths[records.drop.item] for records in held]
        answers = probe.probe_each(files, scratch, _limits(house, held[0]))
        for records, answer in zip(held, answers, strict=True):
            with _told(hands, records):
                if isinstance(answer, NewsreelError):
                    raise answer
                found = answer
                if found.restarts:  # no photo, whatever it is called
                    place = _place(house, records, scratch)
                    found = partial.examined(house.ingest, records.drop.media, place)
                _plan(house, records, found)
                hands.done(records)


def _plan(house: House, records: ItemRecords, found: Probe) -> None:
    drop, profile = records.drop, house.profile(records.drop.profile)
    said = texts.read(house.ingest, drop.sidecars, profile.limits.max_text_bytes)
    order = Order(drop=drop, probe=found, profile=profile, tool=house.tool, texts=said)
    house.records.put(item_key(drop.post, drop.item, "plan", records.generation), plan(order))


# --- developing ------------------------------------------------------------------------------


def _make(house: House, hands: Hands, steps: dict[str, Step]) -> None:
    with house.workbench() as scratch, _sources(house, hands, scratch) as paths:
        held = hands.items
        if not held:
            return
        jobs = [_job(steps[r.drop.item], paths[r.drop.item], scratch / r.drop.item) for r in held]
        bench = Shop(
            ffmpeg=house.ffmpeg,
            source=scratch,
            folder=scratch,
            limits=_limits(house, held[0]),
            nice=flow.PATIENT_NICE,
        )
        made = photos.develop_many(jobs, bench)
        for records, job, answer in zip(held, jobs, made, strict=True):
            with _told(hands, records):
                _keep(house, records, job, answer)
                hands.done(records)


def _job(step: Step, source: Path, folder: Path) -> Job:
    folder.mkdir()
    return Job(step=step, source=source, folder=folder)


def _keep(house: House, records: ItemRecords, job: Job, answer: Made | NewsreelError) -> None:
    if isinstance(answer, NewsreelError):
        raise answer
    bench = Shop(
        ffmpeg=house.ffmpeg,
        source=job.source,
        folder=job.folder,
        limits=_limits(house, records),
    )
    record = render.record(job.step, flow.prefix(records.drop, job.step), bench, answer)
    flow.keep(house, records.drop, record, job.folder)
