"""The supervisor: parts come up, come back, and leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newsreel import orphans, supervisor
from newsreel.parts import Part
from newsreel.supervisor import PartFailed, Supervisor, delay_s

PATIENCE_S = 20.0

# Writes its process id, then sleeps; the file is its sign of readiness.
SLEEPER = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SLEEPER
# Has a child in its own group, as pool workers are, whose process id it tells.
PARENT = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""
# Notes when it is asked to end.
TELLER = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.2)
    with open(sys.argv[2], "a") as log:
        log.write(sys.argv[3])
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).write_text("1")
time.sleep(600)
"""


def part(folder: Path, code: str, *arguments: str, name: str = "part", **more: Any) -> Part:
    """A part that runs some Python and is ready when its sign is there."""
    sign = folder / f"{name}.sign"
    return Part(
        name=name,
        argv=(sys.executable, "-c", code, str(sign), *arguments),
        env=dict(os.environ),
        cwd=folder,
        ready=more.pop("ready", lambda: sign.exists() and sign.read_text() != ""),
        ready_timeout_s=more.pop("ready_timeout_s", PATIENCE_S),
        **more,
    )


def is_alive(pid: int) -> bool:
    """True while a process runs; a dead one that waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    """True as soon as the condition holds; False when it never does."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def pid_of(stack: Supervisor, index: int = 0) -> int:
    pid = stack.status()[index].pid
    assert pid is not None
    return pid


def test_a_part_runs_until_the_stop(tmp_path: Path) -> None:
    """While the context is open the part runs; afterwards it is gone, its litter too."""
    litter = tmp_path / "socket"
    with Supervisor(tmp_path / "logs") as stack:
        stack.start(part(tmp_path, SLEEPER, litter=(litter,), url="http://x"))
        (status,) = stack.status()
        litter.touch()
        assert (status.name, status.state, status.restarts) == ("part", "running", 0)
        assert is_alive(pid_of(stack))
    assert not is_alive(status.pid or 0)
    assert not litter.exists()
    assert stack.status() == ()


def test_a_part_leads_a_group_of_its_own(tmp_path: Path) -> None:
    """A Ctrl-C in the terminal reaches the supervisor alone, which stops parts in order."""
    with Supervisor(tmp_path / "logs") as stack:
        stack.start(part(tmp_path, SLEEPER))
        pid = pid_of(stack)
        assert os.getpgid(pid) == os.getsid(pid) == pid != os.getpgrp()


def test_a_part_that_ends_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    """The error names the part and quotes its log; nothing runs any more."""
    code = "import sys; print('line 1'); sys.exit('no room for me')"
    with Supervisor(tmp_path / "logs") as stack:
        with pytest.raises(PartFailed, match="part ended while it was starting") as caught:
            stack.start(part(tmp_path, code))
        assert "no room for me" in str(caught.value)


def test_a_stranger_that_answers_is_not_taken_for_the_part(tmp_path: Path) -> None:
    """Readiness counts only while our own process lives."""
    strange = part(tmp_path, "pass", ready=lambda: bool(time.sleep(0.5)) or True)
    with Supervisor(tmp_path / "logs") as stack, pytest.raises(PartFailed, match="ended"):
        stack.start(strange)


def test_a_part_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    """After its time the start fails, and the part does not linger after the stop."""
    sign = tmp_path / "part.sign"
    with Supervisor(tmp_path / "logs") as stack:
        slow = part(tmp_path, SLEEPER, ready=lambda: False, ready_timeout_s=1)
        with pytest.raises(PartFailed, match="was not ready after 1 s"):
            stack.start(slow)
        assert eventually(sign.exists)
    assert not is_alive(int(sign.read_text()))


def test_a_killed_part_comes_back(tmp_path: Path) -> None:
    """A part killed with -9 is followed by a new process, and is counted."""
    with Supervisor(tmp_path / "logs") as stack:
        stack.start(part(tmp_path, SLEEPER))
        first = pid_of(stack)
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: stack.status()[0].restarts == 1)
        assert pid_of(stack) != first
        assert is_alive(pid_of(stack))


def test_what_a_dead_part_left_in_its_group_is_killed(tmp_path: Path) -> None:
    """Before a part comes back, children of its old self are ended."""
    with Supervisor(tmp_path / "logs") as stack:
        stack.start(part(tmp_path, PARENT))
        child = int((tmp_path / "part.sign").read_text())
        assert is_alive(child)
        os.kill(pid_of(stack), signal.SIGKILL)
        assert eventually(lambda: not is_alive(child))


def test_a_part_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """The stop does not depend on anyone's good will."""
    with Supervisor(tmp_path / "logs") as stack:
        stack.start(part(tmp_path, STUBBORN, stop_timeout_s=0.3))
        pid = pid_of(stack)
    assert not is_alive(pid)


def test_higher_tiers_end_before_lower_ones_are_asked(tmp_path: Path) -> None:
    """Workers have ended before the servers they need are stopped, whatever the start's order."""
    log = tmp_path / "order"
    with Supervisor(tmp_path / "logs") as stack:
        for name, tier in (("a", 0), ("b", 1), ("c", 0)):
            stack.start(part(tmp_path, TELLER, str(log), str(tier), name=name, tier=tier))
    assert log.read_text() == "100"


def test_killing_the_supervisor_leaves_nothing(tmp_path: Path) -> None:
    """After kill -9 of the supervisor itself the kernel ends its parts."""
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_supervisor import SLEEPER, part
from newsreel.supervisor import Supervisor
folder = Path({str(tmp_path)!r})
with Supervisor(folder / "logs") as stack:
    stack.start(part(folder, SLEEPER))
    print("up", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"up\n"
        pid = int((tmp_path / "part.sign").read_text())
        assert is_alive(pid)
        keeper.kill()
    assert eventually(lambda: not is_alive(pid))


def test_the_wait_doubles_up_to_a_bound() -> None:
    """A part that dies again and again is started less and less often."""
    waits = [delay_s(deaths) for deaths in range(1, 12)]
    assert waits[:4] == [0.25, 0.5, 1.0, 2.0]
    assert max(waits) == delay_s(10_000) == 30.0


def test_a_log_that_grew_too_large_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text moves aside once; a part that appends to the open file goes on at its start."""
    monkeypatch.setattr(supervisor, "_LOG_BYTES", 10)
    log = tmp_path / "part.log"
    with log.open("ab", buffering=0) as file:
        file.write(b"0123456789ab")
        supervisor._cap(log)
        file.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "part.log.1").read_bytes() == b"0123456789ab"


def test_logs_are_for_the_owner_alone(tmp_path: Path) -> None:
    """What parts say may hold names of unpublished files."""
    with Supervisor(tmp_path / "logs") as stack:
        stack.start(part(tmp_path, SLEEPER))
        assert stack.log_of("part").stat().st_mode & 0o077 == 0


def test_long_dead_orphans_are_reaped_and_ours_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead child nobody waits for is collected; one that the caller owns stays his."""
    monkeypatch.setattr(orphans, "_PATIENCE_S", -1.0)
    stray, ours = (os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {}) for _ in range(2))
    try:
        assert eventually(lambda: orphans._is_zombie(stray) and orphans._is_zombie(ours))
        orphans.OrphanReaper().reap(ours={ours})
        with pytest.raises(ChildProcessError):
            os.waitpid(stray, os.WNOHANG)
        assert os.waitpid(ours, os.WNOHANG)[0] == ours
    finally:
        for pid in (stray, ours):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
