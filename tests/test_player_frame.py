"""The player inside articles on another origin, in every sandbox, and what a page may say to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import chromium, serving, visiting
from playwright.sync_api import Browser, Frame, Page
from sample_post import AUDIO, made
from stages import FILM, FOLDER, SECONDS, VIDEO_IS, WAIT_MS, Stage, run, until

from pipeline.model import Chapter, State
from pipeline.transcript import Paragraph, Transcript

pytestmark = pytest.mark.browser

VTT = "text/vtt; charset=utf-8"
SPOKEN = replace(
    FILM,
    chapters=(
        Chapter(start_ms=0, end_ms=4000, title="Apertura"),
        Chapter(start_ms=4000, end_ms=8000, title="Debate"),
    ),
    outputs=(
        *FILM.outputs,
        *(
            made("captions", f"{FOLDER}/r/f2/{language}.vtt", VTT, language=language)
            for language in ("es", "en")
        ),
    ),
)
SANDBOXES = {
    "none": "",
    "wordpress": 'sandbox="allow-scripts" security="restricted"',
    "mastodon": 'sandbox="allow-scripts allow-same-origin allow-popups '
    'allow-popups-to-escape-sandbox allow-forms" allowfullscreen',
    "ours": 'sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox" '
    'allow="fullscreen; picture-in-picture" allowfullscreen',
}
ARTICLE = """<!doctype html><meta charset=utf-8><title>Article</title>
<script>
  window.heard = [];
  addEventListener("message", ({{ data, source }}) => {{
    if (source === document.querySelector("iframe").contentWindow) heard.push(data);
  }});
