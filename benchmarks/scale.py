"""Scale: a long film through one worker on one core, and through two on one core each.

Owns the embedded stack of each run, the binding of its media workers to cores, and the times of the
single worker's steps, from which `simulate` tells what more workers would do. Each run has as many
cores as media workers, for Redis, the store, the pages' worker and this program, too: so the first
is a machine of one core and the second one of two, and none gets a core for what is beside the
encoding that the other must do without. `parts` tell what each of them took. What two bare encoders
on these cores reach (`ceiling`) bounds it: threads of one core share its units.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import engine, simulate, sources
from benchmarks.meter import Failed, bound, metered, say
from benchmarks.simulate import Job, Outcome
from benchmarks.table import Table
from config.house import build, s3_rooms
from newsreel import commands, upload
from newsreel.stack import Stack
from pipeline import todo
from pipeline.house import House
from pipeline.model import Plan, Profile
from pipeline.order import IDLE

# Ten minutes of film; the quick run only shows that everything meets.
LENGTH_S, QUICK_LENGTH_S = 600, 8
TARGET = 1.9
LOOK_S = 2.0
# Between two steps of a worker: the queue, the store and the start of the next child.
PAUSE_S = 0.3
# A step that takes longer for every second of film is one of these.
_OPENING = ("film-0000-low", "film-0000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The clip to loop, how long the film is to be, and where to work."""

    clip: Path
    length_s: int
    folder: Path
    ffmpeg: Path
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Wall seconds with one and two bound workers, and the simulated outcomes for many.

    `one_parts` and `two_parts` are the CPU seconds of each part of the stack meanwhile; `ceiling`
    is how many times the work of one core two of them do, with nothing but encoders on them.
    """

    length_s: int
    one_s: float
    two_s: float | None
    speed_up: float | None
    ceiling: float | None
    one_parts: dict[str, float]
    two_parts: dict[str, float]
    outcomes: tuple[Outcome, ...]
    target: float = TARGET


def measure(task: Task) -> Scale:
    """Both runs, and the simulation. With a single core, there is no second run."""
    post = task.folder / "film"
    post.mkdir(parents=True)
    film = sources.looped(task.ffmpeg, task.clip, post / "film.mp4", task.length_s)
    cores = sorted(os.sched_getaffinity(0))
    one, one_parts = _run(post, task.folder / "one", cores[:1])
    two, two_parts = None, dict[str, float]()
    if len(cores) > 1:
        two, two_parts = _run(post, task.folder / "two", cores[:2])
    made = engine.work(film, task.folder / "alone", task.profile)
    return Scale(
        length_s=task.length_s,
        one_s=one,
        two_s=two,
        speed_up=one / two if two else None,
        ceiling=ceiling(task, cores[:2]) if len(cores) > 1 else None,
        one_parts=one_parts,
        two_parts=two_parts,
        outcomes=outcomes(made),
    )


def outcomes(made: engine.Work) -> tuple[Outcome, ...]:
    """What 1 to 256 workers would take, from the CPU seconds of each step."""
    work = jobs(made.plan, {name: cost.cpu_s for name, cost in made.costs.items()})
    probe_s = made.costs[engine.PROBE].cpu_s
    return tuple(
        simulate.simulate(work, workers, probe_s=probe_s, pause_s=PAUSE_S)
        for workers in simulate.WORKERS
    )


def jobs(plan: Plan, seconds: dict[str, float]) -> tuple[Job, ...]:
    """The steps of a plan as jobs, without those of the idle pass."""
    steps = [step for step in plan.steps if step.priority < IDLE]
    names = {step.name for step in steps}
    opening = {next((name for name in _OPENING if name in names), "")}
    opening |= {next((name for name in ("sound-opening", "sound-0") if name in names), "")}
    return tuple(
        Job(
            name=step.name,
            seconds=seconds.get(step.name, 0.0),
            priority=step.priority,
            needs=tuple(need for need in step.needs if need in names),
            opens=step.name in opening,
        )
        for step in steps
    )


def ceiling(task: Task, cores: Sequence[int]) -> float:
    """How many times as much bare encoders do on these cores as one does on the first of them."""
    encode = (task.ffmpeg, "-v", "error", "-nostdin", "-i", task.clip, "-map", "0:v:0")
    encode += ("-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-f", "null", "-")
    with metered("a bare encoder on one core") as alone:
        bound(encode, cores[:1])
    with metered("one on each core") as beside:
        bound(encode, cores)
    return len(cores) * alone.wall_s / beside.wall_s


# --- the real thing --------------------------------------------------------------------------


def _run(post: Path, place: Path, cores: Sequence[int]) -> tuple[float, dict[str, float]]:
    """Seconds from the upload's end until the film is published, by a worker on each core.

    And the CPU seconds of each part of the stack from then on.
    """
    with _within(cores), Stack(place, workers=len(cores)) as stack:
        _bind(stack, cores)
        house = build(stack.settings, s3_rooms(stack.settings), commands.leave_it)
        upload.send(house.ingest, upload.objects((post,), None))
        before = _parts(stack)
        with metered(f"{len(cores)} bound to cores {', '.join(map(str, cores))}") as cost:
            while not _is_settled(house, post.name):
                time.sleep(LOOK_S)
        return cost.wall_s, {name: used - before[name] for name, used in _parts(stack).items()}


def _parts(stack: Stack) -> dict[str, float]:
    """CPU seconds so far of each part with all that it started."""
    return {part.name: sum(map(used_s, _tree(part.pid))) for part in stack.status() if part.pid}


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in children(pid):
        yield from _tree(child)


def used_s(pid: int) -> float:
    """User and system time of a process and of its children that ended; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # After pid and name, so counted from the third: utime, stime, cutime and cstime of proc(5).
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _is_settled(house: House, post: str) -> bool:
    look = house.records.post(post)
    items = house.items(look) if look.drop is not None else {}
    for records in items.values():
        for failure in records.failed.values():
            raise Failed(f"a step of the film failed: {failure}")
    return bool(items) and all(todo.is_settled(records) for records in items.values())


