"""Feeds: what the rules of Atom, RSS, podcasts and Media RSS ask for, and nothing else in them.

Read by feedparser as a reader's program would, and by an XML parser as a validator would.
"""

from __future__ import annotations

import json
import re
import string
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

import feedparser
import pytest
from homes import Home
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_post import AUDIO, HOSTILE, POST, SITE, VIDEO, WITHDRAWN, made, photo, poisoned

from pipeline import chapters, escape, feeds, pages
from pipeline.model import (
    Chapter,
    FeedEntry,
    ItemManifest,
    Object,
    PostManifest,
    Show,
    Site,
    State,
)

NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "content": "http://purl.org/rss/1.0/modules/content/",
}
FIRST = datetime(2026, 11, 21, 8, 0, tzinfo=UTC).timestamp()
SHOWN = replace(
    AUDIO,
    chapters=(Chapter(start_ms=0, end_ms=60_500, title="Antes & después"),),
    outputs=(
        *AUDIO.outputs,
        made("captions", "pleno/entrevista/r/f/es.vtt", "text/vtt; charset=utf-8", language="es"),
        made("square", "pleno/entrevista/square.jpg", "image/jpeg", width=1400, height=1400),
    ),
)
PIECE = replace(POST, items=(VIDEO, SHOWN, *POST.items[3:]))
ENGLISH = replace(
    PIECE, post="march", title="The march", titles={}, language="en", date="2026-11-24"
)


def entry(post: PostManifest = PIECE, site: Site = SITE, **firsts: float) -> FeedEntry:
    """A post's entry."""
    return feeds.entry(site, post, {"": FIRST} | firsts)


def printed(*posts: PostManifest, site: Site = SITE) -> dict[str, bytes]:
    """Every feed of a site with these posts, by key."""
    return {
        one.key: bytes(one.body)  # type: ignore[arg-type]
        for one in feeds.render(site, [entry(post, site) for post in posts])
    }


def page_at(key: str, objects: tuple[Object, ...]) -> str:
    """One of several printed pages."""
    (found,) = (bytes(one.body) for one in objects if one.key == key)  # type: ignore[arg-type]
    return found.decode()


def tree(body: bytes) -> ET.Element:
    """A feed as a tree."""
    return ET.fromstring(body)  # noqa: S314 - our own


def text(parent: ET.Element, path: str) -> str:
    """The text of the one element at a path."""
    (found,) = parent.findall(path, NAMES)
    return found.text or ""


def attributes(parent: ET.Element, path: str) -> dict[str, str]:
    """The attributes of the one element at a path."""
    (found,) = parent.findall(path, NAMES)
    return found.attrib


# --- the rules -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["feed.xml", "podcast.xml", "feed.es.xml", "podcast.en.xml"])
def test_a_reader_takes_every_feed_without_complaint(key: str) -> None:
    """Feedparser finds no fault, the right format, and every entry with a title and a link."""
    found = feedparser.parse(printed(PIECE, ENGLISH)[key])
    assert not found.bozo
    assert found.version == ("atom10" if key.startswith("feed") else "rss20")
    assert found.entries
    assert all(one.title and one.link.startswith("https://") and one.id for one in found.entries)


def test_atom_has_what_rfc_4287_demands() -> None:
    """Id, title, updated and self link of the feed; id, title, updated, author, content of each."""
    feed = tree(printed(PIECE, ENGLISH)["feed.xml"])
    assert feed.tag == f"{{{NAMES['a']}}}feed"
    for parent in (feed, *feed.findall("a:entry", NAMES)):
        assert text(parent, "a:id").startswith("urn:uuid:")
        assert text(parent, "a:title")
        assert datetime.fromisoformat(text(parent, "a:updated")).tzinfo is not None
        assert text(parent, "a:author/a:name")
    assert attributes(feed, "a:link[@rel='self']")["href"] == f"{SITE.base_url}/feed.xml"
    ids = [text(one, "a:id") for one in feed.findall("a:entry", NAMES)]
    assert len({text(feed, "a:id"), *ids}) == 3
    for one in feed.findall("a:entry", NAMES):
        assert attributes(one, "a:content")["type"] == "html"
        assert datetime.fromisoformat(text(one, "a:published")).tzinfo is not None
        for link in one.findall("a:link[@rel='enclosure']", NAMES):
            assert {"type", "length", "href"} <= link.attrib.keys()
            assert int(link.attrib["length"]) > 0


