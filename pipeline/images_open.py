"""Opening a stranger's picture: what is let in, how large it may be, how much of it must be there.

Owns the format allow-list, the size check before any pixel is decoded, the preview inside RAW
files, and the deliberate second try on a file that was cut short. Refuses to judge colour or text:
see `images_colour` and `images_metadata`. Meant for the confined child; `images` is the door.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

import pillow_heif
from PIL import Image, ImageChops, ImageFile, PngImagePlugin, TiffImagePlugin

from pipeline import errors

# No other decoder is ever tried: each is attack surface no newsroom needs. JPEG brings MPO along.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP")
# These carry moving pictures; several pages in TIFF, MPO or HEIC are separate stills.
MOVING = ("GIF", "PNG", "WEBP", "AVIF")
# "Most of the picture": a reader forgives a missing strip, not a missing subject.
MOST = 0.75
# Where a decoder that ran out of JPEG data leaves off: blocks of zeros, which are this grey.
_JPEG_VOID = 128
# `meta` boxes of AVIF and HEIF files, signatures and RAW headers all lie within this much.
_HEAD_BYTES = 65_536

# What decoders raise on bad bytes. Each plug-in has its own habits; none of them is our bug.
_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_REFUSED = (
    (re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL "), "a JPEG XL picture"),
    (re.compile(rb"(?s)\s*(\xef\xbb\xbf)?(<\?xml.*?)?<(svg|!DOCTYPE svg)"), "an SVG drawing"),
    (re.compile(rb"8BPS"), "a Photoshop document"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "a PostScript drawing"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"(?s)....ftypcrx |FUJIFILMCCD-RAW"), "a RAW file of a kind we cannot open"),
)
_EXTENT = re.compile(rb"(?s)\x00\x00\x00\x14ispe\x00{4}(.{4})(.{4})")
# EXIF and its interoperability directory.
_EXIF_IFDS = (0x8769, 0xA005)
_ORIENTATION, _SUB_IFDS, _DNG_VERSION, _PHOTOMETRIC = 274, 330, 50706, 262
_COMPRESSION, _STRIP, _STRIP_BYTES, _JPEG_AT, _JPEG_BYTES = 259, 273, 279, 513, 514
# TIFF/EP and DNG: colour filter array and linear raw, the two kinds of undeveloped pixels.
_RAW_PHOTOMETRIC = (32803, 34892)
_OLD_AND_NEW_JPEG = (6, 7)
_MAX_IFDS, _MAX_PAGES = 32, 1000
# NewSubfileType: bit 0 a smaller copy, bit 2 a mask.
_SUBFILE, _NO_PAGE = 254, 0b101

pillow_heif.register_heif_opener(
    thumbnails=False, depth_images=False, aux_images=False, decode_threads=2
)


@dataclass(slots=True)
class Opened:
    """A picture whose header was read and whose size is allowed; no pixel is decoded yet.

    `container` holds the metadata: the picture itself, or the RAW file around its preview; `tags`
    is its EXIF, read while the file was open. `orientation` is 1 to 8 after EXIF, to be applied
    to the decoded pixels. `head` is the file's beginning, for what Pillow does not tell.
    """

    image: Image.Image
    container: Image.Image
    tags: Image.Exif
    orientation: int
    head: bytes
    notes: list[str] = field(default_factory=list)

    @property
    def is_raw(self) -> bool:
        """True when the picture is the preview inside a RAW file."""
        return self.image is not self.container

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height as the viewer will see them."""
        width, height = self.image.size
        return (height, width) if self.orientation >= 5 else (width, height)  # noqa: PLR2004


@contextmanager
def opened(path: str, max_pixels: int, page: int = 0) -> Iterator[Opened]:
    """Open a picture for as long as the block lasts; raises leaves of BadInput only.

    `max_pixels` is compared with the size in the header, before any pixel is decoded. `page` is
    one of `sheets`, for files that hold a document.
    """
    with _faults_are_the_files(max_pixels), _guard(max_pixels), Path(path).open("rb") as file:
        head = file.read(_HEAD_BYTES)
        _refuse(head, max_pixels)
        file.seek(0)
        with Image.open(file, formats=FORMATS) as image:
            if page:
                image.seek(page)
            _check_size(image.size, max_pixels)
            preview = _preview(image, file, head, max_pixels)
            yield _looked_at(preview or image, image, head)


