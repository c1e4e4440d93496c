"""What a picture tells on its maker never reaches a published byte; its words do.

Inputs are full of planted markers, in every place of every format; outputs are searched byte by
byte, and read by what archives read.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo
from test_images import PIXELS, iptc, marked_profile, out, photoshop, scene, xmp
from wanting import wanting

from pipeline import images, images_moving

MARK = "PLANTED"
# Places as they are stored: 41 degrees 23.4567 minutes, in EXIF's rationals of either byte order.
PLACE = [struct.pack(order + "II", 234567, 10000) for order in "<>"]
CAPTION = "Año nuevo en <Núria> & más"
SIZES = ((240, 160), (120, 80))


def marker(place: str) -> bytes:
    return f"{MARK}-{place}".encode()


def exif(place: str) -> Image.Exif:
    """Camera, lens, owner, serials, notes, comment, software and place."""
    tags = Image.Exif()
    for number, tag in enumerate((0x010F, 0x0110, 0x0131, 0x013C, 0x9286, 0x9C9B, 0x9C9C, 0xC614)):
        tags[tag] = marker(f"{place}-ifd{number}")
    tags[0x010E] = CAPTION.encode()
    camera = tags.get_ifd(0x8769)
    for tag in (0x927C, 0x9286, 0xA420, 0xA430, 0xA431, 0xA433, 0xA434, 0xA435, 0x9290):
        camera[tag] = marker(f"{place}-{tag:x}")
    tags._ifds[0x8769] = camera
    minutes = (TiffImagePlugin.IFDRational(41), TiffImagePlugin.IFDRational(234567, 10000), 0.0)
    gps = {1: "N", 2: minutes, 3: "E", 4: minutes, 27: marker(f"{place}-gps"), 29: "2024:01:02"}
    tags._ifds[0x8825] = gps
    return tags


def packet(place: str) -> bytes:
    """XMP with history, place, document ids and a person, around words that are to be kept."""
    return xmp(
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{"New year"}</rdf:li>'
        f'<rdf:li xml:lang="es">Año nuevo</rdf:li></rdf:Alt></dc:description>'
        f"<photoshop:History>{MARK}-{place}-history</photoshop:History>"
        f"<photoshop:City>{MARK}-{place}-city</photoshop:City>"
        f'<x:gps xmlns:x="http://ns.adobe.com/exif/1.0/">{MARK}-{place}-xmpgps</x:gps>'
        f'<m:DocumentID xmlns:m="http://ns.adobe.com/xap/1.0/mm/">{MARK}-{place}-id</m:DocumentID>'
    )


def segment(number: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, number, len(body) + 2) + body


def jpeg(place: str) -> bytes:
    """A JPEG with markers in every segment there is, a thumbnail, and a film after its end."""
    fields = iptc(
        *((2, number, marker(f"{place}-iptc{number}")) for number in (26, 40, 90, 92, 101, 103)),
        (2, 80, b"Ines"),
    )
    thumbnail = segment(0xFE, marker(f"{place}-thumbnail"))
    extended = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">II", 99, 0)
    extra = b"".join(
        (
            photoshop(fields),
            segment(0xE1, extended + marker(f"{place}-extended")),
            segment(0xEC, b"Ducky" + marker(f"{place}-app12")),
            segment(0xE5, marker(f"{place}-app5")),
            segment(0xED, b"Photoshop 3.0\x008BIM\x04\x0c\0\0\0\0\0\x20" + thumbnail.ljust(32)),
        )
    )
    buffer = BytesIO()
    scene().save(
        buffer,
        "JPEG",
        exif=exif(place),
        xmp=packet(place),
        comment=marker(f"{place}-comment"),
        icc_profile=marked_profile(),
        extra=extra,
    )
    return buffer.getvalue() + b"\0\0\0\x18ftypmp42" + marker(f"{place}-after")


def mpo(place: str) -> bytes:
    """Two pictures in one file, each with all that cameras write."""
    buffer = BytesIO()
    second = scene().rotate(180)
    second.encoderinfo = {"exif": exif(f"{place}-second"), "comment": marker(f"{place}-2")}
    scene().save(buffer, "MPO", save_all=True, append_images=[second], exif=exif(place))
    return buffer.getvalue()


def png(place: str, **options: Any) -> bytes:
    """Text in all three kinds of chunk, EXIF, a private chunk, and bytes after the end."""
    info = PngInfo()
    info.add_text("Comment", f"{MARK}-{place}-text")
    info.add_text("Author", f"{MARK}-{place}-ztxt", zip=True)
    info.add_itxt("Description", f"{MARK}-{place}-itxt", lang="en")
    info.add_itxt("XML:com.adobe.xmp", packet(place).decode())
    info.add(b"prVt", marker(f"{place}-chunk"))
    buffer = BytesIO()
    scene().save(
        buffer, "PNG", pnginfo=info, exif=exif(place), icc_profile=marked_profile(), **options
    )
    return buffer.getvalue() + marker(f"{place}-after")


def gif(place: str) -> bytes:
    """A comment, and XMP as Adobe puts it into an application extension."""
    buffer = BytesIO()
    frames = [scene(), scene().rotate(90), scene().rotate(180)]
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=100,
        comment=marker(f"{place}-comment"),
    )
    # XMP Specification part 3, 1.1.2: a packet, then bytes that end any reader's sub-blocks.
    ending = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    extension = b"!\xff\x0bXMP DataXMP" + packet(place) + ending
    return buffer.getvalue()[:-1] + extension + b";" + marker(f"{place}-after")


def webp(place: str, **options: Any) -> bytes:
    buffer = BytesIO()
    scene().save(
        buffer, "WEBP", exif=exif(place), xmp=packet(place), icc_profile=marked_profile(), **options
    )
    return buffer.getvalue() + b"JUNK" + marker(f"{place}-after")


def tiff(place: str) -> bytes:
    """Private tags, host, software and XMP on both of its pages."""
    buffer = BytesIO()
    tags = {tag: marker(f"{place}-{tag}") for tag in (271, 305, 316, 65000, 50740)}
    tags |= {700: packet(place), 270: CAPTION}
    second = scene()
    second.encoderinfo = {"tiffinfo": {65001: marker(f"{place}-page2"), 316: f"{MARK}-{place}"}}
    scene().save(buffer, "TIFF", save_all=True, append_images=[second], tiffinfo=tags)
    return buffer.getvalue() + marker(f"{place}-after")


def heif(place: str) -> bytes:
    """Two images with EXIF and XMP each, a thumbnail, and metadata of unknown kinds."""
    buffer = BytesIO()
    made = pillow_heif.from_pillow(scene())
    made.add_from_pillow(scene().rotate(180))
    for number, image in enumerate(made):
        image.info["exif"] = exif(f"{place}-{number}").tobytes()
        image.info["xmp"] = packet(f"{place}-{number}")
        image.info["thumbnails"] = [64]
    made.save(buffer, quality=80)
    return buffer.getvalue() + marker(f"{place}-after")


def avif(place: str, **options: Any) -> bytes:
    buffer = BytesIO()
    scene().save(
        buffer, "AVIF", exif=exif(place), xmp=packet(place), icc_profile=marked_profile(), **options
    )
    return buffer.getvalue() + marker(f"{place}-after")


def dng(place: str) -> bytes:
    """A RAW file: its own tags full of markers, and a preview that has some of its own."""
    preview = jpeg(f"{place}-preview")
    head = b"II*\0" + struct.pack("<I", 8)
    return head + _raw_tags(place, len(preview)) + preview


def _raw_tags(place: str, size: int) -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[256], tags[257], tags[258], tags[259], tags[262] = 240, 160, (8, 8, 8), 7, 6
    tags[273], tags[277], tags[278], tags[279] = (
        0,
        3,
        160,
        size,
    )  # 0: right behind, which Pillow makes of it
    tags[50706] = (1, 4, 0, 0)  # DNGVersion
    for tag in (271, 272, 305, 50735, 50740, 50827):
        tags[tag] = marker(f"{place}-{tag}")
    return tags.tobytes(8)


MAKERS: dict[str, Callable[[str], bytes]] = {
    "jpeg": jpeg,
    "mpo": mpo,
    "png": png,
    "gif": gif,
    "webp": webp,
    "tiff": tiff,
    "heif": heif,
    "avif": avif,
    "dng": dng,
}


def developed(path: Path) -> list[Path]:
    """All that is made of the picture's pages, both formats, set level as well."""
    made = []
    for page, level in ((0, False), (0, True), *(((1, False),) if path.suffix == ".tiff" else ())):
        folder = path.parent / f"{page}-{level}"
        folder.mkdir()
        wanted = [
            out(*size, form) | {"page": page, "deskew": level}
            for size in SIZES
            for form in ("jpeg", "avif")
        ]
        images.develop(str(path), wanted, str(folder), {"max_pixels": PIXELS})
        made += [folder / each["file"] for each in wanted]
    return made


