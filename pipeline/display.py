"""What of a manifest is shown now.

Owns the choices that snippets and pages have in common: whether an item plays yet, its tracks,
widths, downloads, name and shape, and which items readers see. What a film plays from is in
`display_film`. Refuses to write markup: see `embed` and `pages`. Before an item is probed its
shape is the commonest one, 16:9, and its poster is the placeholder the publisher keeps at the
stable name.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from pipeline import address, phrases
from pipeline import languages as names
from pipeline.figures import clock
from pipeline.model import Artifact, ItemManifest, Kind, PostManifest, SourceFacts, State
from pipeline.phrases import Phrases

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)

# The width of a photo that is shown where only one can be named; wide enough for an article
# column on a dense screen.
_ARTICLE_WIDTH = 1280


# Photos on a page of the gallery: about 100 kB of markup, and four screens of a phone.
SHEET = 100
# Photos that an article's strip holds before it leads to the gallery.
STRIP = 24
# Of a gallery with pages, the post's own page shows the beginning of each group.
GLIMPSE = 24


class Stage(StrEnum):
    """What a reader meets: the thing itself, or one of three notices."""

    READY = "ready"
    PREPARING = "preparing"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A single image: its key and its size in pixels, as far as known."""

    key: str
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items that a page shows together: one alone, or neighbouring photos in rows.

    `more` counts the photos that are left to the gallery.
    """

    items: tuple[ItemManifest, ...]
    more: int = 0


def stage(item: ItemManifest) -> Stage:
    """What a reader meets; something that plays outranks a failure of the rest."""
    if item.state is State.WITHDRAWN:
        return Stage.WITHDRAWN
    if _plays(item):
        return Stage.READY
    return Stage.FAILED if item.state is State.FAILED else Stage.PREPARING


def shown(post: PostManifest) -> tuple[ItemManifest, ...]:
    """The items readers see on the post's page, in order.

    Those that failed or were withdrawn are left out, and so are versions: the item they are
    versions of offers them.
    """
    return tuple(item for item in post.items if _is_seen(item) and main_version(post, item) is item)


def main_version(post: PostManifest, item: ItemManifest) -> ItemManifest:
    """The item that offers this one as a version; itself where there is none that is seen."""
    if not item.version_of:
        return item
    named = (one for one in post.items if one.item == item.version_of and not one.version_of)
    return next((one for one in named if _is_seen(one)), item)


def versions(post: PostManifest, item: ItemManifest) -> tuple[ItemManifest, ...]:
    """All versions of the film that `item` is one of, the main one first; () for a lone film."""
    main = main_version(post, item)
    others = [
        one
        for one in post.items
        if one.version_of and _is_seen(one) and one is not main and main_version(post, one) is main
    ]
    return (main, *others) if others else ()


def version_label(item: ItemManifest, say: Phrases) -> str:
    """What readers call a version: Full version, Short version, or the name it was given."""
    if item.version in ("", "short"):
        return say(f"version-{item.version or 'full'}")
    return say("version-named", name=item.version)


def photos(post: PostManifest) -> tuple[ItemManifest, ...]:
    """The photos of the gallery, in order."""
    return tuple(item for item in shown(post) if item.kind is Kind.PHOTO)


def sheets(photos: tuple[ItemManifest, ...]) -> tuple[tuple[ItemManifest, ...], ...]:
    """The photos of a gallery, page by page."""
    return tuple(photos[start : start + SHEET] for start in range(0, len(photos), SHEET))


def languages(post: PostManifest) -> tuple[str, ...]:
    """Further languages that the post's page is written in: those with titles that we speak."""
    titled = {name for texts in (post.titles, *(i.titles for i in shown(post))) for name in texts}
    return tuple(name for name in phrases.LANGUAGES if name in titled - {post.language})


def groups(post: PostManifest) -> tuple[Group, ...]:
    """What the post's page shows, in order; of very many photos a glimpse of each group."""
    found: list[list[ItemManifest]] = []
    for item in shown(post):
        if found and item.kind is Kind.PHOTO and found[-1][0].kind is Kind.PHOTO:
            found[-1].append(item)
        else:
            found.append([item])
    most = GLIMPSE if len(photos(post)) > SHEET else SHEET
    return tuple(Group(items=tuple(g[:most]), more=len(g[most:])) for g in found)


def cover(post: PostManifest) -> ItemManifest | None:
    """The item that stands for the post: the one it names, else the first that is shown."""
    items = shown(post)
    named = (item for item in items if item.item == post.cover)
    return next(named, items[0] if items else None)


