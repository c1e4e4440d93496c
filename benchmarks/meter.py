"""What a piece of work costs: CPU seconds of its child processes, and wall seconds.

Owns the clocks and the starting of plain, unconfined tools. Refuses to judge quality (`quality`).
CPU seconds are user plus system time of this process and of all children that ended meanwhile, the
confined ones of `pipeline.process` among them; nothing else may run in it at the same time.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Cost:
    """CPU and wall seconds; both are final once the block of `metered` has ended."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(cpu_s=self.cpu_s + other.cpu_s, wall_s=self.wall_s + other.wall_s)


class Failed(Exception):
    """A tool ended with an error; the text holds its command line and last words."""


@contextmanager
def metered(what: str) -> Iterator[Cost]:
    """Measure a block with its children, and say on standard error what is going on."""
    cost = Cost()
    say(f"  {what} ...")
    cpu, wall = _used_s(), time.monotonic()
    yield cost
    cost.cpu_s = _used_s() - cpu
    cost.wall_s = time.monotonic() - wall
    say(f"  {what}: {cost.cpu_s:.1f} CPU s, {cost.wall_s:.1f} s")


def run(argv: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """Run a tool to its end and answer all that it said; raises Failed when it failed."""
    done = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        raise Failed(f"{' '.join(map(str, argv))}\n{said[-2000:]}")
    return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What one tool cost: its CPU and wall seconds, and all it said."""

    cpu_s: float
    wall_s: float
    said: str


def process(argv: Sequence[str | Path]) -> Process:
    """Run a tool to its end by itself; raises Failed with what it said on standard error."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as wrong:
        child = subprocess.Popen([str(word) for word in argv], stdout=told, stderr=wrong)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        for file in (told, wrong):
            file.seek(0)
        if child.returncode:
            raise Failed(f"{argv[0]} {argv[1]}\n{wrong.read().decode(errors='replace')[-2000:]}")
        return Process(
            cpu_s=used.ru_utime + used.ru_stime,
            wall_s=time.monotonic() - started,
            said=told.read().decode(errors="replace"),
        )


def say(line: str) -> None:
    """Progress, apart from the figures on standard output."""
    print(line, file=sys.stderr, flush=True)


def alone(consumer: Sequence[str | Path], producer: Sequence[str | Path]) -> float:
    """CPU seconds of a tool that reads what another writes, without those of the other."""
    first = subprocess.Popen([str(word) for word in producer], stdout=subprocess.PIPE)
    second = subprocess.Popen([str(word) for word in consumer], stdin=first.stdout)
    if first.stdout is not None:
        first.stdout.close()
    _, status, used = os.wait4(second.pid, 0)
    second.returncode = os.waitstatus_to_exitcode(status)
    if first.wait() or second.returncode:
        raise Failed(" ".join(map(str, consumer)))
    return used.ru_utime + used.ru_stime


def bound(argv: Sequence[str | Path], cores: Sequence[int]) -> None:
    """Run a tool once on each of these cores, all at once; raises Failed when one failed."""
    words = [str(word) for word in argv]
    running = [
        subprocess.Popen(words, preexec_fn=partial(os.sched_setaffinity, 0, {core}))  # noqa: PLW1509
        for core in cores
    ]
    ends = [child.wait() for child in running]
    if any(ends):
        raise Failed(" ".join(words))


def _used_s() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))
