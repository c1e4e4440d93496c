"""Every snippet goes through the sanitizers that blogs and feed readers put it through.

docs/embeds.md holds the outcome as a table; these tests hold the table.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import sanitizers
from markdown_it import MarkdownIt
from markup import Parsed
from sample_post import AUDIO, PHOTO, POST, SITE, TALL, VIDEO, WAITING, WITHDRAWN

from pipeline import embed
from pipeline.subject import Look

DOCS = Path(__file__).parents[1] / "docs/embeds.md"
COLUMNS = ("WordPress", "sanitize-html", "DOMPurify", "nh3", "lxml-html-clean", "feedparser")
# Text that is pasted as it is: there is nothing in it for a sanitizer.
PLAIN = ("url", "hugo", "jekyll")
LOOKS = {"": Look(), " at most 480": Look(max_width=480), " exactly 480": Look(width=480)}

needs_wordpress = pytest.mark.parametrize("column", COLUMNS)


@functools.cache
def snippets() -> dict[str, dict[str, str]]:
    """Every snippet by subject and variant; Markdown as a blog would have rendered it."""
    things = {item.kind.value: embed.snippets(SITE, POST, item) for item in (VIDEO, AUDIO, PHOTO)}
    things["gallery"] = embed.gallery_snippets(SITE, POST)
    things["post"] = embed.post_snippets(SITE, POST)
    return {
        f"{thing} {variant}": _html(variant, text)
        for thing, texts in things.items()
        for variant, text in texts.items()
        if variant not in PLAIN
    }


def _html(variant: str, text: str) -> str:
    return MarkdownIt("commonmark").render(text) if variant == "markdown" else text


@functools.cache
def pages() -> dict[str, str]:
    """The page that each of them must still lead to."""
    things = {item.kind.value: embed.snippets(SITE, POST, item) for item in (VIDEO, AUDIO, PHOTO)}
    things["gallery"] = embed.gallery_snippets(SITE, POST)
    things["post"] = embed.post_snippets(SITE, POST)
    return {thing: texts["url"] for thing, texts in things.items()}


@functools.cache
def _by_script() -> dict[str, dict[str, str]]:
    return sanitizers.javascript(snippets())


@functools.cache
def cleaned(column: str) -> dict[str, str]:
    """What one sanitizer leaves of every snippet."""
    if column == "WordPress":
        return sanitizers.wordpress(snippets())
    if column in sanitizers.PYTHON:
        return sanitizers.PYTHON[column](snippets())
    return _by_script()[column]


def links(html: str) -> list[tuple[str, str]]:
    """Every link with words that can be seen, and where it leads."""
    found = re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', html, re.DOTALL)
    return [
        (url, words) for url, inner in found if (words := re.sub(r"<[^>]*>", "", inner).strip())
    ]


def outcome(html: str, page: str) -> str:
    """What a reader meets, in a few words."""
    parsed = Parsed(html)
    media = [a for tag in ("video", "audio") for a in parsed.all(tag) if a.get("src")]
    linked = [url for url, _ in links(html)]
    parts = []
    if parsed.all("iframe"):
        parts.append("player")
    if media:
        parts.append("plays" if all("controls" in one for one in media) else "no controls")
    if [one for one in parsed.all("img") if one.get("src")]:
        parts.append("picture")
    if "<figcaption" in html:
        parts.append("caption")
    parts.append("link" if page in linked else "NO LINK")
    return ", ".join(parts)


def table(columns: tuple[str, ...]) -> dict[str, list[str]]:
    """The outcome of every snippet in every column."""
    return {
        name: [outcome(cleaned(column)[name], _page(name)) for column in columns]
        for name in snippets()
    }


def _page(name: str) -> str:
    thing, variant = name.split()
    # The post in parts leads to the page of each part.
    return pages()["video"] if (thing, variant) == ("post", "native") else pages()[thing]


@needs_wordpress
def test_every_snippet_keeps_a_working_link(column: str) -> None:
    """Whatever a sanitizer removes, a link with visible words leads to the item's page."""
    for name, html in cleaned(column).items():
        assert _page(name) in [url for url, _ in links(html)], (name, html)


