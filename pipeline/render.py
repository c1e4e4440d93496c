"""Running one step in a scratch folder, and believing nothing it says until it is measured.

Owns the doing behind every output: it runs the encoder or the image child, measures each finished
file in another confined child, and turns the facts into artifacts. Refuses to choose anything:
sizes, flags and names are final in the step. `flow` calls it and stores what it made.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import diagnose, graph, loudness
from pipeline.errors import BadInput, NewsreelError, ToolBug, Unreadable
from pipeline.figures import clock
from pipeline.model import (
    Artifact,
    AudioOut,
    CaptionsOut,
    Limits,
    Object,
    PhotoOut,
    PosterOut,
    Step,
    StepRecord,
    VideoOut,
    WaveformOut,
    adapter,
)
from pipeline.probe import Facts, facts
from pipeline.process import Command, Finished, call, run

log = logging.getLogger(__name__)

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".jpg": "image/jpeg",
    ".avif": "image/avif",
    ".svg": "image/svg+xml",
    ".vtt": "text/vtt; charset=utf-8",
}
# A film that ends this much before its header says so is reported as cut short.
SHORT_MS = 1000
SHORT_SHARE = 0.02
SHA256_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step is: percent, speed against real time, seconds left, and all of it in words."""

    percent: int
    text: str
    speed: float | None = None
    left_s: float | None = None


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Where a step is worked on."""

    ffmpeg: Path
    source: Path
    folder: Path
    limits: Limits

    @property
    def bench(self) -> graph.Bench:
        """The part of it that command lines need."""
        return graph.Bench(ffmpeg=self.ffmpeg, source=self.source, folder=self.folder)

    def command(self, argv: tuple[str, ...], timeout_s: float) -> Command:
        """A confined child that may read the source alone and write to the folder alone."""
        return Command(
            argv=argv,
            reads=(self.source, self.ffmpeg),
            scratch=self.folder,
            timeout_s=timeout_s,
            stall_s=self.limits.stall_s if "-progress" in argv else None,
            memory_bytes=self.limits.memory_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a maker hands over: measured artifacts without their prefix, and remarks."""

    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...] = ()


def perform(step: Step, prefix: str, shop: Shop, report: Report) -> StepRecord:
    """Make all outputs of a step in `shop.folder`, measured; artifacts get keys below `prefix`.

    Raises BadInput for the source, Transient for the world, ToolBug for outputs that are not what
    the step asked for.
    """
    report(Progress(percent=0, text=step.name))
    made = _MAKERS[type(step.outputs[0])](step, shop, report)
    return StepRecord(
        step=step.name,
        fingerprint=step.fingerprint,
        artifacts=tuple(_placed(artifact, prefix) for artifact in made.artifacts),
        notes=made.notes,
        source_sha256=_source_sha256(step, shop.source) if step.required else None,
    )


def stored(artifact: Artifact, folder: Path, cache: str) -> Object:
    """An artifact's file as something to store."""
    file = folder / artifact.key.rpartition("/")[2]
    return Object(key=artifact.key, body=file, media_type=artifact.media_type, cache=cache)


def _placed(artifact: Artifact, prefix: str) -> Artifact:
    facts_: dict[str, Any] = adapter(Artifact).dump_python(artifact)
    return Artifact(**(facts_ | {"key": f"{prefix}/{artifact.key}"}))


def _source_sha256(step: Step, path: Path) -> str:
    if SHA256_HEX.fullmatch(step.source.identity):
        return step.source.identity
    return sha256(path)


def sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- film ------------------------------------------------------------------------------------


def _make_ladder(step: Step, shop: Shop, report: Report) -> Made:
    gain, extra, remarks = 0.0, {}, []
    if step.sound is not None:
        measured, _ = _measured_sound(step, shop, 1)
        gain = loudness.gain_db(measured, step.sound)
        extra = {"loudness_before": measured.figures(), "gain_db": gain}
        remarks = loudness.remarks(measured)
    _encode(graph.ladder(step, shop.bench, gain), step, shop, report)
    rungs = [out for out in step.outputs if isinstance(out, VideoOut)]
    artifacts = tuple(_rung_artifact(rung, step, shop, extra) for rung in rungs)
    _check_alike(artifacts, step)
    return Made(artifacts=artifacts, notes=(*remarks, *_cut_short(step, artifacts[-1])))


def _rung_artifact(rung: VideoOut, step: Step, shop: Shop, extra: dict[str, Any]) -> Artifact:
    found = _facts(shop.folder / rung.file, shop, step)
    wanted = (rung.width, rung.height)
    if (found.width, found.height) != wanted or not found.frames or not found.decodes:
        raise ToolBug(
            f"{step.source.name}: a rendition came out wrong and was not published.",
            evidence=f"{rung.file}: wanted {wanted}, found {found}",
        )
    stable = {"stable": True} if rung.stable else {}
    label = {"label": f"{min(wanted)}p"}
    return _artifact(rung.role, shop.folder / rung.file, found, extra | stable | label)


