"""What came in: the uploads, and what a reporter says about them.

Owns sources, sidecars, and the texts of post.toml. What is inside a file is in `found`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pipeline.model.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One uploaded file. `identity` is the store's own name for exactly these bytes."""

    key: str
    name: str
    bytes: int
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A text file that belongs to a media file; `language` is a BCP-47 tag or "und".

    `named` is False where the file's name holds no language, and the post's was assumed.
    """

    role: Literal["captions", "caption-text", "transcript"]
    language: str
    source: Source
    named: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemInfo:
    """What post.toml says about one item; empty means: take it from elsewhere.

    `version` is what readers call this version of a film; `versions` are further ones to be made
    of its file, by name, each the clip that it shows. A photo may be a `scan`, and be set upright
    (`deskew`); None: as the post says.
    """

    title: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    caption: str = ""
    alt: str = ""
    credit: str = ""
    poster: str = ""
    clip: str = ""
    version: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    scan: bool | None = None
    deskew: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostInfo:
    """What post.toml says about the post, with sensible defaults for everything."""

    title: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    language: str = ""
    date: str = ""
    byline: str = ""
    credit: str = ""
    cover: str = ""
    profile: str = ""
    blog: str = ""
    text: str = ""
    order: tuple[str, ...] = ()
    sort: Literal["", "name", "taken"] = ""
    items: dict[str, ItemInfo] = field(default_factory=dict)
    scan: bool = False
    deskew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One item as it lies in the ingest bucket: a media file with what belongs to it.

    `edition` is raised when somebody asks for everything to be made anew. A film may be one
    version of another item: `version` is what readers call it, `version_of` that item.
    """

    post: str
    item: str
    kind: Kind
    media: Source
    sidecars: tuple[Sidecar, ...] = ()
    info: ItemInfo = ItemInfo()
    profile: str = "default"
    version: str = ""
    version_of: str = ""
    edition: int = 0
    withdrawn: bool = False
