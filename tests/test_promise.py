"""One snippet, pasted at upload and never touched again, in a real browser at every stage.

The article is on another origin than the media. What is published comes from real runs of the
whole path; the server sends the headers that were stored with every object.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import media
import pytest
from browsing import Bucket, chromium, serving
from homes import QUICK, SITE, Home
from markup import Parsed
from playwright.sync_api import Browser, FrameLocator, Page
from values import changed

from pipeline import address, embed
from pipeline.model import Object
from pipeline.publish import DAILY
from pipeline.scan import scan

pytestmark = pytest.mark.browser

WAIT_MS = 90_000
SECONDS = 6
PLAIN = changed(
    QUICK, video=changed(QUICK.video, rungs=tuple(r for r in QUICK.video.rungs if r.codec != "av1"))
)
WIDE, TALL = "320x180", "180x320"
COLUMN = 500
ARTICLE = """<!doctype html><meta charset=utf-8><title>Article</title>
<style>body {{ margin: 0 }} figure {{ margin: 0 }} #column {{ width: {width}px }}</style>
<div id=column><p>Before.</p>{snippet}<p id=after>After.</p></div>"""
# How much has moved since the page was opened, and where everything lies now.
BOXES = """() => {
  const box = (one) => { const r = one.getBoundingClientRect();
    return [r.x, r.y + scrollY, r.width, r.height].map(Math.round); };
  return [...document.querySelectorAll("iframe, figure, #after")].map(box);
}"""
SHIFTS = """new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 300);
})"""
PICTURE = """() => {
  const one = document.querySelector("video, .nr-notice"), r = one.getBoundingClientRect();
  return [r.x, r.y, r.width, r.height].map(Math.round);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as started:
        yield started


class Careful(Bucket):
    """Refuses to be given a page or a playlist before what it loads is there."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.lasting: dict[str, set[bytes]] = {}
        self.caches: set[tuple[str, str]] = set()

    def put(self, item: Object, **rest: object) -> object:  # type: ignore[override]
        """Look at what the object points at, then write it."""
        if item.key.endswith((".html", ".m3u8")):
            text = item.body.decode() if isinstance(item.body, bytes) else item.body.read_text()
            needed = loaded if item.key.endswith(".html") else listed
            missing = [key for key in needed(item.key, text) if self.stat(key) is None]
            assert not missing, f"{item.key} came before {missing}"
        entry = super().put(item, **rest)  # type: ignore[arg-type]
        if item.cache == address.FOREVER:
            self.lasting.setdefault(item.key, set()).add(self.read(item.key))
        return entry

    def _note(self, key: str, media_type: str, cache: str) -> None:
        super()._note(key, media_type, cache)
        self.caches.add((_sort(key), cache))


def loaded(page: str, text: str) -> set[str]:
    """The keys a browser fetches for a page, or its player later on."""
    parsed, found = Parsed(text), set[str]()
    for tag, attributes in parsed.elements:
        names = ["src", "poster", "data-nr-hls", "data-nr-av1", "data-nr-storyboard"]
        if tag == "link" and attributes.get("rel") == "stylesheet":
            names.append("href")
        found |= {value for name in names if (value := attributes.get(name))}
        sources = (attributes.get("srcset") or "").split(",")
        found |= {one.split()[0] for one in sources if one.strip()}
    return {_key(page, one) for one in found if ":" not in one}


def listed(playlist: str, text: str) -> set[str]:
    """The keys a playlist names."""
    named = re.findall(r'URI="([^"]+)"', text)
    named += [line for line in text.splitlines() if line and not line.startswith("#")]
    return {_key(playlist, one) for one in named}


def _key(page: str, link: str) -> str:
    path = unquote(link.partition("#")[0].partition("?")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


@dataclass
class Newsroom:
    """A house that publishes into a served bucket, and an article elsewhere that shows its film."""

    home: Home
    bucket: Careful
    media: str
    blog: str
    folder: Path

    @property
    def snippet(self) -> str:
        """The iframe as the sheet offers it now."""
        site, post = self.home.house.site, self.home.post
        return embed.snippet(site, post, post.items[0], "iframe")

    def paste(self) -> None:
        """Write the article, once."""
        article = ARTICLE.format(width=COLUMN, snippet=self.snippet)
        (self.folder / "article.html").write_text(article)

    def carry(self, wanted: Callable[[str, int], bool]) -> None:
        """Answer only those bells; the others are dropped, and the next scan rings them again."""
        scan(self.home.house)
        while bell := self.home.rope.take():
            if wanted(bell.task, bell.priority):
                self.home.answer(bell)
        self.home.age()


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    """A newsroom whose media and blog are two origins."""
    home, blog = Home(tmp_path), tmp_path / "blog"
    (tmp_path / "published").mkdir()
    blog.mkdir()
    bucket = Careful(tmp_path / "published")
    with serving(bucket) as origin, serving(blog) as elsewhere:
        site = replace(SITE, base_url=origin)
        home.house = replace(home.house, published=bucket, site=site, profiles={"default": PLAIN})
        yield Newsroom(home, bucket, origin, elsewhere, blog)


def lay(newsroom: Newsroom, shape: str, tone: int = 440) -> None:
    """Put a film into the ingest folder."""
    newsroom.home.lay("talk.mp4", media.film(SECONDS, size=shape, tone=tone))


def waiting(newsroom: Newsroom) -> None:
    """The upload was seen, nothing else."""
    newsroom.carry(lambda task, _: task == "publish")


def processing(newsroom: Newsroom) -> None:
    """The film was probed and planned."""
    newsroom.carry(lambda task, _: task != "render")


def playable(newsroom: Newsroom) -> None:
    """Its first seconds were made."""
    newsroom.carry(lambda _, priority: priority <= 1)


def complete(newsroom: Newsroom) -> None:
    """All of it was made."""
    newsroom.home.run()


def subtitled(newsroom: Newsroom) -> None:
    """A day later somebody added subtitles."""
    newsroom.home.age()
    newsroom.home.lay("talk.en.srt", media.SRT.format(text="They vote."))
    newsroom.home.run()


def replaced(newsroom: Newsroom) -> None:
    """Another cut was uploaded under the same name, and it is of another shape."""
    lay(newsroom, TALL, 660)
    newsroom.home.run()


def withdrawn(newsroom: Newsroom) -> None:
    """The file was taken out of the folder."""
    newsroom.home.take("talk.mp4")
    newsroom.home.run()


@dataclass(frozen=True)
class Seen:
    """What a reader's browser showed: boxes of the article, of the picture, and what moved."""

    article: list[list[int]]
    picture: list[int]
    shifts: float


def look(newsroom: Newsroom, browser: Browser, act: Callable[[Page, FrameLocator], None]) -> Seen:
    """Open the article with a fresh cache, do something in it, and measure."""
    page = browser.new_page(viewport={"width": 900, "height": 700})
    try:
        page.goto(f"{newsroom.blog}/article.html")
        frame = page.frame_locator("iframe")
        act(page, frame)
        inner = page.frames[1]
        inner.wait_for_load_state()  # its styles: words are there before, though not shown
        return Seen(page.evaluate(BOXES), inner.evaluate(PICTURE), page.evaluate(SHIFTS))
    finally:
        page.close()


def says(words: str) -> Callable[[Page, FrameLocator], None]:
    """The frame shows a notice."""

    def act(_: Page, frame: FrameLocator) -> None:
        frame.get_by_text(words).wait_for(timeout=WAIT_MS)
        assert frame.locator("video").count() == 0

    return act


def plays(page: Page, frame: FrameLocator) -> None:
    """The frame plays when its button is pressed."""
    frame.locator(".nr-play").click(timeout=WAIT_MS)
    inner = page.frames[1]
    for _ in range(WAIT_MS // 100):
        if inner.evaluate("document.querySelector('video').currentTime > .2"):
            return
        page.wait_for_timeout(100)
    pytest.fail("the film does not play")


def plays_with_words(page: Page, frame: FrameLocator) -> None:
    """It plays, and the subtitles are on."""
    plays(page, frame)
    shown = "[...document.querySelector('video').textTracks].map(t => t.language + t.mode)"
    assert page.frames[1].evaluate(shown) == ["enshowing"]


Stage = tuple[Callable[[Newsroom], None], Callable[[Page, FrameLocator], None]]
STAGES: tuple[Stage, ...] = (
    (waiting, says("This video is being prepared")),
    (processing, says("This video is being prepared")),
    (playable, plays),
    (complete, plays),
    (subtitled, plays_with_words),
    (replaced, plays_with_words),
    (withdrawn, says("This video is no longer available")),
)


def kept(newsroom: Newsroom, browser: Browser, stages: Iterable[Stage]) -> None:
    """Paste at the first stage, look at each; neither the article nor the picture ever jumps."""
    seen: dict[str, Seen] = {}
    for happen, act in stages:
        happen(newsroom)
        if not seen:
            newsroom.paste()
        seen[happen.__name__] = look(newsroom, browser, act)
    height = round(COLUMN * 9 / 16)
    assert {tuple(one.picture) for one in seen.values()} == {(0, 0, COLUMN, height)}
    assert len({str(one.article) for one in seen.values()}) == 1
    assert seen["waiting"].article[1][2:] == [COLUMN, height]
    assert {one.shifts for one in seen.values()} == {0}


def test_the_promise_is_kept_at_every_stage(newsroom: Newsroom, browser: Browser) -> None:
    """It shows what there is, never an error, from the upload to the withdrawal.

    On the way nothing is written before what it loads (`Careful` sees to that), names that hold a
    hash are kept for ever and written once, files are kept for a day, pointers for a minute.
    """
    lay(newsroom, WIDE)
    kept(newsroom, browser, STAGES)
    assert newsroom.bucket.caches == {
        ("hashed", address.FOREVER),
        ("page", address.POINTER),
        ("list", address.FRESH),  # while it grows
        ("list", address.POINTER),
        ("file", address.POINTER),  # the placeholder of a poster, at the beginning and at the end
        ("file", DAILY),
    }
    assert newsroom.bucket.lasting
    assert {len(bodies) for bodies in newsroom.bucket.lasting.values()} == {1}


def _sort(key: str) -> str:
    """What sort of object a key names."""
    if key.startswith("_p/") or "/r/" in key:
        return "hashed"
    if key.endswith((".html", ".json", ".css")):
        return "page"
    return "list" if key.endswith(".m3u8") else "file"


def test_an_upright_film_stands_in_the_box_that_was_pasted(
    newsroom: Newsroom, browser: Browser
) -> None:
    """Before anything is known of a film its box is 16:9; it is not broken open later."""
    lay(newsroom, TALL)
    kept(newsroom, browser, [STAGES[0], STAGES[3], STAGES[-1]])


def test_a_page_left_open_goes_through_all_of_it(newsroom: Newsroom, browser: Browser) -> None:
    """A reader who opened the article too early sees the film come, without loading it again."""
    lay(newsroom, WIDE)
    waiting(newsroom)
    newsroom.paste()
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.goto(f"{newsroom.blog}/article.html")
    page.evaluate("window.mark = 1")
    frame = page.frame_locator("iframe")
    says("This video is being prepared")(page, frame)
    before = page.evaluate(BOXES)
    playable(newsroom)
    plays(page, frame)
    complete(newsroom)
    ended = "document.querySelector('video').ended"
    for _ in range(WAIT_MS // 100):
        if page.frames[1].evaluate(ended):
            break
        page.wait_for_timeout(100)
    assert page.frames[1].evaluate(ended)
    assert page.evaluate("mark") == 1
    assert page.evaluate(BOXES) == before
    assert page.evaluate(SHIFTS) == 0
    page.close()


def test_a_snippet_copied_after_the_probe_has_the_true_shape(newsroom: Newsroom) -> None:
    """From then on an upright film is given an upright box, and it stays that box."""
    lay(newsroom, TALL)
    waiting(newsroom)
    assert "aspect-ratio:16/9" in newsroom.snippet
    processing(newsroom)
    probed = newsroom.snippet
    assert "aspect-ratio:9/16" in probed
    playable(newsroom)
    box = re.compile(r'(width|height|style)="[^"]*"')
    assert box.findall(newsroom.snippet) == box.findall(probed)
