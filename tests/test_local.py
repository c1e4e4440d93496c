"""The whole job in one process: the rope, the lock, and the loop that ends when all is done."""

from __future__ import annotations

import threading
from pathlib import Path

import homes
import media
import pytest
from homes import Home

from newsreel.local import Loop, Rope, alone, default_jobs
from pipeline import render, todo
from pipeline.errors import ConfigError, DiskFull, Missing, Transient
from pipeline.model import Object, PostManifest, State, Step, StepRecord
from pipeline.records import Run, item_key, post_key
from pipeline.scan import scan
from pipeline.shop import Progress
from pipeline.todo import Bell


class Notes:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.steps: set[str] = set()
        self.troubles: list[Transient] = []

    def progress(self, bell: Bell, progress: Progress) -> None:
        """Note which steps were heard of."""
        assert 0 <= progress.percent <= 100
        self.steps.add(bell.step)

    def trouble(self, bell: Bell, error: Transient) -> None:  # noqa: ARG002 - what failed tells
        """Note what failed for now."""
        self.troubles.append(error)

    def published(self, post: PostManifest) -> None:
        """Note the state of the post."""
        self.states.append(post.state)


def bell(step: str, priority: int = 3) -> Bell:
    """A bell of the post "march"."""
    return Bell(priority=priority, task="render", post="march", item="talk", step=step)


def loop(home: Home, notes: Notes, jobs: int = 2) -> PostManifest:
    """Publish the folder "march"."""
    return Loop(home.house, home.rope, notes, jobs).run("march", "march")


# --- the rope --------------------------------------------------------------------------------


def test_the_most_urgent_bell_comes_first() -> None:
    """By priority; an equal bell is not hung twice; a bare rope gives none."""
    rope = Rope()
    for one in (bell("b", 6), bell("a", 0), bell("b", 6), bell("c", 3)):
        rope.ring(one)
    assert [b.step for b in iter(rope.take, None)] == ["a", "c", "b"]
    assert rope.take() is None


def test_many_threads_may_ring() -> None:
    """Every bell that was hung is taken once, in order, whoever hung it."""
    rope = Rope()

    def ring(start: int) -> None:
        for number in range(start, start + 100):
            rope.ring(bell(f"{number:04}", number % 10))

    threads = [threading.Thread(target=ring, args=(n * 100,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = list(iter(rope.take, None))
    assert len(taken) == 800
    assert taken == sorted(taken)


# --- the lock --------------------------------------------------------------------------------


def test_two_runs_never_write_to_one_folder(tmp_path: Path) -> None:
    """The second is told so; when the first has ended it may."""
    with alone(tmp_path / "state"):
        with pytest.raises(ConfigError, match="Another"), alone(tmp_path / "state"):
            pytest.fail("two at once")
        with alone(tmp_path / "other"):
            pass
    with alone(tmp_path / "state"):
        pass


# --- the loop --------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_folder_is_published_to_its_end(tmp_path: Path, jobs: int) -> None:
    """One thread or several: the same bytes as when bells are answered one by one."""
    home, notes = homes.full(tmp_path / "home"), Notes()
    post = loop(home, notes, jobs)
    assert post.state is State.PUBLISHED
    assert post == home.post
    assert home.published == homes.finished().published
    assert {
        "film-0000",
        "sound-0",
        "film",
        "poster",
        "sound",
        "photo",
        "captions-es",
    } <= notes.steps
    assert notes.states[-1] is State.PUBLISHED


def test_a_finished_folder_is_left_as_it_is(tmp_path: Path) -> None:
    """Nothing is made and nobody is told of anything."""
    home, notes = homes.finished().copy(tmp_path / "home"), Notes()
    before = home.published
    assert loop(home, notes).state is State.PUBLISHED
    assert (notes.states, notes.steps) == ([], set())
    assert home.published == before


def test_records_of_another_version_are_made_anew(tmp_path: Path) -> None:
    """After an upgrade that changed their shape the post is planned again, and as it was before."""
    home, notes = homes.finished().copy(tmp_path / "home"), Notes()
    before, store = home.published, home.house.records.store
    old = [e.key for e in store.list("items/") if "/plan-" in e.key or "/done-" in e.key]
    for key in (*old, post_key("march", "card")):
        store.put(Object(key=key, body=b'{"from": "elsewhen"}', media_type="application/json"))
    home.house.records.drop(*home.house.records.marks("march"))
    assert loop(home, notes).state is State.PUBLISHED
    assert "photo" in notes.steps
    assert home.published.keys() == before.keys()


def test_a_failed_item_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a broken file nor a mistake of our own stops the rest."""
    home = Home(tmp_path / "home")
    home.lay("zero.mp4", b"")
    home.lay("noise.wav", media.sound())
    home.lay("still.jpg", media.photo())
    perform = render.perform

    def broken(step: Step, *args: object) -> StepRecord:
        if step.name == "sound":
            raise KeyError("secret")
        return perform(step, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "perform", broken)
    states = {item.item: item.state for item in loop(home, Notes()).items}
    assert states == {
        "zero": State.FAILED,
        "noise": State.FAILED,
        "still": State.PUBLISHED,
    }


def test_a_world_that_keeps_failing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that stays full ends the run with its reason; with room again, it goes on."""
    home, notes = Home(tmp_path / "home"), Notes()
    home.lay("still.jpg", media.photo())
    monkeypatch.setattr(todo, "FIRST_REST_S", 0.01)
    with monkeypatch.context() as full:

        def no_room(*_: object) -> StepRecord:
            raise DiskFull("There is no room left on the disk.")

        full.setattr(render, "perform", no_room)
        with pytest.raises(DiskFull):
            loop(home, notes)
    assert len(notes.troubles) >= 4
    assert home.item("still").state is not State.FAILED
    assert loop(home, Notes()).state is State.PUBLISHED


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    """What a killed run left as running is not waited for: nobody else works here."""
    home = Home(tmp_path / "home")
    home.lay("still.jpg", media.photo())
    scan(home.house)
    home.carry(lambda one: home.answer(one) if one.task == "ingest" else None)
    found = home.house.item("march", "still")
    assert found is not None
    assert found.plan is not None
    key = item_key("march", "still", "run", found.plan.steps[0].fingerprint)
    home.house.records.put(key, Run(state="running", attempts=1, owner="gone"))
    assert loop(Home(home.root), Notes()).state is State.PUBLISHED


def test_an_empty_folder_has_nothing_to_tell(tmp_path: Path) -> None:
    """Where nothing was dropped, nothing is published, and that is said."""
    with pytest.raises(Missing):
        loop(Home(tmp_path / "home"), Notes())


def test_jobs_are_few() -> None:
    """At least one, never a crowd."""
    assert 1 <= default_jobs() <= 4
