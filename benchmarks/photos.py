"""Photos: our widths in JPEG and AVIF against Pillow's plain loop and sharp (libvips).

Owns the comparison of the same photos at the same widths. Each contender makes all photos in one
process, whose start is part of its figures. The same quality numbers go to all of them; what they
make of these differs, so bytes, SSIM and SSIMULACRA 2 stand beside the seconds. Ours is in
`our_loop.py`, Pillow's loop in `pillow_loop.py`, sharp's in `sharp_loop.cjs`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.meter import process, say
from benchmarks.quality import Still, ssim_of, ssimulacra2_of
from benchmarks.table import Table
from pipeline.model import PhotoOut, Profile, adapter
from pipeline.plan_photo import photo_widths
from pipeline.probe import probe

_HERE = Path(__file__).parent
FORMATS = {"jpeg": ("jpg",), "avif": ("avif",), "both": ("jpg", "avif")}
# At one width alone: the metric's only implementation for Python takes seconds for a megapixel.
JUDGED_WIDTH = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One comparison; `sharp` is a folder whose node_modules hold the package, or None."""

    sources: tuple[Path, ...]
    folder: Path
    profile: Profile
    ffmpeg: Path
    sharp: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Developed:
    """What one contender made of all photos: bytes of all widths, their mean quality."""

    name: str
    format: str
    photos: int
    cpu_s: float
    wall_s: float
    peak_bytes: int
    bytes: int
    ssim: float | None
    ssimulacra2: float | None

    @property
    def photos_per_cpu_s(self) -> float:
        """What a second of one core is good for."""
        return self.photos / self.cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything found out in one run; ours comes first in each format."""

    sources: tuple[str, ...]
    widths: tuple[int, ...]
    developed: tuple[Developed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Photo:
    """One photo and what is to be made of it."""

    source: Path
    outs: tuple[PhotoOut, ...]


Loop = Callable[[Task, str], list[str | Path]]


def compare(task: Task) -> Comparison:
    """Develop all photos by everybody, in each format alone and in both at once."""
    photos = tuple(_wanted(task, source) for source in task.sources)
    developed = tuple(
        _developed(task, photos, (name, made)) for made in FORMATS for name, _ in _loops(task)
    )
    widths = sorted({out.width for photo in photos for out in photo.outs})
    names = tuple(source.name for source in task.sources)
    return Comparison(sources=names, widths=tuple(widths), developed=developed)


def _wanted(task: Task, source: Path) -> _Photo:
    picture = probe(source, task.folder, task.profile.limits).picture
    if picture is None:
        raise ValueError(f"{source.name} is no photo")
    photo = task.profile.photo
    outs = tuple(
        PhotoOut(
            role="photo",
            file=f"{source.stem}-{width}.{'jpg' if kind == 'jpeg' else kind}",
            width=width,
            height=round(picture.height * width / picture.width),
            format=kind,
            quality=photo.jpeg_quality if kind == "jpeg" else photo.avif_quality,
            speed=photo.avif_speed,
        )
        for kind in ("jpeg", "avif")
        for width in photo_widths(picture.width, photo.widths)
    )
    return _Photo(source=source, outs=outs)


def _loops(task: Task) -> Iterator[tuple[str, Loop]]:
    yield "ours", _ours
    yield "Pillow", _pillow
    if task.sharp is not None:
        yield "sharp", _sharp


def _developed(task: Task, photos: tuple[_Photo, ...], what: tuple[str, str]) -> Developed:
    name, made = what
    folder = task.folder / f"{name}-{made}"
    folder.mkdir()
    say(f"  {name}: {made} ...")
    cost = process(dict(_loops(task))[name](task, _order(task, photos, folder, FORMATS[made])))
    own = json.loads(cost.said)
    files = [(photo, out) for photo in photos for out in photo.outs if _is(out, FORMATS[made])]
    scores = _scores(task, files, folder) if made != "both" else (None, None)
    return Developed(
        name=name,
        format=made,
        photos=len(photos),
        cpu_s=own.get("cpu_s", cost.cpu_s),
        wall_s=cost.wall_s,
        peak_bytes=own["peak_bytes"],
        bytes=sum((folder / out.file).stat().st_size for _, out in files),
        ssim=scores[0],
        ssimulacra2=scores[1],
    )


def _is(out: PhotoOut, suffixes: tuple[str, ...]) -> bool:
    return out.file.endswith(suffixes)


def _scores(
    task: Task, files: list[tuple[_Photo, PhotoOut]], folder: Path
) -> tuple[float, float | None]:
    stills = [
        Still(
            ffmpeg=task.ffmpeg,
            source=photo.source,
            made=folder / out.file,
            size=(out.width, out.height),
        )
        for photo, out in files
    ]
    judged = [ssimulacra2_of(still) for still in stills if still.size[0] == JUDGED_WIDTH]
    mean = sum(ssim_of(still) for still in stills) / len(stills)
    return mean, sum(judged) / len(judged) if judged else None


# --- the contenders ---------------------------------------------------------------------------


def _ours(_task: Task, order: str) -> list[str | Path]:
    return [sys.executable, "-m", "benchmarks.our_loop", order]


def _pillow(_task: Task, order: str) -> list[str | Path]:
    return [sys.executable, _HERE / "pillow_loop.py", order]


def _sharp(task: Task, order: str) -> list[str | Path]:
    return [shutil.which("node") or "node", _HERE / "sharp_loop.cjs", str(task.sharp), order]


def _order(task: Task, photos: tuple[_Photo, ...], folder: Path, suffixes: tuple[str, ...]) -> str:
    def plain(out: PhotoOut) -> dict[str, Any]:
        facts: dict[str, Any] = adapter(PhotoOut).dump_python(out, mode="json")
        return facts | {"file": str(folder / out.file)}

    each = [
        {
            "source": str(photo.source),
            "outputs": [plain(out) for out in photo.outs if _is(out, suffixes)],
        }
        for photo in photos
    ]
    return json.dumps({"folder": str(folder), "profile": task.profile.name, "photos": each})


# --- showing it -------------------------------------------------------------------------------


def tables(found: Comparison) -> tuple[Table, ...]:
    """One row per format and contender, with ours as a share of theirs."""
    ours = {each.format: each for each in found.developed if each.name == "ours"}
    rows = tuple(_row(each, ours[each.format]) for each in found.developed)
    widths = " ".join(map(str, found.widths))
    return (
        Table(
            title=f"Photos: {', '.join(found.sources)}; widths {widths}",
            head=(
                *("", "photos per CPU s", "CPU s", "wall s", "peak MB", "MB"),
                *("SSIM", "SSIMULACRA 2", "CPU ours/theirs", "bytes"),
            ),
            rows=rows,
            remark="Against the source scaled by Lanczos; SSIM as mean of all widths, SSIMULACRA 2 "
            f"at {JUDGED_WIDTH} pixels. Peak MB is the memory of the process that decodes.",
        ),
    )


def _row(each: Developed, ours: Developed) -> tuple[str | float | None, ...]:
    return (
        f"{each.format}, {each.name}",
        each.photos_per_cpu_s,
        each.cpu_s,
        each.wall_s,
        f"{each.peak_bytes / 1e6:.0f}",
        each.bytes / 1e6,
        None if each.ssim is None else f"{each.ssim:.4f}",
        each.ssimulacra2,
        ours.cpu_s / each.cpu_s,
        ours.bytes / each.bytes,
    )
