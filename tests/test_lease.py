"""Holding a piece of work: who may, what is renewed, and how each ending is recorded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from values import NOW, Clock, drop

from pipeline import lease, todo
from pipeline.errors import (
    BadInput,
    DiskFull,
    Hostile,
    Missing,
    NewsreelError,
    StoreUnavailable,
    ToolBug,
    Transient,
    Unreadable,
)
from pipeline.lease import Busy, Pulse
from pipeline.model import Failure, Object, StepRecord
from pipeline.records import ItemRecords, Records, Run, item_key

RUN_KEY = item_key("post", "talk", "run", "work")


class Bench:
    """One item in a work store whose clock stands still; the store's times follow it."""

    def __init__(self, root: Path) -> None:
        self.store = Clock(root)
        self.records = Records(self.store)
        self.records.put(item_key("post", "talk", "drop"), drop())

    def item(self, *, age: float = 0.0) -> ItemRecords:
        """The item as a worker sees it; run records were last renewed `age` seconds ago."""
        found = self.records.item(self.records.post("post"), "talk", "g1")
        runs = {name: (run, self.store.time - age) for name, (run, _) in found.runs.items()}
        return ItemRecords(
            drop=found.drop, generation="g1", done=found.done, failed=found.failed, runs=runs
        )

    @contextlib.contextmanager
    def hold(self, *, age: float = 0.0) -> Iterator[Pulse]:
        """Hold the work, as `flow` does."""
        with lease.hold(self.records, self.item(age=age), "work", "me") as pulse:
            yield pulse

    def end(self, error: BaseException) -> None:
        """Hold the work once and end it by this error."""
        with pytest.raises(type(error)), self.hold():
            raise error

    @property
    def run(self) -> Run | None:
        """The run record now."""
        return self.records.get(Run, RUN_KEY)

    @property
    def failure(self) -> Failure | None:
        """The failure that was recorded."""
        return self.records.get(Failure, item_key("post", "talk", "fail", "work"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An item nobody has worked on."""
    return Bench(tmp_path / "work")


# --- holding ---------------------------------------------------------------------------------


def test_work_that_is_done_leaves_nothing(bench: Bench) -> None:
    """While it is held the record says who and how often; afterwards it is gone."""
    with bench.hold():
        assert bench.run == Run(state="running", attempts=1, owner="me")
    assert (bench.run, bench.failure) == (None, None)


def test_progress_is_renewed_while_it_lasts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat carries the latest report, without being asked to."""
    monkeypatch.setattr(todo, "RENEW_S", 0.01)
    with bench.hold() as pulse:
        pulse.report(40, "ladder")
        end = time.monotonic() + 10
        while (bench.run is None or bench.run.percent != 40) and time.monotonic() < end:
            time.sleep(0.01)
        assert bench.run == Run(state="running", attempts=1, owner="me", percent=40, text="ladder")


def test_a_store_that_is_away_for_a_moment_does_not_end_the_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat that fails is followed by the next one."""
    monkeypatch.setattr(todo, "RENEW_S", 0.01)
    beats = []
    put = bench.store.put

    def shaky(item: Object) -> object:
        beats.append(item.key)
        if len(beats) == 2:
            raise StoreUnavailable("away")
        return put(item)

    with bench.hold():
        monkeypatch.setattr(bench.store, "put", shaky)
        end = time.monotonic() + 10
        while len(beats) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    assert len(beats) >= 4
    assert bench.run is None


def test_held_work_is_busy(bench: Bench) -> None:
    """A second worker goes away, and the first one's record stays as it is."""
    with bench.hold():
        with pytest.raises(Busy), bench.hold():
            pytest.fail("two at once")
        assert bench.run == Run(state="running", attempts=1, owner="me")


def test_resting_work_is_busy_until_its_time(bench: Bench) -> None:
    """A bell that comes too early is ignored."""
    bench.records.put(RUN_KEY, Run(state="resting", attempts=1, not_before=NOW + 10))
    with pytest.raises(Busy), bench.hold():
        pytest.fail("too early")
    bench.store.time = NOW + 10
    with bench.hold():
        assert bench.run is not None
        assert bench.run.attempts == 2


@pytest.mark.parametrize("kind", ["done", "fail"])
def test_work_that_has_ended_is_busy(bench: Bench, kind: str) -> None:
    """A bell that comes twice finds nothing to do."""
    value = {
        "done": StepRecord(step="poster", fingerprint="work", artifacts=()),
        "fail": Failure(code="unreadable", message="no"),
    }[kind]
    bench.records.put(item_key("post", "talk", kind, "work"), value)
    with pytest.raises(Busy), bench.hold():
        pytest.fail("done twice")


# --- endings ---------------------------------------------------------------------------------


def test_bad_input_fails_at_once(bench: Bench) -> None:
    """The file is at fault: no second try, and its reason is recorded as it was said."""
    bench.end(Unreadable("talk.mp4 is empty.", evidence="/secret/path"))
    assert bench.failure == Failure(code="unreadable", message="talk.mp4 is empty.")
    assert bench.run is None


def test_the_world_may_fail_eight_times(bench: Bench) -> None:
    """Passing errors rest ever longer; the last one is told to the reporter."""
    for attempt in range(1, Transient.max_attempts):
        bench.end(DiskFull("No room."))
        rest = bench.run
        assert rest is not None
        assert (rest.state, rest.attempts, rest.text) == ("resting", attempt, "No room.")
        assert rest.not_before > bench.store.time
        assert bench.failure is None
        bench.store.time = rest.not_before
    bench.end(DiskFull("No room."))
    assert bench.failure == Failure(code="disk-full", message="talk.mp4: No room.")
    assert bench.run is None


def test_our_own_mistake_is_a_tool_bug(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Any other exception fails at once; the reporter reads no internals, the log has them all."""
    with pytest.raises(ToolBug) as raised, bench.hold():
        raise KeyError("secret")
    assert isinstance(raised.value.__cause__, KeyError)
    assert bench.failure is not None
    assert bench.failure.code == "internal"
    assert "secret" not in bench.failure.message
    assert "talk.mp4" in bench.failure.message
    (logged,) = caplog.records
    assert logged.levelname == "ERROR"
    assert logged.exc_info
    assert "KeyError('secret')" in caplog.text
    assert bench.run is None


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(0)])
def test_being_stopped_gives_the_attempt_back(bench: Bench, stop: BaseException) -> None:
    """A worker that is shut down has not failed: the next may start at once."""
    bench.end(stop)
    assert bench.run is not None
    assert (bench.run.state, bench.run.attempts, bench.run.not_before) == ("resting", 0, 0.0)
    assert bench.failure is None
    with bench.hold():
        pass


def test_a_source_that_is_gone_leaves_nothing(bench: Bench) -> None:
    """Withdrawn or replaced meanwhile: no failure, no run record; the next scan knows better."""
    bench.end(Missing("not there any more"))
    assert (bench.run, bench.failure) == (None, None)


@pytest.mark.parametrize("error", [BadInput("b"), StoreUnavailable("s"), ToolBug("t")])
def test_every_failure_is_raised_again(bench: Bench, error: NewsreelError) -> None:
    """Whoever carries the bell sees the same error."""
    with pytest.raises(NewsreelError) as raised, bench.hold():
        raise error
    assert raised.value is error


# --- deaths ----------------------------------------------------------------------------------


def test_a_file_that_kills_its_workers_is_left_alone(bench: Bench) -> None:
    """Two silent ends are forgiven; the third makes the file Hostile, and nothing runs."""
    for deaths in (0, 1, 2):
        bench.records.put(RUN_KEY, Run(state="running", attempts=deaths + 1, deaths=deaths))
        if deaths < 2:
            with bench.hold(age=todo.LEASE_S + 1):
                assert bench.run is not None
                assert bench.run.deaths == deaths + 1
            continue
        with pytest.raises(Hostile), bench.hold(age=todo.LEASE_S + 1):
            pytest.fail("a fourth worker was sent")
    assert bench.failure is not None
    assert bench.failure.code == "hostile"
    assert "talk.mp4" in bench.failure.message
    assert bench.run is None
