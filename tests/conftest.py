"""Fixtures shared by the suite: a real S3 server, and a house on folders."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import homes
import hypothesis
import pytest
import stages
from homes import Home
from stages import Stage

from newsreel import launch
from newsreel.parts import Part, S3Ports, s3_part
from pipeline import render
from pipeline.errors import NewsreelError
from pipeline.model import Step, StepRecord
from pipeline.s3store import S3Access, S3Store, prepare_bucket

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden` writes the golden files anew, to be read in the diff."""
    parser.addoption("--golden", action="store_true", help="regenerate the golden files")


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A SeaweedFS of the suite's own."""

    access: S3Access
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it as a power cut would. It owns its process group, so nothing else is hit."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """A server on free ports with fresh credentials, which dies with this process at the latest."""
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    part = s3_part(folder, S3Ports.choose(), key, secret)
    server = S3Server(
        access=S3Access(endpoint=part.url, access_key=key, secret_key=secret, addressing="path"),
        process=_start(part, folder / "log"),
        log=folder / "log",
    )
    try:
        _await(part, server)
        yield server
    finally:
        server.kill()
        for left in part.litter:
            left.unlink(missing_ok=True)


def _start(part: Part, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, launch.__file__, str(os.getpid()), *part.argv],
            env=dict(part.env),
            cwd=part.cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def _await(part: Part, server: S3Server) -> None:
    end = time.monotonic() + part.ready_timeout_s
    while not part.ready():
        if server.process.poll() is not None or time.monotonic() > end:
            tail = server.log.read_text(errors="replace")[-500:]
            raise RuntimeError(f"the S3 server did not come up: {tail}")
        time.sleep(0.05)


@contextlib.contextmanager
def _or_skip() -> Iterator[None]:
    """Without a server, skip on a developer's machine, but fail where the suite must be whole."""
    try:
        yield
    except (RuntimeError, OSError, NewsreelError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no S3 server can be started here: {error}")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One server for all tests of this process; do not kill it."""
    with contextlib.ExitStack() as stack:
        with _or_skip():
            server = stack.enter_context(running_s3(tmp_path_factory.mktemp("s3")))
        yield server


@pytest.fixture
def doomed_s3(tmp_path: Path) -> Iterator[S3Server]:
    """A server of the test's own, to be killed."""
    with contextlib.ExitStack() as stack:
        with _or_skip():
            server = stack.enter_context(running_s3(tmp_path / "s3"))
        yield server


@pytest.fixture(scope="session")
def _buckets(s3_server: S3Server) -> Callable[[str], S3Store]:
    """Buckets by name, made once: SeaweedFS allocates volumes for each."""
    made: dict[str, S3Store] = {}

    def bucket(name: str) -> S3Store:
        if name not in made:
            assert prepare_bucket(s3_server.access, name, public=name == "published") == ()
            made[name] = S3Store(s3_server.access, name)
        return made[name]

    return bucket


@pytest.fixture
def private_s3(_buckets: Callable[[str], S3Store]) -> Iterator[S3Store]:
    """An empty private bucket."""
    store = _buckets("private")
    yield store
    store.delete([entry.key for entry in store.list()])


@pytest.fixture
def public_s3(_buckets: Callable[[str], S3Store]) -> Iterator[S3Store]:
    """An empty bucket that anyone may read."""
    store = _buckets("published")
    yield store
    store.delete([entry.key for entry in store.list()])


def asked(
    store: S3Store, key: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Ask the server as a browser would, without credentials."""
    address = urlsplit(store.client.meta.endpoint_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        path = f"/{store.bucket}/{quote(key)}" if key else f"/{store.bucket}?list-type=2"
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def _no_credentials_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own S3 settings may leak into these tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


# --- a house on folders ----------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A copy of the published post, to be changed."""
    return homes.finished().copy(tmp_path / "home")


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    """A house without a post."""
    return Home(tmp_path / "home")


@pytest.fixture
def performed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the steps that are really worked on."""
    names: list[str] = []
    perform = render.perform

    def counted(step: Step, *args: object) -> StepRecord:
        names.append(step.name)
        return perform(step, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "perform", counted)
    return names


# --- the embedded stack ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def only_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No other process of this run has a stack up: all would want the same first ports."""
    # The parent folder is shared by all workers of pytest-xdist.
    with (tmp_path_factory.getbasetemp().parent / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film as HLS and as one file."""
    folder = tmp_path_factory.mktemp("film")
    stages.cut(folder)
    return folder


@pytest.fixture
def stage(tmp_path: Path, film: Path) -> Iterator[Stage]:
    """That film on a server of its own."""
    with stages.staged(tmp_path, film) as one:
        yield one
