"""What a file is by its first bytes; its name is never asked.

Owns the tables of magic numbers: which files are pictures, which demuxer a media file must be
opened with, and which files are known and refused, with the reporter's sentence. Refuses to parse
anything: no library is called here. `probe` reads this first and forces the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import Unreadable, Unsupported

HEAD_BYTES = 64 << 10
"""How much of a file's beginning `sniff` wants to see."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A picture, or media with the FFmpeg demuxer that fits and an everyday name for it."""

    family: Literal["picture", "media"]
    name: str
    demuxer: str = ""


def sniff(head: bytes) -> Sniffed:
    """Decide by a file's first `HEAD_BYTES`; raises Unsupported or Unreadable in plain words."""
    if not head.strip(b"\0"):
        raise Unreadable("The file holds nothing but zeros: copy it again from the card.")
    for look in (_boxes, _riff, _by_magic):
        if found := look(head):
            return found
    _refuse_known(head)
    if found := _by_pattern(head):
        return found
    _refuse_text(head)
    raise Unreadable("This is not a kind of film, sound or picture that Newsreel knows.")


def _picture(name: str) -> Sniffed:
    return Sniffed("picture", name)


def _media(name: str, demuxer: str) -> Sniffed:
    return Sniffed("media", name, demuxer)


# --- containers that say what they hold in a second field --------------------------------------

