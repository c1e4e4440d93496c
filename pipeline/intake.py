"""From names in the ingest bucket to posts and items: what belongs to what.

Owns the reading of file names, the slugs, and how a reporter writes times. Pure: it sees listings
and text, never a store. Extensions are hints only; what a file really is, `probe` decides.
`versions` knows what names a version; `post_toml` reads what the reporter says; `scan` calls both.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from pipeline import languages, strays, versions
from pipeline.model import Entry, ItemInfo, Kind, PostInfo, Sidecar, Source
from pipeline.versions import bare

POST_TOML = "post.toml"
# What the raw name of a post begins with that is no folder but a file at the root.
ROOT = "./"
MAX_SLUG = 60
# Names of our own pages and folders inside a post: an item may not take them.
RESERVED = frozenset({"index", "post", "embeds", "gallery", "r", "feed", "podcast"})

_CAPTIONS = frozenset(
    ".srt .vtt .ass .ssa .sbv .ttml .dfxp .itt .stl .smi .sami .sub .idx .sup".split()
)
_TEXTS = frozenset({".txt", ".md"})
_VIDEO = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .wmv .asf .flv .3gp .3g2 .ogv .dv"
    " .mxf .rm .rmvb .vob".split()
)
_AUDIO = frozenset(
    ".mp3 .m4a .m4b .aac .wav .flac .ogg .oga .opus .wma .amr .aif .aiff .caf .ac3 .mka".split()
)
_PHOTO = frozenset(
    ".jpg .jpeg .png .gif .webp .avif .heic .heif .hif .tif .tiff .bmp .dng .cr2 .nef .arw .jxl"
    " .mpo .svg".split()
)
# Bounded, so that no moment is beyond what a number can hold.
_MOMENT = re.compile(r"(?:(?:[0-9]{1,3}:)?[0-9]{1,2}:[0-9]{2}|[0-9]{1,7})(?:\.[0-9]{1,6})?")
# Word processors turn hyphens into dashes.
_DASH = re.compile("[-\u2013\u2014]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One post as it lies in the ingest bucket: its raw name and its files by relative path."""

    name: str
    files: Mapping[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A media file with what belongs to it, before it has a slug.

    `version_of` is the path of the film that it is a version of. With `cut_from` it is a part of
    that film, by a line of post.toml; then `path` is what a file of its own would be called.
    """

    path: str
    entry: Entry
    info: ItemInfo
    sidecars: tuple[Sidecar, ...] = ()
    version: str = ""
    version_of: str = ""
    cut_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A folder sorted into items, in reading order, with what is left waiting.

    `notes` say what of post.toml does not fit the files, and what is passed over, in the reporter's
    words.
    """

    items: tuple[Loose, ...]
    toml: Entry | None
    waiting: tuple[str, ...]
    notes: tuple[str, ...] = ()


def slug(text: str) -> str:
    """A safe ASCII name: letters, digits and hyphens; a hash where nothing of the text survives."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:MAX_SLUG].rstrip("-")
    if made:
        return made
    return "item-" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def slug_candidates(text: str) -> Iterable[str]:
    """The slugs to try for a name, best first: talk, talk-2, talk-3, ..."""
    first = slug(text)
    if first not in RESERVED:
        yield first
    for number in range(2, 10_000):
        yield f"{first}-{number}"


def guess(path: str) -> Kind:
    """The kind a name suggests, shown until the probe knows; a film where it says nothing."""
    suffix = PurePosixPath(path).suffix.casefold()
    if suffix in _PHOTO:
        return Kind.PHOTO
    if suffix in _AUDIO:
        return Kind.AUDIO
    if suffix in _VIDEO:
        return Kind.VIDEO
    family = (mimetypes.guess_type(path)[0] or "").partition("/")[0]
    return {"image": Kind.PHOTO, "audio": Kind.AUDIO}.get(family, Kind.VIDEO)


def folders(entries: Iterable[Entry]) -> tuple[Folder, ...]:
    """Group a listing of the ingest bucket into posts.

    `<post>/<file>` (deeper folders too) belongs to the post; a file at the root is a post of its
    own, named by its stem, together with the sidecars that carry its name.
    """
    posts: dict[str, dict[str, Entry]] = {}
    loose: dict[str, Entry] = {}
    for entry in entries:
        parts = [part for part in entry.key.split("/") if part]
        if entry.key.endswith("/") or any(strays.is_litter(part) for part in parts):
            continue
        if len(parts) > 1:
            posts.setdefault(parts[0], {})["/".join(parts[1:])] = entry
        else:
            loose[entry.key] = entry
    posts |= _root_posts(loose)
    return tuple(Folder(name=name, files=files) for name, files in sorted(posts.items()))


def _root_posts(files: Mapping[str, Entry]) -> dict[str, dict[str, Entry]]:
    """Posts of single files; subtitles alone are a post that waits, other texts are none."""
    posts: dict[str, dict[str, Entry]] = {}
    by_stem = _by_stem(name for name in files if _is_media(name))
    for name, entry in files.items():
        owner = name if _is_media(name) else _owner(name, by_stem)
        if owner is not None:
            posts.setdefault(f"{ROOT}{_stem(owner)}", {})[name] = entry
        elif _suffix(name) in _CAPTIONS:
            posts.setdefault(f"{ROOT}{_without_language(bare(name))[0]}", {})[name] = entry
    return posts


def folder_title(folder: str) -> str:
    """A readable title from the name of a post's folder, of which nothing is an extension."""
    name = folder.removeprefix(ROOT)
    return _spaced(name) or name


def title_of(name: str) -> str:
    """A readable title from a file's name: no folder, no extension, no underscores."""
    return _spaced(_stem(name)) or PurePosixPath(name).name


def _spaced(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text).strip()


def sort_out(folder: Folder, info: PostInfo, language: str) -> Sorted:
    """Tell media from sidecars, find the versions of one film, put the items in reading order.

    `language` is what a subtitle file without a language in its name is taken to be in.
    """
    passed = strays.passed_over(folder.files)
    unmeant = passed.paths
    files = [
        Loose(path=path, entry=entry, info=info_for(path, info))
        for path, entry in folder.files.items()
        if _is_media(path) and path not in unmeant
    ]
    parts, notes = _parts(files, info)
    media = _related([*files, *parts])
    beside, waiting = _sidecars(folder, [item.path for item in media], language)
    items = [
        replace(item, sidecars=_sidecars_of(item, beside), info=_inherited(item.info, info))
        for item in media
    ]
    return Sorted(
        items=tuple(sorted(items, key=lambda item: reading_order(item.path, info.order))),
        toml=folder.files.get(POST_TOML),
        waiting=waiting,
        notes=(*notes, *passed.sentences),
    )


def _sidecars(
    folder: Folder, media: Collection[str], language: str
) -> tuple[dict[str, list[Sidecar]], tuple[str, ...]]:
    """The sidecars of each media file, and those whose file is not here."""
    by_stem = _by_stem(media)
    beside: dict[str, list[Sidecar]] = {}
    waiting: list[str] = []
    for path, entry in sorted(folder.files.items()):
        if not _is_sidecar(path):
            continue
        owner = _owner(path, by_stem)
        if owner is None:
            waiting.append(path)
        else:
            beside.setdefault(owner, []).append(_sidecar(path, entry, owner, language))
    return beside, tuple(waiting)


def _sidecars_of(item: Loose, beside: Mapping[str, list[Sidecar]]) -> tuple[Sidecar, ...]:
    """What lies beside an item; the subtitles of a film are right for a part of it, too."""
    own = beside.get(item.path, [])
    spoken = {sidecar.language for sidecar in own if sidecar.role == "captions"}
    films = (s for s in beside.get(item.cut_from, []) if s.role == "captions")
    return (*own, *(s for s in films if s.language not in spoken))


def reading_order(path: str, order: tuple[str, ...]) -> tuple[int, list[tuple[int, int, str]]]:
    """Sort key: first what post.toml orders, then by name with numbers counted, not spelt."""
    name = PurePosixPath(path).name
    named = next((i for i, want in enumerate(order) if want in (path, name, _stem(name))), None)
    pieces = re.findall(r"\d+|\D+", path.casefold())
    natural = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces]
    return (len(order) if named is None else named, natural)