def told(data: bytes) -> list[str]:
    """Every marker in the bytes: plain, in UTF-16, in base64's neighbourhood, or deflated."""
    found = [m.decode() for m in re.findall(rb"PLANTED[-\w]*", data)]
    wide = [f"wide {order}" for order in ("utf-16-le", "utf-16-be") if MARK.encode(order) in data]
    inside = []
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            text = zlib.decompressobj().decompress(data[match.start() :], 1 << 16)
        except zlib.error:
            continue
        inside += ["deflated"] * (MARK.encode() in text)
    places = ["place"] * any(place in data for place in PLACE)
    return found + wide + inside + places


@pytest.mark.parametrize("form", MAKERS)
def test_nothing_that_was_planted_is_published(form: str, tmp_path: Path) -> None:
    """Camera, serials, place, thumbnail, notes, comments, history, profile text, second images."""
    path = tmp_path / f"planted.{form}"
    path.write_bytes(MAKERS[form](form))
    assert len(set(told(path.read_bytes()))) >= 3, "the test plants nothing"
    for made in developed(path):
        assert told(made.read_bytes()) == [], made.name


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("gif", gif),
        ("webp", lambda place: webp(place, **moving())),
        ("png", lambda place: png(place, **moving())),
        ("avif", lambda place: avif(place, **moving())),
    ],
)
def test_what_the_encoder_of_loops_is_given_tells_nothing(
    name: str, make: Callable[[str], bytes], tmp_path: Path
) -> None:
    """The images of a moving picture carry no word of the file they come from."""
    path = tmp_path / f"planted.{name}"
    path.write_bytes(make(name))
    assert told(path.read_bytes())
    wanted = {"make": "loop", "role": "loop", "file": "loop.mp4", "crf": 21}
    size = {"width": 240, "height": 160}
    images_moving.unroll(str(path), wanted | size, str(tmp_path), {"max_pixels": PIXELS})
    reel = (tmp_path / "frames.png").read_bytes()
    assert told(reel) == []
    chunks = set(re.findall(rb"\0([a-zA-Z]{4})", reel[:100]))
    assert chunks <= {b"IHDR", b"acTL", b"fcTL", b"IDAT"}


