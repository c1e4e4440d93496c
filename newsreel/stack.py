"""The embedded stack: Redis, S3, workers, schedule and Flower on this computer alone.

Owns the order in which the parts come up, the lock on their folder, the buckets, and the table of
addresses. Refuses to run beside another stack on the same folder, and to replace servers that the
operator has configured. What a part is stands in `newsreel.parts` and `newsreel.crew`; how it is
kept alive, in `newsreel.supervisor`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.house import check_ears
from config.settings import Settings, load, load_operators, to_environ
from newsreel import buckets
from newsreel import keys as keyring
from newsreel.crew import beat_part, flower_part, worker_part
from newsreel.keys import Keys
from newsreel.parts import Part, own_folder, redis_part, s3_part
from newsreel.supervisor import PartStatus, Supervisor
from pipeline.errors import ConfigError

# What the stack itself provides; an operator's own value would send half of the commands elsewhere.
_PROVIDED = ("redis_url", "s3_endpoint", "s3_access_key", "s3_secret_key", "s3_addressing")

# Scans, plans and pages are short and mostly wait for the store.
_SHORT_CONCURRENCY = 2

_STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stack:
    """The whole stack, up while the context is entered.

    `settings` are those every other part of Newsreel needs to use it; `notes` say in plain words
    what is not as asked for. Entering raises ConfigError (the folder is in use, a port is taken, a
    program is missing, a setting is wrong) or supervisor.PartFailed; nothing is left behind then.
    """

    settings: Settings
    keys: Keys
    notes: tuple[str, ...]

    def __init__(self, data: Path, *, workers: int | None = None, port: int | None = None) -> None:
        """`workers` counts media jobs at once; `port` is the S3 port, which then must be free."""
        self._data = data
        self._workers = workers
        self._port = port
        self._open = ExitStack()
        self._parts: list[Part] = []

    def __enter__(self) -> Self:
        """Bring everything up and wait until all of it answers."""
        with ExitStack() as stack:
            self._enter(stack)
            self._open = stack.pop_all()
        return self

    def _enter(self, stack: ExitStack) -> None:
        data = own_folder(self._data)
        operators = _operators_settings(data, self._workers)
        check_ears(operators)
        stack.enter_context(_locked(data))
        self.keys, self.notes = keyring.obtain(data, self._port)
        self._supervisor = stack.enter_context(Supervisor(data / "logs"))
        keyring.write(data, _provided(operators, self.keys, data), self.keys)
        self.settings = _settings(data, self._workers)
        self._start(*_servers(data, self.keys))
        self.notes = (*self.notes, *buckets.prepare(self.settings))
        self._start(*_crew(data, self.settings, self.keys))

    def _start(self, *parts: Part) -> None:
        self._supervisor.start(*parts)
        self._parts += parts

    def __exit__(self, *_: object) -> None:
        """Stop everything in order, undisturbed by a second Ctrl-C: it is over within 10 s."""
        with _unless_interrupted():
            self._open.close()

    def status(self) -> tuple[PartStatus, ...]:
        """Every part and how it stands now."""
        return self._supervisor.status()

    def table(self) -> Table:
        """Each part, its address and its credentials, for the operator's own screen."""
        # Addresses and passwords are there to be copied: never folded over two lines.
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in ("part", "address", "credentials"):
            table.add_column(heading, no_wrap=True, overflow="ignore")
        known = _credentials(self.keys)
        for part in self._parts:
            table.add_row(*_row(part.name, part.url or part.note, known.get(part.name, "")))
        table.add_row(*_row("site", self.settings.public_url, "public"))
        return table


def up(
    data: Path, *, workers: int | None = None, port: int | None = None, console: Console
) -> None:
    """Bring the stack up, show it, and keep it up until Ctrl-C or SIGTERM."""
    with interruptible():
        try:
            with Stack(data, workers=workers, port=port) as stack:
                console.print(stack.table())
                for note in stack.notes:
                    console.print(Text(note))
                console.print("Ctrl-C stops it; unfinished work goes on at the next start.")
                _wait_for_interrupt()
        except KeyboardInterrupt:
            console.print("Stopped.")


