"""Photos: one look at what a picture is, one decode for everything that is made of it.

Owns the two entry points of the confined child, `inspect` and `develop`, and the cascade of
scalings between them. Refuses originals' metadata: outputs carry pixels, credit, caption and
copyright. How files are opened is in `images_open`, colour in `images_colour`, words in
`images_metadata`, posters in `images_poster`.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image, ImageStat

from pipeline import errors
from pipeline.images_colour import is_hdr, plain_mode, profile_name, source_profile, to_srgb
from pipeline.images_deskew import level
from pipeline.images_inscribe import written
from pipeline.images_metadata import Words, clean, words
from pipeline.images_open import MOVING, Opened, decoded, opened, sheets
from pipeline.images_poster import badge, choose, placeholder
from pipeline.model import PhotoOut, Picture, adapter

__all__ = ["badge", "choose", "develop", "inspect", "placeholder"]

# Pixels, as a last line where the caller states no limit of its own (the profiles do).
_MAX_PIXELS = 200_000_000
# The codecs release the interpreter's lock; more threads than this only cost memory.
_MAX_THREADS = 4
# Average whole pixels first while the picture is more than this much larger than wanted: 12
# megapixels to 320 wide then cost a fifth and stay 53 dB from Lanczos all the way. The cascade
# itself halves the work of scaling each width from the original, at more than 50 dB.
_REDUCING_GAP = 3.0
# Large sizes by bicubic, small ones by Lanczos: at 640 and 320 no worse than all by Lanczos (by
# SSIMULACRA 2 81.0 and 79.2 against 80.9 and 79.1) for a quarter less CPU. With bicubic all the way
# 80.5 and 78.1, with Hamming 76.5 and 74.0.
_LARGE_PIXELS = 1_000_000
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What a phone's narrowest size has, and twice as much for tall ones.
_PROOF_PIXELS = 320 * 640
_MEDIA_TYPES = {"jpeg": "image/jpeg", "avif": "image/avif"}


def inspect(path: str, max_pixels: int = _MAX_PIXELS) -> Picture:
    """What the picture is, from its header alone: no pixel is decoded.

    Raises errors.OverLimit, Unsupported, Unreadable or Hostile.
    """
    with opened(path, max_pixels) as still:
        width, height = still.displayed
        said = words(still)
        pages = getattr(still.image, "n_frames", 1)
        return Picture(
            format="RAW" if still.is_raw else str(still.image.format),
            width=width,
            height=height,
            orientation=still.orientation,
            mode=still.image.mode,
            pages=pages,
            animated=pages > 1 and still.image.format in MOVING,
            icc=profile_name(still),
            caption=said.caption,
            captions=said.captions,
            alt=said.alt,
            alts=said.alts,
            headline=said.headline,
            credit=said.credit,
            copyright=said.copyright,
            keywords=said.keywords,
            taken=said.taken,
            sheets=tuple(sheets(still)),
        )


def develop(
    path: str, outputs: list[dict[str, Any]], folder: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Make every output (model.PhotoOut as JSON) of one picture from one decode, into `folder`.

    `facts` may hold caption, credit and copyright to write into the outputs (the file's own words
    where absent or empty) and max_pixels. Answers {"outputs": [facts measured on each finished
    file], "colour": "#rrggbb", "notes": [...]}. Raises leaves of BadInput for the picture,
    errors.DiskFull for the disk, errors.ToolBug for an output that is not what was asked for.
    """
    wanted = [adapter(PhotoOut).validate_python(each) for each in outputs]
    largest = max(((out.width, out.height) for out in wanted), key=lambda size: size[0] * size[1])
    still = decoded(path, int(facts.get("max_pixels") or _MAX_PIXELS), largest, wanted[0].page)
    said = _spoken(still, facts)
    options = {form: written(said, form) for form in _MEDIA_TYPES}
    first, notes = _prepared(still, largest)
    if wanted[0].deskew:
        first, angle = level(first)
        notes += [f"Set level: it was turned by {abs(angle):.1f} degrees."] * bool(angle)
    with ThreadPoolExecutor(_threads()) as pool:
        scaled, jobs = first, []
        for scaled, each in _cascade(first, wanted):
            jobs += [
                pool.submit(_finished, scaled, out, Path(folder), options[out.format])
                for out in each
            ]
        made = {job["file"]: job for job in (pending.result() for pending in jobs)}
    return {
        "outputs": [made[out.file] for out in wanted],
        "colour": _average(scaled),
        "pixels": _pixels(still, first),
        "notes": notes,
    }


def _threads() -> int:
    return min(_MAX_THREADS, len(os.sched_getaffinity(0)))


def _spoken(still: Opened, facts: Mapping[str, Any]) -> Words:
    """The picture's own words, and those that were given instead of them."""
    said = words(still)
    caption, credit, right = (clean(facts.get(k) or "") for k in ("caption", "credit", "copyright"))
    if credit:
        said = replace(said, byline=credit, agency="")
    return replace(said, caption=caption or said.caption, copyright=right or said.copyright)


