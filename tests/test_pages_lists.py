"""Pages of long lists: the front page's older posts, the gallery's photos; and other languages."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from homes import Home
from sample_post import PHOTO, POST, SITE, VIDEO, photo

from pipeline import display, pages
from pipeline.model import Object, PostCard, PostManifest, State
from pipeline.publish import publish
from pipeline.records import post_key


class Links(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [
            attrs
            for name, attrs in self.found
            if name == tag and all(attrs.get(key) == value for key, value in wanted.items())
        ]


def texts(objects: tuple[Object, ...]) -> dict[str, Links]:
    """Every page by its key."""
    return {o.key: Links(bytes(o.body).decode()) for o in objects if o.key.endswith(".html")}


def cards(count: int) -> tuple[PostCard, ...]:
    """That many posts, the last one the newest."""
    return tuple(
        PostCard(
            post=f"post-{number:03}",
            title=f"Post {number}",
            language="en",
            date=f"{2000 + number:04}-01-01",
            state=State.PUBLISHED,
        )
        for number in range(count)
    )


def posts_of(page: Links) -> list[str]:
    """The posts that a page lists, in order."""
    hrefs = [str(link["href"]) for link in page.all("a")]
    return [href.split("/")[-2] for href in hrefs if "post-" in href]


def test_hundreds_of_posts_have_pages() -> None:
    """Each post is on one of them, newest first; the front page keeps its address."""
    objects = pages.index(SITE, cards(101))
    found = texts(objects)
    assert list(found) == ["_index/3.html", "_index/2.html", "index.html"]
    listed = [name for key in reversed(found) for name in posts_of(found[key])]
    assert listed == [f"post-{number:03}" for number in range(100, -1, -1)]
    middle = found["_index/2.html"]
    assert [link["href"] for link in middle.all("link", rel="prev")] == ["../index.html"]
    assert [link["href"] for link in middle.all("link", rel="next")] == ["3.html"]
    canonical = "https://media.example.org/published/_index/2.html"
    assert [link["href"] for link in middle.all("link", rel="canonical")] == [canonical]
    assert not found["index.html"].all("link", rel="prev")


@pytest.mark.parametrize(("count", "expected"), [(0, 1), (1, 1), (48, 1), (49, 2)])
def test_a_list_has_as_many_pages_as_it_needs(count: int, expected: int) -> None:
    """An empty site has a front page; the forty-ninth post begins a second page."""
    assert len(texts(pages.index(SITE, cards(count)))) == expected


def test_pages_that_are_no_longer_needed_go(home: Home) -> None:
    """When posts are withdrawn, no old list of them stays."""
    for card in cards(60):
        home.house.records.put(post_key(card.post, "card"), card)
    publish(home.house, "march")
    assert "_index/2.html" in home.published
    for card in cards(60):
        gone = replace(card, state=State.WITHDRAWN)
        home.house.records.put(post_key(card.post, "card"), gone)
    publish(home.house, "march")
    assert "_index/2.html" not in home.published
    assert "index.html" in home.published


def many(count: int) -> PostManifest:
    """A post of that many photos."""
    items = tuple(photo(f"p{number:03}", 600, 400) for number in range(count))
    return replace(POST, items=items, cover="")


def test_every_photo_is_on_one_page_of_the_gallery() -> None:
    """A hundred to a page, in order; the frame shows the first ones and counts all."""
    objects = pages.render(SITE, many(250))
    found = texts(objects)
    keys = ["pleno/gallery.html", "pleno/gallery/2.html", "pleno/gallery/3.html"]
    shown = [[str(one["id"]) for one in found[key].all("figure") if one.get("id")] for key in keys]
    assert [len(page) for page in shown] == [100, 100, 50]
    assert [name for page in shown for name in page] == [f"p{number:03}" for number in range(250)]
    assert len(found["pleno/gallery/embed.html"].all("img")) == display.STRIP


def test_a_photos_own_page_does_not_know_the_others() -> None:
    """So a thousand photos' pages stay as they are when one more comes."""
    before, after = pages.stamps(SITE, many(3)), pages.stamps(SITE, many(4))
    assert {name: after[name] for name in before} == before
    further = replace(many(3), percent=7, notes=("n",), state=State.PROCESSING)
    assert pages.stamps(SITE, further) == before
    assert set(pages.stamps(SITE, replace(many(3), title="x")).items()).isdisjoint(before.items())


@pytest.mark.parametrize(
    "changed",
    [replace(PHOTO, caption="x"), replace(PHOTO, percent=3), replace(PHOTO, outputs=())],
)
def test_what_changes_in_an_item_changes_its_stamp(changed: object) -> None:
    """Its words, how far it is, its files."""
    post = replace(POST, items=(PHOTO, VIDEO))
    other = replace(POST, items=(changed, VIDEO))
    before, after = pages.stamps(SITE, post), pages.stamps(SITE, other)
    assert before[PHOTO.item] != after[PHOTO.item]
    assert before[VIDEO.item] == after[VIDEO.item]


def test_a_post_with_two_titles_has_two_pages() -> None:
    """Each names the other and itself; the second speaks the other language."""
    found = texts(pages.render(SITE, POST))
    own, other = found["pleno/index.html"], found["pleno/index.en.html"]
    assert (own.all("html")[0]["lang"], other.all("html")[0]["lang"]) == ("es", "en")
    for page in (own, other):
        links = {
            str(one["hreflang"]): one["href"]
            for one in page.all("link", rel="alternate")
            if "hreflang" in one
        }
        assert links == {
            "es": "https://media.example.org/published/pleno/index.html",
            "en": "https://media.example.org/published/pleno/index.en.html",
            "x-default": "https://media.example.org/published/pleno/index.html",
        }
    assert other.all("link", rel="canonical")[0]["href"] == links["en"]
    assert other.all("div", **{"class": "nr-text"})[0]["lang"] == "es"
    words = {o.key: bytes(o.body).decode() for o in pages.render(SITE, POST)}
    assert "<h1>The longest session</h1>" in words["pleno/index.en.html"]


def test_a_language_we_do_not_speak_has_no_page() -> None:
    """Nor has a post with titles in its own language alone."""
    for titles in ({}, {"es": "Pleno"}, {"fr": "Séance"}):
        found = texts(pages.render(SITE, replace(POST, titles=titles)))
        assert not [
            key for key in found if key.startswith("pleno/index.") and key != "pleno/index.html"
        ]
        assert not found["pleno/index.html"].all("link", hreflang="es")


def test_the_page_of_a_language_goes_with_its_titles(home: Home) -> None:
    """A title that is taken back takes its page along."""
    home.lay("post.toml", 'title = { en = "The vote", es = "El pleno" }\nlanguage = "en"\n')
    home.run()
    assert "march/index.es.html" in home.published
    home.lay("post.toml", 'title = "The vote"\n')
    home.run()
    assert "march/index.es.html" not in home.published
