"""A published folder over loopback HTTP, and a real Chromium to look at it with."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mp4": "video/mp4",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
}


class _Bucket(BaseHTTPRequestHandler):
    """Answers like a public bucket: exact types, byte ranges, CORS."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        """Send a file, or the range of it that is asked for; a player may stop listening."""
        with contextlib.suppress(ConnectionError):
            self._answer()

    def _answer(self) -> None:
        path = self.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end = _range(asked, len(data))
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", TYPES.get(path.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-cache")
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[start:end])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _range(asked: re.Match[str] | None, size: int) -> tuple[int, int]:
    if asked is None:
        return 0, size
    return int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address under which the folder is served."""
    handler = type("Handler", (_Bucket,), {"folder": folder})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium; without one the test is skipped, but fails where all must run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the tests of the player need Chromium")
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


# Runs in the page before everything else: keeps what hls.js and the element tell.
_LISTEN = """
window.told = { errors: [], frames: [], ended: 0 };
document.addEventListener("DOMContentLoaded", () => {
  for (const film of document.querySelectorAll("video.nr-media")) {
    film.addEventListener("newsreel:hls", ({ detail }) =>
      told.errors.push([detail.type, detail.details, String(detail.fatal)].join(" ")));
    film.addEventListener("ended", () => { told.ended += 1; });
    const seen = (_, { mediaTime }) => {
      told.frames.push(mediaTime);
      film.requestVideoFrameCallback(seen);
    };
    film.requestVideoFrameCallback(seen);
  }
});
"""


@contextlib.contextmanager
def visiting(
    browser: Browser, address: str, *, motion: str = "no-preference"
) -> Iterator[tuple[Page, list[str]]]:
    """A page with listeners, and the addresses it asks for; broken rules of its policy raise."""
    page = browser.new_page(viewport={"width": 900, "height": 700}, reduced_motion=motion)
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda one: complaints.append(one.text) if "Content Security Policy" in one.text else None,
    )
    page.add_init_script(_LISTEN)
    page.goto(address)
    try:
        yield page, asked
    finally:
        page.close()
    assert not complaints
