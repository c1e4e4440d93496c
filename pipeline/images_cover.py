"""Cover art: the picture inside a recording, in every shape that it is published in.

Owns the shapes: whole, with a play badge, and the square that directories of podcasts ask for, of
films too.
Refuses every word and tag of the picture: only pixels come out. Meant for the confined child;
`images` develops the picture, `images_poster` writes its JPEGs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageFilter

from pipeline import errors, images, images_poster
from pipeline.model import CoverOut, PhotoOut, adapter

# Developed almost without loss, because it is encoded once more for each shape.
_MASTER_QUALITY = 95
# A blur and a shade that let the ground stand back, whatever is on it.
_BLUR_SHARE, _SHADE = 0.04, 0.6


def shaped(
    path: str, outputs: list[dict[str, Any]], folder: str, max_pixels: int
) -> list[dict[str, Any]]:
    """Make every output (model.CoverOut as JSON) of one picture, into `folder`.

    Answers what was measured on each file. Raises leaves of BadInput for the picture.
    """
    if not Path(path).exists():
        raise errors.Unreadable("There is no picture where the file says its cover is.")
    wanted = [adapter(CoverOut).validate_python(each) for each in outputs]
    master = _developed(path, folder, max(out.longest for out in wanted), max_pixels)
    return [_made(master, out, Path(folder)) for out in wanted]


def posters(
    frames: list[str], outputs: list[dict[str, Any]], squares: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A film's posters (see `images_poster.make`), and squares around the first of them."""
    made = images_poster.make(frames, outputs)
    plain = outputs[0]["target"]
    return made + [squared(plain, one["target"], one["side"], one["quality"]) for one in squares]


def squared(source: str, target: str, side: int, quality: int = 82) -> dict[str, Any]:
    """A square JPEG of `side` pixels around a picture of ours; answers what was measured on it."""
    with Image.open(source, formats=("JPEG", "PNG")) as picture:
        square = _square(picture.convert("RGB"), side)
    return _saved(square, Path(target), quality)


def _developed(path: str, folder: str, longest: int, max_pixels: int) -> Path:
    """The picture upright, in sRGB on white, no larger than needed: by the photos' own path."""
    found = images.inspect(path, max_pixels)
    width, height = _fitted((found.width, found.height), longest)
    out = PhotoOut(
        role="cover",
        file="cover-master.jpg",
        width=width,
        height=height,
        format="jpeg",
        quality=_MASTER_QUALITY,
        speed=0,
    )
    facts = {"max_pixels": max_pixels}
    images.develop(path, [adapter(PhotoOut).dump_python(out, mode="json")], folder, facts)
    return Path(folder) / out.file


def _fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """A size with no side above `longest`, never enlarged."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _made(master: Path, out: CoverOut, folder: Path) -> dict[str, Any]:
    target = folder / out.file
    if out.shape == "square":
        return squared(str(master), str(target), out.longest, out.quality)
    with Image.open(master, formats=("JPEG",)) as picture:
        image = picture.convert("RGB")
    image = image.resize(_fitted(image.size, out.longest), Image.Resampling.LANCZOS)
    found = _saved(image, target, out.quality)
    if out.shape == "badge":
        return images_poster.badge(str(target), str(target), out.quality)
    return found


def _square(picture: Image.Image, side: int) -> Image.Image:
    """The picture as large as it fits, over an enlarged, blurred and shaded copy of itself."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    whole = picture.resize(size, Image.Resampling.LANCZOS)
    if size == (side, side):
        return whole
    ground = _ground(picture, side)
    ground.paste(whole, ((side - whole.width) // 2, (side - whole.height) // 2))
    return ground


def _ground(picture: Image.Image, side: int) -> Image.Image:
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    middle = picture.crop((left, top, left + short, top + short))
    # Blurred small: what the blur takes away need not be computed first.
    small = middle.resize((side // 8, side // 8), Image.Resampling.BILINEAR)
    soft = small.filter(ImageFilter.GaussianBlur(side // 8 * _BLUR_SHARE))
    return ImageEnhance.Brightness(soft.resize((side, side))).enhance(_SHADE)


def _saved(image: Image.Image, target: Path, quality: int) -> dict[str, Any]:
    """A clean JPEG by the posters' writer, which copies nothing but pixels."""
    plain = target.with_suffix(".png")
    image.info.clear()
    image.save(plain, compress_level=1)
    found = images_poster.poster(str(plain), str(target), quality)
    plain.unlink()
    return found
