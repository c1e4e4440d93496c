"""Sending folders into the ingest bucket, on bad lines too.

Owns which file gets which key, and the progress bar. A file whose bytes lie there already is not
sent again, so that repeating a broken upload finishes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from newsreel import show
from pipeline import strays
from pipeline.errors import ConfigError
from pipeline.figures import size
from pipeline.model import Object
from pipeline.store import Store

# Uploads are never served, so no type of theirs could ever be run by a browser.
MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What an upload did: keys that were sent, and keys that lay there already."""

    sent: tuple[str, ...]
    there: tuple[str, ...]
    bytes: int

    @property
    def text(self) -> str:
        """The same in a sentence."""
        there = f", {len(self.there)} lay there already" if self.there else ""
        return f"{len(self.sent)} files sent ({size(self.bytes)}){there}."


def objects(paths: tuple[Path, ...], post: str | None) -> tuple[Object, ...]:
    """What to send under which key: `<post>/<file>`; a single file without a post at the root.

    Raises ConfigError for a path that does not exist, and when there is nothing to send.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise ConfigError(f"There is no file or folder called {', '.join(missing)}.")
    found = tuple(obj for path in paths for obj in _objects(path, post))
    if not found:
        raise ConfigError("There is nothing to upload in there.")
    return found


def _objects(path: Path, post: str | None) -> Iterator[Object]:
    if path.is_file():
        yield _object(path, f"{post}/{path.name}" if post else path.name)
        return
    root = path.resolve()
    # Links are not followed: they may lead out of the folder.
    plain = (one for one in sorted(root.rglob("*")) if one.is_file() and not one.is_symlink())
    inner = ((file, file.relative_to(root)) for file in plain)
    files = {
        path.as_posix(): file for file, path in inner if not any(map(strays.is_litter, path.parts))
    }
    passed = strays.passed_over(files)
    for sentence in passed.sentences:
        show.err.print(show.plain(sentence))
    unmeant = passed.paths
    for name, file in files.items():
        if name not in unmeant:
            yield _object(file, f"{post or root.name}/{name}")


def _object(file: Path, key: str) -> Object:
    return Object(key=key, body=file, media_type=MEDIA_TYPE)


def send(store: Store, wanted: tuple[Object, ...]) -> Sent:
    """Send what is not there yet, with a bar over all bytes. Raises StoreUnavailable."""
    sizes = {obj.key: Path(str(obj.body)).stat().st_size for obj in wanted}
    sent, there = [], []
    with _bar() as bar:
        task = bar.add_task("uploading", total=sum(sizes.values()))
        for obj in wanted:
            bar.update(task, description=show.plain(obj.key))
            if store.holds(obj):
                there.append(obj.key)
                bar.advance(task, sizes[obj.key])
            else:
                store.put(obj, on_bytes=lambda count: bar.advance(task, count))
                sent.append(obj.key)
    return Sent(sent=tuple(sent), there=tuple(there), bytes=sum(sizes[key] for key in sent))


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=show.err,
        disable=not show.err.is_terminal,
    )
