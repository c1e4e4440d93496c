"""What of a film can be watched now: from its records to playlists and outputs.

Owns how far each rung is ready without a gap, when a film is complete, which sound goes with it,
and the keys of its playlists. Pure. `manifest` puts the outputs into the item, `publish` writes
the playlists, and `playlist` knows their lines.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from pipeline import address, languages, playlist, spoken
from pipeline.model import (
    Artifact,
    CopyOut,
    Object,
    Plan,
    Reel,
    SoundOut,
    Step,
    VideoOut,
    digest,
)
from pipeline.playlist import Piece, Rendition, Variant
from pipeline.records import ItemRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film as it can be watched now. `playlists` are written in this order, `index` last."""

    outputs: tuple[Artifact, ...] = ()
    playlists: tuple[Object, ...] = ()
    index: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """One rung in one codec: what is there of it from the start on, without a piece missing.

    No fragment lasts longer than `target_s`, also none that is still to come.
    """

    codec: str
    rung: int
    out: VideoOut | CopyOut
    made: tuple[Reel, ...]
    complete: bool
    target_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    """One language's sound."""

    name: str
    made: Reel


def name(plan: Plan) -> str:
    """The folder of a plan's playlists: another source or another ladder gets another one."""
    made = [s.fingerprint for s in plan.steps if isinstance(s.outputs[0], _PARTS)]
    return digest(made)[:12]


_PARTS = (VideoOut, CopyOut, SoundOut)


def shown(records: ItemRecords) -> Film:
    """Everything of a film that can be shown now; nothing until its first seconds are there."""
    plan = records.plan
    if plan is None:
        return Film()
    sizes = [size for size in _sizes(plan, records) if size.made]
    tracks = list(_tracks(plan, records))
    plain = [size for size in sizes if size.codec == "h264"]
    if not plain or (not tracks and _waits_for_sound(plan, records)):
        return Film()
    stage = _Stage(
        records=records,
        base=f"{records.drop.post}/{records.drop.item}/hls/{name(plan)}",
        tracks=tuple(tracks),
        complete=_is_complete(plan, records),
        until=_until(tracks, plain, plan, records),
    )
    newer = [size for size in sizes if size.codec == "av1"]
    return stage.film(plain, newer if newer and all(size.complete for size in newer) else [])


def _sizes(plan: Plan, records: ItemRecords) -> list[_Size]:
    """Every rung, smallest first."""
    steps: dict[tuple[str, int], list[tuple[Step, VideoOut | CopyOut]]] = {}
    for step in plan.steps:
        for out in step.outputs:
            if isinstance(out, VideoOut | CopyOut):
                codec = out.codec if isinstance(out, VideoOut) else "h264"
                steps.setdefault((codec, out.short_side), []).append((step, out))
    return [_size(codec, rung, parts, records) for (codec, rung), parts in sorted(steps.items())]


def _size(
    codec: str, rung: int, parts: list[tuple[Step, VideoOut | CopyOut]], records: ItemRecords
) -> _Size:
    made: list[Reel] = []
    complete = True
    for step, out in parts:
        if not _is_over(step, records):
            complete = False
            break
        done = records.done.get(step.fingerprint)
        found = done.artifacts if done else ()
        made += [a for a in found if a.key.endswith(f"/{out.file}") and isinstance(a, Reel)]
    return _Size(
        codec=codec,
        rung=rung,
        out=parts[0][1],
        made=tuple(made),
        complete=complete,
        target_s=_target_s([out for _, out in parts], made, records),
    )


def _is_over(step: Step, records: ItemRecords) -> bool:
    return step.fingerprint in records.done or step.fingerprint in records.failed


def _sound_steps(plan: Plan) -> list[Step]:
    return [step for step in plan.steps if isinstance(step.outputs[0], SoundOut)]


def _tracks(plan: Plan, records: ItemRecords) -> Iterator[_Track]:
    """Every language that is ready; of the main one, its opening until the whole is there."""
    found = {
        step.name: made
        for step in _sound_steps(plan)
        if step.fingerprint in records.done
        for made in records.done[step.fingerprint].artifacts
        if isinstance(made, Reel)
    }
    opening = found.pop(OPENING, None)
    if MAIN_SOUND not in found:
        if opening:
            yield _Track(name=OPENING, made=opening)
        if _waits_for_sound(plan, records):
            return  # other languages alone are no sound to begin with
    for step, made in found.items():
        yield _Track(name=step, made=made)


OPENING, MAIN_SOUND = "sound-opening", "sound-0"


def _waits_for_sound(plan: Plan, records: ItemRecords) -> bool:
    return any(s.name == MAIN_SOUND and not _is_over(s, records) for s in _sound_steps(plan))


