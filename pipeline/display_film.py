"""What a film is played from.

Owns what the player is told of a film: its playlists, the file that plays without script, the
sizes to choose from, the pictures for seeking, and whether more of it is still to come. The
player itself is assets/film.js. Refuses to decide whether a film is shown at all: see `display`.
"""

from __future__ import annotations

from typing import Any

from pipeline import display
from pipeline.model import Artifact, ItemManifest, State

# Asked of a browser where a film's own rate is not known: most films are no faster.
_USUAL_FPS = 30.0


def playlist(item: ItemManifest) -> Artifact | None:
    """The playlist every player can use; None where there is only the file."""
    return _first(item, "hls")


def file(item: ItemManifest) -> Artifact | None:
    """The whole film as one file; None until it is complete."""
    return _first(item, "video")


def plain(item: ItemManifest) -> Artifact:
    """What the element itself names, for browsers that run no script.

    Raises StopIteration for a film that does not play yet.
    """
    return next(made for made in (file(item), playlist(item)) if made)


def is_growing(item: ItemManifest) -> bool:
    """Whether what is ready is not the whole film, and the rest is being made."""
    return _is_partial(item) and item.state is not State.FAILED


def is_cut_short(item: ItemManifest) -> bool:
    """Whether the rest of the film will not come: its making failed."""
    return _is_partial(item) and item.state is State.FAILED


def ready_ms(item: ItemManifest) -> int:
    """How much of the film plays by now."""
    made = playlist(item)
    return int(made.extra.get("ready_ms") or made.duration_ms or 0) if made else 0


def sizes(item: ItemManifest) -> tuple[int, ...]:
    """The short sides a viewer can choose from, in either codec, largest first."""
    return tuple(sorted({display.short_side(made) for made in _rungs(item)}, reverse=True))


def av1(item: ItemManifest) -> Artifact | None:
    """The playlist for players that decode AV1 with ease; None while there is none."""
    return _first(item, "hls-av1") if _av1_rungs(item) else None


def av1_question(item: ItemManifest) -> dict[str, Any]:
    """What to ask the browser's Media Capabilities before AV1 is used.

    It is about the largest size, because a device that plays that plays them all. Raises
    ValueError for a film without AV1.
    """
    top = max(_av1_rungs(item), key=display.short_side)
    return {
        "contentType": f'video/mp4; codecs="{_video_codec(top)}"',
        "width": top.width,
        "height": top.height,
        "bitrate": top.extra.get("peak_bps") or top.extra.get("average_bps") or 0,
        "framerate": _fps(item, top),
    }


def storyboard(item: ItemManifest) -> Artifact | None:
    """The WebVTT file that says where in which sprite the picture of a moment is."""
    return _first(item, "storyboard")


def _fps(item: ItemManifest, rung: Artifact) -> float:
    length_ms = rung.duration_ms or item.duration_ms
    if not rung.frames or not length_ms:
        return _USUAL_FPS
    return round(rung.frames * 1000 / length_ms, 3)


def _video_codec(rung: Artifact) -> str:
    """The picture's part of a codecs string: an AV1 player is asked about AV1 alone."""
    codecs = str(rung.extra.get("codecs", "")).split(",")
    return next((one.strip() for one in codecs if one.strip().startswith("av01.")), "av01.0.08M.08")


def _is_partial(item: ItemManifest) -> bool:
    made = playlist(item)
    return made is not None and not made.extra.get("complete")


def _rungs(item: ItemManifest) -> tuple[Artifact, ...]:
    return display.with_roles(item, "rung")


def _av1_rungs(item: ItemManifest) -> list[Artifact]:
    return [made for made in _rungs(item) if made.extra.get("codec") == "av1"]


def _first(item: ItemManifest, role: str) -> Artifact | None:
    return next(iter(display.with_roles(item, role)), None)
