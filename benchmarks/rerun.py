"""A second run: what `newsreel publish` costs where nothing, or one file, has changed.

Owns the folder of photos and the three runs over it, each in a process of its own as a user would
start it, with records in a folder that is thrown away afterwards.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import sources
from benchmarks.meter import Cost, metered, run
from benchmarks.table import Table

# What a user does not notice as waiting: seconds for a folder of a hundred items.
TARGET_S = 2.0
PHOTOS, QUICK_PHOTOS = 100, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """How many photos, and where to work."""

    photos: int
    folder: Path
    ffmpeg: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Wall seconds of each run, and CPU seconds of the second."""

    photos: int
    first_s: float
    nothing_new_s: float
    nothing_new_cpu_s: float
    one_new_s: float
    target_s: float = TARGET_S


def measure(task: Task) -> Runs:
    """Publish a folder, publish it again, and once more with a photo added."""
    # One more than asked for lies beside the folder, to be added for the third run.
    made = sources.photos(task.ffmpeg, task.folder / "photos", task.photos + 1)
    late = max(made.glob("*.jpg"))
    shutil.move(late, task.folder / late.name)
    first, again = _published(task, "first run"), _published(task, "nothing new")
    shutil.move(task.folder / late.name, late)
    one = _published(task, "one photo new")
    return Runs(
        photos=task.photos,
        first_s=first.wall_s,
        nothing_new_s=again.wall_s,
        nothing_new_cpu_s=again.cpu_s,
        one_new_s=one.wall_s,
    )


def _published(task: Task, what: str) -> Cost:
    start = "from newsreel.cli import main; main()"
    argv = (sys.executable, "-c", start, "publish", task.folder / "photos")
    environment = os.environ | {"XDG_STATE_HOME": str(task.folder / "state")}
    with metered(f"publish, {what}") as cost:
        run((*argv, "--out", task.folder / "published"), environment)
    return cost


def tables(runs: Runs) -> tuple[Table, ...]:
    """The three runs, with the target beside the second."""
    return (
        Table(
            title=f"Publishing a folder of {runs.photos} photos",
            head=("", "wall s", "CPU s", "target s"),
            rows=(
                ("first run", runs.first_s, None, None),
                ("nothing new", runs.nothing_new_s, runs.nothing_new_cpu_s, runs.target_s),
                ("one photo new", runs.one_new_s, None, None),
            ),
        ),
    )
