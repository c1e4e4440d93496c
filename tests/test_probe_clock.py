"""Clocks that start anew: told from those that only skip, and mended for all tracks alike."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pytest
from reels import H264, make

from pipeline import probe_clock
from pipeline.errors import Unreadable
from pipeline.probe_clock import Clock, goes_on, straightened

_TICK = Fraction(1, 10)


def _packet(stream: str, at: int | None, length: int = 4) -> SimpleNamespace:
    """A packet of a picture, of sound or of text; in tenths of a second."""
    track = SimpleNamespace(type=stream, index=("video", "audio", "subtitle").index(stream))
    return SimpleNamespace(stream=track, dts=at, duration=length, time_base=_TICK)


def _moved(*packets: tuple[str, int | None]) -> list[float]:
    """When each is shown, in tenths of a second; how much later, where it has no time."""
    clock = Clock()
    ones = [_packet(stream, at) for stream, at in packets]
    return [float((one.dts or 0) + clock.move(one) / _TICK) for one in ones]


def test_a_part_follows_the_one_before() -> None:
    """Backwards, or far ahead, the clock was set: nothing is missing in the file."""
    assert _moved(("video", 0), ("video", 4), ("video", 0), ("video", 4)) == [0, 4, 8, 12]
    assert _moved(("video", 0), ("video", 4), ("video", 90_000)) == [0, 4, 8]


def test_what_any_broadcast_has_is_no_new_clock() -> None:
    """Sound is packed after its picture, a second is lost, times are rounded."""
    packets = (("video", 100), ("audio", 40), ("video", 104), ("video", 190), ("video", 189))
    assert _moved(*packets) == [100, 40, 104, 190, 189]


def test_a_picture_that_stands_is_no_new_clock() -> None:
    """Slides come once in a while; meanwhile the sound goes on."""
    sounds = [("audio", at) for at in range(0, 240, 40)]
    packets = (("video", 0), *sounds, ("video", 200))
    assert _moved(*packets) == [0, *(at for _, at in sounds), 200]


def test_tracks_come_to_a_new_part_in_their_own_time() -> None:
    """The last sound of the part before arrives behind the new part's first picture."""
    before = (("video", 0), ("audio", 0), ("video", 4), ("audio", 4), ("video", 8))
    after = (("video", 0), ("audio", 8), ("video", 4), ("audio", 0), ("audio", 4))
    assert _moved(*before, *after) == [0, 0, 4, 4, 8, 12, 8, 16, 12, 16]


def test_what_has_no_time_or_no_clock_goes_with_its_part() -> None:
    """Text follows whatever is shown; sound that comes late belongs to the part it comes in."""
    packets = (("video", 0), ("video", 40), ("video", 0), ("subtitle", 2), ("video", None))
    assert _moved(*packets) == [0, 40, 44, 46, 44]
    assert _moved(("video", 0), ("video", 40), ("video", 0), ("audio", 2)) == [0, 40, 44, 46]


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Half a minute of a transport stream, and ten seconds that begin at the same time."""
    folder = tmp_path_factory.mktemp("halves")
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", *H264, "-g", "25")
    return (
        make(folder / "long.ts", *source, "-t", "30").read_bytes(),
        make(folder / "short.ts", *source, "-t", "10").read_bytes(),
    )


@pytest.mark.parametrize(
    ("parts", "is_one"), [((0,), True), ((0, 1), False), ((1, 0), False), ((0, 0), False)]
)
def test_a_large_file_is_told_by_a_few_places(
    halves: tuple[bytes, bytes], tmp_path: Path, parts: tuple[int, ...], *, is_one: bool
) -> None:
    """Wherever the short part is."""
    film = tmp_path / "film.ts"
    film.write_bytes(b"".join(halves[part] for part in parts))
    with av.open(str(film)) as container:
        assert goes_on(container, film.stat().st_size) == is_one


def test_what_cannot_be_copied_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that the copy cannot hold is the recording's fault; a missing disk is not."""
    film = make(tmp_path / "film.ts", "-f", "lavfi", "-i", "testsrc2=d=1", *H264)
    with pytest.raises(OSError, match="nowhere"):
        straightened(str(film), "mpegts", str(tmp_path / "nowhere" / "copy"))
    monkeypatch.setitem(probe_clock.COPIES, "mpegts", "ogg")
    with pytest.raises(Unreadable, match="cannot be read"):
        straightened(str(film), "mpegts", str(tmp_path / "copy"))