</script>
<iframe src="{src}" width=640 height=360 {sandbox}></iframe>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of this file."""
    with chromium() as one:
        yield one


@dataclass(frozen=True)
class Blog:
    """Another origin, whose articles show the film."""

    folder: Path
    origin: str
    stage: Stage

    def article(self, sandbox: str, tail: str = "", page: str = "votacion/embed.html") -> str:
        """Write an article and return its address."""
        src = self.stage.page(page) + tail
        text = ARTICLE.format(src=src, sandbox=SANDBOXES[sandbox])
        (self.folder / "article.html").write_text(text)
        return f"{self.origin}/article.html"


@pytest.fixture
def blog(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blog]:
    """A blog, and the film with subtitles on the media server."""
    stage.print(SPOKEN)
    for language, words in (("es", "Se vota."), ("en", "They vote.")):
        path = stage.folder / FOLDER / f"r/f2/{language}.vtt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"WEBVTT\n\n00:00.000 --> 00:08.000\n{words}\n")
    folder = tmp_path_factory.mktemp("blog")
    with serving(folder) as origin:
        yield Blog(folder, origin, stage)


def inside(page: Page) -> Frame:
    """The frame of the article, loaded."""
    frame = page.frames[1]
    frame.wait_for_load_state()
    return frame


def hears(page: Page, condition: str) -> None:
    """Wait until the article was told something."""
    for _ in range(WAIT_MS // 100):
        if page.evaluate(f"heard.some((one) => {condition})"):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never heard: {condition}; {page.evaluate('heard.slice(-5)')}")


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_it_plays_in_every_sandbox(sandbox: str, blog: Blog, browser: Browser) -> None:
    """To the end, with subtitles that can be changed, from our own host alone, keeping nothing.

    Where the article forbids full screen no button offers it, and the way to the page stays.
    """
    with visiting(browser, blog.article(sandbox)) as (page, asked):
        frame = inside(page)
        frame.locator(".nr-play").click()
        until(frame, f"{VIDEO_IS}.currentTime > .3")
        cue = f"[...{VIDEO_IS}.textTracks].find(t => t.mode === 'showing').activeCues[0].text"
        assert frame.evaluate(cue) == "Se vota."
        frame.locator(".nr-gear summary").click()
        frame.get_by_label("Subtítulos").select_option("en")
        until(frame, f"({cue.replace('activeCues[0]', 'activeCues?.[0]?')}) === 'They vote.'")
        until(frame, "told.ended === 1")
        assert not [error for error in frame.evaluate("told.errors") if error.endswith("true")]
        assert frame.evaluate("self.origin === 'null'") is (sandbox == "wordpress")
        full = frame.evaluate("document.fullscreenEnabled")
        assert full is (sandbox in ("ours", "mastodon"))
        barred = frame.evaluate("document.documentElement.classList.contains('nr-no-full')")
        assert barred is not full
        assert frame.evaluate(f"{VIDEO_IS}.controlsList.contains('nofullscreen')") is not full
        top = frame.locator(".nr-top")
        page.mouse.move(0, 600)
        assert top.is_visible()
        if sandbox != "wordpress":
            assert frame.evaluate("localStorage.length + document.cookie.length") == 0
        hosts = {urlsplit(url).netloc for url in asked if url.startswith("http")}
        assert hosts == {urlsplit(blog.origin).netloc, urlsplit(blog.stage.address).netloc}
        assert not [url for url in asked if not url.startswith(("http", "blob:", "data:"))]


def test_wordpress_is_answered(blog: Blog, browser: Browser) -> None:
    """Its secret comes back with "ready" and the height of the true shape; links go through it."""
    with visiting(browser, blog.article("wordpress", "#?secret=AbC123xyz0")) as (page, _):
        frame = inside(page)
        hears(page, "one.message === 'ready' && one.secret === 'AbC123xyz0'")
        hears(page, "one.message === 'height' && one.value === 360 && one.secret")
        page.evaluate("document.querySelector('iframe').width = 320")
        hears(page, "one.message === 'height' && one.value === 180")
        frame.locator(".nr-top").click()
        hears(page, f"one.message === 'link' && one.value === '{blog.stage.page()}'")


def test_a_notice_tells_its_shape_too(blog: Blog, browser: Browser) -> None:
    """A frame that waits asks for the height that its film will have."""
    blog.stage.print(replace(SPOKEN, state=State.PROCESSING, outputs=(), width=360, height=640))
    with visiting(browser, blog.article("wordpress", "#?secret=AbC123xyz0")) as (page, _):
        inside(page)
        hears(page, "one.message === 'height' && one.value === 800")


@pytest.mark.parametrize("tail", ["?autoplay=1&auto_play=1", "?autoplay=1#t=4"])
def test_a_click_before_it_was_there_is_enough(tail: str, blog: Blog, browser: Browser) -> None:
    """Mastodon opens the frame with autoplay after a click: it plays, silently if it must."""
    with visiting(browser, blog.article("mastodon", tail)) as (page, _):
        frame = inside(page)
        until(frame, "told.frames.length > 3")
        assert min(frame.evaluate("told.frames")) >= (3.9 if "t=4" in tail else 0)


def test_an_article_may_steer_the_player(blog: Blog, browser: Browser) -> None:
    """The commands and the events of docs/player.md, from the first to the last."""

    def command(cmd: str, value: object = None) -> None:
        page.evaluate(
            "([cmd, value]) => frames[0].postMessage({ nr: 1, cmd, value }, '*')", [cmd, value]
        )

    with visiting(browser, blog.article("wordpress")) as (page, _):
        frame = inside(page)
        hears(page, "one.ev === 'ready' && one.nr === 1")
        hears(page, "one.ev === 'size' && one.value === 360")
        command("seek", 5)
        command("play")
        hears(page, "one.ev === 'state' && one.value === 'play'")
        hears(page, "one.ev === 'time' && one.value > 5 && one.value < 8")
        command("captions", "en")
        until(
            frame,
            f"[...{VIDEO_IS}.textTracks].some(t => t.language === 'en' && t.mode === 'showing')",
        )
        command("captions", "")
        until(frame, f"[...{VIDEO_IS}.textTracks].every(t => t.mode === 'disabled')")
        command("pause")
        hears(page, "one.ev === 'state' && one.value === 'pause'")
        command("seek", "javascript:alert(1)")
        command("play")
        hears(page, "one.ev === 'ended'")
        times = page.evaluate("heard.filter((one) => one.ev === 'time').map((one) => one.value)")
        assert min(time for time in times if time) >= 4.9


def test_only_the_page_around_it_is_obeyed(blog: Blog, browser: Browser) -> None:
    """Another frame of the same article cannot steer the player."""
    address = blog.article("none")
    article = blog.folder / "article.html"
    article.write_text(article.read_text() + '<iframe src="other.html"></iframe>')
    (blog.folder / "other.html").write_text("<!doctype html><title>Other</title>")
    with visiting(browser, address) as (page, _):
        frame = inside(page)
        hears(page, "one.ev === 'ready'")
        page.frames[2].evaluate("parent.frames[0].postMessage({ nr: 1, cmd: 'play' }, '*')")
        page.evaluate("frames[0].postMessage({ nr: 1, cmd: 'seek', value: 3 }, '*')")
        until(frame, f"{VIDEO_IS}.currentTime === 3")
        assert frame.evaluate(f"{VIDEO_IS}.paused")


@pytest.mark.parametrize("name", ["votacion.html", "votacion/embed.html"])
def test_it_plays_without_script(name: str, blog: Blog, browser: Browser) -> None:
    """The element names the file and its subtitles; nothing that needs script is shown."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(blog.stage.page(name))
    for hidden in (".nr-play", ".nr-tools", ".nr-gear", ".nr-scrub", ".nr-note"):
        for one in page.locator(hidden).all():
            assert not one.is_visible()
    page.evaluate(f"{VIDEO_IS}.play()")
    for _ in range(WAIT_MS // 100):
        if page.evaluate(f"{VIDEO_IS}.currentTime > .3"):
            break
        page.wait_for_timeout(100)
    assert page.evaluate(f"{VIDEO_IS}.currentSrc").endswith("/video.mp4")
    assert page.evaluate(f"{VIDEO_IS}.controls")
    assert page.evaluate(f"{VIDEO_IS}.textTracks[0].activeCues[0].text") == "Se vota."
    context.close()


def test_what_a_reader_chose_is_kept_on_our_own_pages(blog: Blog, browser: Browser) -> None:
    """Subtitles and sound, from one page to the next; only what was chosen is written down."""
    context = browser.new_context()
    page = context.new_page()
    shown = f"[...{VIDEO_IS}.textTracks].filter(t => t.mode === 'showing').map(t => t.language)"

    def play() -> None:
        page.locator(".nr-play").click()
        for _ in range(WAIT_MS // 100):
            if page.evaluate(f"{VIDEO_IS}.currentTime > .2"):
                return
            page.wait_for_timeout(100)
        pytest.fail("does not play")

    page.goto(blog.stage.page())
    play()
    assert page.evaluate(shown) == ["es"]
    assert page.evaluate("localStorage.length") == 0
    page.get_by_label("Subtítulos").select_option("en")
    page.get_by_label("Sonido").select_option("eu")
    page.wait_for_timeout(300)
    page.reload()
    play()
    assert page.evaluate(shown) == ["en"]
    assert page.get_by_label("Subtítulos").input_value() == "en"
    assert page.get_by_label("Sonido").input_value() == "eu"
    page.get_by_label("Subtítulos").select_option("")
    page.wait_for_timeout(300)
    page.reload()
    play()
    assert page.evaluate(shown) == []
    context.close()


def test_chapters_lead_to_their_moment(blog: Blog, browser: Browser) -> None:
    """A click plays from there, and the chapter that plays is marked, also in a frame."""
    for name in ("votacion.html", "votacion/embed.html"):
        with visiting(browser, blog.stage.page(name)) as (page, _):
            if name.endswith("embed.html"):
                page.locator(".nr-gear summary").click()
            page.get_by_role("link", name="Debate").click()
            until(page, f"{VIDEO_IS}.currentTime > 4.1")
            assert page.locator("[aria-current=true]").inner_text().split() == ["0:04", "Debate"]


def test_a_page_from_a_cache_notices_the_withdrawal(blog: Blog, browser: Browser) -> None:
    """When nothing plays any more it looks again, once, and shows the notice."""
    stage = blog.stage
    with visiting(browser, stage.page("votacion/embed.html")) as (page, _):
        for path in (stage.folder / FOLDER).rglob("*.m*"):
            path.unlink()
        stage.print(replace(SPOKEN, state=State.WITHDRAWN))
        page.locator(".nr-play").click()
        page.get_by_text("Este vídeo ya no está disponible").wait_for(timeout=WAIT_MS)


def test_a_transcript_leads_and_follows(blog: Blog, browser: Browser) -> None:
    """A time plays from there; what is said is marked, and kept in sight for those who ask."""
    said = made("transcript", f"{FOLDER}/r/f2/es.json", "application/json", language="es")
    paragraphs = tuple(
        Paragraph(start_ms=n * 200, text=f"Frase {n}. " + "Palabras. " * 40) for n in range(36)
    )
    blog.stage.print(
        replace(SPOKEN, outputs=(*SPOKEN.outputs, said)),
        words={said.key: Transcript(language="es", paragraphs=paragraphs)},
    )
    with visiting(browser, blog.stage.page()) as (page, _):
        text = page.locator(".nr-words")
        page.get_by_role("checkbox").check()
        page.get_by_label("Reproducir desde 0:05").first.click()
        until(page, f"{VIDEO_IS}.currentTime > 5.3")
        now = text.locator("p:has([aria-current])")
        assert int(now.inner_text().split("Frase ")[1].split(".")[0]) >= 25
        assert text.evaluate("one => one.scrollTop") > 1000
        assert page.locator(".nr-words [aria-current]").count() == 1


def test_on_paper_only_what_can_be_read_is_left(blog: Blog, browser: Browser) -> None:
    """Black on white also for those who read in the dark; the address says where the film is."""
    with visiting(browser, blog.stage.page()) as (page, _):
        page.emulate_media(media="print", color_scheme="dark")
        for gone in (".nr-tools", ".nr-scrub", ".nr-play", ".nr-masthead"):
            assert not [one for one in page.locator(gone).all() if one.is_visible()]
        assert page.get_by_text(blog.stage.page()).is_visible()
        colours = "getComputedStyle(document.body)"
        assert page.evaluate(f"{colours}.backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate(f"{colours}.color") == "rgb(0, 0, 0)"
        assert page.get_by_role("heading", name="Capítulos").is_visible()


def test_a_waveform_is_a_place_to_seek(blog: Blog, browser: Browser) -> None:
    """By pointer and by keys, with its position in words; the drawing follows."""
    sound = blog.stage.folder / "pleno/entrevista/audio.m4a"
    sound.parent.mkdir(parents=True)
    run("-i", blog.stage.folder / FOLDER / "video.mp4", "-vn", "-c:a", "copy", sound)
    sound.with_name("waveform.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 4"><path d="M0 0h10v4z"/></svg>'
    )
    outputs = tuple(one for one in AUDIO.outputs if one.role != "enclosure")
    blog.stage.print(replace(AUDIO, duration_ms=SECONDS * 1000, outputs=outputs))
    audio = "document.querySelector('audio')"
    for name in ("entrevista.html", "entrevista/embed.html"):
        with visiting(browser, blog.stage.page(name)) as (page, asked):
            seek = page.get_by_label("Posición")
            assert not [url for url in asked if url.endswith(".m4a")]
            page.evaluate(f"{audio}.play()")
            until_plays(page, f"{audio}.currentTime > .2")
            box = seek.bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
            until_plays(page, f"{audio}.currentTime >= 5.5")
            page.evaluate(f"{audio}.pause()")
            seek.focus()
            page.keyboard.press("Home")
            page.keyboard.press("ArrowRight")
            until_plays(page, f"{audio}.currentTime === 1")
            assert seek.get_attribute("aria-valuetext") == "1\u00a0s de 8\u00a0s"
            left = page.evaluate("document.querySelector('.nr-wave').style.getPropertyValue('--p')")
            assert float(left.removesuffix("%")) == pytest.approx(100 / SECONDS, abs=0.5)


def until_plays(page: Page, condition: str) -> None:
    """Wait for something to become true of a sound."""
    for _ in range(WAIT_MS // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never: {condition}")