@contextmanager
def _within(cores: Sequence[int]) -> Iterator[None]:
    """This thread, and all that it starts meanwhile, on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _bind(stack: Stack, cores: Sequence[int]) -> None:
    """Bind each process of the media worker's pool to a core; what they start stays there."""
    (worker,) = (status.pid for status in stack.status() if status.name == "media-worker")
    pool = children(worker or 0)
    if len(pool) != len(cores):
        raise Failed(f"the media worker has {len(pool)} processes, not {len(cores)}")
    for pid, core in zip(pool, cores, strict=True):
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})
    say(f"  {len(pool)} processes of the media worker are bound to a core each")


def children(pid: int) -> tuple[int, ...]:
    """The processes that a process has started and that run now."""
    try:
        tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it has ended meanwhile
        return ()
    return tuple(sorted(int(word) for task in tasks for word in task.split()))


def tables(found: Scale) -> tuple[Table, ...]:
    """The measured speed-up, and the simulated times."""
    two = (
        ("two workers, a core each", found.two_s, found.speed_up, found.target),
        ("two bare encoders, a core each", None, found.ceiling, None),
    )
    return (
        Table(
            title=f"Scale: {found.length_s} s of film",
            head=("", "wall s", "speed-up", "target"),
            rows=(("one worker, one core", found.one_s, None, None), *(two if found.two_s else ())),
        ),
        Table(
            title="CPU seconds of each part meanwhile",
            head=("", "one worker", "two workers"),
            rows=tuple((name, s, found.two_parts.get(name)) for name, s in found.one_parts.items()),
        ),
        Table(
            title="Simulated from the measured time of each step (see benchmarks/simulate.py)",
            head=("workers", "first play s", "complete s"),
            rows=tuple(
                (str(each.workers), each.first_play_s, each.complete_s) for each in found.outcomes
            ),
        ),
    )
