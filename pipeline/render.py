"""Running one step in a scratch folder, and believing nothing it says until it is measured.

Owns which maker makes what, and the makers of sound and stills; those of films are in
`render_film`, of words in `render_words`, their common tools in `shop`. Refuses to choose anything:
sizes, flags and names are final in the step. `flow` calls `perform` and stores what it made.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import graph, loudness, photos, render_film, render_words
from pipeline.errors import ToolBug
from pipeline.model import (
    Artifact,
    AudioOut,
    CaptionsOut,
    CopyOut,
    FilmOut,
    Object,
    PhotoOut,
    PosterOut,
    PreviewOut,
    SoundOut,
    Step,
    StepRecord,
    StoryboardOut,
    TranscriptOut,
    VideoOut,
    WaveformOut,
)
from pipeline.probe import Facts
from pipeline.process import run
from pipeline.shop import (
    Made,
    Progress,
    Report,
    Shop,
    artifact,
    cut_short,
    diagnosed,
    encode,
    facts_of,
    measured_sound,
    sha256,
)

SHA256_HEX = re.compile(r"[0-9a-f]{64}")
# What is made from the whole of a file: there its hash costs no second reading.
WHOLE = (AudioOut, PhotoOut, SoundOut)


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
        source_sha256=_source_sha256(step, shop),
    )


def stored(artifact: Artifact, folder: Path, cache: str) -> Object:
    """An artifact's file as something to store."""
    file = folder / artifact.key.rpartition("/")[2]
    return Object(key=artifact.key, body=file, media_type=artifact.media_type, cache=cache)


def _placed(artifact: Artifact, prefix: str) -> Artifact:
    return dataclasses.replace(artifact, key=f"{prefix}/{artifact.key}")


def _source_sha256(step: Step, shop: Shop) -> str | None:
    if SHA256_HEX.fullmatch(step.source.identity):
        return step.source.identity
    if not isinstance(step.outputs[0], WHOLE) or not shop.whole:
        return None
    return sha256(shop.source)


# --- sound -----------------------------------------------------------------------------------


def _make_sound(step: Step, shop: Shop, report: Report) -> Made:
    waveform = next(out for out in step.outputs if isinstance(out, WaveformOut))
    files = [out for out in step.outputs if isinstance(out, AudioOut)]
    before, levels = measured_sound(step, shop, waveform.bars)
    gain = loudness.gain_db(before, files[0].track)
    encode(graph.sound(step, shop.bench, gain), step, shop, report)
    found = [_sound_facts(out, step, shop) for out in files]
    after = _loudness_of(files[0], step, shop)
    extra = {
        "loudness_before": before.figures(),
        "loudness_after": after.figures(),
        "gain_db": gain,
    }
    artifacts = [
        artifact(out.role, shop.folder / out.file, facts_, extra)
        for out, facts_ in zip(files, found, strict=True)
    ]
    notes = (*loudness.remarks(before), *cut_short(step, artifacts[0]))
    return Made(artifacts=(*artifacts, _drawn(waveform, levels, shop)), notes=notes)


def _drawn(out: WaveformOut, levels: tuple[float, ...], shop: Shop) -> Artifact:
    svg = shop.folder / out.file
    svg.write_bytes(loudness.waveform_svg(loudness.bars(levels, out.bars)))
    return artifact(out.role, svg, None, {})


def _sound_facts(out: AudioOut, step: Step, shop: Shop) -> Facts:
    found = facts_of(shop.folder / out.file, shop, step)
    if not found.duration_ms or not found.decodes:
        raise ToolBug(
            f"{step.source.name}: the sound came out wrong and was not published.",
            evidence=f"{out.file}: {found}",
        )
    return found


def _loudness_of(out: AudioOut, step: Step, shop: Shop) -> loudness.Loudness:
    """Measure what was made, by the same meter that measured what came in."""
    made = shop.folder / out.file
    finished = run(shop.command(graph.measure_file(made, shop.bench), step.timeout_s))
    try:
        return loudness.read_summary(finished.stderr)
    except ValueError:
        raise diagnosed(finished, step) from None


# --- stills --------------------------------------------------------------------------------


def _make_photo(step: Step, shop: Shop, report: Report) -> Made:
    report(Progress(percent=10, text=f"{len(step.outputs)} sizes"))
    return photos.develop(step, shop)


_MAKERS: dict[type[Any], Callable[[Step, Shop, Report], Made]] = {
    VideoOut: render_film.make_chunk,
    CopyOut: render_film.make_copy,
    SoundOut: render_film.make_sound,
    FilmOut: render_film.make_film,
    StoryboardOut: render_film.make_storyboard,
    PreviewOut: render_film.make_preview,
    PosterOut: render_film.make_poster,
    AudioOut: _make_sound,
    PhotoOut: _make_photo,
    CaptionsOut: render_words.make_captions,
    TranscriptOut: render_words.make_transcript,
}
