"""One table from what a tool complains of to whose fault it is and what the reporter reads.

Owns the patterns over ffmpeg's standard error and over the messages of decoding libraries, most
telling first. Refuses to run anything and to guess: what no row explains is a ToolBug, so that
somebody looks. Every row has a complaint captured from the real tool in the tests.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from pipeline.errors import (
    BadInput,
    ConfigError,
    DiskFull,
    Hostile,
    NewsreelError,
    OverLimit,
    ToolBug,
    ToolKilled,
    Unreadable,
    Unsupported,
)

if TYPE_CHECKING:
    from pipeline.process import Finished

Row = tuple[str, type[NewsreelError], str]

TABLE: tuple[Row, ...] = (
    (
        r"No space left on device|Disk quota exceeded",
        DiskFull,
        "There is no room left on the disk for scratch files.",
    ),
    (
        # Of protocols and formats; that no decoder is allowed may be our own wish.
        r"(?<!\)) not on whitelist|not in whitelist",
        Hostile,
        "The file tries to open other files or addresses; it was not followed.",
    ),
    (
        r"exceeds specified max pixel count",
        OverLimit,
        "The picture is larger than allowed (limits.max_frame_pixels).",
    ),
    (
        r"pthread_create|Resource temporarily unavailable",
        ToolKilled,
        "The machine is too busy to start another piece of work.",
    ),
    (
        r"Cannot allocate memory|malloc of size|bad_alloc|MemoryError",
        OverLimit,
        "The file wants more memory than is allowed (limits.memory_bytes).",
    ),
    (
        r"File too large",
        OverLimit,
        "What would be made of this file is larger than any file may grow here.",
    ),
    (
        r"Unknown encoder|No such filter|Encoder not found",
        ConfigError,
        "The configured ffmpeg lacks a part that Newsreel needs: run `newsreel doctor`.",
    ),
    (
        r"sub-sample encryption info|decryption key|is encrypted",
        Unsupported,
        "The file is encrypted (copy protection): upload a copy without protection.",
    ),
    (
        r"moov atom not found",
        Unreadable,
        "The film's index is missing: the recording or the copy was cut short. Copy it again.",
    ),
    (
        r"Decoding requested, but no decoder found|Unsupported codec|Decoder not found",
        Unsupported,
        "The file uses a codec that Newsreel cannot decode: export it as MP4 (H.264).",
    ),
    (
        r"Error while opening encoder|Unrecognized option|Option not found",
        ToolBug,
        "Newsreel asked its media tool for something it cannot do.",
    ),
    (
        r"matches no streams|does not contain any stream|received no packets",
        Unreadable,
        "Nothing in the file can be played: no picture and no sound was found in it.",
    ),
    (
        (
            r"Invalid data found when processing input|EBML header parsing failed"
            r"|Picture size \d+x\d+ is invalid"
        ),
        Unreadable,
        "The file is damaged and cannot be read: copy it again from the card.",
    ),
)
_ROWS = tuple((re.compile(pattern), leaf, public) for pattern, leaf, public in TABLE)


def failure(complaint: str, *, evidence: str = "") -> NewsreelError:
    """The error that explains `complaint`; a ToolBug where no row does."""
    evidence = evidence or complaint
    for pattern, leaf, public in _ROWS:
        if pattern.search(complaint):
            return leaf(public, evidence=evidence)
    return ToolBug("A media tool failed in a way we did not foresee.", evidence=evidence)


def of(finished: Finished) -> NewsreelError:
    """Why a tool that ended with a failure did so; the exact command line is in the evidence."""
    evidence = f"exit {finished.returncode}: {' '.join(finished.argv)}\n{finished.stderr}"
    if finished.returncode == -signal.SIGXFSZ:
        return failure("File too large", evidence=evidence)
    if finished.returncode < 0:
        return Hostile("The file breaks the program that reads it.", evidence=evidence)
    return failure(finished.stderr, evidence=evidence)


def unreadable(complaint: str) -> BadInput:
    """The same for a parser that only ever saw one uploaded file: unexplained is unreadable."""
    found = failure(complaint)
    if isinstance(found, BadInput):
        return found
    return Unreadable("The file cannot be read.", evidence=complaint)
