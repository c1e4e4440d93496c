"""Posters: the right frame, the badge, and the quiet picture while an item is prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pipeline import errors, images_poster
from pipeline.images_poster import Look, score


def busy(size: tuple[int, int] = (640, 360)) -> Image.Image:
    """A sharp, colourful, well exposed frame."""
    image = Image.new("RGB", size, (120, 130, 140))
    draw = ImageDraw.Draw(image)
    for place in range(0, size[0], 16):
        colour = ((place * 7) % 256, (place * 13) % 256, (place * 29) % 256)
        draw.rectangle((place, place % size[1], place + 9, size[1]), fill=colour)
    return image


def save(folder: Path, image: Image.Image, form: str = "JPEG", **options: Any) -> str:
    path = folder / f"source.{form.lower()}"
    image.save(path, form, **options)
    return str(path)


def pixels(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def test_the_sharp_well_exposed_frame_is_chosen(tmp_path: Path) -> None:
    """Black, white, flat, blurred and half-faded frames lose, wherever the good one stands."""
    good = busy()
    frames = {
        "black": Image.new("RGB", good.size),
        "white": Image.new("RGB", good.size, "white"),
        "flat": Image.new("RGB", good.size, (120, 120, 120)),
        "blurred": good.filter(ImageFilter.GaussianBlur(6)),
        "faded": Image.blend(good, Image.new("RGB", good.size), 0.6),
        "good": good,
    }
    paths = []
    for name, frame in frames.items():
        paths.append(str(tmp_path / f"{name}.png"))
        frame.save(paths[-1])
    assert images_poster.choose(paths) == 5
    assert images_poster.choose(paths[::-1]) == 0


def test_frames_that_do_not_open_are_passed_over(tmp_path: Path) -> None:
    """A broken candidate costs nothing; only broken candidates are an error."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    assert images_poster.choose([str(broken), save(tmp_path, busy())]) == 1
    with pytest.raises(errors.Unreadable):
        images_poster.choose([str(broken)])


