"""What the stack remembers: the same ports and passwords, unless a port is taken."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from newsreel import keys as keyring
from newsreel.parts import free_port
from pipeline.errors import ConfigError


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_GRACE_S", 0.0)


def kept(folder: Path, port: int | None = None) -> keyring.Keys:
    """Keys as a first run leaves them."""
    keys, _ = keyring.obtain(folder, port)
    keyring.write(folder, {"redis_url": keys.redis_url}, keys)
    return keys


def test_the_next_run_finds_the_same(tmp_path: Path) -> None:
    """Ports and passwords survive; the file is the owner's alone and valid TOML."""
    keys = kept(tmp_path)
    assert keyring.obtain(tmp_path, None) == (keys, ())
    file = tmp_path / "stack.toml"
    assert file.stat().st_mode & 0o077 == 0
    assert tomllib.loads(file.read_text())["redis_url"] == keys.redis_url


def test_two_stacks_share_no_password(tmp_path: Path) -> None:
    """Passwords are generated, never built in, and not in a listing."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = kept(tmp_path / "a"), kept(tmp_path / "b")
    for name in ("secret_key", "redis_password", "flower_password"):
        assert getattr(one, name) != getattr(two, name)
        assert getattr(one, name) not in repr(one)


def test_a_taken_port_is_replaced_and_said(tmp_path: Path) -> None:
    """Another program's port is left to it; passwords stay."""
    keys = kept(tmp_path)
    with socket.create_server(("127.0.0.1", keys.s3_ports.s3)):
        moved, notes = keyring.obtain(tmp_path, None)
    assert moved.s3_ports.s3 != keys.s3_ports.s3
    assert moved.secret_key == keys.secret_key
    assert notes == (
        f"Port {keys.s3_ports.s3} is taken by another program: s3 is at {moved.s3_ports.s3} now.",
    )


@pytest.mark.parametrize("again", [False, True])
def test_a_port_that_was_asked_for_is_used_or_refused(tmp_path: Path, *, again: bool) -> None:
    """--port is never quietly replaced, at the first start as at a later one."""
    if again:
        kept(tmp_path)
    port = free_port()
    keys, _ = keyring.obtain(tmp_path, port)
    assert keys.s3_ports.s3 == port
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigError, match=f"Port {port} is taken"),
    ):
        keyring.obtain(tmp_path, port)


def test_a_port_that_was_asked_for_moves_our_own_part(tmp_path: Path) -> None:
    """Asking for Flower's old port gives it to S3, and Flower another."""
    keys = kept(tmp_path)
    moved, _ = keyring.obtain(tmp_path, keys.flower_port)
    assert moved.s3_ports.s3 == keys.flower_port
    assert moved.flower_port != keys.flower_port


@pytest.mark.parametrize("text", ["[stack", "", "[stack]\nredis_port = 'x'\n"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    """Removing it is safe, and the error says so without quoting it."""
    (tmp_path / "stack.toml").write_text(text)
    with pytest.raises(ConfigError, match="Remove that one file"):
        keyring.obtain(tmp_path, None)