def decoded(path: str, max_pixels: int, wanted: tuple[int, int], page: int = 0) -> Opened:
    """Decode one picture once, at no less than `wanted` (displayed width, height) pixels.

    The answer's image is in memory and independent of the file. A file that was cut short is
    published when at least `MOST` of its rows decode, with a note; otherwise errors.Unreadable.
    """
    try:
        with opened(path, max_pixels, page) as still:
            _load(still, wanted)
            return _mostly(still, _decoded_share(still.image)) if _ends_void(still) else still
    except errors.Unreadable as first:
        return _second_try(lambda: opened(path, max_pixels, page), wanted, first)


def sheets(still: Opened) -> Iterator[tuple[int, int, int]]:
    """The pages after the first of a document: number, width, height as displayed.

    Only TIFF holds documents; what it keeps in smaller sizes or as masks is no page of its own.
    """
    image = still.container
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or still.is_raw:
        return
    for number in range(1, min(image.n_frames, _MAX_PAGES)):
        image.seek(number)
        if not int(image.tag_v2.get(_SUBFILE, 0)) & _NO_PAGE:
            width, height = image.size
            turned = _orientation(_exif(image)) >= 5  # noqa: PLR2004 - EXIF
            yield (number, height, width) if turned else (number, width, height)


def _looked_at(image: Image.Image, container: Image.Image, head: bytes) -> Opened:
    tags = _exif(container)
    for directory in _EXIF_IFDS:
        tags.get_ifd(directory)  # read now: it stays known when the file is closed
    orientation = _orientation(tags)
    notes = []
    if image is not container:
        # A preview's own turn wins; most have none and follow the file around them.
        own = _orientation(_exif(image))
        orientation = orientation if own == 1 else own
        size = f"{image.width} x {image.height}"
        notes = [f"RAW file: its embedded preview of {size} pixels is published."]
    return Opened(image, container, tags, orientation, head, notes)


def _exif(image: Image.Image) -> Image.Exif:
    """The picture's EXIF without decoding pixels (Pillow's own getexif decodes a PNG)."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.getexif()
    found = Image.Exif()
    found.load(image.info.get("exif") or b"")
    return found


def _orientation(tags: Image.Exif) -> int:
    value = tags.get(_ORIENTATION, 1)
    return value if value in range(1, 9) else 1


def _load(still: Opened, wanted: tuple[int, int]) -> None:
    """Decode; JPEG skips resolution that no output needs (DCT scaling by 2, 4 or 8)."""
    width, height = wanted[::-1] if still.orientation >= 5 else wanted  # noqa: PLR2004
    still.image.draft(None, (width, height))
    still.image.load()


def _second_try(
    again: Callable[[], AbstractContextManager[Opened]],
    wanted: tuple[int, int],
    first: errors.Unreadable,
) -> Opened:
    try:
        with _tolerant(), again() as still:
            _load(still, wanted)
            return _mostly(still, _decoded_share(still.image))
    except errors.Unreadable as second:
        second.evidence = second.evidence or first.evidence
        raise second from first


def _mostly(still: Opened, share: float) -> Opened:
    if share < MOST:
        raise errors.Unreadable(
            f"The picture is cut short: only {share:.0%} of it is there. Upload it again."
        )
    still.notes.append(f"The file is damaged or cut short: {share:.0%} of the picture is there.")
    return still


def _ends_void(still: Opened) -> bool:
    """True for a JPEG whose data ended early: its decoder fills up with grey and says nothing."""
    if not isinstance(still.image, ImageFile.ImageFile) or still.image.format not in (
        "JPEG",
        "MPO",
    ):
        return False
    pixel = still.image.getpixel((still.image.width - 1, still.image.height - 1))
    void = pixel in (_JPEG_VOID, (_JPEG_VOID,) * 3)
    return void and 0 < _decoded_share(still.image) < 1 - 16 / still.image.height


def _decoded_share(image: Image.Image) -> float:
    """Share of rows above the single-coloured rest that a decoder leaves where data is missing."""
    flat = image.convert("RGB")
    corner = flat.getpixel((flat.width - 1, flat.height - 1))
    rest = Image.new("RGB", flat.size, corner)
    box = ImageChops.difference(flat, rest).getbbox()
    return box[3] / flat.height if box else 0.0


def _refuse(head: bytes, max_pixels: int) -> None:
    """Turn away by signature what we know and never publish, and AVIF/HEIF bombs by their box."""
    if not head:
        raise errors.Unreadable("The file is empty. Upload it again.")
    for pattern, name in _REFUSED:
        if pattern.match(head[:1024]):
            raise errors.Unsupported(f"This is {name}, which we do not publish: export it as JPEG.")
    if head[4:8] == b"ftyp":
        for width, height in _EXTENT.findall(head):
            _check_size((int.from_bytes(width), int.from_bytes(height)), max_pixels)


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise errors.Unreadable("The picture has no size: the file is damaged.")
    if width * height > max_pixels:
        raise _too_large(max_pixels, f"{width} x {height} pixels")


def _too_large(max_pixels: int, found: str) -> errors.OverLimit:
    return errors.OverLimit(
        f"The picture is too large ({found}): the limit is {max_pixels / 1e6:g} megapixels "
        "(setting limits.max_photo_pixels)."
    )


@contextmanager
def _guard(max_pixels: int) -> Iterator[None]:
    """Pillow's own bomb check, at our limit and as an error, for all it opens by itself."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd but decodable tags are no reason to refuse
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _tolerant() -> Iterator[None]:
    """Let Pillow keep what it has decoded when the data ends early; global, so only in here."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


@contextmanager
def _faults_are_the_files(max_pixels: int) -> Iterator[None]:
    """Say whose fault a decoder's complaint is; the operating system's own errors pass through."""
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
        count = re.search(r"\d+", str(bomb))
        raise _too_large(max_pixels, f"{count[0] if count else 'too many'} pixels") from bomb
    except MemoryError as full:
        raise errors.OverLimit(
            "The picture needs more memory than one job may use (setting limits.memory_bytes)."
        ) from full
    except _FAULTS as fault:
        raise _blame(fault) from fault


def _blame(fault: Exception) -> Exception:
    evidence = f"{type(fault).__name__}: {fault}"
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault
    if isinstance(fault, ValueError) and "MAX_TEXT" in str(fault):
        return errors.Hostile(
            "The picture holds a text that unpacks to an absurd size, as attacks do: "
            f"export it anew (more than {PngImagePlugin.MAX_TEXT_CHUNK // 1024} kB of text).",
            evidence=evidence,
        )
    return errors.Unreadable(
        "The picture cannot be read: it is damaged or not a picture. Upload it again, or as JPEG.",
        evidence=evidence,
    )


# --- RAW files: TIFF inside, with a finished JPEG somewhere ------------------------------------


def _preview(image: Image.Image, file: IO[bytes], head: bytes, limit: int) -> Image.Image | None:
    """The largest preview of a DNG, NEF, ARW or CR2 file; None for ordinary pictures."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    directories = list(_directories(image, file))
    if head[8:10] != b"CR" and not any(_is_raw(found) for found in directories):
        return None
    candidates = [found for each in directories if (found := _jpeg(each, file, limit))]
    if not candidates:
        raise errors.Unsupported(
            "This RAW file holds no preview we can show, or is cut short: export it as JPEG."
        )
    return max(candidates, key=lambda found: found.width * found.height)


