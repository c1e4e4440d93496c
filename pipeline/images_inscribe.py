"""Writing a picture's words into what is published: XMP, IPTC-IIM and EXIF, and nothing else.

Owns the smallest blocks that say caption, alt text, headline, credit, copyright and keywords: all
three in JPEG, where old archives read IPTC alone; XMP and EXIF in AVIF. Refuses to read a file:
the words come from `images_metadata`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from PIL import Image

from pipeline.images_metadata import Words

_DESCRIPTION, _ARTIST, _RIGHTS = 0x010E, 0x013B, 0x8298
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}
# IPTC-IIM 4.2: the character set of all that follows (UTF-8), and the record's own version, 4.
_CHARACTERS, _VERSION = b"\x1c\x01\x5a\x00\x03\x1b%G", b"\x1c\x02\x00\x00\x02\x00\x04"
_KEYWORD, _BYLINE, _HEADLINE, _CREDIT, _COPYRIGHT, _CAPTION = 25, 80, 105, 110, 116, 120
# A caption's own limit in IIM; a dataset of 32 kB would need another way of writing its length.
_MAX_IPTC_BYTES = 2000
_DEFAULT = "x-default"


def written(said: Words, form: str) -> dict[str, object]:
    """Save options for Pillow that write these words into a "jpeg" or an "avif"."""
    exif, xmp, iptc = _exif(said), _xmp(said), _iptc(said)
    options: dict[str, object] = {"exif": exif} if len(exif) else {}
    if xmp:
        options["xmp"] = xmp
    if iptc and form == "jpeg":
        options["extra"] = _segment(iptc)
    return options


def _exif(said: Words) -> Image.Exif:
    """For old readers; in UTF-8, as the Metadata Working Group asks."""
    tags = Image.Exif()
    for tag, text in (
        (_DESCRIPTION, said.caption),
        (_ARTIST, said.credit),
        (_RIGHTS, said.copyright),
    ):
        if text:
            tags[tag] = text.encode()
    return tags


# --- IPTC-IIM in Photoshop's resource of a JPEG --------------------------------------------------


def _iptc(said: Words) -> bytes:
    body = b"".join(
        _dataset(number, text)
        for number, text in (
            *((_KEYWORD, word) for word in said.keywords),
            (_BYLINE, said.byline),
            (_HEADLINE, said.headline),
            (_CREDIT, said.agency),
            (_COPYRIGHT, said.copyright),
            (_CAPTION, said.caption),
        )
        if text
    )
    return _CHARACTERS + _VERSION + body if body else b""


def _dataset(number: int, text: str) -> bytes:
    data = text.encode()[:_MAX_IPTC_BYTES].decode(errors="ignore").encode()
    return struct.pack(">BBBH", 0x1C, 2, number, len(data)) + data


def _segment(block: bytes) -> bytes:
    """APP13 with one resource, number 0x0404, padded to an even length."""
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block
    body = b"Photoshop 3.0\0" + resource + b"\0" * (len(block) % 2)
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


# --- XMP -----------------------------------------------------------------------------------------


def _xmp(said: Words) -> bytes:
    """The smallest packet that says these words; b"" when there are none."""
    body = "".join(_properties(said))
    if not body:
        return b""
    spaces = " ".join(f'xmlns:{name}="{at}"' for name, at in _NAMESPACES.items())
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}>'
        f'<rdf:Description rdf:about="">{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def _properties(said: Words) -> Iterator[str]:
    yield _alternatives("dc:description", said.caption, said.captions)
    yield _alternatives("Iptc4xmpCore:AltTextAccessibility", said.alt, said.alts)
    yield _listed("dc:creator", "Seq", [said.byline])
    yield _alternatives("dc:rights", said.copyright, {})
    yield _listed("dc:subject", "Bag", said.keywords)
    yield _plain("photoshop:Headline", said.headline)
    yield _plain("photoshop:Credit", said.agency or said.byline)


def _plain(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _alternatives(name: str, text: str, others: Mapping[str, str]) -> str:
    """The default first, then what is said in certain languages."""
    all_ = {_DEFAULT: text, **others}
    items = "".join(
        f"<rdf:li xml:lang={quoteattr(language)}>{escape(words)}</rdf:li>"
        for language, words in all_.items()
        if words
    )
    return f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>" if items else ""


def _listed(name: str, container: str, texts: Iterable[str]) -> str:
    items = "".join(f"<rdf:li>{escape(text)}</rdf:li>" for text in texts if text)
    return f"<{name}><rdf:{container}>{items}</rdf:{container}></{name}>" if items else ""