def ordered(found: Sorted, info: PostInfo) -> int:
    """How many of the items post.toml has put in their places: the first so many."""
    places = (reading_order(item.path, info.order)[0] for item in found.items)
    return sum(place < len(info.order) for place in places)


def source(entry: Entry) -> Source:
    """The uploaded file as a value."""
    name = PurePosixPath(entry.key).name
    return Source(key=entry.key, name=name, bytes=entry.bytes, identity=entry.identity)


def info_for(path: str, info: PostInfo) -> ItemInfo:
    """The entry of post.toml for a file: by path, by name, or by stem."""
    name = PurePosixPath(path).name
    for key in (path, name, _stem(name)):
        if key in info.items:
            return info.items[key]
    return ItemInfo()


def _inherited(item: ItemInfo, post: PostInfo) -> ItemInfo:
    """The same, with what the post says of all its photos where the item says nothing."""
    scan = post.scan if item.scan is None else item.scan
    deskew = post.deskew if item.deskew is None else item.deskew
    return replace(item, scan=scan or None, deskew=deskew or None)


# --- versions of one film --------------------------------------------------------------------


def _parts(files: Iterable[Loose], info: PostInfo) -> tuple[list[Loose], tuple[str, ...]]:
    """What lines of post.toml cut from films; a film file of a part's name is the better one."""
    films = [item for item in files if _is_film(item.path)]
    there = {bare(film.path).casefold(): film.path for film in films}
    asked = [part for film in films for part in _parts_of(film, info)]
    wanted, notes = [], []
    for part in asked:
        file = there.get(bare(part.path).casefold())
        if file is None:
            wanted.append(part)
        else:
            notes.append(f"The file {file} is published, not the part that post.toml names so.")
    for name, entry in info.items.items():
        if entry.versions and not any(film.info is entry for film in films):
            notes.append(f"post.toml names versions of {name}, but no film of that name is here.")
    return wanted, tuple(notes)


