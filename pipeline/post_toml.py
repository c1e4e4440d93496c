"""What the reporter says of a post, in the file post.toml that lies in its folder.

Owns the shape of that file and the words for what is wrong in it. Refuses nothing that is in it to
the point of stopping a post: a mistake becomes a note. `intake` finds the entry of a file in it.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictStr,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from pipeline import hosts, intake
from pipeline.model import ItemInfo, PostInfo
from pipeline.versions import is_version

# Enough to start mending with; a note is no place for thousands.
MAX_PROBLEMS = 5
MAX_PLACE = 60
_PLAIN = {
    "string_type": "write a text in quotation marks",
    "tuple_type": 'write a list in brackets, like ["one.mp4", "two.jpg"]',
    "dict_type": "write a table of its own",
    "model_type": "write a table of its own",
}
# A name of thousands of parts (a.a.a...) keeps the parser busy for hours and eats all memory.
_DEEP_NAME = re.compile(r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){20}""")
_DateTime = Annotated[dt.datetime, Strict()]
_Date = Annotated[dt.date, Strict()]


def _read_by(reader: Callable[[str], object]) -> AfterValidator:
    """Let a text pass that a reader understands; else its own words say what is wrong."""

    def check(text: str) -> str:
        try:
            reader(text)
        except ValueError as error:
            raise PydanticCustomError("text", "{problem}", {"problem": str(error)}) from error
        return text

    return AfterValidator(check)


def _version(word: str) -> None:
    if not is_version(word):
        raise ValueError("a version is named by one word of three letters or more, no language")


def _part(text: str) -> None:
    if intake.clip_ms(text) is None:
        raise ValueError("the part that it shows is missing")


def _blog(text: str) -> None:
    if text and not hosts.of(text):
        raise ValueError("a blog is named by its address, like https://blog.example.org")


_Blog = Annotated[str, _read_by(_blog)]


def _choice(value: object) -> object:
    if not isinstance(value, bool):
        problem = "write true or false, without quotation marks"
        raise PydanticCustomError("choice", "{problem}", {"problem": problem})
    return value


_Choice = Annotated[bool, BeforeValidator(_choice)]
_Moment = Annotated[str, _read_by(intake.moment_ms)]
_Clip = Annotated[str, _read_by(intake.clip_ms)]
_Version = Annotated[str, _read_by(_version)]
_Part = Annotated[str, _read_by(_part)]


class _ItemTable(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str | dict[str, str] = ""
    caption: str = ""
    alt: str = ""
    credit: str = ""
    poster: _Moment = ""
    clip: _Clip = ""
    version: str = ""
    versions: dict[_Version, _Part] = Field(default_factory=dict)
    scan: _Choice | None = None
    deskew: _Choice | None = None


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
    blog: _Blog = ""
    text: str = ""
    order: tuple[str, ...] = ()
    sort: Literal["", "name", "taken"] = ""
    items: dict[str, _ItemTable] = Field(default_factory=dict)
    scan: _Choice = False
    deskew: _Choice = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What post.toml says, and what of it could not be used, in the reporter's words."""

    info: PostInfo = field(default_factory=PostInfo)
    notes: tuple[str, ...] = ()


def read(data: bytes) -> Reading:
    """Parse post.toml; whatever is wrong becomes a note, never a reason not to publish."""
    try:
        table = _PostTable.model_validate(tomllib.loads(_harmless(data.decode("utf-8-sig"))))
    except ValidationError as error:
        return Reading(notes=(f"post.toml was ignored until this is mended: {_problems(error)}.",))
    # A ValueError of its own comes from numbers of thousands of digits, a RecursionError from
    # thousands of brackets.
    except (ValueError, RecursionError) as error:
        return Reading(notes=(f"post.toml was ignored, it cannot be read: {error}.",))
    return Reading(info=_post_info(table))


def _harmless(text: str) -> str:
    if _DEEP_NAME.search(text):
        raise ValueError("a name in it has too many parts")
    return text


def _problems(error: ValidationError) -> str:
    found = error.errors()
    first = [f"{_place(item['loc'])}: {_said(item)}" for item in found[:MAX_PROBLEMS]]
    more = [f"and {len(found) - MAX_PROBLEMS} more"] if len(found) > MAX_PROBLEMS else []
    return "; ".join([*first, *more])


def _said(problem: ErrorDetails) -> str:
    """What is wrong, without the parser's own words where a reporter would stumble over them."""
    if problem["type"] != "extra_forbidden":
        return _PLAIN.get(problem["type"], problem["msg"])
    *place, word = (str(part) for part in problem["loc"])
    known = list((_ItemTable if place[:1] == ["items"] else _PostTable).model_fields)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"not known here; known are {', '.join(known)}"


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:MAX_PLACE] for part in parts)


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
        blog=table.blog,
        text=table.text,
        order=table.order,
        sort=table.sort,
        items={name: _item_info(item, table.language) for name, item in table.items.items()},
        scan=table.scan,
        deskew=table.deskew,
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
        clip=item.clip,
        version=item.version,
        versions=item.versions,
        scan=item.scan,
        deskew=item.deskew,
    )


def _titles(title: str | dict[str, str], language: str) -> tuple[str, dict[str, str]]:
    if isinstance(title, str):
        return title, {}
    return title.get(language) or next(iter(title.values()), ""), title
