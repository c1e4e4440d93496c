"""Where settings come from, and what is said when they are wrong.

Owns the order of sources (environment, then newsreel.toml, then the embedded stack's stack.toml,
then defaults), relative paths, and the one message that lists every mistake. Refuses to know what
a setting means: that is `config.fields`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from config.fields import PREFIX, Settings, to_environ
from pipeline.errors import ConfigError

__all__ = [
    "STACK_FILE",
    "STACK_TABLE",
    "Documented",
    "Settings",
    "documented",
    "example",
    "load",
    "load_operators",
    "to_environ",
]

STACK_FILE = "stack.toml"
STACK_TABLE = "stack"
"""The table of stack.toml that is the stack's own (ports, passwords) and no setting."""

_OWN_FILE = "newsreel.toml"
_CONFIG = PREFIX + "CONFIG"
_PATHS = ("ffmpeg", "scratch", "data", "profiles_dir", "s3_ca_bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Settings of one origin, as they were written there; `folder` is what paths start from."""

    origin: str
    values: Mapping[str, Any]
    folder: Path


def load(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """The settings in force; raises one ConfigError that lists every mistake.

    `env` and `cwd` default to the process's own.
    """
    return _settled(_sources(os.environ if env is None else env, cwd or Path.cwd()))


def load_operators(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """The same without the embedded stack's own file: what the operator alone has said."""
    return _settled(_operators(os.environ if env is None else env, cwd or Path.cwd()))


def _sources(env: Mapping[str, str], cwd: Path) -> list[Source]:
    sources = _operators(env, cwd)
    data = cwd / Settings.model_fields["data"].default
    for source in reversed(sources):  # the strongest comes last, and wins
        if isinstance(named := source.values.get("data"), str):
            data = source.folder / named
    stack = data / STACK_FILE
    return [*sources, _stacks(stack)] if stack.is_file() else sources


def _operators(env: Mapping[str, str], cwd: Path) -> list[Source]:
    """Environment and newsreel.toml, the strongest first."""
    sources = [_environments(env, cwd)]
    if named := env.get(_CONFIG):
        sources.append(_read(cwd / named, origin=named))
    elif (own := cwd / _OWN_FILE).is_file():
        sources.append(_read(own, origin=_OWN_FILE))
    return sources


def _environments(env: Mapping[str, str], cwd: Path) -> Source:
    """NEWSREEL_* variables; an empty one counts as not set, as compose files leave them."""
    values = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in env.items()
        if name.startswith(PREFIX) and name != _CONFIG and value
    }
    return Source(origin="environment", values=values, folder=cwd)


def _stacks(file: Path) -> Source:
    source = _read(file, origin=STACK_FILE)
    values = {name: value for name, value in source.values.items() if name != STACK_TABLE}
    return Source(origin=source.origin, values=values, folder=source.folder)


def _read(file: Path, *, origin: str) -> Source:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"The settings file {origin} cannot be read ({error.strerror}).", evidence=repr(error)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The parser quotes no values, only places: no secret can leak through it.
        raise ConfigError(f"The settings file {origin} is not valid TOML: {error}.") from error
    return Source(origin=origin, values=values, folder=file.parent)


# --- merging and reporting -------------------------------------------------------------------


def _settled(sources: list[Source]) -> Settings:
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source in reversed(sources):
        for name, value in source.values.items():
            merged[name] = _anchored(name, value, source.folder)
            origins[name] = source.origin
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_report(_complaints(error, origins))) from None


def _anchored(name: str, value: Any, folder: Path) -> Any:
    """Paths count from where they are written; a bare ~ is left for the setting itself."""
    if not isinstance(value, str) or not value or value.startswith("~"):
        return value
    # A model may be called by its name; what starts with a dot is a path.
    if name not in _PATHS and not (name == "transcribe_model" and value.startswith(".")):
        return value
    return str(folder / value)


def _report(complaints: Iterable[str]) -> str:
    lines = sorted(complaints)
    head = "One setting is wrong:" if len(lines) == 1 else f"{len(lines)} settings are wrong:"
    return "\n".join((head, *(f"  {line}" for line in lines)))


def _complaints(error: ValidationError, origins: Mapping[str, str]) -> Iterator[str]:
    """One line each; the values themselves never appear, some are secrets."""
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        text = detail["msg"].removeprefix("Value error, ")
        name = str(detail["loc"][0]) if detail["loc"] else ""
        if not name:
            yield text
        elif name not in Settings.model_fields:
            yield _unknown(name, origins[name])
        else:
            yield _wrong(name, text, origins.get(name, "default"))


def _unknown(name: str, origin: str) -> str:
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    guess = f"did you mean {_spelled(near[0])}?" if near else "see docs/configuration.md"
    return f"{_spelled(name)} in {origin}: there is no such setting; {guess}"


def _wrong(name: str, text: str, origin: str) -> str:
    field = Settings.model_fields[name]
    return f"{_spelled(name)} in {origin}: {text}; for example {example(name, field)}"


def _spelled(name: str) -> str:
    return f"{name} ({PREFIX}{name.upper()})"


def example(name: str, field: FieldInfo) -> str:
    """The setting's example as a line of newsreel.toml."""
    shown = (field.examples or [""])[0]
    return f"{name} = {shown}" if field.annotation is int else f'{name} = "{shown}"'


# --- documentation ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """A row of the table in docs/configuration.md."""

    name: str
    variable: str
    default: str
    meaning: str
    example: str


def documented() -> tuple[Documented, ...]:
    """Every setting as the documentation shows it, in the order of their definition."""
    return tuple(
        Documented(
            name=name,
            variable=PREFIX + name.upper(),
            default=_shown(field.default),
            meaning=field.description or "",
            example=example(name, field),
        )
        for name, field in Settings.model_fields.items()
    )


def _shown(default: Any) -> str:
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    return "" if value is None else str(value)