def test_a_podcast_has_what_directories_demand() -> None:
    """Title, description, language, category, explicit, image, author; and no element twice."""
    channel = tree(printed(PIECE)["podcast.xml"]).find("channel")
    assert channel is not None
    for path in ("title", "link", "description", "language", "itunes:author", "podcast:guid"):
        assert text(channel, path)
    assert text(channel, "language") == "es"
    assert text(channel, "itunes:explicit") == "false"
    assert attributes(channel, "itunes:category") == {"text": "News"}
    image = attributes(channel, "itunes:image")["href"]
    assert image == f"{SITE.base_url}/pleno/entrevista/square.jpg"
    assert attributes(channel, "a:link")["rel"] == "self"


def test_an_episode_has_what_players_demand() -> None:
    """Title, guid, date with zone, a whole enclosure, duration, image, transcript and chapters."""
    root = tree(printed(PIECE)["podcast.xml"])
    (sound,) = (i for i in root.iter("item") if text(i, "title") == "Entrevista")
    assert attributes(sound, "enclosure") == {
        "url": f"{SITE.base_url}/pleno/entrevista/audio.mp3",
        "length": "1234567",
        "type": "audio/mpeg",
    }
    assert attributes(sound, "guid") == {"isPermaLink": "false"}
    assert text(sound, "itunes:duration") == "760"
    assert attributes(sound, "itunes:image")["href"].endswith("/square.jpg")
    assert parsedate_to_datetime(text(sound, "pubDate")) == datetime.fromisoformat(POST.date)
    assert attributes(sound, "podcast:transcript") == {
        "url": f"{SITE.base_url}/pleno/entrevista/r/f/es.vtt",
        "type": "text/vtt",
        "language": "es",
        "rel": "captions",
    }
    assert attributes(sound, "podcast:chapters") == {
        "url": f"{SITE.base_url}/pleno/entrevista/chapters.json",
        "type": "application/json+chapters",
    }


def test_there_is_a_transcript_for_each_language() -> None:
    """Players choose by language; the film of the sample has two."""
    root = tree(printed(PIECE)["podcast.xml"])
    (film,) = (i for i in root.iter("item") if text(i, "title") == "La votación")
    spoken = [one.attrib["language"] for one in film.findall("podcast:transcript", NAMES)]
    assert spoken == ["es", "en"]
    assert attributes(film, "enclosure")["type"] == "video/mp4"


def test_media_rss_tells_file_picture_player_and_subtitles() -> None:
    """In the podcast beside each enclosure, in Atom in a group for each thing that is shown."""
    found = printed(PIECE)
    film = next(tree(found["podcast.xml"]).iter("item"))
    content = attributes(film, "media:content")
    assert content["url"].endswith("/pleno/votacion/video.mp4")
    assert (content["type"], content["duration"]) == ("video/mp4", "192")
    assert (content["width"], content["height"]) == ("1280", "720")
    assert attributes(film, ".//media:thumbnail")["url"].endswith("/votacion/poster.jpg")
    assert attributes(film, ".//media:player")["url"].endswith("/votacion/embed.html")
    assert [s.attrib["lang"] for s in film.findall(".//media:subTitle", NAMES)] == ["es", "en"]
    groups = tree(found["feed.xml"]).findall("a:entry/media:group", NAMES)
    media = [attributes(group, "media:content")["medium"] for group in groups]
    assert media == ["video", "audio", "image", "image"]


def test_a_show_says_what_its_operator_says() -> None:
    """Description, author, category with its part, image and mail address come from settings."""
    show = Show(
        description="From the valley",
        author="Eds.",
        email="pod@example.org",
        category="News > Politics",
        explicit=True,
        image="https://example.org/show.jpg",
    )
    channel = tree(printed(PIECE, site=replace(SITE, show=show))["podcast.xml"]).find("channel")
    assert channel is not None
    assert text(channel, "description") == "From the valley"
    assert text(channel, "itunes:author") == "Eds."
    assert text(channel, "itunes:owner/itunes:email") == "pod@example.org"
    assert attributes(channel, "itunes:category/itunes:category") == {"text": "Politics"}
    assert text(channel, "itunes:explicit") == "true"
    assert attributes(channel, "itunes:image")["href"] == "https://example.org/show.jpg"


# --- which, when, in what order --------------------------------------------------------------


