"""What an item is, and where it stands.

Owns the two words that everybody uses, and nothing else.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an item is to its reader."""

    VIDEO = "video"
    AUDIO = "audio"
    PHOTO = "photo"


class State(StrEnum):
    """Where an item stands, in the order it passes through them."""

    WAITING = "waiting"
    PROCESSING = "processing"
    PLAYABLE = "playable"
    PUBLISHED = "published"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