def title(item: ItemManifest, language: str) -> str:
    """The item's title in that language where there is one."""
    return item.titles.get(language) or item.title or item.item


def post_title(post: PostManifest) -> str:
    """The post's title in its own language."""
    return post.titles.get(post.language) or post.title or post.post


def alt(item: ItemManifest, language: str) -> str:
    """What stands for a picture where it cannot be seen."""
    return item.alt or item.caption or title(item, language)


def shape(item: ItemManifest) -> tuple[int, int]:
    """Width and height of the item as displayed; 1280 x 720 until it is known."""
    return (item.width, item.height) if item.width and item.height else (1280, 720)


def ratio(item: ItemManifest) -> tuple[int, int]:
    """The shape in lowest terms: 16, 9."""
    width, height = shape(item)
    common = math.gcd(width, height)
    return width // common, height // common


def colour(item: ItemManifest) -> str:
    """The colour that stands in for a picture until it is loaded, as #rrggbb; "" if unknown."""
    return item.colour if _COLOUR.fullmatch(item.colour) else ""


def length(item: ItemManifest) -> str:
    """The running time as 3:12; empty for photos and while unknown."""
    return clock(item.duration_ms) if item.duration_ms and item.kind is not Kind.PHOTO else ""


def label(item: ItemManifest, say: Phrases, language: str) -> str:
    """What assistive technology calls a frame: Video: Council meeting (3:12)."""
    name = f"{say(item.kind)}: {title(item, language)}"
    return f"{name} ({length(item)})" if length(item) else name


def invitation(item: ItemManifest, say: Phrases) -> str:
    """The text of the link to the item's own page."""
    name = f"watch-{item.kind}"
    if item.kind is Kind.VIDEO and captions(item):
        return say(f"{name}-captions")
    if item.kind is Kind.AUDIO and transcripts(item):
        return say(f"{name}-transcript")
    return say(name)


def poster(item: ItemManifest) -> Picture:
    """The picture that stands for an item; photos stand for themselves."""
    if item.kind is Kind.PHOTO and jpegs(item):
        made = article_photo(item)
        return Picture(key=made.key, width=made.width or 0, height=made.height or 0)
    made_posters = with_roles(item, "poster")
    width, height = shape(item)
    if made_posters:
        width, height = made_posters[0].width or width, made_posters[0].height or height
    return Picture(key=address.file(item, "poster.jpg"), width=width, height=height)


def sounds(item: ItemManifest) -> tuple[Artifact, ...]:
    """The sound files a page offers: the better one first, the one for old players next."""
    return with_roles(item, "sound") + with_roles(item, "enclosure")


def waveform(item: ItemManifest) -> Artifact | None:
    """The picture of the sound, where there is one."""
    return next(iter(with_roles(item, "waveform")), None)


def sleeve(item: ItemManifest) -> Artifact | None:
    """The cover picture that came inside a recording, where there was one."""
    return next(iter(with_roles(item, "cover")), None)


def captions(item: ItemManifest) -> tuple[Artifact, ...]:
    """Subtitle files, those in the item's own language first."""
    return tuple(
        sorted(with_roles(item, "captions"), key=lambda made: made.language != item.language)
    )


def transcripts(item: ItemManifest) -> tuple[Artifact, ...]:
    """All that is said, in each language there is, that of the item first."""
    found = with_roles(item, "transcript")
    return tuple(sorted(found, key=lambda made: made.language != item.language))


def automatic(item: ItemManifest) -> tuple[Artifact, ...]:
    """Subtitles that a machine has made, and nobody has read yet."""
    return tuple(made for made in captions(item) if made.extra.get("automatic"))


def language_name(tag: str) -> str:
    """What a language calls itself."""
    return names.label(tag)


def track_label(track: Artifact) -> str:
    """What a player's menu calls a track."""
    return str(track.extra.get("label") or names.label(track.language or "und"))


def jpegs(item: ItemManifest) -> tuple[Artifact, ...]:
    """The photo's JPEG widths, narrowest first."""
    return _photos_of(item, "image/jpeg")


def avifs(item: ItemManifest) -> tuple[Artifact, ...]:
    """The photo's AVIF widths, narrowest first."""
    return _photos_of(item, "image/avif")


def largest(item: ItemManifest) -> Artifact:
    """The picture to zoom into: a scan's own large size, else the widest JPEG."""
    zoom = [made for made in with_roles(item, "large") if made.media_type == "image/jpeg"]
    return (zoom or jpegs(item))[-1]


