"""The first instructions of every part of the stack: die with the supervisor, then become the part.

Owns the one system call that makes the kernel kill this process when its starter ends, however
that ends. Run as a script with the starter's process id and the part's argv; refuses to start
anything when that starter is already gone. `newsreel.supervisor` is the only caller.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; it survives execve


def main(starter: int, argv: list[str]) -> None:
    """Replace this process by argv, to be killed by the kernel when `starter` ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:  # it ended between its fork and our request
        sys.exit(f"The process {starter} that starts this one has ended.")
    os.execvp(argv[0], argv)  # noqa: S606 - no shell, on purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
