"""Every page type in every state, by axe-core: WCAG 2.2 AA and its best practice, in both schemes.

Pages are printed from values, so that each state is there; the pictures are real.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import media
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import chromium, serving
from playwright.sync_api import Browser, Page
from sample_post import AUDIO, FAILED, GROWING, PHOTO, POST, SHORT, VIDEO, WAITING, WITHDRAWN
from test_pages_words import SPOKEN, WORDS

from pipeline import pages
from pipeline.model import ItemManifest, Kind, Object, PostCard, PostManifest, Site, State

pytestmark = pytest.mark.browser

# Of the rules only those of colour depend on the scheme.
COLOUR = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
EVERYTHING = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


def _of(kind: Kind, item: ItemManifest) -> ItemManifest:
    """The same state of another kind of item."""
    return replace(item, item=f"{item.item}-{kind.value}", kind=kind)


KINDS = (Kind.AUDIO, Kind.PHOTO)
MADE = (
    SPOKEN,
    SHORT,
    replace(GROWING, item="creciendo"),
    replace(GROWING, item="cortado", state=State.FAILED, error=FAILED.error),
    replace(AUDIO, chapters=VIDEO.chapters),
    PHOTO,
    WAITING,
    FAILED,
    *(_of(kind, state) for kind in KINDS for state in (WAITING, FAILED)),
)
# Titles tell the items of a page apart, as they do on every post.
ITEMS = tuple(replace(item, title=f"{item.title}, {item.item}") for item in MADE)
GONE = (WITHDRAWN, *(_of(kind, WITHDRAWN) for kind in KINDS))


@dataclass(frozen=True)
class Printed:
    """A site that is served: its address, and the keys of its pages."""

    origin: str
    pages: tuple[str, ...]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Printed]:
    """A site with one page of every kind and state."""
    folder = tmp_path_factory.mktemp("site")
    with serving(folder) as origin:
        house = Site(base_url=origin, name="La Voz", language="es")
        post = replace(POST, items=ITEMS)
        written = (
            *pages.render(house, post, WORDS),
            *_withdrawn(house, post),
            *_front(house),
        )
        for one in written:
            _write(folder, one)
        for item in ITEMS:
            for made in item.outputs:
                if made.media_type.startswith("image/"):
                    _picture(folder / made.key)
        yield Printed(origin, tuple(one.key for one in written if one.key.endswith(".html")))


def _withdrawn(house: Site, post: PostManifest) -> Iterator[Object]:
    for item in GONE:
        yield from pages.withdrawn(house, post, item)


def _front(house: Site) -> tuple[Object, ...]:
    card = PostCard(
        post="pleno", title="Pleno", language="es", date="2026-11-20", state=State.PUBLISHED
    )
    return pages.index(house, (card, replace(card, poster="pleno/votacion/poster.jpg")))


def _write(folder: Path, one: Object) -> None:
    path = folder / one.key
    path.parent.mkdir(parents=True, exist_ok=True)
    assert isinstance(one.body, bytes)
    path.write_bytes(one.body)


def _picture(path: Path) -> None:
    """A browser looks into a picture: its name may say AVIF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(media.photo(), path)


@dataclass(frozen=True)
class Looker:
    """Opens pages and lists what axe finds."""

    browser: Browser
    origin: str

    def faults(self, key: str, scheme: str) -> list[str]:
        """Rules broken by the page as it opens, and once more with what can be opened in it."""
        page = self.browser.new_page(viewport={"width": 640, "height": 480}, color_scheme=scheme)
        try:
            page.goto(f"{self.origin}/{key}")
            rules = EVERYTHING if scheme == "light" else COLOUR
            found = _faults(page, key, rules)
            if _opened(page):
                found += _faults(page, f"{key} opened", rules)
            return found
        finally:
            page.close()


def _opened(page: Page) -> bool:
    """Open the settings of a frame, or the viewer of a gallery."""
    for name in (".nr-gear summary", "[data-nr-photo]"):
        handle = page.locator(name).first
        if handle.count():
            handle.click()
            return True
    return False


def _faults(page: Page, where: str, rules: Mapping[str, object]) -> list[str]:
    result = Axe().run(page, options={"runOnly": rules})
    return [
        f"{where}: {one['id']} {node['target']} {node['failureSummary']}"
        for one in result.response["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme: str, site: Printed) -> None:
    """No page of any kind breaks a rule of WCAG 2.2 AA, nor of good practice."""
    with chromium() as browser:
        looker = Looker(browser, site.origin)
        faults = [fault for key in site.pages for fault in looker.faults(key, scheme)]
    assert not faults, "\n".join(faults)


def test_axe_would_find_something(site: Printed) -> None:
    """The watch page without its names, and in grey, is refused: the instrument works."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{site.origin}/pleno/votacion.html")
        page.evaluate("""() => {
            document.querySelector("h1").style.color = "#ccc";
            document.querySelector(".nr-play").removeAttribute("aria-label");
        }""")
        rules = {fault.split()[1] for fault in _faults(page, "broken", EVERYTHING)}
    assert {"button-name", "color-contrast"} <= rules