def moving() -> dict[str, Any]:
    frames = [scene().rotate(90), scene().rotate(180)]
    return {"save_all": True, "append_images": frames, "duration": 100}


# --- words that are to be kept -------------------------------------------------------------------

SPOKEN = xmp(
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">New year</rdf:li>'
    '<rdf:li xml:lang="es">Año nuevo</rdf:li><rdf:li xml:lang="en-GB">New year, in Britain</rdf:li>'
    "</rdf:Alt></dc:description>"
    "<dc:creator><rdf:Seq><rdf:li>Inés Núñez</rdf:li></rdf:Seq></dc:creator>"
    '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© La Voz</rdf:li></rdf:Alt></dc:rights>'
    "<dc:subject><rdf:Bag><rdf:li>fiesta</rdf:li><rdf:li>plaza</rdf:li><rdf:li>fiesta</rdf:li>"
    "</rdf:Bag></dc:subject><photoshop:Headline>Doce uvas</photoshop:Headline>"
    '<i:AltTextAccessibility xmlns:i="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"><rdf:Alt>'
    '<rdf:li xml:lang="x-default">A full square</rdf:li>'
    '<rdf:li xml:lang="es">Una plaza llena</rdf:li></rdf:Alt></i:AltTextAccessibility>'
)


def spoken(folder: Path) -> Path:
    path = folder / "spoken.jpg"
    scene().save(path, xmp=SPOKEN)
    return path


