"""Many photos in few children: what travels together, what a bad file costs, what a crash costs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import media
import pytest
from homes import Home
from PIL import Image

from pipeline import batches, photos, process, todo, together
from pipeline.errors import DiskFull, NewsreelError
from pipeline.model import Kind, State
from pipeline.publish import publish
from pipeline.records import ItemRecords, Run
from pipeline.scan import scan
from pipeline.todo import Bell


def picture(number: int) -> bytes:
    """A small photo unlike any other."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (number * 5 % 256, number * 3 % 256, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def lay(home: Home, count: int) -> None:
    """Put that many photos into the post."""
    for number in range(count):
        home.lay(f"p{number:02}.jpg", picture(number))


def dropped(home: Home) -> list[ItemRecords]:
    """The items of the post after a scan, in reading order; no bell is left."""
    scan(home.house)
    while home.rope.take():
        pass
    return list(home.house.items(home.house.records.post("march")).values())


def unrung(items: Sequence[ItemRecords]) -> Iterator[ItemRecords]:
    """The same items, as if nobody had rung for them."""
    return (replace(item, runs={}) for item in items)


def children(monkeypatch: pytest.MonkeyPatch, wanted: str) -> list[int]:
    """How many jobs each child is given that calls a function of that name."""
    started: list[int] = []
    answers: Callable[..., list[Any]] = process._answers

    def counted(function: str, jobs: Sequence[dict[str, Any]], command: Any) -> list[Any]:
        if function.endswith(wanted):
            started.append(len(jobs))
        return answers(function, jobs, command)

    monkeypatch.setattr(process, "_answers", counted)
    return started


# --- what travels together -------------------------------------------------------------------


def test_photos_that_nobody_tried_share_a_bell(empty: Home) -> None:
    """A dozen to a bell, in reading order; every photo is rung for exactly once."""
    lay(empty, 30)
    rung = batches.bells(unrung(dropped(empty)), 0.0)
    assert [len(bell.items) for bell in rung] == [12, 12, 6]
    assert [name for bell in rung for name in bell.items] == [f"p{n:02}" for n in range(30)]


def test_only_small_photos_share_a_bell(empty: Home) -> None:
    """A film has a bell of its own, and so has a photo that fills a batch alone."""
    lay(empty, 2)
    empty.lay("talk.mp4", media.film())
    items = {item.drop.item: item for item in unrung(dropped(empty))}
    large = items["p01"].drop
    large = replace(large, media=replace(large.media, bytes=batches.MOST_BYTES + 1))
    items["p01"] = replace(items["p01"], drop=large)
    rung = batches.bells(items.values(), 0.0)
    assert sorted(bell.items for bell in rung) == [("p00",), ("p01",), ("talk",)]


def test_large_photos_fill_a_batch_sooner(empty: Home) -> None:
    """What a batch holds is bounded in bytes, too, so that it is over soon."""
    lay(empty, 8)
    third = batches.MOST_BYTES // 3
    items = [
        replace(item, drop=replace(item.drop, media=replace(item.drop.media, bytes=third)))
        for item in unrung(dropped(empty))
    ]
    assert [len(bell.items) for bell in batches.bells(items, 0.0)] == [3, 3, 2]


def test_what_was_tried_goes_alone(empty: Home) -> None:
    """A photo whose worker was lost is not put together with others a second time."""
    lay(empty, 4)
    items = list(unrung(dropped(empty)))
    tried = Run(state="resting", attempts=1)
    name = f"ingest-{items[1].generation}"
    items[1] = replace(items[1], runs={name: (tried, 0.0)})
    rung = batches.bells(items, 1e9)
    assert ("p01",) in [bell.items for bell in rung]
    assert all(len(bell.items) == 1 or "p01" not in bell.items for bell in rung)


# --- the work --------------------------------------------------------------------------------


def test_a_batch_makes_what_single_bells_make(empty: Home, tmp_path: Path) -> None:
    """The same bytes under the same names, whatever the photos travelled with."""
    home = Home(tmp_path / "second")
    lay(empty, 3)
    lay(home, 3)
    alone: list[Bell] = []

    def one_by_one(bell: Bell) -> None:
        alone.extend(replace(bell, item=name, more=()) for name in bell.items)
        while alone:
            home.answer(alone.pop())

    scan(home.house)
    home.carry(one_by_one)
    home.run()
    empty.run()
    assert home.published.keys() == empty.published.keys()
    # Pages say when a post was first seen.
    pictures = [key for key in empty.published if key.endswith((".jpg", ".avif"))]
    assert len(pictures) >= 9
    assert {key: home.published[key] for key in pictures} == {
        key: empty.published[key] for key in pictures
    }


