"""The stack as a reporter uses it: the demo from end to end, and every command against a stack."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

import media
import pytest
from command import PATIENCE_S, newsreel

from newsreel.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("only_stack")]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing of the user's own in it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(tmp_path), "NEWSREEL_DATA": str(tmp_path / "data")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo, a recording, and a film that is none."""
    post = tmp_path / "La marcha"
    post.mkdir()
    shutil.copy(media.photo(), post / "plaza.jpg")
    shutil.copy(media.sound(), post / "calle.wav")
    (post / "roto.mp4").write_bytes(b"no film" * 200)
    return post


def processes(of: Path) -> list[str]:
    """Command lines that name a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(of) in line:
            found.append(line)
    return found


def test_the_demo_ends_with_the_post(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """It tells where everything is, exits 1 for the broken film alone, and leaves nobody behind."""
    done = newsreel(env, tmp_path, "demo", folder, "--exit", "--data", tmp_path / "data")
    assert done.returncode == 1, done.stderr
    for told in ("la-marcha/index.html", "la-marcha/embeds.html", "Flower: http://", "<figure"):
        assert told in done.stdout
    assert "roto.mp4" in done.stdout
    assert processes(tmp_path / "data") == []


def test_every_command_against_a_stack(
    env: dict[str, str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upload, watch, paste, retry: each command does its part on a running stack."""
    for name in [name for name in os.environ if name.startswith("NEWSREEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with Stack(tmp_path / "data", workers=1) as stack:
        sent = json.loads(newsreel(env, tmp_path, "upload", folder, "--json").stdout)
        assert len(sent["sent"]) == 3
        again = json.loads(newsreel(env, tmp_path, "upload", folder, "--json").stdout)
        assert (again["sent"], len(again["there"])) == ([], 3)

        post = ended(env, tmp_path)
        states = {item["item"]: item["state"] for item in post["items"]}
        assert states == {"plaza": "published", "calle": "published", "roto": "failed"}
        shown = newsreel(env, tmp_path, "status", "la-marcha")
        assert shown.returncode == 1
        assert "newsreel" in shown.stdout
        assert "retry" in shown.stdout

        snippet = newsreel(env, tmp_path, "embed", "la-marcha", "calle", "--as", "url").stdout
        assert snippet.startswith(stack.settings.public_url)
        with urllib.request.urlopen(snippet.strip(), timeout=10) as page:
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert newsreel(env, tmp_path, "embed", "la-marcha", "roto").returncode == 1

        assert "roto" in newsreel(env, tmp_path, "retry", "la-marcha").stdout
        remade = newsreel(env, tmp_path, "retry", "la-marcha", "plaza", "--remake")
        assert "plaza" in remade.stdout
        assert newsreel(env, tmp_path, "retry", "nowhere").returncode == 2
        assert ended(env, tmp_path)["items"]


def ended(env: dict[str, str], cwd: Path) -> dict[str, Any]:
    """The post as `status --json` tells it, once every item has ended."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        told = newsreel(env, cwd, "status", "--json")
        posts = json.loads(told.stdout or "[]")
        items = posts[0]["post"]["items"] if posts else []
        if items and {item["state"] for item in items} <= {"published", "failed"}:
            found: dict[str, Any] = posts[0]["post"]
            return found
        time.sleep(0.5)
    raise AssertionError("the post never ended")
