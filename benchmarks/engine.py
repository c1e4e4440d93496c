"""Our own work on one film: the real use cases on plain folders, each step measured by itself.

Owns a house of folders that is thrown away, and the order of its bells: most urgent first, one at
a time, so that the cost of each step is its own. Refuses to judge what was made: see `video`.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meter import Cost, metered
from config.house import build, folder_rooms
from config.settings import load
from newsreel.local import Rope
from pipeline import flow, render_film, todo
from pipeline.house import House
from pipeline.model import Artifact, Plan, Profile, Reel
from pipeline.order import IDLE
from pipeline.publish import publish
from pipeline.records import ItemRecords
from pipeline.scan import scan
from pipeline.todo import Bell

POST = "bench"
# Work that is no step of a plan.
PROBE, PAGES = "probe", "pages"
_NAP_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What became of a film: the cost of each step by its name, and where everything lies."""

    costs: dict[str, Cost]
    plan: Plan
    artifacts: tuple[Artifact, ...]
    published: Path

    def cost(self, *, idle: bool) -> Cost:
        """Of everything in the idle pass, or of everything else."""
        resting = {step.name for step in self.plan.steps if step.priority >= IDLE}
        parts = (cost for name, cost in self.costs.items() if (name in resting) == idle)
        return sum(parts, Cost())

    def renditions(self, codec: str) -> dict[int, tuple[Path, int]]:
        """By short side: a rung's pictures in one file, and its bytes with those of the sound.

        One file, because FFmpeg shifts each segment of a playlist by its own reordering of frames:
        a chunk without B-frames among others would be held against the wrong frames.
        """
        sound = sum(made.bytes for made in self.artifacts if made.role == "sound-track")
        found: dict[int, list[Reel]] = {}
        for made in self.artifacts:
            if isinstance(made, Reel) and made.role == "chunk" and _codec(made) == codec:
                found.setdefault(int(made.extra["rung"]), []).append(made)
        return {
            side: (self._laid(f"{codec}-{side}.mp4", reels), sum(r.bytes for r in reels) + sound)
            for side, reels in found.items()
        }

    def _laid(self, name: str, reels: list[Reel]) -> Path:
        ordered = sorted(reels, key=lambda reel: reel.inside.segments[0].start)
        pieces = [(reel, self.published / reel.key) for reel in ordered]
        return render_film.lay(pieces, self.published / name, self.plan.steps[0])


def _codec(reel: Reel) -> str:
    return "av1" if reel.inside.codec.startswith("av01") else "h264"


def work(source: Path, folder: Path, profile: Profile) -> Work:
    """Do everything that is done for a film. Raises what its steps raise."""
    ingest = folder / "ingest" / POST
    ingest.mkdir(parents=True)
    shutil.copy(source, ingest / source.name)
    rope, costs = Rope(), dict[str, Cost]()
    house = _house(folder, profile, rope)
    post = house.records.claim_post(POST)
    scan(house, only=POST, deep=True)
    while not todo.is_over(_records(house, post)):
        bell = rope.take()
        if bell is None:
            time.sleep(_NAP_S)
            scan(house, only=POST)
            continue
        name = bell.step or (PROBE if bell.task == "ingest" else PAGES)
        with metered(f"ours: {name}") as cost:
            _answer(house, bell)
        costs[name] = costs.get(name, Cost()) + cost
    publish(house, post)
    return _work(house, post, costs, folder)


def _house(folder: Path, profile: Profile, rope: Rope) -> House:
    settings = load().model_copy(update={"scratch": folder / "scratch"})
    rooms = folder_rooms(folder / "ingest", folder / "state", folder / "published")
    house = build(settings, rooms, rope.ring)
    return dataclasses.replace(
        house, profiles={profile.name: profile}, default_profile=profile.name
    )


def _records(house: House, post: str) -> ItemRecords:
    (records,) = house.items(house.records.post(post)).values()
    return records


def _answer(house: House, bell: Bell) -> None:
    if bell.task == "publish":
        publish(house, bell.post)
    elif bell.task == "ingest":
        flow.ingest(house, bell.post, bell.item)
    else:
        flow.make(house, bell.post, bell.item, bell.step, report=lambda _: None)


def _work(house: House, post: str, costs: dict[str, Cost], folder: Path) -> Work:
    records = _records(house, post)
    if records.plan is None:
        raise ValueError("the film was not planned")  # then its probe has raised
    return Work(
        costs=costs,
        plan=records.plan,
        artifacts=tuple(made for done in records.done.values() for made in done.artifacts),
        published=folder / "published",
    )
