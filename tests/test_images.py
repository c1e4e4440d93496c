"""Photos: what is let in, what comes out, and what must never come out."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageStat, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from pipeline import errors, images, images_colour, images_metadata
from pipeline.model import Picture, from_json, to_json

PIXELS = 50_000_000
SECRET = b"PLANTED-SECRET"


def scene(width: int = 240, height: int = 160) -> Image.Image:
    """A picture whose four corners differ, so that every turn shows."""
    image = Image.new("RGB", (width, height), (90, 120, 150))
    draw = ImageDraw.Draw(image)
    half = (width // 2, height // 2)
    draw.rectangle((0, 0, *half), fill=(220, 40, 40))
    draw.rectangle((half[0], 0, width, half[1]), fill=(40, 200, 60))
    draw.rectangle((0, half[1], half[0], height), fill=(40, 60, 210))
    return image


def out(width: int, height: int, form: str = "jpeg") -> dict[str, Any]:
    return {
        "make": "photo",
        "role": "photo",
        "file": f"{width}.{form}",
        "width": width,
        "height": height,
        "format": form,
        "quality": 85,
        "speed": 9,
    }


def save(folder: Path, image: Image.Image, form: str = "JPEG", **options: Any) -> str:
    path = folder / f"source.{form.lower()}"
    image.save(path, form, **options)
    return str(path)


def develop(path: str, folder: Path, *sizes: tuple[int, int], **facts: Any) -> dict[str, Any]:
    wanted = [out(*size, form) for size in sizes for form in ("jpeg", "avif")]
    return images.develop(path, wanted, str(folder), {"max_pixels": PIXELS, **facts})


def pixels(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean difference per channel, in steps of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def linear_profile() -> bytes:
    """A real ICC profile far from sRGB in primaries: BT.2020 with sRGB's tone curve."""
    return images_colour._made_profile("bt2020", 0)


# --- looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP"])
def test_every_format_of_the_allow_list_opens_and_develops(form: str, tmp_path: Path) -> None:
    """Each format on the list is inspected by its header and becomes JPEG and AVIF."""
    path = save(tmp_path, scene(), form)
    picture = images.inspect(path, PIXELS)
    assert (picture.format, picture.width, picture.height) == (form, 240, 160)
    assert from_json(Picture, to_json(picture)) == picture
    made = develop(path, tmp_path, (120, 80))
    assert [each["media_type"] for each in made["outputs"]] == ["image/jpeg", "image/avif"]
    assert distance(pixels(tmp_path / "120.jpeg"), scene().resize((120, 80))) < 14


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\n <svg onload='x()'/>", "SVG"),
        (b"8BPS\0\1" + b"\0" * 40, "Photoshop"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"%PDF-1.7", "PDF"),
        (b"\xff\x0a" + b"\0" * 40, "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    ],
)
def test_drawings_and_documents_are_refused_by_name(data: bytes, word: str, tmp_path: Path) -> None:
    """What we know and never publish is refused by its signature, with what to do instead."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(errors.Unsupported, match=rf"{word}.*export it as JPEG"):
        images.inspect(str(path), PIXELS)


@pytest.mark.parametrize("data", [b"", b"hello, this is no picture", b"\xff\xd8\xff\xe0\0\x10JFIF"])
def test_what_is_no_picture_is_unreadable(data: bytes, tmp_path: Path) -> None:
    """Nothing, text and a bare header give one plain sentence without a path."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(errors.Unreadable) as told:
        images.inspect(str(path), PIXELS)
    assert str(tmp_path) not in told.value.public


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "AVIF", "HEIF", "TIFF", "WEBP", "BMP"])
def test_over_limit_is_refused_before_pixels_naming_the_setting(form: str, tmp_path: Path) -> None:
    """One pixel more than allowed is refused by the header, naming limit and setting."""
    path = save(tmp_path, scene(), form)
    images.inspect(path, 240 * 160)
    for look in (
        lambda: images.inspect(path, 240 * 160 - 1),
        lambda: images.develop(path, [out(10, 10)], str(tmp_path), {"max_pixels": 38_399}),
    ):
        with pytest.raises(errors.OverLimit, match=r"0\.038399 megapixels.*limits\.max_photo"):
            look()