def test_there_is_a_feed_for_the_site_and_for_each_language() -> None:
    """The site's holds everything, newest first; each language's its own posts."""
    found = printed(PIECE, ENGLISH)
    assert set(found) == {
        f"{sort}{language}.xml" for sort in ("feed", "podcast") for language in ("", ".en", ".es")
    }
    titles = {
        key: [one.title for one in feedparser.parse(body).entries]
        for key, body in found.items()
        if key.startswith("feed")
    }
    assert titles["feed.xml"] == ["The march", "El pleno más largo"]
    assert titles["feed.es.xml"] == ["El pleno más largo"]
    assert titles["feed.en.xml"] == ["The march"]


def test_ids_outlast_titles_and_moves() -> None:
    """A new title, date or picture leaves them; a new address too, where the old one is set."""
    before = printed(PIECE)
    renamed = replace(
        PIECE,
        title="Otro",
        titles={},
        date="2026-11-25",
        items=tuple(replace(item, title="X", titles={}) for item in PIECE.items),
    )
    moved = replace(SITE, base_url="https://new.example.net", show=Show(origin=SITE.base_url))
    for after in (printed(renamed), printed(PIECE, site=moved)):
        for key in before:
            ids = [
                [one.id for one in feedparser.parse(found[key]).entries]
                for found in (before, after)
            ]
            assert ids[0] == ids[1]


def test_what_cannot_be_seen_is_in_no_feed() -> None:
    """Neither withdrawn nor failed nor unfinished: readers fetch an entry once and keep it."""
    found = printed(replace(PIECE, items=(*PIECE.items, WITHDRAWN)))
    for body in found.values():
        assert "tarde" not in body.decode()
        assert "roto" not in body.decode()
        assert "Secreto" not in body.decode()
    growing = replace(VIDEO, outputs=tuple(o for o in VIDEO.outputs if o.role != "video"))
    empty = printed(replace(PIECE, items=(growing,)))
    assert not any(feedparser.parse(body).entries for body in empty.values())


def test_a_language_whose_posts_are_gone_keeps_an_empty_feed() -> None:
    """Whoever follows it gets a valid feed without entries, not an error, and no old content."""
    gone = replace(ENGLISH, items=(), state=State.WITHDRAWN)
    found = feedparser.parse(printed(PIECE, gone)["feed.en.xml"])
    assert not found.bozo
    assert found.entries == []


def test_feeds_stay_short() -> None:
    """A hundred posts and three hundred episodes, the newest."""
    dates = [f"2020-01-01T00:00:{n % 60:02}+00:{n // 60:02}" for n in range(140)]
    one = entry()
    many = [
        replace(
            one,
            post=f"p{n}",
            published=date,
            updated=date,
            episodes=tuple(replace(e, published=date) for e in one.episodes[:2]) * 2,
        )
        for n, date in enumerate(dates)
    ]
    found = {o.key: feedparser.parse(o.body).entries for o in feeds.render(SITE, many)}
    assert (len(found["feed.xml"]), len(found["podcast.xml"])) == (100, 300)
    newest = sorted(dates, key=datetime.fromisoformat, reverse=True)[:100]
    assert [e.published for e in found["feed.xml"]] == newest


def test_a_post_without_a_date_has_that_of_its_first_day() -> None:
    """When it could first be seen; the same after any number of publications."""
    undated = entry(replace(PIECE, date=""))
    assert undated.published == undated.updated == "2026-11-21T08:00:00+00:00"
    day = entry(replace(PIECE, date="2026-11-20"))
    assert day.published == "2026-11-20T00:00:00+00:00"


def test_what_was_added_later_is_news_of_its_day() -> None:
    """A recording that came two days after its post has a date of its own; the post is updated."""
    late = entry(entrevista=FIRST + 2 * 86_400, votacion=FIRST + 60)
    dates = {one.item: one.published for one in late.episodes}
    assert dates["entrevista"] == late.updated == "2026-11-23T08:00:00+00:00"
    assert dates["votacion"] == late.published == POST.date


def test_a_gallery_is_one_snippet() -> None:
    """A post of many photos does not put all of them into a feed reader."""
    photos = tuple(photo(f"p{n}", 3000, 2000) for n in range(200))
    one = entry(replace(PIECE, items=photos))
    assert one.html.count("<figure") == 1
    assert len(printed(replace(PIECE, items=photos))["feed.xml"]) < 40_000


def test_without_a_public_address_there_are_no_feeds() -> None:
    """Feeds are read elsewhere; pages then offer none."""
    nowhere = replace(SITE, base_url="")
    assert feeds.render(nowhere, [entry()]) == ()
    assert "atom+xml" not in page_at("index.html", pages.index(nowhere, ()))