# Brands of ISO/IEC 23008-12 (HEIF), AVIF, JPEG XL, JPEG 2000, Canon CR3.
_STILL_BRANDS = frozenset(
    b"heic|heix|heim|heis|hevc|hevx|hevm|hevs|mif1|mif2|msf1|miaf|avif|avis|avio|jxl |jp2 |jpx |"
    b"crx ".split(b"|")
)
_FIRST_BOXES = (b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid", b"moof")


def _boxes(head: bytes) -> Sniffed | None:
    """ISO base media: films (MP4, MOV, 3GP, M4A) and the pictures that share their boxes."""
    box, brand = head[4:8], head[8:12]
    if box == b"ftyp":
        return _picture("HEIF") if brand in _STILL_BRANDS else _media("MP4 or MOV", "mov")
    if box in (b"JXL ", b"jP  "):
        return _picture("JPEG XL" if box == b"JXL " else "JPEG 2000")
    return _media("QuickTime", "mov") if box in _FIRST_BOXES else None


def _riff(head: bytes) -> Sniffed | None:
    if head[:4] not in (b"RIFF", b"RF64", b"BW64"):
        return None
    return {
        b"WAVE": _media("WAV", "wav"),
        b"AVI ": _media("AVI", "avi"),
        b"QLCM": _media("QCP", "qcp"),
        b"WEBP": _picture("WebP"),
    }.get(head[8:12])


# --- one magic number --------------------------------------------------------------------------

_MAGIC: tuple[tuple[bytes, Sniffed], ...] = (
    (b"\xff\xd8\xff", _picture("JPEG")),
    (b"\x89PNG\r\n\x1a\n", _picture("PNG")),
    (b"GIF87a", _picture("GIF")),
    (b"GIF89a", _picture("GIF")),
    (b"II*\0", _picture("TIFF")),  # also DNG, CR2, NEF, ARW
    (b"MM\0*", _picture("TIFF")),
    (b"II+\0", _picture("TIFF")),
    (b"MM\0+", _picture("TIFF")),
    (b"IIRO", _picture("RAW")),
    (b"IIU\0", _picture("RAW")),
    (b"FUJIFILMCCD-RAW", _picture("RAW")),
    (b"BM", _picture("BMP")),
    (b"8BPS", _picture("PSD")),
    (b"\xff\x0a", _picture("JPEG XL")),
    (b"\x1aE\xdf\xa3", _media("Matroska or WebM", "matroska")),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", _media("Windows Media", "asf")),
    (b"FLV\x01", _media("Flash video", "flv")),
    (b".RMF", _media("RealMedia", "rm")),
    (b".ra\xfd", _media("RealAudio", "rm")),
    (b"\0\0\x01\xba", _media("MPEG program stream", "mpeg")),
    (b"\0\0\x01\xb3", _media("MPEG video", "mpegvideo")),
    (b"\0\0\x01\xb0", _media("MPEG-4 video", "m4v")),
    (b"\0\0\x01\0\0\0\x01\x20", _media("MPEG-4 video", "m4v")),
    (b"\x12\0\x0a", _media("AV1", "obu")),
    (b"\0\0\0\0\x01\xbc", _media("GXF", "gxf")),
    # Of Hikvision's recorders: their own header, then an ordinary program stream.
    (b"IMKH", _media("MPEG program stream", "mpeg")),
    (b"DHAV", _media("Dahua video", "dhav")),
    (b"DAHUA", _media("Dahua video", "dhav")),
    (b"\xb7\xd8\0 7I\xda\x11\xa6N\0\x07\xe9^\xad\x8d", _media("Windows television", "wtv")),
    (b"\x06\x0e+4\x02\x05\x01\x01", _media("MXF", "mxf")),
    (b"\x1f\x07\0", _media("DV", "dv")),
    (b"DKIF", _media("IVF", "ivf")),
    (b"nut/multimedia container\0", _media("NUT", "nut")),
    (b"YUV4MPEG2 ", _media("YUV4MPEG", "yuv4mpegpipe")),
    (b"OggS", _media("Ogg", "ogg")),
    (b"fLaC", _media("FLAC", "flac")),
    (b"FORM", _media("AIFF", "aiff")),
    (b"riff.\x91\xcf\x11\xa5\xd6(\xdb\x04\xc1\0\0", _media("Wave64", "w64")),
    (b"caff", _media("Core Audio", "caf")),
    (b"#!AMR", _media("AMR", "amr")),
    (b".snd", _media("AU", "au")),
    (b"wvpk", _media("WavPack", "wv")),
    (b"\x02dss", _media("DSS", "dss")),
    (b"\x03dss", _media("DSS", "dss")),
    (b"TTA1", _media("True Audio", "tta")),
    (b"tBaK", _media("TAK", "tak")),
    (b"MPCK", _media("Musepack", "mpc8")),
    (b"MP+", _media("Musepack", "mpc")),
    (b"DSD ", _media("DSF", "dsf")),
    (b"Creative Voice File\x1a", _media("Creative Voice", "voc")),
    (b"\x7f\xfe\x80\x01", _media("DTS", "dts")),
    (b"MAC ", _media("Monkey's Audio", "ape")),
    (b"\x0bw", _media("AC-3", "ac3")),
)


def _by_magic(head: bytes) -> Sniffed | None:
    if head[:4] == b"FORM" and head[8:12] not in (b"AIFF", b"AIFC"):
        return None
    if head[:3] == b"ID3":
        rest = _after_id3(head)
        if _ADTS.match(rest):
            return _media("AAC", "aac")
        return _by_magic(rest) or _media("MP3", "mp3")
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def _after_id3(head: bytes) -> bytes:
    """What follows an ID3v2 tag; its size is four bytes of seven bits each. Never a second tag."""
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    rest = head[10 + size :]
    return b"" if rest.startswith(b"ID3") else rest


# --- streams without a header ------------------------------------------------------------------

_PACKETS = ((188, 0), (192, 4), (204, 0))  # MPEG-TS: plain, AVCHD with timecodes, with parity
# A start code and the parameters that begin a stream (H.264 and H.265, annexes B): recorders of
# security cameras write such without any container. Group 1 is H.264's.
_ANNEX_B = re.compile(
    rb"\0{2,3}\x01(?:(?:\t[\x10-\xf0]\0{2,3}\x01)?([\x27\x47\x67])|(?:F\x01.\0{2,3}\x01)?@\x01)",
    re.DOTALL,
)
_ADTS = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_MPEG_AUDIO = re.compile(rb"\xff[\xe2\xe3\xf2-\xf5\xfa-\xfd][^\xf0-\xff]", re.DOTALL)
# ISO/IEC 11172-3 and 13818-3: kbit/s by (version 1?, layer), Hz of version 1.
_KBPS = {
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HZ = (44100, 48000, 32000)


def _by_pattern(head: bytes) -> Sniffed | None:
    """Transport streams, ADTS and bare MPEG audio, told by repetition or by a frame header."""
    if _has_packets(head):
        return _media("MPEG transport stream", "mpegts")
    if match := _ANNEX_B.match(head):
        return _media("H.264", "h264") if match[1] else _media("HEVC", "hevc")
    if _ADTS.match(head):
        return _media("AAC", "aac")
    return _media("MP3", "mp3") if _has_mpeg_audio(head) else None


def _has_packets(head: bytes) -> bool:
    """Packets of a transport stream; a recording off the air may begin within one."""
    for size, offset in _PACKETS:
        for start in (offset, *range(size)):
            marks = head[start : start + 8 * size : size]
            if len(marks) > (1 if start == offset else 7) and not marks.strip(b"G"):
                return True
    return False


def _has_mpeg_audio(head: bytes) -> bool:
    """Three frames in a row, anywhere: recorders put rubbish before the first one."""
    return any(_frames_follow(head, match.start(), 3) for match in _MPEG_AUDIO.finditer(head))


def _frames_follow(head: bytes, at: int, count: int) -> bool:
    length = _mpeg_audio_length(head[at : at + 4])
    return bool(length) and (count == 1 or _frames_follow(head, at + length, count - 1))


def _mpeg_audio_length(header: bytes) -> int:
    """Bytes of the MPEG audio frame with this header; 0 if it is none."""
    if len(header) < 4 or not _MPEG_AUDIO.match(header):  # noqa: PLR2004  (a header's length)
        return 0
    version_1, layer = header[1] & 0x18 == 0x18, 4 - (header[1] >> 1 & 3)  # noqa: PLR2004
    rate = header[2] >> 2 & 3
    bps = 1000 * _KBPS[version_1, layer][header[2] >> 4]
    if rate == len(_HZ) or not bps:
        return 0
    hertz = _HZ[rate] // (1 if version_1 else 2 if header[1] & 0x10 else 4)
    samples = 72 if layer == 3 and not version_1 else 144  # noqa: PLR2004  (the layer's number)
    return samples * bps // hertz + (header[2] >> 1 & 1)


# --- files we know and do not publish ----------------------------------------------------------

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (rb"PK\x03\x04", "This is a ZIP archive or an office document: upload the files inside it."),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ", "This is an archive: upload the files inside it."),
    (rb"%PDF", "This is a PDF document: export its pages as pictures."),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "This is a PostScript file: export it as a picture."),
    (rb"\xd0\xcf\x11\xe0|\{\\rtf", "This is an office document: upload its pictures themselves."),
    (rb"MZ|\x7fELF|#!/", "This is a program, not a film, a sound or a picture."),
    (rb"#EXTM3U|\[playlist\]", "This is a playlist that points elsewhere: upload the film itself."),
    (rb"ffconcat|file\s+['\"/]", "This is a list of other files: upload the film itself."),
    (rb"<!doctype html|<html|<script|<head|<body", "This is a web page, not a film or a picture."),
)  # fmt: skip
_REFUSALS = tuple(
    (re.compile(rb"\s*(?:%b)" % p, re.IGNORECASE | re.DOTALL), text) for p, text in _REFUSED
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def _refuse_known(head: bytes) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf")
    for pattern, text in _REFUSALS:
        if pattern.match(start):
            raise Unsupported(text)
    if b"<svg" in start[:4096].lower() and start.lstrip().startswith(b"<"):
        raise Unsupported("This is an SVG drawing: export it as PNG.")


def _refuse_text(head: bytes) -> None:
    if head == head.translate(None, delete=_CONTROL):
        raise Unsupported("This is a text file, not a film, a sound or a picture.")