def _parts_of(film: Loose, info: PostInfo) -> Iterator[Loose]:
    """The parts of one film, with its words where post.toml has none for the part itself."""
    words = replace(film.info, poster="")
    for word, clip in film.info.versions.items():
        path = versions.part_path(film.path, word)
        own = info_for(path, info)
        said = words if replace(own, version="") == ItemInfo() else own
        facts = replace(said, clip=clip, version=own.version, versions={})
        yield Loose(path=path, entry=film.entry, info=facts, cut_from=film.path)


def _related(media: Collection[Loose]) -> list[Loose]:
    """The same items, each version with its film, and all of them with what readers call them."""
    found = versions.versions(item.path for item in media if _is_film(item.path))
    mains = {main for main, _ in found.values()}
    return [
        replace(item, version=item.info.version or word, version_of=main)
        if main or item.path in mains
        else item
        for item in media
        for main, word in [found.get(item.path, ("", ""))]
    ]


# --- times -----------------------------------------------------------------------------------


def moment_ms(text: str) -> int | None:
    """A moment written "1:23", "1:02:03.5" or "83" in milliseconds; None for the empty text.

    Raises ValueError, in the reporter's words, for anything else.
    """
    if not text:
        return None
    if not _MOMENT.fullmatch(text):
        raise ValueError('a moment is written "1:23", "1:02:03.5" or "83"')
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return round(seconds * 1000)


def clip_ms(text: str) -> tuple[int, int | None] | None:
    """A part of a film written "10:05-12:40", or "10:05-" to its end, in milliseconds.

    Times are written as moments are, with a hyphen or a dash between them; None for the empty text.
    Raises ValueError, in the reporter's words, for anything else.
    """
    if not text.strip():
        return None
    first, *rest = (moment.strip() for moment in _DASH.split(text))
    if not first or len(rest) != 1:
        raise ValueError('a part is written "10:05-12:40", or "10:05-" to the end')
    start_ms, end_ms = moment_ms(first) or 0, moment_ms(rest[0])
    if end_ms is not None and end_ms <= start_ms:
        raise ValueError("a part has to end after it begins")
    return start_ms, end_ms


# --- names -----------------------------------------------------------------------------------


def _is_sidecar(path: str) -> bool:
    return _suffix(path) in _CAPTIONS | _TEXTS


def _is_media(path: str) -> bool:
    is_ours = PurePosixPath(path).name == POST_TOML or _is_sidecar(path)
    return not is_ours and not strays.is_companion(path)


def _is_film(path: str) -> bool:
    return _suffix(path) in _VIDEO


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.casefold()


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _without_language(stem: str) -> tuple[str, str | None]:
    base, dot, last = stem.rpartition(".")
    language = languages.tag(last) if dot else None
    return (base, language) if language else (stem, None)


def _by_stem(media: Iterable[str]) -> dict[str, str]:
    """Media by full path and by stem; film and sound win over a photo of the same stem."""
    found: dict[str, str] = {}
    for path in sorted(media, key=lambda p: (guess(p) is Kind.PHOTO, p)):
        stem = bare(path)
        found.setdefault(path.casefold(), path)
        found.setdefault(stem.casefold(), path)
    return found


def _owner(path: str, by_stem: Mapping[str, str]) -> str | None:
    stem = bare(path)
    for base in (stem, _without_language(stem)[0]):
        if base.casefold() in by_stem:
            return by_stem[base.casefold()]
    return None


def _sidecar(path: str, entry: Entry, owner: str, language: str) -> Sidecar:
    stem = bare(path)
    owner_names = {owner.casefold(), bare(owner).casefold()}
    # "talk.es.mp4" owns "talk.es.srt" whole: then ".es" is part of its name, not a language.
    named = None if stem.casefold() in owner_names else _without_language(stem)[1]
    role: Literal["captions", "caption-text", "transcript"] = "captions"
    if _suffix(path) in _TEXTS:
        role = "transcript" if named else "caption-text"
    return Sidecar(
        role=role, language=named or language, source=source(entry), named=named is not None
    )
