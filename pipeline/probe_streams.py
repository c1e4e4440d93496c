"""From what was seen of a stream to the model's values.

Owns geometry as displayed (crop, sample aspect, rotation), colour names, languages, chapters and
the span of time a file covers. Refuses to read packets: `probe_media` does and hands over what it
saw. The decoded picture is believed before the container, which is often mislabelled.
"""

from __future__ import annotations

import math
import re
import struct
from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition

from pipeline import languages
from pipeline.errors import Unsupported
from pipeline.model import (
    STRANGEST_ASPECT,
    AudioStream,
    Chapter,
    Colour,
    Tags,
    TextStream,
    VideoStream,
)
from pipeline.probe_fields import Fields, Order, fields
from pipeline.probe_time import Timeline, frame_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MS = Fraction(1, 1000)
_MAX_CHAPTERS = 500
_MAX_WORDS = 300
# AVFieldOrder: 0 unknown, 1 progressive, then four orders of coding and of showing.
_FIELD_ORDERS: dict[int, Order] = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}
_FULL_RANGE = 2  # AVColorRange
# When a work came out, never when a machine recorded it: a year, a month or a day.
_DATES = ("date", "year", "tdrc", "tyer")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_MEMO = "com.apple.voicememos"  # in a tag of whatever name
_PROP_TEXT_SUB = 1 << 17  # AV_CODEC_PROP_TEXT_SUB

# ITU-T H.273 code points by FFmpeg's names; 2 and what is missing mean: not said.
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
    10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_TRANSFERS = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1",
    14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
_MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco",
    9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc",
    13: "chroma-derived-c", 14: "ictcp",
}  # fmt: skip


Landing = Literal["key", "between", "lost"]
"""Where seeking led: to a key frame before the moment, between two of them, or nowhere near."""


@dataclass(slots=True)
class Seen:
    """What a pass over the packets saw of one stream; `is_partial`: not every packet was read.

    `is_cut`: the end that it claims is not there. `frames` are its first pictures, `moments` groups
    of neighbours from all over it. `keys` are the times of its key packets, all of them `closed` if
    none needs what was before; `discards` tells of packets that are there but not to be shown. Of
    pictures, `shown` are the times in the order of the file; `untimed` if one has none, `reordered`
    if one waits for others. `aspects` are those of the pixels of all pictures decoded; `layered` if
    some came with transparency beside.
    """

    stream: Any
    times: Timeline
    frames: list[Any] = field(default_factory=list)
    moments: list[list[Any]] = field(default_factory=list)
    landings: list[Landing] = field(default_factory=list)
    aspects: set[Fraction] = field(default_factory=set)
    layered: bool = False
    keys: list[int] = field(default_factory=list)
    closed: bool = True
    discards: bool = False
    shown: array[int] = field(default_factory=lambda: array("q"))
    untimed: bool = False
    reordered: bool = False
    is_partial: bool = False
    is_cut: bool = False

    @property
    def index(self) -> int:
        """The stream's place in the file, as FFmpeg counts."""
        return int(self.stream.index)

    @property
    def type(self) -> str:
        """Either "video" or "audio"."""
        return str(self.stream.type)

    def decoded(self, packet: Any) -> list[Any]:
        """The pictures or sounds of a packet; FFmpeg's errors where there are none."""
        frames: list[Any] = packet.decode()
        if frames and self.type == "video":
            # A picture does not hand out its own, but its decoder is no picture ahead.
            self.aspects.add(_aspect(self.stream.codec_context.sample_aspect_ratio))
            self.layered |= packet.has_sidedata("matroska_block_additional")
        return frames


def ms(seconds: Fraction) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


def end_s(seen: Iterable[Seen]) -> Fraction:
    """When, in seconds, the last picture and the last sound are over."""
    return max((one.times.end_s(_period_s(one)) for one in seen), default=Fraction(0))


def _period_s(seen: Seen) -> Fraction:
    """How long a picture stands where its packet does not say; sound always does."""
    if seen.type != "video":
        return Fraction(0)
    return 1 / _rate(seen.stream, seen.times, interlaced=False)[0]


# --- pictures ---------------------------------------------------------------------------------