def test_many_photos_cost_few_children(empty: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty photos are looked at in two children and developed in two."""
    lay(empty, 20)
    looks, made = children(monkeypatch, ":examine"), children(monkeypatch, ":develop")
    post = empty.run()
    assert {item.state for item in post.items} == {State.PUBLISHED}
    assert (looks, made) == ([12, 8], [12, 8])


def test_one_photo_more_is_one_photo_of_work(empty: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is finished is neither looked at, nor made, nor are its pages written again."""
    lay(empty, 13)
    empty.run()
    before = {path: path.stat().st_mtime_ns for path in (empty.root / "published").rglob("*")}
    empty.lay("p99.jpg", picture(99))
    looks, made = children(monkeypatch, ":examine"), children(monkeypatch, ":develop")
    empty.run()
    assert (looks, made) == ([1], [1])
    again = {
        path.relative_to(empty.root / "published").as_posix()
        for path, time in before.items()
        if path.is_file() and path.stat().st_mtime_ns != time
    }
    assert again
    assert not [key for key in again if key.startswith("march/p0")]


def test_one_bad_photo_stops_no_other(empty: Home) -> None:
    """It fails with its reason, and the rest of its batch is published."""
    lay(empty, 4)
    empty.lay("p01.jpg", b"no picture at all")
    empty.lay("p02.jpg", b"")
    states = {item.item: item.state for item in empty.run().items}
    assert states == {
        "p00": State.PUBLISHED,
        "p01": State.FAILED,
        "p02": State.FAILED,
        "p03": State.PUBLISHED,
    }
    assert "p01.jpg" in empty.item("p01").error.message  # type: ignore[union-attr]


def test_a_film_in_a_photos_name_is_a_film(empty: Home) -> None:
    """What a batch holds is decided by the bytes, as ever."""
    lay(empty, 2)
    empty.lay("p02.jpg", media.film())
    kinds = {item.item: item.kind for item in empty.run().items}
    assert kinds == {"p00": Kind.PHOTO, "p01": Kind.PHOTO, "p02": Kind.VIDEO}


def test_a_world_that_fails_is_tried_again_photo_by_photo(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk fails the batch for now; the next tries are one photo each."""
    lay(empty, 3)
    scan(empty.house)
    empty.carry(lambda bell: empty.answer(bell) if bell.task == "ingest" else None)
    monkeypatch.setattr(todo, "FIRST_REST_S", 0.0)

    def full(*_: object) -> None:
        raise DiskFull("There is no room left on the disk.")

    with monkeypatch.context() as patch:
        patch.setattr(photos, "develop_many", full)
        empty.age()
        scan(empty.house)
        rung = [bell for bell in empty.carry() if bell.task == "render"]
    assert len(rung[0].items) == 3
    assert all(run.attempts == 1 for run in empty.runs().values())
    scan(empty.house)
    assert {len(bell.items) for bell in empty.carry() if bell.task == "render"} == {1}
    assert publish(empty.house, "march").state is State.PUBLISHED  # type: ignore[union-attr]


def test_a_worker_that_is_stopped_gives_the_batch_back(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's failure: no attempt is counted, and another worker may start at once."""
    lay(empty, 3)
    scan(empty.house)
    empty.carry(lambda bell: empty.answer(bell) if bell.task == "ingest" else None)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    empty.age()
    scan(empty.house)
    with monkeypatch.context() as patch:
        patch.setattr(photos, "develop_many", stopped)
        with pytest.raises(KeyboardInterrupt):
            empty.carry()
    assert {(run.state, run.attempts) for run in empty.runs().values()} == {("resting", 0)}
    assert {item.state for item in empty.run().items} == {State.PUBLISHED}


def test_a_mistake_of_ours_with_one_photo_costs_that_photo(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of the batch are published; the one says that we are at fault."""
    lay(empty, 3)
    many = photos.develop_many

    def odd(*args: Any) -> list[Any]:
        made: list[Any] = many(*args)
        if len(made) == 3:
            made[1] = None
        return made

    monkeypatch.setattr(photos, "develop_many", odd)
    states = [item.state for item in empty.run().items]
    assert states == [State.PUBLISHED, State.FAILED, State.PUBLISHED]
    assert "Newsreel itself failed" in empty.item("p01").error.message  # type: ignore[union-attr]


def test_nothing_is_done_twice(empty: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bell that comes back late finds its work done and starts no child."""
    lay(empty, 3)
    empty.run()
    looks, made = children(monkeypatch, ":examine"), children(monkeypatch, ":develop")
    names = ("p01", "p02")
    late = Bell(priority=3, task="render", post="march", item="p00", step="photo", more=names)
    empty.answer(late)
    empty.answer(replace(late, task="ingest", step=""))
    assert (looks, made) == ([], [])


def test_errors_of_the_world_are_told(empty: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever carries the bell hears of it, to count it or to show it."""
    lay(empty, 2)
    scan(empty.house)

    def full(*_: object) -> None:
        raise DiskFull("There is no room left on the disk.")

    monkeypatch.setattr("pipeline.probe.probe_each", full)
    told: list[NewsreelError] = []
    while bell := empty.rope.take():
        try:
            if bell.more:
                together.ingest(empty.house, bell.post, bell.items)
        except NewsreelError as error:
            told.append(error)
    assert [type(error) for error in told] == [DiskFull]