def test_an_avif_too_large_for_its_decoder_is_over_limit_not_unreadable(tmp_path: Path) -> None:
    """The size is read from the container's own box, so the reporter learns the true reason."""
    path = Path(save(tmp_path, scene(), "AVIF"))
    box = b"ispe" + bytes(4)
    true = box + struct.pack(">II", 240, 160)
    assert true in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(true, box + struct.pack(">II", 60_000, 60_000)))
    with pytest.raises(errors.OverLimit, match="60000 x 60000"):
        images.inspect(str(path), PIXELS)


def test_a_text_that_unpacks_without_end_is_hostile(tmp_path: Path) -> None:
    """A compressed text bomb in a PNG is called what it is."""
    info = PngInfo()
    info.add_text("bomb", "A" * 3_000_000, zip=True)
    path = save(tmp_path, scene(8, 8), "PNG", pnginfo=info)
    with pytest.raises(errors.Hostile, match="absurd size"):
        images.inspect(path, PIXELS)


def test_moving_pictures_and_pages_are_told_apart(tmp_path: Path) -> None:
    """A GIF of two frames is animated; a TIFF of two pages is not."""
    pages = [scene(), scene().rotate(180)]
    gif = save(tmp_path, pages[0], "GIF", save_all=True, append_images=pages[1:])
    tiff = save(tmp_path, pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [(p.pages, p.animated) for p in map(images.inspect, (gif, tiff))] == [
        (2, True),
        (2, False),
    ]


# --- words --------------------------------------------------------------------------------------


def iptc(*fields: tuple[int, int, bytes]) -> bytes:
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(data)) + data
        for record, number, data in fields
    )


