"""The makers of films: chunks, their sound, what is joined from them, and their pictures.

Owns the checks a film has to pass: every chunk's size, times and decoding, and in the end the
whole: frames counted, seams decoded, picture and sound of one length. Refuses to choose anything.
`render` calls these; `shop` holds the tools they share.
"""

from __future__ import annotations

import dataclasses
import logging
import mmap
import shutil
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline import flaws, fragments, graph, graph_stills, loudness, storyboard
from pipeline.errors import BadInput, ToolBug, Unfit, Unreadable
from pipeline.facts import Facts
from pipeline.figures import clock
from pipeline.film import OPENING
from pipeline.model import (
    CopyOut,
    CoverOut,
    FilmOut,
    PosterOut,
    PreviewOut,
    Reel,
    SoundOut,
    Step,
    StoryboardOut,
    VideoOut,
)
from pipeline.process import call, run
from pipeline.shop import (
    Made,
    Progress,
    Report,
    Shop,
    artifact,
    cut_short,
    diagnosed,
    doubt,
    encode,
    facts_of,
    facts_of_all,
    image_artifact,
    measured_sound,
    part,
    python_child,
)

log = logging.getLogger(__name__)

# Pictures that stand still for this long, in a film of even rate, are missing.
PAUSE_MS = 500
# Picture and sound of a film are together to its end, to this much.
MAX_OFFSET_MS = 20
# Times are told in whole milliseconds, of the source as of what was made.
ROUNDED_MS = 2
# Of the pictures that fit into a chunk: some are missing in many recordings.
ENOUGH = Fraction(9, 10)
# How much of a sound track's work is measuring, in percent.
MEASURED = 25


# --- chunks ----------------------------------------------------------------------------------


def make_chunk(step: Step, shop: Shop, report: Report) -> Made:
    """All rungs of one chunk; nothing at all where nothing in the chunk could be decoded."""
    encode(graph.chunk(step, shop.bench), step, shop, report)
    rungs = [out for out in step.outputs if isinstance(out, VideoOut)]
    if not any(_holds_fragments(shop.folder / rung.file) for rung in rungs):
        doubt(step, shop, "no picture could be decoded")
        return Made(artifacts=())
    for rung in rungs:
        _settle(rung, shop)
    found = facts_of_all(tuple(shop.folder / rung.file for rung in rungs), shop, step)
    artifacts = tuple(
        _rung(rung, facts, step, shop) for rung, facts in zip(rungs, found, strict=True)
    )
    _check_alike(artifacts, step)
    if any(_lacks(rung, made) for rung, made in zip(rungs, artifacts, strict=True)):
        doubt(step, shop, f"few pictures: {[made.frames for made in artifacts]}")
    return Made(artifacts=artifacts)


def _lacks(out: VideoOut, made: Reel) -> bool:
    """True where far fewer pictures came out than fit into a chunk of known length and rate."""
    if out.end_s is None or out.gop_ms:
        return False
    return (made.frames or 0) < (out.end_s - out.begin_s) * out.frame_rate * ENOUGH


def make_copy(step: Step, shop: Shop, report: Report) -> Made:
    """The source's own pictures in fragments; raises Unfit where they are not whole."""
    out = next(out for out in step.outputs if isinstance(out, CopyOut))
    try:
        encode(graph.copied(step, shop.bench), step, shop, report)
        found = facts_of(shop.folder / out.file, shop, step)
        return Made(artifacts=(_rung(out, found, step, shop),))
    except (BadInput, ToolBug) as error:
        raise Unfit(
            f"{step.source.name}: its own pictures are damaged.", evidence=error.evidence
        ) from error


def _settle(out: VideoOut, shop: Shop) -> None:
    """Where pictures come unevenly, let each last for as long as it is shown."""
    path = shop.folder / out.file
    if not out.gop_ms or not _holds_fragments(path):
        return
    end = None if out.end_s is None else round(out.end_s * out.timescale)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        fragments.settle(data, end, round(out.timescale / out.frame_rate))


