"""Where published things lie, and how long they may be kept.

Owns the keys of a post's pages and stable files, their absolute and relative URLs, and the cache
headers of the two sorts of key: names that are pointers, and names that contain their content's
hash. Refuses to say what is behind a key: see `display` and `pages`.
"""

from __future__ import annotations

import ipaddress
import posixpath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from pipeline.model import ItemManifest, PostManifest, Site

# Pointers change in place and are asked for again soon; hashed names never change.
POINTER = "public, max-age=60, stale-while-revalidate=600"
# Lists that grow while a film is in the works: kept, but never used without asking.
FRESH = "no-cache"
FOREVER = "public, max-age=31536000, immutable"

INDEX = "index.html"
OLDER = "_index/"
# What link cards show, of every system that we know.
CONTACT_SIZE = (1200, 630)


def index(number: int = 1) -> str:
    """A page of the list of posts; no post's slug begins with an underscore."""
    return INDEX if number == 1 else f"{OLDER}{number}.html"


def post_page(post: PostManifest, language: str = "") -> str:
    """The page of the whole post; in another language than its own, beside it."""
    return f"{post.post}/index.{language}.html" if language else f"{post.post}/index.html"


def post_json(post: PostManifest) -> str:
    """The manifest of the whole post."""
    return f"{post.post}/post.json"


def sheet(post: PostManifest, language: str = "", number: int = 1) -> str:
    """The reporter's sheet; in another language than the post's, and its further pages, beside."""
    if number == 1 and language in ("", post.language):
        return f"{post.post}/embeds.html"
    name = f"{language or post.language}-{number}" if number > 1 else language
    return f"{post.post}/embeds/{name}.html"


def gallery(post: PostManifest | str, number: int = 1) -> str:
    """A page of all photos of a post; the first one has the address that is pasted."""
    name = post if isinstance(post, str) else post.post
    return f"{name}/gallery.html" if number == 1 else f"{name}/gallery/{number}.html"


def contact(post: str) -> str:
    """The picture of all photos of a post, for link cards."""
    return f"{post}/gallery/contact.jpg"


def gallery_file(post: PostManifest, name: str) -> str:
    """A file of the gallery: embed.html, oembed.json, pages.json, contact.jpg."""
    return f"{post.post}/gallery/{name}"


def post_file(post: PostManifest, name: str) -> str:
    """A file of the post as a whole: embed.html, oembed.json."""
    return f"{post.post}/post/{name}"


def watch(item: ItemManifest) -> str:
    """The page of one item."""
    return f"{item.post}/{item.item}.html"


def frame(item: ItemManifest) -> str:
    """What an article's iframe shows of one item."""
    return file(item, "embed.html")


def file(item: ItemManifest, name: str) -> str:
    """A stable file of one item: embed.html, oembed.json, item.json, poster.jpg, video.mp4."""
    return f"{item.post}/{item.item}/{name}"


def transcript(item: ItemManifest, language: str) -> str:
    """The page of all that is said in an item, in one language."""
    return file(item, f"transcript.{language}.html")


def transcript_text(item: ItemManifest, language: str) -> str:
    """The same as a text file."""
    return file(item, f"transcript.{language}.txt")


def absolute(site: Site, key: str) -> str:
    """The public URL of a key; `site.base_url` may have a path of its own."""
    return f"{site.base_url.rstrip('/')}/{quote(key)}"


def relative(page: str, key: str) -> str:
    """How the page at key `page` points at `key`, wherever the whole site is moved."""
    return quote(posixpath.relpath(key, posixpath.dirname(page) or "."))


def origin(site: Site) -> str:
    """Scheme and authority of the site, for a content security policy; "" when it has none."""
    parts = urlsplit(site.base_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def reachable(site: Site) -> bool:
    """Whether readers elsewhere can open the site: absolute https, and no private host."""
    parts = urlsplit(site.base_url)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme == "https" and bool(host) and not _private(host)


def _private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        # Names without a dot, and the suffixes of RFC 6761 and RFC 6762, mean something only here.
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".test"))
