"""Feeds as XML: Atom 1.0, and RSS 2.0 with the namespaces of podcasts and of Media RSS.

Owns elements, attributes and their order. Everything is built as a tree and serialized, so that no
text can become markup; characters that XML cannot hold are dropped before. Refuses to choose
entries: `feeds` does. Rules: RFC 4287, RSS 2.0.11, Apple's podcast requirements, the podcast
namespace (podcastindex.org), Media RSS 1.5.1.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from pipeline import address, chapters, languages
from pipeline.escape import html_text, one_line, xml_text
from pipeline.model import Episode, FeedEntry, FeedFile, Kind, Object, Site
from pipeline.phrases import Phrases

ATOM_TYPE = "application/atom+xml; charset=utf-8"
RSS_TYPE = "application/rss+xml; charset=utf-8"
COVER = "podcast.jpg"

_ATOM = "http://www.w3.org/2005/Atom"
_ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_PODCAST = "https://podcastindex.org/namespace/1.0"
_MEDIA = "http://search.yahoo.com/mrss/"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
for _prefix, _namespace in (
    ("atom", _ATOM),
    ("itunes", _ITUNES),
    ("podcast", _PODCAST),
    ("media", _MEDIA),
    ("content", _CONTENT),
):
    ET.register_namespace(_prefix, _namespace)
# The podcast namespace's own, for the id of a show (docs/tags/guid.md).
_SHOWS = uuid.UUID("ead4c236-bf58-58c6-a2c6-a7b28d128cb6")
_EPOCH = datetime.fromtimestamp(0, UTC)
# Kinds by the names that Media RSS has for them.
_MEDIUM = {Kind.VIDEO: "video", Kind.AUDIO: "audio", Kind.PHOTO: "image"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed: whose it is, where it lies, and its language ("" for all of a site)."""

    site: Site
    key: str
    language: str

    @property
    def spoken(self) -> str:
        """The language of its own words."""
        return self.language or self.site.language

    @property
    def title(self) -> str:
        """The site's name; with the language's, where there is one feed for each."""
        spoken = f" ({languages.label(self.language)})" if self.language else ""
        return one_line(self.site.name) + spoken

    @property
    def text(self) -> str:
        """What the site is."""
        default = Phrases(self.spoken)("feed-description", name=self.site.name)
        return one_line(self.site.show.description or default)

    @property
    def author(self) -> str:
        """Who stands behind it."""
        return one_line(self.site.show.author or self.site.name)


def atom(feed: Feed, entries: Sequence[FeedEntry]) -> Object:
    """An Atom feed: posts, newest first, with what feed readers show of each."""
    # Atom is the default namespace here, so that its names need no prefix.
    root = ET.Element("feed", {"xmlns": _ATOM, _XML_LANG: feed.spoken})
    own = address.absolute(feed.site, feed.key)
    _add(root, "id", _urn(feed.site, feed.key))
    _add(root, "title", feed.title)
    _add(root, "subtitle", feed.text)
    _add(root, "updated", max((_moment(e.updated) for e in entries), default=_EPOCH).isoformat())
    _add(root, "link", rel="self", type="application/atom+xml", href=own)
    home = address.absolute(feed.site, address.INDEX)
    _add(root, "link", rel="alternate", type="text/html", href=home)
    _add(ET.SubElement(root, "author"), "name", feed.author)
    _add(root, "generator", "Newsreel")
    for one in entries:
        _entry(root, feed, one)
    return _printed(feed.key, root, ATOM_TYPE)


def podcast(feed: Feed, episodes: Sequence[tuple[FeedEntry, Episode]]) -> Object:
    """An RSS feed for podcast players and their directories: what can be played, newest first."""
    root = ET.Element("rss", {"version": "2.0"})
    channel = ET.SubElement(root, "channel")
    _channel(channel, feed, [one for _, one in episodes])
    for post, one in episodes:
        _item(channel, feed, post, one)
    return _printed(feed.key, root, RSS_TYPE)


# --- Atom ------------------------------------------------------------------------------------


def _entry(root: ET.Element, feed: Feed, one: FeedEntry) -> None:
    made = ET.SubElement(root, "entry", {_XML_LANG: one.language})
    page = address.absolute(feed.site, f"{one.post}/index.html")
    _add(made, "id", _urn(feed.site, one.post))
    _add(made, "title", one.title)
    _add(made, "published", one.published)
    _add(made, "updated", one.updated)
    _add(made, "link", rel="alternate", type="text/html", href=page)
    _add(ET.SubElement(made, "author"), "name", one.author or feed.author)
    _add(made, "summary", one.text)
    _add(made, "content", one.html, type="html")
    for episode in one.episodes:
        if episode.kind is not Kind.PHOTO:
            _enclosed(made, feed.site, episode)
    for episode in one.episodes:
        _media(ET.SubElement(made, f"{{{_MEDIA}}}group"), feed.site, one.post, episode)


def _enclosed(made: ET.Element, site: Site, one: Episode) -> None:
    _add(
        made,
        "link",
        rel="enclosure",
        type=one.file.media_type,
        length=str(one.file.bytes),
        href=address.absolute(site, one.file.key),
        title=one.title,
    )


# --- RSS -------------------------------------------------------------------------------------


