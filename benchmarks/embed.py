"""Embed: what a player costs a reader, before and after they press play, on a slow link.

Owns a film published by `newsreel publish`, a folder served with byte ranges as buckets do, and a
Chromium whose link is throttled through its own protocol. Figures of others are not measured here:
their documented ones stand beside ours, with where they were said.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, sync_playwright

from benchmarks import sources
from benchmarks.meter import Failed, say
from benchmarks.table import Table
from pipeline import press, s3object

# A phone on a bad day: bits a second, and milliseconds there and back.
LINK_BPS, LATENCY_MS = 2_000_000, 40
PATIENCE_MS = 120_000

# (what, bytes before play as documented, where). No figure was found for PeerTube's.
DOCUMENTED = (
    ("YouTube's iframe", "about 1 MB", "labnol.org/files/embed.html"),
    ("Vimeo's player", "706 kB of script and style", "a report to luwes/vimeowrap.js, 2019"),
    ("PeerTube's iframe", None, "no documented figure found"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The film to publish, and where to work."""

    clip: Path
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One page: requests and bytes before play, and until the first frame; seconds for both."""

    page: str
    requests: int
    bytes: int
    shown_s: float
    play_requests: int
    play_bytes: int
    first_frame_s: float


def measure(task: Task) -> tuple[Weight, ...]:
    """The frame and the page of a film. Raises Failed without Chromium, or where nothing plays."""
    post = task.folder / "film"
    post.mkdir()
    shutil.copyfile(task.clip, post / "film.mp4")
    out = task.folder / "out"
    say("  publishing a film ...")
    command = [sys.executable, "-m", "newsreel", "publish", str(post), "--out", str(out)]
    state = os.environ | {"XDG_STATE_HOME": str(task.folder / "state")}
    if subprocess.run(command, check=False, capture_output=True, env=state).returncode:
        raise Failed("The film could not be published.")
    with _served(out) as origin, _chromium() as browser:
        return tuple(
            _weighed(browser, f"{origin}/film/{page}") for page in ("film/embed.html", "film.html")
        )


def _weighed(browser: Browser, address: str) -> Weight:
    say(f"  {address} ...")
    page = browser.new_page(viewport={"width": 640, "height": 360})
    link = page.context.new_cdp_session(page)
    traffic = _listened(link)
    page.goto(address, wait_until="networkidle")
    shown_s = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000
    before = traffic.copy()
    seconds = page.evaluate(_PLAY, PATIENCE_MS)
    if seconds is None:
        raise Failed(f"{address} does not play.")
    after = traffic.copy()
    page.close()
    return Weight(
        page=address.partition("/film/")[2],
        requests=len(before),
        bytes=sum(before.values()),
        shown_s=shown_s,
        play_requests=len(after) - len(before),
        play_bytes=sum(after.values()) - sum(before.values()),
        first_frame_s=seconds,
    )


# From the click to the first frame that is drawn, by the browser's own clock.
_PLAY = """(patience) => new Promise((done) => {
  const film = document.querySelector("video"), start = performance.now();
  film.requestVideoFrameCallback(() => done((performance.now() - start) / 1000));
  setTimeout(() => done(null), patience);
  film.muted = true;
  document.querySelector(".nr-play").click();
})"""


def _listened(link: CDPSession) -> dict[str, int]:
    """Bytes on the wire by request, headers included, as they arrive on a throttled link."""
    traffic: dict[str, int] = {}

    def data(event: dict[str, Any]) -> None:
        if event["requestId"] in traffic:  # not what a page carries within itself
            traffic[event["requestId"]] += event.get("encodedDataLength", 0)

    def response(event: dict[str, Any]) -> None:
        if event["response"]["url"].startswith("http"):
            traffic.setdefault(event["requestId"], 0)
            traffic[event["requestId"]] += event["response"].get("encodedDataLength", 0)

    link.on("Network.responseReceived", response)
    link.on("Network.dataReceived", data)
    link.send("Network.enable")
    link.send("Network.setCacheDisabled", {"cacheDisabled": True})
    speed = LINK_BPS / 8
    conditions = {"offline": False, "latency": LATENCY_MS}
    link.send(
        "Network.emulateNetworkConditions",
        conditions | {"downloadThroughput": speed, "uploadThroughput": speed},
    )
    return traffic


@contextlib.contextmanager
def _chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise Failed("This needs Chromium: install it, so that the command chromium is found.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class _Bucket(SimpleHTTPRequestHandler):
    """A folder that answers byte ranges and other origins, as a public bucket does.

    Scripts and styles come compressed, as they lie in one.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file, or the asked part of it; a browser may stop listening."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        packed = _packed().get(self.path.partition("?")[0].lstrip("/"))
        data = packed or path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1, len(data)) if asked and asked[2] else len(data)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(end - start))
        self.send_header("Access-Control-Allow-Origin", "*")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(data[start:end])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@functools.cache
def _packed() -> dict[str, bytes]:
    """What a bucket keeps compressed, by key."""
    kept = (s3object.sent(one) for one in press.assets() if one.encoding)
    return {one.key: bytes(one.body) for one in kept}


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    def handler(*words: Any) -> _Bucket:
        return _Bucket(*words, directory=str(folder))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def tables(found: Sequence[Weight]) -> tuple[Table, ...]:
    """Ours as measured, then what others have documented."""
    ours = Table(
        title=f"A film's player on a link of {LINK_BPS / 1e6:g} Mbit/s, {LATENCY_MS} ms, "
        "nothing cached, from a bucket",
        head=("page", "requests", "kB", "shown s", "play: requests", "play: kB", "first frame s"),
        rows=tuple(
            (
                one.page,
                one.requests,
                round(one.bytes / 1000),
                one.shown_s,
                one.play_requests,
                round(one.play_bytes / 1000),
                one.first_frame_s,
            )
            for one in found
        ),
        remark="First frame: from the click. hls.js is fetched then, once for all films of a site.",
    )
    others = Table(
        title="Before play, as documented by others (not measured here)",
        head=("player", "weight", "said by"),
        rows=DOCUMENTED,
    )
    return ours, others


def task(ffmpeg: Path, folder: Path, *, quick: bool) -> Task:
    """A film of the benchmark's own."""
    return Task(clip=sources.film(ffmpeg, folder, quick=quick), folder=folder)
