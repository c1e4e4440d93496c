"""The reporter's sheet in a real browser: it copies, measures, and keeps out of the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import media
import pytest
from browsing import chromium, serving
from playwright.sync_api import Browser, Page
from sample_post import FAILED, PHOTO, PHOTO_TALL, POST, SITE, TALL, VIDEO, WAITING

from pipeline import embed, pages, sheet
from pipeline.model import PostManifest
from pipeline.subject import Look

pytestmark = pytest.mark.browser

WAIT_MS = 60_000
POSTERS = ("poster.jpg", "poster-play.jpg")


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A served post, and its sheet."""

    folder: Path
    address: str

    def print(self, post: PostManifest) -> None:
        """Publish a post, with one picture for all its posters."""
        for one in pages.render(SITE, post):
            self._write(one.key, bytes(one.body))
        for item in post.items:
            for name in POSTERS:
                shutil.copy(media.photo(), self.folder / f"pleno/{item.item}" / name)

    def _write(self, key: str, body: bytes) -> None:
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)

    @property
    def sheet(self) -> str:
        """The sheet's address."""
        return f"{self.address}/pleno/embeds.html"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The sample post, served."""
    folder = tmp_path / "site"
    folder.mkdir()
    with serving(folder) as address:
        made = Desk(folder=folder, address=address)
        made.print(POST)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose policy is not broken, and that asks nobody else."""
    opened = browser.new_page(viewport={"width": 1200, "height": 800})
    told: list[str] = []
    opened.on("pageerror", lambda error: told.append(str(error)))
    opened.on(
        "console", lambda one: told.append(one.text) if "Security Policy" in one.text else None
    )
    opened.on(
        "request", lambda one: told.append(one.url) if "127.0.0.1" not in one.url[:20] else None
    )
    yield opened
    opened.close()
    assert not [line for line in told if not line.startswith("data:")]


def area(entry: str, variant: str) -> str:
    """The text area of a snippet."""
    return f"#nr-{entry}--{variant}"


def test_each_tab_shows_one_block_for_each_thing(desk: Desk, page: Page) -> None:
    """Whatever blog is chosen, a reporter sees one thing to copy, and how it is pasted there."""
    page.goto(desk.sheet)
    for system in sheet.SYSTEMS:
        page.locator(f"#nr-{system.id}").check(force=True)
        for entry in page.locator(".nr-entry").all():
            seen = entry.locator("div.nr-snippet textarea:visible")
            assert seen.count() == 1, (system.id, entry.get_attribute("id"))
        assert page.locator(".nr-how p:visible").count() == 1
    page.reload()
    assert page.locator("#nr-plain").is_checked()


@pytest.mark.parametrize(
    "look",
    [
        *(Look(width=300), Look(width=640), Look(width=901)),
        *(Look(max_width=200), Look(max_width=333), Look(max_width=900)),
    ],
    ids=str,
)
def test_the_pages_arithmetic_is_that_of_the_command(desk: Desk, page: Page, look: Look) -> None:
    """A width chosen on the sheet gives the same text, letter by letter."""
    page.goto(desk.sheet)
    page.locator("[data-nr-look]").select_option("exact" if look.width else "most")
    page.locator("[data-nr-pixels]").fill(str(look.width or look.max_width))
    expected = {
        "post": embed.post_snippets(SITE, POST, look),
        "gallery": embed.gallery_snippets(SITE, POST, look),
        **{i.item: embed.snippets(SITE, POST, i, look) for i in POST.items if i is not FAILED},
    }
    for entry, texts in expected.items():
        for variant, text in texts.items():
            assert page.locator(area(entry, variant)).input_value() == text, (entry, variant)
    page.locator("[data-nr-look]").select_option("")
    plain = embed.snippets(SITE, POST, TALL)["iframe"]
    assert page.locator(area("puerta", "iframe")).input_value() == plain


def _pasted(page: Page) -> str:
    """What the clipboard holds, as another field receives it."""
    page.evaluate(
        "() => { const t = document.createElement('textarea'); t.id = 'target';"
        " document.body.append(t); t.focus(); }"
    )
    page.keyboard.press("Control+V")
    return page.locator("#target").input_value()


