"""Film: our work through the real use cases against MediaCMS and PeerTube.

Owns the order of work and the ratios. Ours is everything that is done for the item, from the probe
to its pages: chunks, sound, poster, storyboard, preview, the joined file and the checks of all of
them (`engine`); its idle pass in AV1 is a contender of its own. The peers' command lines are in
`peers`, how quality is measured in `quality`, the tables in `video_tables`.

Jobs run one after the other, each on all cores. MediaCMS would run as many at once as there are
cores and PeerTube one at a time; CPU seconds do not depend on it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import engine, floor, peers
from benchmarks.meter import Cost, metered, run, say
from benchmarks.quality import Reference, vmaf
from config import profiles
from pipeline.model import Probe, Profile
from pipeline.plan_frames import main_video
from pipeline.probe import probe

# The ladder in AV1 that is measured where the profile has none is this profile's.
AV1_PROFILE = "archive"


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
    """Everything found out in one run; the first contender is ours.

    `floor_cpu_s` is what x264 alone takes for our H.264 rungs, `chunks_cpu_s` what our steps take
    that make them. `with_av1` holds what a viewer with AV1 gets against one without.
    """

    source: str
    contenders: tuple[Contender, ...]
    ratios: tuple[Ratio, ...]
    floor_cpu_s: float
    chunks_cpu_s: float
    with_av1: Ratio


def compare(task: Task) -> Comparison:
    """Let everyone work on the same film, measure, and divide."""
    found = probe(task.source, task.folder, task.profile.limits)
    made = engine.work(task.source, task.folder / "ours", both_codecs(task.profile))
    ours, av1 = (_ours(made, codec, _reference(task, found)) for codec in ("h264", "av1"))
    theirs = _theirs(task, found)
    chunks = (cost.cpu_s for name, cost in made.costs.items() if name.startswith("film-"))
    return Comparison(
        source=task.source.name,
        contenders=(ours, av1, *theirs),
        ratios=tuple(against(ours, peer) for peer in theirs),
        floor_cpu_s=floor.cpu_s(task.ffmpeg, task.source, made.plan, task.folder),
        chunks_cpu_s=sum(chunks),
        with_av1=against(av1, ours),
    )


def both_codecs(profile: Profile) -> Profile:
    """The profile with a ladder in AV1: its own, else the archive's."""
    if any(rung.codec == "av1" for rung in profile.video.rungs):
        return profile
    lender = profiles.load(AV1_PROFILE).video
    rungs = (*profile.video.rungs, *(rung for rung in lender.rungs if rung.codec == "av1"))
    video = dataclasses.replace(profile.video, rungs=rungs, av1_preset=lender.av1_preset)
    return dataclasses.replace(profile, video=video)


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


def _ours(made: engine.Work, codec: str, reference: tuple[Reference, int]) -> Contender:
    name = "ours" if codec == "h264" else "ours, AV1"
    cost = made.cost(idle=codec == "av1")
    return _judged(name, cost, made.renditions(codec), reference)


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


def _replayed(name: str, jobs: Iterable[peers.Job]) -> tuple[Cost, dict[int, tuple[Path, int]]]:
    cost, made = Cost(), dict[int, tuple[Path, int]]()
    for job in jobs:
        with metered(f"{name}: {job.name}") as spent:
            run(job.argv)
        cost += spent
        if job.rung is not None:
            made[job.rung] = (job.out, job.out.stat().st_size)
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
    name: str, cost: Cost, made: dict[int, tuple[Path, int]], reference: tuple[Reference, int]
) -> Contender:
    source, subsample = reference
    renditions = []
    for side, (path, size) in sorted(made.items()):
        say(f"  {name}: VMAF of {side} ...")
        score = vmaf(source, path, subsample)
        renditions.append(Rendition(short_side=side, bytes=size, vmaf=score))
    return Contender(name=name, cpu_s=cost.cpu_s, wall_s=cost.wall_s, renditions=tuple(renditions))