# --- what it is made of ----------------------------------------------------------------------


def _operators_settings(data: Path, workers: int | None) -> Settings:
    """What the operator set; raises ConfigError where that is the stack's own affair."""
    settings = load_operators(_environ(data, workers))
    if own := [name for name in _PROVIDED if name in settings.model_fields_set]:
        raise ConfigError(
            f"`newsreel up` brings its own Redis and S3, but {', '.join(own)} "
            "is set in the environment or newsreel.toml. Remove it there, "
            "or start workers for those servers as docs/deploying.md shows."
        )
    return settings


def _environ(data: Path, workers: int | None) -> Mapping[str, str]:
    """The environment with the command line's own words, which come before all else."""
    said = {"NEWSREEL_DATA": str(data)}
    return os.environ | said | ({"NEWSREEL_WORKERS": str(workers)} if workers else {})


def _settings(data: Path, workers: int | None) -> Settings:
    return load(_environ(data, workers))


def _provided(operators: Settings, keys: Keys, data: Path) -> dict[str, str]:
    """The settings through which every command finds this stack."""
    provided = {
        "redis_url": keys.redis_url,
        "s3_endpoint": keys.s3_endpoint,
        "s3_access_key": keys.access_key,
        "s3_secret_key": keys.secret_key,
        "s3_addressing": "path",
    }
    if "scratch" not in operators.model_fields_set:
        provided["scratch"] = str(own_folder(data / "scratch"))
    return provided


def _servers(data: Path, keys: Keys) -> tuple[Part, ...]:
    return (
        redis_part(data, keys.redis_port, keys.redis_password),
        s3_part(data, keys.s3_ports, keys.access_key, keys.secret_key),
    )


def _crew(data: Path, settings: Settings, keys: Keys) -> tuple[Part, ...]:
    environ = to_environ(settings)
    return (
        worker_part(data, environ, queue="short", concurrency=_SHORT_CONCURRENCY),
        worker_part(data, environ, queue="media", concurrency=settings.workers),
        *_listeners(data, settings, environ),
        beat_part(data, environ),
        flower_part(data, environ, keys.flower_port, keys.flower_password),
    )


def _listeners(data: Path, settings: Settings, environ: Mapping[str, str]) -> tuple[Part, ...]:
    """The worker that writes down speech, one chunk at a time; none where nobody wants any."""
    if settings.ears is None:
        return ()
    return (worker_part(data, environ, queue="transcribe", concurrency=1),)


def _credentials(keys: Keys) -> Mapping[str, str]:
    return {
        "redis": f":{keys.redis_password}",
        "s3": f"{keys.access_key} / {keys.secret_key}",
        "flower": f"newsreel / {keys.flower_password}",
    }


def _row(*cells: str) -> tuple[Text, ...]:
    """Cells as they are: a password must not be read as markup."""
    return tuple(Text(cell) for cell in cells)


# --- the lock --------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    """Hold the folder for this process; the kernel lets go of it however the process ends."""
    with (data / "stack.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigError(
                f"A stack is already up on this folder (process {file.read().strip()}). "
                "Use it as it is, stop it first, or name another folder with --data."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


# --- signals ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _handling(handler: signal._HANDLER) -> Iterator[None]:
    """Handle what stops a program in this way; signals belong to the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def interruptible() -> contextlib.AbstractContextManager[None]:
    """A service manager's SIGTERM and a closed terminal stop the stack as Ctrl-C does."""
    return _handling(signal.default_int_handler)


def _unless_interrupted() -> contextlib.AbstractContextManager[None]:
    return _handling(signal.SIG_IGN)


def _wait_for_interrupt() -> None:
    while True:
        time.sleep(3600)