def _check_alike(artifacts: tuple[Artifact, ...], step: Step) -> None:
    if len({a.frames for a in artifacts}) > 1:
        raise ToolBug(
            f"{step.source.name}: the renditions differ in length and were not published.",
            evidence=str([(a.key, a.frames, a.duration_ms) for a in artifacts]),
        )


def _cut_short(step: Step, artifact: Artifact) -> list[str]:
    claimed, real = step.duration_ms, artifact.duration_ms
    if not claimed or not real or claimed - real <= max(SHORT_MS, claimed * SHORT_SHARE):
        return []
    saved = f"of {clock(claimed)} that it should hold, {clock(real)} could be saved"
    return [f"The file is damaged: {saved} and is published."]


def _make_poster(step: Step, shop: Shop, report: Report) -> Made:
    outs = [out for out in step.outputs if isinstance(out, PosterOut)]
    finished = run(shop.command(graph.candidates(step, shop.bench), step.timeout_s))
    frames = sorted(str(p) for p in shop.folder.glob("*.png"))
    if not frames:
        raise _diagnosed(finished, step)
    report(Progress(percent=60, text="choosing the poster"))
    # The frames were decoded from an upload, so their bytes are judged in a confined child too.
    best = call("pipeline.images_poster:choose", {"paths": frames}, _python_child(step, shop))
    artifacts = [_poster(out, frames[best], step, shop) for out in outs]
    return Made(artifacts=tuple(artifacts))


def _poster(out: PosterOut, frame: str, step: Step, shop: Shop) -> Artifact:
    target = shop.folder / out.file
    function = "pipeline.images_poster:" + ("badge" if out.badge else "poster")
    arguments = {"source": frame, "target": str(target), "quality": out.quality}
    found = call(function, arguments, _python_child(step, shop))
    return _image_artifact(out.role, target, found)


# --- sound -----------------------------------------------------------------------------------


def _make_sound(step: Step, shop: Shop, report: Report) -> Made:
    waveform = next(out for out in step.outputs if isinstance(out, WaveformOut))
    files = [out for out in step.outputs if isinstance(out, AudioOut)]
    before, levels = _measured_sound(step, shop, waveform.bars)
    gain = loudness.gain_db(before, files[0].track)
    _encode(graph.sound(step, shop.bench, gain), step, shop, report)
    found = [_sound_facts(out, step, shop) for out in files]
    after = _loudness_of(files[0], step, shop)
    extra = {
        "loudness_before": before.figures(),
        "loudness_after": after.figures(),
        "gain_db": gain,
    }
    artifacts = [
        _artifact(out.role, shop.folder / out.file, facts_, extra)
        for out, facts_ in zip(files, found, strict=True)
    ]
    notes = (*loudness.remarks(before), *_cut_short(step, artifacts[0]))
    return Made(artifacts=(*artifacts, _drawn(waveform, levels, shop)), notes=notes)


def _drawn(out: WaveformOut, levels: tuple[float, ...], shop: Shop) -> Artifact:
    svg = shop.folder / out.file
    svg.write_bytes(loudness.waveform_svg(loudness.bars(levels, out.bars)))
    return _artifact(out.role, svg, None, {})


def _sound_facts(out: AudioOut, step: Step, shop: Shop) -> Facts:
    found = _facts(shop.folder / out.file, shop, step)
    if not found.duration_ms or not found.decodes:
        raise ToolBug(
            f"{step.source.name}: the sound came out wrong and was not published.",
            evidence=f"{out.file}: {found}",
        )
    return found


