"""The words in a picture: caption, headline, alt text, credit, copyright, keywords.

Owns reading XMP, IPTC-IIM and EXIF, in that order of trust; `images_inscribe` writes the same words
into what is published. Refuses everything else a file carries: place, camera, serial numbers,
history. XMP is a stranger's XML: capped, and refused when it declares anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from xml.etree import ElementTree as ET

from PIL import Image, TiffImagePlugin

from pipeline import languages
from pipeline.images_open import Opened

_MAX_TEXT = 2000
_MAX_XMP_BYTES = 512 * 1024
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# IPTC Photo Metadata Standard 2021.1: what stands for the picture where it cannot be seen.
_ALT = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}AltTextAccessibility"
_KEYS = ("caption", "alt", "headline", "byline", "agency", "copyright", "taken")
_MAX_KEYWORDS, _MAX_KEYWORD, _MAX_LANGUAGES = 50, 64, 8
# IPTC-IIM 4.2, record 2, and the character set of record 1.
_BYLINE, _HEADLINE, _CREDIT, _COPYRIGHT, _CAPTION, _CREATED, _KEYWORD = (
    80,
    105,
    110,
    116,
    120,
    55,
    25,
)
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
    """What a picture says about itself; `taken` is a date (YYYY-MM-DD), never a time or a place.

    `captions` and `alts` hold what it says in a certain language, by tag ("es").
    """

    caption: str = ""
    captions: dict[str, str] = field(default_factory=dict)
    alt: str = ""
    alts: dict[str, str] = field(default_factory=dict)
    headline: str = ""
    byline: str = ""
    agency: str = ""
    copyright: str = ""
    keywords: tuple[str, ...] = ()
    taken: str = ""

    @property
    def credit(self) -> str:
        """The press's habit: "Jane Doe / Agency"; once, where one already holds the other."""
        byline, agency = self.byline, self.agency
        if byline.casefold() in agency.casefold():
            return agency
        return byline if agency.casefold() in byline.casefold() else f"{byline} / {agency}"


def words(still: Opened) -> Words:
    """Read the words; where several places speak, XMP goes before IPTC, and IPTC before EXIF."""
    descriptions = list(_descriptions(_xmp_block(still.container)))
    places = [_from_xmp(descriptions), _from_iptc(still.container), _from_exif(still.tags)]

    def first(key: str) -> str:
        return next((place[key] for place in places if place.get(key)), "")

    keywords = _keywords(descriptions) or _iptc_keywords(still.container)
    return Words(
        **{key: first(key) for key in _KEYS},
        captions=_languages(descriptions, f"{_DC}description"),
        alts=_languages(descriptions, _ALT),
        keywords=tuple(dict.fromkeys(keywords))[:_MAX_KEYWORDS],
    )


def clean(text: object) -> str:
    """One tidy text: no control characters, no runs of blanks, no camera's default, capped."""
    found = re.sub(r"[^\S\n]+", " ", re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", " ", str(text)))
    found = re.sub(r" ?\n[ \n]*", "\n", found).strip()[:_MAX_TEXT]
    return "" if _DEFAULT_TEXT.fullmatch(found) else found


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
    said = _iptc_texts(image)
    found = {
        key: ", ".join(said.get(number, ()))
        for key, number in (
            ("caption", _CAPTION),
            ("headline", _HEADLINE),
            ("byline", _BYLINE),
            ("agency", _CREDIT),
            ("copyright", _COPYRIGHT),
        )
    }
    return found | {"taken": _day(next(iter(said.get(_CREATED, ())), ""))}


def _iptc_keywords(image: Image.Image) -> list[str]:
    return [word[:_MAX_KEYWORD] for word in _iptc_texts(image).get(_KEYWORD, ()) if word]


def _iptc_texts(image: Image.Image) -> dict[int, list[str]]:
    """The texts of record 2 by dataset, in the character set that the block declares."""
    fields = list(_datasets(_iptc_block(image)))
    declared = any(record == 1 and data == _CHARSET_UTF8 for record, _, data in fields)
    said: dict[int, list[str]] = {}
    for record, number, data in fields:
        if record == 2:  # noqa: PLR2004 - the application record
            text = data.decode("utf-8", "replace") if declared else _decoded(data)
            said.setdefault(number, []).append(clean(text))
    return said


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


def _from_xmp(descriptions: list[ET.Element]) -> dict[str, str]:
    return {
        "caption": clean(_property(descriptions, f"{_DC}description")),
        "alt": clean(_property(descriptions, _ALT)),
        "byline": clean(_property(descriptions, f"{_DC}creator")),
        "copyright": clean(_property(descriptions, f"{_DC}rights")),
        "agency": clean(_property(descriptions, f"{_PHOTOSHOP}Credit")),
        "headline": clean(_property(descriptions, f"{_PHOTOSHOP}Headline")),
        "taken": _day(_property(descriptions, f"{_PHOTOSHOP}DateCreated")),
    }


def _languages(descriptions: list[ET.Element], name: str) -> dict[str, str]:
    """What an Alt says in each language it names ("es-MX" and "es" are two)."""
    found: dict[str, str] = {}
    for item in (i for d in descriptions for e in d.iterfind(name) for i in e.iter(f"{_RDF}li")):
        language = languages.tag(item.get(_LANG, ""))
        if language and (text := clean(item.text or "")) and len(found) < _MAX_LANGUAGES:
            found.setdefault(language, text)
    return found


def _keywords(descriptions: list[ET.Element]) -> list[str]:
    names = (e for d in descriptions for e in d.iterfind(f"{_DC}subject"))
    words_ = (clean(item.text or "")[:_MAX_KEYWORD] for e in names for item in e.iter(f"{_RDF}li"))
    return [word for word in words_ if word]


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


def _property(descriptions: list[ET.Element], name: str) -> str:
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
