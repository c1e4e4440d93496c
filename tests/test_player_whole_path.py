"""A film from the ingest folder to a real browser: what our own chunks are for a player."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import media
import pytest
from browsing import chromium, serving, visiting
from conftest import asked
from homes import QUICK, SITE, Home
from playwright.sync_api import Browser, Page
from values import changed

from pipeline import press
from pipeline.address import FOREVER
from pipeline.s3store import S3Store
from pipeline.scan import scan

pytestmark = pytest.mark.browser

SECONDS = 9
# Pictures that are coded ahead of being shown, as the default profile has them.
REORDERED = changed(QUICK, video=changed(QUICK.video, x264="bframes=3:b-adapt=0"))
WAIT_MS = 90_000
STATE = """() => {
  const film = document.querySelector("video");
  const decoded = film.getVideoPlaybackQuality().totalVideoFrames;
  return { at: film.currentTime, sound: film.webkitAudioDecodedByteCount, decoded, ...told };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    with chromium() as started:
        yield started


PICTURES = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r={rate}:d=9")
TONE = ("-f", "lavfi", "-i", "sine=440:r=48000:d=9")
LOW = ("-f", "lavfi", "-i", "sine=220:r=48000:d=9")
BOTH = ("-map", "0", "-map", "1", "-map", "2", "-metadata:s:a:0", "language=spa")
UNEVEN = ("-vf", "select='lt(mod(n*n,41),19)+eq(n,269)'", "-fps_mode", "passthrough")
# What a film is made of, its pictures a second, and what it has besides.
FILMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "29.97": ("30000/1001", TONE),
    "59.94": ("60000/1001", TONE),
    "uneven": ("30", (*TONE, *UNEVEN)),
    "silent": ("25", ()),
    "languages": ("25", (*TONE, *LOW, *BOTH, "-metadata:s:a:1", "language=eng")),
}


def film(name: str = "29.97") -> Path:
    """Nine seconds in several chunks."""
    rate, rest = FILMS[name]
    pictures = (part.format(rate=rate) for part in PICTURES)
    h264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "37", "-bf", "2", "-c:a", "aac")
    return media._made(f"whole-path-{name}.mp4", *pictures, *rest, *h264)


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


@pytest.mark.parametrize("name", FILMS)
def test_our_chunks_play_without_one_complaint(
    served: tuple[Home, str], browser: Browser, name: str
) -> None:
    """From the first to the last frame, with sound: no stall, hole or nudge at any seam."""
    home, address = served
    home.lay("talk.mp4", film(name))
    home.house = replace(home.house, profiles={"default": REORDERED})
    home.run()
    (whole,) = (o for o in home.item("talk").outputs if o.role == "video")
    with visiting(browser, f"{address}/march/talk/embed.html") as (page, asked):
        play(page)
        page.wait_for_function("() => told.ended === 1", timeout=WAIT_MS)
        told = page.evaluate(STATE)
    assert told["errors"] == []
    assert told["at"] == pytest.approx(SECONDS, abs=0.1)
    # What the machine was too busy to draw is not missing; but nothing may stand still.
    steps = [late - early for early, late in zip(told["frames"], told["frames"][1:], strict=False)]
    assert max(steps) < 1
    assert told["frames"][-1] == pytest.approx(SECONDS - 1 / 30, abs=0.25)
    # Every frame is decoded, also those that were not drawn; changing the size decodes some again.
    assert told["decoded"] >= 0.9 * (whole.frames or 0)
    assert (told["sound"] > 50_000) is (name != "silent")
    assert all(url.startswith((address, "blob:", "data:")) for url in asked)


@pytest.mark.integration
def test_from_a_real_bucket_scripts_come_compressed(
    tmp_path: Path, public_s3: S3Store, browser: Browser
) -> None:
    """The player's hls.js is a third on the line, kept for ever, and the film plays to its end."""
    home = Home(tmp_path)
    address = f"{public_s3.client.meta.endpoint_url}/{public_s3.bucket}"
    site = replace(SITE, base_url=address)
    home.house = replace(home.house, site=site, published=public_s3)
    home.lay("talk.mp4", film())
    home.run()
    with visiting(browser, f"{address}/march/talk/embed.html") as (page, _):
        with page.expect_response("**/hls.min.js", timeout=WAIT_MS) as fetched:
            play(page)
        headers = fetched.value.all_headers()
        page.wait_for_function("() => told.ended === 1", timeout=WAIT_MS)
        assert page.evaluate(STATE)["errors"] == []
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["cache-control"] == FOREVER
    (script,) = (one for one in press.assets() if one.key.endswith("/hls.min.js"))
    assert int(headers["content-length"]) < len(script.body) / 3
    assert public_s3.sync(press.assets()) == ()
    playlist = next(entry.key for entry in public_s3.list() if entry.key.endswith(".m3u8"))
    _, told, text = asked(public_s3, playlist, **{"Accept-Encoding": "gzip"})
    assert told["Content-Encoding"] is None
    assert text.startswith(b"#EXTM3U")


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