def _is_complete(plan: Plan, records: ItemRecords) -> bool:
    """True where nothing more will be appended: every H.264 chunk and the main sound are over."""
    return all(
        _is_over(step, records)
        for step in plan.steps
        if step.name == MAIN_SOUND
        or isinstance(step.outputs[0], CopyOut)
        or (isinstance(out := step.outputs[0], VideoOut) and out.codec == "h264")
    )


def _until(tracks: list[_Track], sizes: list[_Size], plan: Plan, records: ItemRecords) -> Fraction:
    """How far picture and sound reach together, in seconds."""
    # A copied size is there all at once; what is encoded says how far the film is.
    encoded = [size for size in sizes if isinstance(size.out, VideoOut)] or sizes
    seen = max(_end(size.made[-1]) for size in encoded)
    if _waits_for_sound(plan, records) and tracks:
        return min(seen, _end(tracks[0].made))
    return seen


def _end(made: Reel) -> Fraction:
    return Piece(url="", inside=made.inside).end


def _cut(reel: Reel, until: Fraction) -> Reel:
    """The part of a reel that is over by then."""
    last = until * reel.inside.timescale
    kept = tuple(s for s in reel.inside.segments if s.start + s.duration <= last)
    return dataclasses.replace(reel, inside=dataclasses.replace(reel.inside, segments=kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """What the playlists of one film have in common."""

    records: ItemRecords
    base: str
    tracks: tuple[_Track, ...]
    complete: bool
    until: Fraction

    def film(self, plain: list[_Size], newer: list[_Size]) -> Film:
        cut = [dataclasses.replace(size, made=self._within(size.made)) for size in plain]
        plain = [size for size in cut if self._keeps_up(size)]
        if not plain:
            return Film()
        sizes = [self._size(size) for size in (*plain, *newer)]
        sounds = [self._sound(track) for track in self.tracks]
        captions = spoken.subtitles(self.records) if self.complete else ()
        texts = [self._subtitles(made) for made in captions]
        variants = {
            codec: [variant for size, variant, _ in sizes if size.codec == codec]
            for codec in ("h264", "av1")
        }
        heard, read = [r for r, _ in sounds], [r for r, _ in texts]
        index = [self._object("index", playlist.multivariant(variants["h264"], heard, read))]
        if newer:
            index.append(self._object("av1", playlist.multivariant(variants["av1"], heard, read)))
        objects = [obj for _, _, obj in sizes] + [o for _, o in sounds] + [o for _, o in texts]
        outputs = [self._index_output(obj, variants) for obj in index]
        outputs += [_size_output(size, variant, obj) for size, variant, obj in sizes]
        return Film(outputs=tuple(outputs), playlists=tuple(objects), index=tuple(index))

    def _within(self, made: tuple[Reel, ...]) -> tuple[Reel, ...]:
        """What does not go on where the other sizes, or the sound, have ended."""
        if self.complete:
            return made
        cut = (_cut(reel, self.until) for reel in made)
        return tuple(reel for reel in cut if reel.inside.segments)

    def _keeps_up(self, size: _Size) -> bool:
        """True where a player may change to this size now without falling back in time."""
        if self.complete or not size.made:
            return bool(size.made)
        return _end(size.made[-1]) + 2 * Fraction(_usual_s(size.out)) > self.until

    def _object(self, name: str, text: str) -> Object:
        return Object(
            key=f"{self.base}/{name}.m3u8",
            body=text.encode(),
            media_type=playlist.MEDIA_TYPE,
            cache=address.POINTER if self.complete else address.FRESH,
        )

    def _pieces(self, made: tuple[Reel, ...]) -> list[Piece]:
        page = f"{self.base}/index.m3u8"
        return [Piece(url=address.relative(page, m.key), inside=m.inside) for m in made]

    def _size(self, size: _Size) -> tuple[_Size, Variant, Object]:
        pieces = self._pieces(size.made)
        prefix = "" if size.codec == "h264" else f"{size.codec}-"
        text = playlist.media(pieces, target_s=size.target_s, complete=self.complete)
        obj = self._object(f"{prefix}{size.rung}", text)
        variant = Variant(
            url=obj.key.rpartition("/")[2],
            codecs=max(piece.inside.codec for piece in pieces),
            width=size.out.width,
            height=size.out.height,
            frame_rate=size.out.frame_rate,
            rates=playlist.rates(pieces, size.target_s),
        )
        return size, variant, obj

    def _sound(self, track: _Track) -> tuple[Rendition, Object]:
        # A fragment more than the pictures have: players want sound up to the last of them.
        made = track.made if self.complete else _cut(track.made, self.until + _SOUND_TARGET_S)
        pieces = self._pieces((made,))
        text = playlist.media(pieces, target_s=_SOUND_TARGET_S, complete=self.complete)
        # The opening and the whole are one rendition: a player that asks again goes on in it.
        obj = self._object(MAIN_SOUND if track.name == OPENING else track.name, text)
        extra = track.made.extra
        rendition = Rendition(
            url=obj.key.rpartition("/")[2],
            name=str(extra.get("label") or languages.label(track.made.language or "und")),
            language=track.made.language or "und",
            default=bool(extra.get("default")),
            codecs=track.made.inside.codec,
            channels=int(extra.get("channels", 2)),
            rates=playlist.rates(self._pieces((track.made,)), _SOUND_TARGET_S),
        )
        return rendition, obj

    def _subtitles(self, made: Artifact) -> tuple[Rendition, Object]:
        language = made.language or "und"
        url = address.relative(f"{self.base}/index.m3u8", made.key)
        obj = self._object(f"captions-{language}", playlist.whole(url, float(self.until)))
        name = str(made.extra.get("label") or languages.label(language))
        heard = self.tracks[0].made.language if self.tracks else None
        rendition = Rendition(
            url=obj.key.rpartition("/")[2],
            name=name,
            language=language,
            transcribes=languages.same(language, heard or "und"),
        )
        return rendition, obj

    def _index_output(self, obj: Object, variants: dict[str, list[Variant]]) -> Artifact:
        is_av1 = obj.key.endswith("/av1.m3u8")
        codecs = sorted({v.codecs for v in variants["av1" if is_av1 else "h264"]})
        ready_ms = round(self.until * 1000)
        extra = {"complete": self.complete, "ready_ms": ready_ms, "codecs": codecs[-1]}
        made = _output("hls-av1" if is_av1 else "hls", obj)
        return dataclasses.replace(made, duration_ms=ready_ms, extra=extra)


# A fragment of sound is a few samples longer than one of pictures.
_SOUND_TARGET_S = 5


# Of uneven films, all pauses above this are known from `Probe.cuts`, where any are.
_PAUSE_S = Fraction(1)


def _target_s(outs: list[VideoOut | CopyOut], made: list[Reel], records: ItemRecords) -> float:
    """What bounds every fragment of a size; it may not change while the film is made."""
    usual = _usual_s(outs[0])
    if isinstance(outs[0], CopyOut):
        # All of it is there at once, with the camera's own distances between key frames.
        lasting = [
            Fraction(s.duration, m.inside.timescale) for m in made for s in m.inside.segments
        ]
        return max([usual, *map(float, lasting)])
    if not outs[0].gop_ms:
        return usual
    # A group ends with the first picture after its time, however long the one before stands.
    return max(usual, float(min(Fraction(usual) + _pause_s(records), _chunk_s(outs))))


def _pause_s(records: ItemRecords) -> Fraction:
    """How long a picture of an uneven film may stand; the first one stands from zero."""
    probe = records.plan.probe if records.plan else None
    cuts, streams = (probe.cuts, probe.video) if probe else ((), ())
    known = max((begins - before for begins, before in cuts), default=0)
    late = max((stream.start_ms for stream in streams), default=0)
    return max(_PAUSE_S, Fraction(known + max(0, late), 1000))


def _chunk_s(outs: list[VideoOut | CopyOut]) -> Fraction:
    """The longest chunk, by which every fragment is bounded: an hour where none is known."""
    parts = [out for out in outs if isinstance(out, VideoOut)]
    lasting = [out.end_s - out.begin_s for out in parts if out.end_s is not None]
    return max(lasting) if len(lasting) == len(parts) else Fraction(3600)


def _usual_s(out: VideoOut | CopyOut) -> float:
    frames = out.gop_frames if isinstance(out, VideoOut) else out.frame_rate * 2
    return float(frames / out.frame_rate)


def _output(role: str, obj: Object) -> Artifact:
    body = obj.body if isinstance(obj.body, bytes) else b""
    return Artifact(
        role=role,
        key=obj.key,
        media_type=obj.media_type,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def _size_output(size: _Size, variant: Variant, obj: Object) -> Artifact:
    return dataclasses.replace(
        _output("rung", obj),
        bytes=sum(made.bytes for made in size.made),
        width=variant.width,
        height=variant.height,
        frames=sum(made.frames or 0 for made in size.made),
        duration_ms=round(_end(size.made[-1]) * 1000),
        extra={
            "label": f"{size.rung}p",
            "codec": size.codec,
            "codecs": variant.codecs,
            "average_bps": variant.rates.average,
            "peak_bps": variant.rates.peak,
        },
    )
