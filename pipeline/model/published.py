"""The published truth: manifests, the site, and what its lists and feeds need to know.

Owns what readers and scripts can see; its fields are documented in docs/manifest.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.model.found import Chapter
from pipeline.model.kinds import Kind, State
from pipeline.model.made import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an item failed, in the reporter's words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What the manifest tells of an upload: its own name, never its place in the store."""

    name: str
    bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemManifest:
    """`<post>/<item>/item.json`."""

    schema: str = "newsreel/item/1"
    post: str
    item: str
    kind: Kind
    version: str = ""
    version_of: str = ""
    duplicate_of: str = ""
    state: State
    percent: int
    title: str
    titles: dict[str, str] = field(default_factory=dict)
    caption: str = ""
    alt: str = ""
    credit: str = ""
    language: str = "en"
    source: SourceFacts
    probe: dict[str, Any] = field(default_factory=dict)
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    colour: str = ""
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()
    error: Failure | None = None
    outputs: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostManifest:
    """`<post>/post.json`: the post and all of its items in reading order."""

    schema: str = "newsreel/post/1"
    post: str
    title: str
    titles: dict[str, str] = field(default_factory=dict)
    language: str
    date: str = ""
    first_seen: str = ""
    byline: str = ""
    credit: str = ""
    blog: str = ""
    text: str = ""
    cover: str = ""
    state: State
    percent: int
    notes: tuple[str, ...] = ()
    items: tuple[ItemManifest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What feeds say of a site; empty means: what its name and its pictures give.

    `category` is one of Apple's, "News" or "News > Politics"; `image` an absolute URL; `origin` the
    address that the ids of entries are made from, for a site that has moved.
    """

    description: str = ""
    author: str = ""
    email: str = ""
    category: str = "News"
    explicit: bool = False
    image: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where published files are seen from, and whose they are."""

    base_url: str
    name: str = "Newsreel"
    language: str = "en"
    blog: str = ""
    show: Show = Show()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardItem:
    """A film or a recording that has a page worth finding."""

    item: str
    kind: Kind
    title: str
    text: str = ""
    duration_ms: int | None = None
    has_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCard:
    """What the site's front page and its sitemap need to know of a post."""

    post: str
    title: str
    language: str
    date: str
    state: State
    poster: str = ""
    first_seen: str = ""
    preview: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    items: tuple[CardItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """A file that a feed points at."""

    key: str
    media_type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A film, a recording or a photo as feeds list it; `published` is an ISO moment with its zone.

    `file` is what is downloaded, `square` the picture that directories of podcasts show.
    """

    item: str
    kind: Kind
    title: str
    text: str
    html: str
    published: str
    duration_ms: int | None
    file: FeedFile
    poster: FeedFile
    square: str = ""
    captions: tuple[FeedFile, ...] = ()
    has_chapters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """A post as feeds list it; without episodes, there is nothing of it to be seen yet.

    `html` is what feed readers show of it; `updated` the moment its newest item came.
    """

    post: str
    title: str
    language: str
    author: str
    text: str
    html: str
    published: str
    updated: str
    episodes: tuple[Episode, ...] = ()
