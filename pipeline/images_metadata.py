"""The words in a picture: caption, headline, credit and copyright, in and out.

Owns reading XMP, IPTC-IIM and EXIF (in that order of trust) and writing back the few words that
must travel with a published picture. Refuses everything else a file carries: place, camera,
serial numbers, history. XMP is a stranger's XML: capped, and refused when it declares anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from PIL import Image, TiffImagePlugin

from pipeline.images_open import Opened

_MAX_TEXT = 2000
_MAX_XMP_BYTES = 512 * 1024
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
# IPTC-IIM 4.2, record 2, and the character set of record 1.
_BYLINE, _HEADLINE, _CREDIT, _COPYRIGHT, _CAPTION, _CREATED = 80, 105, 110, 116, 120, 55
_CHARSET_UTF8 = b"\x1b%G"
_DESCRIPTION, _ARTIST, _RIGHTS, _EXIF_IFD, _TAKEN = 0x010E, 0x013B, 0x8298, 0x8769, 0x9003
_IPTC_IN_TIFF, _IPTC_IN_PHOTOSHOP = 33723, 0x0404
# What cameras and scanners write by themselves is nobody's caption.
_DEFAULT_TEXT = re.compile(
    r"(olympus digital camera|olympus camedia.*|samsung( .{0,20})?|dji.{0,12}|dcim.*|dav|default|"
    r"(minolta|konica|kodak|sony|sanyo|exif|jpeg|nikon|canon|pentax) ?(digital camera|dsc|image|"
    r"picture|jpeg)?|digital ?camera|digital still camera|mde|ael|cof|hdr(pl)?|rhdr|bst|sdr|"
    r"(oznor|nor|rpt|cof|mde|sdr|vhdr|hdr|dav)[a-z]*|untitled|file source.*|lead technologies.*|"
    r"converted p[a-z]m file|created with .*|\W*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a picture says about itself; `taken` is a date (YYYY-MM-DD), never a time or a place."""

    caption: str = ""
    headline: str = ""
    credit: str = ""
    copyright: str = ""
    taken: str = ""


def words(still: Opened) -> Words:
    """Read the words; where several places speak, XMP goes before IPTC, and IPTC before EXIF."""
    places = [_from_xmp(still.container), _from_iptc(still.container), _from_exif(still.tags)]

    def first(key: str) -> str:
        return next((place[key] for place in places if place.get(key)), "")

    return Words(
        caption=first("caption"),
        headline=first("headline"),
        credit=_joined(first("byline"), first("credit")),
        copyright=first("copyright"),
        taken=first("taken"),
    )


def written(said: Words) -> dict[str, object]:
    """Save options for Pillow that write caption, credit and copyright, and nothing else.

    EXIF holds them for old readers (UTF-8, as the Metadata Working Group asks), XMP for the rest.
    """
    tags = Image.Exif()
    for tag, text in (
        (_DESCRIPTION, said.caption),
        (_ARTIST, said.credit),
        (_RIGHTS, said.copyright),
    ):
        if text:
            tags[tag] = text.encode()
    packet = _packet(said)
    return ({"exif": tags} if len(tags) else {}) | ({"xmp": packet} if packet else {})


