"""Files in a reporter's folder that nobody means to publish.

Owns their names: what systems leave behind, which is not worth a word, and what cameras write
beside films and photos, which is passed over with a note. Pure. All of it stays where it lies.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
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
_DEVELOPED = frozenset({".jpg", ".jpeg", ".heic", ".heif", ".hif"})
_RAW = frozenset(".dng .cr2 .cr3 .nef .nrw .arw .raf .orf .rw2 .pef .srw".split())
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


def doubles(paths: Collection[str]) -> frozenset[str]:
    """Second halves of pictures that are there already: moving or raw."""
    return live(paths) | raw(paths)


def live(paths: Iterable[str]) -> frozenset[str]:
    """The moving parts of live photos: IMG_0001.MOV beside IMG_0001.HEIC, by the phone's own names.

    They hold three seconds of what was said around a photo; who has named a film means it.
    """
    return frozenset(
        path
        for stem, kinds in _by_stem(paths).items()
        if _LIVE.fullmatch(stem)
        for kind, path in kinds.items()
        if kind == ".mov" and not _DEVELOPED.isdisjoint(kinds)
    )


def raw(paths: Iterable[str]) -> frozenset[str]:
    """Raw photos whose camera has developed them itself: DSC_0001.NEF beside DSC_0001.JPG."""
    return frozenset(
        path
        for kinds in _by_stem(paths).values()
        for kind, path in kinds.items()
        if kind in _RAW and not _DEVELOPED.isdisjoint(kinds)
    )


def _by_stem(paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """Paths by what they have in common with their neighbours, and by their endings."""
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        stem, dot, kind = path.casefold().rpartition(".")
        found.setdefault(stem, {})[dot + kind] = path
    return found


def passed_over(paths: Collection[str]) -> Iterator[str]:
    """Sentences that name some of what is passed over in a folder."""
    if found := sorted(filter(is_companion, paths)):
        yield (
            "Passed over, because cameras and editors write them beside films and photos:"
            f" {_some(found)}."
        )
    if moving := sorted(live(paths)):
        yield (
            "Passed over, because they are the moving parts of live photos: "
            f"{_some(moving)}. Give one another name to publish it."
        )
    if negatives := sorted(raw(paths)):
        yield (
            "Passed over, because the camera's own pictures of them are published: "
            f"{_some(negatives)}."
        )


def _some(found: list[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more