def _directories(
    image: TiffImagePlugin.TiffImageFile, file: IO[bytes]
) -> Iterator[TiffImagePlugin.ImageFileDirectory_v2]:
    """Every image directory of a TIFF, sub-directories included, each visited once."""
    waiting, seen = [image.tag_v2._offset], set[int]()  # noqa: SLF001 - Pillow names it nowhere else
    while waiting and len(seen) < _MAX_IFDS:
        at = waiting.pop()
        if not at or at in seen:
            continue
        seen.add(at)
        found = TiffImagePlugin.ImageFileDirectory_v2(prefix=image.tag_v2._prefix)  # noqa: SLF001
        file.seek(at)
        found.load(file)
        children = found.get(_SUB_IFDS, ())
        waiting += [found.next, *(children if isinstance(children, tuple) else (children,))]
        yield found


def _is_raw(directory: TiffImagePlugin.ImageFileDirectory_v2) -> bool:
    return _DNG_VERSION in directory or directory.get(_PHOTOMETRIC) in _RAW_PHOTOMETRIC


def _jpeg(
    directory: TiffImagePlugin.ImageFileDirectory_v2, file: IO[bytes], limit: int
) -> Image.Image | None:
    """The finished JPEG a directory points at, if there is one that opens."""
    at, size = directory.get(_JPEG_AT), directory.get(_JPEG_BYTES)
    if at is None and directory.get(_COMPRESSION) in _OLD_AND_NEW_JPEG:
        strips, sizes = directory.get(_STRIP, ()), directory.get(_STRIP_BYTES, ())
        at, size = (strips[0], sizes[0]) if len(strips) == len(sizes) == 1 else (None, None)
    if at is None or size is None or directory.get(_PHOTOMETRIC) in _RAW_PHOTOMETRIC:
        return None
    file.seek(at)
    try:
        found = Image.open(BytesIO(file.read(size)), formats=("JPEG",))
    except (OSError, SyntaxError):
        return None  # lossless JPEG holds undeveloped pixels; another directory may do better
    return found if found.width * found.height <= limit else None