def clean(text: object) -> str:
    """One tidy text: no control characters, no runs of blanks, no camera's default, capped."""
    found = re.sub(r"[^\S\n]+", " ", re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", " ", str(text)))
    found = re.sub(r" ?\n[ \n]*", "\n", found).strip()[:_MAX_TEXT]
    return "" if _DEFAULT_TEXT.fullmatch(found) else found


def _joined(byline: str, credit: str) -> str:
    """The press's habit: "Jane Doe / Agency"; once, where one already holds the other."""
    if byline.casefold() in credit.casefold():
        return credit
    return byline if credit.casefold() in byline.casefold() else f"{byline} / {credit}"


def _day(text: str) -> str:
    """A date in any of the three notations (2024:05:01, 20240501, 2024-05-01) as ISO, or ""."""
    match = re.match(r"(\d{4})[-:]?(\d{2})[-:]?(\d{2})", text)
    try:
        return date(*map(int, match.groups())).isoformat() if match else ""
    except ValueError:
        return ""


# --- EXIF ----------------------------------------------------------------------------------------


def _from_exif(tags: Image.Exif) -> dict[str, str]:
    return {
        "caption": clean(_unicode(tags.get(_DESCRIPTION, ""))),
        "byline": clean(_unicode(tags.get(_ARTIST, ""))),
        "copyright": clean(_unicode(tags.get(_RIGHTS, ""))),
        "taken": _day(str(tags.get_ifd(_EXIF_IFD).get(_TAKEN, ""))),
    }


def _unicode(text: object) -> str:
    """EXIF text as its writer meant it: Pillow reads Latin-1, most writers mean UTF-8."""
    raw = text if isinstance(text, bytes) else str(text).encode("latin-1", "replace")
    return _decoded(raw)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


# --- IPTC-IIM ------------------------------------------------------------------------------------


def _from_iptc(image: Image.Image) -> dict[str, str]:
    fields = list(_datasets(_iptc_block(image)))
    declared = any(record == 1 and data == _CHARSET_UTF8 for record, _, data in fields)

    def text(number: int) -> str:
        raw = [data for record, found, data in fields if (record, found) == (2, number)]
        return ", ".join(
            clean(d.decode("utf-8", "replace") if declared else _decoded(d)) for d in raw
        )

    keys = {
        "caption": _CAPTION,
        "headline": _HEADLINE,
        "byline": _BYLINE,
        "credit": _CREDIT,
        "copyright": _COPYRIGHT,
    }
    return {key: text(number) for key, number in keys.items()} | {"taken": _day(text(_CREATED))}


def _iptc_block(image: Image.Image) -> bytes:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        block = image.tag_v2.get(_IPTC_IN_TIFF, b"")
    else:
        block = dict(image.info.get("photoshop") or {}).get(_IPTC_IN_PHOTOSHOP, b"")
    return block if isinstance(block, bytes) else b""


def _datasets(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(record, dataset, data) for each standard dataset, up to the first byte out of place."""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:  # noqa: PLR2004 - the tag marker of IIM 1.5
        size = int.from_bytes(block[at + 3 : at + 5])
        if size & 0x8000:
            return  # extended sizes are for embedded objects, which we do not read
        yield block[at + 1], block[at + 2], block[at + 5 : at + 5 + size]
        at += 5 + size


# --- XMP -----------------------------------------------------------------------------------------


def _from_xmp(image: Image.Image) -> dict[str, str]:
    descriptions = list(_descriptions(_xmp_block(image)))
    return {
        "caption": clean(_property(descriptions, f"{_DC}description")),
        "byline": clean(_property(descriptions, f"{_DC}creator")),
        "copyright": clean(_property(descriptions, f"{_DC}rights")),
        "credit": clean(_property(descriptions, f"{_PHOTOSHOP}Credit")),
        "headline": clean(_property(descriptions, f"{_PHOTOSHOP}Headline")),
        "taken": _day(_property(descriptions, f"{_PHOTOSHOP}DateCreated")),
    }


def _xmp_block(image: Image.Image) -> bytes:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return found.encode() if isinstance(found, str) else bytes(found)


def _descriptions(packet: bytes) -> Iterable[ET.Element]:
    """The rdf:Description elements; none for XML that is too large, declares or does not parse.

    Without a DOCTYPE there are no entities to expand and nothing to fetch, so the standard
    library's parser is safe. Only UTF-8 is read: another encoding could hide a declaration.
    """
    packet = packet.strip(b"\0 \t\r\n")
    if len(packet) > _MAX_XMP_BYTES or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return ()
    try:
        root = ET.fromstring(packet.decode())  # noqa: S314 - see above
    except (ET.ParseError, ValueError):
        return ()
    return root.iter(f"{_RDF}Description")


def _property(descriptions: Iterable[ET.Element], name: str) -> str:
    for description in descriptions:
        if name in description.attrib:
            return description.attrib[name]
        element = description.find(name)
        if element is not None:
            return _value(element)
    return ""


def _value(element: ET.Element) -> str:
    """A plain text, the default language of an Alt, or all members of a Seq or Bag."""
    members = [item.text or "" for item in element.iter(f"{_RDF}li")]
    if not members:
        return element.text or ""
    return members[0] if element.find(f"{_RDF}Alt") is not None else ", ".join(members)


def _packet(said: Words) -> bytes:
    """The smallest XMP packet that says these words; b"" when there are none."""
    body = _wrapped("dc:description", "Alt", said.caption)
    body += _wrapped("dc:creator", "Seq", said.credit)
    body += _wrapped("dc:rights", "Alt", said.copyright)
    if said.credit:
        body += f"<photoshop:Credit>{escape(said.credit)}</photoshop:Credit>"
    if not body:
        return b""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="'
        f'{_RDF[1:-1]}"><rdf:Description rdf:about="" xmlns:dc="{_DC[1:-1]}" '
        f'xmlns:photoshop="{_PHOTOSHOP[1:-1]}">{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def _wrapped(name: str, container: str, text: str) -> str:
    if not text:
        return ""
    default = ' xml:lang="x-default"' if container == "Alt" else ""
    item = f"<rdf:li{default}>{escape(text)}</rdf:li>"
    return f"<{name}><rdf:{container}>{item}</rdf:{container}></{name}>"
