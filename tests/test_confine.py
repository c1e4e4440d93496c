"""The launcher's layers, seen from inside a confined child."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import confine, errors
from pipeline.process import Command, run

needs_landlock = pytest.mark.skipif(
    confine.landlock_abi() == 0 and "CI" not in os.environ, reason="this kernel has no Landlock"
)


def _python(scratch: Path, code: str, **more: object) -> str:
    """What a confined Python prints; it must end well."""
    finished = run(
        Command(
            argv=(sys.executable, "-I", "-S", "-c", code),
            scratch=scratch,
            timeout_s=30,
            memory_bytes=1 << 30,
            **more,  # type: ignore[arg-type]
        )
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.decode().strip()


def _attempt(scratch: Path, expression: str, **more: object) -> str:
    """The errno name that an expression fails with in a confined child, or "done"."""
    code = (
        "import errno, os, socket, sys\n"
        f"try: {expression}\n"
        "except OSError as error: print(errno.errorcode[error.errno])\n"
        "else: print('done')"
    )
    return _python(scratch, code, **more)


@needs_landlock
def test_reads_only_what_is_named(tmp_path: Path) -> None:
    """An upload's neighbour cannot be read; the upload itself can."""
    scratch, mine, other = tmp_path / "scratch", tmp_path / "mine", tmp_path / "other"
    scratch.mkdir()
    mine.write_text("mine")
    other.write_text("other")
    assert _attempt(scratch, f"open({str(mine)!r}).read()", reads=(mine,)) == "done"
    assert _attempt(scratch, f"open({str(other)!r}).read()", reads=(mine,)) == "EACCES"
    assert _attempt(scratch, "open('/etc/passwd').read()") == "EACCES"
    assert _attempt(scratch, "os.listdir('/proc')") == "EACCES"


@needs_landlock
def test_the_package_itself_is_readable_but_not_its_surroundings(tmp_path: Path) -> None:
    """The folder around the package may hold settings and keys: it stays shut."""
    around = Path(confine.__file__).parents[1]
    assert _attempt(tmp_path, f"os.listdir({str(around)!r})") == "EACCES"
    assert _attempt(tmp_path, f"open({confine.__file__!r}).read()") == "done"


@needs_landlock
def test_writes_only_in_scratch(tmp_path: Path) -> None:
    """Scratch is writable, its surroundings and the named inputs are not."""
    scratch, mine = tmp_path / "scratch", tmp_path / "mine"
    scratch.mkdir()
    mine.write_text("mine")
    assert _attempt(scratch, "open('out', 'w').write('x')") == "done"
    assert (scratch / "out").read_text() == "x"
    assert _attempt(scratch, f"open({str(tmp_path / 'new')!r}, 'w')") == "EACCES"
    assert _attempt(scratch, f"open({str(mine)!r}, 'a')", reads=(mine,)) == "EACCES"
    assert _attempt(scratch, f"os.unlink({str(mine)!r})", reads=(mine,)) == "EACCES"


@needs_landlock
def test_leaves_nothing_but_plain_files(tmp_path: Path) -> None:
    """No links or pipes in scratch: what is uploaded from there cannot lead elsewhere."""
    assert _attempt(tmp_path, "os.symlink('/etc/passwd', 'poster.jpg')") == "EACCES"
    assert _attempt(tmp_path, "os.mkfifo('poster.jpg')") == "EACCES"
    assert _attempt(tmp_path, "os.link('/etc/passwd', 'poster.jpg')") in ("EACCES", "EXDEV")


@pytest.mark.skipif(not confine.has_syscall_filter(), reason="no filter for this machine")
@pytest.mark.parametrize(
    "expression",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_UNIX)",
        "os.fork()",
    ],
)
def test_opens_no_socket_and_starts_no_process(tmp_path: Path, expression: str) -> None:
    """Not even a datagram or a local socket; a fork bomb has nothing to fork with."""
    assert _attempt(tmp_path, expression) == "EPERM"


def test_threads_are_allowed(tmp_path: Path) -> None:
    """Encoders live on threads: only new processes are refused."""
    code = "import _thread, time; _thread.start_new_thread(print, ('thread',)); time.sleep(0.2)"
    assert _python(tmp_path, code) == "thread"


