"""Caption texts and transcripts beside media."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from values import source

from pipeline import texts
from pipeline.model import Object, Sidecar
from pipeline.store import DirStore

Role = Literal["captions", "caption-text", "transcript"]


@pytest.fixture
def store(tmp_path: Path) -> DirStore:
    """An empty ingest store."""
    return DirStore(tmp_path / "ingest")


def lay(store: DirStore, name: str, data: bytes, role: Role, language: str = "en") -> Sidecar:
    """Put a text file down and say whose it is."""
    beside = Sidecar(role=role, language=language, source=source(name))
    store.put(Object(key=beside.source.key, body=data, media_type="text/plain"))
    return beside


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_of_old_editors_is_read(encoding: str) -> None:
    """Accents survive whichever editor wrote the file."""
    assert texts.decode("La votación".encode(encoding)) == "La votación"


def test_no_bytes_are_refused() -> None:
    """Any bytes become some text without NUL, so that a caption never stops a post."""
    assert "\0" not in texts.decode(bytes(range(256)))
    assert "\0" not in texts.decode("a\0b".encode("utf-16"))


def test_texts_are_told_apart_by_role_and_language(store: DirStore) -> None:
    """Captions in words and transcripts are read; subtitles are another module's business."""
    beside = [
        lay(store, "talk.txt", b" The vote. \n", "caption-text"),
        lay(store, "talk.es.txt", b"Se vota.", "transcript", "es"),
        lay(store, "talk.es.srt", b"1\n", "captions", "es"),
    ]
    assert texts.read(store, beside, 1000) == {
        "caption-text-en": "The vote.",
        "transcript-es": "Se vota.",
    }


def test_a_text_that_was_removed_is_passed_over(store: DirStore) -> None:
    """A file that vanished since the scan says nothing."""
    gone = Sidecar(role="transcript", language="en", source=source("gone.txt"))
    assert texts.read(store, [gone], 1000) == {}


def test_a_long_text_is_cut_between_characters(store: DirStore) -> None:
    """Cutting inside a character must not make gibberish of all before it."""
    beside = lay(store, "talk.txt", "ñandú".encode() * 10, "caption-text")
    for limit in range(1, 12):
        said = texts.read(store, [beside], limit)["caption-text-en"]
        assert ("ñandú" * 10).startswith(said)
        assert len(said.encode()) > limit - 4
