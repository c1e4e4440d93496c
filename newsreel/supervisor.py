"""Keeps the parts of the embedded stack alive, and leaves none behind.

Owns starting them in order until each is ready, their logs, bringing back what died, and the stop.
Each part leads a process group of its own and is killed by the kernel when we end, however that
happens (`newsreel.launch`). Refuses to touch a process it did not start, and to know what a part
is for: see `newsreel.parts`, and `newsreel.stack` for how they are put together.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from newsreel import launch
from newsreel.orphans import OrphanReaper
from newsreel.parts import Part
from pipeline.errors import Transient

_log = logging.getLogger(__name__)

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

# A part that has lived this long was well: its next death starts the back-off anew.
_STEADY_S = 60.0
_FIRST_DELAY_S = 0.25
_LONGEST_DELAY_S = 30.0
_TICK_S = 0.2

# One generation is kept: enough to see what happened last night, never a full disk.
_LOG_BYTES = 8 * 2**20
_TAIL_BYTES = 4096
_TAIL_LINES = 8


class PartFailed(Transient):
    """A part of the stack did not become ready; the text ends with its last words."""

    code = "part-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """How a part stands now. `restarts` counts since the stack came up."""

    name: str
    state: Literal["running", "restarting"]
    pid: int | None
    restarts: int
    url: str


@dataclass(slots=True, kw_only=True)
class _Life:
    """A part with its current process, or with the time of its next start."""

    part: Part
    process: subprocess.Popen[bytes] | None
    started: float = field(default_factory=time.monotonic)
    restarts: int = 0
    deaths_in_a_row: int = 0
    due: float = 0.0


def delay_s(deaths_in_a_row: int) -> float:
    """Seconds to wait before a part is started again: doubling, at most half a minute."""
    return min(_FIRST_DELAY_S * 2.0 ** min(deaths_in_a_row - 1, 20), _LONGEST_DELAY_S)


class Supervisor:
    """Starts, watches and stops parts. A context manager: leaving it stops everything.

    Parts are started from one thread that outlives them: the kernel's promise to kill them with
    their starter is bound to the starting *thread*.
    """

    def __init__(self, logs: Path) -> None:
        """`logs` gets one <part>.log each."""
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._logs = logs
        self._starting: list[_Life] = []
        self._lives: list[_Life] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="part-starter")
        self._watcher = threading.Thread(target=self._watch, name="part-watcher", daemon=True)
        self._orphans = OrphanReaper()

    def __enter__(self) -> Self:
        """Become the one who inherits and reaps what a killed part leaves behind."""
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- starting ---

    def start(self, *parts: Part) -> None:
        """Start parts side by side and wait until all are ready.

        Raises PartFailed with the end of the log of the first that is not; the others live on
        until `stop`.
        """
        lives = [_Life(part=part, process=self._spawn(part)) for part in parts]
        with self._lock:
            self._starting += lives
        for life in lives:
            self._wait_ready(life)
            with self._lock:
                self._starting.remove(life)
                self._lives.append(life)

    def _spawn(self, part: Part) -> subprocess.Popen[bytes]:
        _clear(part.litter)
        return self._starter.submit(_spawn, part, self.log_of(part.name)).result()

    def _wait_ready(self, life: _Life) -> None:
        part, process = life.part, life.process
        deadline = time.monotonic() + part.ready_timeout_s
        while not part.ready():
            if _has_ended(process):
                raise self._failure(part, "ended while it was starting")
            if time.monotonic() > deadline:
                raise self._failure(part, f"was not ready after {part.ready_timeout_s:.0f} s")
            time.sleep(0.05)
        # What answered may be a stranger on the same port, while ours could not get it.
        if _has_ended(process):
            raise self._failure(part, "ended while it was starting")

    def _failure(self, part: Part, what: str) -> PartFailed:
        lines = _tail(self.log_of(part.name))
        said = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
        return PartFailed(
            f"{part.name} {what}. It said last:\n{said}", evidence=" ".join(part.argv)
        )

    def log_of(self, name: str) -> Path:
        """Where a part's own words go."""
        return self._logs / f"{name}.log"

    # --- watching ---

    def status(self) -> tuple[PartStatus, ...]:
        """Every part that was started, in that order."""
        with self._lock:
            return tuple(_status(life) for life in self._lives)

    def _watch(self) -> None:
        while not self._stopping.wait(_TICK_S):
            try:
                self._tick()
            except Exception:  # noqa: BLE001
                # Watching must outlive any surprise: without it nothing comes back.
                _log.exception("The watch over the stack's parts stumbled and goes on")

    def _tick(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            for life in self._lives:
                self._mind(life)
                _cap(self.log_of(life.part.name))
            self._orphans.reap(
                ours={life.process.pid for life in (*self._lives, *self._starting) if life.process}
            )

    def _mind(self, life: _Life) -> None:
        """Bury a part that died; start again one whose time has come."""
        if life.process is not None and _has_ended(life.process):
            _bury(life)
        if life.process is None and time.monotonic() >= life.due:
            life.process = self._spawn(life.part)
            life.started = time.monotonic()
            life.restarts += 1

    # --- stopping ---

    def stop(self) -> None:
        """End every part, the highest tier first; what does not end in its time is killed."""
        self._stopping.set()
        with self._lock:
            lives = [*self._lives, *self._starting]
            self._lives, self._starting = [], []
        for tier in sorted({life.part.tier for life in lives}, reverse=True):
            _stop_together([life for life in lives if life.part.tier == tier])
        self._starter.shutdown()


def _spawn(part: Part, log: Path) -> subprocess.Popen[bytes]:
    """Start a part in a session of its own, its words going to the end of its log."""
    launcher = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            (*launcher, *part.argv),
            cwd=part.cwd,
            env=dict(part.env),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _status(life: _Life) -> PartStatus:
    running = life.process is not None
    return PartStatus(
        name=life.part.name,
        state="running" if running else "restarting",
        pid=life.process.pid if life.process is not None else None,
        restarts=life.restarts,
        url=life.part.url,
    )


def _has_ended(process: subprocess.Popen[bytes] | None) -> bool:
    """True once the process is dead, without reaping it: its group's number stays its own."""
    if process is None or process.returncode is not None:
        return True
    flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _bury(life: _Life) -> None:
    """Clear what a dead part left and set the time of its next start."""
    assert life.process is not None  # noqa: S101 - for the type checker
    code = _end(life.process)
    lived_s = time.monotonic() - life.started
    life.deaths_in_a_row = 1 if lived_s > _STEADY_S else life.deaths_in_a_row + 1
    wait_s = delay_s(life.deaths_in_a_row)
    life.process, life.due = None, time.monotonic() + wait_s
    _log.warning(
        "%s ended (%s); it is started again in %.1f s", life.part.name, _words(code), wait_s
    )


def _words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _end(process: subprocess.Popen[bytes]) -> int:
    """Kill a part's whole group, reap its leader, return how that ended.

    The leader, dead or alive, is not reaped yet: so the group's number cannot be another's.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _stop_together(lives: Iterable[_Life]) -> None:
    """Ask all of one tier at once, then wait for each until its own time is up."""
    alive = [(life.part, life.process) for life in lives if life.process is not None]
    asked = time.monotonic()
    for part, process in alive:
        if not _has_ended(process):
            process.send_signal(part.stop_signal)
    for part, process in alive:
        while not _has_ended(process) and time.monotonic() < asked + part.stop_timeout_s:
            time.sleep(0.02)
        _end(process)
        _clear(part.litter)


def _clear(litter: Iterable[Path]) -> None:
    for path in litter:
        path.unlink(missing_ok=True)


def _cap(log: Path) -> None:
    """Keep a log within bounds: its text moves to <part>.log.1, the open file starts anew.

    The part goes on writing to the same file (it appends), so it need not be told. What it writes
    between the copy and the cut is lost: these are diagnostics, not records.
    """
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)


def _tail(log: Path) -> list[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
