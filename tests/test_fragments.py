"""The inside of fragmented MP4 files: real ones against another reader, and broken boxes."""

from __future__ import annotations

import contextlib
import functools
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import media
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import fragments
from pipeline.fragments import Inside

FLAGS = ("-movflags", "+cmaf+frag_discont+skip_trailer", "-use_editlist", "0", "-f", "mp4")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "10", "-sc_threshold", "0")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-g", "10", "-svtav1-params", "lp=1:scd=0")
AAC = ("-c:a", "aac", "-frag_duration", "1000000", "-bsf:a", "noise=drop=lt(pts\\,0)")
PICTURES = ("-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=2")
TONE = ("-f", "lavfi", "-i", "sine=440:d=3")
UNEVEN = "setpts=if(lt(N\\,20)\\,N\\,N+15)/25/TB"
CASES = {
    "h264": (*PICTURES, *H264, *FLAGS),
    "late": (*PICTURES, "-vf", "setpts=PTS+7/TB", "-copyts", *H264, *FLAGS),
    "uneven": (*PICTURES, "-vf", UNEVEN, "-fps_mode", "vfr", *H264, *FLAGS),
    "jumpy": (
        *PICTURES,
        *("-vf", "settb=1/90000,setpts=(2*N*N+3*mod(N\\,3))/1000/TB", "-fps_mode", "passthrough"),
        *("-enc_time_base", "1:90000", *H264, "-bsf:v", r"setts=pts=PTS:dts=DTS-mod(N\,2)", *FLAGS),
    ),
    "lone": (*PICTURES, "-vf", UNEVEN, "-fps_mode", "vfr", *H264, "-bf", "0", "-g", "1", *FLAGS),
    "av1": (*PICTURES, *AV1, *FLAGS),
    "aac": (*TONE, *AAC, *FLAGS),
}
CODECS = {"av1": "av01.0.00M.08", "aac": "mp4a.40.2"}


@functools.cache
def file(name: str) -> Path:
    """A fragmented file made by ffmpeg."""
    return media._made(f"fragments-{name}.mp4", "-bitexact", *CASES[name])


def inside(name: str) -> Inside:
    """What the reader under test finds in it."""
    found = fragments.read(file(name).read_bytes())
    assert found is not None
    return found


def packets(path: Path) -> list[tuple[int, int, bool]]:
    """Every packet as FFmpeg reads it: shown at, for how long, and whether it is a key."""
    with av.open(str(path)) as container:
        stream = container.streams[0]
        return [
            (p.pts, p.duration or 0, p.is_keyframe)
            for p in container.demux(stream)
            if p.pts is not None and p.size
        ]


@pytest.mark.parametrize("name", CASES)
def test_times_are_those_of_another_reader(name: str) -> None:
    """Samples, the start of every fragment and the end of the last, as FFmpeg sees them."""
    found, known = inside(name), packets(file(name))
    assert found.samples == len(known)
    assert found.fragmented.timescale == Fraction(1) / time_base(name)
    segments = found.fragmented.segments
    assert segments[0].start == (7 * found.fragmented.timescale if name == "late" else 0)
    assert segments[-1].start + segments[-1].duration == found.end
    shift = shifted(known, segments[0].start)
    assert found.end + shift == max(pts + duration for pts, duration, _ in known)
    if name != "aac":
        assert [s.start + shift for s in segments] == [pts for pts, _, is_key in known if is_key]


def shifted(known: list[tuple[int, int, bool]], start: int) -> int:
    """FFmpeg shows films later whose pictures are stored out of order: by two of them at most."""
    shift = min(pts for pts, _, _ in known) - start
    assert 0 <= shift <= 2 * known[0][1]
    return shift


def time_base(name: str) -> Fraction:
    """FFmpeg's idea of a file's clock."""
    with av.open(str(file(name))) as container:
        base = container.streams[0].time_base
        assert base is not None
        return base


@pytest.mark.parametrize("name", CASES)
def test_fragments_follow_one_another(name: str) -> None:
    """In bytes from the header to the end of the file, in time without a hole."""
    found = inside(name).fragmented
    place, now = found.header_bytes, found.segments[0].start
    for segment in found.segments:
        assert (segment.offset, segment.start) == (place, now)
        assert segment.duration > 0
        place, now = place + segment.bytes, now + segment.duration
    assert place == file(name).stat().st_size


@pytest.mark.parametrize("name", CASES)
def test_every_fragment_plays_by_itself(name: str, tmp_path: Path) -> None:
    """The header and any one fragment are a file whose first picture is a key frame."""
    data, found = file(name).read_bytes(), inside(name).fragmented
    for segment in found.segments:
        alone = tmp_path / "alone.mp4"
        part = data[segment.offset : segment.offset + segment.bytes]
        alone.write_bytes(data[: found.header_bytes] + part)
        known = packets(alone)
        assert known[0][2]
        shifted(known, segment.start)
        subprocess.run(
            [media.FFMPEG, "-v", "error", "-xerror", "-i", alone, "-f", "null", "-"],
            check=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )


