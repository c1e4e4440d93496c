"""Voices and models for the tests of automatic captions; where one is missing, they are skipped.

In CI nothing may be missing: `make test` installs the models, .ci/run the voice.
"""

from __future__ import annotations

import functools
from pathlib import Path

import media
from wanting import wanting

from benchmarks import speech
from benchmarks.meter import Failed


def tiny() -> Path:
    """Whisper tiny, for English alone: quick."""
    return speech.tiny_en() or wanting("The models of `make test` are missing.")


@functools.cache
def base() -> Path:
    """Whisper base, for all languages; put together once for each process."""
    folder = media.folder("models")
    folder.mkdir(exist_ok=True)
    return speech.multilingual(folder) or wanting("The models of `make test` are missing.")


@functools.cache
def spoken(language: str, text: str = "") -> Path:
    """A text as speech in a WAV file."""
    folder = media.folder(f"speech-{language}-{abs(hash(text))}")
    folder.mkdir(exist_ok=True)
    try:
        return speech.speak(language, folder, text)
    except Failed as error:
        wanting(str(error))
