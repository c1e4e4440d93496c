"""The bench a step is worked on: running tools there, and measuring what they left behind.

Owns progress, the confined commands, and the turning of measured files into artifacts. Refuses to
choose anything: sizes, flags and names are final in the step. `render` and `render_film` are the
makers that work here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import diagnose, graph_sound, loudness, probe
from pipeline.ears import Ears
from pipeline.errors import BadInput, NewsreelError, ToolBug, Unreadable
from pipeline.facts import Facts
from pipeline.figures import clock
from pipeline.graph_input import STDIN, Bench
from pipeline.loudness import Loudness, Peaks
from pipeline.model import Artifact, Limits, Reel, Step
from pipeline.process import Command, Finished, Service, run

log = logging.getLogger(__name__)

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".jpg": "image/jpeg",
    ".avif": "image/avif",
    ".svg": "image/svg+xml",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
}
# A film that ends this much before its header says so is reported as cut short.
SHORT_MS = 1000
SHORT_SHARE = 0.02
# How finely a long recording is looked at for silence and clipping: six hours in nine megabytes.
PEAKS_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step is: percent, speed against real time, seconds left, and all of it in words."""

    percent: int
    text: str
    speed: float | None = None
    left_s: float | None = None


Report = Callable[[Progress], None]


def part(report: Report, begin: int, end: int) -> Report:
    """A report of one part of a step, which takes it from `begin` to `end` percent."""

    def tell(progress: Progress) -> None:
        percent = begin + progress.percent * (end - begin) // 100
        report(dataclasses.replace(progress, percent=percent))

    return tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Where a step is worked on; `inputs` are the outputs of other steps that it needs.

    `whole` is False where `source` holds only what the step will read, and holes elsewhere. Where
    there is a `service`, it sends the source to whoever reads it from standard input, and `source`
    is nothing. Its children stand back by `nice` for whatever is more urgent.
    """

    ffmpeg: Path
    source: Path
    folder: Path
    limits: Limits
    whole: bool = True
    service: Service | None = None
    nice: int = 0
    ears: Ears | None = None
    inputs: tuple[tuple[Artifact, Path], ...] = ()

    @property
    def bench(self) -> Bench:
        """The part of it that command lines need."""
        source = None if self.service else self.source
        return Bench(ffmpeg=self.ffmpeg, source=source, folder=self.folder)

    def command(self, argv: tuple[str, ...], timeout_s: float) -> Command:
        """A confined child that may read the source alone and write to the folder alone."""
        return Command(
            argv=argv,
            reads=(self.source, self.ffmpeg, *(path for _, path in self.inputs)),
            scratch=self.folder,
            timeout_s=timeout_s,
            stall_s=self.limits.stall_s if "-progress" in argv else None,
            memory_bytes=self.limits.memory_bytes,
            nice=self.nice,
            service=self.service if STDIN in argv else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a maker hands over: measured artifacts without their prefix, and remarks."""

    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...] = ()


def cut_short(step: Step, artifact: Artifact) -> list[str]:
    """A sentence where much less came out than the source claims to hold."""
    claimed, real = step.duration_ms, artifact.duration_ms
    if not claimed or not real or not _is_short(real, claimed):
        return []
    saved = f"of {clock(claimed)} that it should hold, {clock(real)} could be saved"
    return [f"The file is damaged: {saved} and is published."]


def _is_short(real_ms: int, claimed_ms: int) -> bool:
    return claimed_ms - real_ms > max(SHORT_MS, claimed_ms * SHORT_SHARE)


def doubt(step: Step, shop: Shop, what: str) -> None:
    """What is missing may be the source's fault, or that of how it was brought here (ToolBug)."""
    log.info("%s, %s: %s", step.source.name, step.name, what)
    if not shop.whole:
        raise ToolBug(
            f"{step.source.name}: less than all of it came out, and it was not published.",
            evidence=f"{step.name}: {what}",
        )


def sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- running and measuring -------------------------------------------------------------------


def python_child(step: Step, shop: Shop) -> Command:
    """A confined Python child on the same bench."""
    return shop.command((), step.timeout_s)


def encode(argv: tuple[str, ...], step: Step, shop: Shop, report: Report) -> None:
    """Run the encoder to its end; raises what its complaint means."""
    finished = run(shop.command(argv, step.timeout_s), on_line=_listener(step, report))
    if finished.returncode != 0:
        raise diagnosed(finished, step)


def _listener(step: Step, report: Report) -> Callable[[str], None]:
    """Turn the encoder's `-progress` lines into reports."""
    said: dict[str, str] = {}

    def hear(line: str) -> None:
        key, _, value = line.partition("=")
        said[key] = value.strip()
        if key == "progress":
            report(_progress(said, step))

    return hear


