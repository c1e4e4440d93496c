"""The command in a process of its own, as a user starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# A stack that has to come up on a busy machine is given time.
PATIENCE_S = 180.0


def newsreel(
    env: dict[str, str], cwd: Path, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "newsreel", *map(str, arguments)]
    return subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
