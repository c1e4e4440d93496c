"""Files in a reporter's folder that nobody means to publish.

Owns their names: what systems leave behind, which is not worth a word, and what cameras write
beside films and photos, which is passed over with a note. Pure. All of it stays where it lies.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

# What operating systems and sync tools leave behind; never a reporter's work.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"})
# Small copies (LRV, LRF), thumbnails, lists of edits, indexes of cards and discs, and what editing
# programs draw waveforms from.
_COMPANIONS = frozenset(
    ".lrv .lrf .thm .aae .xmp .xml .cpi .mpl .bdm .tdt .tid .ctg .modd .moff .moi .ppn .ind .cif"
    " .sif .ifo .bup .bdmv .clpi .mpls .pek .cfa .pkf .sfk .reapeaks".split()
)
# On cards of Sony's: SUB/C0001S03.MP4, a small copy, and THMBNL/C0001T01.JPG.
_PROXY = re.compile(r"(?:^|/)(?:sub/[^/]{1,99}s\d\d|thmbnl/[^/]{1,99}t\d\d)\.\w+")
_LIVE = re.compile(r"(?:.*/)?img_e?\d{4}")
_DEVELOPED = frozenset({"jpg", "jpeg", "heic", "heif", "hif"})
_RAW = frozenset("dng cr2 cr3 nef nrw arw raf orf rw2 pef srw".split())
_NAMED = 3  # files, in a sentence


def is_litter(part: str) -> bool:
    """True for names that systems and sync tools make, for what is hidden, and for "..".

    A longer name with two dots in front is only odd: somebody means it.
    """
    hidden = part.startswith(".") and (not part.startswith("..") or part == "..")
    return hidden or part.startswith("~$") or part.casefold() in _LITTER


def is_companion(path: str) -> bool:
    """True for what a camera writes beside its films and photos."""
    plain = path.casefold()
    return PurePosixPath(plain).suffix in _COMPANIONS or bool(_PROXY.search(plain))


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """What is passed over of a folder, by relative path, each kind sorted.

    `moving` are the moving parts of live photos, IMG_0001.MOV beside IMG_0001.HEIC by the phone's
    own names: three seconds of what was said around a photo; who has named a film means it. `raw`
    are photos that their camera has developed itself, DSC_0001.NEF beside DSC_0001.JPG.
    """

    companions: tuple[str, ...]
    moving: tuple[str, ...]
    raw: tuple[str, ...]

    @property
    def paths(self) -> frozenset[str]:
        """All of it."""
        return frozenset((*self.companions, *self.moving, *self.raw))

    @property
    def sentences(self) -> Iterator[str]:
        """Some of it by name, for the reporter."""
        if self.companions:
            yield (
                "Passed over, because cameras and editors write them beside films and photos:"
                f" {_some(self.companions)}."
            )
        if self.moving:
            yield (
                "Passed over, because they are the moving parts of live photos: "
                f"{_some(self.moving)}. Give one another name to publish it."
            )
        if self.raw:
            yield (
                "Passed over, because the camera's own pictures of them are published: "
                f"{_some(self.raw)}."
            )


def passed_over(paths: Collection[str]) -> PassedOver:
    """Tell what nobody means among the files of a folder, litter left out already."""
    split = {path: _split(path) for path in sorted(paths)}
    developed = {stem for stem, kind in split.values() if kind in _DEVELOPED}
    beside = {path: (stem, kind) for path, (stem, kind) in split.items() if stem in developed}
    return PassedOver(
        companions=tuple(filter(is_companion, split)),
        moving=tuple(
            path for path, (stem, kind) in beside.items() if kind == "mov" and _LIVE.fullmatch(stem)
        ),
        raw=tuple(path for path, (_, kind) in beside.items() if kind in _RAW),
    )


def _split(path: str) -> tuple[str, str]:
    """What a path has in common with its neighbours, and its ending."""
    stem, _, kind = path.casefold().rpartition(".")
    return stem, kind


def _some(found: tuple[str, ...]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more
