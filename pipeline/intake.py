"""From names in the ingest bucket to posts and items: what belongs to what.

Owns the reading of file names, of post.toml, and the slugs. Pure: it sees listings and text, never
a store. Extensions are hints only; what a file really is, `probe` decides. `flow.scan` calls this.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import mimetypes
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StrictStr, ValidationError

from pipeline import languages
from pipeline.model import Entry, ItemInfo, Kind, PostInfo, Sidecar, Source

POST_TOML = "post.toml"
# What the raw name of a post begins with that is no folder but a file at the root.
ROOT = "./"
MAX_SLUG = 60
# Enough to start mending a post.toml with; a note is no place for thousands.
MAX_PROBLEMS = 5
# Names of our own pages and folders inside a post: an item may not take them.
RESERVED = frozenset({"index", "post", "embeds", "gallery", "r", "feed", "podcast"})

_CAPTIONS = frozenset({".srt", ".vtt", ".ass", ".ssa", ".sbv", ".ttml", ".dfxp", ".stl"})
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
# What operating systems and sync tools leave behind; never a reporter's work.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One post as it lies in the ingest bucket: its raw name and its files by relative path."""

    name: str
    files: Mapping[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A media file with its sidecars, before it has a slug."""

    path: str
    entry: Entry
    sidecars: tuple[Sidecar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A folder sorted into items, in reading order, with what is left waiting."""

    items: tuple[Loose, ...]
    toml: Entry | None
    waiting: tuple[str, ...]


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
        if entry.key.endswith("/") or any(is_litter(part) for part in parts):
            continue
        if len(parts) > 1:
            posts.setdefault(parts[0], {})["/".join(parts[1:])] = entry
        else:
            loose[entry.key] = entry
    posts |= _root_posts(loose)
    return tuple(Folder(name=name, files=files) for name, files in sorted(posts.items()))


def _root_posts(files: Mapping[str, Entry]) -> dict[str, dict[str, Entry]]:
    """Posts of single files; a sidecar without its media file is not a post."""
    posts: dict[str, dict[str, Entry]] = {}
    by_stem = _by_stem(name for name in files if _is_media(name))
    for name, entry in files.items():
        owner = name if _is_media(name) else _owner(name, by_stem)
        if owner is not None:
            posts.setdefault(f"{ROOT}{_stem(owner)}", {})[name] = entry
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
    """Tell media from sidecars and put the items in reading order.

    `language` is what a subtitle file without a language in its name is taken to be in.
    """
    media = [path for path in folder.files if _is_media(path)]
    by_stem = _by_stem(media)
    sidecars: dict[str, list[Sidecar]] = {}
    waiting: list[str] = []
    for path, entry in sorted(folder.files.items()):
        if not _is_sidecar(path):
            continue
        owner = _owner(path, by_stem)
        if owner is None:
            waiting.append(path)
        else:
            sidecars.setdefault(owner, []).append(_sidecar(path, entry, owner, language))
    ordered = sorted(media, key=lambda path: reading_order(path, info.order))
    items = tuple(
        Loose(path=path, entry=folder.files[path], sidecars=tuple(sidecars.get(path, ())))
        for path in ordered
    )
    return Sorted(items=items, toml=folder.files.get(POST_TOML), waiting=tuple(waiting))


def reading_order(path: str, order: tuple[str, ...]) -> tuple[int, list[tuple[int, int, str]]]:
    """Sort key: first what post.toml orders, then by name with numbers counted, not spelt."""
    name = PurePosixPath(path).name
    named = next((i for i, want in enumerate(order) if want in (path, name, _stem(name))), None)
    pieces = re.findall(r"\d+|\D+", path.casefold())
    natural = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces]
    return (len(order) if named is None else named, natural)


def source(entry: Entry) -> Source:
    """The uploaded file as a value."""
    name = PurePosixPath(entry.key).name
    return Source(key=entry.key, name=name, bytes=entry.bytes, identity=entry.identity)


# --- post.toml -------------------------------------------------------------------------------


# A name of thousands of parts (a.a.a...) keeps the parser busy for hours and eats all memory.
_DEEP_NAME = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){20}""")
_DateTime = Annotated[dt.datetime, Strict()]
_Date = Annotated[dt.date, Strict()]
# "1:23", "1:02:03.5" or "83"; bounded, so that no moment is beyond what a number can hold.
_MOMENT = r"^$|^([0-9]{1,3}:)?[0-9]{1,2}:[0-9]{2}(\.[0-9]{1,6})?$|^[0-9]{1,7}(\.[0-9]{1,6})?$"


class _ItemTable(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str | dict[str, str] = ""
    caption: str = ""
    alt: str = ""
    credit: str = ""
    poster: str = Field(default="", pattern=_MOMENT)


class _PostTable(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str | dict[str, str] = ""
    language: Literal["", "en", "es"] = ""
    # Strict, or the number 2024 would become some second of the year 1970.
    date: StrictStr | _DateTime | _Date = ""
    byline: str = ""
    credit: str = ""
    cover: str = ""
    profile: str = ""
    text: str = ""
    order: tuple[str, ...] = ()
    items: dict[str, _ItemTable] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlReading:
    """What post.toml says, and what of it could not be used, in the reporter's words."""

    info: PostInfo = field(default_factory=PostInfo)
    notes: tuple[str, ...] = ()


