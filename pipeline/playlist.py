"""HLS playlists from finished fragments (RFC 8216, and its second edition for EXT-X-GAP).

Owns every line of an .m3u8: media playlists with byte ranges into chunk files, the multivariant
playlist with its sounds and subtitles, and bandwidths measured from the bytes. Pure: values in,
text out. What is ready is decided in `film`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pipeline.model import Fragmented

MEDIA_TYPE = "application/vnd.apple.mpegurl"
_TRANSCRIBES = (
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
)
# fMP4 needs 6, EXT-X-MAP outside of I-frame lists too; EXT-X-GAP says 8.
VERSION, GAP_VERSION = 7, 8
# As long as this without a picture is a gap; less comes from rounded times and a lost frame or two.
GAP_S = Fraction(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file of fragments; `url` is relative to the playlist."""

    url: str
    inside: Fragmented

    @property
    def start(self) -> Fraction:
        """When it begins, in seconds of the film."""
        return Fraction(self.inside.segments[0].start, self.inside.timescale)

    @property
    def end(self) -> Fraction:
        """When it is over, in seconds of the film."""
        last = self.inside.segments[-1]
        return Fraction(last.start + last.duration, self.inside.timescale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Bits per second: of the most demanding fragment, and of all."""

    peak: int
    average: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One size of the film, without its sound."""

    url: str
    codecs: str
    width: int
    height: int
    frame_rate: Fraction
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A sound track or subtitles in one language; `language` may be "und".

    Subtitles that hold what is heard, in its own language, `transcribes` it.
    """

    url: str
    name: str
    language: str
    default: bool = False
    transcribes: bool = False
    codecs: str = ""
    channels: int = 0
    rates: Rates = Rates(peak=0, average=0)


def media(pieces: Sequence[Piece], *, target_s: float, complete: bool) -> str:
    """The playlist of one rendition; while it is not `complete`, more will be appended.

    `target_s` bounds the usual fragment: a list that is appended to may not change its target.
    """
    target = math.ceil(target_s)
    shown = list(_shown(pieces, target))
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{GAP_VERSION if any(one.is_gap for one in shown) else VERSION}",
        f"#EXT-X-TARGETDURATION:{max([target, *(_rounded(one.length) for one in shown)])}",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if complete else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if not complete:
        # Players start a list without an end at its end; this one is to be seen from the start.
        lines.append("#EXT-X-START:TIME-OFFSET=0,PRECISE=YES")
    before = None
    for one in shown:
        lines += _lines(one, is_first=one.piece is not before)
        before = one.piece
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if complete else []), ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """One segment as it is listed: `length` in seconds, up to the next one's start."""

    piece: Piece
    number: int
    length: Fraction
    is_gap: bool = False


def _shown(pieces: Sequence[Piece], target: int) -> Iterator[_Shown]:
    now = Fraction(0)
    for piece in pieces:
        lacking = max(Fraction(0), piece.start - now)
        if lacking >= GAP_S:
            # What could not be decoded, in segments that no player finds too long.
            count = math.ceil(lacking / target)
            gap = _Shown(piece=piece, number=0, length=lacking / count, is_gap=True)
            yield from (gap for _ in range(count))
            lacking = Fraction(0)
        for number, segment in enumerate(piece.inside.segments):
            # Less than a gap is made up for at once, or the list would run ahead of the film.
            length = Fraction(segment.duration, piece.inside.timescale) + lacking
            yield _Shown(piece=piece, number=number, length=length)
            lacking = Fraction(0)
        now = piece.end


def _rounded(length: Fraction) -> int:
    return math.floor(length + Fraction(1, 2))


def _lines(one: _Shown, *, is_first: bool) -> Iterator[str]:
    if is_first:
        header = f'BYTERANGE="{one.piece.inside.header_bytes}@0"'
        yield f'#EXT-X-MAP:URI="{one.piece.url}",{header}'
    if one.is_gap:
        yield "#EXT-X-GAP"
    yield f"#EXTINF:{float(one.length):.6f},"
    yield _range(one.piece, one.number)
    yield one.piece.url


def _longest(piece: Piece) -> Fraction:
    longest = max(segment.duration for segment in piece.inside.segments)
    return Fraction(longest, piece.inside.timescale)


def _range(piece: Piece, number: int) -> str:
    segment = piece.inside.segments[number]
    return f"#EXT-X-BYTERANGE:{segment.bytes}@{segment.offset}"


def whole(url: str, duration_s: float) -> str:
    """The playlist of one text file that is valid for the whole film: subtitles."""
    return "\n".join(
        [
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            f"#EXT-X-TARGETDURATION:{math.ceil(duration_s)}",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            f"#EXTINF:{duration_s:.3f},",
            url,
            "#EXT-X-ENDLIST",
            "",
        ]
    )


def rates(pieces: Sequence[Piece], target_s: float) -> Rates:
    """Measured bandwidths (RFC 8216, 4.1) of a list whose usual fragment `target_s` bounds.

    The peak is that of any run of fragments which lasts from half a target duration to one and a
    half; of films that are shorter, the average.
    """
    sizes = [
        (segment.bytes * 8, Fraction(segment.duration, piece.inside.timescale))
        for piece in pieces
        for segment in piece.inside.segments
    ]
    bits, seconds = sum(size for size, _ in sizes), sum(length for _, length in sizes)
    target = max([math.ceil(target_s), *(_rounded(length) for _, length in sizes)])
    peak = max((_peak(sizes[first:], target) for first in range(len(sizes))), default=Fraction(0))
    average = math.ceil(bits / seconds) if seconds else 0
    return Rates(peak=max(average, math.ceil(peak)), average=average)


def _peak(sizes: Sequence[tuple[int, Fraction]], target: int) -> Fraction:
    """The highest rate of the runs that begin with the first of these fragments."""
    bits, seconds, peak = 0, Fraction(0), Fraction(0)
    for size, length in sizes:
        bits, seconds = bits + size, seconds + length
        if seconds * 2 > target * 3:
            break
        if seconds * 2 >= target:
            peak = max(peak, bits / seconds)
    return peak


def multivariant(
    variants: Sequence[Variant], sounds: Sequence[Rendition], subtitles: Sequence[Rendition]
) -> str:
    """The playlist a player is given: every size, every language."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [_rendition("AUDIO", "sound", sound) for sound in _told_apart(sounds)]
    lines += [_rendition("SUBTITLES", "subtitles", text) for text in _told_apart(subtitles)]
    for variant in variants:
        lines += [_stream(variant, sounds, subtitles), variant.url]
    return "\n".join([*lines, ""])


def _told_apart(renditions: Sequence[Rendition]) -> Iterator[Rendition]:
    """Players choose by name, so no two of a group may share one; cameras call all "Stereo"."""
    names = [one.name for one in renditions]
    for number, one in enumerate(renditions):
        again = names.index(one.name) < number
        yield replace(one, name=f"{one.name} {number + 1}") if again else one


def _rendition(kind: str, group: str, one: Rendition) -> str:
    parts = [
        f"TYPE={kind}",
        f'GROUP-ID="{group}"',
        f'NAME="{_quoted(one.name)}"',
        *([f'LANGUAGE="{_quoted(one.language)}"'] if one.language != "und" else []),
        f"DEFAULT={'YES' if one.default else 'NO'}",
        "AUTOSELECT=YES",
        *(["FORCED=NO"] if kind == "SUBTITLES" else []),
        # As Apple's authoring specification wants it for those who cannot hear.
        *([f'CHARACTERISTICS="{_TRANSCRIBES}"'] if one.transcribes else []),
        *([f'CHANNELS="{one.channels}"'] if one.channels else []),
        f'URI="{one.url}"',
    ]
    return f"#EXT-X-MEDIA:{','.join(parts)}"


def _quoted(text: str) -> str:
    """A quoted string may hold neither quotes nor line breaks, and there is no way to escape."""
    return " ".join(text.replace('"', "'").split())


def _stream(variant: Variant, sounds: Sequence[Rendition], subtitles: Sequence[Rendition]) -> str:
    loudest = max((sound.rates.peak for sound in sounds), default=0)
    usual = max((sound.rates.average for sound in sounds), default=0)
    codecs = [variant.codecs, *sorted({sound.codecs for sound in sounds})]
    parts = [
        f"BANDWIDTH={variant.rates.peak + loudest}",
        f"AVERAGE-BANDWIDTH={variant.rates.average + usual}",
        f'CODECS="{",".join(codecs)}"',
        f"RESOLUTION={variant.width}x{variant.height}",
        f"FRAME-RATE={float(variant.frame_rate):.3f}",
        *(['AUDIO="sound"'] if sounds else []),
        *(['SUBTITLES="subtitles"'] if subtitles else []),
        # Else some players invent a track of captions that do not exist.
        "CLOSED-CAPTIONS=NONE",
    ]
    return f"#EXT-X-STREAM-INF:{','.join(parts)}"
