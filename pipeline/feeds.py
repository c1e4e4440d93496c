"""Which feeds there are, and what of a post is in them.

Owns the choice of entries, their order, number and dates, and the names of the feeds: one of each
sort for the site, one for each language. Pure: a post becomes an entry once, when it is published,
and the feeds are printed from entries alone, so that hundreds of posts cost no second look. The
markup is in `feeds_xml`; `publish` keeps the entries and writes what is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pipeline import address, chapters, display, display_film, embed, escape, feeds_xml, structured
from pipeline.display import Stage
from pipeline.model import (
    Artifact,
    Episode,
    FeedEntry,
    FeedFile,
    ItemManifest,
    Kind,
    Object,
    PostManifest,
    Site,
)

# Feed readers ask every hour or so: a hundred posts are weeks of a busy newsroom, and 200 kB.
MAX_ENTRIES = 100
# Directories drop what is no longer in a feed, and list no more than this of a show.
MAX_EPISODES = 300
# An article that holds more is opened on its own page.
MAX_SNIPPETS = 20
# More photos than this are shown as a gallery.
LOOSE_PHOTOS = 3
MAX_PHOTOS = 20
# What came later than this after a post's first item is news of its own day.
SAME_PIECE = timedelta(days=1)

ATOM, PODCAST = "feed", "podcast"
_TYPES = {ATOM: "application/atom+xml", PODCAST: "application/rss+xml"}
_NAMED = {ATOM: "", PODCAST: ": Podcast"}


class Offer(NamedTuple):
    """A feed as a page's head names it."""

    media_type: str
    key: str
    title: str


def name(sort: str, language: str = "") -> str:
    """The key of a feed: feed.xml for the site, feed.es.xml for what is in Spanish."""
    return f"{sort}.{language}.xml" if language else f"{sort}.xml"


def offered(site: Site, post: PostManifest | None) -> tuple[Offer, ...]:
    """What pages tell browsers of: the site's feeds, and those of a post's own language."""
    if not has_feeds(site):
        return ()
    languages = ("", post.language) if post else ("",)
    feeds = (
        (sort, feeds_xml.Feed(site=site, key=name(sort, language), language=language))
        for language in languages
        for sort in (ATOM, PODCAST)
    )
    return tuple(Offer(_TYPES[sort], feed.key, feed.title + _NAMED[sort]) for sort, feed in feeds)


def has_feeds(site: Site) -> bool:
    """Feeds are read elsewhere: without a public address there is nothing to point at."""
    return bool(address.origin(site))


def entry(site: Site, post: PostManifest, firsts: Mapping[str, float]) -> FeedEntry:
    """A post for feeds, from what can be seen of it now.

    `firsts` says when the post ("") and each of its items was first seen ready, in Unix seconds.
    """
    ready = tuple(item for item in display.shown(post) if _is_whole(item))
    published = _published(post, firsts)
    episodes = tuple(
        _episode(site, post, item, _came(item, published, firsts)) for item in _listed(ready)
    )
    return FeedEntry(
        post=post.post,
        title=escape.one_line(display.post_title(post)),
        language=post.language,
        author=escape.one_line(post.byline),
        text=structured.description(post.text or display.post_title(post)),
        html=_html(site, post, ready),
        published=published.isoformat(),
        updated=max((e.published for e in episodes), key=_moment, default=published.isoformat()),
        episodes=episodes,
    )


def new_to(post: PostManifest) -> tuple[str, ...]:
    """The items whose first moment is worth remembering, and "" for the post itself."""
    ready = [item.item for item in display.shown(post) if _is_whole(item)]
    played = [i.item for i in display.shown(post) if i.item in ready and i.kind is not Kind.PHOTO]
    return ("", *played) if ready else ()


def render(site: Site, entries: Iterable[FeedEntry]) -> tuple[Object, ...]:
    """Every feed of a site, from the entries of all its posts, withdrawn ones without episodes.

    A language whose last post is gone keeps an empty feed: those who follow it get no error.
    """
    if not has_feeds(site):
        return ()
    known = tuple(entries)
    seen = sorted((e for e in known if e.episodes), key=_newest_first)
    languages = sorted({e.language for e in known})
    return tuple(_both(site, seen, languages))


def _both(site: Site, seen: list[FeedEntry], languages: list[str]) -> Iterator[Object]:
    for language in ("", *languages):
        chosen = [e for e in seen if language in ("", e.language)]
        feed = feeds_xml.Feed(site=site, key=name(ATOM, language), language=language)
        yield feeds_xml.atom(feed, chosen[:MAX_ENTRIES])
        show = feeds_xml.Feed(site=site, key=name(PODCAST, language), language=language)
        yield feeds_xml.podcast(show, _heard(chosen)[:MAX_EPISODES])


