"""What the reporter's sheet says: which blog wants which snippet, and what is still missing.

Owns the list of blog systems with the variant each keeps intact (measured with the sanitizers of
those systems), the warnings per item, and how a long post is spread over several sheets. Refuses
to write markup: see `pages` and its template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline import address, bandwidth, display, embed, remarks
from pipeline.bandwidth import Cost, Overhead
from pipeline.display import Stage
from pipeline.model import ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases
from pipeline.subject import subject_of_gallery, subject_of_item, subject_of_post

# More photos than this make a page too long to find anything on, and too heavy to open.
PHOTOS_PER_SHEET = 60

# Enough of BCP 47 to name a page by.
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")

# Of a post with nothing to show.
_NO_SHAPE = (16, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A kind of blog and the variant for it; without a name of its own it is called by a phrase.

    The phrase `how-<id>` tells a reporter, in that system's words, where to paste.
    """

    id: str
    name: str
    variant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One block with a copy button, and the systems it is shown for.

    `aside` is offered beside the one that a system needs, folded away.
    """

    variant: str
    text: str
    systems: tuple[str, ...]
    aside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to paste, with what a reporter should know about it first.

    Where it has no snippets, `reason` stands in their place; `shape` is the true shape of what
    they show, `poster` that of the picture they lead from.
    """

    id: str
    title: str
    page: str
    preview: str
    snippets: tuple[Snippet, ...]
    reason: str = ""
    shape: tuple[int, int]
    poster: tuple[int, int]
    item: ItemManifest | None = None
    warnings: tuple[str, ...] = ()
    lint: tuple[str, ...] = ()
    costs: tuple[Cost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page of the sheet: a language, a number from 1, and its part of the entries."""

    language: str
    number: int
    entries: tuple[Entry, ...]


SYSTEMS = (
    System(id="wordpress", name="WordPress", variant="url"),
    System(id="blogger", name="Blogger", variant="iframe"),
    System(id="ghost", name="Ghost", variant="iframe"),
    System(id="drupal", name="Drupal, Joomla", variant="iframe"),
    System(id="static", name="", variant="iframe"),
    System(id="hugo", name="Hugo", variant="hugo"),
    System(id="jekyll", name="Jekyll", variant="jekyll"),
    System(id="markdown", name="GitHub, Markdown", variant="markdown"),
    System(id="social", name="Mastodon, Discord, Slack", variant="url"),
    System(id="mail", name="", variant="poster"),
    System(id="plain", name="", variant="native"),
)

# What serves a system whose own variant is not there, the best first.
_INSTEAD = {
    "iframe": ("native", "poster", "url"),
    "native": ("poster", "url"),
    "hugo": ("markdown", "url"),
    "jekyll": ("native", "poster", "url"),
    "poster": ("url",),
    "markdown": ("url",),
}


def languages(post: PostManifest) -> tuple[str, ...]:
    """The post's own language, then those in which somebody gave titles.

    What is no language tag stays out: it becomes part of a page's name.
    """
    titled = {name for texts in (post.titles, *(i.titles for i in post.items)) for name in texts}
    return (post.language, *sorted(filter(_TAG.fullmatch, titled - {post.language})))


def sheets(site: Site, post: PostManifest, overhead: Overhead) -> Iterator[Sheet]:
    """Every page of the sheet in every language; the first is the one that is always there."""
    for language in languages(post):
        spoken = replace(post, language=language)
        for number, items in enumerate(_parts(post), start=1):
            whole = _wholes(site, spoken, overhead) if number == 1 else ()
            ones = tuple(_item(site, spoken, item, overhead) for item in items)
            yield Sheet(language=language, number=number, entries=(*whole, *ones))


def entries(site: Site, post: PostManifest, overhead: Overhead) -> tuple[Entry, ...]:
    """Everything that can be pasted, in one language: post, gallery, then every item in order."""
    ones = (_item(site, post, item, overhead) for item in _offered(post))
    return (*_wholes(site, post, overhead), *ones)


def warnings(post: PostManifest, item: ItemManifest) -> tuple[str, ...]:
    """What readers will miss, each with the remedy."""
    if display.stage(item) is not Stage.READY:
        return ()
    return tuple(_WARNINGS[item.kind](Phrases(post.language), item))


# --- warnings --------------------------------------------------------------------------------


def _about_photo(say: Phrases, item: ItemManifest) -> Iterator[str]:
    if not item.alt:
        yield say("warn-alt")


_WARNINGS = {
    Kind.PHOTO: _about_photo,
    Kind.VIDEO: remarks.remarks,
    Kind.AUDIO: remarks.remarks,
}


# --- entries ---------------------------------------------------------------------------------


def _offered(post: PostManifest) -> tuple[ItemManifest, ...]:
    """The items that are offered.

    A version is offered by the item it is a version of; it has no entry of its own unless it
    failed, which its reporter must be told. Of a duplicate photo the post's notes tell.
    """
    found = (i for i in post.items if display.main_version(post, i) is i or i.error)
    return tuple(item for item in found if display.original(post, item) is item)


def _parts(post: PostManifest) -> list[tuple[ItemManifest, ...]]:
    """Films, recordings and failures come first where photos fill more than one sheet."""
    offered = _offered(post)
    photos = [item for item in offered if item.kind is Kind.PHOTO and not item.error]
    if len(photos) <= PHOTOS_PER_SHEET:
        return [offered]
    first = tuple(item for item in offered if item not in photos)
    chunks = range(0, len(photos), PHOTOS_PER_SHEET)
    return [first, *(tuple(photos[at : at + PHOTOS_PER_SHEET]) for at in chunks)]


def _item(site: Site, post: PostManifest, item: ItemManifest, overhead: Overhead) -> Entry:
    texts = embed.snippets(site, post, item)
    subject = subject_of_item(site, post, item)
    return Entry(
        id=item.item,
        title=display.title(item, post.language),
        page=address.watch(item),
        preview=address.frame(item),
        snippets=_blocks(texts, item.kind),
        reason=_reason(texts),
        shape=subject.shape,
        poster=subject.poster.size,
        item=item,
        warnings=warnings(post, item),
        lint=tuple(remarks.lint(Phrases(post.language), item)),
        costs=bandwidth.costs(item, overhead),
    )


def _wholes(site: Site, post: PostManifest, overhead: Overhead) -> tuple[Entry, ...]:
    photos = display.photos(post)
    whole = _whole_post(site, post)
    return (whole, _gallery(site, post, overhead)) if len(photos) > 1 else (whole,)


def _gallery(site: Site, post: PostManifest, overhead: Overhead) -> Entry:
    texts = embed.gallery_snippets(site, post)
    subject = subject_of_gallery(site, post)
    return Entry(
        id="gallery",
        title=Phrases(post.language)("all-photos"),
        page=address.gallery(post),
        preview=address.gallery_file(post, "embed.html"),
        snippets=_blocks(texts, "gallery"),
        shape=subject.shape,
        poster=subject.poster.size,
        costs=bandwidth.gallery_costs(display.photos(post), overhead),
    )


def _whole_post(site: Site, post: PostManifest) -> Entry:
    texts = embed.post_snippets(site, post)
    subject = subject_of_post(site, post)
    return Entry(
        id="post",
        title=Phrases(post.language)("whole-post"),
        page=address.post_page(post),
        preview=address.post_file(post, "embed.html"),
        snippets=_blocks(texts, "post"),
        reason=_reason(texts),
        shape=subject.shape if subject else _NO_SHAPE,
        poster=subject.poster.size if subject else _NO_SHAPE,
    )


def _reason(texts: dict[str, str]) -> str:
    """What stands in the place of all snippets, where there are none."""
    reasons = [text for text in texts.values() if embed.is_reason(text)]
    return reasons[0] if len(reasons) == len(texts) else ""


def _blocks(texts: dict[str, str], kind: str) -> tuple[Snippet, ...]:
    """In the order of VARIANTS. A system whose variant is missing is served the nearest one."""
    usable = [name for name, text in texts.items() if not embed.is_reason(text)]
    served = {system.id: _served(system, kind, usable) for system in SYSTEMS}
    made = [
        Snippet(
            variant=name,
            text=texts[name],
            systems=tuple(id_ for id_, variant in served.items() if variant == name),
        )
        for name in usable
    ]
    native = next((one.systems for one in made if one.variant == "native"), ())
    # The first image of an article is the same photo, for the same systems.
    return tuple(
        replace(one, systems=native, aside=True) if one.variant == "first" else one for one in made
    )


def _served(system: System, kind: str, usable: list[str]) -> str:
    """Photos are shown as pictures wherever pictures may stand: a frame gains them nothing."""
    wanted = "native" if kind == Kind.PHOTO and system.variant == "iframe" else system.variant
    choices = (wanted, *_INSTEAD.get(wanted, ()))
    return next((name for name in choices if name in usable), "")
