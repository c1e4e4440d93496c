"""Developing photos, one or many, each in the scratch folder of its step.

Owns the orders for the confined child that decodes them, and turning what it measured into
artifacts. Refuses to open a picture itself: that is `images`, which runs in the child alone. Many
small photos share one child, whose start costs as much as one of them; `render` makes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import graph_stills
from pipeline.errors import NewsreelError, ToolBug
from pipeline.facts import Facts
from pipeline.model import Limits, LoopOut, PhotoOut, Step, adapter
from pipeline.process import Command, call, call_each
from pipeline.shop import (
    Made,
    Report,
    Shop,
    artifact,
    encode,
    facts_of,
    image_artifact,
    python_child,
)

_DEVELOP, _UNROLL = "pipeline.images:develop", "pipeline.images_moving:unroll"
# Two ticks of a film's clock, and what a check by its packets rounds.
_LATE_MS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One photo to be developed: its step, where it lies, and the folder for what is made."""

    step: Step
    source: Path
    folder: Path


def develop(step: Step, shop: Shop) -> Made:
    """Develop one photo; raises what the child raised (see `images.develop`)."""
    job = Job(step=step, source=shop.source, folder=shop.folder)
    return _made(job, call(_DEVELOP, _arguments(job, shop.limits), python_child(step, shop)))


def develop_many(jobs: Sequence[Job], shop: Shop) -> list[Made | NewsreelError]:
    """Develop photos one after the other in one child: what was made, or what is wrong, of each.

    All folders of the jobs lie in `shop.folder`. A photo that breaks the child costs the others
    nothing (see `process.call_each`). Raises Transient alone, and then nothing is answered.
    """
    if not jobs:
        return []
    answers = call_each(
        _DEVELOP, [_arguments(job, shop.limits) for job in jobs], _child(jobs, shop)
    )
    return [
        answer if isinstance(answer, NewsreelError) else _made(job, answer)
        for job, answer in zip(jobs, answers, strict=True)
    ]


def make_loop(step: Step, shop: Shop, report: Report) -> Made:
    """A picture that moves as a short silent film."""
    out = next(out for out in step.outputs if isinstance(out, LoopOut))
    order = {
        "path": str(shop.source),
        "out": adapter(LoopOut).dump_python(out, mode="json"),
        "folder": str(shop.folder),
        "facts": {"max_pixels": shop.limits.max_photo_pixels},
    }
    seen = call(_UNROLL, order, python_child(step, shop))
    frames = shop.folder / "frames.png"
    encode(graph_stills.loop(out, frames, shop.bench), step, shop, report)
    frames.unlink()
    found = facts_of(shop.folder / out.file, shop, step)
    _check_loop(step, out, seen, found)
    return Made(
        artifacts=(artifact(out.role, shop.folder / out.file, found, {}),),
        notes=tuple(seen["notes"]),
    )


def _check_loop(step: Step, out: LoopOut, seen: dict[str, Any], found: Facts) -> None:
    """Every image is in it, and it lasts as long; a wrong one is not published."""
    asked = (out.width, out.height, seen["frames"])
    late = abs((found.duration_ms or 0) - seen["duration_ms"])
    if (found.width, found.height, found.frames) != asked or late > _LATE_MS:
        raise ToolBug(
            f"{step.source.name}: its motion came out wrong and was not published.",
            evidence=f"{found}, asked for {asked} and {seen['duration_ms']} ms",
        )


def _child(jobs: Sequence[Job], shop: Shop) -> Command:
    seconds = sum(job.step.timeout_s for job in jobs)
    return replace(shop.command((), seconds), reads=tuple(job.source for job in jobs))


def _arguments(job: Job, limits: Limits) -> dict[str, Any]:
    return {
        "path": str(job.source),
        "outputs": [adapter(PhotoOut).dump_python(out, mode="json") for out in _outs(job.step)],
        "folder": str(job.folder),
        "facts": {"max_pixels": limits.max_photo_pixels},
    }


def _outs(step: Step) -> list[PhotoOut]:
    return [out for out in step.outputs if isinstance(out, PhotoOut)]


def _made(job: Job, answer: dict[str, Any]) -> Made:
    extra = {"colour": answer["colour"]}
    first, *others = (
        image_artifact(out.role, job.folder / out.file, found, extra)
        for out, found in zip(_outs(job.step), answer["outputs"], strict=True)
    )
    # Once is enough to know a picture again; its manifest has a dozen outputs.
    first = replace(first, extra=extra | {"pixels": answer["pixels"]})
    return Made(artifacts=(first, *others), notes=tuple(answer["notes"]))