def photoshop(block: bytes) -> bytes:
    """An APP13 segment holding an IPTC block."""
    resource = (
        b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block + b"\0" * (len(block) % 2)
    )
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def xmp(body: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Agencia Ñ">'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def test_iptc_words_are_read_in_their_declared_character_set(tmp_path: Path) -> None:
    """Caption, byline, credit, copyright and headline come from IPTC record 2; 1:90 is honoured."""
    block = iptc(
        (1, 90, b"\x1b%G"),
        (2, 120, "Año nuevo".encode()),
        (2, 80, "Inés".encode()),
        (2, 110, b"Agency"),
        (2, 116, "© Inés".encode()),
        (2, 105, b"Headline"),
        (2, 55, b"20240229"),
    )
    path = save(tmp_path, scene(), extra=photoshop(block))
    found = images.inspect(path, PIXELS)
    assert (found.caption, found.headline, found.credit, found.copyright, found.taken) == (
        "Año nuevo",
        "Headline",
        "Inés / Agency",
        "© Inés",
        "2024-02-29",
    )


def test_iptc_without_a_character_set_is_read_as_people_wrote_it(tmp_path: Path) -> None:
    """Undeclared text is UTF-8 where it can be, else Western European."""
    path = save(tmp_path, scene(), extra=photoshop(iptc((2, 120, "Año".encode("cp1252")))))
    assert images.inspect(path, PIXELS).caption == "Año"


def test_xmp_goes_before_iptc_and_exif(tmp_path: Path) -> None:
    """Elements, attributes, language alternatives and lists of XMP are all read, and win."""
    packet = xmp(
        '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">De XMP</rdf:li></rdf:Alt>'
        "</dc:description><dc:creator><rdf:Seq><rdf:li>Ana</rdf:li><rdf:li>Luis</rdf:li></rdf:Seq>"
        "</dc:creator>"
    )
    tags = Image.Exif()
    tags[0x010E] = b"From EXIF"
    tags[0x8298] = "© día".encode()
    block = photoshop(iptc((2, 120, b"From IPTC")))
    found = images.inspect(save(tmp_path, scene(), xmp=packet, exif=tags, extra=block), PIXELS)
    assert (found.caption, found.credit, found.copyright) == (
        "De XMP",
        "Ana, Luis / Agencia Ñ",
        "© día",
    )


def test_xmp_that_declares_entities_is_not_parsed(tmp_path: Path) -> None:
    """A DOCTYPE in XMP is an attack: its words are ignored, the picture is still published."""
    packet = b'<!DOCTYPE x [<!ENTITY a "boom">]>' + xmp("<dc:rights>&a;</dc:rights>")
    found = images.inspect(save(tmp_path, scene(), xmp=packet), PIXELS)
    assert (found.credit, found.copyright) == ("", "")


@pytest.mark.parametrize(
    "text",
    ["OLYMPUS DIGITAL CAMERA         ", "SAMSUNG", "DCIM\\100MEDIA\\DJI_0001.JPG", "  ", "---"],
)
def test_what_cameras_write_by_themselves_is_no_caption(text: str) -> None:
    """Makers' default texts never reach a reader."""
    assert images_metadata.clean(text) == ""


def test_people_s_captions_survive_cleaning() -> None:
    """Only control characters and runs of blanks go; names that begin like a maker's stay."""
    assert images_metadata.clean("Samsung workers on strike in Seoul, 8 July 2024") != ""
    assert images_metadata.clean("a\x00 \t b\r\n\n c") == "a b\nc"


# --- developing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_come_out_upright(orientation: int, tmp_path: Path) -> None:
    """Size and pixels are as displayed, whatever the EXIF orientation says."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose values
    stored = scene()
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    tags = Image.Exif()
    tags[274] = orientation
    path = save(tmp_path, stored, exif=tags, quality=95)
    found = images.inspect(path, PIXELS)
    assert (found.width, found.height, found.orientation) == (240, 160, orientation)
    develop(path, tmp_path, (240, 160), (60, 40))
    for name in ("240.jpeg", "240.avif"):
        assert distance(pixels(tmp_path / name), scene()) < 4


def test_outputs_are_measured_and_in_the_asked_order(tmp_path: Path) -> None:
    """The answer follows the request, and its figures are those of the files."""
    made = develop(save(tmp_path, scene(), "PNG"), tmp_path, (60, 40), (240, 160), (120, 80))
    names = ["60.jpeg", "60.avif", "240.jpeg", "240.avif", "120.jpeg", "120.avif"]
    assert [each["file"] for each in made["outputs"]] == names
    for each in made["outputs"]:
        assert (tmp_path / each["file"]).stat().st_size == each["bytes"]
        assert pixels(tmp_path / each["file"]).size == (each["width"], each["height"])
    assert made["colour"] == "#627690" or made["colour"].startswith("#6")


def test_jpeg_is_progressive_and_free_of_profiles(tmp_path: Path) -> None:
    """JPEG outputs load gradually and are plain sRGB, so they need no profile."""
    path = save(tmp_path, scene(), icc_profile=linear_profile())
    develop(path, tmp_path, (120, 80))
    with Image.open(tmp_path / "120.jpeg") as image:
        assert image.info.get("progressive")
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("form", ["jpeg", "avif"])
def test_an_output_that_came_out_wrong_is_not_published(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too small, without its end, or not all on the disk: our bug, told as such."""
    path = save(tmp_path, scene())
    encoded = images._encoded
    right = out(120, 80, form)
    for wrong in (
        lambda image, *rest: encoded(image.resize((60, 40)), *rest),
        lambda *all_: encoded(*all_)[:-1],
        lambda *all_: encoded(*all_) + b"more",
    ):
        monkeypatch.setattr(images, "_encoded", wrong)
        with pytest.raises(errors.ToolBug):
            images.develop(path, [right], str(tmp_path), {"max_pixels": PIXELS})
    monkeypatch.setattr(images, "_encoded", encoded)
    monkeypatch.setattr(Path, "write_bytes", lambda _self, data: len(data))
    (tmp_path / right["file"]).touch()
    with pytest.raises(errors.ToolBug):
        images.develop(path, [right], str(tmp_path), {"max_pixels": PIXELS})


def test_enlarging_is_our_own_bug(tmp_path: Path) -> None:
    """An output larger than the picture is refused: plans must never ask for one."""
    path = save(tmp_path, scene())
    with pytest.raises(errors.ToolBug):
        develop(path, tmp_path, (241, 160))


def test_a_wide_profile_is_converted_and_srgb_left_alone(tmp_path: Path) -> None:
    """The same numbers mean a stronger green in BT.2020; sRGB pixels come through unchanged."""
    plain = Image.new("RGB", (64, 64), (60, 180, 60))
    results = []
    for profile in (
        linear_profile(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ):
        develop(save(tmp_path, plain, "PNG", icc_profile=profile), tmp_path, (64, 64))
        results.append(pixels(tmp_path / "64.jpeg").getpixel((32, 32)))
    wide, same = results
    assert wide[0] < 20
    assert wide[1] > 185
    assert max(abs(a - b) for a, b in zip(same, (60, 180, 60), strict=True)) <= 2


# Linear sRGB from linear Display P3, Adobe RGB (1998) and BT.2020: CSS Color Module Level 4, and
# the Adobe RGB specification with sRGB's own matrix. None of these is in the code under test.
TO_SRGB = {
    "p3": ((1.22494, -0.22494, 0.0), (-0.04206, 1.04206, 0.0), (-0.01964, -0.07864, 1.09828)),
    "adobe": ((1.39836, -0.39836, 0.0), (0.0, 1.0, 0.0), (0.0, -0.04293, 1.04293)),
    "bt2020": (
        (1.66049, -0.58764, -0.07285),
        (-0.12455, 1.1329, -0.00835),
        (-0.01815, -0.10058, 1.11873),
    ),
}


def reference(space: str, colour: tuple[int, int, int]) -> list[float]:
    """The colour in sRGB by the standards' own formulas."""

    def linear(value: float) -> float:
        if space == "adobe":
            return value ** (563 / 256)
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    def encoded(light: float) -> float:
        light = min(1.0, max(0.0, light))
        return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055

    light = [linear(value / 255) for value in colour]
    rows = TO_SRGB[space]
    return [255 * encoded(sum(a * b for a, b in zip(row, light, strict=True))) for row in rows]


@pytest.mark.parametrize("space", TO_SRGB)
def test_colours_are_those_of_the_standards(space: str) -> None:
    """Twenty colours of each space, skin, sky, grass and greys among them, come out to 2 in 255."""
    profile = images_colour._made_profile(space, 0)
    levels = (40, 128, 215)
    colours = [(r, g, b) for r in levels for g in levels for b in levels]
    for colour in [*colours, (224, 172, 140), (90, 140, 200), (70, 120, 60), (18, 18, 18)]:
        image, note = images_colour.to_srgb(Image.new("RGB", (4, 4), colour), profile)
        assert note == ""
        wanted = reference(space, colour)
        if all(0 < value < 255 for value in wanted):  # outside sRGB there is no right answer
            assert image.getpixel((1, 1)) == pytest.approx(wanted, abs=2.1), colour


def test_our_own_srgb_profile_is_neutral() -> None:
    """Profiles made from the tables agree with the colour engine's own sRGB: grey stays grey."""
    swatches = Image.new("RGB", (3, 1))
    swatches.putdata([(255, 255, 255), (128, 128, 128), (200, 30, 90)])
    same, note = images_colour.to_srgb(swatches, images_colour._made_profile("srgb", 0))
    assert distance(same, swatches) < 2
    assert note == ""


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_curves_are_monotone_and_keep_midtones(transfer: int) -> None:
    """PQ and HLG rise without a step back, black stays black, diffuse white stays bright."""
    ramp = Image.linear_gradient("L").convert("RGB")
    done, _ = images_colour.to_srgb(ramp, images_colour._made_profile("bt2020", transfer))
    levels = [done.getpixel((0, row))[1] for row in range(256)]
    assert levels == sorted(levels)
    assert levels[0] == 0
    white = {16: 148, 18: 191}[transfer]  # 203 nits: 58 % of PQ, 75 % of HLG (BT.2408)
    assert 215 <= levels[white] < 250
    assert levels[-1] >= 252


def test_cmyk_without_a_profile_is_said_to_be_approximate(tmp_path: Path) -> None:
    """CMYK becomes RGB; without a profile the reporter is told."""
    path = save(tmp_path, scene().convert("CMYK"))
    made = develop(path, tmp_path, (120, 80))
    assert any("approximate" in note for note in made["notes"])
    assert distance(pixels(tmp_path / "120.jpeg"), scene().resize((120, 80))) < 14


def test_a_broken_profile_is_ignored_and_said(tmp_path: Path) -> None:
    """A profile that makes no sense costs a note, never the picture."""
    made = develop(save(tmp_path, scene(), icc_profile=b"nonsense" * 40), tmp_path, (120, 80))
    assert any("profile" in note for note in made["notes"])


def test_sixteen_bits_and_alpha_become_eight_on_white(tmp_path: Path) -> None:
    """16-bit grey is scaled, not clipped; what is transparent becomes white."""
    grey = Image.new("I;16", (64, 64))
    grey.putdata([32768] * 64 * 64)
    develop(save(tmp_path, grey, "PNG"), tmp_path, (64, 64))
    assert abs(pixels(tmp_path / "64.jpeg").getpixel((30, 30))[0] - 127) <= 2
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 32, 64))
    develop(save(tmp_path, clear, "WEBP", lossless=True), tmp_path, (64, 64))
    assert min(pixels(tmp_path / "64.jpeg").getpixel((56, 30))) > 250


