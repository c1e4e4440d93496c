"""Lengths of time and numbers of bytes as people write them, the same everywhere they are told.

Refuses words: those are in `phrases`, in two languages.
"""

from __future__ import annotations


def clock(duration_ms: int) -> str:
    """A length of time as players write it: 3:12, 1:02:03; halves round up."""
    seconds = (duration_ms + 500) // 1000
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def size(count: int) -> str:
    """A number of bytes in decimal units, as download pages write it."""
    if count < 1000:  # noqa: PLR2004 - the SI step
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":  # noqa: PLR2004 - what would print as 1000
            break
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"  # noqa: PLR2004


def rate(bps: int) -> str:
    """The speed of a line as it is sold: 256 kbit/s, 2 Mbit/s."""
    if bps < 1_000_000:  # noqa: PLR2004 - the SI step
        return f"{bps // 1000} kbit/s"
    return f"{bps / 1_000_000:g} Mbit/s"
