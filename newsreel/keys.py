"""What the embedded stack remembers between two runs: its ports and its passwords.

Owns `stack.toml` in the stack's folder: settings for every other command on top, the stack's own
ports and passwords below, readable by its owner alone. Refuses to take a port from anyone: a port
that is taken is replaced and that is said. `newsreel.stack` is the only caller.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.settings import STACK_FILE, STACK_TABLE
from newsreel.parts import LOOPBACK, S3Ports, free_port, is_free, write_secret
from pipeline.errors import ConfigError
from pipeline.model import adapter

# The numbers these servers are known by; any other is taken where they are not free.
_S3_PORT, _FLOWER_PORT = 8333, 5555

# 128 bits, beyond guessing, and still short enough for a table on a narrow screen.
_ENTROPY_BYTES = 16

# How long the servers of a stack that was killed a moment ago may still hold their ports.
_GRACE_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The ports and passwords of one stack."""

    redis_port: int
    flower_port: int
    s3_ports: S3Ports
    access_key: str
    secret_key: str = field(repr=False)
    redis_password: str = field(repr=False)
    flower_password: str = field(repr=False)

    @property
    def redis_url(self) -> str:
        """Where Redis is, password included."""
        return f"redis://:{self.redis_password}@{LOOPBACK}:{self.redis_port}/0"

    @property
    def s3_endpoint(self) -> str:
        """Where S3 is."""
        return f"http://{LOOPBACK}:{self.s3_ports.s3}"


def obtain(data: Path, port: int | None) -> tuple[Keys, tuple[str, ...]]:
    """The stack's keys, kept or new, and in plain words which ports had to change.

    `port` is the S3 port the operator insists on; raises ConfigError when it is taken.
    """
    kept = _read(data / STACK_FILE)
    if port is not None and not _frees_up(port):
        raise ConfigError(
            f"Port {port} is taken by another program. Choose another, for example "
            f"--port {free_port(port + 1)}, or leave --port out."
        )
    if kept is None:
        return _new(port), ()
    return _with_free_ports(kept, port)


def _frees_up(port: int) -> bool:
    """True when the port is free, or becomes so while a killed stack's servers end."""
    if not is_free(port):
        time.sleep(_GRACE_S)
    return is_free(port)


def _new(port: int | None) -> Keys:
    s3_ports = S3Ports.choose(port or free_port(_S3_PORT))
    flower_port = free_port(_FLOWER_PORT, taken=dataclasses.astuple(s3_ports))
    return Keys(
        redis_port=free_port(taken=(flower_port, *dataclasses.astuple(s3_ports))),
        flower_port=flower_port,
        s3_ports=s3_ports,
        access_key="newsreel",
        secret_key=secrets.token_urlsafe(_ENTROPY_BYTES),
        redis_password=secrets.token_urlsafe(_ENTROPY_BYTES),
        flower_password=secrets.token_urlsafe(_ENTROPY_BYTES),
    )


# --- ports that were free last time ----------------------------------------------------------


def _with_free_ports(keys: Keys, port: int | None) -> tuple[Keys, tuple[str, ...]]:
    """The kept keys, each taken port replaced; `port` is what S3 must have, if anything."""
    wanted = _ports_of(keys) | ({"s3": port} if port else {})
    claimed = {name for name, number in wanted.items() if number == port and name != "s3"}
    taken = {name for name, number in wanted.items() if not is_free(number)}
    if taken:  # by a stack that was killed a moment ago, perhaps: they all end together
        time.sleep(_GRACE_S)
    chosen = dict(wanted)
    for name in sorted(taken | claimed):
        if name in claimed or not is_free(wanted[name]):
            chosen[name] = free_port(taken={*wanted.values(), *chosen.values()})
    return _with_ports(keys, chosen), tuple(_moves(wanted, chosen))


def _moves(wanted: Mapping[str, int], chosen: Mapping[str, int]) -> Iterator[str]:
    """What an operator wants to know: the addresses he may have noted."""
    for name in ("redis", "s3", "flower"):
        if wanted[name] != chosen[name]:
            yield (
                f"Port {wanted[name]} is taken by another program: {name} is at {chosen[name]} now."
            )


def _ports_of(keys: Keys) -> dict[str, int]:
    own = {"redis": keys.redis_port, "flower": keys.flower_port}
    return own | dataclasses.asdict(keys.s3_ports)


def _with_ports(keys: Keys, ports: Mapping[str, int]) -> Keys:
    s3_ports = {name: port for name, port in ports.items() if name not in ("redis", "flower")}
    return dataclasses.replace(
        keys,
        redis_port=ports["redis"],
        flower_port=ports["flower"],
        s3_ports=S3Ports(**s3_ports),
    )


# --- the file --------------------------------------------------------------------------------


def _read(file: Path) -> Keys | None:
    """The keys of the last run; None when there was none."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        keys: Keys = adapter(Keys).validate_python(table[STACK_TABLE])
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, ValidationError) as error:
        raise ConfigError(
            f"{STACK_FILE} in the stack's folder is damaged. Remove that one file: the stack "
            "makes new passwords, and keeps its data.",
            # A validation error would show the passwords.
            evidence=type(error).__name__,
        ) from None
    return keys


def write(data: Path, settings: Mapping[str, str], keys: Keys) -> None:
    """Leave the settings for the other commands, and the keys for the next run."""
    lines = (
        "# Written by `newsreel up`; other commands find the stack through it.",
        "# newsreel.toml and NEWSREEL_* variables have precedence.",
        *_lines(settings),
        "",
        f"[{STACK_TABLE}]",
        *_lines(dataclasses.asdict(keys)),
    )
    write_secret(data / STACK_FILE, "\n".join(lines) + "\n")


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    """TOML, whose strings and numbers are JSON's; tables become dotted names."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from (f"{name}.{line}" for line in _lines(value))
        else:
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
