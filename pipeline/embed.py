"""What a reporter pastes into a blog.

Owns which variants a thing has (an item, a post's photos, the whole post) and whether it may be
pasted at all: where it may not, the reason stands in its place, in a shape that does no harm. All
point only at lasting names. Refuses to write markup (`embed_markup`), to name and measure things
(`subject`) and to answer blogs that ask by themselves (`oembed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import display, embed_markup, hosts
from pipeline.display import Stage
from pipeline.embed_markup import FIRST, NEAR
from pipeline.errors import BadInput
from pipeline.model import ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases
from pipeline.subject import (
    AS_IT_IS,
    Look,
    Subject,
    public_poster,
    spread,
    subject_of_gallery,
    subject_of_item,
    subject_of_post,
)

if TYPE_CHECKING:
    from collections.abc import Callable

VARIANTS = ("iframe", "url", "native", "first", "poster", "markdown", "hugo", "jekyll")

# Those that put our player into the article.
FRAMED = ("iframe", "hugo", "jekyll")

# How many photos stand for a gallery where it cannot be opened.
_STRIP = 3

# What a screen can hold; a typing mistake is not made into a snippet.
NARROWEST, WIDEST = 100, 4000


def snippets(
    site: Site, post: PostManifest, item: ItemManifest, look: Look = AS_IT_IS
) -> dict[str, str]:
    """Every variant for one item, by name, each on one line.

    Valid from the moment the upload is seen. An item that failed, or was withdrawn, has the
    reason in the place of each (see `is_reason`). Only photos have the variant "first".
    """
    post = look.spoken(post)
    names = [name for name in VARIANTS if name != "first" or item.kind is Kind.PHOTO]
    if hopeless := reason(item):
        return dict.fromkeys(names, embed_markup.reason(hopeless))
    subject = subject_of_item(site, post, item, look)
    if item.kind is Kind.PHOTO:
        own = _photo(site, subject, item, look)
    else:
        own = {"native": _NATIVE[item.kind](site, subject, item)}
    return _guarded(site, post, _variants(subject, look) | own)


def snippet(site: Site, post: PostManifest, item: ItemManifest, variant: str) -> str:
    """One variant as it is; raises BadInput that lists the known ones for any other name."""
    known = snippets(site, post, item)
    check_variant(variant)
    if variant not in known:
        raise BadInput(
            f"“{item.item}” has no snippet called “{variant}”; choose one of {', '.join(known)}."
        )
    return known[variant]


def check_variant(variant: str) -> None:
    """Raise BadInput that lists the known variants for a name that is none of them."""
    if variant not in VARIANTS:
        raise BadInput(
            f"There is no snippet called “{variant}”; choose one of {', '.join(VARIANTS)}."
        )


def check_look(look: Look) -> None:
    """Raise BadInput for a width that no article has."""
    for width in (look.width, look.max_width):
        if width is not None and not NARROWEST <= width <= WIDEST:
            raise BadInput(f"A width is {NARROWEST} to {WIDEST} pixels, not {width}.")
    if look.width is not None and look.max_width is not None:
        raise BadInput("Choose either a width or a greatest width, not both.")


def gallery_snippets(site: Site, post: PostManifest, look: Look = AS_IT_IS) -> dict[str, str]:
    """Every variant for all photos of the post.

    `iframe` is the strip to swipe through, `poster` the cover that leads to the gallery, `native`
    the first three and a link. Raises BadInput when the post has no photo.
    """
    if not display.photos(post):
        raise BadInput(f"“{display.post_title(post)}” has no photos to make a gallery of.")
    post = look.spoken(post)
    subject = subject_of_gallery(site, post, look)
    pictures = [
        (public_poster(site, photo), display.alt(photo, post.language))
        for photo in display.photos(post)[:_STRIP]
    ]
    own = {"native": embed_markup.strip(subject, pictures, look)}
    return _guarded(site, post, _variants(subject, look) | own)


def post_snippets(site: Site, post: PostManifest, look: Look = AS_IT_IS) -> dict[str, str]:
    """Every variant for the whole post.

    `iframe` and `poster` show its cover, which leads to its page; `native` is all of it in order,
    photos together. While nothing of it can be shown there is only the reason.
    """
    post = look.spoken(post)
    subject = subject_of_post(site, post, look)
    if subject is None:
        words = f"“{display.post_title(post)}” has nothing to show yet."
        return dict.fromkeys(_without_first(), embed_markup.reason(words))
    own = {"native": "".join(_each(site, post, look))}
    return _guarded(site, post, _variants(subject, look) | own)


def reason(item: ItemManifest) -> str:
    """Why there is nothing to paste for an item; "" where there is."""
    stage = display.stage(item)
    if stage is Stage.WITHDRAWN:
        return f"“{item.item}” was withdrawn; there is nothing to paste."
    if stage is Stage.FAILED:
        told = item.error.message if item.error else "It could not be prepared."
        return f"There is nothing to paste for “{item.source.name}”: {told}"
    return ""


def refusal(site: Site, post: PostManifest) -> str:
    """Why our player may not be framed in this post's blog, and the remedy; "" where it may.

    A frame with scripts and its own origin is contained by that origin alone: on the blog's own
    host it could reach into the article, on a host of strangers they could reach into it.
    """
    say, host = Phrases(post.language), hosts.of(site.base_url)
    if hosts.is_same(site.base_url, post.blog or site.blog):
        return say("same-host", host=host)
    return say("shared-host", host=host) if hosts.is_shared(site.base_url) else ""


def is_reason(text: str) -> bool:
    """Whether a snippet is only the reason why there is none."""
    return embed_markup.is_reason(text)


def _guarded(site: Site, post: PostManifest, made: dict[str, str]) -> dict[str, str]:
    """In the order of VARIANTS; the reason in the place of frames that must not be."""
    refused = refusal(site, post)
    return {
        name: embed_markup.reason(refused) if refused and name in FRAMED else made[name]
        for name in VARIANTS
        if name in made
    }


def _variants(subject: Subject, look: Look) -> dict[str, str]:
    return {
        "iframe": embed_markup.iframe(subject),
        "url": subject.page,
        "poster": embed_markup.poster_link(subject, look),
        "markdown": embed_markup.markdown_link(subject),
        "hugo": embed_markup.hugo(subject),
        "jekyll": embed_markup.jekyll(subject),
    }


def _each(site: Site, post: PostManifest, look: Look) -> list[str]:
    """What is shown of a post, in order; its photos together where the first of them stands."""
    photos = display.photos(post)
    rest = photos[1:] if len(photos) > 1 else ()
    return [
        gallery_snippets(site, post, look)["native"]
        if rest and item is photos[0]
        else snippets(site, post, item, look)["native"]
        for item in display.shown(post)
        if item not in rest
    ]


def _without_first() -> list[str]:
    return [name for name in VARIANTS if name != "first"]


def _photo(site: Site, subject: Subject, item: ItemManifest, look: Look) -> dict[str, str]:
    """Among the text, and as the first image of an article, which browsers must not put off."""
    return {
        name: embed_markup.photo(site, subject, item, (spread(look), loading))
        for name, loading in (("native", NEAR), ("first", FIRST))
    }


_NATIVE: dict[Kind, Callable[[Site, Subject, ItemManifest], str]] = {
    Kind.VIDEO: embed_markup.native_video,
    Kind.AUDIO: embed_markup.native_audio,
}
