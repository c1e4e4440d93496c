"""The one place where child processes are started, and where they are confined.

Owns `Command`, `Limits`-checked running, and the launcher that confines. (contract; being written)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One child: what it runs, what it may read, where it may write, how long and how large."""

    argv: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    scratch: Path
    timeout_s: float
    stall_s: float | None = None
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: str
    wall_s: float
    cpu_s: float


def run(command: Command, *, on_line: Callable[[str], None] | None = None) -> Finished:
    """Run a confined child to its end."""
    raise NotImplementedError


def call(function: str, arguments: dict[str, Any], command: Command) -> Any:
    """Run `module:function(**arguments)` in a confined Python child, JSON in and out."""
    raise NotImplementedError
