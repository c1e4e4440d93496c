"""The whole job on folders: twice, late, in any order, interrupted, and with broken files."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import homes
import m3u8
import media
import pytest
from homes import Home, tree
from test_schemas import validator
from values import changed

from pipeline import flow, render, todo
from pipeline.errors import BadInput, Missing, StoreUnavailable, ToolBug
from pipeline.model import Artifact, State, Step, StepRecord
from pipeline.records import Run, item_key
from pipeline.scan import scan
from pipeline.todo import Bell


def outputs(home: Home) -> Iterator[Artifact]:
    """Every output that the manifest promises."""
    for item in home.post.items:
        yield from item.outputs


# --- what is published -----------------------------------------------------------------------


def test_a_folder_becomes_a_post() -> None:
    """A film with subtitles, a recording and a photo are published in the wanted order."""
    post = homes.finished().post
    assert (post.state, post.percent, post.title) == (State.PUBLISHED, 100, "The vote")
    assert [(item.item, item.kind.value) for item in post.items] == [
        ("talk", "video"),
        ("noise", "audio"),
        ("still", "photo"),
    ]
    assert all(item.error is None for item in post.items)
    roles = {item.item: Counter(o.role for o in item.outputs) for item in post.items}
    assert roles["talk"] == Counter(
        [
            *("hls", "hls-av1", "rung", "rung", "rung", "video", "storyboard", "sprite", "preview"),
            *("poster", "poster-play", "square", "captions", "transcript"),
        ]
    )
    assert roles["noise"] >= Counter(["sound", "enclosure", "waveform"])
    assert roles["still"]["photo"] == 4


def test_every_promise_of_the_manifests_is_kept() -> None:
    """Each key lies in the published store with exactly the bytes and the hash that are told."""
    home = homes.finished()
    there = home.published
    promised = list(outputs(home))
    assert promised
    for output in promised:
        assert there[output.key] == output.sha256
        assert weight(home.root / "published" / output.key) == output.bytes


def weight(path: Path) -> int:
    """The bytes of a file; of one size of a film, those of its pieces."""
    if path.suffix != ".m3u8" or path.stem in ("index", "av1"):
        return path.stat().st_size
    pieces = {segment.uri for segment in m3u8.load(str(path)).segments}
    return sum((path.parent / piece).stat().st_size for piece in pieces)


def check_lists(folder: Path) -> int:
    """Every list that a film's index names is there, and every range of it; counts segments."""
    count = 0
    for index in [path for path in (folder / "index.m3u8", folder / "av1.m3u8") if path.exists()]:
        found = m3u8.load(str(index))
        for listed in (*found.playlists, *found.media):
            for segment in m3u8.load(str(folder / listed.uri)).segments:
                piece = folder / segment.uri
                assert piece.exists()
                if segment.byterange:
                    size, _, offset = segment.byterange.partition("@")
                    assert int(offset) + int(size) <= piece.stat().st_size
                count += 1
    return count


def test_a_film_can_be_watched_while_it_is_made(empty: Home) -> None:
    """After every piece of work, what the playlists promise is there; more and more of it."""
    empty.lay("talk.mp4", media.film(5))
    counts, ready = [0], [0]

    def answer(bell: Bell) -> None:
        empty.answer(bell)
        for folder in (empty.root / "published").glob("march/talk/hls/*"):
            counts.append(check_lists(folder))
            shown = next(o for o in empty.item("talk").outputs if o.role == "hls")
            ready.append(shown.extra["ready_ms"])

    scan(empty.house)
    empty.carry(answer)
    assert ready == sorted(ready)
    assert counts == sorted(counts)
    assert {0, 1000, 5000} <= {round(ms, -2) for ms in ready}