def test_pages_tell_browsers_of_the_feeds() -> None:
    """The front page of the site's; a post's page of its language's too."""
    index = page_at("index.html", pages.index(SITE, ()))
    page = page_at("pleno/index.html", pages.render(SITE, PIECE))
    for key in ("feed.xml", "podcast.xml"):
        assert re.search(rf'rel="alternate" type="application/\w+\+xml" href="[^"]*/{key}"', index)
    assert f'type="application/atom+xml" href="{SITE.base_url}/feed.es.xml"' in page


# --- no text becomes markup ------------------------------------------------------------------


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_texts_stay_texts(payload: str) -> None:
    """Elements and attributes are the same whatever an uploader writes, in XML and in its HTML."""
    plain, nasty = printed(poisoned("x")), printed(poisoned(payload))
    for key, body in plain.items():
        ours, theirs = tree(body), tree(nasty[key])
        assert [(e.tag, sorted(e.attrib)) for e in ours.iter()] == [
            (e.tag, sorted(e.attrib)) for e in theirs.iter()
        ]
        assert not feedparser.parse(nasty[key]).bozo
        for ours_, theirs_ in zip(_html(ours), _html(theirs), strict=True):
            assert _elements(theirs_) == _elements(ours_)


def _html(root: ET.Element) -> list[str]:
    """Every text that readers take for HTML."""
    tags = (f"{{{NAMES['a']}}}content", "description", f"{{{NAMES['content']}}}encoded")
    return [one.text or "" for one in root.iter() if one.tag in tags]


def _elements(html: str) -> list[tuple[str, list[str]]]:
    """The elements of a piece of HTML with the names of their attributes."""
    found: list[tuple[str, list[str]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, [a for a, _ in attrs]))  # type: ignore[method-assign]
    parser.feed(html)
    parser.close()
    return found


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from(string.printable), min_size=1))
def test_any_text_makes_well_formed_xml(words: str) -> None:
    """Control characters, half surrogates and markup included; a title is read back as it was."""
    post = replace(PIECE, title=words, titles={}, text=words, byline=words)
    for key, body in printed(post).items():
        root = tree(body)
        if key == "feed.xml":
            told = text(root, "a:entry/a:title").strip()
            assert told == escape.xml_text(escape.one_line(words)).strip()


# --- chapters --------------------------------------------------------------------------------


def test_chapters_are_files() -> None:
    """JSON of version 1.2.0 with seconds, WebVTT with escaped titles; none without chapters."""
    made_json, made_vtt = chapters.files(SHOWN)
    assert (made_json.key, made_json.media_type) == (
        "pleno/entrevista/chapters.json",
        "application/json+chapters",
    )
    assert json.loads(made_json.body) == {  # type: ignore[arg-type]
        "version": "1.2.0",
        "chapters": [{"startTime": 0.0, "endTime": 60.5, "title": "Antes & después"}],
    }
    vtt = made_vtt.body.decode()  # type: ignore[union-attr]
    assert vtt == "WEBVTT\n\n00:00:00.000 --> 00:01:00.500\nAntes &amp; después\n"
    assert chapters.files(AUDIO) == ()


@given(st.text())
def test_no_chapter_title_breaks_its_file(title: str) -> None:
    """One cue has one line of text, and no arrow but its own."""
    item: ItemManifest = replace(AUDIO, chapters=(Chapter(start_ms=0, end_ms=9, title=title),))
    vtt = chapters.files(item)[1].body.decode()  # type: ignore[union-attr]
    assert vtt.count("-->") == 1
    assert len(vtt.splitlines()) <= 4


# --- published -------------------------------------------------------------------------------


def read(home: Home, key: str) -> Any:
    """A published feed."""
    return feedparser.parse(home.house.published.read(key))


def test_published_feeds_follow_the_post(home: Home) -> None:
    """They are there, change nothing when published again, and forget what is withdrawn."""
    sound = read(home, "podcast.xml").entries
    assert [one.enclosures[0].type for one in sound] == ["video/mp4", "audio/mpeg"]
    assert (
        int(sound[1].enclosures[0].length)
        == home.house.published.stat("march/noise/audio.mp3").bytes
    )  # type: ignore[union-attr]
    assert "podcast.jpg" in home.published
    before = home.published["feed.xml"]
    home.run(deep=True)
    assert home.published["feed.xml"] == before
    home.take("noise.wav")
    home.run()
    assert [one.enclosures[0].type for one in read(home, "podcast.xml").entries] == ["video/mp4"]
    ids = [one.id for one in read(home, "podcast.xml").entries]
    assert ids == [sound[0].id]
