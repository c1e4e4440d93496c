"""The tasks: parse ids, call the use case, tell the dashboard.

Owns the doorbell over Celery. Each task may be delivered twice, late, or never: see
`pipeline.flow`, which does the work.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from celery.exceptions import CeleryError
from celery.signals import worker_init
from kombu.exceptions import KombuError

from config.house import build, s3_rooms
from pipeline import flow, press, todo, together
from pipeline.errors import NewsreelError
from pipeline.house import House
from pipeline.model import PostManifest
from pipeline.publish import publish as publish_pages
from pipeline.scan import scan as scan_ingest
from pipeline.shop import Progress
from pipeline.todo import Bell
from workers.app import SHORT, app, settings

log = logging.getLogger(__name__)

# A pages bell that was hung is not hung again for this long, unless it was answered.
PENDING_S = 30
# What the broker may raise when it is away.
AWAY = (redis.RedisError, KombuError, CeleryError, OSError)


@worker_init.connect
def prepare(**_: Any) -> None:
    """Read the templates once, before the pool is forked: its children have them from the start."""
    press.prepare()


@functools.cache
def house() -> House:
    """The house of this process, built after the fork."""
    return build(settings, s3_rooms(settings), ring)


@functools.cache
def _memory() -> redis.Redis:
    return redis.Redis.from_url(settings.redis_url.get_secret_value())


def ring(bell: Bell) -> None:
    """Send a bell on its way; one that cannot be sent is rung again by the scan."""
    args: list[Any] = [part for part in (bell.post, bell.item, bell.step) if part]
    shown = " / ".join(args) + (f" and {len(bell.more)} more" if bell.more else "")
    try:
        if bell.task == "publish" and (_is_resting(bell.post) or _is_pending(bell.post)):
            return
        app.send_task(
            f"newsreel.{bell.task}",
            [*args, list(bell.more)] if bell.more else args,
            priority=bell.priority,
            argsrepr=shown,
            **_past_the_queue(bell),
        )
    except AWAY as error:
        log.warning("bell lost, the scan will ring again: %s (%s)", bell, type(error).__name__)


def _past_the_queue(bell: Bell) -> dict[str, str]:
    """The first seconds of a film do not wait for a place among media jobs of minutes."""
    return {"queue": SHORT} if bell.task == "render" and bell.priority == 0 else {}


def _is_pending(post: str) -> bool:
    """True where the pages of a post are about to be written anyway; else they are from now on."""
    return not _memory().set(_pending(post), 1, nx=True, ex=PENDING_S)


def _pending(post: str) -> str:
    return f"newsreel:pending:{post}"


def _is_resting(post: str) -> bool:
    """True while the pages of a large post rest; a scan rings when they are not up to date."""
    return bool(_memory().exists(_resting(post)))


def _rest(post: PostManifest, took_s: float) -> None:
    rest_ms = round(1000 * todo.pages_rest_s(took_s, len(post.items)))
    if rest_ms:
        with contextlib.suppress(*AWAY):
            _memory().set(_resting(post.post), 1, px=rest_ms)


def _resting(post: str) -> str:
    return f"newsreel:resting:{post}"


# Housekeeping comes every few seconds; without events it does not bury the jobs in Flower.
@app.task(name="newsreel.scan", bind=True, throws=(NewsreelError,), send_events=False)
def scan(self: Any, *, deep: bool = False) -> str:
    """Find what was dropped, lost or removed."""
    with _shown(self):
        return f"{scan_ingest(house(), deep=deep)} bells"


@app.task(name="newsreel.ingest", bind=True, throws=(NewsreelError,))
def ingest(self: Any, post: str, item: str, more: tuple[str, ...] = ()) -> str:
    """Look at one upload, or at several photos at once, and plan what to make of it."""
    with _shown(self):
        if more:
            together.ingest(house(), post, (item, *more))
        else:
            flow.ingest(house(), post, item)
        return "planned"


@app.task(name="newsreel.render", bind=True, throws=(NewsreelError,))
def render(self: Any, post: str, item: str, step: str, more: tuple[str, ...] = ()) -> str:
    """Make the outputs of one step, of one item or of several photos at once."""
    with _shown(self):
        if more:
            wanted = (step, (item, *more))
            together.make(house(), post, wanted, report=_reporter(self))
        else:
            flow.make(house(), post, item, step, report=_reporter(self))
        return f"{step} made"


@app.task(name="newsreel.transcribe", bind=True, throws=(NewsreelError,))
def transcribe(self: Any, post: str, item: str, step: str) -> str:
    """Write down what is said in one chunk of speech."""
    with _shown(self):
        flow.make(house(), post, item, step, report=_reporter(self))
        return f"{step} written down"


@app.task(name="newsreel.publish", bind=True, throws=(NewsreelError,), send_events=False)
def publish(self: Any, post: str) -> str:
    """Bring a post's pages up to date."""
    with contextlib.suppress(*AWAY):
        _memory().delete(_pending(post))
    started = time.monotonic()
    with _shown(self):
        made = publish_pages(house(), post)
    if made is None:
        return "no such post"
    _rest(made, time.monotonic() - started)
    return f"{made.state}, {made.percent} %"


def _reporter(task: Any) -> Callable[[Progress], None]:
    return lambda progress: _tell(task, f"{progress.percent} % | {progress.text}")


def _tell(task: Any, text: str) -> None:
    # A dashboard that cannot be reached must not end the work.
    with contextlib.suppress(*AWAY):
        task.send_event("task-progress", result=text)


@contextlib.contextmanager
def _shown(task: Any) -> Any:
    """Put a failure's reason where the dashboard shows it, then let it be a failure."""
    try:
        yield
    except NewsreelError as error:
        _tell(task, error.public)
        raise
