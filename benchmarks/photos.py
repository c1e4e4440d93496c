"""Photos: our widths in JPEG and AVIF against Pillow's plain loop and, where there is one, sharp.

Owns the comparison of one photo at one list of widths. Each contender works in a process of its
own, whose start is part of its figures. The same quality numbers go to all of them; what they make
of these differs, so bytes and SSIM are shown beside the seconds. Pillow's loop is in
`pillow_loop.py`, sharp's in `sharp_loop.cjs`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meter import metered, run
from benchmarks.quality import Reference, ssim
from benchmarks.table import Table
from pipeline.model import PhotoOut, Profile, adapter
from pipeline.plan_photo import photo_widths
from pipeline.probe import probe
from pipeline.process import call
from pipeline.render import Shop

_HERE = Path(__file__).parent
FORMATS = {"jpeg": ("jpg",), "avif": ("avif",), "both": ("jpg", "avif")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One comparison; `sharp` is a folder whose node_modules hold the package, or None."""

    source: Path
    folder: Path
    profile: Profile
    ffmpeg: Path
    sharp: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Developed:
    """What one contender made in one format: all widths' bytes, their mean SSIM."""

    name: str
    format: str
    cpu_s: float
    wall_s: float
    bytes: int
    ssim: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything found out in one run; ours comes first in each format."""

    source: str
    widths: tuple[int, ...]
    developed: tuple[Developed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What everybody is asked for."""

    task: Task
    outs: tuple[PhotoOut, ...]
    reference: Reference

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(sorted({out.width for out in self.outs}))

    def of(self, suffixes: tuple[str, ...]) -> tuple[PhotoOut, ...]:
        return tuple(out for out in self.outs if out.file.endswith(suffixes))


Maker = Callable[[_Wanted, tuple[str, ...], Path], None]


def compare(task: Task) -> Comparison:
    """Develop one photo by everybody, in each format alone and in both at once."""
    wanted = _wanted(task)
    developed = tuple(
        _developed(wanted, name, made) for made in FORMATS for name, _ in _makers(task)
    )
    return Comparison(source=task.source.name, widths=wanted.widths, developed=developed)


def _wanted(task: Task) -> _Wanted:
    picture = probe(task.source, task.folder, task.profile.limits).picture
    if picture is None:
        raise ValueError(f"{task.source.name} is no photo")
    photo = task.profile.photo
    sizes = [
        (width, round(picture.height * width / picture.width))
        for width in photo_widths(picture.width, photo.widths)
    ]
    outs = tuple(
        PhotoOut(
            role="photo",
            file=f"{width}.{'jpg' if kind == 'jpeg' else kind}",
            width=width,
            height=height,
            format=kind,
            quality=photo.jpeg_quality if kind == "jpeg" else photo.avif_quality,
            speed=photo.avif_speed,
        )
        for kind in ("jpeg", "avif")
        for width, height in sizes
    )
    reference = Reference(
        ffmpeg=task.ffmpeg, path=task.source, width=picture.width, height=picture.height
    )
    return _Wanted(task=task, outs=outs, reference=reference)


def _makers(task: Task) -> Iterator[tuple[str, Maker]]:
    yield "ours", _ours
    yield "Pillow", _pillow
    if task.sharp is not None:
        yield "sharp", _sharp


def _developed(wanted: _Wanted, name: str, made: str) -> Developed:
    folder = wanted.task.folder / f"{name}-{made}"
    folder.mkdir()
    maker = dict(_makers(wanted.task))[name]
    with metered(f"{name}: {made}") as cost:
        maker(wanted, FORMATS[made], folder)
    outs = wanted.of(FORMATS[made])
    scores = [ssim(wanted.reference, folder / o.file, o.width, o.height) for o in outs]
    return Developed(
        name=name,
        format=made,
        cpu_s=cost.cpu_s,
        wall_s=cost.wall_s,
        bytes=sum((folder / out.file).stat().st_size for out in outs),
        ssim=sum(scores) / len(scores),
    )


# --- the contenders ---------------------------------------------------------------------------


def _ours(wanted: _Wanted, suffixes: tuple[str, ...], folder: Path) -> None:
    task = wanted.task
    limits = task.profile.limits
    shop = Shop(ffmpeg=task.ffmpeg, source=task.source, folder=folder, limits=limits)
    outs = [adapter(PhotoOut).dump_python(out, mode="json") for out in wanted.of(suffixes)]
    arguments = {"path": str(task.source), "outputs": outs, "folder": str(folder)}
    facts = {"facts": {"max_pixels": limits.max_photo_pixels}}
    call("pipeline.images:develop", arguments | facts, shop.command((), limits.step_timeout_s))


def _pillow(wanted: _Wanted, suffixes: tuple[str, ...], folder: Path) -> None:
    run([sys.executable, _HERE / "pillow_loop.py", _order(wanted, suffixes, folder)])


def _sharp(wanted: _Wanted, suffixes: tuple[str, ...], folder: Path) -> None:
    node = shutil.which("node") or "node"
    order = _order(wanted, suffixes, folder)
    run([node, _HERE / "sharp_loop.cjs", str(wanted.task.sharp), order])


def _order(wanted: _Wanted, suffixes: tuple[str, ...], folder: Path) -> str:
    outs = [
        {"file": str(folder / out.file), "width": out.width, "quality": out.quality}
        for out in wanted.of(suffixes)
    ]
    return json.dumps({"source": str(wanted.task.source), "outputs": outs})


# --- showing it -------------------------------------------------------------------------------


def tables(found: Comparison) -> tuple[Table, ...]:
    """One row per format and contender, with ours as a share of theirs."""
    ours = {each.format: each for each in found.developed if each.name == "ours"}
    rows = tuple(
        (
            f"{each.format}, {each.name}",
            each.cpu_s,
            each.wall_s,
            each.bytes / 1e6,
            f"{each.ssim:.4f}",
            ours[each.format].cpu_s / each.cpu_s,
            ours[each.format].wall_s / each.wall_s,
            ours[each.format].bytes / each.bytes,
        )
        for each in found.developed
    )
    widths = " ".join(map(str, found.widths))
    return (
        Table(
            title=f"Photo: {found.source}, widths {widths}",
            head=("", "CPU s", "wall s", "MB", "SSIM", "CPU ours/theirs", "wall", "bytes"),
            rows=rows,
            remark="SSIM against the source scaled by Lanczos, mean of all widths.",
        ),
    )
