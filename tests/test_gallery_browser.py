"""Galleries in a real browser: rows, viewer, swipe, zoom, links, pages, and no script at all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import chromium, serving
from PIL import Image
from playwright.sync_api import Browser, Page
from sample_post import POST, made, photo

from pipeline import display, pages
from pipeline.model import ItemManifest, PostCard, PostManifest, Site, State

pytestmark = pytest.mark.browser

COUNT = 205
WAIT_MS = 60_000
LARGE = 4000
SHAPES = ((300, 200), (200, 300), (400, 200), (240, 240))


def _jpeg(width: int, height: int, shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 120, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def _item(number: int) -> ItemManifest:
    """A photo of two widths; the first one is a scan with a large size to zoom into."""
    width, height = SHAPES[number % len(SHAPES)]
    base = photo(f"p{number:03}", width * 10, height * 10)
    files = [(width // 2, height // 2), (width, height)]
    outputs = [
        made("photo", f"pleno/{base.item}/{w}.jpg", "image/jpeg", width=w, height=h)
        for w, h in files
    ]
    if number == 0:
        key = f"pleno/{base.item}/large.jpg"
        outputs.append(made("large", key, "image/jpeg", width=LARGE, height=2667))
    return replace(base, outputs=tuple(outputs), caption=f"Foto número {number}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A post of 205 photos, one of three photos and a front page, served over loopback."""
    folder = tmp_path_factory.mktemp("gallery")
    items = tuple(_item(number) for number in range(COUNT))
    small = tuple(replace(one, post="corto") for one in items[:3])
    with serving(folder) as address:
        where = Site(base_url=address, language="es")
        big = replace(POST, items=items, cover="")
        few = replace(POST, post="corto", items=_moved(small), cover="")
        for post in (big, few):
            _write(folder, where, post)
        cards = tuple(
            PostCard(post=p.post, title=p.title, language="es", date=p.date, state=State.PUBLISHED)
            for p in (big, few)
        )
        for one in pages.index(where, cards):
            _keep(folder, one.key, bytes(one.body))
        yield address


def _moved(items: tuple[ItemManifest, ...]) -> tuple[ItemManifest, ...]:
    return tuple(
        replace(
            item,
            outputs=tuple(
                replace(one, key=one.key.replace("pleno/", "corto/")) for one in item.outputs
            ),
        )
        for item in items
    )


def _write(folder: Path, site: Site, post: PostManifest) -> None:
    for one in pages.render(site, post):
        _keep(folder, one.key, bytes(one.body))
    for number, item in enumerate(post.items):
        for output in item.outputs:
            size = (output.width or 0, output.height or 0)
            small = size if size[0] < LARGE else (1200, 800)
            _keep(folder, output.key, _jpeg(*small, number % 250))