def video(seen: Seen, crop: tuple[int, int] | None, start_s: Fraction) -> VideoStream:
    """A moving picture, as its decoded frames show it; the file's clock starts at `start_s`."""
    stream, frame = seen.stream, seen.frames[0]
    context = stream.codec_context
    aspect = _aspect(stream.sample_aspect_ratio)
    rotation, mirrored = upright(_matrix(frame))
    width, height = displayed((frame.width, frame.height), crop, aspect, rotation)
    header = _header(context, seen.frames)
    rate, uneven = _rate(stream, seen.times, interlaced=header.interlaced)
    found = fields(seen.moments, header, rate)
    duration_ms = _duration_ms(seen, 1 / rate)
    return VideoStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        pixel_format=frame.format.name,
        coded_width=frame.width,
        coded_height=frame.height,
        width=width,
        height=height,
        rotation=rotation,
        mirrored=mirrored,
        sample_aspect=aspect,
        frame_rate=rate,
        variable_rate=uneven or seen.times.ends_early(1 / rate),
        interlaced=found.interlaced,
        field_order=found.order if found.interlaced else "",
        changes=_changes(seen),
        reshapes=len(seen.aspects) > 1,
        frames=_frames(stream, seen),
        duration_ms=duration_ms,
        start_ms=ms(seen.times.first_s - start_s),
        last_ms=ms(seen.times.last[0] * seen.times.tick - start_s),
        bit_depth=max((part.bits for part in frame.format.components), default=8),
        has_alpha=_has_alpha(seen, frame),
        colour=_colour(frame),
        profile=context.profile or "",
        bitrate_bps=_bitrate(context, seen, duration_ms),
        language=language(stream),
        default=bool(stream.disposition & Disposition.default),
    )


def _matrix(frame: Any) -> tuple[int, ...]:
    """The upper left of a picture's display matrix, or the one that leaves it as it is."""
    for one in frame.side_data:
        if one.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = struct.unpack("=5i", bytes(one)[:20])
            return (a, b, c, d)
    return (1, 0, 0, 1)


def _unnamed(cls: type[SideDataType], value: object) -> Any:
    """A member for side data that FFmpeg tells of and PyAV has no name for.

    Without it PyAV 18.1 raises for a picture that has any, as each of a film made of photos (EXIF).
    """
    member: Any = object.__new__(cls)
    member._name_, member._value_ = f"UNNAMED_{value}", value
    return member


SideDataType._missing_ = classmethod(_unnamed)  # type: ignore[assignment, method-assign]


def upright(matrix: tuple[int, ...]) -> tuple[int, bool]:
    """Degrees to turn clockwise, in quarters, after flipping left to right if the second is True.

    `matrix` is (a, b, c, d) of ISO/IEC 14496-12, 8.2.2: a point (x, y) is shown at
    (ax + cy, bx + dy). Cameras held at an angle are taken for the nearest quarter.
    """
    a, b, c, d = matrix
    mirrored = a * d - b * c < 0
    angle = math.degrees(math.atan2(-b, -a) if mirrored else math.atan2(b, a))
    return round(angle / 90) * 90 % 360, mirrored


def _changes(seen: Seen) -> bool:
    """True when pictures of more than one size were seen."""
    return len({(one[0].width, one[0].height) for one in seen.moments}) > 1


def displayed(
    coded: tuple[int, int], crop: tuple[int, int] | None, aspect: Fraction, rotation: int
) -> tuple[int, int]:
    """Width and height in square pixels, upright, as a player shows them.

    `crop` is what the container cuts off in width and in height.
    """
    cut_width, cut_height = crop or (0, 0)
    width = max(1, round((coded[0] - cut_width) * aspect))
    height = max(1, coded[1] - cut_height)
    return (height, width) if 45 <= rotation % 180 < 135 else (width, height)  # noqa: PLR2004


def _aspect(given: Fraction | None) -> Fraction:
    """The sample aspect, or 1 where there is none or none that can be meant."""
    if not given or not Fraction(1, STRANGEST_ASPECT) <= given <= STRANGEST_ASPECT:
        return Fraction(1)
    return Fraction(given)


