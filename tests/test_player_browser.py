"""The player in a real browser: from first to last frame, by hls.js, from our own host alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from browsing import chromium, visiting
from playwright.sync_api import Browser
from sample_post import made
from stages import (
    BOTH,
    FILM,
    FOLDER,
    LARGE,
    PLAYED,
    SECONDS,
    SMALL,
    VIDEO_IS,
    Stage,
    hls,
    index,
    play,
    rung,
    until,
)

from pipeline import pages
from pipeline.model import Artifact, PostCard, Site, State

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of this file."""
    with chromium() as one:
        yield one


@pytest.mark.parametrize("name", ["votacion.html", "votacion/embed.html", "index.html"])
def test_a_film_plays_whole_and_without_a_hitch(name: str, stage: Stage, browser: Browser) -> None:
    """First frame, last frame, sound, the end; no error of hls.js, nothing from other hosts."""
    stage.print(FILM)
    with visiting(browser, stage.page(name)) as (page, asked):
        assert not [url for url in asked if "hls.min.js" in url or url.endswith((".m3u8", ".mp4"))]
        play(page)
        until(page, "told.ended === 1")
        told = page.evaluate("told")
        assert told["errors"] == []
        assert page.evaluate(PLAYED) == [[0, pytest.approx(SECONDS, abs=0.05)]]
        assert told["frames"][-1] == pytest.approx(SECONDS - 1 / 25, abs=0.01)
        assert page.evaluate(f"{VIDEO_IS}.webkitAudioDecodedByteCount") > 0
        assert page.evaluate(f"{VIDEO_IS}.textTracks.length") == len(
            page.query_selector_all("track")
        )
        assert any(url.endswith("/hls.min.js") for url in asked)
        assert not [url for url in asked if url.endswith("video.mp4")]
        assert not [url for url in asked if not url.startswith((stage.address, "blob:", "data:"))]


def test_av1_is_taken_where_it_plays_with_ease(stage: Stage, browser: Browser) -> None:
    """This Chromium decodes it: the other playlist is not even asked for."""
    stage.print(BOTH)
    with visiting(browser, stage.page()) as (page, asked):
        play(page)
        until(page, "told.ended === 1")
        assert page.evaluate("told.errors") == []
        assert page.evaluate("told.frames.at(-1)") == pytest.approx(SECONDS - 1 / 25, abs=0.01)
        assert any(url.endswith("/av1.m3u8") for url in asked)
        assert not [url for url in asked if url.endswith("/index.m3u8")]


@pytest.mark.parametrize(
    "answer", ["Promise.resolve({supported: true, smooth: false})", "Promise.reject(new Error())"]
)
def test_av1_is_left_alone_elsewhere(answer: str, stage: Stage, browser: Browser) -> None:
    """A device that would drop frames, or does not say, gets H.264."""
    stage.print(BOTH)
    with visiting(browser, stage.page()) as (page, asked):
        page.evaluate(f"() => {{ navigator.mediaCapabilities.decodingInfo = () => {answer}; }}")
        play(page)
        until(page, f"{VIDEO_IS}.currentTime > .2")
        assert any(url.endswith("/index.m3u8") for url in asked)
        assert not [url for url in asked if "av1" in url]


def test_av1_that_fails_gives_way_to_h264(stage: Stage, browser: Browser) -> None:
    """Before the file is fallen back on, the other playlist is tried."""
    stage.print(BOTH)
    (stage.folder / FOLDER / "hls/abc/av1.m3u8").unlink()
    with visiting(browser, stage.page()) as (page, asked):
        play(page)
        until(page, f"{VIDEO_IS}.currentTime > .2")
        assert any(url.endswith("/240.mp4") for url in asked)
        assert not [url for url in asked if url.endswith("video.mp4")]


def test_a_frame_without_an_origin_plays(stage: Stage, browser: Browser) -> None:
    """WordPress's sandbox: no storage, no worker of our own address, everything by CORS."""
    stage.print(FILM)
    frame = '<!doctype html><iframe sandbox="allow-scripts" width="640" height="360" src="{}">'
    article = stage.folder / "article.html"
    article.write_text(frame.format("pleno/votacion/embed.html"))
    with visiting(browser, f"{stage.address}/article.html") as (page, _):
        inner = page.frames[1]
        inner.locator(".nr-play").click()
        until(inner, "told.ended === 1")
        assert inner.evaluate("told.errors") == []
        assert inner.evaluate("self.origin") == "null"