def test_credit_caption_and_copyright_travel_and_nothing_else_does(tmp_path: Path) -> None:
    """Given facts are written in both formats; the file's own words fill the gaps."""
    tags = Image.Exif()
    tags[0x8298] = "© Núñez".encode()
    path = save(tmp_path, scene(), exif=tags)
    develop(path, tmp_path, (120, 80), caption="Día <1> & más", credit="Ana / Ñ")
    for name in ("120.jpeg", "120.avif"):
        found = images.inspect(str(tmp_path / name), PIXELS)
        assert (found.caption, found.credit, found.copyright) == (
            "Día <1> & más",
            "Ana / Ñ",
            "© Núñez",
        )
        with Image.open(tmp_path / name) as image:
            assert set(image.getexif()) == {0x010E, 0x013B, 0x8298}


def planted() -> dict[str, Any]:
    """What a photo can tell on its maker, marked: place, serial, history, maker's notes."""
    tags = Image.Exif()
    tags[0x010F] = tags[0x0110] = tags[0x0131] = tags[0x9286] = SECRET
    tags[0x9C9B] = SECRET
    camera = tags.get_ifd(0x8769)
    camera |= {0xA431: SECRET, 0xA430: SECRET, 0x927C: SECRET, 0x9003: b"2024:01:02 03:04:05"}
    tags._ifds[0x8769] = camera
    tags._ifds[0x8825] = {1: "N", 2: (41.0, 23.0, 5.0), 29: "2024:01:02", 27: SECRET}
    history = xmp(f"<photoshop:History>{SECRET.decode()}</photoshop:History>")
    return {"exif": tags, "xmp": history, "comment": SECRET, "icc_profile": marked_profile()}


