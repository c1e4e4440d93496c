"""The Celery processes of the embedded stack: its workers, the schedule and Flower.

Owns their command lines and how each is known to be ready; settings reach them through their
environment alone. Refuses to know what the tasks do: that is `workers`. The servers they lean on
are in `newsreel.parts`, who starts all of them in `newsreel.supervisor`.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from newsreel.parts import LOOPBACK, Part, base_env, get_ok, own_folder

# Celery writes its own working files nowhere, but it puts its working directory on the import
# path: that must be a folder of ours, never the one the user happens to stand in.
_CELERY = (sys.executable, "-P", "-m", "celery", "-A", "workers.app")

# With REMAP_SIGTERM a worker hands its unfinished task back within seconds instead of waiting
# for its end (the app sets worker_soft_shutdown_timeout).
_HAND_BACK = {"REMAP_SIGTERM": "SIGQUIT"}

# Soft shutdown (2 s) and what a busy machine adds to it.
_WORKER_STOP_S = 5.5

_TASK_COLUMNS = "name,uuid,state,args,result,received,runtime,worker"

# One above the servers: everything here has ended before Redis and S3 are asked to.
_TIER = 1


def worker_part(data: Path, environ: Mapping[str, str], *, queue: str, concurrency: int) -> Part:
    """A Celery worker named after the one queue it serves ("short", "media", "transcribe").

    `environ` are the settings as NEWSREEL_* variables; `concurrency` counts child processes.
    """
    node = f"{queue}@{socket.gethostname()}"
    flags = ("-n", node, "-Q", queue, "-c", str(concurrency), "--loglevel=INFO")
    return Part(
        name=f"{queue}-worker",
        argv=(*_CELERY, "worker", *flags),
        env=base_env({**environ, **_HAND_BACK}),
        cwd=own_folder(data / "run"),
        ready=partial(_worker_answers, environ["NEWSREEL_REDIS_URL"], node),
        ready_timeout_s=60,
        stop_timeout_s=_WORKER_STOP_S,
        tier=_TIER,
        note=f"{concurrency} at a time",
    )


def _worker_answers(broker: str, node: str) -> bool:
    away = contextlib.suppress(OperationalError, RedisError, OSError)
    with away, Celery(broker=broker, set_as_current=False) as app:
        return bool(app.control.ping(destination=[node], timeout=1))
    return False


def beat_part(data: Path, environ: Mapping[str, str]) -> Part:
    """The scan's schedule. It is kept in memory: a lost tick is made up by the next one."""
    return Part(
        name="beat",
        argv=(*_CELERY, "beat", "-S", "celery.beat:Scheduler", "--loglevel=INFO"),
        env=base_env(environ),
        cwd=own_folder(data / "run"),
        ready=lambda: True,
        tier=_TIER,
        note="looks for new files",
    )


def flower_part(data: Path, environ: Mapping[str, str], port: int, password: str) -> Part:
    """Flower on loopback behind a password, its history kept over an orderly stop."""
    flags = (
        f"--address={LOOPBACK}",
        f"--port={port}",
        "--persistent=True",
        # Saved at its end only: a kill in the middle of a periodic save would leave a file that
        # keeps Flower from ever starting again.
        f"--db={own_folder(data / 'flower') / 'history'}",
        f"--tasks_columns={_TASK_COLUMNS}",
    )
    return Part(
        name="flower",
        argv=(*_CELERY, "flower", *flags),
        env=base_env({**environ, "FLOWER_BASIC_AUTH": f"newsreel:{password}"}),
        cwd=own_folder(data / "run"),
        ready=lambda: _flower_answers(port, password),
        ready_timeout_s=60,
        tier=_TIER,
        url=f"http://{LOOPBACK}:{port}",
        note="jobs and their progress",
    )


def _flower_answers(port: int, password: str) -> bool:
    """The page itself, behind its password; /healthcheck would answer before it is guarded."""
    token = b64encode(f"newsreel:{password}".encode()).decode()
    return get_ok(port, "/workers", {"Authorization": f"Basic {token}"}) is not None
