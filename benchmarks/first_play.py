"""First play: seconds from an upload to a film that plays, whatever its length.

Owns films of several lengths (one clip, looped without encoding), the two ways to publish them (the
embedded stack with two workers, and `newsreel publish`), and the watching. A film counts as
playable when its page in the published store says so and its playlist lies there. On the stack the
clock starts when the last byte has arrived; with `newsreel publish`, when the command does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import sources
from benchmarks.meter import Failed, say
from benchmarks.table import Table
from config.house import build, s3_rooms
from newsreel import commands, upload
from newsreel.stack import Stack
from pipeline.errors import Missing
from pipeline.model import ItemManifest, PostManifest, State
from pipeline.publish import published_manifest
from pipeline.store import DirStore, Store

# Seconds of film: a clip, a talk, a meeting.
LENGTHS_S, QUICK_LENGTHS_S = (60, 360, 3600), (4,)
TARGET_S = 8.0
WORKERS = 2
# How often is looked, and how long at most.
LOOK_S, PATIENCE_S = 0.1, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The clip to loop, how long its films are to be in seconds, and where to work."""

    clip: Path
    lengths_s: tuple[int, ...]
    folder: Path
    ffmpeg: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """One film: seconds to send it, and from then on until it plays, in both ways."""

    length_s: int
    bytes: int
    sent_s: float
    stack_s: float
    command_s: float


def measure(task: Task) -> tuple[First, ...]:
    """Every length in turn, each on a stack of its own. Raises Failed where nothing ever plays."""
    return tuple(_first(task, length) for length in task.lengths_s)


def _first(task: Task, length: int) -> First:
    place = task.folder / f"{length}s"
    post = place / "film"
    post.mkdir(parents=True)
    film = sources.looped(task.ffmpeg, task.clip, post / "film.mp4", length)
    say(f"  {length} s of film on the stack ...")
    sent_s, stack_s = _on_stack(post, place)
    say(f"  {length} s of film with `newsreel publish` ...")
    command_s = _by_command(post, place)
    size = film.stat().st_size
    film.unlink()
    return First(length_s=length, bytes=size, sent_s=sent_s, stack_s=stack_s, command_s=command_s)


def _on_stack(post: Path, place: Path) -> tuple[float, float]:
    with Stack(place / "data", workers=WORKERS) as stack:
        house = build(stack.settings, s3_rooms(stack.settings), commands.leave_it)
        start = time.monotonic()
        upload.send(house.ingest, upload.objects((post,), None))
        sent = time.monotonic()
        ready = _awaited(lambda: _plays(house.published, post.name), lambda: True)
        return sent - start, ready - sent


def _by_command(post: Path, place: Path) -> float:
    out = place / "published"
    words = "from newsreel.cli import main; main()"
    argv = (sys.executable, "-c", words, "publish", str(post), "--out", str(out))
    state = {"XDG_STATE_HOME": str(place / "state")}
    with (place / "log").open("wb") as log:
        start = time.monotonic()
        child = subprocess.Popen(argv, env=os.environ | state, stdout=log, stderr=log)
        try:
            shown = DirStore(out, cache=place / "looked")
            ready = _awaited(lambda: _plays(shown, post.name), lambda: child.poll() is None)
        finally:
            child.terminate()
            child.wait()
    return ready - start


def _awaited(plays: Callable[[], bool], is_alive: Callable[[], bool]) -> float:
    """When it plays, on the monotonic clock."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        # Asked before it is looked: who ends just after publishing has not failed.
        alive = is_alive()
        if plays():
            return time.monotonic()
        if not alive:
            break
        time.sleep(LOOK_S)
    raise Failed("the film does not play, and nobody is making it")


def _plays(store: Store, post: str) -> bool:
    try:
        manifest = published_manifest(store, post)
    except Missing:
        return False
    return is_playable(manifest) and all(
        store.stat(made.key) is not None for made in _playlists(manifest.items)
    )


def is_playable(manifest: PostManifest) -> bool:
    """True where every item of a post plays, even if only its first seconds."""
    states = (State.PLAYABLE, State.PUBLISHED)
    items = manifest.items
    return bool(items) and all(item.state in states and _playlists([item]) for item in items)


def _playlists(items: Sequence[ItemManifest]) -> list[object]:
    return [made for item in items for made in item.outputs if made.role == "hls"]


def tables(found: Sequence[First]) -> tuple[Table, ...]:
    """Each length, with the target beside it."""
    rows = tuple(
        (
            f"{each.length_s} s",
            each.bytes / 1e6,
            each.sent_s,
            each.stack_s,
            each.command_s,
            TARGET_S,
        )
        for each in found
    )
    return (
        Table(
            title="First play: seconds until a film plays",
            head=("film", "MB", "upload", "stack, after it", "newsreel publish", "target"),
            rows=rows,
        ),
    )
