"""Search engines find every post, gallery, film and recording, and what Google asks of films."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import ALL
from sample_post import AUDIO, FAILED, GROWING, PHOTO, POST, SITE, VIDEO, WAITING

from pipeline import manifest, pages, sitemap
from pipeline.model import PostCard, Site

SPACES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "v": "http://www.google.com/schemas/sitemap-video/1.1",
}
BASE = "https://media.example.org/published"
CARD = manifest.card(POST)


def read(*cards: PostCard, site: Site = SITE) -> ET.Element:
    """The sitemap of these posts, parsed."""
    made = {one.key: one for one in sitemap.render(site, cards)}
    body = made["sitemap.xml"].body
    assert isinstance(body, bytes)
    return ET.fromstring(body)  # noqa: S314 - we have just written it


def addresses(root: ET.Element) -> list[str | None]:
    """Every page that is named."""
    return [one.text for one in root.findall("s:url/s:loc", SPACES)]


def test_every_page_worth_finding_is_named() -> None:
    """The front page, the post, its gallery, films and recordings; no photo, sheet or frame."""
    assert addresses(read(CARD)) == [
        f"{BASE}/index.html",
        f"{BASE}/pleno/index.html",
        f"{BASE}/pleno/gallery.html",
        f"{BASE}/pleno/votacion.html",
        f"{BASE}/pleno/puerta.html",
        f"{BASE}/pleno/entrevista.html",
    ]


def test_a_film_has_what_google_requires() -> None:
    """Thumbnail, title, description, and the file or the player, all absolute."""
    (film, _) = read(CARD).findall("s:url/v:video", SPACES)
    said = {one.tag.partition("}")[2]: one.text for one in film}
    assert said == {
        "thumbnail_loc": f"{BASE}/pleno/votacion/poster.jpg",
        "title": "La votación",
        "description": "Aprobado por un voto.",
        "content_loc": f"{BASE}/pleno/votacion/video.mp4",
        "player_loc": f"{BASE}/pleno/votacion/embed.html",
        "duration": "192",
        "publication_date": "2026-11-20T21:30:00+01:00",
        "family_friendly": "yes",
    }


def test_a_film_in_the_making_names_no_file_yet() -> None:
    """It plays in the player; what does not play is not named at all."""
    card = manifest.card(replace(POST, items=(GROWING, WAITING, FAILED, PHOTO)))
    root = read(card)
    (film,) = root.findall("s:url/v:video", SPACES)
    assert film.find("v:content_loc", SPACES) is None
    assert film.find("v:player_loc", SPACES) is not None
    assert len(addresses(root)) == 3


def test_recordings_have_a_page_but_no_film() -> None:
    """Google knows no sitemap of sound."""
    root = read(manifest.card(replace(POST, items=(AUDIO,))))
    assert addresses(root)[-1] == f"{BASE}/pleno/entrevista.html"
    assert root.findall("s:url/v:video", SPACES) == []


@given(st.text(max_size=400) | st.sampled_from(ALL))
def test_any_title_gives_a_sitemap_that_can_be_read(title: str) -> None:
    """What XML cannot hold is left out, the rest is text."""
    item = replace(VIDEO, title=title or "x", caption=title)
    root = read(manifest.card(replace(POST, items=(item,))))
    assert len(root.findall("s:url/v:video/*", SPACES)) >= 6
    assert len(root.findall(".//v:title", SPACES)[0].text or "") <= 100


def test_it_stays_within_the_protocols_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest posts come first; what is too much is left out at the end."""
    monkeypatch.setattr(sitemap, "MAX_URLS", 3)
    assert len(addresses(read(CARD))) == 3


def test_it_is_written_with_the_front_page_and_named_in_robots() -> None:
    """Exact types, short caches; the newest post first."""
    older = replace(CARD, post="antes", date="2020-01-01")
    made = {one.key: one for one in pages.index(SITE, (older, CARD))}
    assert made["sitemap.xml"].media_type == "application/xml"
    robots = made["robots.txt"]
    assert robots.media_type == "text/plain; charset=utf-8"
    assert isinstance(robots.body, bytes)
    assert robots.body.decode().endswith(f"Sitemap: {BASE}/sitemap.xml\n")
    assert "Disallow" not in robots.body.decode()
    body = made["sitemap.xml"].body
    assert isinstance(body, bytes)
    assert body.index(b"/pleno/") < body.index(b"/antes/")


def test_a_site_without_an_address_has_none() -> None:
    """Nothing relative is written."""
    assert sitemap.render(Site(base_url=""), (CARD,)) == ()