def _prepared(still: Opened, size: tuple[int, int]) -> tuple[Image.Image, list[str]]:
    """The picture as its largest output: scaled, upright, sRGB on white, without any metadata."""
    _refuse_enlarging(still, size)
    notes = list(still.notes)
    if is_hdr(still):
        notes.append("HDR picture: toned down to ordinary screens.")
    profile = source_profile(still)
    turned = still.orientation >= 5  # noqa: PLR2004 - EXIF: 5 to 8 swap width and height
    plain = plain_mode(still.image)
    image = scaled(plain, size[::-1] if turned else size)
    image, note = to_srgb(upright(image, still.orientation), profile)
    return image, notes + [note] * bool(note)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as EXIF says, 1 to 8."""
    return image if orientation == 1 else image.transpose(_UPRIGHT[orientation])


def _refuse_enlarging(still: Opened, size: tuple[int, int]) -> None:
    width, height = still.displayed
    if size[0] > width or size[1] > height:
        raise errors.ToolBug(
            "A photo was to be enlarged, which is never right.",
            evidence=f"{size[0]}x{size[1]} from {width}x{height}",
        )


def _cascade(
    image: Image.Image, wanted: list[PhotoOut]
) -> Iterator[tuple[Image.Image, list[PhotoOut]]]:
    """Each size once, largest first, every one from the one before it."""

    def area(out: PhotoOut) -> tuple[int, int, int]:
        return (-out.width * out.height, out.width, out.height)

    for (_, width, height), group in groupby(sorted(wanted, key=area), key=area):
        image = scaled(image, (width, height))
        yield image, list(group)


def scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A copy of that size, without anything but pixels."""
    if image.size != size:
        is_large = size[0] * size[1] >= _LARGE_PIXELS
        kernel = Image.Resampling.BICUBIC if is_large else Image.Resampling.LANCZOS
        image = image.resize(size, kernel, reducing_gap=_REDUCING_GAP)
    else:
        image = image.copy()
    image.info.clear()  # Pillow's writers would copy comments and profiles from here
    return image


def _finished(
    image: Image.Image, out: PhotoOut, folder: Path, options: Mapping[str, object]
) -> dict[str, Any]:
    """Encode, write, and answer only what was measured on the file itself."""
    target = folder / out.file
    data = _encoded(image, out, options)
    try:
        target.write_bytes(data)
    except OSError as full:
        if full.errno in (errno.ENOSPC, errno.EDQUOT):
            raise errors.DiskFull("No room for the photo's outputs.", evidence=str(full)) from full
        raise
    return _measured(target, out, data)


def _encoded(image: Image.Image, out: PhotoOut, options: Mapping[str, object]) -> bytes:
    buffer = BytesIO()
    image = image.copy()  # Pillow notes its save options on the image: not to be shared by threads
    if out.format == "jpeg":
        image.save(
            buffer,
            "JPEG",
            quality=out.quality,
            subsampling="4:2:0",
            progressive=True,
            optimize=True,
            **options,
        )
    else:
        image.save(buffer, "AVIF", quality=out.quality, speed=out.speed, max_threads=1, **options)
    return buffer.getvalue()


def _measured(target: Path, out: PhotoOut, whole: bytes) -> dict[str, Any]:
    """What lies on the disk now: all of what was encoded, a picture of the right size.

    The smallest picture of each format is decoded as well. All come from one encoder with one set
    of options; decoding every one would cost a seventh of all the work on a JPEG.
    """
    data = target.read_bytes()
    is_all = data == whole and _is_ended(data, out.format)
    size = _proved(data, out) if is_all else (0, 0)
    if size != (out.width, out.height):
        raise errors.ToolBug(
            "A photo came out wrong and was not published.",
            evidence=f"{out.file}: {size}, {len(data)} bytes, asked for {out.width}x{out.height}",
        )
    return {
        "file": out.file,
        "width": size[0],
        "height": size[1],
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "media_type": _MEDIA_TYPES[out.format],
    }


def _proved(data: bytes, out: PhotoOut) -> tuple[int, int]:
    with Image.open(BytesIO(data), formats=(out.format.upper(),)) as image:
        if image.width * image.height <= _PROOF_PIXELS:
            image.load()
        return image.size


def _is_ended(data: bytes, form: str) -> bool:
    """JPEG ends with its marker; an AVIF's boxes end where the file does."""
    if form == "jpeg":
        return data.endswith(b"\xff\xd9")
    at = 0
    while at + 8 <= len(data):
        at += max(8, int.from_bytes(data[at : at + 4]))
    return at == len(data)


def _pixels(still: Opened, image: Image.Image) -> str:
    """A name for what the picture shows, the same for the same pixels in another file."""
    size = ",".join(map(str, still.displayed)).encode()
    return hashlib.blake2b(image.convert("RGB").tobytes(), digest_size=16, key=size).hexdigest()


def _average(image: Image.Image) -> str:
    """The picture's average colour, to fill its place until it has loaded."""
    red, green, blue = (round(value) for value in ImageStat.Stat(image.convert("RGB")).mean)
    return f"#{red:02x}{green:02x}{blue:02x}"
