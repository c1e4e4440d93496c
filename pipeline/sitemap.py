"""What search engines are told of the whole site: sitemap.xml with its films, and robots.txt.

Owns which pages are worth finding (posts, galleries, films and recordings; a photo is found through
its gallery) and the properties Google asks of a film. Pure, from the cards of all posts, like the
front page, and written with it. Refuses to keep robots away from anything: what must not be found
says so itself, which only works where it may be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from pipeline import address, escape, structured
from pipeline.model import CardItem, Kind, Object, PostCard, Site

SITEMAP, ROBOTS = "sitemap.xml", "robots.txt"

# The protocol's own limit; the newest posts come first.
MAX_URLS = 50_000

# Google's: longer ones are cut there anyway, and films of more than eight hours have none.
_TITLE_CHARACTERS = 100
_MAX_SECONDS = 28_800

_URLS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_VIDEO = "http://www.google.com/schemas/sitemap-video/1.1"
ET.register_namespace("", _URLS)
ET.register_namespace("video", _VIDEO)


def render(site: Site, cards: Iterable[PostCard]) -> tuple[Object, ...]:
    """Both files; `cards` newest first. Nothing for a site that knows no address of its own."""
    if not address.origin(site):
        return ()
    root = ET.Element(f"{{{_URLS}}}urlset")
    root.extend(_limited(_urls(site, cards)))
    ET.indent(root, "")
    body = b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n"
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {address.absolute(site, SITEMAP)}\n"
    return (
        _file(SITEMAP, body, "application/xml"),
        _file(ROBOTS, robots.encode(), "text/plain; charset=utf-8"),
    )


def _file(key: str, body: bytes, media_type: str) -> Object:
    return Object(key=key, body=body, media_type=media_type, cache=address.POINTER)


def _limited(urls: Iterator[ET.Element]) -> Iterator[ET.Element]:
    return (url for url, _ in zip(urls, range(MAX_URLS), strict=False))


def _urls(site: Site, cards: Iterable[PostCard]) -> Iterator[ET.Element]:
    yield _url(site, address.INDEX)
    for card in cards:
        yield _url(site, f"{card.post}/index.html")
        if card.counts.get(Kind.PHOTO, 0) > 1:
            yield _url(site, f"{card.post}/gallery.html")
        for item in card.items:
            yield _item(site, card, item)


def _url(site: Site, key: str) -> ET.Element:
    url = ET.Element(f"{{{_URLS}}}url")
    _add(url, _URLS, "loc", address.absolute(site, key))
    return url


def _item(site: Site, card: PostCard, item: CardItem) -> ET.Element:
    base = f"{card.post}/{item.item}"
    url = _url(site, f"{base}.html")
    if item.kind is Kind.VIDEO:
        video = ET.SubElement(url, f"{{{_VIDEO}}}video")
        for name, text in _film(site, card, item, base).items():
            if text:
                _add(video, _VIDEO, name, text)
    return url


def _film(site: Site, card: PostCard, item: CardItem, base: str) -> dict[str, str]:
    """In the order of Google's schema; the file only once the film is whole."""
    seconds = min((item.duration_ms or 0) // 1000, _MAX_SECONDS)
    return {
        "thumbnail_loc": address.absolute(site, f"{base}/poster.jpg"),
        "title": item.title[:_TITLE_CHARACTERS],
        "description": structured.description(item.text or item.title),
        "content_loc": address.absolute(site, f"{base}/video.mp4") if item.has_file else "",
        "player_loc": address.absolute(site, f"{base}/embed.html"),
        "duration": str(seconds) if seconds else "",
        "publication_date": structured.moment(card.date) or card.first_seen,
        "family_friendly": "yes",
    }


def _add(parent: ET.Element, space: str, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{space}}}{name}").text = escape.xml_text(text)
