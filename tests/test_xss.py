"""Attacks in every text an uploader controls, published by the real path, opened in a real browser.

No script of theirs runs, no dialog opens, no policy has to stop anything, and nobody else is asked:
not on any page of ours, and not in an article into which every snippet was pasted.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import media
import pytest
from browsing import chromium, serving
from homes import SITE, Home
from markup import Parsed
from payloads import ALL, MARKUP, OTHER, file_name
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Request
from test_images import iptc, photoshop, xmp

from pipeline import embed, model
from pipeline.model import ItemManifest, PostManifest, State

pytestmark = [pytest.mark.browser, pytest.mark.hostile]

WAIT_MS = 60_000
# What the console says when a script of theirs has run.
MARK = "marked by"
FILM, SOUND, BROKEN = MARKUP[1], OTHER[2], MARKUP[4]
META = str.maketrans({mark: f"\\{mark}" for mark in "=;#\\\n"})


def _photo(path: Path, payloads: Sequence[str]) -> None:
    """A photo whose own words are payloads: IPTC, EXIF, and of some XMP, which goes first."""
    picture = Image.effect_noise((160, 120), 60).convert("RGB")
    fields = zip((105, 120, 110, 80, 116), [*payloads] * 2, strict=False)
    block = iptc((1, 90, b"\x1b%G"), *((2, number, words.encode()) for number, words in fields))
    exif = Image.Exif()
    exif.update(dict(zip((0x010E, 0x013B, 0x8298), payloads, strict=True)))
    packet = {"xmp": xmp(_dc(payloads[0]))} if "script" in payloads[0] else {}
    picture.save(path, "JPEG", exif=exif, extra=photoshop(block), **packet)


def _dc(payload: str) -> str:
    words = payload.replace("&", "&amp;").replace("<", "&lt;").replace("\0", "")
    said = f'<rdf:li xml:lang="x-default">{words}</rdf:li>'
    return f"<dc:description><rdf:Alt>{said}</rdf:Alt></dc:description>"


def _film(path: Path, folder: Path) -> None:
    """Two seconds whose title, artist, chapters and track names are payloads."""
    chapters = "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at * 80}\nEND={at * 80 + 80}\n"
        f"title={_plain(payload).translate(META)}\n"
        for at, payload in enumerate(ALL)
    )
    tags = "".join(f"{name}={_plain(MARKUP[0]).translate(META)}\n" for name in ("title", "artist"))
    words = folder / "words.txt"
    words.write_text(f";FFMETADATA1\n{tags}{chapters}", "utf-8")
    made = folder / "made.mp4"
    command = [
        *(str(media.FFMPEG), "-v", "error", "-y", "-i", str(media.film(2)), "-i", str(words)),
        *("-map_metadata", "1", "-map_chapters", "1", "-metadata:s:a:0", f"title={MARKUP[1]}"),
        *("-c", "copy", str(made)),
    ]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    made.rename(path)


def _plain(payload: str) -> str:
    return " ".join(payload.replace("\0", "").split())


def _subtitles() -> str:
    """Every payload as a cue, as the name of a speaker, and as what stands around cues."""
    cues = "".join(
        f"{number + 1}\n00:00:0{number // 20},{number % 20 * 50:03} --> 00:00:02,000\n"
        f"{_plain(payload)}\n<v {_plain(payload)}>said</v>\n\n"
        for number, payload in enumerate(ALL)
    )
    return f"{cues}\n\nNOTE {_plain(MARKUP[0])}\n"


def _toml(post: int) -> str:
    """Every field of post.toml with a payload of its own."""
    take = iter([*ALL[post:], *ALL, *ALL])
    text = lambda: json.dumps(next(take).replace("\u2028", " ").replace("\0", ""))  # noqa: E731
    lines = [f"title = {{ en = {text()}, es = {text()} }}", 'language = "en"', f"date = {text()}"]
    lines += [f"{name} = {text()}" for name in ("byline", "credit", "cover", "profile", "text")]
    for name in (f"{file_name(FILM)}.mp4", f"{file_name(SOUND)}.wav"):
        lines += [f"[items.{json.dumps(name)}]"]
        lines += [f"{key} = {text()}" for key in ("title", "caption", "alt", "credit")]
    return "\n".join(lines)


def _lay(home: Home, folder: Path) -> None:
    for number in range(0, len(ALL), 3):
        _photo(folder / "photo.jpg", ALL[number : number + 3])
        home.lay(f"{number:02} {file_name(ALL[number])}.jpg", folder / "photo.jpg")
    _film(folder / "film.mp4", folder)
    home.lay(f"{file_name(FILM)}.mp4", folder / "film.mp4")
    home.lay(f"{file_name(FILM)}.en.srt", _subtitles())
    home.lay(f"{file_name(SOUND)}.wav", media.sound())
    home.lay(f"{file_name(SOUND)}.txt", "\n\n".join(ALL))
    home.lay(f"{file_name(BROKEN)}.mp4", b"no film" * 100)
    home.lay("page.html", MARKUP[0])
    home.lay("drawing.svg", f'<svg xmlns="http://www.w3.org/2000/svg">{MARKUP[0]}</svg>')
    home.lay("page.jpg", f"<!doctype html>{MARKUP[0]}".encode())
    home.lay("post.toml", _toml(0))


@dataclass
class Watch:
    """Everything a page does that it should not."""

    address: str
    told: list[str] = field(default_factory=list)

    def over(self, page: Page) -> Page:
        """Listen to a page and all of its frames."""
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(
            f"Object.defineProperty(window, 'pwned', {{ set: (by) => console.log('{MARK}', by) }})"
        )
        page.on("dialog", lambda one: (self.told.append(f"dialog {one.message}"), one.dismiss()))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.told.append(f"error {error}"))
        page.on("request", self._request)
        return page

    def _console(self, one: ConsoleMessage) -> None:
        if "Security Policy" in one.text or MARK in one.text:
            self.told.append(one.text)

    def _request(self, one: Request) -> None:
        if not one.url.startswith((self.address, "data:", "blob:", "about:")):
            self.told.append(f"asked {one.url}")

    def check(self, where: str) -> None:
        """Nothing was told."""
        assert not self.told, (where, self.told)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The attacked post as it was published."""

    home: Home
    address: str
    watch: Watch
    page: Page

    @property
    def published(self) -> Path:
        """The folder of everything."""
        return self.home.root / "published"

    @property
    def post(self) -> PostManifest:
        """The manifest."""
        return self.home.post

    @property
    def film(self) -> ItemManifest:
        """The film that plays."""
        return next(i for i in self.post.items if i.kind == "video" and i.chapters)

    def pages(self) -> list[str]:
        """Every page there is."""
        return sorted(str(p.relative_to(self.published)) for p in self.published.rglob("*.html"))

    def open(self, key: str) -> Page:
        """Go to a page."""
        self.page.goto(f"{self.address}/{key}", timeout=WAIT_MS)
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def scene(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The post, published once by scan, ingest, render and publish."""
    root = tmp_path_factory.mktemp("attacked")
    home = Home(root / "home")
    published = home.root / "published"
    published.mkdir()
    with serving(published) as address:
        home.house = replace(home.house, site=replace(SITE, base_url=address, name=MARKUP[1]))
        _lay(home, root)
        home.run()
        watch = Watch(address)
        page = watch.over(browser.new_page(viewport={"width": 900, "height": 700}))
        yield Scene(home=home, address=address, watch=watch, page=page)
        page.close()


def test_what_was_attacked_is_published(scene: Scene) -> None:
    """The suite would pass on nothing: every kind is there, and the payloads are in its words."""
    states = {item.item: item.state for item in scene.post.items}
    kinds = [i.kind for i in scene.post.items if i.state is State.PUBLISHED]
    assert (kinds.count("photo"), kinds.count("video"), kinds.count("audio")) == (
        len(ALL) // 3,
        1,
        1,
    )
    assert list(states.values()).count(State.FAILED) >= 2
    words = model.to_json(scene.post).decode()
    for part in ("<script>window.pwned=1;alert(1)</script>", "onerror=alert(9)", "{{< evil >}}"):
        assert json.dumps(part)[1:-1] in words, part
    film = scene.film
    assert len(film.chapters) > len(ALL) // 2
    assert any("alert(1)" in chapter.title for chapter in film.chapters)
    (cues,) = [one for one in film.outputs if one.role == "captions"]
    assert "alert" in (scene.published / cues.key).read_text("utf-8")


def test_no_page_runs_anything_of_theirs(scene: Scene) -> None:
    """Every page, as it is opened: watch pages, frames, gallery, post, sheets, front page."""
    seen = scene.pages()
    assert len(seen) > 2 * len(ALL) // 3 + 12
    for key in seen:
        page = scene.open(key)
        scene.watch.check(key)
        assert page.url.endswith(key), (key, page.url)


def test_no_use_of_a_page_runs_anything_of_theirs(scene: Scene) -> None:
    """Playing with subtitles, chapters and menus; the viewer, photo by photo; every tab."""
    page = scene.open(f"march/{scene.film.item}.html")
    page.click(".nr-play", timeout=WAIT_MS)
    page.evaluate("document.querySelector('video').textTracks[0].mode = 'showing'")
    page.wait_for_function("() => document.querySelector('video').currentTime > 1", timeout=WAIT_MS)
    for chapter in page.locator("[data-nr-t]").all()[:6]:
        chapter.click()
    scene.watch.check("film")
    page = scene.open("march/gallery.html")
    page.locator("[data-nr-photo]").first.click()
    page.wait_for_selector("dialog[open]", timeout=WAIT_MS)
    for _ in range(len(ALL) // 3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(20)
    scene.watch.check("viewer")
    page = scene.open("march/embeds.html")
    for tab in page.locator("[name=nr-system]").all():
        tab.check(force=True)
    page.locator("[data-nr-look]").select_option("most")
    for fold in page.locator("summary:visible").all()[:20]:
        fold.click()
    scene.watch.check("sheet")


def test_no_snippet_runs_anything_in_an_article(scene: Scene, browser: Browser) -> None:
    """All of them in one page without any policy: what a blog would show."""
    site = scene.home.house.site
    texts = [
        *embed.post_snippets(site, scene.post).values(),
        *embed.gallery_snippets(site, scene.post).values(),
        *(t for i in scene.post.items for t in embed.snippets(site, scene.post, i).values()),
    ]
    html = "\n".join(text for text in texts if text.startswith("<"))
    (scene.published / "blog.txt").write_text(html, "utf-8")
    page = scene.watch.over(browser.new_page())
    page.goto(f"{scene.address}/march/style.css")
    page.set_content(f"<!doctype html><title>Blog</title>{html}", timeout=WAIT_MS)
    page.mouse.wheel(0, 30_000)
    page.wait_for_timeout(500)
    scene.watch.check("article")
    page.close()
    for tag, attributes in Parsed(html).elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("href", "src", "poster"):
            assert (attributes.get(name) or site.base_url).startswith(site.base_url), attributes


def test_nothing_that_was_uploaded_is_served_as_a_page_or_a_drawing(scene: Scene) -> None:
    """Pages and waveforms are ours alone; every media type is one that runs nothing."""
    made = [one for item in scene.post.items for one in item.outputs]
    drawings = [one for one in made if one.media_type == "image/svg+xml"]
    assert {one.role for one in drawings} == {"waveform"}
    assert not [one for one in made if "html" in one.media_type or "xml" in one.media_type][1:]
    for path in scene.published.rglob("*"):
        if not path.is_file() or path.suffix in {".html", ".js", ".css", ".json", ".txt"}:
            continue
        start = path.read_bytes()[:400].lstrip().lower()
        assert not start.startswith((b"<!doctype", b"<html", b"<script")), path
        if path.suffix == ".svg":
            assert b"script" not in path.read_bytes().lower()
            assert path.name == "waveform.svg"


def test_keys_are_made_of_harmless_letters(scene: Scene) -> None:
    """No name of a file reaches an address."""
    for path in scene.published.rglob("*"):
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", path.name), path


@pytest.mark.parametrize("first", [5, 11, 17])
def test_every_field_of_post_toml_meets_other_payloads(scene: Scene, first: int) -> None:
    """Published anew with each rotation; the pages that show these fields are opened again."""
    scene.home.lay("post.toml", _toml(first))
    scene.home.run()
    assert scene.post.titles["en"] == json.loads(json.dumps(ALL[first])).replace(
        "\u2028", " "
    ).replace("\0", "")
    media_ = [item.item for item in scene.post.items if item.kind != "photo"]
    keys = [
        f"march/{name}" for name in ("index", "embeds", "gallery", "gallery/embed", "post/embed")
    ]
    keys += [key for item in media_ for key in (f"march/{item}", f"march/{item}/embed")]
    for key in ("index", *keys):
        scene.open(f"{key}.html")
        scene.watch.check(key)