def marked_profile() -> bytes:
    """A profile of sRGB with a marker in place of part of its text."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = "No copyright, use freely".encode("utf-16-be")
    assert text in data
    return data.replace(text, SECRET.ljust(len(text), b"\0"))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO"])
def test_no_planted_secret_reaches_a_published_byte(form: str, tmp_path: Path) -> None:
    """GPS, serials, maker notes, XMP history, comments, ICC text, trailing data: all gone."""
    extra = {"pnginfo": PngInfo()} if form == "PNG" else {}
    if extra:
        extra["pnginfo"].add_text("Comment", SECRET.decode())
    if form == "MPO":
        extra |= {"save_all": True, "append_images": [scene()]}
    path = Path(save(tmp_path, scene(), form, **planted(), **extra))
    path.write_bytes(path.read_bytes() + SECRET)
    assert path.read_bytes().count(SECRET) >= 3
    made = develop(str(path), tmp_path, (240, 160), (120, 80))
    for each in made["outputs"]:
        data = (tmp_path / each["file"]).read_bytes()
        assert SECRET not in data
        assert b"ICC_PROFILE" not in data
        with Image.open(BytesIO(data)) as image:
            assert set(image.getexif()) <= {0x010E, 0x013B, 0x8298}


def test_raw_files_are_published_by_their_largest_preview(tmp_path: Path) -> None:
    """A DNG shows its preview, turned as the RAW says, with a note; its thumbnail is not used."""
    preview = BytesIO()
    scene().transpose(Image.Transpose.ROTATE_90).save(preview, "JPEG")
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = b"\x01\x04\0\0"
    tags[274] = 6
    thumbnail = Path(save(tmp_path, scene(24, 16), "TIFF", tiffinfo=tags))
    data = thumbnail.read_bytes()
    at = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[at : at + 2])[0]
    entries = [data[at + 2 + 12 * n : at + 14 + 12 * n] for n in range(count)]
    sub_at = len(data)
    jpeg_at = sub_at + 2 + 12 * 2 + 4
    entries.append(struct.pack("<HHII", 330, 4, 1, sub_at))
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2])[0])
    size = len(preview.getvalue())
    child = struct.pack("<H", 2) + struct.pack("<HHII", 513, 4, 1, jpeg_at)
    child += struct.pack("<HHII", 514, 4, 1, size) + bytes(4)
    root = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    root_at = jpeg_at + size
    raw = tmp_path / "photo.dng"
    raw.write_bytes(
        data[:4] + struct.pack("<I", root_at) + data[8:] + child + preview.getvalue() + root
    )
    found = images.inspect(str(raw), PIXELS)
    assert (found.format, found.width, found.height) == ("RAW", 240, 160)
    made = develop(str(raw), tmp_path, (240, 160))
    assert any("RAW" in note for note in made["notes"])
    assert distance(pixels(tmp_path / "240.jpeg"), scene()) < 6


# --- damaged ------------------------------------------------------------------------------------


@pytest.mark.hostile
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("ends", ["early", "with an end mark"])
def test_a_cut_picture_is_published_only_if_most_of_it_is_there(
    form: str, ends: str, tmp_path: Path
) -> None:
    """90 % is published and said; 30 % is refused, even where the decoder says nothing."""
    noise = Image.effect_noise((320, 320), 80).convert("RGB")
    whole = Path(save(tmp_path, noise, form)).read_bytes()
    path = tmp_path / "cut"
    mark = b"\xff\xd9" if ends == "with an end mark" and form == "JPEG" else b""
    path.write_bytes(whole[: len(whole) * 9 // 10] + mark)
    made = develop(str(path), tmp_path, (320, 320))
    assert any("cut short" in note for note in made["notes"])
    path.write_bytes(whole[: len(whole) * 3 // 10] + mark)
    with pytest.raises(errors.Unreadable, match="cut short"):
        develop(str(path), tmp_path, (320, 320))


def test_flat_and_dark_edged_pictures_are_whole(tmp_path: Path) -> None:
    """A plain grey card and a letterboxed still are no damage."""
    card = Image.new("RGB", (64, 64), (128, 128, 128))
    letterbox = scene()
    letterbox.paste((0, 0, 0), (0, 100, 240, 160))
    for image in (card, letterbox):
        path = save(tmp_path, image, quality=95)
        assert develop(path, tmp_path, (60, 40))["notes"] == []
