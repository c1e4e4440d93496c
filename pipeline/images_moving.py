"""Pictures that move: every image of a GIF, WebP, APNG or AVIF as it is shown, for the encoder.

Owns the order and times of images, the same colours and turn as the still's, and the one file that
carries them to the encoder: an APNG, whose images keep their own times. Refuses to encode film: see
`graph_stills.loop`. Runs in the confined child; stills are in `images`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from PIL import Image, ImageFile

from pipeline import errors
from pipeline.images import scaled, upright
from pipeline.images_colour import plain_mode, source_profile, to_srgb
from pipeline.images_open import Opened, opened
from pipeline.model import LoopOut, adapter

# As much as this many of the largest photos: more is a film, and belongs into a film's file.
_MOST_PHOTOS = 40
# What browsers make of images shown for 10 ms or less, which nobody means.
_HASTY_MS, _USUAL_MS = 10, 100
# A still that waits for ever at a loop's end must not make a film of hours.
_LONGEST_MS = 60_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """One image and how long it stands."""

    image: Image.Image
    lasts_ms: int


def unroll(path: str, out: dict[str, Any], folder: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write all images of a moving picture, as they are shown, to `frames.png` in `folder`.

    `out` is a model.LoopOut as JSON; `facts` hold max_pixels. Answers {"frames", "duration_ms",
    "notes"}. Raises OverLimit before any pixel is decoded, else leaves of BadInput.
    """
    wanted: LoopOut = adapter(LoopOut).validate_python(out)
    max_pixels = int(facts["max_pixels"])
    with opened(path, max_pixels) as still, (Path(folder) / "frames.png").open("w+b") as file:
        _refuse_too_much(still, max_pixels)
        reel = _Reel(file, (wanted.width, wanted.height))
        notes = []
        try:
            for shown in _images(still, (wanted.width, wanted.height)):
                reel.add(shown)
        except (OSError, EOFError, SyntaxError, ValueError) as fault:
            if reel.frames < 2:  # noqa: PLR2004 - one image does not move
                raise
            notes = [f"The moving picture is damaged: {reel.frames} of its images are shown."]
            del fault
        return reel.finished() | {"notes": notes}


def _refuse_too_much(still: Opened, max_pixels: int) -> None:
    width, height = still.image.size
    frames = getattr(still.image, "n_frames", 1)
    if frames * width * height > _MOST_PHOTOS * max_pixels:
        raise errors.OverLimit(
            f"The moving picture is too long to be shown as such ({frames} images of {width} x "
            f"{height}); its first image is published. The limit is {_MOST_PHOTOS} times "
            f"{max_pixels / 1e6:g} megapixels (setting limits.max_photo_pixels): send the film."
        )


def _images(still: Opened, size: tuple[int, int]) -> Iterator[_Shown]:
    """Every image, composed as it is shown: upright, sRGB, on white, in the film's size."""
    profile = source_profile(still)
    source = still.image
    # An APNG may begin with a picture for old readers that is none of its own.
    first = 1 if source.info.get("default_image") else 0
    for number in range(first, getattr(source, "n_frames", 1)):
        source.seek(number)
        source.load()
        turned = upright(plain_mode(source), still.orientation)
        image, _ = to_srgb(turned, profile)
        yield _Shown(image=_fitted(image, size).convert("RGB"), lasts_ms=_lasts_ms(source))


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled; but a last odd row or column is cut off, where scaling would blur every other."""
    if image.width // 2 * 2 == size[0] and image.height // 2 * 2 == size[1]:
        return image.crop((0, 0, *size))
    return scaled(image, size)


def _lasts_ms(image: ImageFile.ImageFile | Image.Image) -> int:
    told = image.info.get("duration") or 0
    return _USUAL_MS if told <= _HASTY_MS else min(_LONGEST_MS, round(told))


# --- APNG (PNG specification, third edition, 11.3.6) ---------------------------------------------


class _Reel:
    """An APNG that is written image by image, so that no more than one is in memory."""

    def __init__(self, file: IO[bytes], size: tuple[int, int]) -> None:
        self._file, self._size = file, size
        self._sequence = 0
        self.frames, self.duration_ms = 0, 0
        file.write(_SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)))
        self._count_at = file.tell()
        file.write(_frame_count(0))

    def add(self, shown: _Shown) -> None:
        """One more image."""
        placed = struct.pack(">IIIIHHBB", *self._size, 0, 0, shown.lasts_ms, 1000, 0, 0)
        self._file.write(_chunk(b"fcTL", self._next() + placed))
        data = _deflated(shown.image)
        if self.frames:
            self._file.write(_chunk(b"fdAT", self._next() + data))
        else:
            self._file.write(_chunk(b"IDAT", data))
        self.frames += 1
        self.duration_ms += shown.lasts_ms

    def finished(self) -> dict[str, Any]:
        """Close the file's books; how many images it holds and how long they last."""
        self._file.write(_chunk(b"IEND", b""))
        self._file.seek(self._count_at)
        self._file.write(_frame_count(self.frames))
        return {"frames": self.frames, "duration_ms": self.duration_ms}

    def _next(self) -> bytes:
        self._sequence += 1
        return struct.pack(">I", self._sequence - 1)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _frame_count(frames: int) -> bytes:
    return _chunk(b"acTL", struct.pack(">II", frames, 0))


def _deflated(image: Image.Image) -> bytes:
    """The image as PNG's own compressed rows; quickly, it is read once."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    data, at, found = buffer.getvalue(), len(_SIGNATURE), b""
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        found += data[at + 8 : at + 8 + size] if name == b"IDAT" else b""
        at += size + 12
    return found
