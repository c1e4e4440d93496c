"""Looks at everything Newsreel leans on, and says of each that it is well or what to do.

Owns the checks of this machine: settings, encoder, confinement, profiles, scratch, broker. Those of
the object store are in `newsreel.doctor_store`. Refuses to repair anything, and to fail a set-up of
plain folders for want of servers that only the stack needs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from config import profiles
from config.settings import Settings, load
from newsreel import doctor_store
from newsreel.doctor_store import Check
from pipeline import ears
from pipeline.confine import landlock_abi
from pipeline.errors import ConfigError, NewsreelError
from pipeline.process import Command, run

__all__ = ["Check", "checks"]

# What `pipeline.graph` asks of ffmpeg; a test compares the two.
ENCODERS = ("libx264", "aac", "libmp3lame", "png", "pcm_s16le", "subrip")
FILTERS = (
    "aformat", "alimiter", "ametadata", "apad", "aresample", "asetnsamples", "asetpts", "asplit",
    "astats", "atrim", "bwdif", "channelmap", "concat", "ebur128", "format", "fps", "hflip", "join",
    "pad", "premultiply", "pan", "scale", "select", "setparams", "setpts", "setsar", "settb",
    "sidedata", "split", "tile", "tonemap", "tpad", "transpose", "trim", "vflip", "volume",
    "zscale",
)  # fmt: skip

# The output of two rungs, a poster and the source of an hour's film.
_SCRATCH_BYTES = 10 * 10**9

_LISTING_S = 20.0
_LISTING_BYTES = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """What an ffmpeg can do."""

    version: str
    encoders: frozenset[str]
    filters: frozenset[str]


def checks(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> tuple[Check, ...]:
    """Every finding, in the order in which one would look; never raises one of our own errors.

    `env` and `cwd` are where the settings are read from; they default to the process's own.
    """
    try:
        settings = load(env, cwd)
    except ConfigError as error:
        return (Check(name="settings", ok=False, detail=error.public, remedy=""),)
    return (Check(name="settings", ok=True, detail="all of them make sense"), *_all(settings))


def _all(settings: Settings) -> Iterator[Check]:
    for name, look in _LOOKS.items():
        try:
            yield from look(settings)
        except NewsreelError as error:
            yield Check(name=name, ok=False, detail=error.public, remedy="")


# --- this machine ----------------------------------------------------------------------------


def _ffmpeg(settings: Settings) -> Iterator[Check]:
    program = _listed(settings.ffmpeg_program)
    yield Check(name="ffmpeg", ok=True, detail=program.version)
    yield _complete("encoders", ENCODERS, program.encoders)
    yield _complete("filters", FILTERS, program.filters)


def _complete(what: str, needed: Iterable[str], present: frozenset[str]) -> Check:
    missing = [name for name in needed if name not in present]
    return Check(
        name=f"ffmpeg's {what}",
        ok=not missing,
        detail=f"missing: {', '.join(missing)}" if missing else "all that are needed",
        remedy="Set ffmpeg (NEWSREEL_FFMPEG) to a complete build, or leave it empty.",
    )


def _listed(program: Path) -> _Program:
    return _Program(
        version=" ".join(_said(program, "-version").split()[:3]),
        encoders=_second_column(_said(program, "-encoders")),
        filters=_second_column(_said(program, "-filters")),
    )


def _said(program: Path, flag: str) -> str:
    with tempfile.TemporaryDirectory(prefix="newsreel-") as scratch:
        command = Command(
            argv=(str(program), "-hide_banner", flag),
            reads=(program,),
            scratch=Path(scratch),
            timeout_s=_LISTING_S,
            memory_bytes=_LISTING_BYTES,
        )
        try:
            return run(command).stdout.decode(errors="replace")
        except NewsreelError as error:
            raise ConfigError(
                "ffmpeg cannot be run. Set ffmpeg (NEWSREEL_FFMPEG) to one that can, or leave it "
                "empty.",
                evidence=error.evidence,
            ) from error


def _second_column(listing: str) -> frozenset[str]:
    """Names in one of ffmpeg's listings: flags stand before them."""
    rows = (line.split() for line in listing.splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


def _confinement(_: Settings) -> Iterator[Check]:
    abi = landlock_abi()
    told = f"Landlock {abi}" if abi else "this kernel has no Landlock; the other layers hold"
    # No failure: there is nothing an operator of a hosted machine could do.
    yield Check(name="confinement", ok=True, detail=told)


def _profiles(settings: Settings) -> Iterator[Check]:
    profiles.load(settings.profile, settings.profiles_dir)
    known = ", ".join(profiles.load_all(settings.profiles_dir))
    yield Check(name="profiles", ok=True, detail=f"{known}; in use: {settings.profile}")


def _scratch(settings: Settings) -> Iterator[Check]:
    remedy = "Make room, or set scratch (NEWSREEL_SCRATCH) to a folder on another disk."
    try:
        settings.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.scratch) as file:
            file.write(b"newsreel")
        free = shutil.disk_usage(settings.scratch).free
    except OSError as error:
        yield Check(name="scratch", ok=False, detail=f"{error.strerror}.", remedy=remedy)
        return
    yield Check(
        name="scratch",
        ok=free >= _SCRATCH_BYTES,
        detail=f"{free / 1e9:.0f} GB free; {_SCRATCH_BYTES / 1e9:.0f} GB are advised.",
        remedy=remedy,
    )