def read_toml(data: bytes) -> TomlReading:
    """Parse post.toml; whatever is wrong becomes a note, never a reason not to publish."""
    try:
        table = _PostTable.model_validate(tomllib.loads(_harmless(data.decode("utf-8-sig"))))
    except ValidationError as error:
        return TomlReading(
            notes=(f"post.toml was ignored until this is mended: {_problems(error)}.",)
        )
    # A ValueError of its own comes from numbers of thousands of digits, a RecursionError from
    # thousands of brackets.
    except (ValueError, RecursionError) as error:
        return TomlReading(notes=(f"post.toml was ignored, it cannot be read: {error}.",))
    return TomlReading(info=_post_info(table))


def _harmless(text: str) -> str:
    if _DEEP_NAME.search(text):
        raise ValueError("a name in it has too many parts")
    return text


def _problems(error: ValidationError) -> str:
    found = error.errors()
    first = [f"{_place(item['loc'])}: {item['msg']}" for item in found[:MAX_PROBLEMS]]
    more = [f"and {len(found) - MAX_PROBLEMS} more"] if len(found) > MAX_PROBLEMS else []
    return "; ".join([*first, *more])


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:MAX_SLUG] for part in parts)


def _post_info(table: _PostTable) -> PostInfo:
    title, titles = _titles(table.title, table.language)
    return PostInfo(
        title=title,
        titles=titles,
        language=table.language,
        date=table.date if isinstance(table.date, str) else table.date.isoformat(),
        byline=table.byline,
        credit=table.credit,
        cover=table.cover,
        profile=table.profile,
        text=table.text,
        order=table.order,
        items={name: _item_info(item, table.language) for name, item in table.items.items()},
    )


def _item_info(item: _ItemTable, language: str) -> ItemInfo:
    title, titles = _titles(item.title, language)
    return ItemInfo(
        title=title,
        titles=titles,
        caption=item.caption,
        alt=item.alt,
        credit=item.credit,
        poster=item.poster,
    )


def _titles(title: str | dict[str, str], language: str) -> tuple[str, dict[str, str]]:
    if isinstance(title, str):
        return title, {}
    return title.get(language) or next(iter(title.values()), ""), title


def info_for(path: str, info: PostInfo) -> ItemInfo:
    """The entry of post.toml for a file: by path, by name, or by stem."""
    name = PurePosixPath(path).name
    for key in (path, name, _stem(name)):
        if key in info.items:
            return info.items[key]
    return ItemInfo()


def moment_ms(text: str) -> int | None:
    """A moment written "1:23", "1:02:03.5" or "83" in milliseconds; None for the empty text."""
    if not text:
        return None
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return round(seconds * 1000)


# --- names -----------------------------------------------------------------------------------


def is_litter(part: str) -> bool:
    """True for names that systems and sync tools make, for what is hidden, and for "..".

    A longer name with two dots in front is only odd: somebody means it.
    """
    hidden = part.startswith(".") and (not part.startswith("..") or part == "..")
    return hidden or part.startswith("~$") or part.casefold() in _LITTER


def _is_sidecar(path: str) -> bool:
    return _suffix(path) in _CAPTIONS | _TEXTS


def _is_media(path: str) -> bool:
    return not _is_sidecar(path) and PurePosixPath(path).name != POST_TOML


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
        stem = str(PurePosixPath(path).with_suffix(""))
        found.setdefault(path.casefold(), path)
        found.setdefault(stem.casefold(), path)
    return found


def _owner(path: str, by_stem: Mapping[str, str]) -> str | None:
    stem = str(PurePosixPath(path).with_suffix(""))
    for base in (stem, _without_language(stem)[0]):
        if base.casefold() in by_stem:
            return by_stem[base.casefold()]
    return None


def _sidecar(path: str, entry: Entry, owner: str, language: str) -> Sidecar:
    stem = PurePosixPath(path).with_suffix("")
    owner_names = {owner.casefold(), str(PurePosixPath(owner).with_suffix("")).casefold()}
    # "talk.es.mp4" owns "talk.es.srt" whole: then ".es" is part of its name, not a language.
    named = None if str(stem).casefold() in owner_names else _without_language(str(stem))[1]
    role: Literal["captions", "caption-text", "transcript"] = "captions"
    if _suffix(path) in _TEXTS:
        role = "transcript" if named else "caption-text"
    return Sidecar(role=role, language=named or language, source=source(entry))