DUMPED_STREAM = re.compile(r"^  Stream #0:(\d+)")
"""A stream, and its index, in FFmpeg's own description of a file."""
_DUMPED_CROP = re.compile(r"^      Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)\s*$")


def crops(dump: str) -> dict[int, tuple[int, int]]:
    """Width and height the container cuts off, by stream, from FFmpeg's own description.

    ffmpeg applies this crop (clean aperture in MOV, PixelCrop in Matroska) and PyAV does not
    hand it out, so the description is the one place to read it.
    """
    found, index = {}, -1
    for line in dump.splitlines():
        if match := DUMPED_STREAM.match(line):
            index = int(match[1])
        elif match := _DUMPED_CROP.match(line):
            left, right, top, bottom = map(int, match.groups())
            found[index] = (left + right, top + bottom)
    return found


# Dolby Vision without a picture for other screens: its colours (IPT) look green and purple there.
_CLOSED = re.compile(r"DOVI configuration record:.* profile: (?:5|10),.* compatibility id: 0\b")


def refuse_closed(dump: str) -> None:
    """Refuse colours that only Dolby's tools read, by FFmpeg's own description of the file."""
    if _CLOSED.search(dump):
        raise Unsupported(
            "The film's colours are for Dolby Vision screens alone (profile 5): others show them"
            " green and purple. Export it as HDR10, HLG or SDR."
        )


def _rate(stream: Any, times: Timeline, *, interlaced: bool) -> tuple[Fraction, bool]:
    """Frames per second and whether uneven; two fields in packets of their own are one frame."""
    average = stream.average_rate
    rate, uneven = frame_rate(times, (average, stream.guessed_rate, stream.base_rate))
    if interlaced and average and round(float(rate / average), 1) == 2:  # noqa: PLR2004
        return rate / 2, uneven
    return rate, uneven


def _header(context: Any, frames: list[Any]) -> Fields:
    """What the file says of its fields, in its header or beside its pictures."""
    order = int(getattr(context, "field_order", 0) or 0)
    said = order in _FIELD_ORDERS or any(frame.interlaced_frame for frame in frames)
    return Fields(interlaced=said, order=_FIELD_ORDERS.get(order, ""))


def _has_alpha(seen: Seen, frame: Any) -> bool:
    """Alpha in the pixels, or in the side channel of VP8 and VP9 that a plain decoder skips.

    Browsers claim it for whatever they record, and write none.
    """
    in_pixels = any(part.is_alpha for part in frame.format.components)
    claimed = seen.stream.metadata.get("alpha_mode") == "1"
    return in_pixels or (claimed and seen.layered)


def _colour(frame: Any) -> Colour:
    full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return Colour(
        primaries=_PRIMARIES.get(int(frame.color_primaries), ""),
        transfer=_TRANSFERS.get(int(frame.color_trc), ""),
        matrix=_MATRICES.get(int(frame.colorspace), ""),
        full_range=full,
    )


def _frames(stream: Any, seen: Seen) -> int | None:
    """The container's count, unless the packets that are there belie it."""
    claimed = int(stream.frames) or None
    belied = not seen.is_partial and seen.times.packets < (claimed or 0)
    return None if belied or seen.is_cut else claimed


# --- sound, text, words -----------------------------------------------------------------------


# FFmpeg's words for channels without places, "4 channels", and for those with a list of them, among
# which it calls some unknown or twice the same: "4 channels (FL+FR+UNK+UNK)".
_UNPLACED = re.compile(r"\d+ channels")
_LISTED = re.compile(r"\d+ channels \(")


def place(stream: Any) -> None:
    """Make channels with a list of places plain ones, before the first of them is decoded.

    PyAV (18.1) frees such a list once for each of its objects that name it, and they share it. In
    exchange for another, the one object that is left here owns it.
    """
    context = stream.codec_context
    given = context.layout
    if _LISTED.match(given.name):
        context.layout = f"{given.nb_channels} channels"


def _layout(layout: Any) -> str:
    if layout.nb_channels == 1:
        return "mono"
    return "" if _UNPLACED.match(layout.name) else str(layout.name)


