"""Building a House from settings: on S3 for the stack, on folders for a single process.

Owns the choice of stores and of the encoder. Refuses to run anything but the encoder's `-version`.
"""

from __future__ import annotations

import functools
import os
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config import profiles
from config.settings import Settings
from pipeline import ears
from pipeline.errors import ConfigError, NewsreelError
from pipeline.house import House
from pipeline.model import Site
from pipeline.process import Command, run
from pipeline.records import Records
from pipeline.store import DirStore, Store
from pipeline.todo import Bell

VERSION_TIMEOUT_S = 20.0
VERSION_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The three stores of a house."""

    ingest: Store
    work: Store
    published: Store


def s3_rooms(settings: Settings) -> Rooms:
    """The three buckets."""
    # Imported here: boto3 costs half a second, and folders do without it.
    from pipeline.s3store import S3Store  # noqa: PLC0415

    access = settings.s3_access()
    return Rooms(
        ingest=S3Store(access, settings.bucket_ingest),
        work=S3Store(access, settings.bucket_work),
        published=S3Store(access, settings.bucket_published),
    )


def folder_rooms(ingest: Path, state: Path, published: Path) -> Rooms:
    """Three plain folders; identities of files are remembered in `state`."""
    return Rooms(
        ingest=DirStore(ingest, cache=state / "ingest.identities"),
        work=DirStore(state / "work", cache=state / "work.identities"),
        published=DirStore(published, cache=state / "published.identities"),
    )


def build(
    settings: Settings, rooms: Rooms, ring: Callable[[Bell], None], *, site: Site | None = None
) -> House:
    """A house on these rooms. Raises ConfigError for a missing encoder or a bad profile."""
    default = profiles.load(settings.profile, settings.profiles_dir)
    known = profiles.load_all(settings.profiles_dir)
    ffmpeg = settings.ffmpeg_program
    return House(
        ingest=rooms.ingest,
        records=Records(rooms.work),
        published=rooms.published,
        scratch=settings.scratch,
        ffmpeg=ffmpeg,
        tool=encoder_version(ffmpeg),
        profiles=known,
        default_profile=default.name,
        site=site or settings.site,
        ring=ring,
        owner=f"{socket.gethostname()}:{os.getpid()}",
        ears=settings.ears,
    )


def check_ears(settings: Settings) -> None:
    """Raise ConfigError where captions are wished for that this machine cannot make."""
    if settings.ears and (lacking := ears.missing(settings.ears)):
        raise ConfigError("\n".join(lacking))


@functools.cache
def encoder_version(ffmpeg: Path) -> str:
    """The first words of `ffmpeg -version`: part of every output's fingerprint."""
    with tempfile.TemporaryDirectory(prefix="newsreel-") as folder:
        command = Command(
            argv=(str(ffmpeg), "-version"),
            reads=(ffmpeg,),
            scratch=Path(folder),
            timeout_s=VERSION_TIMEOUT_S,
            memory_bytes=VERSION_MEMORY,
        )
        try:
            finished = run(command)
        except NewsreelError as error:
            raise ConfigError(
                f"ffmpeg (NEWSREEL_FFMPEG): {ffmpeg} cannot be run. Example: /usr/bin/ffmpeg",
                evidence=error.evidence,
            ) from error
    return " ".join(finished.stdout.decode("utf-8", "replace").split()[:3])