def _channel(channel: ET.Element, feed: Feed, episodes: Sequence[Episode]) -> None:
    site, show = feed.site, feed.site.show
    _add(channel, "title", feed.title)
    _add(channel, "link", address.absolute(site, address.INDEX))
    _add(channel, "description", html_text(feed.text))
    _add(channel, "language", feed.spoken)
    _add(channel, "generator", "Newsreel")
    newest = max((_moment(one.published) for one in episodes), default=_EPOCH)
    _add(channel, "lastBuildDate", format_datetime(newest))
    own = address.absolute(site, feed.key)
    _add(channel, f"{{{_ATOM}}}link", rel="self", type="application/rss+xml", href=own)
    _add(channel, f"{{{_PODCAST}}}guid", _show_id(site, feed.key))
    _itunes(channel, "author", feed.author)
    _itunes(channel, "type", "episodic")
    _itunes(channel, "explicit", _said(show.explicit))
    _itunes(channel, "image", href=_show_image(site, episodes))
    main, _, part = (word.strip() for word in show.category.partition(">"))
    category = ET.SubElement(channel, f"{{{_ITUNES}}}category", {"text": main})
    if part:
        ET.SubElement(category, f"{{{_ITUNES}}}category", {"text": part})
    if show.email:
        owner = ET.SubElement(channel, f"{{{_ITUNES}}}owner")
        _itunes(owner, "name", feed.author)
        _itunes(owner, "email", show.email)


def _item(channel: ET.Element, feed: Feed, post: FeedEntry, one: Episode) -> None:
    site = feed.site
    made = ET.SubElement(channel, "item")
    _add(made, "title", one.title)
    _add(made, "link", address.absolute(site, f"{post.post}/{one.item}.html"))
    _add(made, "guid", _urn(site, f"{post.post}/{one.item}"), isPermaLink="false")
    _add(made, "pubDate", format_datetime(_moment(one.published)))
    # Players show it as HTML.
    _add(made, "description", html_text(one.text or one.title))
    _add(made, f"{{{_CONTENT}}}encoded", one.html)
    _add(
        made,
        "enclosure",
        url=address.absolute(site, one.file.key),
        length=str(one.file.bytes),
        type=one.file.media_type,
    )
    _itunes(made, "author", post.author or feed.author)
    _itunes(made, "explicit", _said(site.show.explicit))
    if one.duration_ms:
        _itunes(made, "duration", str(max(1, round(one.duration_ms / 1000))))
    if one.square:
        _itunes(made, "image", href=address.absolute(site, one.square))
    _words(made, site, post.post, one)
    _media(made, site, post.post, one)


def _words(made: ET.Element, site: Site, post: str, one: Episode) -> None:
    """Captions and chapters by the podcast namespace."""
    for track in one.captions:
        _add(
            made,
            f"{{{_PODCAST}}}transcript",
            url=address.absolute(site, track.key),
            type=track.media_type,
            language=track.language,
            rel="captions",
        )
    if one.has_chapters:
        key = f"{post}/{one.item}/{chapters.JSON_FILE}"
        url = address.absolute(site, key)
        _add(made, f"{{{_PODCAST}}}chapters", url=url, type=chapters.JSON_TYPE)


def _show_image(site: Site, episodes: Iterable[Episode]) -> str:
    """The operator's, else the newest episode's square, else the one that is always there."""
    squares = (address.absolute(site, one.square) for one in episodes if one.square)
    return site.show.image or next(squares, address.absolute(site, COVER))


def _itunes(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> None:
    _add(parent, f"{{{_ITUNES}}}{tag}", text, **attributes)


def _said(explicit: object) -> str:
    return "true" if explicit else "false"


# --- Media RSS -------------------------------------------------------------------------------


def _media(parent: ET.Element, site: Site, post: str, one: Episode) -> None:
    """The file, its picture, its player and its subtitles."""
    facts = _facts(one.file) | ({"duration": _seconds(one)} if one.duration_ms else {})
    url = address.absolute(site, one.file.key)
    content = _add(parent, f"{{{_MEDIA}}}content", url=url, medium=_MEDIUM[one.kind], **facts)
    inner = parent if parent.tag == f"{{{_MEDIA}}}group" else content
    _add(inner, f"{{{_MEDIA}}}title", one.title, type="plain")
    poster = address.absolute(site, one.poster.key)
    _add(inner, f"{{{_MEDIA}}}thumbnail", url=poster, **_size(one.poster))
    if one.kind is not Kind.PHOTO:
        player = address.absolute(site, f"{post}/{one.item}/embed.html")
        _add(inner, f"{{{_MEDIA}}}player", url=player)
    for track in one.captions:
        href = address.absolute(site, track.key)
        kind = {"type": track.media_type, "lang": track.language, "href": href}
        _add(inner, f"{{{_MEDIA}}}subTitle", **kind)


def _facts(file: FeedFile) -> dict[str, str]:
    return {"type": file.media_type, "fileSize": str(file.bytes), **_size(file)}


def _size(file: FeedFile) -> dict[str, str]:
    if not file.width or not file.height:
        return {}
    return {"width": str(file.width), "height": str(file.height)}


def _seconds(one: Episode) -> str:
    return str(max(1, round((one.duration_ms or 0) / 1000)))


# --- trees and ids ---------------------------------------------------------------------------


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    """One element; neither its text nor an attribute can hold what XML cannot."""
    clean = {key: xml_text(value) for key, value in attributes.items()}
    made = ET.SubElement(parent, tag, clean)
    made.text = xml_text(text) or None
    return made


def _printed(key: str, root: ET.Element, media_type: str) -> Object:
    body = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    return Object(key=key, body=body, media_type=media_type, cache=address.POINTER)


def _urn(site: Site, what: str) -> str:
    """An id that no new title, new picture or new publication changes."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{_origin(site)}/{what}").urn


def _show_id(site: Site, key: str) -> str:
    """The podcast namespace's id of a show: made from its address without the scheme."""
    plain = f"{_origin(site)}/{key}".partition("://")[2].rstrip("/")
    return str(uuid.uuid5(_SHOWS, plain))


def _origin(site: Site) -> str:
    return (site.show.origin or site.base_url).rstrip("/")


def _moment(iso: str) -> datetime:
    return datetime.fromisoformat(iso)