def audio(seen: Seen, start_s: Fraction) -> AudioStream:
    """A sound track, as its first decoded frame has it."""
    stream, frame = seen.stream, seen.frames[0]
    context = stream.codec_context
    duration_ms = _duration_ms(seen, Fraction(frame.samples, frame.sample_rate or 1))
    return AudioStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        channels=frame.layout.nb_channels,
        layout=_layout(frame.layout),
        sample_rate=frame.sample_rate,
        duration_ms=duration_ms,
        start_ms=ms(seen.times.first_s - start_s),
        bitrate_bps=_bitrate(context, seen, duration_ms),
        language=language(stream),
        title=words(stream.metadata, "title"),
        default=bool(stream.disposition & Disposition.default),
    )


def texts(container: Any) -> tuple[TextStream, ...]:
    """Embedded subtitles, also those that are pictures of text."""
    return tuple(
        TextStream(
            index=stream.index,
            codec=stream.codec_context.codec.canonical_name,
            is_text=bool(stream.codec_context.codec.properties & _PROP_TEXT_SUB),
            language=language(stream),
            title=words(stream.metadata, "title"),
        )
        for stream in container.streams.subtitles
        if stream.codec_context is not None
    )


def cover(container: Any) -> int | None:
    """The stream that is cover art: of several, the one that says it is the front."""
    pictures = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
    front = (one for one in pictures if "front" in words(one.metadata, "comment").casefold())
    chosen = next(front, pictures[0] if pictures else None)
    return None if chosen is None else int(chosen.index)


def tags(container: Any) -> Tags:
    """The few words of a recording about itself that may travel on; never comments or places.

    A phone's own recorder calls a memo after the street it was made in, and its artist after the
    phone's owner: of those nothing but the language travels.
    """
    # In Ogg they hang on the stream.
    own = container.streams.audio[0].metadata if container.streams.audio else {}
    said = {**own, **container.metadata}
    released = next((found for key in _DATES if (found := words(said, key))), "")
    day = _DATE.match(released)
    spoken = languages.tag(words(container.metadata, "language")) or ""
    if any(_MEMO in value.casefold() for value in said.values()):
        return Tags(language=spoken)
    return Tags(
        title=words(container.metadata, "title") or _ogg(container, own, "title"),
        artist=words(said, "artist"),
        album=words(said, "album"),
        date=day[0] if day else "",
        language=spoken,
    )


def _ogg(container: Any, own: Mapping[str, str], key: str) -> str:
    """A tag of the stream, where the format keeps its tags there; elsewhere it names the track."""
    return words(own, key) if "ogg" in container.format.name else ""


def chapters(container: Any, there_s: float) -> tuple[Chapter, ...]:
    """Named stretches that begin within what is really there."""
    found = []
    for number, one in enumerate(container.chapters()[:_MAX_CHAPTERS], start=1):
        base = one["time_base"] or MS
        start, end = ms(one["start"] * base), ms(one["end"] * base)
        if 0 <= start < there_s * 1000:
            title = words(one["metadata"], "title") or str(number)
            end = min(max(start, end), int(there_s * 1000))
            found.append(Chapter(start_ms=start, end_ms=end, title=title))
    return tuple(found)


def words(metadata: Mapping[str, str], key: str) -> str:
    """A line of text out of the file: one line, printable, not endless."""
    found = next((text for name, text in metadata.items() if name.lower() == key), "")
    printable = "".join(char if char.isprintable() else " " for char in found)
    return " ".join(printable.split())[:_MAX_WORDS]


def language(stream: Any) -> str:
    """The BCP-47 tag of a stream's language, "und" where it is silent or not understood."""
    return languages.tag(stream.metadata.get("language", "")) or "und"


def _duration_ms(seen: Seen, period: Fraction) -> int | None:
    if not seen.times.packets:
        return None
    return ms(seen.times.end_s(period) - seen.times.first_s)


def _bitrate(context: Any, seen: Seen, duration_ms: int | None) -> int | None:
    """Counted where every packet was read, else as claimed."""
    if seen.is_partial or not duration_ms:
        return context.bit_rate or None
    return round(seen.times.bytes * 8000 / duration_ms)
