"""The embedded stack as its user meets it: up, used, killed, stopped, up again."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from config.settings import load
from newsreel import keys as keyring
from newsreel.doctor import checks
from newsreel.stack import Stack
from pipeline.errors import ConfigError
from pipeline.model import Object
from pipeline.s3store import S3Store

# Several stacks at once would be more than a small machine can carry.
pytestmark = pytest.mark.usefixtures("only_stack")

PATIENCE_S = 60.0
PARTS = ("redis", "s3", "short-worker", "media-worker", "beat", "flower")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but the test's own."""
    for name in [name for name in os.environ if name.startswith("NEWSREEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def is_alive(pid: int) -> bool:
    """True while a process runs; a dead one that waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def family(pids: list[int]) -> set[int]:
    """Processes with all their living descendants."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(place.parent.name)] = int(fields[1])
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    """True as soon as the condition holds; False when it never does."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def pids(stack: Stack) -> list[int]:
    return [status.pid for status in stack.status() if status.pid is not None]


def ingest(stack: Stack) -> S3Store:
    return S3Store(stack.settings.s3_access(), stack.settings.bucket_ingest)


def shown(stack: Stack, width: int) -> str:
    """The table as a terminal of that width shows it."""
    console = Console(width=width)
    with console.capture() as capture:
        console.print(stack.table())
    return capture.get()


def everyone(stack: Stack) -> set[int]:
    """All processes of a stack, pool workers too."""
    return family(pids(stack))


@pytest.mark.integration
def test_up_and_down_and_up_again(tmp_path: Path) -> None:
    """Everything answers, a second `up` is refused, the stop leaves nobody, the data stays."""
    data = tmp_path / "data"
    with Stack(data, workers=1) as stack:
        assert tuple(status.name for status in stack.status()) == PARTS
        assert {status.state for status in stack.status()} == {"running"}
        assert stack.notes == ()
        bad = [check for check in checks({"NEWSREEL_DATA": str(data)}, tmp_path) if not check.ok]
        assert bad == []
        with pytest.raises(ConfigError, match=rf"already up .*process {os.getpid()}\b"):
            Stack(data).__enter__()
        table = shown(stack, 80)
        for needed in (stack.settings.public_url, stack.keys.secret_key, "2 at a time"):
            assert needed in table
        ingest(stack).put(Object(key="a/b.bin", body=os.urandom(9_000_000), media_type="x/y"))
        before, processes = stack.keys, everyone(stack)
    assert not [pid for pid in processes if is_alive(pid)]
    closed = [path for path in data.rglob("*") if path.name in ("stack.toml", "server.conf")]
    assert len(closed) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in closed} == {0o600}

    with ExitStack() as others:
        for port in (before.s3_ports.s3, before.s3_ports.master, before.redis_port):
            others.enter_context(socket.create_server(("127.0.0.1", port)))
        with pytest.raises(ConfigError, match=f"Port {before.s3_ports.s3} is taken"):
            Stack(data, port=before.s3_ports.s3).__enter__()
        with Stack(data, workers=1) as stack:
            assert stack.keys.secret_key == before.secret_key
            assert len(stack.notes) == 2
            assert len(ingest(stack).read("a/b.bin")) == 9_000_000


@pytest.mark.chaos
def test_every_part_comes_back(tmp_path: Path) -> None:
    """Kill -9 of all parts at once: each is started again and answers, nothing lingers."""
    with Stack(tmp_path / "data", workers=1) as stack:
        ingest(stack).put(Object(key="a/b.bin", body=b"kept", media_type="x/y"))
        first, processes = pids(stack), everyone(stack)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not [pid for pid in processes if is_alive(pid)])
        # The supervisor may not have heard of a death yet: old numbers do not count.
        assert eventually(lambda: len(set(pids(stack)) - set(first)) == len(PARTS))
        assert eventually(lambda: all(part.ready() for part in stack._parts))
        assert ingest(stack).read("a/b.bin") == b"kept"
        assert min(status.restarts for status in stack.status()) >= 1


SCRIPT = """
import sys
from pathlib import Path
from rich.console import Console
from newsreel.stack import up
up(Path(sys.argv[1]), workers=1, console=Console(width=200))
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """`up` in a process of its own, with all processes of its stack."""
    argv = [sys.executable, "-c", SCRIPT, str(tmp_path / "data")]
    said_all = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(argv, text=True, cwd=tmp_path, **said_all) as keeper:  # type: ignore[call-overload]
        assert keeper.stdout is not None
        try:
            said = ""
            for line in keeper.stdout:
                said += line
                if "Ctrl-C" in line:
                    break
            assert re.search(r"site\s+http://127.0.0.1:\d+/published", said), said
            yield keeper, family([keeper.pid]) - {keeper.pid}
        finally:
            keeper.kill()


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(
    started: tuple[subprocess.Popen[str], set[int]], number: signal.Signals
) -> None:
    """SIGTERM as Ctrl-C: exit status 0, and no process is left, whoever repeats the request."""
    keeper, processes = started
    keeper.send_signal(number)
    time.sleep(0.5)
    keeper.send_signal(number)
    assert keeper.wait(PATIENCE_S) == 0
    assert not [pid for pid in processes if is_alive(pid)]


@pytest.mark.chaos
def test_killing_the_stack_itself_leaves_nobody(
    started: tuple[subprocess.Popen[str], set[int]], tmp_path: Path
) -> None:
    """After kill -9 of `up` the kernel ends every part, and the folder is free again."""
    keeper, processes = started
    assert len(processes) >= len(PARTS)
    keeper.kill()
    keeper.wait()
    assert eventually(lambda: not [pid for pid in processes if is_alive(pid)])
    with Stack(tmp_path / "data", workers=1) as stack:
        assert {status.state for status in stack.status()} == {"running"}


def test_servers_of_the_operators_own_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a broker configured `up` would split the commands over two worlds: refused."""
    monkeypatch.setenv("NEWSREEL_REDIS_URL", "redis://elsewhere:6379/0")
    with pytest.raises(ConfigError, match="redis_url is set"):
        Stack(tmp_path / "data").__enter__()


@pytest.mark.integration
def test_a_failed_start_leaves_nobody_and_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a later part cannot start, the earlier ones are stopped and the folder is let go."""
    seen: list[Stack] = []

    def broken(settings: object) -> tuple[str, ...]:
        seen.append(stack)
        raise ConfigError("the buckets cannot be made")

    monkeypatch.setattr("newsreel.buckets.prepare", broken)
    stack = Stack(tmp_path / "data")
    for _ in range(2):
        with pytest.raises(ConfigError, match="buckets"):
            stack.__enter__()
        assert stack.status() == ()
    assert len(seen) == 2


def test_other_commands_find_the_stack_by_its_file(tmp_path: Path) -> None:
    """What `up` leaves in stack.toml are settings that load, whatever the passwords hold."""
    data = tmp_path / "newsreel-data"
    data.mkdir()
    keys, _ = keyring.obtain(data, None)
    keyring.write(data, {"redis_url": keys.redis_url, "site_name": 'Ñ "quoted" \\ name'}, keys)
    settings = load({}, tmp_path)
    assert settings.site_name == 'Ñ "quoted" \\ name'
    assert settings.redis_url.get_secret_value() == keys.redis_url
