"""The tables of `video`: what each contender costs and gives, and ours as a share of it.

Owns their layout; the figures and what they mean are in `video`.
"""

from __future__ import annotations

from benchmarks.table import Table
from benchmarks.video import Comparison


def tables(found: Comparison) -> tuple[Table, ...]:
    """The figures of every contender, ours against each peer, and against x264 alone."""
    return (_costs(found), _renditions(found), _rung_ratios(found), _floor(found), _av1(found))


def _costs(found: Comparison) -> Table:
    ratios = {ratio.peer: ratio for ratio in found.ratios}
    rows = []
    for each in found.contenders:
        ratio = ratios.get(each.name)
        shares = (ratio.cpu, ratio.wall) if ratio else (None, None)
        rows.append((each.name, each.cpu_s, each.wall_s, *shares))
    return Table(
        title=f"Film: {found.source}",
        head=("", "CPU s", "wall s", "CPU ours/theirs", "wall ours/theirs"),
        rows=tuple(rows),
    )


def _renditions(found: Comparison) -> Table:
    rows = tuple(
        (each.name, made.short_side, made.bytes / 1e6, made.vmaf)
        for each in found.contenders
        for made in each.renditions
    )
    return Table(title="Renditions", head=("", "rung", "MB", "VMAF"), rows=rows)


def _rung_ratios(found: Comparison) -> Table:
    rows = tuple(
        (ratio.peer, rung.short_side, rung.peer_short_side, rung.bytes, f"{rung.vmaf:+.2f}")
        for ratio in found.ratios
        for rung in ratio.rungs
    )
    return Table(
        title="Rung by rung, ours against the peer's nearest",
        head=("", "ours", "theirs", "bytes ours/theirs", "VMAF ours-theirs"),
        rows=rows,
        remark="Bytes include the sound. VMAF v0.6.1 at the source's size, scaled up bicubically.",
    )


def _floor(found: Comparison) -> Table:
    share = found.floor_cpu_s / found.chunks_cpu_s if found.chunks_cpu_s else None
    return Table(
        title="x264 alone, on frames that are decoded and scaled already",
        head=("", "CPU s", "alone/ours"),
        rows=(
            ("x264 alone", found.floor_cpu_s, None),
            ("our chunks in H.264", found.chunks_cpu_s, share),
        ),
    )


def _av1(found: Comparison) -> Table:
    """Of a rung without a counterpart in the other codec, there is nothing to compare."""
    rows = tuple(
        (str(rung.short_side), rung.bytes, f"{rung.vmaf:+.2f}") for rung in found.with_av1.rungs
    )
    return Table(
        title="A viewer with AV1 against one without",
        head=("rung", "bytes AV1/H.264", "VMAF AV1-H.264"),
        rows=rows,
        remark=f"The pass in AV1 takes {found.with_av1.cpu:.2f} times the CPU of all else.",
    )
