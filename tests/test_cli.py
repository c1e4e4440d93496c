"""The command line as its user meets it: words, exit codes, JSON; each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import media
import pytest
from click.testing import CliRunner
from command import newsreel

from newsreel.cli import main

ANSI = re.compile(r"\x1b\[")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing of the user's own in it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return kept | home | {"COLUMNS": "200"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A post of one photo and one recording, with a name that is no slug."""
    post = tmp_path / "El Pleno ñ 1"
    post.mkdir()
    shutil.copy(media.photo(), post / "Plaza Mayor.jpg")
    shutil.copy(media.sound(), post / "calle.wav")
    return post


def test_publishes_a_folder(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """Exit 0, a table that names every item, the post under ./published, no colour codes."""
    done = newsreel(env, tmp_path, "publish", folder)
    assert done.returncode == 0, done.stderr
    assert {"plaza-mayor", "calle"} <= set(done.stdout.split())
    assert (tmp_path / "published/el-pleno-n-1/index.html").exists()
    assert not ANSI.search(done.stdout + done.stderr)


def test_json_is_all_of_standard_output(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """`--json` prints the manifest that was published, and nothing else."""
    done = newsreel(env, tmp_path, "publish", folder, "--json", "--out", "site")
    told: dict[str, Any] = json.loads(done.stdout)
    lies_there = json.loads((tmp_path / "site/el-pleno-n-1/post.json").read_text())
    assert told == lies_there
    assert {item["state"] for item in told["items"]} == {"published"}


def test_a_bad_item_is_exit_1_and_the_rest_is_published(
    env: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """One unreadable file fails by name, in plain words; the others are published."""
    (folder / "broken.mp4").write_bytes(b"this is no film" * 100)
    (folder / "empty.mov").touch()
    done = newsreel(env, tmp_path, "publish", folder, "--json")
    states = {item["item"]: item["state"] for item in json.loads(done.stdout)["items"]}
    assert done.returncode == 1
    assert states == {
        "broken": "failed", "empty": "failed", "plaza-mayor": "published", "calle": "published",
    }  # fmt: skip
    messages = [item["error"]["message"] for item in json.loads(done.stdout)["items"][:1]]
    assert all("broken.mp4" in message for message in messages)
    assert "Traceback" not in done.stderr


def _absent(tmp_path: Path) -> Path:
    return tmp_path / "absent"


def _empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def _useless(tmp_path: Path) -> Path:
    (tmp_path / "useless").mkdir()
    (tmp_path / "useless/.DS_Store").write_bytes(b"litter")
    (tmp_path / "useless/notes.txt").write_text("only words")
    return tmp_path / "useless"


def _file(tmp_path: Path) -> Path:
    (tmp_path / "file.jpg").write_bytes(b"")
    return tmp_path / "file.jpg"


@pytest.mark.parametrize("make", [_absent, _empty, _useless, _file])
def test_nothing_to_publish_is_exit_2_in_one_line(
    make: Any, env: dict[str, str], tmp_path: Path
) -> None:
    """A folder that is not there, empty, or without media: one clear line, and nothing written."""
    done = newsreel(env, tmp_path, "publish", make(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "published").exists()


def test_output_never_becomes_input(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """An output folder inside the published folder is refused before anything is written."""
    done = newsreel(env, folder, "publish", ".")
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert not (folder / "published").exists()


def test_an_unknown_profile_is_named_with_the_known(
    env: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """A mistyped profile is exit 2, and the answer says what there is."""
    done = newsreel(env, tmp_path, "publish", folder, "--profile", "defualt")
    assert done.returncode == 2
    assert "default" in done.stderr


def test_a_second_run_makes_nothing(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """Run again with nothing changed: not one file is written, and the answer is the same."""
    first = newsreel(env, tmp_path, "publish", folder, "--json")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "published").rglob("*")}
    again = newsreel(env, tmp_path, "publish", folder, "--json")
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "published").rglob("*")}
    assert again.stdout == first.stdout
    assert after == before


def test_a_site_that_was_deleted_is_made_again(
    env: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    """Records of a site that is gone do not keep it from being published."""
    newsreel(env, tmp_path, "publish", folder)
    shutil.rmtree(tmp_path / "published")
    done = newsreel(env, tmp_path, "publish", folder)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "published/el-pleno-n-1/plaza-mayor/320.jpg").exists()


def test_ctrl_c_loses_nothing(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """Interrupted, it ends at once with 130 and no child left; run again, it goes on."""
    shutil.copy(media.sound(240), folder / "long.wav")
    command = [sys.executable, "-m", "newsreel", "publish", str(folder)]
    started = subprocess.Popen(
        command,
        env=env,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # A shell that runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    end = time.monotonic() + 60
    while not list((tmp_path / "published").rglob("item.json")) and time.monotonic() < end:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=20)
    assert started.returncode == 130, said
    again = newsreel(env, tmp_path, "publish", folder, "--json")
    assert {i["state"] for i in json.loads(again.stdout)["items"]} == {"published"}


def test_embeds_of_a_folder(env: dict[str, str], folder: Path, tmp_path: Path) -> None:
    """`embed` prints one variant as one line, all as JSON, and lists the known for an unknown."""
    newsreel(env, tmp_path, "publish", folder)
    one = newsreel(
        env, tmp_path, "embed", "el-pleno-n-1", "calle", "--as", "iframe", "--out", "published"
    )
    assert one.returncode == 0
    assert one.stdout.count("\n") == 1
    assert one.stdout.startswith("<figure")
    every = newsreel(env, tmp_path, "embed", "el-pleno-n-1", "--json", "--out", "published")
    assert {"el-pleno-n-1", "gallery", "calle", "plaza-mayor"} == set(json.loads(every.stdout))
    wrong = newsreel(env, tmp_path, "embed", "el-pleno-n-1", "--as", "ifrane", "--out", "published")
    assert wrong.returncode == 2
    assert "iframe" in wrong.stderr


def test_commands_of_the_stack_say_what_is_missing(env: dict[str, str], tmp_path: Path) -> None:
    """Without a store, `status`, `upload` and `retry` are exit 2 and say how to get one."""
    (tmp_path / "a.jpg").write_bytes(b"x")
    for arguments in (["status"], ["upload", "a.jpg"], ["retry", "post"]):
        done = newsreel(env, tmp_path, *arguments)
        assert done.returncode == 2
        assert "newsreel up" in done.stderr


def test_help_teaches() -> None:
    """Every command explains itself, and the first page shows both ways to work."""
    first = CliRunner().invoke(main, ["--help"]).output
    assert "newsreel publish" in first
    assert "newsreel up" in first
    for command in main.commands:
        done = CliRunner().invoke(main, [command, "--help"])
        assert done.exit_code == 0
        assert len(done.output.splitlines()) > 3


def test_every_mistake_in_the_settings_at_once(env: dict[str, str], tmp_path: Path) -> None:
    """Two wrong settings are told in one go, with names, and no secret is repeated."""
    wrong = env | {
        "NEWSREEL_SCAN_INTERVAL_S": "soon",
        "NEWSREEL_LANGUAGE": "tlh",
        "NEWSREEL_REDIS_URL": "http://:hunter2@example.org",
    }
    done = newsreel(wrong, tmp_path, "profiles")
    assert done.returncode == 2
    assert "NEWSREEL_SCAN_INTERVAL_S" in done.stderr
    assert "NEWSREEL_LANGUAGE" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
