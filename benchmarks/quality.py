"""How close a rendition is to its source: VMAF for film, SSIM for stills.

Owns the two measuring command lines and the reading of their answers. Refuses to weigh figures.

Traps of measuring that are avoided here: renditions whose first timestamp is not 0 are aligned
first; both sides are brought to the source's frame rate and then paired by number, because a
peer that turns 23.976 into 24 frames/s would otherwise be compared with neighbouring frames; and
frames that a peer repeats at the start (it delays its second generation) are dropped first. One
trap remains: a source pasted together from clips changes parameters in mid-stream, ffmpeg
rebuilds its filters there and pairs the wrong frames. Do not measure with such a source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import ssimulacra2
from PIL import Image, ImageOps

from benchmarks.meter import run

# Every third frame: an odd number, so that it does not fall in step with pyramids of B-frames.
SUBSAMPLE = 3
# Frames that are looked at to find out how many a rendition repeats at its start, and at most.
_LOOK_FRAMES = 720
_MOST_LEAD = 3
_PSNR = re.compile(r"psnr@(\d+) .*PSNR .*average:([\d.]+|inf)")
_VMAF = re.compile(r"VMAF score: ([\d.]+)")
_SSIM = re.compile(r"SSIM .*All:([\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The source that renditions are held against, at its displayed size in pixels."""

    ffmpeg: Path
    path: Path
    width: int
    height: int
    frame_rate: Fraction = Fraction(1)


def vmaf(reference: Reference, made: Path, subsample: int = SUBSAMPLE) -> float:
    """Mean VMAF (model vmaf_v0.6.1, the default of libvmaf) at the source's size.

    The rendition is scaled up bicubically, as the model's authors do; all contenders alike.
    """
    size = f"scale={reference.width}:{reference.height}:flags=bicubic,format=yuv420p"
    measure = f"libvmaf=n_threads=2:n_subsample={subsample}:shortest=1"
    graph = _paired(reference, _lead(reference, made), size, measure)
    return _score(_VMAF, reference, made, graph)


def _lead(reference: Reference, made: Path) -> int:
    """How many frames too many the rendition has at its start: where the pictures fit best.

    A long stretch is looked at: over a dark or still beginning alone, every shift fits.
    """
    rate = f"setpts=PTS-STARTPTS,fps={reference.frame_rate},trim=end_frame={_LOOK_FRAMES}"
    small = f"{rate},scale=320:180,format=gray,split={_MOST_LEAD + 1}"
    leads = range(_MOST_LEAD + 1)
    graph = ";".join(
        (
            f"[0:v:0]{small}{''.join(f'[made{lead}]' for lead in leads)}",
            f"[1:v:0]{small}{''.join(f'[source{lead}]' for lead in leads)}",
            *(f"[made{lead}]trim=start_frame={lead},setpts=N[late{lead}]" for lead in leads),
            *(f"[source{lead}]setpts=N[first{lead}]" for lead in leads),
            *(f"[late{lead}][first{lead}]psnr@{lead}=shortest=1" for lead in leads),
        )
    )
    said = _said(reference, made, graph)
    fits = {int(lead): float(fit) for lead, fit in _PSNR.findall(said)}
    return max(leads, key=lambda lead: fits[lead])


def _paired(reference: Reference, lead: int, size: str, measure: str) -> str:
    """A filter graph that holds frame by frame against each other, both prepared alike."""
    rate = f"setpts=PTS-STARTPTS,fps={reference.frame_rate}"
    return (
        f"[0:v:0]{rate},trim=start_frame={lead},setpts=N,{size}[made];"
        f"[1:v:0]{rate},setpts=N,{size}[source];[made][source]{measure}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One output of a photo, `size` pixels large, and the photo that it was made of."""

    ffmpeg: Path
    source: Path
    made: Path
    size: tuple[int, int]


def ssim_of(still: Still) -> float:
    """SSIM of a still against the source scaled down to the still's size by Lanczos."""
    reference = Reference(ffmpeg=still.ffmpeg, path=_scaled(still), width=0, height=0)
    graph = "[0:v:0]format=yuv444p[made];[1:v:0]format=yuv444p[source];[made][source]ssim"
    return _score(_SSIM, reference, _plain(still), graph)


def ssimulacra2_of(still: Still) -> float:
    """SSIMULACRA 2 of the same: 100 is the source itself, from 90 on nobody sees a difference."""
    return float(ssimulacra2.compute_ssimulacra2(str(_scaled(still)), str(_plain(still))))


def _scaled(still: Still) -> Path:
    """The source upright, scaled by Pillow's Lanczos in one step; made once for all contenders."""
    width, height = still.size
    target = still.made.parent.parent / f"reference-{still.source.stem}-{width}.png"
    if not target.exists():
        with Image.open(still.source) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        image.resize((width, height), Image.Resampling.LANCZOS).save(target, compress_level=1)
    return target


def _plain(still: Still) -> Path:
    """The output as pixels: both metrics see the same ones."""
    target = still.made.with_suffix(f"{still.made.suffix}.png")
    if not target.exists():
        with Image.open(still.made) as opened:
            image = opened.convert("RGB")
        # Contenders round the height of a width in their own way.
        same = image if image.size == still.size else image.resize(still.size)
        same.save(target, compress_level=1)
    return target


def _score(pattern: re.Pattern[str], reference: Reference, made: Path, graph: str) -> float:
    said = _said(reference, made, graph)
    found = pattern.search(said)
    if found is None:
        raise ValueError(f"no score in what ffmpeg said: {said[-1000:]}")
    return float(found[1])


def _said(reference: Reference, made: Path, graph: str) -> str:
    inputs = ("-i", made, "-i", reference.path)
    start = (reference.ffmpeg, "-hide_banner", "-nostdin")
    return run((*start, *inputs, "-lavfi", graph, "-f", "null", "-"))
