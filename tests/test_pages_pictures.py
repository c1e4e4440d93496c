"""Pictures that move, scans and documents on pages and in snippets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_post import PHOTO, POST, SITE, made

from pipeline import display, embed, pages
from pipeline.model import Artifact, ItemManifest
from pipeline.phrases import Phrases

LOOP = made("loop", "pleno/manos/loop.mp4", "video/mp4", width=640, height=426, duration_ms=1500)
MOVING = replace(PHOTO, outputs=(*PHOTO.outputs, LOOP))
LARGE = made("large", "pleno/manos/large.jpg", "image/jpeg", width=5120, height=3413)
SCAN = replace(PHOTO, outputs=(*PHOTO.outputs, LARGE))


def sheet(number: int, name: str, role: str = "page") -> Artifact:
    kind = "image/avif" if name.endswith("avif") else "image/jpeg"
    width = int(name.partition(".")[0]) if name[0].isdigit() else 4000
    return made(role, f"pleno/manos/page-{number}-{name}", kind, width=width, height=width)


DOCUMENT = replace(
    PHOTO,
    outputs=(
        *PHOTO.outputs,
        *(sheet(number, name) for number in (10, 2) for name in ("640.jpg", "320.jpg", "640.avif")),
        sheet(2, "large.jpg", "page-large"),
    ),
)


def rendered(item: ItemManifest) -> dict[str, str]:
    """Every page of a post that holds this picture and nothing else."""
    post = replace(POST, items=(item,))
    objects = pages.render(SITE, post)
    return {o.key: o.body.decode() for o in objects if o.key.endswith(".html")}


@pytest.mark.parametrize(
    "page", ["manos.html", "manos/embed.html", "index.html", "gallery.html", "gallery/embed.html"]
)
def test_a_picture_that_moves_is_a_silent_film_everywhere(page: str) -> None:
    """Silent, looping, in place, with controls and a still; only script starts it."""
    text = rendered(MOVING)[f"pleno/{page}"]
    assert '<video class="nr-loop' in text
    tag = text[text.index("<video") :].partition(">")[0]
    for word in ("muted", "loop", "playsinline", "controls", 'preload="none"', "poster="):
        assert word in tag
    assert "autoplay" not in tag
    assert 'aria-label="Doce manos alzadas"' in tag
    assert "/loop.js" in text
    assert "loop.js" not in rendered(PHOTO)[f"pleno/{page}"]


def test_a_pasted_picture_moves_by_itself_unless_its_reader_minds() -> None:
    """The native snippet needs no script: the question about motion is in its markup."""
    native = embed.snippets(SITE, POST, MOVING)["native"]
    assert "<video autoplay loop muted playsinline controls" in native
    assert 'media="(prefers-reduced-motion: no-preference)"' in native
    assert f"{SITE.base_url}/pleno/manos/loop.mp4" in native
    assert f'poster="{SITE.base_url}/pleno/manos/poster.jpg"' in native
    assert "\n" not in native
    assert embed.snippets(SITE, POST, PHOTO)["native"].startswith("<figure><a")


def test_a_scan_is_a_link_to_its_print() -> None:
    """On its own page a scan leads to the size that shows its letters; a photo does not."""
    page = rendered(SCAN)["pleno/manos.html"]
    assert '<a class="nr-zoom" href="manos/large.jpg"' in page
    assert "Leer en tamaño completo" in page
    assert "nr-zoom" not in rendered(PHOTO)["pleno/manos.html"]
    (jpeg,) = [made for made in display.downloads(SCAN) if made.role == "large"]
    assert display.download_label(jpeg, Phrases("en")) == "JPEG 5120 × 3413"  # noqa: RUF001


def test_ordinary_readers_never_load_the_large_size() -> None:
    """It is in no list of widths that a browser chooses from."""
    for page, text in rendered(SCAN).items():
        if page != "pleno/embeds.html":
            assert "large.jpg " not in text


def test_every_page_of_a_document_is_shown_in_order() -> None:
    """Numbered by value, each with its widths and a link to its largest size."""
    page = rendered(DOCUMENT)["pleno/manos.html"]
    assert page.index('id="page-2"') < page.index('id="page-10"')
    assert 'id="page-2" href="manos/page-2-large.jpg"' in page
    assert 'id="page-10" href="manos/page-10-640.jpg"' in page
    assert "page-2-320.jpg 320w, manos/page-2-640.jpg 640w" in page
    assert 'alt="Página 10: Doce manos alzadas"' in page
    assert 'class="nr-zoom" href="manos/1920.jpg"' in page