def _keep(folder: Path, key: str, body: bytes) -> None:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all of these."""
    with chromium() as found:
        yield found


Look = Callable[..., Page]


@pytest.fixture
def look(browser: Browser, site: str) -> Iterator[Look]:
    """Open a page; afterwards nothing has gone wrong, and no other host was asked."""
    asked: list[str] = []
    complaints: list[str] = []
    with contextlib.ExitStack() as stack:

        def opened(path: str, **wanted: Any) -> Page:
            settings = {"viewport": {"width": 900, "height": 700}} | wanted
            context = browser.new_context(**settings)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda one: complaints.append(one.text) if one.type == "error" else None,
            )
            page.goto(f"{site}/{path}")
            return page

        yield opened
    assert complaints == []
    assert {urlsplit(address).netloc for address in asked} == {urlsplit(site).netloc}


def until(page: Page, condition: str) -> None:
    """Wait for something to become true; its policy keeps Playwright from waiting in the page."""
    for _ in range(WAIT_MS // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never: {condition}")


def counted(page: Page, text: str) -> None:
    """Wait until the viewer says which photo it shows."""
    until(page, f"document.querySelector('.nr-viewer-count').textContent === '{text}'")


def scale(page: Page) -> float:
    """How large the photo is shown, 1 being all of it."""
    return float(
        page.evaluate(
            "new DOMMatrix(getComputedStyle(document.querySelector('.nr-viewer img')).transform).a"
        )
    )


def zoomed(page: Page) -> None:
    """Wait until the photo is larger than the screen."""
    page.wait_for_selector(".nr-viewer-stage.nr-zoomed")


# --- the viewer ------------------------------------------------------------------------------


def test_keys_turn_the_pages_of_the_viewer(look: Look) -> None:
    """Arrows, Home and End; Escape closes it and goes back to the photo in its row."""
    page = look("corto/gallery.html")
    page.click("#p001 a")
    counted(page, "2 / 3")
    assert page.locator(".nr-viewer img").get_attribute("alt") == "Doce manos alzadas"
    assert page.locator(".nr-viewer figcaption").inner_text().startswith("Foto número 1")
    for key, text in (("ArrowRight", "3 / 3"), ("Home", "1 / 3"), ("End", "3 / 3")):
        page.keyboard.press(key)
        counted(page, text)
    assert page.locator(".nr-viewer-next").is_disabled()
    page.keyboard.press("ArrowLeft")
    counted(page, "2 / 3")
    assert page.url.endswith("#p001")
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('.nr-viewer').open")
    assert page.evaluate("document.activeElement.closest('figure').id") == "p001"
    until(page, "!location.hash")  # browsers go back in their own time


def test_a_link_opens_its_photo(look: Look) -> None:
    """A fragment names the photo, when the page is loaded and when it changes."""
    page = look("corto/gallery.html#p002")
    counted(page, "3 / 3")
    page.evaluate("location.hash = 'p000'")
    counted(page, "1 / 3")


def test_neighbours_are_loaded_ahead(look: Look) -> None:
    """The next photo is there before it is asked for."""
    page = look("pleno/gallery.html", viewport={"width": 300, "height": 300})
    far = "pleno/p061/"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("location.hash = 'p060'")
    counted(page, "61 / 205")
    names = "performance.getEntriesByType('resource')"
    until(page, f"{names}.some((one) => one.name.includes('{far}'))")


Point = tuple[float, float]


class Hand:
    """Fingers on a page's screen."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def drag(self, *moments: tuple[Point, ...]) -> None:
        """Put fingers down where the first moment says, move them on, and lift them."""
        for number, points in enumerate(moments):
            self._send("touchMove" if number else "touchStart", points)
        self._send("touchEnd", ())

    def _send(self, kind: str, points: tuple[Point, ...]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


PHONE = {"viewport": {"width": 400, "height": 700}, "has_touch": True, "is_mobile": True}


def test_fingers_swipe(look: Look) -> None:
    """To the left is the next photo, to the right the one before, downwards closes."""
    page = look("corto/gallery.html#p000", **PHONE)
    hand = Hand(page)
    counted(page, "1 / 3")
    for start, end, text in ((320, 60, "2 / 3"), (320, 60, "3 / 3"), (60, 320, "2 / 3")):
        hand.drag(((start, 350),), (((start + end) / 2, 352),), ((end, 354),))
        counted(page, text)
    hand.drag(((200, 250),), ((202, 320),), ((204, 450),))
    until(page, "!document.querySelector('.nr-viewer').open")


def test_two_fingers_zoom_and_one_moves(look: Look) -> None:
    """Pinching enlarges what is between the fingers; then one finger moves it and turns no page."""
    page = look("corto/gallery.html#p000", **PHONE)
    hand = Hand(page)
    counted(page, "1 / 3")
    hand.drag(((180, 350), (220, 350)), ((140, 350), (260, 350)), ((100, 350), (300, 350)))
    zoomed(page)
    assert scale(page) == pytest.approx(5, rel=0.1)
    before = page.evaluate("document.querySelector('.nr-viewer img').style.transform")
    hand.drag(((300, 350),), ((200, 350),), ((150, 350),))
    assert page.evaluate("document.querySelector('.nr-viewer img').style.transform") != before
    counted(page, "1 / 3")


def test_wheel_double_click_buttons_and_keys_zoom(look: Look) -> None:
    """Each way in has a way out, and the next photo is whole again."""
    page = look("corto/gallery.html#p000")
    counted(page, "1 / 3")
    page.mouse.move(450, 350)
    page.mouse.wheel(0, -400)
    zoomed(page)
    page.keyboard.press("0")
    page.wait_for_selector(".nr-viewer-stage:not(.nr-zoomed)")
    page.mouse.dblclick(450, 350)
    zoomed(page)
    page.mouse.dblclick(450, 350)
    page.wait_for_selector(".nr-viewer-stage:not(.nr-zoomed)")
    page.click("[data-nr-zoom=in]")
    zoomed(page)
    page.click("[data-nr-zoom=out]")
    page.wait_for_selector(".nr-viewer-stage:not(.nr-zoomed)")
    assert page.locator("[data-nr-zoom=out]").is_disabled()
    page.keyboard.press("+")
    zoomed(page)
    page.click(".nr-viewer-next")
    counted(page, "2 / 3")
    assert page.locator(".nr-viewer-stage.nr-zoomed").count() == 0


def test_a_scan_is_sharp_when_it_is_zoomed(look: Look) -> None:
    """Its large size is loaded then, and not before."""
    page = look("corto/gallery.html#p000")
    counted(page, "1 / 3")
    shown = "document.querySelector('.nr-viewer img').currentSrc"
    until(page, f"{shown} !== ''")
    assert "large" not in page.evaluate(shown)
    page.keyboard.press("+")
    until(page, f"{shown}.endsWith('/large.jpg')")


# --- pages -----------------------------------------------------------------------------------


def test_the_viewer_goes_over_the_borders_of_pages(look: Look) -> None:
    """From the hundredth photo to the next and back; closing it leads to the page it is on."""
    page = look("pleno/gallery.html#p099")
    counted(page, "100 / 205")
    page.keyboard.press("ArrowRight")
    counted(page, "101 / 205")
    until(page, "document.querySelector('.nr-viewer img').complete")
    assert page.evaluate("document.querySelector('.nr-viewer img').naturalWidth") > 0
    page.keyboard.press("Escape")
    page.wait_for_url("**/pleno/gallery/2.html*")
    until(page, "document.activeElement.closest('figure')?.id === 'p100'")
    page.click("#p100 a")
    counted(page, "101 / 205")
    page.keyboard.press("ArrowLeft")
    counted(page, "100 / 205")


def test_a_link_finds_its_photo_on_any_page(look: Look) -> None:
    """A link to the first page, pasted when the photo was there, leads to where it is now."""
    page = look("pleno/gallery.html#p203")
    page.wait_for_url("**/pleno/gallery/3.html#p203")
    counted(page, "204 / 205")


def test_a_page_of_the_gallery_is_light(look: Look) -> None:
    """A hundred photos: little markup, and only those near the screen are fetched."""
    page = look("pleno/gallery.html", viewport={"width": 400, "height": 700})
    page.wait_for_load_state("networkidle")
    markup = page.evaluate("fetch(location.href).then((one) => one.text())")
    assert len(markup.encode()) < 120_000
    fetched = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.jpg')).length"
    )
    assert 0 < fetched < 60


