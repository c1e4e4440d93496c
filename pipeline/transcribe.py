"""Listening: a stretch of sound becomes words with their times, by Whisper.

Owns the one import of faster-whisper, which only happens in a confined child, and its settings.
Models are folders on this machine: nothing is ever fetched, and the child has no network. Refuses
to judge what it hears: `heard` does. `ears` knows whether there is a model to listen with.
"""

from __future__ import annotations

import os
import re
import wave
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import errors
from pipeline.captions_layout import Word
from pipeline.heard import Heard, Segment

# What Whisper wants.
RATE = 16_000
# Around where a chunk should end, the quietest moment of this many seconds is looked for.
MARGIN_S = 15
_QUIET_FRAME_S, _QUIET_S = 0.02, 0.4
# Silence, music and noise are cut out before the model can hear words in them (Silero VAD).
_VAD = {"min_silence_duration_ms": 500, "min_speech_duration_ms": 150, "speech_pad_ms": 300}
# Several places are asked for the language; one that is this certain ends the asking.
_PLACES, _CERTAIN = 4, 0.8
# Chinese, Japanese, Thai, Lao, Burmese, Khmer.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def listen(
    sound: str, model: str, window: Mapping[str, int | None], wanted: Mapping[str, Any]
) -> Heard:
    """Write down what is said in one chunk; runs in the confined child.

    `sound` is a WAV file of 16 kHz, mono, 16 bits. It begins at `window["offset_ms"]` of the item;
    the chunk should begin at "begin_ms" and end at "end_ms" (None: to the end), and does so at the
    quietest moment near by, so that neighbours find the same border. `wanted` has "threads", the
    "language" if it is known, and the "languages" to choose from (none: all the model knows).
    Raises errors.ConfigError where faster-whisper is missing or `model` holds no model.
    """
    # Before the library is loaded: it asks nobody, and takes no more cores than it is given.
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS=str(wanted["threads"]))
    part, shift_ms = _chunk(_samples(sound), window)
    if not _has_speech(part):
        return Heard(language="")
    ears = _model(model, int(wanted["threads"]))
    language = str(wanted["language"]) or _language(ears, part, list(wanted["languages"]))
    tracks = {language: _words(ears, part, (language, "transcribe"), shift_ms)}
    if language != "en" and ears.model.is_multilingual:
        tracks["en"] = _words(ears, part, (language, "translate"), shift_ms)
    return Heard(language=language, tracks=tracks)


def _model(folder: str, threads: int) -> Any:
    try:
        from faster_whisper import WhisperModel  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise errors.ConfigError(
            "Automatic captions need faster-whisper: pip install 'newsreel[transcribe]'.",
            evidence=repr(error),
        ) from error
    if not (Path(folder) / "model.bin").is_file():
        raise errors.ConfigError(f"{Path(folder).name} is no folder of a faster-whisper model.")
    import ctranslate2  # noqa: PLC0415 - comes with it

    # Where the model has to guess, it guesses alike each time: equal work makes equal bytes.
    ctranslate2.set_random_seed(1)
    return WhisperModel(
        folder, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )


def _samples(sound: str) -> Any:
    import numpy as np  # noqa: PLC0415 - comes with faster-whisper

    with wave.open(sound, "rb") as file:
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, dtype=np.int16).astype(np.float32) / 32768


def _has_speech(samples: Any) -> bool:
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415 - see above

    return bool(len(samples)) and bool(get_speech_timestamps(samples, VadOptions(**_VAD)))


def _language(ears: Any, samples: Any, candidates: list[str]) -> str:
    """The likeliest language, of those that are spoken here where they are known."""
    if not ears.model.is_multilingual:
        return "en"
    found, _, likely = ears.detect_language(
        samples,
        vad_filter=True,
        language_detection_segments=_PLACES,
        language_detection_threshold=_CERTAIN,
    )
    ranks = dict(likely)
    return str(max(candidates, key=lambda tag: ranks.get(tag, 0.0)) if candidates else found)


def _words(ears: Any, samples: Any, task: tuple[str, str], shift_ms: int) -> tuple[Segment, ...]:
    language, what = task
    segments, _ = ears.transcribe(
        samples,
        language=language,
        task=what,
        beam_size=5,
        # Hotter tries mostly invent; three are enough to leave a loop.
        temperature=(0.0, 0.2, 0.4),
        # What was said before makes loops go on: each stretch stands by itself.
        condition_on_previous_text=False,
        word_timestamps=True,
        hallucination_silence_threshold=2.0,
        vad_filter=True,
        vad_parameters=_VAD,
    )
    return tuple(_segment(segment, shift_ms) for segment in segments)


def _segment(found: Any, shift_ms: int) -> Segment:
    return Segment(
        words=tuple(_whole_words(found.words or (), shift_ms)),
        no_speech=round(float(found.no_speech_prob), 4),
        logprob=round(float(found.avg_logprob), 4),
        ratio=round(float(found.compression_ratio), 4),
    )


def _whole_words(found: Iterable[Any], shift_ms: int) -> Iterator[Word]:
    """The model's pieces put together: one without a blank before it goes on ("28", ".8")."""
    whole: Word | None = None
    for piece in found:
        text = piece.word.strip()
        end_ms = shift_ms + round(float(piece.end) * 1000)
        if whole and text and _goes_on(piece.word):
            whole = replace(whole, end_ms=end_ms, text=whole.text + text)
        elif text:
            if whole:
                yield whole
            start_ms = shift_ms + round(float(piece.start) * 1000)
            whole = Word(start_ms=start_ms, end_ms=end_ms, text=text)
    if whole:
        yield whole


def _goes_on(piece: str) -> bool:
    """Languages that write no blanks have words without them."""
    return not piece.startswith(" ") and not _UNSPACED.match(piece)


# --- where a chunk begins and ends -----------------------------------------------------------


def _chunk(samples: Any, window: Mapping[str, int | None]) -> tuple[Any, int]:
    """The samples between two quiet moments, and when they begin in the item."""
    offset_ms, begin_ms, end_ms = (
        window["offset_ms"] or 0,
        window["begin_ms"] or 0,
        window["end_ms"],
    )
    begin = _border(samples, (begin_ms - offset_ms) * RATE // 1000) if begin_ms else 0
    end = len(samples)
    if end_ms is not None:
        end = _border(samples, (end_ms - offset_ms) * RATE // 1000)
    return samples[begin:end], offset_ms + begin * 1000 // RATE


def _border(samples: Any, wanted: int) -> int:
    """The middle of the quietest moment around a place: seen from either side, the same one."""
    import numpy as np  # noqa: PLC0415 - comes with faster-whisper

    first = max(0, wanted - MARGIN_S * RATE)
    near = samples[first : wanted + MARGIN_S * RATE]
    frame, quiet = int(_QUIET_FRAME_S * RATE), int(_QUIET_S / _QUIET_FRAME_S)
    frames = len(near) // frame
    if frames <= quiet:
        return int(min(wanted, len(samples)))
    power = np.square(near[: frames * frame].reshape(frames, frame)).mean(axis=1)
    smooth = np.convolve(power, np.ones(quiet) / quiet, mode="valid")
    return first + (int(smooth.argmin()) + quiet // 2) * frame