def _progress(said: dict[str, str], step: Step) -> Progress:
    at_ms = int(said["out_time_us"]) // 1000 if _is_number(said.get("out_time_us")) else 0
    at_ms = max(0, at_ms - round((step.span.start_s - step.span.shift_s) * 1000))
    total = step.duration_ms or 0
    percent = min(99, 100 * at_ms // total) if total else 0
    raw = said.get("speed", "").removesuffix("x")
    speed = float(raw) if _is_number(raw) else None
    left = (total - at_ms) / 1000 / speed if speed and total else None
    words = [step.name, *([f"{speed:.1f}x"] if speed else [])]
    if left is not None and left > 0:
        words.append(f"{clock(round(left * 1000))} left")
    return Progress(percent=percent, text=", ".join(words), speed=speed, left_s=left)


def _meter(step: Step, report: Report) -> Callable[[str], None]:
    """Turn the times of measured stretches into reports, one for each percent."""
    total, told = step.duration_ms or 0, 0

    def hear(line: str) -> None:
        nonlocal told
        _, found, at = line.partition("pts_time:")
        if found and total and _is_number(at):
            percent = min(99, int(100_000 * float(at) / total))
            if percent > told:
                told = percent
                report(Progress(percent=percent, text=f"{step.name}, measuring"))

    return hear


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def diagnosed(finished: Finished, step: Step) -> NewsreelError:
    """The error behind a child that did not do what it should, with the file's name in it."""
    found = diagnose.of(finished)
    found.evidence = f"{step.source.name}, {step.name}: {found.evidence}"
    return found


def facts_of(path: Path, shop: Shop, step: Step, seams_ms: tuple[int, ...] = ()) -> Facts:
    """Measure an output; Unreadable where there is none, ToolBug where it cannot be played."""
    with _ours((path,), step):
        return probe.facts(path, shop.folder, shop.limits, seams_ms)


def facts_of_all(paths: tuple[Path, ...], shop: Shop, step: Step) -> tuple[Facts, ...]:
    """The same for several outputs of one step, in one child."""
    with _ours(paths, step):
        return probe.facts_of_all(paths, shop.folder, shop.limits)


@contextlib.contextmanager
def _ours(paths: tuple[Path, ...], step: Step) -> Iterator[None]:
    if not all(path.exists() and path.stat().st_size for path in paths):
        raise Unreadable(
            f"{step.source.name}: nothing in it could be decoded. Copy it again from the camera."
        )
    try:
        yield
    except BadInput as error:
        raise ToolBug(
            f"{step.source.name}: what was made of it cannot be played and was not published.",
            evidence=f"{[path.name for path in paths]}: {error.public} {error.evidence}",
        ) from error


def artifact(
    role: str, path: Path, found: Facts | None, extra: dict[str, Any], language: str | None = None
) -> Artifact:
    """An output with what was measured on it; its key is the bare name of the file."""
    facts_: dict[str, Any] = {
        "role": role,
        "key": path.name,
        "media_type": MEDIA_TYPES[path.suffix],
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "width": found.width if found else None,
        "height": found.height if found else None,
        "duration_ms": found.duration_ms if found else None,
        "frames": found.frames if found else None,
        "language": language,
        "extra": extra,
    }
    if found and found.fragmented:
        return Reel(**facts_, inside=found.fragmented)
    return Artifact(**facts_)


def measured_sound(step: Step, shop: Shop, bars: int, report: Report) -> tuple[Loudness, Peaks]:
    """The loudness of what came in, and its peaks, fine enough for a waveform of `bars` bars."""
    every_ms = max(1, min(PEAKS_MS, (step.duration_ms or PEAKS_MS * bars) // bars))
    argv = graph_sound.measure_sound(step, shop.bench, every_ms)
    finished = run(shop.command(argv, step.timeout_s), on_line=_meter(step, report))
    try:
        found = loudness.read_summary(finished.stderr)
    except ValueError:
        raise diagnosed(finished, step) from None
    peaks = loudness.read_peaks(finished.stdout.decode("ascii", "replace"), every_ms)
    heard_ms = len(peaks.levels) * every_ms
    if _is_short(heard_ms, step.duration_ms or 0):
        doubt(step, shop, f"{heard_ms} of {step.duration_ms} ms of sound")
    return found, peaks


def image_artifact(
    role: str, path: Path, found: dict[str, Any], extra: dict[str, Any] | None = None
) -> Artifact:
    """A picture with what its maker's child measured on it."""
    return Artifact(
        role=role,
        key=path.name,
        media_type=found["media_type"],
        bytes=found["bytes"],
        sha256=found["sha256"],
        width=found["width"],
        height=found["height"],
        extra=extra or {},
    )
