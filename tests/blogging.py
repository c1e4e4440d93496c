"""Real blogs on this computer: a WordPress with its database, and a Hugo.

Both come from Debian's packages. WordPress is copied into a scratch folder, because Debian's own
configuration lies in /etc; its code is not changed. Its one plugin (blogs/loopback.php) lets it ask
this computer for embeds, which it otherwise refuses.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wanting import wanting

HERE = Path(__file__).parent / "blogs"
PACKAGED = Path("/usr/share/wordpress")
THEME = PACKAGED / "wp-content/themes/twentytwentythree"
PATIENCE_S = 240


@dataclass(frozen=True, kw_only=True)
class WordPress:
    """A blog that answers, and the passwords of its users."""

    address: str
    passwords: Mapping[str, str]

    def publish(self, user: str, title: str, content: str) -> str:
        """Write an article as a user does; returns its address."""
        body = {"title": title, "content": content, "status": "publish"}
        key = base64.b64encode(f"{user}:{self.passwords[user]}".encode()).decode()
        request = urllib.request.Request(
            f"{self.address}/index.php?rest_route=/wp/v2/posts",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Basic {key}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)["link"]


@contextlib.contextmanager
def wordpress(folder: Path) -> Iterator[WordPress]:
    """A WordPress on an empty database, until the end of the block."""
    _need("Debian's wordpress, its theme twentytwentythree, php-cli and mariadb-server", [
        *(shutil.which(name) for name in ("php", "mariadbd", "mariadb-install-db", "mariadb")),
        PACKAGED.exists(),
        THEME.exists(),
    ])  # fmt: skip
    site = folder / "wordpress"
    shutil.copytree(PACKAGED, site, ignore=shutil.ignore_patterns("wp-config.php"))
    shutil.copy(HERE / "wp-config.php", site / "wp-config.php")
    (site / "wp-content/mu-plugins").mkdir()
    shutil.copy(HERE / "loopback.php", site / "wp-content/mu-plugins")
    address = f"http://127.0.0.1:{_free_port()}"
    with _database(folder) as database:
        env = {
            **os.environ,
            "BLOG_SOCKET": str(database),
            "BLOG_ADDRESS": address,
            # Pages ask the same server for their parts, and embeds for theirs.
            "PHP_CLI_SERVER_WORKERS": "4",
        }
        with (folder / "php.log").open("wb") as log:
            script = ["php", str(HERE / "wordpress.php"), str(site)]
            told = subprocess.run(
                script, env=env, stdout=subprocess.PIPE, stderr=log, timeout=PATIENCE_S, check=True
            )
            passwords = json.loads(told.stdout[told.stdout.index(b"{") :])
            server = ["php", "-S", address.removeprefix("http://"), "-t", str(site)]
            with _running(server, env, log):
                _until(lambda: _answers(address))
                yield WordPress(address=address, passwords=passwords)


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[Path]:
    """A MariaDB that listens on a socket alone."""
    data, place = folder / "database", folder / "db.sock"
    made = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    made += ["--auth-root-authentication-method=normal", f"--user={_whoami()}"]
    subprocess.run(made, check=True, timeout=PATIENCE_S, capture_output=True)
    server = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={place}"]
    server += ["--skip-networking", f"--user={_whoami()}", f"--pid-file={folder / 'db.pid'}"]
    with (folder / "db.log").open("wb") as log, _running(server, dict(os.environ), log):
        ask = ["mariadb", "--no-defaults", f"--socket={place}", "-u", "root", "-e"]
        _until(lambda: _runs([*ask, "CREATE DATABASE IF NOT EXISTS wordpress"]))
        yield place


@contextlib.contextmanager
def _running(command: list[str], env: dict[str, str], log: object) -> Iterator[None]:
    """A program, and all that it started, until the end of the block."""
    child = subprocess.Popen(
        command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, 15)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()


@dataclass(frozen=True, kw_only=True)
class Hugo:
    """A Hugo site in a folder; `unsafe` lets Markdown hold HTML."""

    folder: Path
    unsafe: bool

    def build(self, files: Mapping[str, str], articles: Mapping[str, str]) -> Path:
        """Write and build it; returns the folder of what was built."""
        allowed = str(self.unsafe).lower()
        config = f'title = "La Voz"\n[markup.goldmark.renderer]\nunsafe = {allowed}\n'
        layout = "<!doctype html><title>{{ .Title }}</title><article>{{ .Content }}</article>"
        pages = {
            f"content/{name}.md": f'---\ntitle: "{name}"\n---\n\n{text}\n'
            for name, text in articles.items()
        }
        own = {"config.toml": config, "layouts/_default/single.html": layout}
        for name, text in {**own, **files, **pages}.items():
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        done = subprocess.run(
            ["hugo", "--quiet", "--source", str(self.folder)],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return self.folder / "public"


def hugo(folder: Path, *, unsafe: bool) -> Hugo:
    """An empty site."""
    _need("Debian's hugo", [shutil.which("hugo")])
    return Hugo(folder=folder, unsafe=unsafe)


def _need(what: str, found: list[object]) -> None:
    if not all(found):
        wanting(f"this blog needs {what}")


def _whoami() -> str:
    return getpass.getuser()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _until(is_so) -> None:  # noqa: ANN001
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it never came up"
        time.sleep(0.2)


def _runs(command: list[str]) -> bool:
    return (
        subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False).returncode
        == 0
    )


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/index.php", timeout=PATIENCE_S) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False
