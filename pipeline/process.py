"""The one place where child processes are started.

Owns running a confined child to its end: both pipes drained, its standard input served, clocks
kept, the child killed whatever happens here, its end judged. Refuses to judge a tool's own
complaints: callers hand a `Finished` to `diagnose`. Read `confine` next: it is what the child does
to itself first.

A child dies with the *thread* that started it (PR_SET_PDEATHSIG), so start it from a thread that
lives at least as long. It stays in the caller's process group: whoever ends the group (a
supervisor, Ctrl-C in a terminal) ends the tool as well, and a killed worker leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import site
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pipeline import confine
from pipeline.errors import DiskFull, Hostile, NewsreelError, ToolBug, ToolKilled

STDOUT_BYTES = 16 << 20
STDERR_BYTES = 64 << 10
_CHUNK = 64 << 10
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGBUS, signal.SIGFPE)
_PACKAGE = Path(__file__).resolve().parent

# What an interpreter, shared libraries, fonts and clocks need; what is missing is skipped.
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime",
    "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo",
)  # fmt: skip


class Overran(ToolKilled):
    """The child ran into its own time or stall limit (and not: somebody killed it)."""

    # What stalls twice will stall a third time, and each try costs its whole time limit.
    max_attempts = 2


Service: TypeAlias = Callable[[socket.socket], None]
"""Serves a child through its standard input, in a thread of its own.

