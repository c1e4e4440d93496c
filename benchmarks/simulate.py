"""How long a film would take on many workers, from the times its steps took on one.

Pure. What is assumed: a worker has one core to itself and does one step at a time, at the speed
that was measured; it takes the most urgent step that is ready, in the order of the plan among
equals, and never puts one down half done; between two steps of a worker lie `pause_s` seconds for
the queue, the download and the upload; store and network are never the bottleneck; no worker dies;
nobody else's film is in the queue; the idle pass is part of no figure. First play is when the steps
that make the first seconds are done, and the whole is done when all others are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A step: seconds on one core, its urgency (0 first) and the names of what it waits for."""

    name: str
    seconds: float
    priority: int
    needs: tuple[str, ...] = ()
    opens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Seconds from the upload to the first play and to the end, with so many workers."""

    workers: int
    first_play_s: float
    complete_s: float


def simulate(jobs: Sequence[Job], workers: int, *, probe_s: float, pause_s: float) -> Outcome:
    """Let `workers` do all jobs after a probe of `probe_s` seconds.

    Raises ValueError where jobs wait for what is not among them, or for each other.
    """
    _check(jobs, workers)
    ends = _ends(jobs, workers, pause_s)
    opening = [ends[job.name] for job in jobs if job.opens]
    return Outcome(
        workers=workers,
        first_play_s=probe_s + max(opening, default=max(ends.values(), default=0.0)),
        complete_s=probe_s + max(ends.values(), default=0.0),
    )


def _check(jobs: Iterable[Job], workers: int) -> None:
    if workers < 1:
        raise ValueError("at least one worker is needed")
    known = {job.name for job in jobs}
    if missing := {need for job in jobs for need in job.needs} - known:
        raise ValueError(f"nobody makes {', '.join(sorted(missing))}")


def _ends(jobs: Sequence[Job], workers: int, pause_s: float) -> Mapping[str, float]:
    """When each job ends: whoever is free takes the most urgent job that is ready."""
    ends: dict[str, float] = {}
    waiting = sorted(range(len(jobs)), key=lambda index: (jobs[index].priority, index))
    busy: list[tuple[float, str]] = []
    now = 0.0
    while waiting or busy:
        ready = [index for index in waiting if all(need in ends for need in jobs[index].needs)]
        for index in ready[: workers - len(busy)]:
            heapq.heappush(busy, (now + jobs[index].seconds + pause_s, jobs[index].name))
            waiting.remove(index)
        if not busy:
            raise ValueError(f"{jobs[waiting[0]].name} waits for itself")
        now, name = heapq.heappop(busy)
        ends[name] = now
    return ends
