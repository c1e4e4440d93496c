"""Encoding profiles: from TOML to `model.Profile`, with every mistake at once.

Owns where profiles are looked for, `extends`, and the bounds within which a number makes sense.
Refuses to decide anything from a profile: that is `pipeline.plan`. The numbers and their reasons
stand beside this file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.model import Profile, VideoProfile, adapter, digest

_BUILT_IN = Path(__file__).parent

# Names that the house's own profile does without.
_OPTIONAL = frozenset({"video.rungs.codec", "video.rungs.x264"})

# Where a value is a number at all but makes no sense: name -> smallest, largest.
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "video.rungs.short_side": (64, 8192),
    "video.rungs.crf": (0, 51),
    "video.rungs.max_bps": (50_000, 500_000_000),
    # SVT-AV1's own presets; below 2, a minute of film takes hours.
    "video.av1_preset": (2, 13),
    "video.max_fps": (1, 240),
    "video.gop_seconds": (0.5, 20),
    "video.chunk_seconds": (1, 3600),
    # 0: nothing is ever copied.
    "video.copy_max_bps": (0, 500_000_000),
    "video.storyboard_thumbs": (4, 1000),
    "video.poster_quality": (1, 95),
    "audio.loudness_lufs": (-40, -5),
    "audio.true_peak_dbtp": (-20, 0),
    "audio.max_gain_db": (0, 60),
    "audio.aac_bps_per_channel": (16_000, 256_000),
    "audio.mp3_bps_per_channel": (16_000, 160_000),
    "audio.waveform_bars": (10, 2000),
    "photo.widths": (16, 16_384),
    "photo.jpeg_quality": (1, 95),
    "photo.avif_quality": (1, 100),
    "photo.avif_speed": (0, 10),
    "photo.scan_pixels": (1, 2**32),
    "photo.scan_width": (16, 16_384),
    "photo.scan_quality": (1, 95),
    "photo.loop_width": (16, 4096),
    "photo.loop_crf": (0, 51),
    "limits.max_bytes": (1, 2**50),
    "limits.max_duration_s": (1, 7 * 86_400),
    "limits.max_frame_pixels": (1, 2**30),
    "limits.max_photo_pixels": (1, 2**32),
    "limits.max_streams": (1, 1000),
    "limits.max_text_bytes": (1, 2**30),
    # Below, no encoder starts.
    "limits.memory_bytes": (2**29, 2**43),
    "limits.step_timeout_s": (10, 7 * 86_400),
    "limits.stall_s": (5, 3600),
}

_PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip

# Options of x264 on which the joints between chunks, the switching between rungs, and equal bytes
# from equal work depend: `pipeline.graph` alone sets them.
_X264_RESERVED = (
    "keyint", "min-keyint", "scenecut", "open-gop", "intra-refresh", "threads",
    "lookahead-threads", "sliced-threads", "sync-lookahead", "non-deterministic", "stats", "pass",
    "crf", "bitrate", "qp", "vbv-maxrate", "vbv-bufsize", "nal-hrd", "fps", "timebase", "opencl",
)  # fmt: skip

_X264_NAME = re.compile(r"[0-9a-z][0-9a-z-]*")

# What both AAC and MP3 (MPEG-1) can carry.
_SAMPLE_RATES = (32_000, 44_100, 48_000)


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Every profile that `load` knows: those in the operator's `folder`, and the built-in ones."""
    return tuple(sorted({file.stem for place in _places(folder) for file in place.glob("*.toml")}))


def load(name: str, folder: Path | None = None) -> Profile:
    """The profile of that name; a file in `folder` hides a built-in one.

    Its version is a number made from its contents, so that none forgets to raise it. Raises
    ConfigError with every mistake in the file, or with the nearest name when there is none.
    """
    table = _extended(name, folder, ())
    plain = {key: value for key, value in table.items() if key != "summary"}
    facts = {**table, "name": name, "version": int(digest(plain)[:12], 16)}
    return _checked(name, facts)


def load_all(folder: Path | None = None) -> dict[str, Profile]:
    """Every profile by its name; raises ConfigError for the first file with mistakes."""
    return {name: load(name, folder) for name in names(folder)}


def _places(folder: Path | None) -> tuple[Path, ...]:
    return (_BUILT_IN,) if folder is None else (folder, _BUILT_IN)


# --- reading ---------------------------------------------------------------------------------


def _extended(name: str, folder: Path | None, above: tuple[Path, ...]) -> dict[str, Any]:
    """A profile's table laid over the one it extends; its own name means the one it hides."""
    file = _found(name, folder, above)
    table = _read(name, file)
    base = table.pop("extends", None)
    if base is None:
        return table
    return _laid_over(_extended(str(base), folder, (*above, file)), table)


