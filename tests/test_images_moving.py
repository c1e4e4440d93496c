"""Pictures that move: every image at its time, in its colours, and a film that holds them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from pipeline import errors, images_moving
from tests.test_images import PIXELS, distance, scene

SIZE = (64, 48)


def strips(count: int = 4) -> list[Image.Image]:
    """Images of which each has a bar in another place."""
    made = []
    for number in range(count):
        image = Image.new("RGB", SIZE, (20, 90, 160))
        ImageDraw.Draw(image).rectangle((number * 8, 0, number * 8 + 7, 47), fill=(250, 220, 40))
        made.append(image)
    return made


def unroll(path: Path, size: tuple[int, int] = SIZE, **facts: Any) -> dict[str, Any]:
    out = {"make": "loop", "role": "loop", "file": "loop.mp4", "crf": 21}
    wanted = out | {"width": size[0], "height": size[1]}
    return images_moving.unroll(str(path), wanted, str(path.parent), {"max_pixels": PIXELS} | facts)


def seen(folder: Path) -> list[tuple[Image.Image, int]]:
    """What the encoder is given: each image with its time in ms."""
    found = []
    with Image.open(folder / "frames.png") as reel:
        for number in range(reel.n_frames):  # type: ignore[attr-defined]
            reel.seek(number)
            found.append((reel.convert("RGB"), round(reel.info["duration"])))
    return found


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_every_image_comes_out_at_its_time(form: str, tmp_path: Path) -> None:
    """Whatever the format, all images are there in order, each as long as it stood."""
    path = tmp_path / f"moving.{form.lower()}"
    first, *rest = strips()
    times = [80, 40, 200, 1000]
    lossless = {"quality": 100} if form in ("WEBP", "AVIF") else {}
    first.save(path, form, save_all=True, append_images=rest, duration=times, loop=0, **lossless)
    assert unroll(path) == {"frames": 4, "duration_ms": 1320, "notes": []}
    found = seen(tmp_path)
    assert [time for _, time in found] == times
    for (image, _), given in zip(found, [first, *rest], strict=True):
        assert distance(image, given) < 10  # and 50 from its neighbours


def test_images_that_are_drawn_over_each_other_come_out_whole(tmp_path: Path) -> None:
    """Transparent parts show the image before, or white paper, as the file says."""
    path = tmp_path / "drawn.gif"
    frames = []
    for number in range(3):
        frame = Image.new("RGBA", SIZE, (0, 0, 0, 0))
        box = (number * 20, 0, number * 20 + 9, 47)
        ImageDraw.Draw(frame).rectangle(box, fill=(200, 0, 0, 255))
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, disposal=2)
    unroll(path)
    last = seen(tmp_path)[2][0]
    assert last.getpixel((45, 20)) == (200, 0, 0)
    assert last.getpixel((5, 20)) == (255, 255, 255)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, disposal=1)
    unroll(path)
    assert seen(tmp_path)[2][0].getpixel((5, 20)) == (200, 0, 0)


def test_hasty_images_are_slowed_as_browsers_do(tmp_path: Path) -> None:
    """Times of 10 ms or less are what nobody means; an image of an hour is cut to a minute."""
    path = tmp_path / "hasty.gif"
    first, *rest = strips(3)
    first.save(path, save_all=True, append_images=rest, duration=[10, 20, 600_000])
    unroll(path)
    assert [time for _, time in seen(tmp_path)] == [100, 20, 60_000]


def test_a_picture_for_old_readers_is_none_of_the_motion(tmp_path: Path) -> None:
    """An APNG may begin with a picture of its own for who cannot play it."""
    path = tmp_path / "old.png"
    frames = strips(3)
    poster = Image.new("RGB", SIZE, "black")
    poster.save(path, save_all=True, append_images=frames, duration=100, default_image=True)
    assert unroll(path)["frames"] == 3
    assert distance(seen(tmp_path)[0][0], frames[0]) < 2


def test_a_last_odd_row_is_cut_and_larger_pictures_are_scaled(tmp_path: Path) -> None:
    """One pixel less is no reason to blur all others; a wide picture is made smaller."""
    path = tmp_path / "odd.gif"
    pictures = [scene(65, 49), scene(65, 49).rotate(180)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    unroll(path)
    assert distance(seen(tmp_path)[0][0], pictures[0].crop((0, 0, *SIZE))) < 3
    unroll(path, (32, 24))
    assert seen(tmp_path)[0][0].size == (32, 24)


def test_too_much_motion_is_refused_before_a_pixel_is_decoded(tmp_path: Path) -> None:
    """The limit is told with its setting; the still is published all the same."""
    path = tmp_path / "long.gif"
    first, *rest = [scene(*SIZE).rotate(7 * number) for number in range(50)]
    first.save(path, save_all=True, append_images=rest, duration=100)
    with pytest.raises(errors.OverLimit, match=r"first image is published.*max_photo_pixels"):
        unroll(path, max_pixels=SIZE[0] * SIZE[1])


def test_a_damaged_loop_shows_what_is_there(tmp_path: Path) -> None:
    """Where a file is cut short, its whole images still move, and that is said."""
    path = tmp_path / "cut.gif"
    first, *rest = [scene(*SIZE).rotate(30 * number) for number in range(6)]
    first.save(path, save_all=True, append_images=rest, duration=100)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    told = unroll(path)
    assert 2 <= told["frames"] < 6
    assert f"{told['frames']} of its images are shown" in told["notes"][0]
    assert len(seen(tmp_path)) == told["frames"]