def _holds_fragments(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return fragments.read(data) is not None
        except ValueError:
            return True  # something is there; measuring it will tell what is wrong


def _rung(out: VideoOut | CopyOut, found: Facts, step: Step, shop: Shop) -> Reel:
    wanted = (out.width, out.height)
    if (found.width, found.height) != wanted or not found.frames or not found.decodes:
        raise _wrong(step, f"{out.file}: wanted {wanted}, found {found}")
    _check_inside(found, step)
    extra = {"label": f"{out.short_side}p", "rung": out.short_side}
    made = artifact(out.role, shop.folder / out.file, found, extra)
    if not isinstance(made, Reel):
        raise _wrong(step, f"{out.file}: no fragments")
    return made


def _check_inside(found: Facts, step: Step) -> None:
    """A chunk must lie within its borders, or it would be shown over its neighbours."""
    known, span = found.fragmented, step.span
    if known is None:
        raise _wrong(step, "no fragments")
    begin, last = (Fraction(known.segments[at].start, known.timescale) for at in (0, -1))
    # Not the end of the last one: a picture may stand for long, until the next chunk's first.
    over = span.end_s is not None and last >= span.end_s - span.shift_s
    if begin < max(Fraction(0), span.start_s - span.shift_s) or over:
        raise _wrong(step, f"fragments from {begin} to {last} s, wanted {span}")


def _wrong(step: Step, evidence: str) -> ToolBug:
    return ToolBug(
        f"{step.source.name}: a rendition came out wrong and was not published.",
        evidence=f"{step.name}: {evidence}",
    )


def _check_alike(artifacts: tuple[Reel, ...], step: Step) -> None:
    """Players change between rungs at any fragment: all rungs must be cut at the same times."""
    # Starts alone: of the very last picture, encoders round the duration.
    cuts = {tuple(segment.start for segment in made.inside.segments) for made in artifacts}
    if len(cuts) > 1 or len({made.frames for made in artifacts}) > 1:
        raise ToolBug(
            f"{step.source.name}: the renditions differ in length and were not published.",
            evidence=str([(a.key, a.frames, a.inside) for a in artifacts]),
        )


# --- sound -----------------------------------------------------------------------------------


def make_sound(step: Step, shop: Shop, report: Report) -> Made:
    """One language's sound of the whole film, levelled as one."""
    out = next(out for out in step.outputs if isinstance(out, SoundOut))
    measured, peaks = measured_sound(step, shop, 1, part(report, 0, MEASURED))
    level = loudness.level(measured, peaks, out.track)
    encode(graph.film_sound(step, shop.bench, level), step, shop, part(report, MEASURED, 100))
    found = facts_of(shop.folder / out.file, shop, step)
    if not found.decodes or found.fragmented is None:
        raise ToolBug(
            f"{step.source.name}: the sound came out wrong and was not published.",
            evidence=f"{out.file}: {found}",
        )
    extra = {
        "loudness_before": measured.figures(),
        "gain_db": level.gain_db,
        "label": out.label,
        "default": out.default,
        "channels": out.track.channels,
    }
    made = artifact(out.role, shop.folder / out.file, found, extra, out.language)
    # The opening is only the beginning of what is judged as a whole.
    is_whole = step.name != OPENING
    notes = flaws.remarks(measured, peaks, out.track) if is_whole else ()
    return Made(artifacts=(made,), notes=notes)


# --- the film as one file --------------------------------------------------------------------


def make_film(step: Step, shop: Shop, report: Report) -> Made:
    """video.mp4 from the finished chunks and the sound; here the whole film is verified."""
    out = next(out for out in step.outputs if isinstance(out, FilmOut))
    pieces = chunks_of(out.rung, shop)
    if not pieces:
        raise Unreadable(
            f"{step.source.name}: nothing in it could be decoded. Copy it again from the camera."
        )
    sound = next((path for made, path in shop.inputs if made.role == "sound-track"), None)
    laid = lay(pieces, shop.folder / "pieces.mp4", step)
    target = shop.folder / out.file
    begin_s = _begin(pieces[0][0])
    argv = graph.joined(laid, sound, target, shop.bench, begin_s=begin_s)
    encode(argv, step, shop, report)
    laid.unlink()
    seams = tuple(round(_begin(piece) * 1000) for piece, _ in pieces[1:])
    found = facts_of(target, shop, step, seams)
    checked = _check_film(step, out, [made for made, _ in pieces], found)
    made = artifact(out.role, target, found, checked | _loudness(shop))
    seen = dataclasses.replace(made, duration_ms=round(_end(pieces[-1][0]) * 1000))
    last_ms = max(one.last_pts_ms for one in found.streams if one.type == "video")
    if short := cut_short(step, seen):  # says that the end is missing
        last_ms = out.last_ms or 0
    notes = (*_missing(step, out, [a for a, _ in pieces], last_ms), *short)
    return Made(artifacts=(made,), notes=notes or tuple(_odd(out, checked)))


def chunks_of(rung: int, shop: Shop) -> list[tuple[Reel, Path]]:
    """The finished chunks of one rung, in the order of time."""
    there = [
        (made, path)
        for made, path in shop.inputs
        if made.role == "chunk" and made.extra.get("rung") == rung and isinstance(made, Reel)
    ]
    return sorted(there, key=lambda one: _begin(one[0]))


def lay(pieces: list[tuple[Reel, Path]], target: Path, step: Step) -> Path:
    """Lay chunks end to end in one file: the first one's header, then everybody's fragments."""
    headers = {_header(path, made.inside.header_bytes) for made, path in pieces}
    if len(headers) > 1:
        raise _wrong(step, "the chunks of one rung differ in their headers")
    with target.open("wb") as whole:
        whole.write(headers.pop())
        for made, path in pieces:
            with path.open("rb") as piece:
                piece.seek(made.inside.header_bytes)
                shutil.copyfileobj(piece, whole, 1 << 20)
    return target


def _header(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        return file.read(length)


def _begin(made: Reel) -> Fraction:
    inside = made.inside
    return Fraction(inside.segments[0].start, inside.timescale)


def _end(made: Reel) -> Fraction:
    inside = made.inside
    last = inside.segments[-1]
    return Fraction(last.start + last.duration, inside.timescale)


def _check_film(step: Step, out: FilmOut, pieces: list[Reel], found: Facts) -> dict[str, Any]:
    """Frames, order in time, seams, and the two ends; raises ToolBug, answers the figures."""
    frames = sum(piece.frames or 0 for piece in pieces)
    if found.frames != frames or not found.decodes:
        raise _wrong(step, f"joined {frames} frames, found {found}")
    frame = 1 / out.frame_rate
    if any(_begin(late) < _end(early) - frame for early, late in pairwise(pieces)):
        raise _wrong(step, f"chunks overlap: {[(_begin(p), _end(p)) for p in pieces]}")
    if found.broken_ms:
        raise _wrong(step, f"seams that do not decode: {found.broken_ms} ms")
    if not all(one.in_order for one in found.streams):
        raise _wrong(step, f"times that run back, or that come twice: {found.streams}")
    return {
        "seams": len(pieces) - 1,
        "over_ms": _over_ms(step, _end(pieces[-1])),
        "av_offset_ms": _av_offset_ms(step, out, found),
        "label": f"{out.rung}p",
    }


def _over_ms(step: Step, end_s: Fraction) -> int | None:
    """How much longer the pictures are than the film should be."""
    return None if step.duration_ms is None else round(end_s * 1000) - step.duration_ms


def _av_offset_ms(step: Step, out: FilmOut, found: Facts) -> int | None:
    """How much later than its sound the last picture comes; measured against the source."""
    there = {one.type: one for one in found.streams}
    if out.last_ms is None or step.duration_ms is None or not {"audio", "video"} <= there.keys():
        return None
    picture = there["video"].last_pts_ms - out.last_ms
    heard = there["audio"]
    return picture - (heard.first_pts_ms + heard.duration_ms - step.duration_ms)


def _loudness(shop: Shop) -> dict[str, Any]:
    names = ("loudness_before", "gain_db")
    sounds = (made.extra for made, _ in shop.inputs if made.role == "sound-track")
    return {name: extra[name] for extra in sounds for name in names}


def _missing(step: Step, out: FilmOut, pieces: list[Reel], last_ms: int) -> list[str]:
    """What the reporter should know of pictures that are not there; the last is at `last_ms`."""
    stretches = [(last_ms, out.last_ms or 0)]
    if not out.variable_rate:  # else pictures may stand for long on the way
        begun = (out.late_ms, round(_begin(pieces[0]) * 1000))
        stretches = [begun, *_pauses(pieces), *stretches]
    standing = [
        f"from {clock(start)} to {clock(end)}"
        for start, end in stretches
        if end - start > max(PAUSE_MS, float(3000 / out.frame_rate))
    ]
    if standing:
        places = ", ".join(standing[:5]) + (" and elsewhere" if len(standing) > 5 else "")  # noqa: PLR2004
        return [f"The file is damaged: {places} there are no pictures, and the last one stands."]
    if out.variable_rate:
        return []
    frames = sum(piece.frames or 0 for piece in pieces)
    lost = (out.frames or frames) - frames
    if lost > 0:
        return [f"{lost} of the film's {out.frames} pictures could not be decoded."]
    if lost < 0:
        log.warning("%s: %d frames more than the file claims", step.source.name, -lost)
    return []


def _odd(out: FilmOut, checked: dict[str, Any]) -> Iterator[str]:
    """What differs from the source though nothing seems to be missing: somebody has to look."""
    over, offset = checked["over_ms"] or 0, checked["av_offset_ms"] or 0
    if abs(over) > 1000 / out.frame_rate + ROUNDED_MS:
        yield f"The film came out {abs(over) / 1000:.2f} s {'longer' if over > 0 else 'shorter'}."
    if abs(offset) > MAX_OFFSET_MS:
        yield f"Picture and sound are {abs(offset)} ms apart at the end: please watch it there."


def _pauses(pieces: list[Reel]) -> list[tuple[int, int]]:
    """Stretches, in ms, in which no picture begins: between chunks, and inside of them."""
    found: list[tuple[int, int]] = []
    for early, late in pairwise(pieces):
        found.append((round(_end(early) * 1000), round(_begin(late) * 1000)))
    for piece in pieces:
        inside = piece.inside
        found += [
            (start * 1000 // inside.timescale, end * 1000 // inside.timescale)
            for start, end in inside.pauses
        ]
    return sorted(found)


# --- pictures --------------------------------------------------------------------------------


def make_poster(step: Step, shop: Shop, report: Report) -> Made:
    """The best frame of several: plain, with a badge, and in a square."""
    outs = [out for out in step.outputs if isinstance(out, PosterOut)]
    frames: list[Path] = []
    # Some files mark no key frames, or wrong ones: those are decoded in earnest.
    for sparing in (True, False):
        argv = graph_stills.candidates(step, shop.bench, sparing=sparing)
        finished = run(shop.command(argv, step.timeout_s))
        frames = sorted(shop.folder.glob("*.ppm"), key=lambda path: int(path.stem))
        if frames:
            break
    else:
        raise diagnosed(finished, step)
    report(Progress(percent=60, text="choosing the poster"))
    # The frames were decoded from an upload, so their bytes are judged in a confined child too.
    squares = [out for out in step.outputs if isinstance(out, CoverOut)]
    arguments = {
        "frames": [str(path) for path in frames],
        "outputs": [
            {"target": str(shop.folder / out.file), "quality": out.quality, "badged": out.badge}
            for out in outs
        ],
        "squares": [
            {"target": str(shop.folder / out.file), "quality": out.quality, "side": out.longest}
            for out in squares
        ],
    }
    made = call("pipeline.images_cover:posters", arguments, python_child(step, shop))
    ordered: list[PosterOut | CoverOut] = [*outs, *squares]
    return Made(
        artifacts=tuple(
            image_artifact(out.role, shop.folder / out.file, found)
            for out, found in zip(ordered, made, strict=True)
        )
    )


def make_storyboard(step: Step, shop: Shop, report: Report) -> Made:
    """Sprites of small pictures, and the map that says which one belongs to which moment."""
    out = next(out for out in step.outputs if isinstance(out, StoryboardOut))
    laid, length_ms = _laid(out.rung, step, shop)
    number = storyboard.count(out, length_ms)
    encode(graph_stills.thumbnails(out, laid, number, shop.bench), step, shop, report)
    laid.unlink()
    sheets = [shop.folder / name for name in storyboard.sprites(out, length_ms)]
    if not all(sheet.exists() for sheet in sheets):
        raise _wrong(step, f"wanted {sheets}, found {sorted(shop.folder.glob('*.jpg'))}")
    target = shop.folder / out.file
    target.write_text(storyboard.webvtt(out, length_ms), encoding="utf-8", newline="\n")
    sprites = (artifact("sprite", sheet, None, {}) for sheet in sheets)
    return Made(artifacts=(artifact(out.role, target, None, {}), *sprites))


def make_preview(step: Step, shop: Shop, report: Report) -> Made:
    """A few moments of the film, silent, cut together."""
    out = next(out for out in step.outputs if isinstance(out, PreviewOut))
    laid, _ = _laid(out.rung, step, shop)
    encode(graph_stills.preview(out, laid, shop.bench), step, shop, report)
    laid.unlink()
    target = shop.folder / out.file
    found = facts_of(target, shop, step)
    if (found.width, found.height) != (out.width, out.height) or not found.frames:
        raise _wrong(step, f"{out.file}: {found}")
    return Made(artifacts=(artifact(out.role, target, found, {}),))


def _laid(rung: int, step: Step, shop: Shop) -> tuple[Path, int]:
    """One rung's chunks end to end, and how long they are in ms."""
    pieces = chunks_of(rung, shop)
    if not pieces:
        raise Unreadable(f"{step.source.name}: there are no pictures to choose from.")
    laid = lay(pieces, shop.folder / "pieces.mp4", step)
    return laid, round(_end(pieces[-1][0]) * 1000)