def _heard(entries: Iterable[FeedEntry]) -> list[tuple[FeedEntry, Episode]]:
    """What can be listened to or watched, newest first."""
    pairs = [(e, one) for e in entries for one in e.episodes if one.kind is not Kind.PHOTO]
    return sorted(pairs, key=lambda pair: _moment(pair[1].published), reverse=True)


def _newest_first(one: FeedEntry) -> tuple[float, str]:
    return (-_moment(one.published).timestamp(), one.post)


def _moment(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


# --- dates -----------------------------------------------------------------------------------


def _published(post: PostManifest, firsts: Mapping[str, float]) -> datetime:
    """The reporter's date, else when the post was first seen."""
    said = structured.moment(post.date)
    return _moment(said) if said else datetime.fromtimestamp(int(firsts.get("", 0)), UTC)


def _came(item: ItemManifest, published: datetime, firsts: Mapping[str, float]) -> str:
    """With its post, unless it was added on a later day."""
    begun, own = firsts.get("", 0), firsts.get(item.item, 0)
    late = own - begun > SAME_PIECE.total_seconds()
    return (datetime.fromtimestamp(int(own), UTC) if late else published).isoformat()


# --- what is shown ---------------------------------------------------------------------------


def _listed(ready: tuple[ItemManifest, ...]) -> Iterator[ItemManifest]:
    """Everything that plays, and the first photos: the gallery shows the rest."""
    photos = 0
    for item in ready:
        photos += item.kind is Kind.PHOTO
        if item.kind is not Kind.PHOTO or photos <= MAX_PHOTOS:
            yield item


def _is_whole(item: ItemManifest) -> bool:
    """True when the file that feeds point at is there: readers fetch an entry once."""
    return display.stage(item) is Stage.READY and _main_file(item) is not None


def _main_file(item: ItemManifest) -> Artifact | None:
    """The lasting file: the film, the MP3, which every podcast player takes, the photo."""
    if item.kind is Kind.VIDEO:
        return display_film.file(item)
    if item.kind is Kind.AUDIO:
        made = display.with_roles(item, "enclosure") or display.with_roles(item, "sound")
        return next(iter(made), None)
    return display.article_photo(item)


def _episode(site: Site, post: PostManifest, item: ItemManifest, published: str) -> Episode:
    made = _main_file(item)
    if made is None:
        raise ValueError("an item without a file in a feed")  # _is_whole never lets it pass
    poster, square = display.poster(item), next(iter(display.with_roles(item, "square")), None)
    return Episode(
        item=item.item,
        kind=item.kind,
        title=escape.one_line(display.title(item, post.language)),
        text=structured.description(item.caption or post.text),
        html=embed.snippets(site, post, item)["native"] if item.kind is not Kind.PHOTO else "",
        published=published,
        duration_ms=item.duration_ms,
        file=_file(made),
        poster=FeedFile(
            key=poster.key,
            media_type="image/jpeg",
            bytes=0,
            width=poster.width,
            height=poster.height,
        ),
        square=square.key if square else "",
        captions=tuple(_file(track) for track in display.captions(item)),
        has_chapters=bool(chapters.files(item)),
    )


def _file(made: Artifact) -> FeedFile:
    return FeedFile(
        key=made.key,
        media_type=made.media_type.partition(";")[0],
        bytes=made.bytes,
        width=made.width,
        height=made.height,
        language=made.language or "",
    )


def _html(site: Site, post: PostManifest, ready: tuple[ItemManifest, ...]) -> str:
    """The article as feed readers show it: its text, its snippets without frames, a link."""
    paragraphs = [p for p in post.text.split("\n\n") if p.strip()]
    text = "".join(f"<p>{escape.html_text(paragraph)}</p>" for paragraph in paragraphs)
    snippets = list(_snippets(site, post, ready))
    page = escape.html_attribute(address.absolute(site, address.post_page(post)))
    title = escape.html_text(display.post_title(post))
    more = f'<p><a href="{page}">{title}</a></p>'
    return text + "".join(snippets[:MAX_SNIPPETS]) + more


def _snippets(site: Site, post: PostManifest, ready: tuple[ItemManifest, ...]) -> Iterator[str]:
    photos = sum(item.kind is Kind.PHOTO for item in ready)
    shown = False
    for item in ready:
        if item.kind is not Kind.PHOTO or photos <= LOOSE_PHOTOS:
            yield embed.snippets(site, post, item)["native"]
        elif not shown:
            shown = True
            yield embed.gallery_snippets(site, post)["native"]