# --- without script --------------------------------------------------------------------------


def test_without_script_there_are_rows_links_and_pages(look: Look) -> None:
    """Photos fill rows of one height, lead to their own pages, and the pager leads on."""
    page = look("pleno/gallery.html", java_script_enabled=False)
    boxes = [
        box
        for cell in page.locator(".nr-cell").all()[:30]
        if (box := cell.bounding_box()) is not None
    ]
    rows: dict[int, list[Any]] = {}
    for box in boxes:
        rows.setdefault(round(box["y"]), []).append(box)
    full = [row for row in rows.values() if row is not list(rows.values())[-1]]
    width = page.locator(".nr-rows").bounding_box()["width"]  # type: ignore[index]
    for row in full:
        assert max(b["height"] for b in row) - min(b["height"] for b in row) <= 1
        used = row[-1]["x"] + row[-1]["width"] - row[0]["x"]
        assert used == pytest.approx(width, abs=2)
    page.click(".nr-pager [rel=next]")
    page.wait_for_url("**/pleno/gallery/2.html")
    page.click("#p100 a")
    page.wait_for_url("**/pleno/p100.html")


def test_an_article_shows_a_strip_that_leads_to_the_gallery(look: Look) -> None:
    """The first photos to swipe through, and a way to all of them."""
    page = look("pleno/gallery/embed.html", viewport={"width": 600, "height": 400})
    assert page.locator(".nr-strip li").count() == display.STRIP + 1
    page.click("[data-nr-slide='1']")
    until(page, "document.querySelector('.nr-strip').scrollLeft > 0")
    with page.context.expect_page() as opening:
        page.click(".nr-strip-bar a")
    counted_page = opening.value
    counted_page.wait_for_url("**/pleno/gallery.html")


def test_the_posts_page_shows_a_glimpse_of_very_many(look: Look) -> None:
    """Twenty-four photos and the way to the other 181; a small post shows all of its own."""
    page = look("pleno/index.html")
    assert page.locator(".nr-cell").count() == display.GLIMPSE
    page.click(".nr-more a")
    page.wait_for_url("**/pleno/gallery.html")
    assert look("corto/index.html").locator(".nr-cell").count() == 3


# --- for everybody ---------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "pleno/gallery.html",
        "pleno/gallery/2.html",
        "corto/gallery.html#p001",
        "pleno/gallery/embed.html",
        "pleno/index.html",
        "index.html",
    ],
)
def test_pages_are_accessible(path: str, scheme: str, look: Look) -> None:
    """No violation of WCAG 2.2 AA, dark or light, with the viewer open, too."""
    page = look(path, color_scheme=scheme)
    if "#" in path:
        counted(page, "2 / 3")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", ["pleno/gallery.html", "pleno/index.html", "index.html"])
def test_nothing_is_wider_than_a_small_screen(path: str, look: Look) -> None:
    """At 280 pixels a reader scrolls in one direction only."""
    page = look(path, viewport={"width": 280, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") <= 280