def saved(folder: Path, frames: list[Image.Image]) -> list[str]:
    paths = [str(folder / f"{number}.png") for number in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        frame.save(path)
    return paths


def dim(image: Image.Image) -> Image.Image:
    """The frame with less light: a little less good as a poster."""
    return image.point(lambda value: int(value * 0.8))


def test_a_title_card_loses_to_a_duller_picture(tmp_path: Path) -> None:
    """Letters on plain ground are crisp and full of contrast, but show nothing of the film."""
    card = Image.new("RGB", (640, 360), (70, 60, 160))
    draw = ImageDraw.Draw(card)
    for row in range(3):
        draw.text((140, 130 + row * 36), "THE PRESS CONFERENCE", fill="white", font_size=30)
    dull = dim(busy()).filter(ImageFilter.GaussianBlur(0.5))
    assert images_poster.choose(saved(tmp_path, [card, dull])) == 1


def test_of_equally_good_frames_the_film_s_own_look_wins(tmp_path: Path) -> None:
    """One shot in other colours, just as crisp, does not stand for a film of another look."""
    scene = [ImageChops.offset(busy(), shift, 0) for shift in (0, 32, 64, 96)]
    red, green, blue = busy().split()
    stranger = Image.merge("RGB", (blue, green, red.point(lambda value: value // 4 + 96)))
    frames = [stranger, *scene]
    scores = [score(images_poster._look(frame)) for frame in frames]
    assert scores[0] > 0.85 * max(scores)
    assert images_poster.choose(saved(tmp_path, frames)) > 0


def test_bars_that_every_frame_has_are_not_part_of_the_picture(tmp_path: Path) -> None:
    """A film in black bars is judged by what is between them; a dark frame gains nothing by it."""
    frames = [Image.new("RGB", (640, 360)) for _ in range(2)]
    day = ImageChops.lighter(busy((640, 200)), Image.new("RGB", (640, 200), (40, 40, 40)))
    frames[0].paste(day.point(lambda value: value // 12), (0, 80))
    frames[1].paste(day, (0, 80))
    area = images_poster._area(frames)
    assert area(frames[0]) == area(frames[1]) == (0, 80, 640, 280)
    assert images_poster.choose(saved(tmp_path, frames)) == 1


def test_a_film_of_nothing_but_black_still_has_a_poster(tmp_path: Path) -> None:
    """Where no frame is any good the first one is taken."""
    black = [Image.new("RGB", (64, 36)) for _ in range(3)]
    assert images_poster.choose(saved(tmp_path, black)) == 0


def test_a_plain_frame_has_no_edges(tmp_path: Path) -> None:
    """The rim that a filter cannot reach is not taken for sharpness."""
    assert images_poster._look(Image.new("RGB", (480, 270))).edges == 0


def test_one_grave_fault_cannot_be_bought_off() -> None:
    """A colourful, well exposed, but blurred frame loses to a plain sharp one."""
    sharp = Look(edges=400, mean=118, spread=40, exposed=0.9, colour=5, detail=0.5)
    blurred = Look(edges=4, mean=118, spread=60, exposed=1.0, colour=80, detail=0.5)
    assert score(sharp) > score(blurred) > 0


def test_the_badge_is_burnt_into_the_middle_of_a_small_file(tmp_path: Path) -> None:
    """Light triangle, dark disc, untouched corners, at most 1200 pixels and 150 kB."""
    source = save(tmp_path, Image.effect_noise((2000, 1125), 12).convert("RGB"), quality=95)
    made = images_poster.badge(source, str(tmp_path / "poster-play.jpg"), 90)
    badged = pixels(tmp_path / "poster-play.jpg")
    assert badged.size == (made["width"], made["height"]) == (1200, 675)
    assert made["bytes"] <= 150_000
    assert min(badged.getpixel((600, 337))) > 230
    assert max(badged.getpixel((600 - 40, 337))) < 140


def test_a_badge_too_large_for_mail_loses_pixels_rather_than_all_quality(tmp_path: Path) -> None:
    """The worst of pictures still fits in 150 kB, in its own shape."""
    source = save(tmp_path, Image.effect_noise((1600, 900), 90).convert("RGB"), quality=95)
    made = images_poster.badge(source, str(tmp_path / "badged.jpg"), 85)
    assert made["bytes"] <= 150_000
    assert made["width"] < 1200
    assert abs(made["width"] / made["height"] - 16 / 9) < 0.02


def test_a_plain_poster_keeps_its_size_and_quality(tmp_path: Path) -> None:
    """The chosen frame becomes a JPEG of the same size, however many bytes that takes."""
    noise = Image.effect_noise((1280, 720), 60).convert("RGB")
    made = images_poster.poster(save(tmp_path, noise, "PNG"), str(tmp_path / "poster.jpg"), 85)
    assert (made["width"], made["height"]) == (1280, 720)
    assert made["bytes"] == (tmp_path / "poster.jpg").stat().st_size > 150_000


def test_a_small_poster_is_not_enlarged_by_its_badge(tmp_path: Path) -> None:
    """The badged poster keeps the size of a small original."""
    made = images_poster.badge(save(tmp_path, busy((320, 180))), str(tmp_path / "badged.jpg"), 80)
    assert (made["width"], made["height"]) == (320, 180)


@pytest.mark.parametrize("kind", ["video", "audio", "photo"])
def test_placeholders_have_their_size_and_glyph(kind: str, tmp_path: Path) -> None:
    """Each kind gets a quiet picture of exactly the asked size with something drawn in it."""
    made = images_poster.placeholder(str(tmp_path / "wait.jpg"), 640, 360, kind)
    picture = pixels(tmp_path / "wait.jpg")
    assert picture.size == (made["width"], made["height"]) == (640, 360)
    middle = picture.crop((260, 120, 380, 240)).convert("L")
    assert middle.getextrema()[0] < 190 < min(picture.getpixel((5, 5)))
