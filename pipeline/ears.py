"""Whether there is something to listen with: the extra, and a model on this machine.

Owns the search for a model, by its folder or by its name among those that were fetched before, and
the sentences that say how to get what is missing. Fetches nothing, loads nothing. `transcribe`
listens; `config` says what is wished for.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import Hearing

_WEIGHTS = "model.bin"
# Where the makers of faster-whisper keep their models ("small" is Systran/faster-whisper-small).
_MAKER, _PREFIX = "Systran", "faster-whisper-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What is wished for, and the model that was found for it; `asked` is how it was asked for."""

    hearing: Hearing
    asked: str
    folder: Path | None
    threads: int

    @property
    def reads(self) -> tuple[Path, ...]:
        """What the listening child must be able to read: a kept model is links into its blobs."""
        if self.folder is None:
            return ()
        kept = self.folder.parent.name == "snapshots"
        return (self.folder.parent.parent if kept else self.folder,)


def found(asked: str, languages: tuple[str, ...], threads: int) -> Ears:
    """The ears for a model by its folder or name; they may lack what `missing` tells."""
    folder = _folder(asked)
    named = Path(asked).name if _is_path(asked) else asked
    hearing = Hearing(model=named, languages=languages)
    usual = min(4, os.cpu_count() or 1)
    return Ears(hearing=hearing, asked=asked, folder=folder, threads=threads or usual)


def missing(ears: Ears) -> tuple[str, ...]:
    """What has to be had before anything is written down, each with how to get it."""
    return tuple(_missing(ears))


def _missing(ears: Ears) -> Iterator[str]:
    if importlib.util.find_spec("faster_whisper") is None:
        yield "Automatic captions need faster-whisper: pip install 'newsreel[transcribe]'."
    if ears.folder is None and _is_path(ears.asked):
        yield (
            f"transcribe_model: {ears.asked} holds no faster-whisper model (no {_WEIGHTS}). "
            f"Fetch one: hf download {_MAKER}/{_PREFIX}small --local-dir {ears.asked}"
        )
    elif ears.folder is None:
        repository = _repository(ears.asked)
        yield (
            f"transcribe_model: the model {ears.asked} is not on this machine, and is not fetched "
            f"unasked. Fetch it once: hf download {repository}"
        )


def _is_path(asked: str) -> bool:
    return asked.startswith(("/", ".", "~"))


def _repository(name: str) -> str:
    return name if "/" in name else f"{_MAKER}/{_PREFIX}{name}"


def _folder(asked: str) -> Path | None:
    if _is_path(asked):
        folder = Path(asked).expanduser()
        return folder if (folder / _WEIGHTS).is_file() else None
    kept = _kept() / f"models--{_repository(asked).replace('/', '--')}" / "snapshots"
    folders = sorted(path.parent for path in kept.glob(f"*/{_WEIGHTS}") if path.is_file())
    return max(folders, key=lambda path: path.stat().st_mtime, default=None)


def _kept() -> Path:
    """Where huggingface_hub keeps what it has fetched."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path("~/.cache/huggingface").expanduser()) / "hub"
