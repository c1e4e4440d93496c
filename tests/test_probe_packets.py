"""Going on behind what FFmpeg stumbles over, and giving up in the end."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import av.error
import pytest

from pipeline.probe_packets import TRIES, packets


class Stumbling:
    """A container that hands out these packets, by their sizes, and raises these errors."""

    def __init__(self, *course: int | Exception) -> None:
        self.course = iter(course)

    def demux(self, *_streams: object) -> Iterator[SimpleNamespace]:
        """As PyAV does: an error is the end of this generator."""
        for step in self.course:
            if isinstance(step, Exception):
                raise step
            yield SimpleNamespace(size=step)


BROKEN = av.error.InvalidDataError(1, "broken")


def sizes(container: Stumbling) -> list[int]:
    """The packets that come, by their sizes."""
    return [packet.size for packet in packets(container)]


def test_damage_and_new_streams_are_passed_over() -> None:
    """Each stumbling is told once, but for streams that turn up on the way."""
    told: list[str] = []
    course = Stumbling(1, BROKEN, 2, IndexError(), 3, BROKEN, BROKEN, 4)
    found = [packet.size for packet in packets(course, stumbled=lambda: told.append("!"))]
    assert found == [1, 2, 3, 4]
    assert len(told) == 3


def test_what_stumbles_for_ever_is_given_up() -> None:
    """And what was read until then is there."""
    course = Stumbling(1, *[BROKEN] * (TRIES + 5), 2)
    with pytest.raises(av.error.FFmpegError):
        sizes(course)
    assert sizes(Stumbling(1, *[BROKEN] * (TRIES - 1), 2)) == [1, 2]