@pytest.mark.parametrize("index", ["index", "av1"])
def test_the_playlists_play(index: str) -> None:
    """Another reader finds every picture of the film, and its sound, behind them."""
    (folder,) = (homes.finished().root / "published").glob("march/talk/hls/*")
    done = subprocess.run(
        [
            *(media.FFMPEG, "-v", "error", "-xerror", "-i", folder / f"{index}.m3u8"),
            *("-map", "0:v:0", "-map", "0:a:0", "-f", "framecrc", "-c:a", "pcm_s16le", "-"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert sum(line.startswith("0,") for line in lines) == 75
    samples = sum(int(line.split(",")[3]) for line in lines if line.startswith("1,"))
    assert samples == pytest.approx(3 * 44_100, abs=2048)


def test_the_manifests_fit_their_schemas() -> None:
    """What real media give is what the documentation says."""
    home = homes.finished()
    published = home.root / "published/march"
    validator("post").validate(json.loads((published / "post.json").read_bytes()))
    for path in published.glob("*/item.json"):
        validator("item").validate(json.loads(path.read_bytes()))


def test_the_source_is_named_and_weighed() -> None:
    """The manifest tells the upload's own name, size and hash."""
    home = homes.finished()
    lying = tree(home.ingest / "march")
    for item in home.post.items:
        assert item.source.sha256 == lying[item.source.name]
        assert item.source.bytes == (home.ingest / "march" / item.source.name).stat().st_size


def test_the_ingest_folder_is_never_touched(empty: Home) -> None:
    """Originals are neither changed nor moved nor joined by files of ours."""
    source = homes.finished().ingest
    fresh = homes.full(empty.root / "other")
    assert tree(source) == tree(fresh.ingest)


def test_nothing_unfinished_is_published() -> None:
    """No drafts, no temporary files, no scratch of a job that ended."""
    home = homes.finished()
    assert not [key for key in home.published if "draft" in key or "/." in key or "tmp" in key]
    assert list(home.house.scratch.glob("job-*")) == []
    assert home.runs() == {}


# --- again, twice, late, in any order ----------------------------------------------------------


def test_running_again_does_nothing(home: Home, performed: list[str]) -> None:
    """A second run rings no bell, makes nothing and changes nothing."""
    before = home.published
    assert scan(home.house) == 0
    assert scan(home.house, deep=True) == 0
    home.run()
    assert performed == []
    assert home.published == before


def test_every_bell_may_come_twice(tmp_path: Path, performed: list[str]) -> None:
    """Doubled bells cost nothing and change nothing."""
    home = homes.full(tmp_path / "home")
    scan(home.house)

    def twice(bell: Bell) -> None:
        home.answer(bell)
        home.answer(bell)

    home.carry(twice)
    home.run()
    assert max(Counter(performed).values()) == 1
    assert home.published == homes.finished().published


@pytest.mark.parametrize("seed", [1, 2])
def test_bells_may_come_in_any_order(tmp_path: Path, seed: int) -> None:
    """Shuffled, and with pages written at the oddest moments: the same published bytes."""
    home = homes.full(tmp_path / "home")
    dice = random.Random(seed)  # noqa: S311 - no secret
    waiting: list[Bell] = []
    scan(home.house)
    for _ in range(200):
        while bell := home.rope.take():
            waiting += [bell, Bell(priority=2, task="publish", post="march")]
        if not waiting:
            break
        home.answer(waiting.pop(dice.randrange(len(waiting))))
    home.run()
    assert home.published == homes.finished().published


def test_bells_for_what_is_not_there_do_nothing(home: Home, performed: list[str]) -> None:
    """A bell that outlived its item, its post or its step is ignored."""
    before = home.published
    for bell in (
        Bell(priority=0, task="publish", post="nowhere"),
        Bell(priority=0, task="ingest", post="nowhere", item="x"),
        Bell(priority=0, task="ingest", post="march", item="nothing"),
        Bell(priority=0, task="render", post="march", item="talk", step="no-such-step"),
        Bell(priority=0, task="render", post="march", item="nothing", step="film"),
    ):
        home.answer(bell)
    assert performed == []
    home.carry()
    assert home.published == before


# --- lost and interrupted work -------------------------------------------------------


@pytest.fixture
def planned(empty: Home) -> Home:
    """A photo that was planned, and whose bell hangs on the rope."""
    empty.lay("still.jpg", media.photo())
    scan(empty.house)
    while bell := empty.rope.take():
        if bell.task == "ingest":
            empty.answer(bell)
            break
    return empty


def test_lost_bells_are_rung_again(planned: Home) -> None:
    """Losing every bell costs patience, not work."""
    while planned.rope.take():
        pass
    scan(planned.house)
    assert not [bell for bell in planned.carry() if bell.task == "render"]
    planned.age(todo.PATIENCE_S + 1)
    assert planned.run().state is State.PUBLISHED


def test_a_killed_worker_is_replaced(planned: Home) -> None:
    """A running record that nobody renews is taken over, and the death is counted."""
    step = planned.house.item("march", "still").plan.steps[0]  # type: ignore[union-attr]
    key = item_key("march", "still", "run", step.fingerprint)
    planned.house.records.put(key, Run(state="running", attempts=1, owner="gone"))
    planned.carry()
    assert planned.runs()[key].owner == "gone"
    planned.age(todo.LEASE_S + 1)
    scan(planned.house)
    assert planned.runs()[key].deaths == 1
    assert planned.run().state is State.PUBLISHED


def test_a_file_that_kills_its_workers_fails_and_says_why(planned: Home) -> None:
    """After three silent ends the item is failed by the scan; nobody is sent again."""
    step = planned.house.item("march", "still").plan.steps[0]  # type: ignore[union-attr]
    key = item_key("march", "still", "run", step.fingerprint)
    planned.carry(lambda _: None)
    planned.house.records.put(key, Run(state="running", attempts=3, deaths=2, owner="gone"))
    planned.age(todo.LEASE_S + 1)
    (item,) = planned.run().items
    assert item.state is State.FAILED
    assert item.error is not None
    assert item.error.code == "hostile"


def test_a_passing_failure_heals(planned: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away lets the work rest; when it is back the post is published."""
    put = planned.house.published.put
    monkeypatch.setattr(planned.house.published, "put", raising(StoreUnavailable("away")))
    bell = Bell(priority=0, task="render", post="march", item="still", step="photo")
    with pytest.raises(StoreUnavailable):
        flow.make(planned.house, "march", "still", bell.step, report=homes.quiet)
    (run,) = planned.runs().values()
    assert (run.state, run.attempts) == ("resting", 1)
    monkeypatch.setattr(planned.house.published, "put", put)
    rested = {key: changed(run, not_before=0.0) for key, run in planned.runs().items()}
    for key, value in rested.items():
        planned.house.records.put(key, value)
    assert planned.run().state is State.PUBLISHED


def raising(error: Exception) -> Callable[..., None]:
    """A function that always raises."""

    def do(*_: object, **__: object) -> None:
        raise error

    return do


def test_our_own_mistake_fails_one_item(empty: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in one step is told politely; the other items are published."""
    empty.lay("still.jpg", media.photo())
    empty.lay("noise.wav", media.sound())
    perform = render.perform

    def broken(step: Step, *args: object) -> StepRecord:
        if step.name == "sound":
            raise ZeroDivisionError("secret")
        return perform(step, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "perform", broken)
    states = {item.item: item for item in empty.run().items}
    assert states["still"].state is State.PUBLISHED
    assert states["noise"].state is State.FAILED
    assert states["noise"].error is not None
    assert states["noise"].error.code == ToolBug.code
    assert not any(b"secret" in p.read_bytes() for p in (empty.root / "published").rglob("*.json"))


# --- bad input -------------------------------------------------------------------------------

BROKEN = {
    "zero.mp4": b"",
    "garbage.mov": bytes(range(256)) * 40,
    "list.mp4": media.PLAYLIST,
    "words.jpg": b"not a picture",
}


def test_broken_files_fail_alone(empty: Home) -> None:
    """Each fails with a plain reason that names no path and no command; the rest is published."""
    for name, content in BROKEN.items():
        empty.lay(name, content)
    empty.lay("still.jpg", media.photo())
    post = empty.run()
    items = {item.source.name: item for item in post.items}
    assert post.state is State.PUBLISHED
    assert items["still.jpg"].state is State.PUBLISHED
    for name in BROKEN:
        assert items[name].state is State.FAILED
        error = items[name].error
        assert error is not None
        assert error.message.endswith(".")
        assert "/" not in error.message
        assert "ffmpeg" not in error.message
    assert scan(empty.house) == 0


def test_a_retry_tries_the_failed_again(empty: Home) -> None:
    """Failures are forgotten on demand; a file that is still broken fails again."""
    empty.lay("zero.mp4", b"")
    empty.run()
    assert flow.retry(empty.house, "march") == ("zero",)
    assert flow.retry(empty.house, "march", "zero") == ()
    (item,) = empty.run().items
    assert item.state is State.FAILED
    for names in (("nowhere",), ("march", "nothing")):
        with pytest.raises(Missing):
            flow.retry(empty.house, *names)


def test_a_failed_file_is_mended_by_a_good_copy(empty: Home) -> None:
    """New bytes under the same name are tried without being asked for."""
    empty.lay("still.jpg", b"broken")
    assert empty.run().items[0].state is State.FAILED
    empty.lay("still.jpg", media.photo())
    assert empty.run().items[0].state is State.PUBLISHED


def test_a_file_over_the_limit_is_refused_before_it_is_read(empty: Home) -> None:
    """The size alone decides, and the limit is named."""
    limits = changed(homes.QUICK.limits, max_bytes=10)
    profiles = {"default": changed(homes.QUICK, limits=limits)}
    empty.house = changed(empty.house, profiles=profiles)
    empty.lay("still.jpg", media.photo())
    (item,) = empty.run().items
    assert item.error is not None
    assert item.error.code == "over-limit"
    assert "limits.max_bytes" in item.error.message


def test_an_ingest_that_fails_is_raised(empty: Home) -> None:
    """Whoever carries the bell sees the failure, after it was recorded."""
    empty.lay("zero.mp4", b"")
    scan(empty.house)
    with pytest.raises(BadInput):
        flow.ingest(empty.house, "march", "zero")
    found = empty.house.item("march", "zero")
    assert found is not None
    assert list(found.failed) == [f"ingest-{found.generation}"]


def test_a_source_that_goes_in_between_is_no_failure(planned: Home) -> None:
    """Removed between the plan and its making: nothing is recorded, the scan withdraws it."""
    planned.take("still.jpg")
    flow.make(planned.house, "march", "still", "photo", report=homes.quiet)
    found = planned.house.item("march", "still")
    assert found is not None
    assert not found.failed
    assert not found.done