It gets this side's end, and returns when the child is gone (it reads nothing more, or may not
write) or has got all it needs. What it raises ends the child, and is raised by whoever runs it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One child: what it runs, what it may read, where it may write, how long and how large.

    `scratch` is its working folder, TMPDIR and HOME. `stall_s` is the longest silence on standard
    output. `memory_bytes` bounds what it may allocate (RLIMIT_DATA, which leaves out what malloc
    only reserves); address space is bounded at four times that. Measured with x264 medium from
    2160p: a ladder of four rungs on 2 cores needs 2.5 GB, one rung on 32 threads 4 GB. So 4 GB
    is the least for 2160p, and 8 GB a good value for machines of many cores. `nice` is how much
    it stands back for others (0..19). Standard input is empty where no `service` is behind it.
    """

    argv: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    scratch: Path
    timeout_s: float
    stall_s: float | None = None
    memory_bytes: int
    file_bytes: int = 64 << 30
    nice: int = 0
    service: Service | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended: `stdout` up to 16 MB, the last 64 kB of `stderr`, its own CPU seconds."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: str
    wall_s: float
    cpu_s: float


def run(command: Command, *, on_line: Callable[[str], None] | None = None) -> Finished:
    """Run a confined child to its end, whatever its exit status; callers judge that.

    `on_line` hears every line of standard output. Raises ToolKilled when the child was killed or
    ran into a limit of time (then Overran), DiskFull when it failed for want of room, and ToolBug
    when it could not be started. Whatever is raised here, the child is gone.
    """
    return _judged(_run(command, {"argv": command.argv}, on_line))


def call(function: str, arguments: dict[str, Any], command: Command) -> Any:
    """Run `pipeline.module:function(**arguments)` in a confined Python child.

    `arguments` and the answer are JSON; a value of `model` comes back as plain data for
    `model.from_json`. `command.argv` is ignored. Raises what the function raised, if it is one of
    ours; Hostile when it crashed the interpreter or ran out of memory; ToolBug for anything else.
    """
    (answer,) = _answers(function, [arguments], command)
    if isinstance(answer, NewsreelError):
        raise answer
    return answer


def call_each(function: str, jobs: Sequence[dict[str, Any]], command: Command) -> list[Any]:
    """Run the function once with each of `jobs` (its arguments), all in one confined child.

    The answers come in the order of the jobs: the value, or the error of ours that it raised. A job
    that ends the child loses none of the others: it is tried once more alone, and the rest goes on
    in a fresh child. Raises ToolKilled and DiskFull as `run` does, and then nothing is answered.
    """
    answers: list[Any] = []
    while len(answers) < len(jobs):
        answers += _answers(function, jobs[len(answers) :], command)
    return answers


def _answers(function: str, jobs: Sequence[dict[str, Any]], command: Command) -> list[Any]:
    """The answers of one child, as far as it came: at least one, and all if it lived."""
    if not function.startswith("pipeline."):
        raise ValueError(f"only functions of this package run in a child, not {function}")
    orders = {"call": function, "each": list(jobs)}
    finished = _judged(_run(command, orders, None))
    lines = finished.stdout.splitlines(keepends=True)
    found = [_answer(line) for line in lines if line.endswith(b"\n")][: len(jobs)]
    if len(found) == len(jobs):
        return found
    # Alone is alone: whatever came before it in the same memory is no longer to blame.
    guilty = jobs[len(found) : len(found) + 1]
    alone = [_end_of(finished)] if len(jobs) == 1 else _answers(function, guilty, command)
    return found + alone


# --- orders for the launcher ------------------------------------------------------------------


def _orders(command: Command, what: dict[str, Any]) -> dict[str, Any]:
    """Everything the launcher must know, as plain data; see `confine`."""
    packages = [path for path in site.getsitepackages() if Path(path).is_dir()]
    system = [*_SYSTEM, sys.prefix, sys.base_prefix, *packages, str(_PACKAGE)]
    if command.argv:
        system.append(command.argv[0])
    return what | {
        "parent": os.getpid(),
        "reads": [str(path) for path in command.reads],
        "system": system,
        "scratch": str(command.scratch),
        "paths": packages,
        "environment": _environment(command.scratch),
        "limits": _limits(command),
        "nice": command.nice,
    }


def _environment(scratch: Path) -> dict[str, str]:
    place = str(scratch)
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": place, "HOME": place}


def _limits(command: Command) -> dict[str, int]:
    """Resource limits by their names after RLIMIT_.

    CPU time is a second lock behind the wall clock, for when this process is stopped or gone. No
    NPROC: it counts every process of the user; the launcher forbids forking instead.
    """
    cores = os.cpu_count() or 1
    return {
        "CORE": 0,
        "NOFILE": 256,
        "FSIZE": command.file_bytes,
        "CPU": int(command.timeout_s * cores) + 10,
        "DATA": command.memory_bytes,
        "AS": 4 * command.memory_bytes,
    }


# --- starting, listening, ending --------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Ears:
    """What was heard of a child so far."""

    on_line: Callable[[str], None] | None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    partial: bytes = b""
    last_line: float = field(default_factory=time.monotonic)

    def out(self, chunk: bytes) -> None:
        """Keep the first 16 MB, and pass complete lines on."""
        self.stdout += chunk[: STDOUT_BYTES - len(self.stdout)]
        *lines, self.partial = (self.partial[-_CHUNK:] + chunk).split(b"\n")
        if lines:
            self.last_line = time.monotonic()
        for line in lines if self.on_line else ():
            self.on_line(line.decode(errors="replace").rstrip("\r"))  # type: ignore[misc]

    def err(self, chunk: bytes) -> None:
        """Keep the last 64 kB."""
        self.stderr += chunk
        del self.stderr[:-STDERR_BYTES]


def _run(command: Command, what: dict[str, Any], on_line: Callable[[str], None] | None) -> Finished:
    started = time.monotonic()
    ears = _Ears(on_line=on_line)
    with _served(command.service) as entrance:
        child = _start(_orders(command, what), entrance)
        try:
            _listen(child, ears, command, started)
        finally:
            cpu_s = _end(child)
    return Finished(
        argv=command.argv or (str(what.get("call", "")),),
        returncode=child.returncode,
        stdout=bytes(ears.stdout),
        stderr=ears.stderr.decode(errors="replace"),
        wall_s=time.monotonic() - started,
        cpu_s=cpu_s,
    )


@contextmanager
def _served(service: Service | None) -> Iterator[socket.socket | None]:
    """The child's end of a service, if there is one; raises in the end what the service raised."""
    if service is None:
        yield None
        return
    ours, theirs = socket.socketpair()
    failed: list[BaseException] = []

    def serve() -> None:
        # A child that went before its time closes the line: that is told by how it ended.
        try:
            with ours, suppress(BrokenPipeError, ConnectionResetError):
                service(ours)
        except BaseException as error:  # noqa: BLE001  (for the thread that runs the child)
            failed.append(error)

    thread = threading.Thread(target=serve, name="service")
    thread.start()
    try:
        with theirs:
            yield theirs
    finally:
        # Also where nothing was started: the line is closed, so the service comes to an end.
        thread.join()
        if failed:
            raise failed[0]


def _start(orders: dict[str, Any], entrance: socket.socket | None) -> subprocess.Popen[bytes]:
    """Start the launcher; its orders lie in memory as a file, so that writing cannot block."""
    given = () if entrance is None else (entrance.fileno(),)
    orders = orders | {"input": given[0] if given else None}
    with os.fdopen(os.memfd_create("orders"), "w+b") as letter:
        letter.write(json.dumps(orders).encode())
        letter.seek(0)
        try:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", confine.__file__],
                stdin=letter,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=given,
                env=orders["environment"],
                # Ctrl-C in a terminal is for us to answer: a child that heard it too would end
                # as if its file were at fault. It dies with us all the same (PR_SET_PDEATHSIG).
                process_group=0,
            )
        except BlockingIOError as error:
            raise ToolKilled(
                "The machine is too busy to start another piece of work.", evidence=str(error)
            ) from error