def article_photo(item: ItemManifest) -> Artifact:
    """The one JPEG to name where there is room for one."""
    fitting = [made for made in jpegs(item) if (made.width or 0) <= _ARTICLE_WIDTH]
    return fitting[-1] if fitting else jpegs(item)[0]


def loop(item: ItemManifest) -> Artifact | None:
    """The short silent film of a picture that moves."""
    return next(iter(with_roles(item, "loop")), None)


def zoom(item: ItemManifest) -> Artifact | None:
    """The size that one can zoom into: of scans, of very large pictures, of documents."""
    return largest(item) if with_roles(item, "large", "page") else None


def leaves(item: ItemManifest) -> tuple[tuple[int, tuple[Artifact, ...]], ...]:
    """The pages of a document after its first: the page's number, and its files."""
    found: dict[int, list[Artifact]] = {}
    for made in with_roles(item, "page", "page-large"):
        # page-2-1280.jpg, as the plan named it
        number = int(made.key.rpartition("/")[2].split("-")[1])
        found.setdefault(number, []).append(made)
    return tuple((number, tuple(found[number])) for number in sorted(found))


def widths(made: tuple[Artifact, ...], media_type: str) -> tuple[Artifact, ...]:
    """Of a picture's files the fixed widths in one format, narrowest first."""
    fixed = (one for one in made if one.role in ("photo", "page"))
    return tuple(
        sorted(
            (one for one in fixed if one.media_type == media_type), key=lambda one: one.width or 0
        )
    )


def widest(made: tuple[Artifact, ...]) -> Artifact:
    """The JPEG that shows the most of a picture."""
    jpegs_ = (one for one in made if one.media_type == "image/jpeg")
    return max(jpegs_, key=lambda one: one.width or 0)


def has_loops(post: PostManifest) -> bool:
    """Whether a picture of the post moves."""
    return any(loop(item) for item in post.items)


def downloads(item: ItemManifest) -> tuple[Artifact, ...]:
    """The files a reader may take home: the film, the sound, the largest photo, subtitles."""
    films = with_roles(item, "video", "loop")
    pictures = (largest(item),) if jpegs(item) else ()
    return films + sounds(item) + pictures + captions(item)


def download_label(made: Artifact, say: Phrases) -> str:
    """What a download link says: MP4 720p, M4A, JPEG 2560 x 1707, VTT Español."""
    if made.role in ("video", "loop"):
        return f"MP4 {short_side(made)}p"
    if made.role in ("photo", "large"):
        return f"JPEG {made.width} × {made.height}"  # noqa: RUF001 - the sign of a size
    if made.role == "captions":
        return f"{say('captions')} ({track_label(made)}, VTT)"
    return "M4A" if made.media_type == "audio/mp4" else "MP3"


def short_side(made: Artifact) -> int:
    """The pixels a size of film is named by: 720 for 720p, upright or not."""
    return min(made.width or 0, made.height or 0)


def with_roles(item: ItemManifest, *roles: str) -> tuple[Artifact, ...]:
    """The outputs of an item that play one of these parts, in the manifest's order."""
    return tuple(made for made in item.outputs if made.role in roles)


def is_silent(item: ItemManifest) -> bool:
    """True only when the probe says that there is no sound."""
    return "audio" in item.probe and not item.probe["audio"]


def scrubbed(item: ItemManifest, say: Phrases) -> ItemManifest:
    """What remains of a withdrawn item: its place, its kind, and nothing of its content."""
    return ItemManifest(
        post=item.post,
        item=item.item,
        kind=item.kind,
        state=State.WITHDRAWN,
        percent=100,
        title=say("withdrawn"),
        source=SourceFacts(name="", bytes=0),
        language=item.language,
        width=item.width,
        height=item.height,
    )


def _plays(item: ItemManifest) -> bool:
    if item.kind is Kind.PHOTO:
        return bool(jpegs(item))
    wanted = ("hls", "video") if item.kind is Kind.VIDEO else ("sound", "enclosure")
    return bool(with_roles(item, *wanted))


def original(post: PostManifest, item: ItemManifest) -> ItemManifest:
    """The photo that is published in place of this one; itself, unless it is a duplicate."""
    named = (one for one in post.items if one.item == item.duplicate_of)
    return next((one for one in named if _is_seen(one)), item)


def _is_seen(item: ItemManifest) -> bool:
    return stage(item) in (Stage.READY, Stage.PREPARING) and not item.duplicate_of


def _photos_of(item: ItemManifest, media_type: str) -> tuple[Artifact, ...]:
    return widths(with_roles(item, "photo"), media_type)
