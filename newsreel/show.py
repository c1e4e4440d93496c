"""What the terminal shows: progress bars, tables, plain lines where there is no terminal.

Owns colour and layout; NO_COLOR and dumb terminals are respected by rich. Refuses to decide
anything. Results go to standard output, progress and errors to standard error.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from pipeline import shop
from pipeline.errors import Transient
from pipeline.figures import size
from pipeline.model import Artifact, ItemManifest, PostManifest, State
from pipeline.todo import Bell

if TYPE_CHECKING:
    from newsreel.doctor import Check

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, highlight=False)

COLOURS = {
    State.PUBLISHED: "green",
    State.PLAYABLE: "green",
    State.FAILED: "red",
    State.PROCESSING: "yellow",
    State.WAITING: "yellow",
    State.WITHDRAWN: "dim",
}


def made(item: ItemManifest) -> str:
    """What was made of an item, in a few words: "240p 360p 720p, poster, captions es"."""
    words: list[str] = []
    rungs = [o for o in item.outputs if o.role == "rung"]
    if rungs:
        words.append(" ".join(f"{min(o.width or 0, o.height or 0)}p" for o in rungs))
    photos = sorted({o.width or 0 for o in item.outputs if o.role == "photo"})
    if photos:
        words.append(f"{len(photos)} sizes to {photos[-1]} px, AVIF and JPEG")
    words += [{"sound": "m4a", "enclosure": "mp3"}.get(o.role, o.role) for o in item.outputs
              if o.role in ("poster", "sound", "enclosure", "waveform")]  # fmt: skip
    words += [_captions(o) for o in item.outputs if o.role == "captions"]
    return ", ".join(words)


def _captions(track: Artifact) -> str:
    """Their language, and whether a person still has to read them."""
    return f"captions {track.language}{' (automatic)' if track.extra.get('automatic') else ''}"


def weight(item: ItemManifest) -> int:
    """Bytes of everything published of an item; stable copies of renditions are counted once."""
    return sum({o.sha256: o.bytes for o in item.outputs}.values())


def summary(post: PostManifest) -> Table:
    """The table at the end: what became of each item."""
    table = Table(title=f"{post.title}: {post.state.value}", title_justify="left")
    for heading in ("item", "kind", "state", "made", "size", "notes"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "size" else "left")
    for item in post.items:
        reason = [item.error.message] if item.error else []
        table.add_row(
            item.item,
            item.kind.value,
            f"[{COLOURS[item.state]}]{item.state.value}[/]",
            made(item),
            size(weight(item)) if item.outputs else "",
            plain("\n".join([*reason, *item.notes])),
        )
    for note in post.notes:
        table.add_row("", "", "", "", "", plain(note))
    return table


def plain(text: str) -> str:
    """Text without markup."""
    # Names and messages may hold brackets, which rich would take for markup.
    return text.replace("[", r"\[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A post as it stands, with what is being made of each item at this moment."""

    post: PostManifest
    doing: Mapping[str, str]


class Bars:
    """One bar for each item while it is worked on; plain lines where there is no terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[doing]}", style="dim"),
            console=err,
            disable=not err.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, State] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def progress(self, bell: Bell, progress: shop.Progress) -> None:
        """Show the text of a running step; the percentage comes with the next manifest."""
        with self._lock:
            task = self._task(bell.item)
        doing = f"{progress.percent} % of {progress.text}"
        self._progress.update(task, doing=doing)

    def published(self, post: PostManifest) -> None:
        """Move every bar to where its item stands, and say what has ended."""
        for item in post.items:
            with self._lock:
                task = self._task(item.item)
            self._progress.update(task, completed=item.percent)
            if self._told.get(item.item) != item.state:
                self._told[item.item] = item.state
                self._say(item, task)

    def trouble(self, bell: Bell, error: Transient) -> None:
        """Say that a step has failed for now."""
        err.print(plain(f"{bell.item}: {error.public} It is tried again."))

    def doing(self, standing: Standing) -> None:
        """Show what is being made of each item."""
        for item, text in standing.doing.items():
            if text:
                self._progress.update(self._task(item), doing=plain(text))

    def _task(self, item: str) -> TaskID:
        if item not in self._tasks:
            self._tasks[item] = self._progress.add_task(item, total=100, doing="")
        return self._tasks[item]

    def _say(self, item: ItemManifest, task: TaskID) -> None:
        text = item.error.message if item.error else item.state.value
        self._progress.update(task, doing=plain(text))
        if not err.is_terminal and item.state in (State.PUBLISHED, State.FAILED):
            err.print(f"{item.item}: {plain(text)}")


def status(posts: Iterable[Standing]) -> Table:
    """Every item of every post: its state, percent, why it failed; and what the post lacks."""
    table = Table(show_edge=False, pad_edge=False)
    for heading in ("post", "item", "kind", "state", "%", "what"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "%" else "left")
    for standing in posts:
        for item in standing.post.items:
            table.add_row(
                item.post,
                item.item,
                item.kind.value,
                f"[{COLOURS[item.state]}]{item.state.value}[/]",
                str(item.percent),
                plain(_what(item, standing.doing.get(item.item, ""))),
            )
        for note in standing.post.notes:
            table.add_row(standing.post.post, "", "", "", "", plain(note))
    return table


def _what(item: ItemManifest, doing: str) -> str:
    if item.error is not None:
        return f"{item.error.message} Then: newsreel retry {item.post} {item.item}"
    return doing or made(item)


def checks(found: Iterable[Check]) -> Table:
    """The doctor's findings, a line each."""
    table = Table(show_header=False, show_edge=False, pad_edge=False, box=None)
    for check in found:
        verdict = "[green]ok[/]" if check.ok else "[red]no[/]"
        told = check.detail if check.ok else f"{check.detail} {check.remedy}"
        table.add_row(verdict, check.name, plain(told))
    return table
