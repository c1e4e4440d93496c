"""Steps of real films, made in scratch folders without a house: what the makers are tried on."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import media
from homes import QUICK, quiet
from values import TOOL, drop, source

from pipeline import render
from pipeline.model import Artifact, ItemInfo, Plan, Profile, Sidecar, Step, StepRecord
from pipeline.plan import Order, plan
from pipeline.probe import probe
from pipeline.shop import Report, Shop


@functools.cache
def planned(path: Path, *sidecars: Sidecar, profile: Profile | None = None, clip: str = "") -> Plan:
    """The plan of a real file, by a real probe."""
    scratch = media.folder("probes")
    scratch.mkdir(exist_ok=True)
    wanted = profile or QUICK
    found = probe(path, scratch, wanted.limits)
    media_ = source(path.name, "")
    dropped = drop(path.name, media=media_, sidecars=sidecars, info=ItemInfo(clip=clip))
    return plan(Order(drop=dropped, probe=found, profile=wanted, tool=TOOL))


def step(path: Path, name: str) -> Step:
    """One step of that plan."""
    (found,) = (s for s in planned(path).steps if s.name == name)
    return found


def shop(path: Path, folder: Path) -> Shop:
    """A shop for a file."""
    folder.mkdir(exist_ok=True, parents=True)
    return Shop(ffmpeg=media.FFMPEG, source=path, folder=folder, limits=QUICK.limits)


@dataclass(kw_only=True)
class Works:
    """A film's steps, each made in a folder of its own when it is first asked for."""

    path: Path
    folder: Path
    plan: Plan
    made: dict[str, StepRecord] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """One step of the plan."""
        (found,) = (s for s in self.plan.steps if s.name == name)
        return found

    def make(self, name: str, report: Report = quiet) -> StepRecord:
        """Make a step, and before it what it needs."""
        if name not in self.made:
            wanted = self.step(name)
            self.made[name] = render.perform(wanted, f"p/{name}", self.shop(name), report)
        return self.made[name]

    def shop(self, name: str) -> Shop:
        """The bench of a step, with what it needs made."""
        inputs = [(made, self.file(made)) for made in self.needed(name)]
        return Shop(
            ffmpeg=media.FFMPEG,
            source=self.path,
            folder=self._place(name),
            limits=QUICK.limits,
            inputs=tuple(inputs),
        )

    def needed(self, name: str) -> list[Artifact]:
        """What the steps before it have made."""
        return [made for other in self.step(name).needs for made in self.make(other).artifacts]

    def file(self, made: Artifact) -> Path:
        """Where an output lies."""
        return self.folder / made.key.removeprefix("p/")

    def _place(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir(exist_ok=True, parents=True)
        return place