def _listen(child: subprocess.Popen[bytes], ears: _Ears, command: Command, started: float) -> None:
    """Drain both pipes until the child ends; raises Overran when a clock runs out first."""
    end = os.pidfd_open(child.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for stream, ear in ((child.stdout, ears.out), (child.stderr, ears.err)):
                os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]
                selector.register(stream, selectors.EVENT_READ, ear)  # type: ignore[arg-type]
            selector.register(end, selectors.EVENT_READ, None)
            while _hear(selector, _patience(ears, command, started)):
                pass
    finally:
        os.close(end)


def _hear(selector: selectors.BaseSelector, patience_s: float) -> bool:
    """Take in what is there; False once the child has ended and nothing is left to read."""
    ended = False
    for key, _ in selector.select(patience_s):
        if key.data is None:
            ended = True
        elif chunk := _read(key.fd):
            key.data(chunk)
        else:
            selector.unregister(key.fileobj)
    if ended:
        _drain(selector)
    return not ended


def _drain(selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        while key.data is not None and (chunk := _read(key.fd)):
            key.data(chunk)


def _read(descriptor: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(descriptor, _CHUNK)
    return b""


def _patience(ears: _Ears, command: Command, started: float) -> float:
    """Seconds until the next clock runs out; raises Overran when one has."""
    now = time.monotonic()
    left = started + command.timeout_s - now
    if left <= 0:
        raise Overran(
            f"The work took longer than the {command.timeout_s:g} s allowed for it.",
            evidence=_evidence(command.argv, ears.stderr.decode(errors="replace")),
        )
    if command.stall_s is None:
        return left
    quiet = ears.last_line + command.stall_s - now
    if quiet <= 0:
        raise Overran(
            f"The work stood still for {command.stall_s:g} s and was stopped.",
            evidence=_evidence(command.argv, ears.stderr.decode(errors="replace")),
        )
    return min(left, quiet)


def _end(child: subprocess.Popen[bytes]) -> float:
    """Make sure the child is gone, collect it, and say what CPU seconds it used."""
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)  # not child.kill(): that would collect it unmeasured
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
    return usage.ru_utime + usage.ru_stime


# --- judging how it ended ---------------------------------------------------------------------


def _evidence(argv: tuple[str, ...], stderr: str) -> str:
    return f"{' '.join(argv)}\n{stderr[-4000:]}"


def _judged(finished: Finished) -> Finished:
    """Raise for ends that are nobody's file; every other end goes back to the caller."""
    evidence = _evidence(finished.argv, finished.stderr)
    if finished.returncode == confine.CANNOT_CONFINE and "confine: " in finished.stderr:
        raise ToolBug("A tool could not be started.", evidence=evidence)
    if finished.returncode in (-signal.SIGKILL, -signal.SIGTERM):
        raise ToolKilled("A tool was stopped from outside while it worked.", evidence=evidence)
    if finished.returncode == -signal.SIGXCPU:
        raise Overran("The work used more processor time than allowed.", evidence=evidence)
    if finished.returncode and "No space left on device" in finished.stderr:
        raise DiskFull("There is no room left on the disk for scratch files.", evidence=evidence)
    return finished


def _answer(line: bytes) -> Any:
    """The value that a called function returned, or the failure it raised."""
    match _parsed(line):
        case {"value": value}:
            return value
        case {"failure": [str(code), str(public), str(inner)]}:
            return _failure(code, public, inner)
    return ToolBug("A child gave no answer.", evidence=line[:4000].decode(errors="replace"))


def _end_of(finished: Finished) -> NewsreelError:
    """What it means that a child ended without an answer."""
    evidence = _evidence(finished.argv, finished.stderr)
    if -finished.returncode in _CRASHES:
        return Hostile("The file breaks the program that reads it.", evidence=evidence)
    return ToolBug("A child gave no answer.", evidence=evidence)


def _parsed(text: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(text)
    return None


def _failure(code: str, public: str, evidence: str) -> NewsreelError:
    """The error of this code, as if it had been raised on this side."""
    return _kinds(NewsreelError).get(code, ToolBug)(public, evidence=evidence)


def _kinds(kind: type[NewsreelError]) -> dict[str, type[NewsreelError]]:
    """Every error class below `kind` by its code; one that only narrows a code does not count."""
    found: dict[str, type[NewsreelError]] = {}
    for child in kind.__subclasses__():
        found |= _kinds(child)
        if "code" in child.__dict__:
            found[child.code] = child
    return found