def _copy(page: Page, entry: str) -> str:
    """Press the button beside the address of an entry; returns what the button says then."""
    button = page.locator(f"#{entry} .nr-for-wordpress [data-nr-copy]")
    before = button.inner_text()
    button.click()
    page.wait_for_function("([b, w]) => b.textContent !== w", arg=[button.element_handle(), before])
    return button.inner_text()


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed", "refused"])
def test_copying_confirms_itself(browser: Browser, desk: Desk, allowed: bool) -> None:  # noqa: FBT001
    """With the clipboard's permission or without it, the text arrives and the button says so."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    if not allowed:
        page.add_init_script(
            "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no'))"
        )
    page.goto(desk.sheet)
    assert _copy(page, "votacion") == "Copiado"
    assert _pasted(page) == embed.snippets(SITE, POST, VIDEO)["url"]
    context.close()


def test_where_nothing_copies_the_text_is_chosen(page: Page, desk: Desk) -> None:
    """The reporter is told the keys, and the whole snippet is selected already."""
    page.add_init_script(
        "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no'));"
        "document.execCommand = () => false;"
    )
    page.goto(desk.sheet)
    assert _copy(page, "votacion") == "Pulsa Ctrl+C"
    chosen = page.evaluate(
        "() => { const a = document.querySelector('#nr-votacion--url');"
        " return a.value.slice(a.selectionStart, a.selectionEnd) }"
    )
    assert chosen == embed.snippets(SITE, POST, VIDEO)["url"]


SHAPE = """selector => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return box.width / box.height;
}"""
DONE = replace(VIDEO, item=WAITING.item, title=WAITING.title, width=720, height=1280)
LATER = replace(POST, items=(*POST.items[:3], PHOTO, PHOTO_TALL, DONE, replace(TALL, item="nuevo")))


def test_the_sheet_follows_what_happens(desk: Desk, page: Page) -> None:
    """States, costs and shapes change, things come and go; nothing is loaded anew."""
    page.goto(desk.sheet)
    page.evaluate("window.stayed = true")
    assert page.locator("#tarde .nr-state").inner_text() == "en preparación"
    desk.print(LATER)
    page.wait_for_selector("#tarde .nr-state-published", timeout=WAIT_MS)
    assert page.locator("#tarde .nr-costs").count() == 1
    assert "Ver con subtítulos" in page.locator(area("tarde", "native")).input_value()
    assert page.locator("#nuevo [data-nr-copy]:visible").count() == 1
    assert page.locator("#roto").count() == 0
    order = [one.get_attribute("id") for one in page.locator(".nr-entry").all()]
    assert order[-2:] == ["tarde", "nuevo"]
    page.wait_for_function(
        "() => { const f = document.querySelector('#tarde iframe').getBoundingClientRect();"
        " return f.height > f.width }",
        timeout=WAIT_MS,
    )
    assert page.evaluate("window.stayed")
    assert page.evaluate(SHAPE, "#votacion iframe") == pytest.approx(16 / 9, abs=0.02)


def test_nothing_is_taken_from_under_the_reporters_hands(desk: Desk, page: Page) -> None:
    """A half-made selection, an open fold, the chosen blog and width, and the place all stay."""
    page.goto(desk.sheet)
    page.locator("#nr-blogger").check(force=True)
    page.locator("[data-nr-look]").select_option("most")
    page.locator("#votacion .nr-costs summary").click()
    field = page.locator(area("tarde", "iframe"))
    field.focus()
    field.evaluate("a => a.setSelectionRange(5, 40)")
    early = field.input_value()
    top = page.locator("#tarde").bounding_box()
    desk.print(LATER)
    page.wait_for_selector("#tarde .nr-state-published", timeout=WAIT_MS)
    assert field.input_value() == early
    assert field.evaluate("a => [a.selectionStart, a.selectionEnd]") == [5, 40]
    assert page.locator("#votacion .nr-costs").get_attribute("open") is not None
    assert page.locator("#nr-blogger").is_checked()
    now = page.locator("#tarde").bounding_box()
    assert top is not None
    assert now is not None
    assert abs(now["y"] - top["y"]) < 3
    page.locator("#nr-blogger").focus()
    wanted = embed.snippets(SITE, LATER, DONE, Look(max_width=640))["iframe"]
    page.wait_for_function(
        "([s, t]) => document.querySelector(s).value === t",
        arg=[area("tarde", "iframe"), wanted],
        timeout=WAIT_MS,
    )


def test_a_languages_sheet_speaks_it(desk: Desk, page: Page) -> None:
    """One click away; snippets, words and the page's own language follow."""
    page.goto(desk.sheet)
    page.get_by_role("link", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("heading", name="The whole post").count() == 1
    english = embed.snippets(SITE, POST, VIDEO, Look(language="en"))["iframe"]
    assert page.locator(area("votacion", "iframe")).input_value() == english
