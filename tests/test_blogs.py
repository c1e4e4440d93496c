"""Every variant, pasted into real blogs as a reporter would: the film plays, the gallery opens.

Not part of `make test`: `make blogs` runs it. docs/embeds.md holds what each blog did to each
snippet; these tests hold that table.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import blogging
import media
import pytest
from blogging import WordPress
from browsing import chromium, serving
from homes import SITE, Home
from playwright.sync_api import Browser, Frame, Page
from test_sanitizers import DOCS, links

from pipeline import embed, embed_markup
from pipeline.model import ItemManifest, PostManifest, Site

pytestmark = pytest.mark.blogs

WAIT_MS = 120_000
USERS = ("admin", "author")
VARIANTS = ("url", "iframe", "native", "first", "poster")
THINGS = ("video", "audio", "photo", "gallery", "post")

# Enough of a film to be sure that it is decoded, not only shown.
PLAYS = """v => new Promise((ok, no) => {
  setTimeout(() => no(new Error("no frames: " + (v.error && v.error.message))), 90000);
  const seen = () => v.getVideoPlaybackQuality().totalVideoFrames > 3 && v.currentTime > 0.1
    ? ok(true) : setTimeout(seen, 100);
  v.muted = true; v.play().then(seen, no);
})"""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A post on a server, under another host name than the blogs."""

    site: Site
    post: PostManifest

    def item(self, kind: str) -> ItemManifest:
        """The first item of a kind."""
        return next(one for one in self.post.items if one.kind == kind)

    @functools.cached_property
    def texts(self) -> dict[str, dict[str, str]]:
        """Every snippet by thing and variant."""
        made = {kind: embed.snippets(self.site, self.post, self.item(kind)) for kind in THINGS[:3]}
        made["gallery"] = embed.gallery_snippets(self.site, self.post)
        made["post"] = embed.post_snippets(self.site, self.post)
        return made

    def article(self, variant: str) -> str:
        """All things in one variant, each in a paragraph of its own, a marker before each."""
        parts = [
            f'<p id="nr-test-{thing}">{thing}</p>\n\n{self.texts[thing][variant]}'
            for thing in THINGS
            if variant in self.texts[thing]
        ]
        return "\n\n".join(parts)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """A film, a recording and two photos, by the real path."""
    home = Home(tmp_path_factory.mktemp("media"))
    folder = home.root / "published"
    folder.mkdir()
    with serving(folder) as address:
        # The blogs are at 127.0.0.1: another host, so that the player is not refused.
        site = replace(SITE, base_url=address.replace("127.0.0.1", "localhost"))
        home.house = replace(home.house, site=site)
        home.lay("talk.mp4", media.film(3))
        home.lay("noise.wav", media.sound())
        home.lay("still.jpg", media.photo())
        home.lay("tall.jpg", media.photo("240x360"))
        home.lay("post.toml", 'title = "The vote"\norder = ["talk.mp4"]\n')
        home.run()
        yield Published(site=site, post=home.post)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A reader's page."""
    opened = browser.new_page(viewport={"width": 1000, "height": 900})
    opened.set_default_timeout(WAIT_MS)
    yield opened
    opened.close()


# --- what a reader does ----------------------------------------------------------------------


def player(page: Page, part: str) -> Frame:
    """The frame whose address has that part, scrolled to as a reader would."""
    element = page.locator(f'iframe[src*="{part}"]').first
    element.scroll_into_view_if_needed()
    frame = element.element_handle().content_frame()
    assert frame is not None
    return frame


def plays_in_frame(page: Page) -> bool:
    """Press the player's button; frames are decoded."""
    frame = player(page, "/talk/embed.html")
    frame.wait_for_selector("video")
    button = frame.locator(".nr-play:visible")
    if button.count():
        button.click()
    return bool(frame.locator("video").evaluate(PLAYS))


def plays_alone(page: Page) -> bool:
    """The element itself, without a player of ours."""
    video = page.locator('video[src*="/talk/video.mp4"]').first
    video.scroll_into_view_if_needed()
    return bool(video.evaluate(PLAYS))


def opens_gallery(page: Page) -> bool:
    """Follow the link to the gallery; the first photo opens in the viewer."""
    address = page.locator('a[href$="/gallery.html"]').first.get_attribute("href")
    assert address is not None
    page.goto(address)
    page.locator("[data-nr-photo]").first.click()
    page.wait_for_selector("dialog[open] img")
    return True


def does(page: Page, published: Published) -> dict[str, str]:
    """What is left of each thing of an article, in a few words."""
    script = """thing => {
      const marker = document.getElementById('nr-test-' + thing);
      if (!marker) return '';
      let html = '', at = marker.nextElementSibling;
      for (; at && !(at.id || '').startsWith('nr-test-'); at = at.nextElementSibling)
        html += at.outerHTML;
      return html;
    }"""
    return {
        thing: left(page.evaluate(script, thing), published.texts[thing]["url"])
        for thing in THINGS
        if page.locator(f"#nr-test-{thing}").count()
    }


def left(html: str, address: str) -> str:
    """Player, media, picture, link; or the bare address."""
    parts = [
        word
        for word, sign in (
            ("player", "<iframe"), ("film", "<video"), ("sound", "<audio"), ("picture", "<img"),
        )
        if sign in html
    ]  # fmt: skip
    parts += ["sandboxed"] if "wp-embedded-content" in html else []
    targets = [url for url, _ in links(html)]
    # The post in parts leads to each part, not to the post.
    parts += ["link"] if address in targets or ("<video" in html and targets) else []
    return ", ".join(parts) or ("its address as text" if address in html else "nothing")


