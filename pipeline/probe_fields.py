"""Whether pictures are woven of two moments: asked of the pictures, not of the header.

Owns the measure of combing and the verdict over a film's sampled pictures. Refuses to decode:
`probe_moments` brings frames. Headers lie both ways: progressive film sits in interlaced streams
of every broadcaster and camcorder, and combed film is re-encoded by editors who forget to say so.

The measure weaves two neighbouring frames anew, the top lines of one with the bottom lines of the
other, both ways round. Each weave is combed by what moves between its two halves. Of progressive
film both are combed alike and the frame itself is not; of interlaced film the frame is combed like
the weave of neighbouring fields, and the other weave, three fields apart, is worse. Detail, noise
and the size of the motion cancel out: the share of the way from
uncombed to worst is 0 for the first and 1 for the second. Of forty films from cameras, all
progressive, no pair came above 0.3; woven from the same, the usual pair has 0.7 to 1.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import av.error
from av.filter import Graph

Order = Literal["", "tff", "bff"]

_WOVEN = 0.6  # of the way from uncombed to worst: see above
_FASTEST = 31  # frames per second; two fields each, that is what television has
_LOWEST = 400  # lines; combs do not survive scaling, so small film that has some never was woven
_MOVES = 0.03  # motion must add so much to what combs: a still scene tells nothing
_LEVEL = 0.1  # and so much of one of 255 levels to every point: less is the encoder's own unrest
_FEW = 3  # so many combed pairs or fewer prove nothing against a header
_SHARE_AGAINST = 5  # one combed pair in five overrules a header that says progressive
_SHARE_WITH = 20  # one in twenty bears out a header that says interlaced
_COLUMNS = 160  # every line is looked at, but only so many points of it
# The second difference down a column: what combing has and smooth pictures have not.
_COMBS = ("convolution", "0 -1 0 0 2 0 0 -1 0")
_TOP_BOTTOM = (("setfield", "bff"), ("separatefields", ""), ("select", "n"), ("weave", "top"))
_BOTTOM_TOP = (("setfield", "tff"), ("separatefields", ""), ("select", "n"), ("weave", "bottom"))


@dataclass(frozen=True, slots=True)
class Fields:
    """Whether pictures have to be deinterlaced, and which field was shot first, where known."""

    interlaced: bool
    order: Order = ""


def fields(groups: Sequence[Sequence[Any]], header: Fields, rate: Fraction) -> Fields:
    """The verdict over groups of neighbouring frames; `header` holds what the file says.

    Film of both kinds, and film stretched to television by doubled fields, counts as interlaced:
    whole frames pass a deinterlacer almost unharmed, combed ones are ugly for good.
    """
    if not header.interlaced and not _may_be_woven(groups, rate):
        return header
    votes = Counter(vote for group in groups for vote in _votes(group))
    combed = votes["tff"] + votes["bff"]
    if not votes:
        return header
    if not _is_woven(combed, votes.total(), header):
        return Fields(interlaced=False)
    order: Order = "tff" if votes["tff"] >= votes["bff"] else "bff"
    return Fields(interlaced=True, order=order)


def _may_be_woven(groups: Sequence[Sequence[Any]], rate: Fraction) -> bool:
    return rate <= _FASTEST and bool(groups) and groups[0][0].height >= _LOWEST


def _is_woven(combed: int, pairs: int, header: Fields) -> bool:
    if header.interlaced:
        return combed * _SHARE_WITH >= pairs
    return combed > _FEW and combed * _SHARE_AGAINST >= pairs


def _votes(frames: Sequence[Any]) -> Iterator[str]:
    """One vote for each pair of neighbours between which something moves."""
    try:
        whole, top_bottom, bottom_top = _combing(frames)
    except av.error.FFmpegError:
        return  # pictures no filter takes: then the header stands
    unrest = _LEVEL * _COLUMNS * frames[0].height
    for pair, one, other in zip(pairwise(whole), top_bottom, bottom_top, strict=False):
        plain = sum(pair) / 2
        worst, better = max(one, other), min(one, other)
        if worst - plain > max(_MOVES * plain, unrest):
            order = "bff" if one < other else "tff"
            yield order if worst - better > _WOVEN * (worst - plain) else "whole"


def _combing(frames: Sequence[Any]) -> list[list[int]]:
    """How much is combed in every frame, and in every weave of two neighbours, both ways round.

    Raises FFmpegError where the frames are of a kind that cannot be filtered.
    """
    first, graph = frames[0], Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=first.time_base
    )
    narrow = graph.add("scale", f"{_COLUMNS}:ih:flags=neighbor")
    grey, copies = graph.add("format", "gray"), graph.add("split", "3")
    for one, next_ in pairwise((source, narrow, grey, copies)):
        one.link_to(next_)
    chains: tuple[tuple[tuple[str, str], ...], ...] = ((), _TOP_BOTTOM, _BOTTOM_TOP)
    sinks = [_chained(graph, copies, pad, chain) for pad, chain in enumerate(chains)]
    graph.configure()
    for frame in (*frames, None):
        source.push(frame)
    return [[sum(bytes(frame.planes[0])) for frame in _pulled(sink)] for sink in sinks]


def _chained(graph: Graph, last: Any, pad: int, chain: tuple[tuple[str, str], ...]) -> Any:
    for name, arguments in (*chain, _COMBS, ("buffersink", "")):
        made = graph.add(name, arguments or None)
        last.link_to(made, pad, 0)
        last, pad = made, 0
    return last


def _pulled(sink: Any) -> Iterator[Any]:
    while True:
        try:
            yield sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
