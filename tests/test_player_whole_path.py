"""A film from the ingest folder to a real browser: what our own chunks are for a player."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import media
import pytest
from browsing import chromium, serving, visiting
from homes import SITE, Home
from playwright.sync_api import Browser, Page

from pipeline.scan import scan

pytestmark = pytest.mark.browser

SECONDS = 9
WAIT_MS = 90_000
STATE = """() => {
  const film = document.querySelector("video");
  return { at: film.currentTime, sound: film.webkitAudioDecodedByteCount, ...told };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as started:
        yield started


def film() -> Path:
    """Nine seconds in several chunks, whose frames do not fall on whole milliseconds."""
    return media._made(
        "whole-path.mp4",
        *("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=30000/1001:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=440:r=48000:d={SECONDS}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "37", "-bf", "2", "-c:a", "aac"),
    )


def play(page: Page) -> None:
    """Press the button, as a reader does."""
    page.wait_for_selector(".nr-play", timeout=WAIT_MS)
    page.click(".nr-play")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Home, str]]:
    """A house whose published folder is on a server."""
    home = Home(tmp_path)
    published = tmp_path / "published"
    published.mkdir()
    with serving(published) as address:
        home.house = replace(home.house, site=replace(SITE, base_url=address))
        home.lay("talk.mp4", film())
        yield home, address


def test_our_chunks_play_without_one_complaint(served: tuple[Home, str], browser: Browser) -> None:
    """From the first to the last frame, with sound: no stall, hole or nudge at any seam."""
    home, address = served
    home.run()
    frames = next(o.frames for o in home.item("talk").outputs if o.role == "video")
    with visiting(browser, f"{address}/march/talk/embed.html") as (page, asked):
        play(page)
        page.wait_for_function("() => told.ended === 1", timeout=WAIT_MS)
        told = page.evaluate(STATE)
    assert told["errors"] == []
    assert told["at"] == pytest.approx(SECONDS, abs=0.1)
    # What the machine was too busy to draw is not missing; but nothing may stand still.
    steps = [late - early for early, late in zip(told["frames"], told["frames"][1:], strict=False)]
    assert max(steps) < 1
    assert told["frames"][-1] == pytest.approx(((frames or 0) - 1) * 1001 / 30000, abs=0.2)
    assert told["sound"] > 50_000
    assert all(url.startswith((address, "blob:", "data:")) for url in asked)


def test_an_embed_pasted_at_upload_plays_what_is_ready_and_goes_on(
    served: tuple[Home, str], browser: Browser
) -> None:
    """The first chunk plays while the others are made; the same page then plays to the end."""
    home, address = served
    scan(home.house)
    waiting = []
    while bell := home.rope.take():
        # What is not urgent has to wait until the page has begun to play.
        (waiting.append if bell.priority > 1 else home.answer)(bell)
    assert home.item("talk").state == "playable"
    with visiting(browser, f"{address}/march/talk/embed.html") as (page, _):
        play(page)
        page.wait_for_function("() => told.frames.length > 5", timeout=WAIT_MS)
        assert page.is_visible(".nr-note")
        for bell in waiting:
            home.answer(bell)
        home.run()
        page.wait_for_function("() => told.ended === 1", timeout=WAIT_MS)
        assert page.evaluate(STATE)["at"] == pytest.approx(SECONDS, abs=0.1)
        page.wait_for_selector(".nr-note", state="hidden", timeout=WAIT_MS)
