"""What the reporter's sheet says: which blog wants which snippet, and what is still missing.

Owns the list of blog systems with the variant each keeps intact (measured with the sanitizers of
those systems) and the warnings per item. Refuses to write markup: see `pages` and its template.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import address, display, embed
from pipeline.display import Stage
from pipeline.errors import BadInput
from pipeline.model import ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases


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
    """One block with a copy button, and the systems it is shown for."""

    variant: str
    text: str
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to paste, with what a reporter should know about it first."""

    id: str
    title: str
    page: str
    preview: str
    snippets: tuple[Snippet, ...]
    item: ItemManifest | None = None
    warnings: tuple[str, ...] = ()


SYSTEMS = (
    System(id="wordpress", name="WordPress", variant="url"),
    System(id="blogger", name="Blogger", variant="iframe"),
    System(id="ghost", name="Ghost", variant="iframe"),
    System(id="drupal", name="Drupal, Joomla", variant="iframe"),
    System(id="static", name="", variant="iframe"),
    System(id="hugo", name="Hugo", variant="hugo"),
    System(id="markdown", name="GitHub, Markdown", variant="markdown"),
    System(id="mail", name="", variant="poster"),
    System(id="plain", name="", variant="native"),
)


def entries(site: Site, post: PostManifest) -> tuple[Entry, ...]:
    """Everything that can be pasted: the post, its gallery, then every item in order.

    A version is offered by the item it is a version of; it has no entry of its own unless it
    failed, which its reporter must be told.
    """
    whole = (_whole_post(site, post),)
    gallery = (_gallery(site, post),) if len(display.photos(post)) > 1 else ()
    items = [item for item in post.items if display.main_version(post, item) is item or item.error]
    return whole + gallery + tuple(_item(site, post, item) for item in items)


def warnings(post: PostManifest, item: ItemManifest) -> tuple[str, ...]:
    """What readers will miss, each with the remedy."""
    say = Phrases(post.language)
    if display.stage(item) is not Stage.READY:
        return ()
    if item.kind is Kind.PHOTO and not item.alt:
        return (say("warn-alt"),)
    speaks = item.kind is Kind.VIDEO and not display.is_silent(item)
    return (say("warn-captions"),) if speaks and not display.captions(item) else ()


def _item(site: Site, post: PostManifest, item: ItemManifest) -> Entry:
    return Entry(
        id=item.item,
        title=display.title(item, post.language),
        page=address.watch(item),
        preview=address.frame(item),
        snippets=_item_snippets(site, post, item),
        item=item,
        warnings=warnings(post, item),
    )


def _item_snippets(site: Site, post: PostManifest, item: ItemManifest) -> tuple[Snippet, ...]:
    try:
        return _blocks(embed.snippets(site, post, item))
    except BadInput:
        return ()  # the sheet shows the failure itself, beside the item's state


def _gallery(site: Site, post: PostManifest) -> Entry:
    return Entry(
        id="gallery",
        title=Phrases(post.language)("all-photos"),
        page=address.gallery(post),
        preview=address.gallery_file(post, "embed.html"),
        snippets=_blocks(embed.gallery_snippets(site, post)),
    )


def _whole_post(site: Site, post: PostManifest) -> Entry:
    return Entry(
        id="post",
        title=Phrases(post.language)("whole-post"),
        page=address.post_page(post),
        preview="",
        snippets=_blocks(embed.post_snippets(site, post)),
    )


def _blocks(texts: dict[str, str]) -> tuple[Snippet, ...]:
    """In the order of VARIANTS. A system whose variant is missing is served the nearest one."""
    variants = [name for name in embed.VARIANTS if name in texts]
    return tuple(
        Snippet(
            variant=name,
            text=texts[name],
            systems=tuple(
                system.id for system in SYSTEMS if _served(system.variant, variants) == name
            ),
        )
        for name in variants
    )


def _served(variant: str, variants: list[str]) -> str:
    if variant in variants:
        return variant
    nearest = "markdown" if variant == "hugo" else "poster"
    return nearest if nearest in variants else "url"
