"""Film: our ladder through the real pipeline against MediaCMS and PeerTube.

Owns the order of work and the ratios. Ours is everything the pipeline does for the item: the
ladder, the loudness measurement before it, the poster, and the checks of every output. The peers'
command lines are in `peers`, how quality is measured in `quality`.

Jobs run one after the other, each on all cores. MediaCMS would run as many at once as there are
cores and PeerTube one at a time; CPU seconds do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers
from benchmarks.meter import Cost, metered, run, say
from benchmarks.quality import Reference, vmaf
from benchmarks.table import Table
from pipeline.model import Drop, Kind, Probe, Profile, Source, VideoOut
from pipeline.plan import Order, main_video, plan
from pipeline.probe import probe
from pipeline.render import Shop, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One comparison: the source, where to work, by which profile and encoder."""

    source: Path
    folder: Path
    profile: Profile
    ffmpeg: Path
    subsample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A rung by its short side; bytes with sound; `vmaf` at the source's size."""

    short_side: int
    bytes: int
    vmaf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One system's whole work on the film."""

    name: str
    cpu_s: float
    wall_s: float
    renditions: tuple[Rendition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RungRatio:
    """Our rung against the peer's nearest one: bytes ours / theirs, VMAF ours - theirs."""

    short_side: int
    peer_short_side: int
    bytes: float
    vmaf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Ours / theirs."""

    peer: str
    cpu: float
    wall: float
    rungs: tuple[RungRatio, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything found out in one run; the first contender is ours."""

    source: str
    contenders: tuple[Contender, ...]
    ratios: tuple[Ratio, ...]


def compare(task: Task) -> Comparison:
    """Let everyone work on the same film, measure, and divide."""
    found = probe(task.source, task.folder, task.profile.limits)
    contenders = (_ours(task, found), *_theirs(task, found))
    ratios = tuple(against(contenders[0], peer) for peer in contenders[1:])
    return Comparison(source=task.source.name, contenders=contenders, ratios=ratios)


def against(ours: Contender, peer: Contender) -> Ratio:
    """What we cost and give as a share of the peer's; rungs far from all of its are left out."""
    pairs = [(rung, _nearest(rung, peer.renditions)) for rung in ours.renditions]
    return Ratio(
        peer=peer.name,
        cpu=ours.cpu_s / peer.cpu_s,
        wall=ours.wall_s / peer.wall_s,
        rungs=tuple(
            RungRatio(
                short_side=rung.short_side,
                peer_short_side=near.short_side,
                bytes=rung.bytes / near.bytes,
                vmaf=rung.vmaf - near.vmaf,
            )
            for rung, near in pairs
            if near is not None
        ),
    )


# A peer's rung further away than this is another size, and comparing with it would say nothing.
_NEAR = 1.25


def _nearest(rung: Rendition, others: tuple[Rendition, ...]) -> Rendition | None:
    def distance(other: Rendition) -> float:
        sides = sorted((rung.short_side, other.short_side))
        return sides[1] / sides[0]

    near = min(others, key=distance, default=None)
    return near if near is not None and distance(near) <= _NEAR else None


# --- doing the work ---------------------------------------------------------------------------


def _ours(task: Task, found: Probe) -> Contender:
    folder = task.folder / "ours"
    cost, made = Cost(), dict[int, Path]()
    for step in plan(_order(task, found)).steps:
        place = folder / step.name
        place.mkdir(parents=True)
        limits = task.profile.limits
        shop = Shop(ffmpeg=task.ffmpeg, source=task.source, folder=place, limits=limits)
        with metered(f"ours: {step.name}") as spent:
            perform(step, "bench", shop, lambda _: None)
        cost += spent
        rungs = [out for out in step.outputs if isinstance(out, VideoOut)]
        made |= {min(out.width, out.height): place / out.file for out in rungs}
    return _judged("ours", cost, made, _reference(task, found))


def _order(task: Task, found: Probe) -> Order:
    size = task.source.stat().st_size
    media = Source(key=task.source.name, name=task.source.name, bytes=size, identity="bench")
    drop = Drop(post="bench", item="film", kind=Kind.VIDEO, media=media)
    return Order(drop=drop, probe=found, profile=task.profile, tool="bench")


def _theirs(task: Task, found: Probe) -> tuple[Contender, ...]:
    film = _film(task, found)
    reference = _reference(task, found)
    mediacms = _judged("MediaCMS", *_replayed("MediaCMS", peers.mediacms(film)), reference)
    cost, made = _replayed("PeerTube", peers.peertube_default(film))
    more, lower = _replayed("PeerTube", peers.peertube_lower(film))
    default = _judged("PeerTube, one rung", cost, made, reference)
    low = _judged("PeerTube, ladder", cost + more, lower, reference)
    ladder = Contender(
        name=low.name,
        cpu_s=low.cpu_s,
        wall_s=low.wall_s,
        renditions=(*low.renditions, *default.renditions),
    )
    return mediacms, default, ladder


def _film(task: Task, found: Probe) -> peers.Film:
    return peers.Film(
        ffmpeg=task.ffmpeg,
        path=task.source,
        folder=task.folder,
        stream=main_video(found),
        seconds=max(1, found.duration_ms or 0) / 1000,
    )


def _replayed(name: str, jobs: Iterable[peers.Job]) -> tuple[Cost, dict[int, Path]]:
    cost, made = Cost(), dict[int, Path]()
    for job in jobs:
        with metered(f"{name}: {job.name}") as spent:
            run(job.argv)
        cost += spent
        if job.rung is not None:
            made[job.rung] = job.out
    return cost, made


def _reference(task: Task, found: Probe) -> tuple[Reference, int]:
    stream = main_video(found)
    reference = Reference(
        ffmpeg=task.ffmpeg,
        path=task.source,
        width=stream.width,
        height=stream.height,
        frame_rate=stream.frame_rate,
    )
    return reference, task.subsample


def _judged(
    name: str, cost: Cost, made: dict[int, Path], reference: tuple[Reference, int]
) -> Contender:
    source, subsample = reference
    renditions = []
    for side, path in sorted(made.items()):
        say(f"  {name}: VMAF of {side} ...")
        score = vmaf(source, path, subsample)
        renditions.append(Rendition(short_side=side, bytes=path.stat().st_size, vmaf=score))
    return Contender(name=name, cpu_s=cost.cpu_s, wall_s=cost.wall_s, renditions=tuple(renditions))


# --- showing it -------------------------------------------------------------------------------


def tables(found: Comparison) -> tuple[Table, ...]:
    """The figures of every contender, and ours against each peer."""
    return (_costs(found), _renditions(found), _rung_ratios(found))


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
