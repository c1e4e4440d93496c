"""The makers of automatic captions: one chunk of speech, and all chunks together.

Owns the way from published sound to scored words (in the listening child), and from those to
WebVTT and a transcript, marked as a machine's wherever they are shown. `transcribe` listens,
`heard` judges, `captions_layout` breaks lines; `shop` holds the bench.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import captions, captions_layout, captions_lint, graph, heard, languages, transcript
from pipeline.ears import Ears, missing
from pipeline.errors import ConfigError
from pipeline.heard import Heard
from pipeline.model import Artifact, SpeechOut, SpokenOut, Step, from_json, to_json
from pipeline.order import SOUND_ROLES
from pipeline.process import call
from pipeline.render_words import written
from pipeline.shop import Made, Progress, Report, Shop, artifact, encode, python_child
from pipeline.transcribe import MARGIN_S
from pipeline.transcript import Transcript

# What a track is called, in its own language: readers of it know what that means.
_LABELS = {
    "ca": "{} (automàtic)",
    "en": "{} (automatic)",
    "es": "{} (automático)",
    "eu": "{} (automatikoa)",
    "fr": "{} (automatique)",
    "gl": "{} (automático)",
    "it": "{} (automatico)",
    "pt": "{} (automático)",
}


def make_speech(step: Step, shop: Shop, report: Report) -> Made:
    """What is said in one chunk, with the model's own doubts, as JSON for the joining step.

    Raises ConfigError where this machine has nothing to listen with.
    """
    out = next(out for out in step.outputs if isinstance(out, SpeechOut))
    ears = _ears(shop)
    sound = _sound(step, shop, out)
    report(Progress(percent=10, text=f"{step.name}, listening"))
    command = dataclasses.replace(python_child(step, shop), reads=(sound, *ears.reads))
    arguments = {"sound": str(sound), "model": str(ears.folder)} | _asked(out, ears, shop)
    answer = call("pipeline.transcribe:listen", arguments, command)
    found = from_json(Heard, json.dumps(answer))
    target = shop.folder / out.file
    target.write_bytes(to_json(found))
    return Made(artifacts=(artifact(out.role, target, None, {}, found.language or None),))


def make_spoken(step: Step, shop: Shop, _report: Report) -> Made:
    """All chunks as subtitles and transcripts: in the language that is spoken, and in English."""
    out = next(out for out in step.outputs if isinstance(out, SpokenOut))
    paths = sorted(path for made, path in shop.inputs if made.role == "speech")
    if not paths:
        return Made(artifacts=())  # nobody has listened; the chunks have said why
    chunks = [from_json(Heard, path.read_bytes()) for path in paths]
    language = heard.spoken(chunks)
    notes = _gaps(len(step.needs) - len(paths), len(step.needs))
    if not language:
        silence = "No speech was heard: there are no automatic captions."
        return Made(artifacts=(), notes=(*notes, silence))
    artifacts = list[Artifact]()
    for tag in dict.fromkeys((language, "en")):
        artifacts += _track(tag, heard.words(chunks, tag), out, shop.folder)
        if tag != language:
            artifacts = [_translated(made, tag, language) for made in artifacts]
    return Made(artifacts=tuple(artifacts), notes=notes)


def _gaps(lost: int, parts: int) -> tuple[str, ...]:
    if not lost:
        return ()
    return (f"The automatic captions have gaps: {lost} of {parts} parts could not be heard.",)


def _asked(out: SpeechOut, ears: Ears, shop: Shop) -> dict[str, Any]:
    """Which part of the sound is wanted, and in which language."""
    offset_ms = _offset_ms(out)
    return {
        "window": {"offset_ms": offset_ms, "begin_ms": out.begin_ms, "end_ms": out.end_ms},
        "wanted": {
            "threads": ears.threads,
            "language": _language(shop),
            "languages": list(out.hearing.languages),
        },
    }


def _ears(shop: Shop) -> Ears:
    if shop.ears is None:
        raise ConfigError(
            "Automatic captions were planned, but this worker has no transcribe_model set."
        )
    if lacking := missing(shop.ears):
        raise ConfigError(" ".join(lacking))
    return shop.ears


def _sound(step: Step, shop: Shop, out: SpeechOut) -> Path:
    """The chunk's part of the published sound, with a margin, as the model wants it."""
    made = next(path for made, path in shop.inputs if made.role in SOUND_ROLES)
    target = shop.folder / "speech.wav"
    end_ms = None if out.end_ms is None else out.end_ms + MARGIN_S * 1000
    argv = graph.speech(made, target, (_offset_ms(out), end_ms), shop.bench)
    encode(argv, step, shop, lambda _: None)
    return target


def _offset_ms(out: SpeechOut) -> int:
    return max(0, out.begin_ms - MARGIN_S * 1000)


def _language(shop: Shop) -> str:
    """What the first chunk has found; "" for itself, and where nobody spoke there."""
    return next((made.language or "" for made, _ in shop.inputs if made.role == "speech"), "")


def _track(
    tag: str, words: tuple[captions_layout.Word, ...], out: SpokenOut, folder: Path
) -> list[Artifact]:
    cues = captions_layout.cues(words, tag)
    if not cues:
        return []
    language = languages.tag(tag) or tag
    extra = {
        "automatic": True,
        "model": out.hearing.model,
        "label": _LABELS.get(language, "{} (automatic)").format(languages.label(language)),
    }
    note = f"Automatic captions by Whisper ({out.hearing.model}), not read by a person."
    target = folder / f"{language}.vtt"
    target.write_text(captions.to_webvtt(cues, note), encoding="utf-8", newline="\n")
    warnings = [asdict(finding) for finding in captions_lint.lint(cues, language)]
    facts = extra | {"cues": len(cues), "warnings": warnings}
    said = Transcript(language=language, paragraphs=transcript.from_cues(cues), automatic=True)
    return [
        artifact("captions", target, None, facts, language),
        written(said, folder / f"{language}.json", extra),
    ]


def _translated(made: Artifact, tag: str, original: str) -> Artifact:
    if made.language != tag:
        return made
    return dataclasses.replace(made, extra=made.extra | {"translated_from": original})
