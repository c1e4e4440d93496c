"""Woven or whole: decided from pictures, whatever the header says."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import av.error
import pytest
from reels import H264, make
from values import DEFAULT

from pipeline import probe, probe_moments
from pipeline.model import Limits, Probe, adapter
from pipeline.probe_fields import Fields, fields
from pipeline.probe_streams import MS, Seen
from pipeline.probe_time import Timeline

MOVING = "testsrc2=s=720x576:r=50:d=2"
FLAGS = ("-flags", "+ilme+ildct", "-x264-params", "tff=1")


def _examined(path: Path) -> Probe:
    return probe.examine(str(path), adapter(Limits).dump_python(DEFAULT.limits, mode="json"))


@pytest.mark.parametrize("codec", [(*H264, *FLAGS), H264])
@pytest.mark.parametrize(("first", "order"), [("top", "tff"), ("bottom", "bff")])
def test_woven_pictures_are_found_with_and_without_a_header(
    tmp_path: Path, codec: tuple[str, ...], first: str, order: str
) -> None:
    """Two moments in one picture count, and so does which of them was first."""
    weave = f"tinterlace=interleave_{first},setfield=prog"
    film = make(tmp_path / "f.mp4", "-f", "lavfi", "-i", MOVING, "-vf", weave, *codec)
    (found,) = _examined(film).video
    assert (found.interlaced, found.field_order) == (True, order)
    assert found.frame_rate == 25
    assert not found.web_ready


def test_whole_pictures_are_whole_whatever_the_header_says(tmp_path: Path) -> None:
    """Broadcasters and camcorders put progressive film into streams of fields."""
    source = ("-f", "lavfi", "-i", MOVING.replace("50", "25"), "-vf", "setfield=tff")
    (found,) = _examined(make(tmp_path / "f.mp4", *source, *H264, *FLAGS)).video
    assert (found.interlaced, found.field_order) == (False, "")


def test_film_stretched_to_television_is_woven(tmp_path: Path) -> None:
    """Two of five pictures of a telecined film are combed: it has to be deinterlaced."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=720x480:r=24000/1001:d=3", "-vf", "telecine")
    (found,) = _examined(make(tmp_path / "f.mp4", *source, *H264, "-g", "15")).video
    assert found.interlaced


def test_a_scene_that_stands_still_leaves_it_to_the_header(tmp_path: Path) -> None:
    """Nothing combs where nothing moves, so the header's word stands."""
    still = ("-f", "lavfi", "-i", "smptebars=s=720x576:r=25:d=1", "-vf", "setfield=tff")
    said = _examined(make(tmp_path / "said.mp4", *still, *H264, *FLAGS)).video[0]
    silent = _examined(make(tmp_path / "silent.mp4", *still[:4], *H264)).video[0]
    assert (said.interlaced, silent.interlaced) == (True, False)


def test_where_nothing_was_seen_the_header_decides() -> None:
    """A film that could not be sampled is taken at its word."""
    for header in (Fields(interlaced=True, order="bff"), Fields(interlaced=False)):
        assert fields([], header, Fraction(25)) == header


def test_a_moment_that_cannot_be_read_is_left() -> None:
    """A film with damage on the way to a key frame is not refused for it."""

    def damaged(stream: Any) -> Iterator[Any]:
        yield SimpleNamespace(size=1, pts=0, dts=0, time_base=MS, is_keyframe=False, stream=stream)
        raise av.error.InvalidDataError(1, "damaged")

    container = SimpleNamespace(seek=lambda _: None, demux=damaged, format=SimpleNamespace(flags=0))
    seen = Seen(stream=None, times=Timeline(MS), frames=[av.VideoFrame(720, 576, "yuv420p")])
    seen.times.add(0, 40, 1)
    probe_moments.look(container, seen, Fraction(0), Fraction(1))
    assert not seen.moments
    assert len(seen.landings) == 5
