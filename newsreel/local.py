"""The whole job in one process on plain folders: what `newsreel publish` does.

Owns the loop that carries bells from a heap to a few threads, and the lock that keeps two runs off
one output folder. The use cases are the ones Celery calls. Refuses to print: a listener is told.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from pipeline import flow, todo, together
from pipeline.errors import ConfigError, NewsreelError, Transient
from pipeline.house import House
from pipeline.model import PostManifest
from pipeline.publish import publish, published_manifest
from pipeline.scan import scan
from pipeline.shop import Progress
from pipeline.todo import Bell

# How often resting work is looked at again.
NAP_S = 0.5
# With nothing else to do, this many passing failures end the run: somebody sits there waiting.
MAX_TROUBLES = 4


class Listener(Protocol):
    """Whoever shows what is going on."""

    def progress(self, bell: Bell, progress: Progress) -> None:
        """A step has come this far."""

    def published(self, post: PostManifest) -> None:
        """The pages were brought up to date."""

    def trouble(self, bell: Bell, error: Transient) -> None:
        """A step has failed for now, and will be tried again."""


class Rope:
    """The bells that wait, most urgent first; an equal bell is not hung twice. Any thread may."""

    def __init__(self) -> None:
        self._heap: list[Bell] = []
        self._lock = threading.Lock()

    def ring(self, bell: Bell) -> None:
        """Hang a bell."""
        with self._lock:
            if bell not in self._heap:
                heapq.heappush(self._heap, bell)

    def take(self) -> Bell | None:
        """The most urgent bell, or None."""
        with self._lock:
            return heapq.heappop(self._heap) if self._heap else None


class Due:
    """The bell for pages, which rest for some time after they were written.

    Pages of a post of a thousand photos take seconds, and every photo that is made rings for them:
    they may take a share of the time, not all of it.
    """

    def __init__(self) -> None:
        self._bell: Bell | None = None
        self._not_before = 0.0

    def ring(self, bell: Bell) -> None:
        """Ask for pages."""
        self._bell = bell

    def take(self, *, idle: bool) -> Bell | None:
        """The bell, if it may be answered: after the rest, or when there is nothing else to do."""
        if self._bell is None or (not idle and time.monotonic() < self._not_before):
            return None
        bell, self._bell = self._bell, None
        return bell

    def rest(self, took_s: float, items: int) -> None:
        """Pages of so many items were written, which took so long."""
        self._not_before = time.monotonic() + todo.pages_rest_s(took_s, items)


@contextlib.contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the state folder; raises ConfigError when another run does."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                "Another `newsreel publish` is writing to this output folder. Wait for it to end, "
                "or give another folder with --out."
            ) from None
        yield


class Loop:
    """Carries bells until a post has nothing left to do."""

    def __init__(self, house: House, rope: Rope, listener: Listener, jobs: int) -> None:
        self._house, self._rope, self._listener = house, rope, listener
        self._jobs = jobs
        self._running: set[Future[None]] = set()
        self._troubles: list[Transient] = []
        self._due = Due()

    def run(self, folder: str, post: str) -> PostManifest:
        """Publish one folder of the ingest store to its end; returns what was published.

        On Ctrl-C the children die with this process, and the next run goes on from the records.
        Raises the last Transient when the world keeps failing: whoever waits should know.
        """
        self._forget_old_runs(post)
        scan(self._house, only=folder, deep=True)
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="job") as pool:
            while True:
                self._drain(pool)
                if scan(self._house, only=folder):
                    continue
                if self._is_over(post):
                    break
                if len(self._troubles) >= MAX_TROUBLES:
                    raise self._troubles[-1]
                time.sleep(NAP_S)
        # Where nothing was news, nothing was written: what lies there is what there is to tell.
        return published_manifest(self._house.published, post)

    def _drain(self, pool: ThreadPoolExecutor) -> None:
        while True:
            bell = self._rope.take() if len(self._running) < self._jobs else None
            if bell is not None and bell.task == "publish":
                self._due.ring(bell)
            elif late := self._due.take(idle=bell is None and not self._running):
                if bell is not None:  # pages are written here, while somebody else works
                    self._running.add(pool.submit(self._answer, bell))
                self._publish(late.post)
            elif bell is not None:
                self._running.add(pool.submit(self._answer, bell))
            elif self._running:
                done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            else:
                return

    def _answer(self, bell: Bell) -> None:
        # A recorded failure is told by the manifest; here it only must not end the others.
        try:
            self._do(bell)
        except Transient as error:
            self._troubles.append(error)
            self._listener.trouble(bell, error)
        except NewsreelError:
            pass

    def _do(self, bell: Bell) -> None:
        report = self._reporter(bell)
        match bell.task, bool(bell.more):
            case "ingest", False:
                flow.ingest(self._house, bell.post, bell.item)
            case "ingest", True:
                together.ingest(self._house, bell.post, bell.items)
            case _, False:
                flow.make(self._house, bell.post, bell.item, bell.step, report=report)
            case _:
                together.make(self._house, bell.post, (bell.step, bell.items), report=report)

    def _reporter(self, bell: Bell) -> Callable[[Progress], None]:
        return lambda progress: self._listener.progress(bell, progress)

    def _publish(self, post: str) -> None:
        started = time.monotonic()
        manifest = publish(self._house, post)
        if manifest is not None:
            self._due.rest(time.monotonic() - started, len(manifest.items))
            self._listener.published(manifest)

    def _is_over(self, post: str) -> bool:
        look = self._house.records.post(post)
        return all(todo.is_over(item) for item in self._house.items(look).values())

    def _forget_old_runs(self, post: str) -> None:
        # Nobody else works here (see `alone`), so whatever was running has been stopped.
        keys = self._house.records.post(post).entries
        self._house.records.drop(*(key for key in keys if "/run-" in key))


def default_jobs() -> int:
    """Items worked on side by side: one for each core, and never a crowd."""
    return min(4, os.cpu_count() or 1)
