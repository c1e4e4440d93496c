"""Storyboards: how many thumbnails, in which sprites, and the map from time to place."""

from __future__ import annotations

import itertools
import re

import pytest

from pipeline import storyboard
from pipeline.model import StoryboardOut


def out(every_ms: int = 4000, columns: int = 2, rows: int = 2) -> StoryboardOut:
    return StoryboardOut(
        role="storyboard",
        file="storyboard.vtt",
        rung=240,
        width=160,
        height=90,
        columns=columns,
        rows=rows,
        every_ms=every_ms,
    )


def milliseconds(stamp: str) -> int:
    hours, minutes, seconds, ms = map(int, re.split(r"[:.]", stamp))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def cues(text: str) -> list[tuple[int, int, str]]:
    """Begin, end and payload of each cue."""
    found = re.findall(r"^(\S+) --> (\S+)\n(\S+)$", text, re.MULTILINE)
    return [(milliseconds(begin), milliseconds(end), payload) for begin, end, payload in found]


def test_the_map_reads_as_players_expect_it() -> None:
    """WebVTT of media fragments; the fifth thumbnail begins the second sprite."""
    assert storyboard.webvtt(out(), 17_500) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:04.000\nsprite-1.jpg#xywh=0,0,160,90\n\n"
        "00:00:04.000 --> 00:00:08.000\nsprite-1.jpg#xywh=160,0,160,90\n\n"
        "00:00:08.000 --> 00:00:12.000\nsprite-1.jpg#xywh=0,90,160,90\n\n"
        "00:00:12.000 --> 00:00:16.000\nsprite-1.jpg#xywh=160,90,160,90\n\n"
        "00:00:16.000 --> 00:00:17.500\nsprite-2.jpg#xywh=0,0,160,90\n"
    )


@pytest.mark.parametrize("duration_ms", [1, 50, 4000, 4050, 4200, 65_432, 3_600_000, 40_000_123])
def test_cues_leave_no_gap_and_end_with_the_film(duration_ms: int) -> None:
    """Every moment of a film of any length has exactly one picture."""
    found = cues(storyboard.webvtt(out(), duration_ms))
    assert found[0][0] == 0
    assert found[-1][1] == duration_ms
    assert all(begin < end for begin, end, _ in found)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    assert len(found) == storyboard.count(out(), duration_ms)


def test_every_cue_points_into_a_sprite_that_is_named() -> None:
    """No place is used twice, none lies outside, and no sprite is made for nothing."""
    shape = out(every_ms=36_000, columns=5, rows=5)
    payloads = [payload for _, _, payload in cues(storyboard.webvtt(shape, 3_600_000))]
    assert len(set(payloads)) == len(payloads) == 100
    names = [payload.partition("#")[0] for payload in payloads]
    assert tuple(dict.fromkeys(names)) == storyboard.sprites(shape, 3_600_000)
    for payload in payloads:
        left, top, width, height = map(int, payload.partition("xywh=")[2].split(","))
        assert left + width <= 5 * 160
        assert top + height <= 5 * 90


def test_a_rest_nobody_can_point_at_gets_no_thumbnail() -> None:
    """A film a few frames longer than its last whole slot ends with that slot's picture."""
    assert storyboard.count(out(), 8000) == storyboard.count(out(), 8090) == 2
    assert storyboard.count(out(), 8200) == 3
