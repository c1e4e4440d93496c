"""Reaps the processes that a killed part of the stack leaves to us.

Owns telling a dead orphan from a child that somebody in this process still waits for: whoever
waits does so at once, so a child that has been dead for seconds and is none of the supervisor's
own is an orphan. Refuses to kill anything. `newsreel.supervisor` is the only caller.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Set as AbstractSet
from pathlib import Path

# Any waiter in this process collects its dead child within milliseconds.
_PATIENCE_S = 5.0


class OrphanReaper:
    """Remembers since when each child has been dead."""

    def __init__(self) -> None:
        self._dead_since: dict[int, float] = {}

    def reap(self, *, ours: AbstractSet[int]) -> None:
        """Reap children dead for long, except `ours`: process ids the caller reaps himself."""
        now = time.monotonic()
        dead = {pid for pid in _children() - ours if _is_zombie(pid)}
        self._dead_since = {pid: self._dead_since.get(pid, now) for pid in dead}
        for pid, since in self._dead_since.items():
            if now - since > _PATIENCE_S:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    """Our direct children, of all threads; empty where the kernel does not list them."""
    found: set[int] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has just ended
            found.update(int(pid) for pid in listing.read_text().split())
    return found


def _is_zombie(pid: int) -> bool:
    try:
        # The state follows the name, which is in parentheses and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