# --- the broker ------------------------------------------------------------------------------


def _redis(settings: Settings) -> Iterator[Check]:
    if not settings.has_broker:
        yield doctor_store.not_configured("redis", "redis_url (NEWSREEL_REDIS_URL)")
        return
    client = redis.Redis.from_url(
        settings.redis_url.get_secret_value(), socket_timeout=5, socket_connect_timeout=5
    )
    try:
        facts: Any = client.info()
    except redis.RedisError as error:
        yield Check(
            name="redis",
            ok=False,
            # Its texts name the address, never the password.
            detail=f"does not answer ({type(error).__name__}).",
            remedy="Start it (`newsreel up`), or correct redis_url (NEWSREEL_REDIS_URL).",
        )
    else:
        yield from _redis_facts(facts)
    finally:
        client.close()


def _redis_facts(facts: Mapping[str, object]) -> Iterator[Check]:
    yield Check(name="redis", ok=True, detail=f"version {facts.get('redis_version', 'unknown')}")
    yield Check(
        name="redis keeps its queue",
        ok=str(facts.get("aof_enabled")) == "1",
        detail="its append-only file is "
        + ("on" if str(facts.get("aof_enabled")) == "1" else "off."),
        remedy="Set `appendonly yes`: after a crash, work goes on without waiting for a scan.",
    )
    policy = str(facts.get("maxmemory_policy", "noeviction"))
    yield Check(
        name="redis drops nothing",
        ok=policy == "noeviction" or str(facts.get("maxmemory", 0)) == "0",
        detail=f"its policy is {policy}.",
        remedy="Set `maxmemory-policy noeviction`: any other throws queued work away.",
    )


def _speech(settings: Settings) -> Iterator[Check]:
    wished = settings.ears
    if wished is None:
        told = "off; transcribe_model (NEWSREEL_TRANSCRIBE_MODEL) turns them on"
        yield Check(name="automatic captions", ok=True, detail=told)
        return
    lacking = ears.missing(wished)
    spoken = ", ".join(wished.hearing.languages) or "any language"
    yield Check(
        name="automatic captions",
        ok=not lacking,
        detail=" ".join(lacking) or f"{wished.hearing.model}, {spoken}, {wished.threads} cores",
    )


_LOOKS: Mapping[str, Callable[[Settings], Iterator[Check]]] = {
    "ffmpeg": _ffmpeg,
    "confinement": _confinement,
    "profiles": _profiles,
    "scratch": _scratch,
    "automatic captions": _speech,
    "redis": _redis,
    "object store": doctor_store.looks,
}