def _measured_sound(
    step: Step, shop: Shop, bars: int
) -> tuple[loudness.Loudness, tuple[float, ...]]:
    samples = (step.duration_ms or 60_000) * graph.WAVEFORM_RATE // 1000
    argv = graph.measure_sound(step, shop.bench, max(1, samples // bars))
    finished = run(shop.command(argv, step.timeout_s))
    try:
        found = loudness.read_summary(finished.stderr)
    except ValueError:
        raise _diagnosed(finished, step) from None
    return found, loudness.read_levels(finished.stdout.decode("ascii", "replace"))


def _loudness_of(out: AudioOut, step: Step, shop: Shop) -> loudness.Loudness:
    """Measure what was made, by the same meter that measured what came in."""
    made = shop.folder / out.file
    finished = run(shop.command(graph.measure_file(made, shop.bench), step.timeout_s))
    try:
        return loudness.read_summary(finished.stderr)
    except ValueError:
        raise _diagnosed(finished, step) from None


# --- stills and subtitles --------------------------------------------------------------------


def _make_photo(step: Step, shop: Shop, report: Report) -> Made:
    outs = [out for out in step.outputs if isinstance(out, PhotoOut)]
    report(Progress(percent=10, text=f"{len(outs)} sizes"))
    arguments = {
        "path": str(shop.source),
        "outputs": [adapter(PhotoOut).dump_python(out, mode="json") for out in outs],
        "folder": str(shop.folder),
        "facts": {"max_pixels": shop.limits.max_photo_pixels},
    }
    answer = call("pipeline.images:develop", arguments, _python_child(step, shop))
    extra = {"colour": answer["colour"]}
    artifacts = [
        _image_artifact(out.role, shop.folder / out.file, found, extra)
        for out, found in zip(outs, answer["outputs"], strict=True)
    ]
    return Made(artifacts=tuple(artifacts), notes=tuple(answer["notes"]))


def _image_artifact(
    role: str, path: Path, found: dict[str, Any], extra: dict[str, Any] | None = None
) -> Artifact:
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


def _make_captions(step: Step, shop: Shop, _report: Report) -> Made:
    out = next(out for out in step.outputs if isinstance(out, CaptionsOut))
    source, name = shop.source, step.source.name
    if out.stream is not None:
        finished = run(shop.command(graph.subtitles(step, shop.bench, out.stream), step.timeout_s))
        source, name = shop.folder / "track.srt", "track.srt"
        if not source.exists():
            raise _diagnosed(finished, step)
    arguments = {"path": str(source), "name": name, "max_bytes": shop.limits.max_text_bytes}
    answer = call("pipeline.captions:clean", arguments, _python_child(step, shop))
    target = shop.folder / out.file
    target.write_text(answer["webvtt"], encoding="utf-8", newline="\n")
    extra = {"cues": answer["cues"], "warnings": answer["warnings"]}
    artifact = _artifact(out.role, target, None, extra, out.language)
    return Made(artifacts=(artifact,), notes=(*answer["notes"], *_too_long(step, answer)))


def _too_long(step: Step, answer: dict[str, Any]) -> list[str]:
    over = answer["last_ms"] - (step.duration_ms or answer["last_ms"])
    if over < SHORT_MS:
        return []
    return [f"{step.source.name}: the subtitles go on for {clock(over)} after the film has ended."]


# --- running and measuring -------------------------------------------------------------------


def _python_child(step: Step, shop: Shop) -> Command:
    return shop.command((), step.timeout_s)


def _encode(argv: tuple[str, ...], step: Step, shop: Shop, report: Report) -> None:
    finished = run(shop.command(argv, step.timeout_s), on_line=_listener(step, report))
    if finished.returncode != 0:
        raise _diagnosed(finished, step)


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
    total = step.duration_ms or 0
    percent = min(99, 100 * at_ms // total) if total else 0
    raw = said.get("speed", "").removesuffix("x")
    speed = float(raw) if _is_number(raw) else None
    left = (total - at_ms) / 1000 / speed if speed and total else None
    words = [step.name, *([f"{speed:.1f}x"] if speed else [])]
    if left is not None and left > 0:
        words.append(f"{clock(round(left * 1000))} left")
    return Progress(percent=percent, text=", ".join(words), speed=speed, left_s=left)


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _diagnosed(finished: Finished, step: Step) -> NewsreelError:
    """The error behind a child that did not do what it should, with the file's name in it."""
    found = diagnose.of(finished)
    found.evidence = f"{step.source.name}, {step.name}: {found.evidence}"
    return found


def _facts(path: Path, shop: Shop, step: Step) -> Facts:
    if not path.exists() or path.stat().st_size == 0:
        raise Unreadable(
            f"{step.source.name}: nothing in it could be decoded. Copy it again from the camera."
        )
    try:
        return facts(path, shop.folder, shop.limits)
    except BadInput as error:
        raise ToolBug(
            f"{step.source.name}: what was made of it cannot be played and was not published.",
            evidence=f"{path.name}: {error.public} {error.evidence}",
        ) from error


def _artifact(
    role: str, path: Path, found: Facts | None, extra: dict[str, Any], language: str | None = None
) -> Artifact:
    return Artifact(
        role=role,
        key=path.name,
        media_type=MEDIA_TYPES[path.suffix],
        bytes=path.stat().st_size,
        sha256=sha256(path),
        width=found.width if found else None,
        height=found.height if found else None,
        duration_ms=found.duration_ms if found else None,
        frames=found.frames if found else None,
        language=language,
        extra=extra,
    )


_MAKERS: dict[type[Any], Callable[[Step, Shop, Report], Made]] = {
    VideoOut: _make_ladder,
    PosterOut: _make_poster,
    AudioOut: _make_sound,
    PhotoOut: _make_photo,
    CaptionsOut: _make_captions,
}