def test_captions_and_alt_texts_are_read_in_their_languages(tmp_path: Path) -> None:
    """The default, and what is said in Spanish and English, apart from one another."""
    found = images.inspect(str(spoken(tmp_path)), PIXELS)
    assert (found.caption, found.alt) == ("New year", "A full square")
    assert found.captions == {"es": "Año nuevo", "en-GB": "New year, in Britain"}
    assert found.alts == {"es": "Una plaza llena"}
    assert found.keywords == ("fiesta", "plaza")
    assert (found.headline, found.credit) == ("Doce uvas", "Inés Núñez / Agencia Ñ")


@pytest.mark.parametrize("form", ["jpeg", "avif"])
def test_words_come_out_as_they_went_in(form: str, tmp_path: Path) -> None:
    """What was read from an original is read from its outputs again, in every language."""
    source = spoken(tmp_path)
    images.develop(str(source), [out(120, 80, form)], str(tmp_path), {"max_pixels": PIXELS})
    before = images.inspect(str(source), PIXELS)
    after = images.inspect(str(tmp_path / f"120.{form}"), PIXELS)
    for key in (
        "caption",
        "captions",
        "alt",
        "alts",
        "headline",
        "credit",
        "copyright",
        "keywords",
    ):
        assert getattr(after, key) == getattr(before, key), key
    assert after.taken == ""


def exiftool(*paths: Path) -> list[dict[str, Any]]:
    """What archives and agencies see; the reference implementation of all three kinds of words."""
    tool = shutil.which("exiftool")
    if tool is None:
        wanting("exiftool is not installed (Debian: libimage-exiftool-perl)")
    done = subprocess.run(
        [tool, "-json", "-G1", "-a", "-struct", "-charset", "iptc=utf8", *paths],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_others_read_our_words(tmp_path: Path) -> None:
    """By ExifTool: IPTC, XMP and EXIF of a JPEG say the same, and an AVIF's XMP does."""
    source = spoken(tmp_path)
    wanted = [out(120, 80, form) for form in ("jpeg", "avif")]
    images.develop(str(source), wanted, str(tmp_path), {"max_pixels": PIXELS})
    jpeg_, avif_ = exiftool(tmp_path / "120.jpeg", tmp_path / "120.avif")
    assert jpeg_["IPTC:Caption-Abstract"] == jpeg_["IFD0:ImageDescription"] == "New year"
    assert jpeg_["IPTC:By-line"] == "Inés Núñez"
    assert jpeg_["IPTC:Credit"] == "Agencia Ñ"
    assert jpeg_["IPTC:CopyrightNotice"] == "© La Voz"
    assert jpeg_["IPTC:Headline"] == "Doce uvas"
    assert jpeg_["IPTC:Keywords"] == ["fiesta", "plaza"]
    for found in (jpeg_, avif_):
        assert found["XMP-dc:Description-es"] == "Año nuevo"
        assert found["XMP-iptcCore:AltTextAccessibility"] == "A full square"
        assert found["XMP-dc:Creator"] == ["Inés Núñez"]
        assert found["XMP-photoshop:Credit"] == "Agencia Ñ"
        assert found["XMP-dc:Subject"] == ["fiesta", "plaza"]
        assert not [key for key in found if key.startswith("ExifTool:Warning")]


@pytest.mark.parametrize("form", MAKERS)
def test_no_private_tag_is_left_by_exiftools_judgement(form: str, tmp_path: Path) -> None:
    """Of all tags it knows, outputs have those of their own format and the words, and no others."""
    path = tmp_path / f"planted.{form}"
    path.write_bytes(MAKERS[form](form))
    found = exiftool(*developed(path))
    for tags in found:
        assert {key for key in tags if not KNOWN.match(key)} == set()


# What is no metadata of a picture, and the words.
KNOWN = re.compile(
    r"SourceFile|ExifTool:ExifToolVersion|System:|File:|JFIF:|Composite:(ImageSize|Megapixels)|"
    r"QuickTime:|Meta:PrimaryItemReference|"
    r"IFD0:(ImageDescription|Artist|Copyright)$|"
    r"XMP-(dc:(Description(-\w+)?|Creator|Rights|Subject)|photoshop:(Headline|Credit)|"
    r"iptcCore:AltTextAccessibility(-\w+)?)$|"
    r"IPTC:(CodedCharacterSet|ApplicationRecordVersion|Keywords|By-line|Headline|Credit|"
    r"CopyrightNotice|Caption-Abstract)$"
)