def test_signals_do_not_leave_the_child(tmp_path: Path) -> None:
    """A child cannot signal its parent, by scope or for want of rights to it."""
    if confine.landlock_abi() < confine._SCOPE_ABI:
        pytest.skip("signals are scoped from Landlock ABI 6 on")
    assert _attempt(tmp_path, "os.kill(os.getppid(), 0)") == "EPERM"


def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in the worker's environment do not reach a child; it lives in scratch."""
    monkeypatch.setenv("NEWSREEL_S3_SECRET_KEY", "hush")
    found = json.loads(_python(tmp_path, "import json, os; print(json.dumps(dict(os.environ)))"))
    assert set(found) <= {"PATH", "LANG", "TMPDIR", "HOME", "LC_CTYPE"}
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)


def test_inherits_no_descriptor_and_reads_nothing_from_standard_input(tmp_path: Path) -> None:
    """The orders are gone from standard input, and an inheritable file of ours is not passed on."""
    kept = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        code = (
            "import os, sys\n"
            "print(repr(sys.stdin.read()), os.getcwd())\n"
            f"try: os.fstat({kept})\n"
            "except OSError: print('closed')"
        )
        assert _python(tmp_path, code).split("\n") == [f"'' {tmp_path}", "closed"]
    finally:
        os.close(kept)


def test_limits_are_set_and_cannot_be_raised(tmp_path: Path) -> None:
    """No core dumps, few files, bounded memory; soft and hard limits are the same."""
    code = (
        "import json, resource as r\n"
        "kinds = (r.RLIMIT_CORE, r.RLIMIT_DATA, r.RLIMIT_FSIZE)\n"
        "print(json.dumps([r.getrlimit(kind) for kind in kinds]))"
    )
    found = json.loads(_python(tmp_path, code, file_bytes=12345))
    assert found == [[0, 0], [1 << 30, 1 << 30], [12345, 12345]]


def test_root_keeps_no_capability_but_reading(tmp_path: Path) -> None:
    """Whoever runs the worker, its children cannot mount, trace or raise limits."""
    code = (
        "import ctypes\n"
        "head, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
        "ctypes.CDLL(None).capget(head, held)\n"
        "print((held[0] | held[1]) & ~2, held[3] | held[4])"
    )
    assert _python(tmp_path, code) == "0 0"


@pytest.mark.parametrize(
    ("problem", "leaf"),
    [
        (MemoryError(), errors.Hostile),
        (OSError(28, "No space left on device"), errors.DiskFull),
        (OSError(2, "No such file"), errors.ToolBug),
        (ValueError("odd"), errors.ToolBug),
        (errors.OverLimit("too big", evidence="17 of 16"), errors.OverLimit),
    ],
)
def test_a_called_functions_failure_is_told_by_its_code(problem: Exception, leaf: type) -> None:
    """Our own errors travel as they are; memory, disk and everything else become our leaves."""

    def work() -> None:
        raise problem

    code, public, evidence = json.loads(confine._outcome(work, errors))["failure"]
    assert code == leaf.code  # type: ignore[attr-defined]
    if isinstance(problem, errors.NewsreelError):
        assert (public, evidence) == (problem.public, problem.evidence)


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A worker killed with SIGKILL leaves no tool behind, also after the launcher's exec."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pipeline.process import Command, run\n"
        "run(Command(argv=('/bin/sh', '-c', 'echo $$; exec sleep 60'), scratch=Path(sys.argv[1]),"
        " timeout_s=60, memory_bytes=1 << 30), on_line=lambda line: print(line, flush=True))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(confine.__file__).parents[1],
    )
    assert parent.stdout is not None
    with parent.stdout:
        tool = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    try:
        ended, _, _ = select.select([tool], [], [], 10)
        assert ended
    finally:
        os.close(tool)


def test_leaves_at_once_when_the_parent_is_already_gone(tmp_path: Path) -> None:
    """The race between fork and the request to die with the parent is closed by asking again."""
    orders = {"parent": os.getpid() + 1, "argv": ["/bin/true"]}
    child = subprocess.run(
        [sys.executable, "-I", "-S", confine.__file__],
        input=json.dumps(orders).encode(),
        check=False,
        capture_output=True,
    )
    assert child.returncode == confine.CANNOT_CONFINE