@needs_wordpress
def test_no_sanitizer_leaves_markup_to_be_read(column: str) -> None:
    """No tag, script or style is left as text, as some do with what they do not know."""
    for name, html in cleaned(column).items():
        words = "".join(Parsed(html).words)
        assert not re.search(r"[<>{}]|&lt;|allowfullscreen|aspect-ratio", words), (name, words)


@needs_wordpress
def test_captions_survive_with_their_words(column: str) -> None:
    """The title and the credit can still be read."""
    for name in ("video iframe", "video native", "audio native", "photo native", "photo first"):
        words = "".join(Parsed(cleaned(column)[name]).words)
        told = {
            "video": "La votación",
            "audio": "Entrevista",
            "photo": "Vecinas en el pleno. M. Ruiz",
        }
        assert told[name.split()[0]] in words, (name, words)


def test_wordpress_plays_what_an_author_pastes() -> None:
    """The native element keeps its file, poster, controls and shape; the frame is removed."""
    (video,) = Parsed(cleaned("WordPress")["video native"]).all("video")
    assert {"src", "poster", "controls", "preload", "playsinline", "width", "height"} <= set(video)
    assert video["style"] == "width:100%;height:auto"
    assert not Parsed(cleaned("WordPress")["video iframe"]).all("iframe")
    (image,) = Parsed(cleaned("WordPress")["photo native"]).all("img")
    assert {"src", "width", "height", "alt", "loading", "style"} <= set(image)
    assert "background-color:#5b6470" in (image["style"] or "")


def test_wordpress_keeps_every_width() -> None:
    """Widths and greatest widths are styles that its filter knows, portrait ones too."""
    texts = {
        f"{item.item}{name}": embed.snippets(SITE, POST, item, look)["native"]
        for item in (VIDEO, TALL, AUDIO, PHOTO)
        for name, look in LOOKS.items()
    }
    for name, html in sanitizers.wordpress(texts).items():
        before = re.findall(r'style="([^"]*)"', texts[name])
        assert re.findall(r'style="([^"]*)"', html) == before, name


@needs_wordpress
def test_a_reason_disappears_or_stays_a_comment(column: str) -> None:
    """What stands in the place of a snippet is never seen by readers."""
    texts = {"reason": embed.snippets(SITE, POST, WITHDRAWN)["iframe"]}
    cleaners = {"WordPress": sanitizers.wordpress, **sanitizers.PYTHON}
    found = (
        cleaners[column](texts) if column in cleaners else sanitizers.javascript(texts)[column]
    )["reason"]
    assert "".join(Parsed(found).words).strip() == ""


@needs_wordpress
def test_what_is_pasted_before_it_is_ready_survives_too(column: str) -> None:
    """A snippet copied at upload keeps the same parts as one that was copied later."""
    early = embed.snippets(SITE, POST, WAITING)
    texts = {f"video {name}": early[name] for name in ("iframe", "native", "poster")}
    cleaners = {"WordPress": sanitizers.wordpress, **sanitizers.PYTHON}
    found = cleaners[column](texts) if column in cleaners else sanitizers.javascript(texts)[column]
    for name, html in found.items():
        assert outcome(html, early["url"]) == outcome(cleaned(column)[name], pages()["video"])


@needs_wordpress
def test_golden_table_of_the_documentation(column: str, request: pytest.FixtureRequest) -> None:
    """docs/embeds.md says what each sanitizer leaves; `make golden` writes it anew."""
    if request.config.getoption("--golden"):
        _write(table(COLUMNS))
    at = COLUMNS.index(column)
    said = {row[0]: row[1 + at] for row in _rows()}
    assert said == {name: row[0] for name, row in table((column,)).items()}


START, END = "<!-- sanitizers -->\n", "<!-- /sanitizers -->\n"


def _write(found: dict[str, list[str]]) -> None:
    head = ["| snippet | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    rows = [f"| {name} | " + " | ".join(row) + " |" for name, row in found.items()]
    before, _, rest = DOCS.read_text("utf-8").partition(START)
    after = rest.partition(END)[2]
    DOCS.write_text(before + START + "\n".join([*head, *rows]) + "\n" + END + after, "utf-8")


def _rows() -> list[list[str]]:
    block = DOCS.read_text("utf-8").partition(START)[2].partition(END)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]
    ]
