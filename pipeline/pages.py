"""Every small file of a post, in the order in which it must be written.

Owns which pages exist, their keys, media types and cache headers; the markup is in `templates`,
scripts and styles in `assets`. Pure: manifests in, objects out, no clock and no store. Refuses to
choose what is shown (`display`), to write snippets (`embed`) and to store anything (`flow`).
Layering, top to bottom: pages, sheet and structured, embed and oembed, embed_markup, subject,
display_film and display, address and phrases, model.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any, NamedTuple

import jinja2

from pipeline import (
    address,
    display,
    display_film,
    embed,
    embed_markup,
    escape,
    figures,
    languages,
    model,
    oembed,
    phrases,
    sheet,
    structured,
    transcript,
)
from pipeline.bandwidth import Overhead
from pipeline.errors import ConfigError
from pipeline.model import ItemManifest, Object, PostCard, PostManifest, Site, State
from pipeline.phrases import Phrases
from pipeline.transcript import Transcript

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_ASSET_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}

# Not ours, and not in the repository: the Makefile fetches it.
_FETCHED = "hls.min.js"

# The markup of a frame, give or take.
_FRAME_BYTES = 6_000

# Bounds for the shapes of the photo grid, so that a panorama or a strip cannot break its row.
_NARROWEST, _WIDEST = 0.4, 3.2


def render(
    site: Site, post: PostManifest, words: Mapping[str, Transcript] | None = None
) -> tuple[Object, ...]:
    """Every page and manifest of a post: what others refer to first, stable names last.

    `words` are the transcripts that the items' outputs name, by key. Withdrawn items are reduced
    to their polite notice, in the manifests too.
    """
    post = _without_withdrawn_content(post)
    press, style = _press(site, post)
    press = replace(press, words=words or {})
    return (
        *assets(),
        style,
        *(_item_json(item) for item in post.items),
        *(_item_oembed(press, item) for item in post.items),
        *(_frame(press, item) for item in post.items),
        *(page for item in post.items for page in _transcripts(press, item)),
        *(_watch(press, item) for item in post.items),
        *_gallery(press),
        *_post_frame(press),
        _pointer(address.post_json(post), model.to_json(post), _JSON),
        _post_page(press),
        *_sheets(press),
    )


def withdrawn(site: Site, post: PostManifest, item: ItemManifest) -> tuple[Object, ...]:
    """What replaces a withdrawn item, so that nothing that was pasted ends in an error page.

    Nothing of its content remains, not even its title. The publisher puts the placeholder poster
    in the place of the item's two poster files.
    """
    item = display.scrubbed(item, Phrases(post.language))
    press, style = _press(site, post)
    return (
        *assets(),
        style,
        _item_json(item),
        _item_oembed(press, item),
        _frame(press, item),
        _watch(press, item),
    )


def index(site: Site, cards: tuple[PostCard, ...]) -> tuple[Object, ...]:
    """The site's front page, newest post first."""
    newest = sorted(cards, key=lambda card: (card.date, card.post), reverse=True)
    press = _Press(site=site, post=None, style="", shapes={})
    page = press.page(address.INDEX, "index.html.j2", cards=newest)
    return (*assets(), page)


@functools.cache
def assets() -> tuple[Object, ...]:
    """Scripts and styles under one name made of all their bytes, so that they match one another.

    Raises ConfigError where hls.js was never fetched.
    """
    files = {
        path.name: path.read_bytes()
        for path in sorted(resources.files("pipeline").joinpath("assets").iterdir(), key=str)
        if path.is_file()
    }
    if _FETCHED not in files:
        raise ConfigError(f"The player's {_FETCHED} was not fetched yet: run `make web` once.")
    name = hashlib.sha256(b"\0".join(files.values())).hexdigest()[:12]
    return tuple(
        Object(
            key=f"_p/{name}/{file}",
            body=body,
            media_type=_ASSET_TYPES[file.rpartition(".")[2]],
            cache=address.FOREVER,
        )
        for file, body in files.items()
    )


# --- the press -------------------------------------------------------------------------------


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        display=display, films=display_film, address=address, locale=phrases.locale
    )
    environment.filters.update(
        size=figures.size,
        clock=figures.clock,
        rate=figures.rate,
        seconds=lambda value, say: say.number(value, "s"),
        megabytes=lambda count, say: say.number(count / 1e6, "MB"),
    )
    environment.tests["ready"] = lambda item: display.stage(item) is display.Stage.READY
    return environment


@dataclass(frozen=True, slots=True, kw_only=True)
class _Press:
    """Prints pages of one post (or of the site) with what all templates need."""

    site: Site
    post: PostManifest | None
    style: str
    shapes: dict[str, str]
    words: Mapping[str, Transcript] = field(default_factory=dict)

    @property
    def language(self) -> str:
        return self.post.language if self.post else self.site.language

    def page(self, key: str, template: str, **values: Any) -> Object:
        """One page; relative links are those of its key."""
        language = self.language
        text = (
            _templates()
            .get_template(template)
            .render(
                site=self.site,
                post=self.post,
                language=language,
                say=Phrases(language),
                csp=_policy(self.site),
                url=functools.partial(address.relative, key),
                public=functools.partial(address.absolute, self.site),
                asset=lambda name: address.relative(key, _asset_key(name)),
                style=address.relative(key, self.style) if self.style else "",
                shape_class=lambda item: self.shapes.get(item.item, ""),
                **values,
            )
        )
        return _pointer(key, text.encode(), _HTML)


