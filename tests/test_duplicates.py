"""One picture, several files: published once, with all its words, and every address goes on."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from homes import Home
from PIL import Image
from sample_post import PHOTO, POST, SITE, VIDEO, photo

from pipeline import display, duplicates, manifest, pages, sheet
from pipeline.model import ItemManifest, State


def seen(slug: str, pixels: str, **words: str) -> ItemManifest:
    """A photo whose pixels are known by that name."""
    item = photo(slug, 600, 400)
    first, *others = item.outputs
    outputs = (replace(first, extra={"pixels": pixels}), *others)
    plain = {"caption": "", "alt": "", "credit": "", "title": slug} | words
    return replace(item, outputs=outputs, **plain)  # type: ignore[arg-type]


def test_the_first_in_reading_order_stands_for_all() -> None:
    """The others name it; what is unlike stays as it is."""
    items = (seen("b", "1"), seen("c", "2"), seen("a", "1"), seen("d", "1"))
    marked, notes = duplicates.marked(items)
    assert [item.duplicate_of for item in marked] == ["", "", "b", "b"]
    assert notes == ("a.jpg and d.jpg show the same picture as b.jpg; it is published once.",)


def test_the_words_of_all_are_kept() -> None:
    """Captions that differ are joined, once each; what the first lacks comes from the next."""
    items = (
        seen("a", "1", caption="The vote."),
        seen("b", "1", caption="The vote.", alt="Hands"),
        seen("c", "1", caption="Twelve hands.", credit="A. Pérez"),
    )
    first = duplicates.marked(items)[0][0]
    assert (first.caption, first.alt, first.credit) == (
        "The vote. · Twelve hands.",
        "Hands",
        "A. Pérez",
    )


def test_what_is_not_known_is_nobodys_twin() -> None:
    """Photos in the making, and films, are what they are."""
    items = (replace(PHOTO, outputs=()), replace(PHOTO, item="x", outputs=()), VIDEO)
    assert duplicates.marked(items) == (items, ())


def twins() -> tuple[ItemManifest, ...]:
    """A post's items of which the second duplicates the first."""
    return duplicates.marked((seen("a", "1"), seen("b", "1"), seen("c", "2")))[0]


def test_a_duplicate_is_shown_nowhere() -> None:
    """Galleries, the post's page, the sheet and the front page count it once."""
    post = replace(POST, items=twins())
    assert [item.item for item in display.photos(post)] == ["a", "c"]
    assert manifest.card(post).counts == {"photo": 2}
    titles = [
        entry.id for one in sheet.sheets(SITE, post, pages._overhead()) for entry in one.entries
    ]
    assert "b" not in titles
    assert "a" in titles


def test_its_address_leads_to_the_photo() -> None:
    """Its page goes on to the one that is published; its frame shows the picture as before."""
    rendered = {
        o.key: bytes(o.body).decode()
        for o in pages.render(SITE, replace(POST, items=twins()))
        if o.key.endswith(".html")
    }
    page = rendered["pleno/b.html"]
    assert '<meta http-equiv="refresh" content="0; url=a.html">' in page
    assert '<link rel="canonical" href="https://media.example.org/published/pleno/a.html">' in page
    assert 'http-equiv="refresh"' not in rendered["pleno/a.html"]
    assert (
        "../b/1280.jpg" in rendered["pleno/b/embed.html"]
        or "1280.jpg" in rendered["pleno/b/embed.html"]
    )


def drawn(mode: str) -> Image.Image:
    """A picture with something in every corner."""
    image = Image.new("RGB", (120, 80), (200, 30, 60))
    image.paste((20, 200, 60), (0, 0, 50, 30))
    image.paste((20, 30, 220), (70, 50, 120, 80))
    return image.convert(mode)


def coded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_the_same_pixels_in_other_files_are_found(empty: Home) -> None:
    """Other metadata, another lossless format, the same turned by a flag; not another picture."""
    image = drawn("RGB")
    turned = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    said = Image.Exif()
    said[0x010E] = "Hands"
    empty.lay("1.png", coded(image, "PNG"))
    empty.lay("2.png", coded(image, "PNG", compress_level=1, exif=said))
    empty.lay("3.tif", coded(image, "TIFF"))
    empty.lay("4.png", coded(turned, "PNG", exif=exif))
    empty.lay("5.png", coded(Image.eval(image, lambda value: value // 2), "PNG"))
    post = empty.run()
    assert {item.item: item.duplicate_of for item in post.items} == {
        "1": "",
        "2": "1",
        "3": "1",
        "4": "1",
        "5": "",
    }
    assert post.items[0].caption == "Hands"
    assert [note for note in post.notes if "published once" in note]
    assert all(item.state is State.PUBLISHED for item in post.items)


def test_a_duplicate_whose_twin_goes_is_published(empty: Home) -> None:
    """Which one stands for the picture follows from what is there."""
    empty.lay("1.png", coded(drawn("RGB"), "PNG"))
    empty.lay("2.png", coded(drawn("RGB"), "PNG", compress_level=1))
    assert [item.duplicate_of for item in empty.run().items] == ["", "1"]
    empty.take("1.png")
    assert [(item.item, item.duplicate_of) for item in empty.run().items] == [("2", "")]
    page = empty.house.published.read("march/2.html").decode()
    assert 'http-equiv="refresh"' not in page.split("</head>")[0]


@pytest.mark.parametrize("cover", ["2.png", "1.png"])
def test_the_cover_may_be_a_duplicate(cover: str, empty: Home) -> None:
    """Then the photo that stands for it is the cover."""
    empty.lay("1.png", coded(drawn("RGB"), "PNG"))
    empty.lay("2.png", coded(drawn("RGB"), "PNG", compress_level=1))
    empty.lay("post.toml", f'cover = "{cover}"\n')
    assert empty.run().cover == "1"
