"""Every small file of a post, in the order in which it must be written.

Owns which pages exist, their keys, media types and cache headers; the markup is in `templates`,
scripts and styles in `assets`. Pure: manifests in, objects out, no clock and no store. Refuses to
choose what is shown (`display`), to write snippets (`embed`) and to store anything (`flow`).
Layering, top to bottom: pages, sheet and structured, embed and oembed, embed_markup, subject,
press, display_film and display, address and phrases, model.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from pipeline import (
    address,
    chapters,
    display,
    embed,
    embed_markup,
    escape,
    languages,
    model,
    oembed,
    sheet,
    sitemap,
    structured,
    transcript,
)
from pipeline.bandwidth import Overhead
from pipeline.model import ItemManifest, Object, PostCard, PostManifest, Site, State
from pipeline.phrases import Phrases
from pipeline.press import FETCHED, JSON, Press, assets, edition, json_page, pointer, styled
from pipeline.transcript import Transcript

__all__ = ["assets", "index", "render", "stamps", "withdrawn"]

_TEXT = "text/plain; charset=utf-8"

# Posts on a page of the list: with their posters, what a phone loads while one scrolls.
_CARDS = 48

# The markup of a frame, give or take.
_FRAME_BYTES = 6_000


def render(
    site: Site,
    post: PostManifest,
    words: Mapping[str, Transcript] | None = None,
    only: Collection[str] | None = None,
) -> tuple[Object, ...]:
    """Every page and manifest of a post: what others refer to first, stable names last.

    `words` are the transcripts that the items' outputs name, by key. With `only`, the pages of
    these items alone, beside those of the whole post. Withdrawn items are reduced to their polite
    notice, in the manifests too.
    """
    post = _without_withdrawn_content(post)
    press = Press(site=site, post=post, words=words or {})
    own = _own_posts(post)
    items = [item for item in post.items if only is None or item.item in only]
    style, *own_pages = _post_pages(press)
    return (
        *assets(),
        *(
            page
            for item in items
            for page in _item_pages(replace(press, post=own[item.item]), item)
        ),
        *_gallery(press),
        *_post_frame(press),
        style,
        pointer(address.post_json(post), model.to_json(post), JSON),
        *own_pages,
        *_sheets(press),
    )


def stamps(site: Site, post: PostManifest) -> dict[str, str]:
    """What the pages of each item say, in one word: where it stays, they stay as they are."""
    post = _without_withdrawn_content(post)
    here = (edition(), asdict(site))
    return {
        item: model.digest(*here, hashlib.sha256(model.to_json(own)).hexdigest())
        for item, own in _own_posts(post).items()
    }


def withdrawn(site: Site, post: PostManifest, item: ItemManifest) -> tuple[Object, ...]:
    """What replaces a withdrawn item, so that nothing that was pasted ends in an error page.

    Nothing of its content remains, not even its title. The publisher puts the placeholder poster
    in the place of the item's two poster files.
    """
    item = display.scrubbed(item, Phrases(post.language))
    return (*assets(), *_item_pages(Press(site=site, post=post), item))


def index(site: Site, cards: tuple[PostCard, ...]) -> tuple[Object, ...]:
    """The list of posts, newest first, in pages, the front page last; and what crawlers read."""
    newest = sorted(cards, key=lambda card: (card.date, card.post), reverse=True)
    parts = [newest[start : start + _CARDS] for start in range(0, len(newest), _CARDS)] or [[]]
    press = Press(site=site, post=None)
    keys = [address.index(number) for number in range(1, len(parts) + 1)]
    written = [
        press.page(key, "index.html.j2", here=key, number=number, keys=keys, cards=part)
        for number, (key, part) in enumerate(zip(keys, parts, strict=True), 1)
    ]
    return (*assets(), *reversed(written), *sitemap.render(site, newest))


# --- pages of one item -----------------------------------------------------------------------


def _own_posts(post: PostManifest) -> dict[str, PostManifest]:
    """The post as the pages of each item see it: with that item, its versions and duplicates alone.

    So the pages of a photo do not change with the thousand others, nor with how far they are.
    """
    families: dict[str, list[ItemManifest]] = {}
    for item in post.items:
        families.setdefault(_family(item), []).append(item)
    words = replace(post, state=State.PUBLISHED, percent=100, notes=(), items=())
    return {item.item: replace(words, items=tuple(families[_family(item)])) for item in post.items}


def _family(item: ItemManifest) -> str:
    return item.version_of or item.duplicate_of or item.item


def _item_pages(press: Press, item: ItemManifest) -> tuple[Object, ...]:
    press, style = styled(press, address.file(item, "style.css"), (item,))
    return (
        style,
        _item_json(item),
        _item_oembed(press, item),
        *chapters.files(item),
        _frame(press, item),
        *_transcripts(press, item),
        _watch(press, item),
    )


# --- pages of a post ---------------------------------------------------------------------------


def _without_withdrawn_content(post: PostManifest) -> PostManifest:
    say = Phrases(post.language)
    return replace(
        post,
        items=tuple(
            display.scrubbed(item, say) if item.state is State.WITHDRAWN else item
            for item in post.items
        ),
    )


def _item_json(item: ItemManifest) -> Object:
    return pointer(address.file(item, "item.json"), model.to_json(item), JSON)


def _item_oembed(press: Press, item: ItemManifest) -> Object:
    answer = oembed.item(press.site, _post(press), item)
    return json_page(address.file(item, "oembed.json"), answer)


def _frame(press: Press, item: ItemManifest) -> Object:
    return press.page(address.frame(item), "frame.html.j2", item=item)


class _Said(NamedTuple):
    """A transcript with the output that it is."""

    made: model.Artifact
    words: Transcript


def _said(press: Press, item: ItemManifest) -> tuple[_Said, ...]:
    """What is said in an item, in each language; () until it plays."""
    if display.stage(item) is not display.Stage.READY:
        return ()
    found = ((made, press.words.get(made.key)) for made in display.transcripts(item))
    return tuple(_Said(made, words) for made, words in found if words)


def _transcripts(press: Press, item: ItemManifest) -> Iterator[Object]:
    said = _said(press, item)
    title = display.title(item, press.language)
    for one in said:
        language = one.words.language
        text = transcript.plain(one.words, title).encode()
        yield pointer(address.transcript_text(item, language), text, _TEXT)
        key = address.transcript(item, language)
        yield press.page(key, "transcript.html.j2", item=item, one=one, said=said)


def _watch(press: Press, item: ItemManifest) -> Object:
    post, said = _post(press), _said(press, item)
    all_said = transcript.flat(said[0].words) if said else ""
    linked = structured.item_linked_data(press.site, post, item, all_said)
    return press.page(
        address.watch(item),
        "watch.html.j2",
        item=item,
        said=said,
        meta=structured.item_meta(press.site, post, item),
        oembed=address.file(item, "oembed.json"),
        linked=escape.script_json(linked) if linked else "",
    )


def _gallery(press: Press) -> Iterator[Object]:
    """Pages of all photos, the first one last; and which photo is on which page."""
    post = _post(press)
    photos = display.photos(post)
    if not photos:
        return
    yield json_page(address.gallery_file(post, "oembed.json"), oembed.gallery(press.site, post))
    yield from _strip(press, photos)
    sheets = display.sheets(photos)
    for number in range(len(sheets), 0, -1):
        yield from _gallery_page(press, sheets, number)
    if len(sheets) > 1:
        yield json_page(address.gallery_file(post, "pages.json"), _places(post, sheets))


def _strip(press: Press, photos: tuple[ItemManifest, ...]) -> tuple[Object, Object]:
    """What an article shows of a gallery: its first photos."""
    post = _post(press)
    shown = photos[: display.STRIP]
    key = address.gallery_file(post, "embed.html")
    dressed, style = styled(press, address.gallery_file(post, "embed.css"), shown)
    page = dressed.page(key, "gallery_frame.html.j2", photos=shown, total=len(photos))
    return style, page


def _gallery_page(
    press: Press, sheets: tuple[tuple[ItemManifest, ...], ...], number: int
) -> tuple[Object, Object]:
    post, photos = _post(press), sheets[number - 1]
    key = address.gallery(post, number)
    dressed, style = styled(press, address.gallery_file(post, f"{number}.css"), photos)
    linked = structured.gallery_linked_data(press.site, replace(post, items=photos))
    page = dressed.page(
        key,
        "gallery.html.j2",
        here=key,
        number=number,
        last=len(sheets),
        keys=[address.gallery(post, one) for one in range(1, len(sheets) + 1)],
        before=sum(len(sheet) for sheet in sheets[: number - 1]),
        total=sum(len(sheet) for sheet in sheets),
        photos=photos,
        meta=structured.gallery_meta(press.site, post, key),
        oembed=address.gallery_file(post, "oembed.json"),
        linked=escape.script_json(linked),
    )
    return style, page


def _post_frame(press: Press) -> tuple[Object, ...]:
    """What an article shows of the whole post, and what it is told that asks for it."""
    post = _post(press)
    return (
        json_page(address.post_file(post, "oembed.json"), oembed.whole(press.site, post)),
        press.page(
            address.post_file(post, "embed.html"),
            "post_frame.html.j2",
            cover=display.cover(post),
            counts=_counts(post),
        ),
    )


def _counts(post: PostManifest) -> dict[model.Kind, int]:
    """How much of each kind readers are offered; kinds without any are left out."""
    kinds = [item.kind for item in display.shown(post)]
    return {kind: kinds.count(kind) for kind in model.Kind if kind in kinds}


def _places(post: PostManifest, sheets: tuple[tuple[ItemManifest, ...], ...]) -> dict[str, Any]:
    """Where a photo is that a link names: pages change as photos are added, the link does not."""
    here = address.gallery_file(post, "pages.json")
    return {
        "pages": [
            {
                "url": address.relative(here, address.gallery(post, number)),
                "photos": [item.item for item in photos],
            }
            for number, photos in enumerate(sheets, 1)
        ]
    }


def _post_pages(press: Press) -> Iterator[Object]:
    """The whole post in every language that has titles, its own last."""
    post = _post(press)
    groups = display.groups(post)
    items = (item for group in groups for item in group.items)
    dressed, style = styled(press, f"{post.post}/style.css", items)
    yield style
    keys = {post.language: address.post_page(post)}
    keys |= {name: address.post_page(post, name) for name in display.languages(post)}
    for language in reversed(keys):
        spoken = replace(post, language=language)
        yield replace(dressed, post=spoken).page(
            keys[language],
            "post.html.j2",
            here=keys[language],
            keys=keys,
            written_in=post.language,
            groups=groups,
            preparing=any(display.stage(one) is display.Stage.PREPARING for one in post.items),
            oembed=address.post_file(post, "oembed.json"),
            meta=structured.post_meta(press.site, spoken, keys[language]),
        )


def _sheets(press: Press) -> Iterator[Object]:
    """Every page of the reporter's sheet; the one that is always there comes last."""
    site, post = press.site, _post(press)
    made = list(sheet.sheets(site, post, _overhead()))
    names = [
        {
            "key": address.sheet(post, one.language),
            "language": one.language,
            "name": languages.label(one.language),
        }
        for one in made
        if one.number == 1
    ]
    printed = []
    for one in reversed(made):
        spoken = replace(press, post=replace(post, language=one.language))
        key = address.sheet(post, one.language, one.number)
        items = (entry.item for entry in one.entries if entry.item)
        dressed, style = styled(spoken, f"{key.removesuffix('.html')}.css", items)
        yield style
        page = dressed.page(
            key,
            "sheet.html.j2",
            here=key,
            entries=one.entries,
            others=names,
            pages=[
                address.sheet(post, o.language, o.number)
                for o in made
                if o.language == one.language
            ],
            systems=sheet.SYSTEMS,
            installed={
                "hugo": embed_markup.hugo_file(site),
                "jekyll": embed_markup.jekyll_file(site),
            },
            refusal=embed.refusal(site, _post(spoken)),
            narrowest=embed.NARROWEST,
            widest=embed.WIDEST,
        )
        printed.append(page)
    yield from printed


@functools.cache
def _overhead() -> Overhead:
    """What a frame costs of ours; its own page is small, and of much the same size everywhere.

    Of scripts and styles it is what a folder serves; a bucket, which keeps them packed, takes less.
    """
    sizes = {one.key.rpartition("/")[2]: len(bytes(one.body)) for one in assets()}
    return Overhead(
        frame=_FRAME_BYTES + sizes["player.css"] + sizes["player.js"],
        film=sizes["film.js"],
        playing=sizes[FETCHED],
    )


def _post(press: Press) -> PostManifest:
    if press.post is None:
        raise TypeError("this page belongs to a post")
    return press.post