def test_the_storyboard_shows_the_moment_that_is_pointed_at(stage: Stage, browser: Browser) -> None:
    """The right tile of the sprite, above the strip, and gone with the pointer."""
    board = made("storyboard", f"{FOLDER}/r/f3/storyboard.vtt", "text/vtt; charset=utf-8")
    stage.print(replace(FILM, outputs=(*FILM.outputs, board)))
    tiles = "".join(
        f"\n00:00:0{n}.000 --> 00:00:0{n + 2}.000\n000.jpg#xywh={n * 80},0,160,90\n"
        for n in range(0, SECONDS, 2)
    )
    file = stage.folder / board.key
    file.parent.mkdir(parents=True)
    file.write_text(f"WEBVTT\n{tiles}")
    with visiting(browser, stage.page()) as (page, asked):
        strip, thumb = page.locator(".nr-seek"), page.locator(".nr-thumb")
        assert not [url for url in asked if url.endswith("storyboard.vtt")]
        box = strip.bounding_box()
        assert box is not None
        strip.hover(position={"x": box["width"] * 5 / SECONDS, "y": 5})
        thumb.wait_for()
        assert "-320px" in thumb.evaluate("one => one.style.background")
        page.mouse.move(0, 0)
        thumb.wait_for(state="hidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(PostCard):
    """A card of the front page whose film has a preview."""

    preview: str = f"{FOLDER}/video.mp4"


@pytest.mark.parametrize(("motion", "there"), [("no-preference", 1), ("reduce", 0)])
def test_cards_move_only_when_pointed_at(
    motion: str, there: int, stage: Stage, browser: Browser
) -> None:
    """A muted preview while the pointer is there; none for readers who want less motion."""
    card = Card(post="pleno", title="Pleno", language="es", date="", state=State.PUBLISHED)
    card = replace(card, poster=f"{FOLDER}/poster.jpg")
    for one in pages.index(Site(base_url=stage.address, language="es"), (card,)):
        stage.write(one)
    with visiting(browser, f"{stage.address}/index.html", motion=motion) as (page, asked):
        assert not [url for url in asked if url.endswith(".mp4")]
        page.locator(".nr-cards a").hover()
        assert page.locator(".nr-cards video").count() == there
        page.mouse.move(0, 0)
        assert page.locator(".nr-cards video").count() == 0


def grow(stage: Stage, segments: int) -> None:
    """Cut every playlist after that many segments, as it is while the film is in the making."""
    for path in (stage.folder / FOLDER / "hls/abc").glob("*.m3u8"):
        if path.name == "index.m3u8":
            continue
        whole = path.with_suffix(".whole")
        if not whole.exists():
            whole.write_bytes(path.read_bytes())
        head, *parts = re.split(r"(?=#EXTINF)", whole.read_text())
        head = head.replace("TYPE:VOD", "TYPE:EVENT")
        if segments < len(parts):
            parts = parts[:segments]
        path.write_text(head + "".join(parts))


def test_a_film_in_the_making_plays_on(stage: Stage, browser: Browser) -> None:
    """It begins at its beginning, waits at the end of what is ready, goes on, and ends."""
    grow(stage, 2)
    growing = replace(
        FILM,
        state=State.PLAYABLE,
        outputs=(hls(complete=False, ready_ms=4000), rung(240, 426), rung(360, 640)),
    )
    stage.print(growing)
    with visiting(browser, stage.page()) as (page, _):
        note = page.locator(".nr-note")
        assert "0:04 / 0:08" in note.inner_text()
        play(page)
        until(page, f"{VIDEO_IS}.currentTime > 3.5")
        assert page.evaluate("told.ended") == 0
        grow(stage, 99)
        stage.print(FILM)
        until(page, "told.ended === 1")
        assert page.evaluate("told.frames.at(-1)") == pytest.approx(SECONDS - 1 / 25, abs=0.01)
        assert page.evaluate(PLAYED) == [[0, pytest.approx(SECONDS, abs=0.05)]]
        until(page, "document.querySelector('.nr-note').textContent.includes('completo')")
        assert not [error for error in page.evaluate("told.errors") if error.endswith("true")]


def test_sizes_that_come_later_are_taken_up(stage: Stage, browser: Browser) -> None:
    """A film begun when there was only the smallest size gets the others without a new page."""
    path = stage.folder / FOLDER / "hls/abc/index.m3u8"
    grow(stage, 2)
    path.write_text(index(SMALL))
    started = hls(complete=False, ready_ms=4000)
    stage.print(replace(FILM, state=State.PLAYABLE, outputs=(started, rung(240, 426))))
    with visiting(browser, stage.page()) as (page, _):
        play(page)
        until(page, f"{VIDEO_IS}.videoHeight === 240")
        path.write_text(index(SMALL, LARGE))
        grow(stage, 99)
        more = hls(complete=False, ready_ms=8000)
        stage.print(
            replace(FILM, state=State.PLAYABLE, outputs=(more, rung(240, 426), rung(360, 640)))
        )
        until(page, f"{VIDEO_IS}.videoHeight === 360")
        until(page, "told.frames.at(-1) > 5")


def test_size_and_language_can_be_chosen(stage: Stage, browser: Browser) -> None:
    """Also before the first play; the menus offer what the playlist has."""
    stage.print(FILM)
    with visiting(browser, stage.page()) as (page, asked):
        page.get_by_label("Calidad").select_option("240")
        assert not page.get_by_label("Sonido").is_visible()
        play(page)
        until(page, f"{VIDEO_IS}.currentTime > .5")
        assert page.evaluate(f"{VIDEO_IS}.videoHeight") == 240
        sound = page.get_by_label("Sonido")
        assert sound.locator("option").all_inner_texts() == ["es", "eu"]
        sound.select_option("eu")
        page.get_by_label("Calidad").select_option("360")
        until(page, f"{VIDEO_IS}.videoHeight === 360")
        assert any(url.endswith("sound-1.mp4") for url in asked)


def test_the_address_chooses_the_moment(stage: Stage, browser: Browser) -> None:
    """`?t=` begins there, and nothing is fetched before the reader presses play."""
    stage.print(FILM)
    with visiting(browser, stage.page("votacion.html?t=5")) as (page, asked):
        assert not [url for url in asked if url.endswith(".m3u8")]
        play(page)
        until(page, "told.ended === 1")
        assert min(page.evaluate("told.frames")) >= 4.9


@pytest.mark.parametrize("gone", ["hls/abc/index.m3u8", "hls/abc/240.mp4"])
def test_without_its_playlist_the_file_plays(gone: str, stage: Stage, browser: Browser) -> None:
    """Where HLS cannot be had, the one file is played; the error was told."""
    stage.print(FILM)
    (stage.folder / FOLDER / "hls/abc/index.m3u8").write_text(index(SMALL))
    (stage.folder / FOLDER / gone).unlink()
    with visiting(browser, stage.page()) as (page, asked):
        play(page)
        until(page, "told.ended === 1")
        assert any(url.endswith("video.mp4") for url in asked)
        assert any(error.endswith("true") for error in page.evaluate("told.errors"))


def test_pictures_that_cannot_be_decoded_are_left_for_the_file(
    stage: Stage, browser: Browser
) -> None:
    """hls.js steps over a damaged part; where all is damaged, the file is played to its end."""
    stage.print(FILM)
    (stage.folder / FOLDER / "hls/abc/index.m3u8").write_text(index(SMALL))
    broken = stage.folder / FOLDER / "hls/abc/240.mp4"
    data = bytearray(broken.read_bytes())
    for found in re.finditer(b"mdat", bytes(data)):
        data[found.end() : found.end() + 4000] = b"\xff" * 4000
    broken.write_bytes(data)
    with visiting(browser, stage.page()) as (page, asked):
        play(page)
        until(page, "told.ended === 1")
        assert any(error.startswith("mediaError") for error in page.evaluate("told.errors"))
        assert any(url.endswith("video.mp4") for url in asked)


@pytest.mark.parametrize("outputs", [FILM.outputs, FILM.outputs[:-1]], ids=["file", "no-file"])
def test_a_film_that_cannot_be_played_says_so(
    outputs: tuple[Artifact, ...], stage: Stage, browser: Browser
) -> None:
    """Neither playlist nor file can be had: a plain sentence instead of a black box."""
    stage.print(replace(FILM, outputs=outputs))
    (stage.folder / FOLDER / "hls/abc/index.m3u8").unlink()
    (stage.folder / FOLDER / "video.mp4").unlink()
    with visiting(browser, stage.page()) as (page, _):
        play(page)
        until(page, "document.querySelector('.nr-note').textContent.includes('no se puede')")


def test_the_keyboard_is_enough(stage: Stage, browser: Browser) -> None:
    """The button is reached and pressed by keys, and hands the focus to the film."""
    stage.print(FILM)
    with visiting(browser, stage.page("votacion/embed.html")) as (page, _):
        page.locator(".nr-play").focus()
        page.keyboard.press("Enter")
        until(page, f"{VIDEO_IS}.currentTime > .2")
        assert page.evaluate("document.activeElement.tagName") == "VIDEO"
        page.locator(".nr-gear summary").focus()
        page.keyboard.press("Enter")
        assert page.get_by_label("Velocidad").is_visible()