# --- WordPress -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    """One WordPress for all."""
    with blogging.wordpress(tmp_path_factory.mktemp("blog")) as made:
        yield made


@pytest.fixture(scope="module")
def articles(blog: WordPress, published: Published) -> dict[tuple[str, str], str]:
    """The address of an article for each user and variant."""
    return {
        (user, variant): blog.publish(user, f"{variant} by {user}", published.article(variant))
        for user in USERS
        for variant in VARIANTS
    }


Articles = dict[tuple[str, str], str]


@pytest.mark.parametrize("user", USERS)
def test_an_address_becomes_the_player_in_wordpress(
    user: str, articles: Articles, page: Page
) -> None:
    """For every role alike; in its sandbox the film is decoded and the gallery's strip is there."""
    page.goto(articles[user, "url"])
    assert plays_in_frame(page)
    strip = player(page, "/gallery/embed.html")
    strip.wait_for_selector(".nr-strip img")
    assert page.locator('img[src*="/still/"]').count() >= 1


def test_an_administrators_frame_plays_in_wordpress(articles: Articles, page: Page) -> None:
    """The frame stays as it was pasted; the gallery opens from the link below its strip."""
    page.goto(articles["admin", "iframe"])
    assert plays_in_frame(page)
    assert opens_gallery(page)


def test_an_authors_frame_leaves_the_link_in_wordpress(articles: Articles, page: Page) -> None:
    """The frame is removed, caption and link remain, and lead to a page that plays."""
    page.goto(articles["author", "iframe"])
    assert page.locator('iframe[src*="/talk/"]').count() == 0
    page.locator('figcaption a[href$="/talk.html"]').first.click()
    page.wait_for_selector(".nr-play:visible").click()
    assert page.locator("video").first.evaluate(PLAYS)


@pytest.mark.parametrize("user", USERS)
def test_plain_html_plays_in_wordpress(user: str, articles: Articles, page: Page) -> None:
    """An author's film plays without a frame; the photos lead to the gallery."""
    page.goto(articles[user, "native"])
    assert plays_alone(page)
    assert opens_gallery(page)


@pytest.mark.parametrize("user", USERS)
def test_pictures_lead_on_in_wordpress(user: str, articles: Articles, page: Page) -> None:
    """The cover opens the gallery; the first image of an article is not put off by WordPress."""
    page.goto(articles[user, "poster"])
    assert page.locator('a[href$="/talk.html"] img').count() == 1
    assert opens_gallery(page)
    page.goto(articles[user, "first"])
    assert page.locator('figure img[src*="/still/poster.jpg"]').count() == 1


# --- Hugo ------------------------------------------------------------------------------------

HUGO = ("hugo", "markdown", "iframe", "native", "poster", "url")


@pytest.fixture(scope="module", params=[False, True], ids=["safe", "unsafe"])
def hugo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, published: Published
) -> Iterator[tuple[bool, str]]:
    """A built site, served; with HTML in Markdown allowed or not."""
    made = blogging.hugo(tmp_path_factory.mktemp("hugo"), unsafe=request.param)
    name, text = embed_markup.hugo_file(published.site)
    built = made.build({name: text}, {v: _markdown(published, v) for v in HUGO})
    with serving(built) as address:
        yield request.param, address


def _markdown(published: Published, variant: str) -> str:
    return "\n\n".join(
        f"{thing}\n\n{published.texts[thing][variant]}"
        for thing in THINGS
        if variant in published.texts[thing]
    )


def test_the_shortcode_plays_in_hugo(hugo: tuple[bool, str], page: Page) -> None:
    """With or without HTML in Markdown; the gallery opens from the link."""
    page.goto(f"{hugo[1]}/hugo/index.html")
    assert plays_in_frame(page)
    assert opens_gallery(page)


def test_markdown_leads_on_in_hugo(hugo: tuple[bool, str], page: Page) -> None:
    """A picture and a link, everywhere."""
    page.goto(f"{hugo[1]}/markdown/index.html")
    assert page.locator('a[href$="/talk.html"] img').count() == 1
    assert opens_gallery(page)


def test_html_plays_in_hugo_where_it_is_allowed(hugo: tuple[bool, str], page: Page) -> None:
    """Without the setting Hugo leaves HTML out, as the sheet's choice of the shortcode avoids."""
    unsafe, address = hugo
    page.goto(f"{address}/iframe/index.html")
    assert page.locator("iframe").count() == (5 if unsafe else 0)
    if not unsafe:
        return
    assert plays_in_frame(page)
    page.goto(f"{address}/native/index.html")
    assert plays_alone(page)
    assert opens_gallery(page)


# --- the record ------------------------------------------------------------------------------

START, END = "<!-- blogs -->\n", "<!-- /blogs -->\n"


def test_what_the_blogs_did_is_recorded(
    articles: Articles, page: Page, published: Published, request: pytest.FixtureRequest
) -> None:
    """docs/embeds.md says what was left of each snippet, by role; `--golden` writes it anew."""
    rows = []
    for (user, variant), address in articles.items():
        page.goto(address)
        found = does(page, published)
        rows.append(
            f"| {user}, `{variant}` | " + " | ".join(found.get(t, "") for t in THINGS) + " |"
        )
    head = ["| WordPress | " + " | ".join(THINGS) + " |", "|---" * (len(THINGS) + 1) + "|"]
    text = "\n".join([*head, *rows]) + "\n"
    before, _, rest = DOCS.read_text("utf-8").partition(START)
    said, _, after = rest.partition(END)
    if request.config.getoption("--golden"):
        DOCS.write_text(before + START + text + END + after, "utf-8")
        said = text
    assert said == text
