"""Holding a piece of work: its run record is renewed while it lasts, and says how it ended.

Owns the heartbeat and the recording of failures. Leases spare double work; nothing depends on them
to be correct, for equal work makes equal bytes. `flow` wraps every ingest and render in one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping

from pipeline import todo
from pipeline.errors import BadInput, Hostile, Missing, NewsreelError, ToolBug, Transient
from pipeline.model import Failure
from pipeline.records import ItemRecords, Records, Run, item_key

log = logging.getLogger(__name__)


class Busy(Exception):
    """Another worker holds this work, or it has ended: there is nothing to do here."""


class Pulse:
    """A thread that renews run records, carrying the latest progress with them."""

    def __init__(self, records: Records, runs: Mapping[str, Run]) -> None:
        self._records, self._runs = records, dict(runs)
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="pulse")

    def report(self, percent: int, text: str) -> None:
        """Say how far the work is; it is written with the next beat."""
        with self._lock:
            for key, run in self._runs.items():
                self._runs[key] = dataclasses.replace(run, percent=percent, text=text)

    def start(self) -> None:
        """Write the first records, then keep renewing them."""
        for key, run in self._runs.items():
            self._records.put(key, run)
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; returns once no write is under way."""
        self._done.set()
        self._thread.join()

    def release(self, key: str) -> None:
        """Renew this one no more; returns once no write of it is under way."""
        with self._lock:
            self._runs.pop(key, None)

    def _beat(self) -> None:
        while not self._done.wait(todo.RENEW_S):
            for key in tuple(self._runs):
                self._renew(key)

    def _renew(self, key: str) -> None:
        # A store that is away for a moment must not end the work; the next beat tries again.
        with self._lock, contextlib.suppress(NewsreelError):
            if key in self._runs:
                self._records.put(key, self._runs[key])


@contextlib.contextmanager
def hold(records: Records, item: ItemRecords, name: str, owner: str) -> Iterator[Pulse]:
    """Do the body as the work `name` of an item.

    Raises Busy where it is held, over, or resting. A failure of the body is recorded by its kind
    and raised again, a mistake of our own as ToolBug; on the way out the run record is gone, or
    says when to try again.
    """
    run = _begin(records, item, name, owner)
    key = item_key(item.drop.post, item.drop.item, "run", name)
    pulse = Pulse(records, {key: run})
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
        bug = our_fault(item.drop.media.name, error)
        _record_failure(records, item, name, run, bug)
        raise bug from error
    except BaseException:
        # We are being stopped. That is nobody's failure: the next worker may start at once.
        pulse.stop()
        with contextlib.suppress(NewsreelError):
            records.put(key, _undone(run))
        raise
    pulse.stop()
    records.drop(key)


class Hands:
    """Several pieces of work that one worker holds; each ends by itself."""

    def __init__(self, records: Records, work: Iterable[tuple[ItemRecords, str]]) -> None:
        self._records = records
        self._work = {item.drop.item: (item, name) for item, name in work}
        self._runs: dict[str, Run] = {}
        self._pulse = Pulse(records, {})

    @property
    def items(self) -> list[ItemRecords]:
        """What is held and has not ended."""
        return [self._work[name][0] for name in self._runs]

    def take(self, owner: str) -> None:
        """Begin what is free, and renew its records from now on; the rest is left to others."""
        for item, name in self._work.values():
            with contextlib.suppress(Busy, Hostile):
                self._runs[item.drop.item] = _begin(self._records, item, name, owner)
        runs = {self._key(item): run for item, run in self._runs.items()}
        self._pulse = Pulse(self._records, runs)
        self._pulse.start()

    def done(self, item: ItemRecords) -> None:
        """A piece of work has ended well, or there is no such work any more."""
        self._let_go(item.drop.item)
        self._records.drop(self._key(item.drop.item))

    def failed(self, item: ItemRecords, error: NewsreelError) -> None:
        """A piece of work has failed, for good or for now."""
        if isinstance(error, Missing):
            self.done(item)  # withdrawn or replaced meanwhile: the next scan knows better
            return
        run = self._let_go(item.drop.item)
        _record_failure(self._records, item, self._work[item.drop.item][1], run, error)

    def fail_the_rest(self, error: Exception) -> None:
        """What is still held has failed, all of it for the same reason."""
        for item in self.items:
            ours = our_fault(item.drop.media.name, error)
            self.failed(item, error if isinstance(error, NewsreelError) else ours)

    def drop_the_rest(self) -> None:
        """We are being stopped. That is nobody's failure: the next worker may start at once."""
        for item in self.items:
            run = self._let_go(item.drop.item)
            with contextlib.suppress(NewsreelError):
                self._records.put(self._key(item.drop.item), _undone(run))

    def stop(self) -> None:
        """Renew nothing any more."""
        self._pulse.stop()

    def _key(self, item: str) -> str:
        records, name = self._work[item]
        return item_key(records.drop.post, item, "run", name)

    def _let_go(self, item: str) -> Run:
        self._pulse.release(self._key(item))
        return self._runs.pop(item)


@contextlib.contextmanager
def hold_all(
    records: Records, work: Iterable[tuple[ItemRecords, str]], owner: str
) -> Iterator[Hands]:
    """Do the body as several pieces of work, (item, name) each; those that are not free are left.

    The body says of each how it ended. When it raises, that was the end of all that are left: the
    failure is recorded for each, and raised again, a mistake of our own as ToolBug.
    """
    hands = Hands(records, work)
    hands.take(owner)
    try:
        yield hands
    except NewsreelError as error:
        hands.fail_the_rest(error)
        raise
    except Exception as error:
        hands.fail_the_rest(error)
        raise our_fault("photos", error) from error
    except BaseException:
        hands.drop_the_rest()
        raise
    finally:
        hands.stop()


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


def _undone(run: Run) -> Run:
    return dataclasses.replace(run, state="resting", attempts=run.attempts - 1)


def our_fault(name: str, error: Exception) -> ToolBug:
    """What a mistake of our own means for a file."""
    return ToolBug(
        f"{name}: Newsreel itself failed on this file; the file is safe. The log says how. "
        "Retry, and report it if it happens again.",
        evidence=repr(error),
    )
