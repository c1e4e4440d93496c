"""The doorbell over Celery: what travels, how, and what a lost bell costs."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from pipeline.errors import Unsupported
from pipeline.shop import Progress
from pipeline.todo import Bell
from workers import tasks
from workers.app import app

RENDER = Bell(priority=6, task="render", post="march", item="talk", step="film-0001")
PAGES = Bell(priority=2, task="publish", post="march")


class Memory:
    """As much of Redis as the rope needs; `away` is a Redis that is not there."""

    def __init__(self, *, away: bool = False) -> None:
        self.keys: set[str] = set()
        self.away = away

    def set(self, key: str, _: int, *, nx: bool, ex: int) -> bool | None:
        """SET NX EX: true for who was first."""
        assert nx
        assert ex > 0
        if self.away:
            raise redis.ConnectionError("nobody there")
        if key in self.keys:
            return None
        self.keys.add(key)
        return True

    def exists(self, key: str) -> int:
        """How many of the one key there are."""
        if self.away:
            raise redis.ConnectionError("nobody there")
        return int(key in self.keys)

    def delete(self, key: str) -> None:
        """Forget a key."""
        self.keys.discard(key)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty Redis."""
    made = Memory()
    monkeypatch.setattr(tasks, "_memory", lambda: made)
    return made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], int]]:
    """What was handed to the broker: name, arguments, priority."""
    found: list[tuple[str, list[str], int]] = []

    def send(name: str, args: list[str], *, priority: int, argsrepr: str) -> None:
        assert argsrepr == " / ".join(args)
        found.append((name, args, priority))

    monkeypatch.setattr(app, "send_task", send)
    return found


def test_a_bell_carries_ids_only(memory: Memory, sent: list[Any]) -> None:
    """Post, item and step by name, with the bell's own priority; nothing else travels."""
    tasks.ring(RENDER)
    assert sent == [("newsreel.render", ["march", "talk", "film-0001"], 6)]


def test_pages_are_asked_for_once(memory: Memory, sent: list[Any]) -> None:
    """A second bell for the same pages waits for the first to be answered."""
    tasks.ring(PAGES)
    tasks.ring(PAGES)
    assert len(sent) == 1
    memory.delete("newsreel:pending:march")
    tasks.ring(PAGES)
    assert len(sent) == 2


def test_a_bell_that_cannot_be_sent_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With Redis away the work goes on; the log says that the scan will ring again."""
    monkeypatch.setattr(tasks, "_memory", lambda: Memory(away=True))
    tasks.ring(PAGES)
    assert "the scan will ring again" in caplog.text


def test_what_travels_can_never_be_code() -> None:
    """JSON and nothing else is sent and accepted, and no result is kept."""
    assert app.conf.task_serializer == "json"
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_ignore_result


def test_work_is_acknowledged_when_done() -> None:
    """Late acknowledgement, one at a time; a lost child is left to the scan, which counts."""
    assert app.conf.task_acks_late
    assert app.conf.worker_prefetch_multiplier == 1
    assert not app.conf.task_reject_on_worker_lost


def test_encoding_never_holds_up_the_short_work() -> None:
    """Renders have a queue of their own; scans, plans and pages share the other."""
    assert app.conf.task_routes == {
        "newsreel.render": {"queue": "media"},
        "newsreel.transcribe": {"queue": "transcribe"},
    }
    assert app.conf.task_default_queue == "short"


def test_the_schedule_scans() -> None:
    """Every few seconds, and thoroughly every ten minutes; a late scan is dropped, not piled up."""
    entries = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in entries} == {"newsreel.scan"}
    assert all(entry["options"]["expires"] <= entry["schedule"] for entry in entries)
    assert min(entry["schedule"] for entry in entries) == 2


class Shown:
    """A task as the dashboard sees it."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def send_event(self, kind: str, *, result: str) -> None:
        """Keep what would be shown."""
        assert kind == "task-progress"
        self.texts.append(result)


def test_progress_and_reasons_reach_the_dashboard() -> None:
    """Percent and text while it runs; the reporter's sentence, not the evidence, when it fails."""
    task: Any = Shown()
    tasks._reporter(task)(Progress(percent=37, text="film-0001, 1.8x, 0:41 left"))
    with pytest.raises(Unsupported), tasks._shown(task):
        raise Unsupported("This is a playlist.", evidence="a path of ours")
    assert task.texts == ["37 % | film-0001, 1.8x, 0:41 left", "This is a playlist."]
