"""Printing one page: templates, content policy, scripts and styles, and the style of a page's own.

Owns what all pages have in common, whatever they show: how a template is filled, the keys of the
assets, cache headers and media types. Pure. Refuses to know which pages there are: see `pages`.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

import jinja2

from pipeline import address, display, display_film, feeds, figures, hosts, phrases
from pipeline.errors import ConfigError
from pipeline.model import ItemManifest, Object, PostManifest, Site
from pipeline.phrases import Phrases
from pipeline.transcript import Transcript

_HTML = "text/html; charset=utf-8"
JSON = "application/json"
_ASSET_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}

# Not ours, and not in the repository: the Makefile fetches it.
FETCHED = "hls.min.js"

# Bounds for the shapes of the photo grid, so that a panorama or a strip cannot break its row.
_NARROWEST, _WIDEST = 0.4, 3.2


@functools.cache
def assets() -> tuple[Object, ...]:
    """Scripts and styles under one name made of all their bytes, so that they match one another.

    Raises ConfigError where hls.js was never fetched.
    """
    files = {
        path.name: _lean(path.name, path.read_bytes())
        for path in sorted(resources.files("pipeline").joinpath("assets").iterdir(), key=str)
        if path.is_file()
    }
    if FETCHED not in files:
        raise ConfigError(f"The player's {FETCHED} was not fetched yet: run `make web` once.")
    name = hashlib.sha256(b"\0".join(files.values())).hexdigest()[:12]
    return tuple(
        Object(
            key=f"_p/{name}/{file}",
            body=body,
            media_type=_ASSET_TYPES[file.rpartition(".")[2]],
            cache=address.FOREVER,
            encoding="gzip",
        )
        for file, body in files.items()
    )


def _lean(name: str, body: bytes) -> bytes:
    """Our own scripts and styles without indentation and comment lines: folders are sent plain."""
    if name == FETCHED or not name.endswith((".js", ".css")):
        return body
    lines = (line.strip() for line in body.splitlines())
    return b"\n".join(line for line in lines if line and not line.startswith(b"//")) + b"\n"


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


def prepare() -> None:
    """Compile every template now, so that the first post of a process does not wait for it."""
    for name in _templates().list_templates():
        _templates().get_template(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Prints pages of one post (or of the site) with what all templates need."""

    site: Site
    post: PostManifest | None
    style: str = ""
    words: Mapping[str, Transcript] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """What the page is in."""
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
                feeds=functools.partial(feeds.offered, self.site),
                url=functools.partial(address.relative, key),
                public=functools.partial(address.absolute, self.site),
                asset=lambda name: address.relative(key, _asset_key(name)),
                style=address.relative(key, self.style) if self.style else "",
                shape_class=shape_class,
                **values,
            )
        )
        return pointer(key, text.encode(), _HTML)


def _policy(site: Site) -> str:
    """No inline script or style, no other host.

    The origin is named beside 'self' because some browsers let 'self' match nothing in a
    sandboxed frame. On a host that strangers share, the origin is theirs as well: there only our
    own folder counts.
    """
    here = f"'self' {address.origin(site)}".strip()
    if hosts.is_shared(site.base_url):
        here = address.absolute(site, "")
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


def pointer(key: str, body: bytes, media_type: str) -> Object:
    """Something small that changes in place."""
    return Object(key=key, body=body, media_type=media_type, cache=address.POINTER)


def json_page(key: str, value: dict[str, Any]) -> Object:
    """A small answer for programs."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return pointer(key, text.encode(), JSON)


# --- styles of their own ---------------------------------------------------------------------


def styled(press: Press, key: str, items: Iterable[ItemManifest]) -> tuple[Press, Object]:
    """The press with a style sheet for the items that a page shows.

    Shapes and colours are classes, because the policy allows no style attributes. A class is named
    after what it says: a page that a cache kept from before finds what it knew, or nothing.
    """
    lines = sorted({f".{shape_class(item)}{{{_declarations(item)}}}\n" for item in items})
    style = pointer(key, "".join(lines).encode(), _ASSET_TYPES["css"])
    return replace(press, style=key), style


def shape_class(item: ItemManifest) -> str:
    """The class that gives a picture its shape and colour."""
    return f"s{hashlib.sha256(_declarations(item).encode()).hexdigest()[:8]}"


def _declarations(item: ItemManifest) -> str:
    width, height = display.ratio(item)
    across = min(max(width / height, _NARROWEST), _WIDEST)
    colour = f";background-color:{display.colour(item)}" if display.colour(item) else ""
    return f"--r:{across:.4f};aspect-ratio:{width}/{height}{colour}"


@functools.cache
def edition() -> str:
    """Changes with every template, script and style: pages are then written anew."""
    folder = resources.files("pipeline").joinpath("templates")
    templates = [path.read_bytes() for path in sorted(folder.iterdir(), key=str) if path.is_file()]
    names = ",".join(asset.key for asset in assets())
    return hashlib.sha256(b"\0".join([*templates, names.encode()])).hexdigest()[:12]
