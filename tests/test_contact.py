"""The contact sheet: which photos are on it, how they lie, when it is made."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sample_post import POST, SITE, photo

from pipeline import address, contact, images_contact, oembed, structured
from pipeline.errors import Unreadable
from pipeline.images_contact import SIZE, cells
from pipeline.publish import publish
from pipeline.scan import scan


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (120, 80)) -> bytes:
    """A photo of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


@given(st.lists(st.floats(0.2, 5), min_size=1, max_size=40))
def test_photos_fill_the_sheet_and_nothing_overlaps(ratios: list[float]) -> None:
    """Every photo has a place inside, rows reach from edge to edge, and gaps alone are between."""
    found = cells(ratios)
    assert len(found) == len(ratios)
    assert all(c.x >= 0 and c.y >= 0 and c.width > 0 and c.height > 0 for c in found)
    assert max(c.x + c.width for c in found) == SIZE[0]
    assert max(c.y + c.height for c in found) == SIZE[1]
    places = [(c.x, c.y, c.x + c.width, c.y + c.height) for c in found]
    for number, (left, top, right, bottom) in enumerate(places):
        for other in places[number + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_a_sheet_is_never_too_heavy(tmp_path: Path) -> None:
    """Twenty photos of noise, the worst there is, stay under the limit."""
    paths = []
    for number in range(20):
        path = tmp_path / f"{number}.jpg"
        Image.effect_noise((320, 213), 120).convert("RGB").save(path, "JPEG", quality=95)
        paths.append(str(path))
    target = tmp_path / "contact.jpg"
    facts = images_contact.arrange(paths, str(target))
    assert target.stat().st_size == facts["bytes"]
    assert 0 < facts["bytes"] <= 300_000
    with Image.open(target) as sheet:
        assert sheet.size == SIZE
        assert sheet.info.get("exif") is None


def test_the_cover_leads_and_the_rest_is_from_everywhere() -> None:
    """Of a thousand photos twenty, the cover first, the others in order from all over."""
    items = [photo(f"p{number:04}", 600, 400) for number in range(1000)]
    shown = contact.chosen(replace(POST, cover="p0777"), items)
    names = [made.key.split("/")[1] for made in shown]
    assert len(names) == len(set(names)) == contact.MOST
    assert names[0] == "p0777"
    assert names[1:] == sorted(names[1:])
    assert int(names[-1][1:]) > 900


def test_it_is_there_from_the_first_minute_and_made_when_photos_are(empty: Home) -> None:
    """A placeholder, then the photos; made once, and again when a photo comes."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    for number, colour in enumerate(colours):
        empty.lay(f"{number}.jpg", jpeg(colour))
    scan(empty.house)
    publish(empty.house, "march")
    pending = empty.published["march/gallery/contact.jpg"]
    empty.run()
    made = empty.published["march/gallery/contact.jpg"]
    assert made != pending
    with Image.open(empty.root / "published/march/gallery/contact.jpg") as sheet:
        assert sheet.size == SIZE
        middles = [(c.x + c.width // 2, c.y + c.height // 2) for c in cells([1.5] * 3)]
        seen = [sheet.convert("RGB").getpixel(middle) for middle in middles]
    for found, wanted in zip(seen, colours, strict=True):
        assert found == pytest.approx(wanted, abs=12)
    empty.lay("3.jpg", jpeg((255, 255, 0)))
    empty.run()
    assert empty.published["march/gallery/contact.jpg"] not in (made, pending)
    for number in range(4):
        empty.take(f"{number}.jpg")
    empty.run()
    assert "march/gallery/contact.jpg" not in empty.published


def test_it_is_made_no_more_often_than_it_changes(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that change, and photos one by one, do not have it drawn again and again."""
    drawn: list[int] = []
    draw = contact._draw
    monkeypatch.setattr(contact, "_draw", lambda *args: (drawn.append(1), draw(*args)))
    for number in range(3):
        empty.lay(f"{number}.jpg", jpeg((80 * number, 90, 90)))
    empty.run()
    empty.lay("post.toml", 'title = "Other"\n')
    empty.run()
    assert drawn == [1]


def test_a_sheet_that_cannot_be_made_ends_nothing(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages are published with the placeholder; the next change tries again."""
    empty.lay("0.jpg", jpeg((80, 90, 90)))

    def broken(*_: Any) -> None:
        raise Unreadable("no")

    with monkeypatch.context() as patch:
        patch.setattr(contact, "_draw", broken)
        empty.run()
    before = empty.published["march/gallery/contact.jpg"]
    empty.lay("post.toml", 'title = "Other"\n')
    empty.run()
    assert empty.published["march/gallery/contact.jpg"] != before


def test_cards_show_it() -> None:
    """The gallery's page and its oEmbed answer name it, with its size."""
    meta = {
        one.name: one.content for one in structured.gallery_meta(SITE, POST, "pleno/gallery.html")
    }
    assert meta["og:image"] == address.absolute(SITE, "pleno/gallery/contact.jpg")
    assert (meta["og:image:width"], meta["og:image:height"]) == ("1200", "630")
    answer = oembed.gallery(SITE, POST)
    assert answer["thumbnail_url"] == meta["og:image"]
    assert (answer["thumbnail_width"], answer["thumbnail_height"]) == (1200, 630)
