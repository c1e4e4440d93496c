"""Holding a piece of work: its run record is renewed while it lasts, and says how it ended.

Owns the heartbeat and the recording of failures. Leases spare double work; nothing depends on them
to be correct, for equal work makes equal bytes. `flow` wraps every ingest and render in one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Iterator

from pipeline import todo
from pipeline.errors import BadInput, Hostile, Missing, NewsreelError, ToolBug, Transient
from pipeline.model import Failure
from pipeline.records import ItemRecords, Records, Run, item_key

log = logging.getLogger(__name__)


class Busy(Exception):
    """Another worker holds this work, or it has ended: there is nothing to do here."""


class Pulse:
    """A thread that renews the run record, carrying the latest progress with it."""

    def __init__(self, records: Records, key: str, run: Run) -> None:
        self._records, self._key, self._run = records, key, run
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="pulse")

    def report(self, percent: int, text: str) -> None:
        """Say how far the work is; it is written with the next beat."""
        self._run = dataclasses.replace(self._run, percent=percent, text=text)

    def start(self) -> None:
        """Write the first record, then keep renewing it."""
        self._records.put(self._key, self._run)
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; returns once no write is under way."""
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(todo.RENEW_S):
            # A store that is away for a moment must not end the work; the next beat tries again.
            with contextlib.suppress(NewsreelError):
                self._records.put(self._key, self._run)


@contextlib.contextmanager
def hold(records: Records, item: ItemRecords, name: str, owner: str) -> Iterator[Pulse]:
    """Do the body as the work `name` of an item.

    Raises Busy where it is held, over, or resting. A failure of the body is recorded by its kind
    and raised again, a mistake of our own as ToolBug; on the way out the run record is gone, or
    says when to try again.
    """
    run = _begin(records, item, name, owner)
    key = item_key(item.drop.post, item.drop.item, "run", name)
    pulse = Pulse(records, key, run)
    pulse.start()
    try:
        yield pulse
    except Missing:
        # The source was withdrawn or replaced meanwhile: the next scan knows better.
        pulse.stop()
        records.drop(key)
        raise
    except NewsreelError as error:
        pulse.stop()
        _record_failure(records, item, name, run, error)
        raise
    except Exception as error:
        pulse.stop()
        bug = _our_fault(item.drop.media.name, error)
        _record_failure(records, item, name, run, bug)
        raise bug from error
    except BaseException:
        # We are being stopped. That is nobody's failure: the next worker may start at once.
        pulse.stop()
        undone = dataclasses.replace(run, state="resting", attempts=run.attempts - 1)
        with contextlib.suppress(NewsreelError):
            records.put(key, undone)
        raise
    pulse.stop()
    records.drop(key)


def fail(records: Records, item: ItemRecords, name: str, error: NewsreelError) -> None:
    """Record that this work has failed for good."""
    drop = item.drop
    media = drop.media.name
    told = error.public if media in error.public else f"{media}: {error.public}"
    failure = Failure(code=error.code, message=told)
    records.put(item_key(drop.post, drop.item, "fail", name), failure)
    records.drop(item_key(drop.post, drop.item, "run", name))


def _begin(records: Records, item: ItemRecords, name: str, owner: str) -> Run:
    now = records.store.now()
    run, modified = item.runs.get(name, (None, 0.0))
    if name in item.failed or name in item.done:
        raise Busy
    if run is not None and run.state == "running" and not todo.is_silent(run, modified, now):
        raise Busy
    if run is not None and run.state == "resting" and now < run.not_before:
        raise Busy
    begun = todo.started(run, modified, now, owner)
    if begun.deaths >= todo.MAX_DEATHS:
        error = deadly(item.drop.media.name)
        fail(records, item, name, error)
        raise error
    return begun


def deadly(name: str) -> Hostile:
    """The verdict on a file whose worker died again and again."""
    return Hostile(
        f"{name}: the program was ended {todo.MAX_DEATHS} times while working on this file, so it "
        "is left alone now. Try a copy saved by another program, then retry."
    )


def _record_failure(
    records: Records, item: ItemRecords, name: str, run: Run, error: NewsreelError
) -> None:
    drop = item.drop
    if isinstance(error, Transient) and run.attempts < error.max_attempts:
        log.warning("%s/%s %s: %s %s", drop.post, drop.item, name, error, error.evidence)
        later = records.store.now() + todo.rest_s(run.attempts)
        rest = dataclasses.replace(run, state="resting", not_before=later, text=error.public)
        with contextlib.suppress(NewsreelError):
            records.put(item_key(drop.post, drop.item, "run", name), rest)
        return
    if isinstance(error, BadInput):
        log.info("%s/%s: %s | %s", drop.post, drop.item, error, error.evidence)
    else:
        log.error("%s/%s %s: %s", drop.post, drop.item, name, error.evidence, exc_info=error)
    fail(records, item, name, error)


def _our_fault(name: str, error: Exception) -> ToolBug:
    return ToolBug(
        f"{name}: Newsreel itself failed on this file; the file is safe. The log says how. "
        "Retry, and report it if it happens again.",
        evidence=repr(error),
    )