def _found(name: str, folder: Path | None, above: tuple[Path, ...]) -> Path:
    """The first file of that name that is not already being read."""
    if name not in names(folder):
        raise ConfigError(_no_such(name, names(folder)))
    files = [file for place in _places(folder) if (file := place / f"{name}.toml").is_file()]
    fresh = [file for file in files if file not in above]
    if not fresh:
        circle = " and ".join(sorted({file.stem for file in above}))
        raise ConfigError(f"These profiles extend each other in a circle: {circle}.")
    return fresh[0]


def _read(name: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(
            f"The profile {name} cannot be read: {error}.", evidence=str(file)
        ) from error


def _no_such(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"There is no profile {name}; {guess}There are: {', '.join(known)}."


def _laid_over(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, everything else (rungs and widths too) is replaced as a whole."""
    merged = dict(base)
    for key, value in table.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _laid_over(below, value) if both else value  # type: ignore[arg-type]
    return merged


# --- checking --------------------------------------------------------------------------------


def _checked(name: str, facts: Mapping[str, Any]) -> Profile:
    unknown = list(_unknown(facts))
    try:
        profile: Profile = adapter(Profile).validate_python(facts)
    except ValidationError as error:
        wrong = [f"{_path(detail['loc'])}: {detail['msg']}" for detail in error.errors()]
        raise _mistaken(name, [*unknown, *wrong]) from None
    if mistakes := [*unknown, *_out_of_bounds(facts), *_misfits(profile)]:
        raise _mistaken(name, mistakes)
    return profile


def _mistaken(name: str, mistakes: Sequence[str]) -> ConfigError:
    lines = "".join(f"\n  {line}" for line in mistakes)
    return ConfigError(f"The profile {name} has mistakes (docs/configuration.md):{lines}")


def _path(place: Sequence[int | str]) -> str:
    """A place in a profile as its file spells it: rungs count from 1."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place)


def _unknown(facts: Mapping[str, Any]) -> Iterator[str]:
    """Names that no part of a profile has: they would be ignored silently."""
    known = {".".join(place) for place in _places_of(_pattern())} | _OPTIONAL
    for place in {".".join(place) for place in _places_of(facts)} - known:
        near = difflib.get_close_matches(place, known, n=1)
        yield f"{place}: there is no such name" + (f"; did you mean {near[0]}?" if near else "")


def _pattern() -> Mapping[str, Any]:
    """A whole profile as a table: the one that the house itself comes with."""
    table = tomllib.loads((_BUILT_IN / "default.toml").read_text(encoding="utf-8"))
    return {**table, "name": "", "version": 0}


def _places_of(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every name of a nested table, with those above it; lists add none."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*above, key)
            yield from _places_of(below, (*above, key))
    elif isinstance(value, list):
        for below in value:
            yield from _places_of(below, above)


def _out_of_bounds(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, (low, high) in _BOUNDS.items():
        for number in _numbers(facts, name.split(".")):
            if not low <= number <= high:
                yield f"{name}: {number} is not between {low:g} and {high:g}"


def _numbers(value: Any, names: Sequence[str]) -> Iterator[float]:
    """Every number at a place; a list on the way stands for each of its entries."""
    if isinstance(value, list):
        for entry in value:
            yield from _numbers(entry, names)
    elif names:
        yield from _numbers(value[names[0]], names[1:])
    else:
        yield value


def _misfits(profile: Profile) -> Iterator[str]:
    """Values that are fine alone and wrong together."""
    yield from _video_misfits(profile.video)
    widths = profile.photo.widths
    if profile.audio.sample_rate not in _SAMPLE_RATES:
        yield f"audio.sample_rate: {profile.audio.sample_rate} is none of {_SAMPLE_RATES}"
    if not widths or list(widths) != sorted(set(widths)):
        yield "photo.widths: at least one, each larger than the one before"


def _video_misfits(video: VideoProfile) -> Iterator[str]:
    plain = [rung.short_side for rung in video.rungs if rung.codec == "h264"]
    newer = [rung.short_side for rung in video.rungs if rung.codec == "av1"]
    if not plain or any(sides != sorted(set(sides)) for sides in (plain, newer)):
        yield "video.rungs: at least one in h264, each larger than the one before of its codec"
    if video.stable_rung not in plain:
        yield f"video.stable_rung: {video.stable_rung} is none of the h264 rungs {plain}"
    if video.preset not in _PRESETS:
        yield f"video.preset: {video.preset} is none of {', '.join(_PRESETS)}"
    if video.chunk_seconds < video.gop_seconds:
        yield "video.chunk_seconds: a chunk holds at least one group of gop_seconds"
    for options in (video.x264, *(rung.x264 for rung in video.rungs)):
        yield from _x264_misfits(options)


def _x264_misfits(options: str) -> Iterator[str]:
    """What x264 itself would only find out in the middle of the work."""
    for option in filter(None, options.split(":")):
        # x264 takes each of its names with "_" for "-", and with "no-" before it.
        name = option.partition("=")[0].replace("_", "-").removeprefix("no-")
        if not _X264_NAME.fullmatch(name):
            yield f"video.x264: {option} is not of the form name=value"
        elif name in _X264_RESERVED:
            yield f"video.x264: {name} is Newsreel's own to set"