def _policy(site: Site) -> str:
    """No inline script or style, no other host.

    The origin is named beside 'self' because some browsers let 'self' match nothing in a
    sandboxed frame.
    """
    here = f"'self' {address.origin(site)}".strip()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {here}",
            f"style-src {here}",
            f"img-src {here} data:",
            f"media-src {here} blob:",
            f"connect-src {here}",
            f"frame-src {here}",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _asset_key(name: str) -> str:
    return next(asset.key for asset in assets() if asset.key.endswith(f"/{name}"))


def _pointer(key: str, body: bytes, media_type: str) -> Object:
    return Object(key=key, body=body, media_type=media_type, cache=address.POINTER)


def _json(key: str, value: dict[str, Any]) -> Object:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _pointer(key, text.encode(), _JSON)


# --- the post's own style --------------------------------------------------------------------


def _press(site: Site, post: PostManifest) -> tuple[_Press, Object]:
    """A press for a post, and the style sheet its pages share.

    Shapes and colours are classes, because the policy allows no style attributes. A class is named
    after what it says: a page that a cache kept from before finds what it knew, or nothing.
    """
    rules = {item.item: _declarations(item) for item in post.items}
    shapes = {
        item: f"s{hashlib.sha256(rule.encode()).hexdigest()[:8]}" for item, rule in rules.items()
    }
    lines = sorted({f".{shapes[item]}{{{rule}}}\n" for item, rule in rules.items()})
    key = f"{post.post}/style.css"
    style = _pointer(key, "".join(lines).encode(), _ASSET_TYPES["css"])
    return _Press(site=site, post=post, style=key, shapes=shapes), style


def _declarations(item: ItemManifest) -> str:
    width, height = display.ratio(item)
    across = min(max(width / height, _NARROWEST), _WIDEST)
    colour = f";background-color:{display.colour(item)}" if display.colour(item) else ""
    return f"--r:{across:.4f};aspect-ratio:{width}/{height}{colour}"


# --- pages -----------------------------------------------------------------------------------


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
    return _pointer(address.file(item, "item.json"), model.to_json(item), _JSON)


def _item_oembed(press: _Press, item: ItemManifest) -> Object:
    answer = oembed.item(press.site, _post(press), item)
    return _json(address.file(item, "oembed.json"), answer)


def _frame(press: _Press, item: ItemManifest) -> Object:
    return press.page(address.frame(item), "frame.html.j2", item=item)


class _Said(NamedTuple):
    """A transcript with the output that it is."""

    made: model.Artifact
    words: Transcript


def _said(press: _Press, item: ItemManifest) -> tuple[_Said, ...]:
    """What is said in an item, in each language; () until it plays."""
    if display.stage(item) is not display.Stage.READY:
        return ()
    found = ((made, press.words.get(made.key)) for made in display.transcripts(item))
    return tuple(_Said(made, words) for made, words in found if words)


def _transcripts(press: _Press, item: ItemManifest) -> Iterator[Object]:
    said = _said(press, item)
    title = display.title(item, press.language)
    for one in said:
        language = one.words.language
        text = transcript.plain(one.words, title).encode()
        yield _pointer(address.transcript_text(item, language), text, _TEXT)
        key = address.transcript(item, language)
        yield press.page(key, "transcript.html.j2", item=item, one=one, said=said)


def _watch(press: _Press, item: ItemManifest) -> Object:
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


def _gallery(press: _Press) -> tuple[Object, ...]:
    post = _post(press)
    photos = display.photos(post)
    if not photos:
        return ()
    answer = address.gallery_file(post, "oembed.json")
    linked = escape.script_json(structured.gallery_linked_data(press.site, post))
    return (
        _json(answer, oembed.gallery(press.site, post)),
        press.page(
            address.gallery_file(post, "embed.html"), "gallery_frame.html.j2", photos=photos
        ),
        press.page(
            address.gallery(post),
            "gallery.html.j2",
            photos=photos,
            meta=structured.post_meta(press.site, post, address.gallery(post)),
            oembed=answer,
            linked=linked,
        ),
    )


def _post_frame(press: _Press) -> tuple[Object, ...]:
    """What an article shows of the whole post, and what it is told that asks for it."""
    post = _post(press)
    return (
        _json(address.post_file(post, "oembed.json"), oembed.whole(press.site, post)),
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


def _post_page(press: _Press) -> Object:
    post = _post(press)
    key = address.post_page(post)
    return press.page(
        key,
        "post.html.j2",
        groups=_groups(post),
        preparing=any(display.stage(one) is display.Stage.PREPARING for one in post.items),
        oembed=address.post_file(post, "oembed.json"),
        meta=structured.post_meta(press.site, post, key),
    )


def _groups(post: PostManifest) -> tuple[tuple[ItemManifest, ...], ...]:
    """Items in order; neighbouring photos together, to be laid out in rows."""
    groups: list[tuple[ItemManifest, ...]] = []
    for item in display.shown(post):
        if groups and item.kind is model.Kind.PHOTO and groups[-1][0].kind is model.Kind.PHOTO:
            groups[-1] = (*groups[-1], item)
        else:
            groups.append((item,))
    return tuple(groups)


def _sheets(press: _Press) -> Iterator[Object]:
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
    for one in reversed(made):
        spoken = replace(press, post=replace(post, language=one.language))
        key = address.sheet(post, one.language, one.number)
        yield spoken.page(
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


@functools.cache
def _overhead() -> Overhead:
    """What a frame costs of ours; its own page is small, and of much the same size everywhere."""
    sizes = {one.key.rpartition("/")[2]: len(bytes(one.body)) for one in assets()}
    return Overhead(
        frame=_FRAME_BYTES + sizes["player.css"] + sizes["player.js"],
        film=sizes["film.js"],
        playing=sizes[_FETCHED],
    )


def _post(press: _Press) -> PostManifest:
    if press.post is None:
        raise TypeError("this page belongs to a post")
    return press.post
