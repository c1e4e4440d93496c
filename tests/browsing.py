"""A published folder over loopback HTTP, and a real Chromium to look at it with.

`serving` answers like a public bucket; given a `Bucket` it sends the very headers that were stored
with each object, so that a browser's cache behaves as it will for readers.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright
from wanting import wanting

from pipeline.model import Entry, Object
from pipeline.store import DirStore, Progress

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mp4": "video/mp4",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".svg": "image/svg+xml",
    ".avif": "image/avif",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
}


class Bucket(DirStore):
    """A store on a folder that remembers what a bucket keeps: each object's headers."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root
        self.headers: dict[str, tuple[str, str]] = {}
        self.written: list[str] = []

    def put(self, item: Object, *, on_bytes: Progress | None = None) -> Entry:
        """Write, and remember the headers."""
        self._note(item.key, item.media_type, item.cache)
        return super().put(item, on_bytes=on_bytes)

    def create(self, item: Object) -> bool:
        """Write what is not there yet, and remember the headers."""
        made = super().create(item)
        if made:
            self._note(item.key, item.media_type, item.cache)
        return made

    def copy(self, source: str, key: str, *, media_type: str, cache: str = "") -> None:
        """Name it once more, and remember the headers of that name."""
        self._note(key, media_type, cache)
        super().copy(source, key, media_type=media_type, cache=cache)

    def sync(self, objects: Iterable[Object]) -> tuple[str, ...]:
        """Write what differs."""
        return tuple(self.put(item).key for item in objects if not self.holds(item))

    def _note(self, key: str, media_type: str, cache: str) -> None:
        self.headers[key] = (media_type, cache)
        self.written.append(key)


class _Server(BaseHTTPRequestHandler):
    """Answers like a public bucket: exact types, byte ranges, CORS, ETags."""

    protocol_version = "HTTP/1.1"
    folder: Path
    headers_of: Mapping[str, tuple[str, str]]

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
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag and "Range" not in self.headers:
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end = _range(asked, len(data))
        self.send_response(206 if asked else 200)
        plain = (TYPES.get(path.suffix, "application/octet-stream"), "no-cache")
        key = str(path.relative_to(self.folder))
        media_type, cache = self.headers_of.get(key, plain)
        self.send_header("Content-Type", media_type)
        self.send_header("Cache-Control", cache)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Access-Control-Allow-Origin", "*")
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
def serving(folder: Path | Bucket) -> Iterator[str]:
    """The address under which the folder is served; a bucket's objects with their headers."""
    headers = folder.headers if isinstance(folder, Bucket) else {}
    root = folder.root if isinstance(folder, Bucket) else folder
    handler = type("Handler", (_Server,), {"folder": root, "headers_of": headers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def needs_chromium() -> str:
    """The machine's Chromium; without one the test is skipped, but fails where all must run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        wanting("the tests of the player need Chromium")
    return program


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running one, without a window."""
    program = needs_chromium()
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
