"""The work store's records: what is known, being done, done and failed, by key.

Owns every key in the work store and the reading and writing behind it: names that were given,
drops, plans, finished steps, failures, and the run records that serve as leases. Refuses to decide
what comes next: `todo` does. A record is JSON; one that is running and not renewed has lost its
worker.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from pipeline import intake
from pipeline.errors import Missing
from pipeline.model import (
    Drop,
    Entry,
    Failure,
    FeedEntry,
    Object,
    Plan,
    PostCard,
    PostInfo,
    StepRecord,
    from_json,
    to_json,
)
from pipeline.store import Store

T = TypeVar("T")
log = logging.getLogger(__name__)
JSON = "application/json"
# More than any busy newsroom's open posts; keeps a long-lived worker's memory bounded.
CACHED_RECORDS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A slug that was given away, and to which raw name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDrop:
    """What the last scan saw of a post: its texts, its items in reading order, its loose ends.

    The first `ordered` items are where post.toml wants them, the others lie by name. `waiting` are
    texts and subtitles whose media file is not there yet.
    """

    folder: str
    info: PostInfo
    language: str
    items: tuple[str, ...]
    ordered: int = 0
    waiting: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the pages of a post were made from, `facts` without how far the work is, and when."""

    of: str
    facts: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which rendition each stable name of a post was last made from."""

    of: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What the pages of each item of a post were last made from, in one word each."""

    of: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """When something could first be seen, by the store's clock; written once and kept."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where one piece of work stands: rung for, running, or resting until `not_before`.

    `rings` counts doorbells, `attempts` starts, `deaths` starts that were never heard of again.
    Times are Unix seconds by the store's clock.
    """

    state: Literal["rung", "running", "resting"]
    rings: int = 0
    attempts: int = 0
    deaths: int = 0
    not_before: float = 0.0
    owner: str = ""
    percent: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecords:
    """Everything the work store holds about one item's present generation.

    `last` is the plan of the generation before, which stands until there is a new one.
    """

    drop: Drop
    generation: str
    plan: Plan | None = None
    last: Plan | None = None
    done: Mapping[str, StepRecord] = field(default_factory=dict)
    failed: Mapping[str, Failure] = field(default_factory=dict)
    runs: Mapping[str, tuple[Run, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRecords:
    """A consistent look at one post: its listing, and values read from it.

    `by_item` is the listing by item: a post may have thousands of them, with several records each.
    """

    post: str
    entries: Mapping[str, Entry]
    by_item: Mapping[str, tuple[Entry, ...]]
    drop: PostDrop | None
    items: Mapping[str, Drop]

    @property
    def signature(self) -> tuple[tuple[str, str], ...]:
        """Changes whenever any record of the post does."""
        return tuple(sorted((e.key, e.identity) for e in self.entries.values()))

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The same without the run records, which change every few seconds during long work."""
        return tuple(pair for pair in self.signature if not _is_run(pair[0]))


def _is_run(key: str) -> bool:
    return key.rpartition("/")[2].startswith("run-")


_KINDS: dict[str, type[Any]] = {
    "plan": Plan,
    "done": StepRecord,
    "fail": Failure,
    "run": Run,
}


class Records:
    """Typed access to the work store. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._cache: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    # -- names

    def claim_post(self, folder: str) -> str:
        """The slug of a folder, given once and for ever; the first to ask keeps the plain one."""
        return self._claim("names/posts", folder, intake.folder_title(folder))

    def claim_item(self, post: str, path: str) -> str:
        """The slug of a media file within its post."""
        return self._claim(f"names/items/{post}", path, intake.title_of(path))

    def _claim(self, prefix: str, name: str, text: str) -> str:
        for slug in intake.slug_candidates(text):
            key = f"{prefix}/{slug}.json"
            held = self._names(key)
            if held is None and self.store.create(_object(key, Name(name=name))):
                held = name
            if (held or self._names(key)) == name:
                return slug
        raise RuntimeError("ten thousand files of one name")  # pragma: no cover

    def _names(self, key: str) -> str | None:
        # A name never changes hands, so it may be remembered without asking again.
        known = self._cache.get((key, ""))
        if known is None:
            known = self.get(Name, key)
            if known is not None:
                self._remember((key, ""), known)
        return None if known is None else str(known.name)

    # -- posts

    def posts(self) -> dict[str, PostDrop]:
        """Every post ever seen, by slug."""
        return self._of_posts(PostDrop, "drop")

    def cards(self) -> dict[str, PostCard]:
        """The front page's view of every published post."""
        return self._of_posts(PostCard, "card")

    def _of_posts(self, kind: type[T], name: str) -> dict[str, T]:
        found = {}
        for entry in self.store.list("posts/"):
            post, _, rest = entry.key.removeprefix("posts/").partition("/")
            value = self.known(kind, entry) if rest == f"{name}.json" else None
            if value is not None:
                found[post] = value
        return found

    def post(self, post: str) -> PostRecords:
        """Look at one post: one listing, and only what changed since is read again."""
        look = self._look(post, f"items/{post}/")
        drop_key = post_key(post, "drop")
        at = self.store.stat(drop_key)
        if at is None:
            return look
        entries = {**look.entries, drop_key: at}
        return replace(look, entries=entries, drop=self.known(PostDrop, at))

    def one(self, post: str, item: str) -> PostRecords:
        """Look at one item of a post alone; what is said of the whole post is left out."""
        return self._look(post, f"items/{post}/{item}/")

    def _look(self, post: str, prefix: str) -> PostRecords:
        entries = {entry.key: entry for entry in self.store.list(prefix)}
        by_item: dict[str, list[Entry]] = {}
        for entry in entries.values():
            by_item.setdefault(entry.key.split("/")[2], []).append(entry)
        items = {
            entry.key.split("/")[2]: drop
            for entry in entries.values()
            if entry.key.endswith("/drop.json") and (drop := self.known(Drop, entry))
        }
        grouped = {item: tuple(found) for item, found in by_item.items()}
        return PostRecords(post=post, entries=entries, by_item=grouped, drop=None, items=items)

    def item(self, look: PostRecords, item: str, generation: str) -> ItemRecords:
        """Everything about one item of a post that was looked at."""
        prefix = f"items/{look.post}/{item}/"
        found: dict[str, dict[str, Any]] = {kind: {} for kind in _KINDS}
        last: tuple[float, str] = (0.0, "")
        for entry in look.by_item.get(item, ()):
            key = entry.key
            kind, dash, name = key.removeprefix(prefix).removesuffix(".json").partition("-")
            if not dash:
                continue
            if kind == "plan" and name != generation:
                last = max(last, (entry.modified, key))
                continue
            # A run record goes when its work ends, which may be right after we looked.
            value: Any = self.known(_KINDS[kind], entry)
            if value is not None:
                found[kind][name] = (value, entry.modified) if kind == "run" else value
        return ItemRecords(
            drop=look.items[item],
            generation=generation,
            plan=found["plan"].get(generation),
            last=self.known(Plan, look.entries.get(last[1])),
            done=found["done"],
            failed=found["fail"],
            runs=found["run"],
        )

    def marks(self, post: str) -> list[str]:
        """The keys that say a post is settled; dropping them has the next scan look at it."""
        return [entry.key for entry in self.store.list(settled_prefix(post))]

    # -- feeds

    def feed_entries(self) -> dict[str, FeedEntry]:
        """What feeds say of every published post."""
        return self._of_posts(FeedEntry, "feed")

    def firsts(self, post: str, names: Iterable[str]) -> dict[str, float]:
        """When each of these was first asked for, in Unix seconds; now, for those that are new."""
        prefix = f"posts/{post}/first/"
        there = {entry.key: entry for entry in self.store.list(prefix)}
        found = {}
        for name in names:
            key = f"{prefix}{name or '_'}.json"
            if key not in there:
                # Whoever comes first has said it; two at once are told the same.
                self.store.create(_object(key, First(at=self.store.now())))
            first = self.read(First, there[key]) if key in there else self.get(First, key)
            found[name] = first.at if first else 0.0
        return found

    # -- values

    def read(self, kind: type[T], entry: Entry) -> T:
        """The value behind a listed entry; read once for each identity. Raises Missing."""
        name = (entry.key, entry.identity)
        with self._lock:
            known = self._cache.get(name)
        if known is None:
            known = _parsed(kind, entry.key, self.store.read(entry.key))
            self._remember(name, known)
        value: T = known
        return value

    def known(self, kind: type[T], entry: Entry | None) -> T | None:
        """The same, or None where there is no such record (any more), or none we can read."""
        try:
            return None if entry is None else self.read(kind, entry)
        except Missing:
            return None

    def get(self, kind: type[T], key: str) -> T | None:
        """The value at a key, or None."""
        try:
            return _parsed(kind, key, self.store.read(key))
        except Missing:
            return None

    def put(self, key: str, value: Any) -> None:
        """Write a value."""
        self.store.put(_object(key, value))

    def drop(self, *keys: str) -> None:
        """Forget records."""
        self.store.delete(keys)

    def _remember(self, name: tuple[str, str], value: Any) -> None:
        with self._lock:
            if len(self._cache) >= CACHED_RECORDS:
                self._cache.clear()
            self._cache[name] = value


def _parsed(kind: type[T], key: str, data: bytes) -> T:
    """A record's value. One that another version wrote in its own way is as good as none.

    Whatever it told is found out again from the upload; its own store needs no migration.
    """
    try:
        return from_json(kind, data)
    except ValueError as odd:
        log.warning("%s was written by another version and is made anew (%s)", key, odd)
        raise Missing(f"The record {key} cannot be read by this version.") from odd


def post_key(post: str, kind: str) -> str:
    """`posts/<post>/<kind>.json`."""
    return f"posts/{post}/{kind}.json"


def item_key(post: str, item: str, kind: str, name: str = "") -> str:
    """`items/<post>/<item>/<kind>[-<name>].json`."""
    return f"items/{post}/{item}/{kind}{'-' if name else ''}{name}.json"


def settled_prefix(post: str) -> str:
    """Where the mark of a finished post lies; its name is what it was finished for."""
    return f"settled/{post}/"


def failures(keys: Iterable[str], post: str, item: str | None) -> Iterator[str]:
    """Keys to forget so that failed work is tried anew."""
    return _of_kinds(("fail-", "run-"), keys, f"items/{post}/{item}/" if item else f"items/{post}/")


def finished(keys: Iterable[str], post: str, item: str) -> Iterator[str]:
    """Keys to forget so that an item whose media were removed is made anew."""
    return _of_kinds(("done-", "fail-", "run-"), keys, f"items/{post}/{item}/")


def _of_kinds(kinds: tuple[str, ...], keys: Iterable[str], prefix: str) -> Iterator[str]:
    for key in keys:
        if key.startswith(prefix) and key.rpartition("/")[2].startswith(kinds):
            yield key


def _object(key: str, value: Any) -> Object:
    return Object(key=key, body=to_json(value), media_type=JSON)
