"""Running one step in a scratch folder, and believing nothing it says until it is measured.

Owns which maker makes what; the makers of films are in `render_film`, of recordings in
`render_sound`, of photos in `photos`, of words in `render_words`, their common tools in `shop`.
Refuses to choose anything: sizes, flags and names are final in the step. `flow` calls `perform` and
stores what it made.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import photos, render_film, render_sound, render_speech, render_words
from pipeline.model import (
    Artifact,
    AudioOut,
    CaptionsOut,
    CopyOut,
    FilmOut,
    LoopOut,
    Object,
    PhotoOut,
    PosterOut,
    PreviewOut,
    SoundOut,
    SpeechOut,
    SpokenOut,
    Step,
    StepRecord,
    StoryboardOut,
    TranscriptOut,
    VideoOut,
)
from pipeline.shop import (
    Made,
    Progress,
    Report,
    Shop,
    sha256,
)

SHA256_HEX = re.compile(r"[0-9a-f]{64}")
# What is made from the whole of a file: there its hash costs no second reading.
WHOLE = (AudioOut, LoopOut, PhotoOut, SoundOut)


def perform(step: Step, prefix: str, shop: Shop, report: Report) -> StepRecord:
    """Make all outputs of a step in `shop.folder`, measured; artifacts get keys below `prefix`.

    Raises BadInput for the source, Transient for the world, ToolBug for outputs that are not what
    the step asked for.
    """
    report(Progress(percent=0, text=step.name))
    return record(step, prefix, shop, _MAKERS[type(step.outputs[0])](step, shop, report))


def record(step: Step, prefix: str, shop: Shop, made: Made) -> StepRecord:
    """What a step has made in `shop`, under its keys below `prefix`."""
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


# --- stills ----------------------------------------------------------------------------------


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
    AudioOut: render_sound.make_recording,
    PhotoOut: _make_photo,
    LoopOut: photos.make_loop,
    CaptionsOut: render_words.make_captions,
    SpeechOut: render_speech.make_speech,
    SpokenOut: render_speech.make_spoken,
    TranscriptOut: render_words.make_transcript,
}
