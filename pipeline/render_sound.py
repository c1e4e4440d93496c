"""The maker of recordings: levelled files, checked by the meter, with their words and cover.

Owns the order of work: look at the cover, measure, encode, measure what came out, and encode once
more what missed its target. Refuses to choose sizes, rates and words: they are final in the step.
`render` calls it; the command lines are in `graph_sound`, the arithmetic in `loudness`.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from pipeline import flaws, graph_sound, loudness
from pipeline.errors import BadInput, ToolBug
from pipeline.facts import Facts
from pipeline.graph_sound import Pressing
from pipeline.loudness import Level, Loudness
from pipeline.model import Artifact, AudioOut, CoverOut, Step, WaveformOut, adapter
from pipeline.order import EMBEDDED
from pipeline.process import call, run
from pipeline.shop import (
    Made,
    Report,
    Shop,
    artifact,
    cut_short,
    diagnosed,
    encode,
    facts_of_all,
    image_artifact,
    measured_sound,
    part,
    python_child,
)

log = logging.getLogger(__name__)

# How far a recording is, in percent, when it was measured, and when it was encoded.
MEASURED, PRESSED = 20, 90
# A file that still misses its target after this many rounds is published as it is.
MAX_ROUNDS = 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Finished:
    """One sound file as it came out: at which level, what it is, how loud."""

    out: AudioOut
    level: Level
    facts: Facts
    loudness: Loudness


def make_recording(step: Step, shop: Shop, report: Report) -> Made:
    """m4a, mp3, waveform and cover of one recording."""
    waveform = next(out for out in step.outputs if isinstance(out, WaveformOut))
    files = tuple(out for out in step.outputs if isinstance(out, AudioOut))
    covers, cover_notes = _covers(step, shop)
    before, peaks = measured_sound(step, shop, waveform.bars, part(report, 0, MEASURED))
    press = Pressing(
        outs=files,
        level=loudness.level(before, peaks, files[0].track),
        words=_words(files[0], shop),
        cover=_embedded(shop, covers),
    )
    made = _pressed(press, step, shop, part(report, MEASURED, PRESSED))
    sounds = [_sound_artifact(one, before, shop) for one in made]
    notes = (
        *flaws.remarks(before, peaks, files[0].track),
        *cut_short(step, sounds[0]),
        *cover_notes,
    )
    drawn = _drawn(waveform, peaks.levels, shop)
    shown = (one for one in covers if one.role != EMBEDDED)
    return Made(artifacts=(*sounds, drawn, *shown), notes=notes)


# --- sound -----------------------------------------------------------------------------------


def _words(out: AudioOut, shop: Shop) -> Path:
    """The file that tells the encoder what to write into its outputs."""
    path = shop.folder / "words.txt"
    path.write_text(graph_sound.words(out.tags, out.chapters), encoding="utf-8", newline="\n")
    return path


def _pressed(press: Pressing, step: Step, shop: Shop, report: Report) -> list[_Finished]:
    """Encode all files side by side; then each that missed its target, alone, at another level."""
    encode(graph_sound.pressed(step, shop.bench, press), step, shop, report)
    made = _finished(press, step, shop)
    return [_settled(one, press, step, shop) for one in made]


def _settled(one: _Finished, press: Pressing, step: Step, shop: Shop) -> _Finished:
    for left in range(MAX_ROUNDS - 1, 0, -1):
        level = loudness.mended(one.level, one.loudness, one.out.track, left)
        if level is None:
            break
        one = _again(one, dataclasses.replace(press, level=level), step, shop)
    return one


def _again(one: _Finished, press: Pressing, step: Step, shop: Shop) -> _Finished:
    log.info("%s, %s: %s gave %s; again", step.source.name, one.out.file, one.level, one.loudness)
    single = dataclasses.replace(press, outs=(one.out,))
    # Without progress: it was at its end already.
    encode(graph_sound.pressed(step, shop.bench, single), step, shop, lambda _: None)
    (again,) = _finished(single, step, shop)
    return again


def _finished(press: Pressing, step: Step, shop: Shop) -> list[_Finished]:
    """What a run made, measured."""
    found = facts_of_all(tuple(shop.folder / out.file for out in press.outs), shop, step)
    for out, facts in zip(press.outs, found, strict=True):
        if not facts.duration_ms or not facts.decodes:
            raise ToolBug(
                f"{step.source.name}: the sound came out wrong and was not published.",
                evidence=f"{out.file}: {facts}",
            )
    return [
        _Finished(out=out, level=press.level, facts=facts, loudness=_loudness_of(out, step, shop))
        for out, facts in zip(press.outs, found, strict=True)
    ]


def _loudness_of(out: AudioOut, step: Step, shop: Shop) -> Loudness:
    """Measure what was made, by the same meter that measured what came in."""
    made = shop.folder / out.file
    finished = run(shop.command(graph_sound.measure_file(made, shop.bench), step.timeout_s))
    try:
        return loudness.read_summary(finished.stderr)
    except ValueError:
        raise diagnosed(finished, step) from None


def _sound_artifact(one: _Finished, before: Loudness, shop: Shop) -> Artifact:
    extra = {
        "loudness_before": before.figures(),
        "loudness_after": one.loudness.figures(),
        "gain_db": one.level.gain_db,
        "channels": one.out.track.channels,
    }
    return artifact(one.out.role, shop.folder / one.out.file, one.facts, extra)


def _drawn(out: WaveformOut, levels: tuple[float, ...], shop: Shop) -> Artifact:
    svg = shop.folder / out.file
    svg.write_bytes(loudness.waveform_svg(loudness.bars(levels, out.bars)))
    return artifact(out.role, svg, None, {})


# --- cover -----------------------------------------------------------------------------------


def _covers(step: Step, shop: Shop) -> tuple[tuple[Artifact, ...], tuple[str, ...]]:
    """The cover in every wanted shape; a recording without a good one is published all the same."""
    outs = [out for out in step.outputs if isinstance(out, CoverOut)]
    if not outs:
        return (), ()
    run(shop.command(graph_sound.cover_bytes(step, shop.bench, outs[0].stream), step.timeout_s))
    arguments = {
        "path": str(shop.folder / "cover.bin"),
        "outputs": [adapter(CoverOut).dump_python(out, mode="json") for out in outs],
        "folder": str(shop.folder),
        "max_pixels": shop.limits.max_photo_pixels,
    }
    try:
        answer = call("pipeline.images_cover:shaped", arguments, python_child(step, shop))
    except BadInput as error:
        return (), (f"{step.source.name}: its cover was left out. {error.public}",)
    made = (
        image_artifact(out.role, shop.folder / out.file, found)
        for out, found in zip(outs, answer, strict=True)
    )
    return tuple(made), ()


def _embedded(shop: Shop, covers: tuple[Artifact, ...]) -> Path | None:
    """The cover that sound files carry inside."""
    inside = (shop.folder / one.key for one in covers if one.role == EMBEDDED)
    return next(inside, None)