@pytest.mark.parametrize("name", CASES)
def test_codecs_are_written_as_players_ask_for_them(name: str) -> None:
    """RFC 6381: profile, constraints and level, from the file's own configuration."""
    codec = inside(name).fragmented.codec
    data = file(name).read_bytes()
    if name in CODECS:
        assert codec == CODECS[name]
    else:
        at = data.index(b"avcC") + 4
        assert codec == "avc1." + data[at + 1 : at + 4].hex()


def test_pauses_are_found() -> None:
    """Half a second and more in which no picture begins: from one's start to the next one's."""
    found = inside("uneven").fragmented
    pauses = [
        (Fraction(start, found.timescale), Fraction(end, found.timescale))
        for start, end in found.pauses
    ]
    assert pauses == [(Fraction(19, 25), Fraction(35, 25))]
    assert inside("h264").fragmented.pauses == ()


def test_a_plain_file_has_no_fragments() -> None:
    """None, not an error: videos and recordings are looked at in other ways."""
    assert fragments.read(media.film().read_bytes()) is None
    assert fragments.read(media.photo().read_bytes()[:0]) is None


# --- broken boxes ------------------------------------------------------------------------------


@given(st.integers(0, 4000))
def test_a_cut_file_is_told_or_read(at: int) -> None:
    """However much is missing: a ValueError or what is there, never another error."""
    data = file("h264").read_bytes()[:at]
    try:
        found = fragments.read(data)
    except ValueError:
        return
    assert found is None or found.fragmented.segments[-1].offset < at


@given(st.integers(0, 1200), st.binary(min_size=1, max_size=8))
def test_a_spoilt_header_is_told_or_read(at: int, garbage: bytes) -> None:
    """Whatever stands in the boxes that are read: nothing but a ValueError, and it ends."""
    data = bytearray(file("h264").read_bytes())
    data[at : at + len(garbage)] = garbage
    with contextlib.suppress(ValueError):
        fragments.read(bytes(data))


@pytest.mark.parametrize("size", [0, 2, 7, 1 << 31])
def test_a_box_that_does_not_fit_is_refused(size: int) -> None:
    """Smaller than its own header, or larger than the file."""
    data = struct.pack(">I4s", size, b"ftyp") + bytes(64)
    with pytest.raises(ValueError, match="a box of"):
        fragments.read(data)


def test_a_fragment_without_its_data_is_refused() -> None:
    """It would be listed with bytes that are not there."""
    found = inside("h264").fragmented
    last = found.segments[-1]
    data = file("h264").read_bytes()
    moof = struct.unpack_from(">I", data, last.offset)[0]
    with pytest.raises(ValueError, match="not a fragmented MP4"):
        fragments.read(data[: last.offset + moof])


def test_other_codecs_are_refused() -> None:
    """Meant for what is made here."""
    data = file("h264").read_bytes().replace(b"avc1", b"hvc1")
    with pytest.raises(ValueError, match="hvc1"):
        fragments.read(data)


# --- how long each picture stands ---------------------------------------------------------------


def settled(name: str, tmp_path: Path, end: int | None) -> Path:
    """A copy of a file in which every picture has the length for which it is shown."""
    data = bytearray(file(name).read_bytes())
    fragments.settle(data, end, 3600)
    path = tmp_path / "settled.mp4"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["jumpy", "lone"])
@pytest.mark.parametrize("over", [None, 500, 100_000])
def test_a_picture_lasts_until_the_next_one_is_shown(
    tmp_path: Path, over: int | None, name: str
) -> None:
    """However unevenly pictures come, in whatever order they are coded; the last up to the end."""
    before = sorted(at for at, _, _ in packets(file(name)))
    last = before[-1] - before[0]
    path = settled(name, tmp_path, None if over is None else last + over)
    after = sorted(packets(path))
    shift = after[0][0]
    assert [at - shift for at, _, _ in after] == [at - before[0] for at in before]
    ends = [*(at - shift for at, _, _ in after[1:]), last + (over or 3600)]
    assert [at - shift + length for at, length, _ in after] == ends
    found = fragments.read(path.read_bytes())
    assert found is not None
    assert found.end == ends[-1]
    assert found.samples == len(before)


def test_a_fragment_begins_when_it_says(tmp_path: Path) -> None:
    """With its first picture's turn, after all turns before: players take others for a break."""
    with av.open(str(settled("jumpy", tmp_path, None))) as container:
        known = [p for p in container.demux(container.streams[0]) if p.size]
    turns = [packet.dts or 0 for packet in known]
    assert turns == sorted({*turns})
    assert len(turns) == len(known) == 50
    shift = known[0].pts or 0
    assert all((p.pts or 0) - shift == p.dts for p in known if p.is_keyframe)


def test_lengths_that_there_is_no_room_for_are_told() -> None:
    """A fragment whose pictures are all of one length does not write any."""
    with pytest.raises(ValueError, match="no room"):
        fragments.settle(bytearray(file("h264").read_bytes()), None, 3600)
