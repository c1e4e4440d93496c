"""What is in a file: asked of a confined child, believed only as far as it was measured.

Owns the parent's side of probing uploads (`probe`) and of measuring our own outputs (`facts`), the
limits, and the sentences about them. Refuses to parse in this process: everything that touches
uploaded bytes runs in a child (`examine`, `measure`). Read `sniff` next for what decides how a file
is opened, then `probe_media` for how film and sound are read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline import process, remote
from pipeline.errors import NewsreelError, OverLimit, ToolBug, Unreadable
from pipeline.facts import Facts
from pipeline.model import Kind, Limits, Picture, Probe, adapter
from pipeline.remote import Readable, RemoteFile
from pipeline.sniff import HEAD_BYTES, Sniffed, sniff

TIMEOUT_S = 120.0
"""A healthy file takes well under a second; a scan of the largest file read whole, a few."""
SEAM_TIMEOUT_S = 10.0
"""A group of pictures takes a fraction of a second to decode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bringer:
    """What brings a child the bytes of a file that is not here yet, and how long that may take."""

    service: process.Service
    seconds: float

    def serving(self, command: process.Command) -> process.Command:
        """The same command with this service, and with the time for it."""
        patience_s = command.timeout_s + self.seconds
        return dataclasses.replace(command, service=self.service, timeout_s=patience_s)


def probe(
    path: Path,
    scratch: Path,
    limits: Limits,
    bringer: Bringer | None = None,
    *,
    straight: bool = False,
) -> Probe:
    """Find out what `path` is, whatever it is called; `scratch` is the child's only folder.

    Of a file whose clock starts anew on the way, the answer says no more than that, unless it is
    taken for `straight`. A file that is not here yet is brought as it is read, where there is a
    `bringer`. Raises Unreadable, Unsupported, OverLimit or Hostile for the file's faults,
    ToolKilled when the child was ended from outside, and what the bringer raises.
    """
    _refuse_size(path.stat().st_size, limits)
    allowed = adapter(Limits).dump_python(limits, mode="json")
    command = child(path, scratch, limits)
    if bringer is not None:
        command = bringer.serving(command)
    brought = bringer is not None
    arguments = {"path": str(path), "limits": allowed, "brought": brought, "straight": straight}
    found: Probe = ask("probe:examine", arguments, command, Probe)
    return found


def probe_each(paths: Sequence[Path], scratch: Path, limits: Limits) -> list[Probe | NewsreelError]:
    """Find out what several small files are, in one child: of each a probe, or what is wrong.

    Raises Transient alone, and then nothing is answered.
    """
    allowed = adapter(Limits).dump_python(limits, mode="json")
    jobs = [{"path": str(path), "limits": allowed} for path in paths]
    command = dataclasses.replace(child(paths[0], scratch, limits), reads=tuple(paths))
    answers = process.call_each("pipeline.probe:examine", jobs, command)
    return [
        answer if isinstance(answer, NewsreelError) else adapter(Probe).validate_python(answer)
        for answer in answers
    ]


def facts(path: Path, scratch: Path, limits: Limits, seams_ms: Sequence[int] = ()) -> Facts:
    """Measure a film or sound file that we made, and its seams at those moments.

    Raises Unreadable when it cannot be opened.
    """
    command = child(path, scratch, limits)
    patience_s = command.timeout_s + len(seams_ms) * SEAM_TIMEOUT_S
    arguments = {"paths": [str(path)], "seams_ms": list(seams_ms)}
    command = dataclasses.replace(command, timeout_s=patience_s)
    (found,) = ask("probe_facts:measure", arguments, command, tuple[Facts, ...])
    return found  # type: ignore[no-any-return]


def facts_of_all(paths: tuple[Path, ...], scratch: Path, limits: Limits) -> tuple[Facts, ...]:
    """Measure several files of ours in one child. Raises Unreadable when one cannot be opened."""
    arguments = {"paths": [str(path) for path in paths]}
    command = dataclasses.replace(child(paths[0], scratch, limits), reads=paths)
    found: tuple[Facts, ...] = ask("probe_facts:measure", arguments, command, tuple[Facts, ...])
    return found


def child(path: Path, scratch: Path, limits: Limits) -> process.Command:
    """A confined child that may read one file and write nothing."""
    return process.Command(
        argv=(),
        reads=(path,),
        scratch=scratch,
        timeout_s=min(TIMEOUT_S, limits.step_timeout_s),
        memory_bytes=limits.memory_bytes,
        file_bytes=0,
    )


def ask(function: str, arguments: dict[str, Any], command: process.Command, kind: Any) -> Any:
    """Call a function of this package in a child and take its answer only if it is a `kind`.

    Raises what the function raises, Unreadable where it does not come to an end, and ToolBug.
    """
    try:
        answer = process.call(f"pipeline.{function}", arguments, command)
        return TypeAdapter(kind).validate_python(answer)
    except process.Overran as error:
        raise Unreadable(
            "The file is so odd that reading it does not come to an end: export it again.",
            evidence=error.evidence,
        ) from error
    except ValidationError as error:
        raise ToolBug("A probe gave no usable answer.", evidence=str(error)) from error


def _refuse_size(size: int, limits: Limits) -> None:
    if not size:
        raise Unreadable("The file is empty (0 bytes): copy it again from the card.")
    if size > limits.max_bytes:
        raise OverLimit(
            f"The file has {size / 1e9:.1f} GB, more than the {limits.max_bytes / 1e9:.1f} GB"
            " allowed (limits.max_bytes)."
        )


# --- inside the child --------------------------------------------------------------------------


def examine(
    path: str, limits: dict[str, Any], *, brought: bool = False, straight: bool = False
) -> Probe:
    """The child's side of `probe`: sniff, then open with the one parser that fits."""
    allowed: Limits = adapter(Limits).validate_python(limits)
    with remote.opened(path, brought=brought) as stream:
        kind = sniff(stream.read(HEAD_BYTES))
        if kind.family == "picture":
            return _photo(stream, path, allowed)
        return _media(stream, kind, allowed, straight=straight)


def _photo(stream: Readable, path: str, limits: Limits) -> Probe:
    from pipeline import images  # noqa: PLC0415  (PIL belongs into the child)

    if isinstance(stream, RemoteFile):
        stream.bring(0, stream.size)
    picture: Picture = images.inspect(path, limits.max_photo_pixels)
    return Probe(kind=Kind.PHOTO, container=picture.format.lower(), demuxer="", picture=picture)


def _media(stream: Readable, kind: Sniffed, limits: Limits, *, straight: bool) -> Probe:
    from pipeline import probe_media  # noqa: PLC0415  (av belongs into the child)

    return probe_media.examined(stream, kind, limits, straight=straight)
