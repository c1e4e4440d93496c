"""Chapters of a film or recording as files: JSON for podcast players, WebVTT for video players.

Owns their two formats and their names beside an item. Pure. Where an item has no chapters there
are no files. `pages` lists them among a post's files, `feeds` points at them.
"""

from __future__ import annotations

import json

from pipeline import address
from pipeline.escape import html_text
from pipeline.model import Chapter, ItemManifest, Object

JSON_FILE, VTT_FILE = "chapters.json", "chapters.vtt"
# The media type that the podcast namespace gives its chapters (docs/tags/chapters.md).
JSON_TYPE = "application/json+chapters"
_VTT_TYPE = "text/vtt; charset=utf-8"


def files(item: ItemManifest) -> tuple[Object, ...]:
    """Both files; none for an item without chapters."""
    if not item.chapters:
        return ()
    return (
        _pointer(item, JSON_FILE, _json(item.chapters), JSON_TYPE),
        _pointer(item, VTT_FILE, _webvtt(item.chapters), _VTT_TYPE),
    )


def _pointer(item: ItemManifest, name: str, text: str, media_type: str) -> Object:
    key = address.file(item, name)
    return Object(key=key, body=text.encode(), media_type=media_type, cache=address.POINTER)


def _json(chapters: tuple[Chapter, ...]) -> str:
    """Version 1.2.0 of the podcast namespace's JSON chapters; times in seconds."""
    marks = [
        {"startTime": one.start_ms / 1000, "endTime": one.end_ms / 1000, "title": one.title}
        for one in chapters
    ]
    return json.dumps({"version": "1.2.0", "chapters": marks}, ensure_ascii=False) + "\n"


def _webvtt(chapters: tuple[Chapter, ...]) -> str:
    cues = (
        f"{_time(one.start_ms)} --> {_time(one.end_ms)}\n{html_text(one.title)}\n"
        for one in chapters
    )
    return "\n".join(("WEBVTT\n", *cues))


def _time(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
