"""The promise under kill -9: whatever dies in the middle of a film, the post is published."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from config.house import build, s3_rooms
from newsreel import commands, upload
from newsreel.stack import Stack
from pipeline.house import House
from pipeline.model import PostManifest, State
from pipeline.publish import published_manifest
from pipeline.records import Run

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.usefixtures("only_stack")]

PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise that takes an encoder a while: long enough to be killed in the middle."""
    target = tmp_path_factory.mktemp("film") / "noise.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi",
            "-i", "testsrc2=s=960x540:r=30:d=40,noise=alls=20:allf=t",
            "-f", "lavfi", "-i", "sine=f=330:d=40", "-preset", "ultrafast", "-crf", "20",
            "-pix_fmt", "yuv420p", str(target),
        ],
        check=True,
    )  # fmt: skip
    return target


@pytest.fixture(scope="module")
def stack(only_stack: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One embedded stack for all kills of this file."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("NEWSREEL_")]:
        patch.delenv(name)
    patch.chdir(tmp_path_factory.mktemp("cwd"))
    with Stack(tmp_path_factory.mktemp("data"), workers=1) as running:
        yield running
    patch.undo()


@pytest.fixture(scope="module")
def house(stack: Stack) -> House:
    """The stack's house, to look into from outside."""
    return build(stack.settings, s3_rooms(stack.settings), commands.leave_it)


@pytest.fixture(scope="module")
def reference(film: Path, tmp_path_factory: pytest.TempPathFactory) -> PostManifest:
    """The same film published in one process, on folders, undisturbed."""
    folder = tmp_path_factory.mktemp("quiet") / "reference"
    folder.mkdir()
    (folder / film.name).write_bytes(film.read_bytes())
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    done = commands.publish_folder(folder, folder.parent / "out", profile=None, jobs=1)
    patch.undo()
    return done.post


def part(stack: Stack, name: str) -> int:
    """The process id of a part of the stack."""
    found = next(status.pid for status in stack.status() if status.name == name)
    assert found is not None
    return found


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fail the test when it never does."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.3)


def drop(house: House, film: Path, post: str) -> None:
    """Drop the film into the ingest bucket as a post, and wait until it is being encoded."""
    upload.send(house.ingest, upload.objects((film,), post))
    wait_for(lambda: is_encoding(house, post), "the film is being encoded")


def is_encoding(house: House, post: str) -> bool:
    """True while some run of the post's film has begun to tell its progress."""
    keys = [e for e in house.records.store.list(f"items/{post}/") if "/run-" in e.key]
    runs = [house.records.get(Run, entry.key) for entry in keys]
    return any(run and run.state == "running" and "film-" in run.text for run in runs)


def finished(house: House, post: str) -> PostManifest:
    """The published post, as soon as everything of it has ended."""
    made: list[PostManifest] = []

    def has_ended() -> bool:
        standing = commands.standing(house, post).post
        if commands.has_ended(standing):
            made[:] = [published_manifest(house.published, post)]
        return bool(made) and commands.has_ended(made[0])

    wait_for(has_ended, "the post is published")
    return made[0]


# Lists hold addresses, which hold the store's own name for the source; their pieces are compared.
LISTS = ("hls", "rung")


def bytes_of(post: PostManifest) -> dict[tuple[str, int | None, str], object]:
    """What was published, by role, size and codec; ids and places left out, as is idle work."""
    found: dict[tuple[str, int | None, str], object] = {}
    for made in post.items[0].outputs:
        codec = str(made.extra.get("codec", ""))
        if made.role == "hls-av1" or codec == "av1":
            continue
        is_list = made.role in LISTS
        figures = (made.frames, made.duration_ms, made.extra)
        found[made.role, made.height, codec] = figures if is_list else made.sha256
    return found


def check(house: House, post: str, reference: PostManifest) -> None:
    """The post is published whole: the same bytes as without the kill, all of them there."""
    made = finished(house, post)
    assert [item.state for item in made.items] == [State.PUBLISHED]
    assert bytes_of(made) == bytes_of(reference)
    for output in made.items[0].outputs:
        there = house.published.stat(output.key)
        assert there is not None
        assert there.bytes == output.bytes or output.role == "rung"  # which tells of its pieces


def test_killed_media_worker(
    stack: Stack, house: House, film: Path, reference: PostManifest
) -> None:
    """Kill -9 of the worker in the middle of a render: published all the same, by itself."""
    drop(house, film, "worker-killed")
    before = part(stack, "media-worker")
    os.kill(before, signal.SIGKILL)
    check(house, "worker-killed", reference)
    assert part(stack, "media-worker") != before


def test_killed_redis(stack: Stack, house: House, film: Path, reference: PostManifest) -> None:
    """Kill -9 of Redis under a busy worker: the worker lives on, or is brought back; published."""
    drop(house, film, "redis-killed")
    os.kill(part(stack, "redis"), signal.SIGKILL)
    check(house, "redis-killed", reference)


def test_killed_storage(stack: Stack, house: House, film: Path, reference: PostManifest) -> None:
    """Kill -9 of the object store in the middle of a render: retried when it is back."""
    drop(house, film, "storage-killed")
    os.kill(part(stack, "s3"), signal.SIGKILL)
    time.sleep(1)
    wait_for(lambda: _answers(house), "the store is back")
    check(house, "storage-killed", reference)


def _answers(house: House) -> bool:
    try:
        house.records.posts()
    except Exception:  # noqa: BLE001 - whatever it says, it is not back yet
        return False
    return True
