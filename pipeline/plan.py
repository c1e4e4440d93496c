"""What will be made of one item: (drop, probe, profile) -> plan.

Owns every choice about sizes, rates, tracks and order of work. Pure: no file, no clock, no tool.
Refuses to know any command line: `graph` turns a step into one, `render` runs it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

from pipeline.intake import moment_ms
from pipeline.model import (
    AudioOut,
    AudioStream,
    CaptionsOut,
    Drop,
    Kind,
    Limits,
    PhotoOut,
    Plan,
    PosterOut,
    Probe,
    Profile,
    Rung,
    Sidecar,
    SoundTrack,
    Source,
    Step,
    Treatment,
    VideoOut,
    VideoProfile,
    VideoStream,
    WaveformOut,
    adapter,
    digest,
)

# A poster's long side: link cards want 1200 wide, and more only costs the reader bytes.
POSTER_LONG_SIDE = 1280
# Where to look for a poster: past the titles, spread over the film, before the credits. The very
# first frame is looked at too: of a damaged film it may be all there is.
POSTER_MOMENTS = (0.0, 0.08, 0.2, 0.33, 0.5, 0.66, 0.8)
# A rung of the source's own size is worth making when it shows this much more than the next.
WORTHWHILE = 1.15
MAX_SOUND_CHANNELS = 2

URGENT, SOON, LATER = 0, 3, 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a plan is made from; `tool` is the encoder's version, `texts` what text sidecars say."""

    drop: Drop
    probe: Probe
    profile: Profile
    tool: str
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)


def plan(order: Order) -> Plan:
    """Decide everything about one item; the same order gives the same plan, to the byte."""
    drafts, notes = _DECISIONS[order.probe.kind](order)
    return Plan(
        kind=order.probe.kind,
        source=order.drop.media,
        profile=order.profile.name,
        profile_version=order.profile.version,
        probe=order.probe,
        steps=tuple(_sealed(step, order) for step in (*drafts, *_sidecar_steps(order))),
        texts=dict(order.texts),
        notes=(*order.probe.notes, *notes),
    )


def generation(drop: Drop) -> str:
    """Name the circumstances a plan is valid for; texts that only pages show are left out.

    So are the encoder's version and the profile's: an upgrade must not encode an archive anew.
    """
    sidecars = [(s.role, s.language, s.source.identity) for s in drop.sidecars]
    wanted = (drop.info.poster, drop.profile, drop.edition)
    return digest(drop.media.identity, sidecars, wanted)[:16]


def _sealed(step: Step, order: Order) -> Step:
    """Name the step's outputs by everything their bytes depend on, and by nothing else."""
    facts: dict[str, Any] = adapter(Step).dump_python(step, mode="json")
    for aside in ("source", "fingerprint", "timeout_s", "priority", "required"):
        del facts[aside]
    name = digest(step.source.identity, facts, order.profile.version, order.tool)
    return dataclasses.replace(step, fingerprint=name[:24])


# --- film ------------------------------------------------------------------------------------


def _plan_video(order: Order) -> tuple[list[Step], list[str]]:
    stream = main_video(order.probe)
    treatment = treat(stream, order.profile.video.max_fps)
    rungs = ladder(stream, order.profile.video.rungs)
    notes = _ladder_notes(stream, rungs, order.profile.video.rungs)
    if treatment.deinterlace:
        notes.append("The film is interlaced; it was turned into full frames.")
    if treatment.tonemap:
        notes.append("The film is HDR; it was tone-mapped for ordinary screens.")
    if len(order.probe.audio) > 1:
        notes.append(f"The film has {len(order.probe.audio)} sound tracks; one is published.")
    if not order.probe.audio:
        notes.append("The film has no sound.")
    base = _step(order, "ladder", LATER)
    film = dataclasses.replace(
        base,
        treatment=treatment,
        sound=_sound_track(order),
        outputs=_rung_outs(rungs, stream, treatment, order.profile.video),
    )
    return [_poster_step(order, stream, treatment), film], notes


def main_video(probe: Probe) -> VideoStream:
    """The picture a player would show: the default track, else the largest."""
    return max(probe.video, key=lambda s: (s.default, s.width * s.height, -s.index))


def treat(stream: VideoStream, max_fps: int) -> Treatment:
    """Decide what has to happen to the frames: deinterlacing, tone mapping, a rate cap."""
    curves: dict[str, Literal["pq", "hlg"]] = {"smpte2084": "pq", "arib-std-b67": "hlg"}
    rate = output_rate(stream, max_fps)
    shown = stream.frame_rate * 2 if stream.interlaced else stream.frame_rate
    return Treatment(
        stream=stream.index,
        deinterlace=stream.interlaced,
        tonemap=curves.get(stream.colour.transfer, ""),
        colour=stream.colour,
        frame_rate=None if rate == shown else rate,
    )


def output_rate(stream: VideoStream, max_fps: int) -> Fraction:
    """Frames per second as published: fields become frames, and 120 or 240 fps a whole fraction."""
    rate = stream.frame_rate * 2 if stream.interlaced else stream.frame_rate
    divisor = max(1, math.ceil(rate / (max_fps + Fraction(1, 2))))
    return rate / divisor


def ladder(stream: VideoStream, rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """The rungs to make, smallest first: none above the source, one of its own size if it pays."""
    ordered = sorted(rungs, key=lambda rung: rung.short_side)
    short = stream.short_side
    fitting = [rung for rung in ordered if rung.short_side <= short]
    if not fitting:
        return (dataclasses.replace(ordered[0], short_side=short),)
    higher = next((rung for rung in ordered if rung.short_side > short), None)
    if higher is not None and short >= fitting[-1].short_side * WORTHWHILE:
        fitting.append(_between(fitting[-1], higher, short))
    return tuple(fitting)


def _between(low: Rung, high: Rung, short: int) -> Rung:
    """A rung of the source's own size; its cap grows with the number of pixels."""
    share = (short**2 - low.short_side**2) / (high.short_side**2 - low.short_side**2)
    cap = round(low.max_bps + share * (high.max_bps - low.max_bps))
    return Rung(short_side=short, crf=high.crf, max_bps=cap)


def fit(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Scale to a short side, even numbers rounded down so that nothing is ever enlarged."""
    scale = min(Fraction(1), Fraction(short_side, min(width, height)))
    return _even(width * scale), _even(height * scale)


def _even(value: Fraction | int) -> int:
    return max(2, int(value) // 2 * 2)


def _rung_outs(
    rungs: tuple[Rung, ...], stream: VideoStream, made: Treatment, video: VideoProfile
) -> tuple[VideoOut, ...]:
    rate = made.frame_rate or (stream.frame_rate * (2 if made.deinterlace else 1))
    small = [rung.short_side for rung in rungs if rung.short_side <= video.stable_rung]
    stable = max(small, default=rungs[0].short_side)
    sizes = [fit(stream.width, stream.height, rung.short_side) for rung in rungs]
    return tuple(
        VideoOut(
            role="rung",
            file=f"{rung.short_side}.mp4",
            width=width,
            height=height,
            crf=rung.crf,
            preset=video.preset,
            max_bps=rung.max_bps,
            gop_frames=max(1, round(rate * Fraction(video.gop_seconds))),
            frame_rate=rate,
            stable=rung.short_side == stable,
        )
        for rung, (width, height) in zip(rungs, sizes, strict=True)
    )


def _ladder_notes(
    stream: VideoStream, made: tuple[Rung, ...], offered: tuple[Rung, ...]
) -> list[str]:
    dropped = [r.short_side for r in offered if r.short_side > made[-1].short_side]
    if not dropped:
        return []
    sizes = ", ".join(f"{size}p" for size in sorted(dropped))
    return [f"Not made: {sizes}. The film itself is {stream.width}x{stream.height}."]


def _poster_step(order: Order, stream: VideoStream, treatment: Treatment) -> Step:
    width, height = _inside(stream.width, stream.height, POSTER_LONG_SIDE)
    moments = _moments(order.drop.info.poster, order.probe.duration_ms)
    outs = tuple(
        PosterOut(
            role=role,
            file=f"{role}.jpg",
            width=width,
            height=height,
            quality=order.profile.video.poster_quality,
            badge=role == "poster-play",
            moments_ms=moments,
        )
        for role in ("poster", "poster-play")
    )
    base = _step(order, "poster", URGENT)
    return dataclasses.replace(base, treatment=treatment, outputs=outs, required=False)


def _moments(chosen: str, duration_ms: int | None) -> tuple[int, ...]:
    at = moment_ms(chosen)
    # There is no picture after the end: then the choice is ours again.
    if at is not None and (not duration_ms or at < duration_ms):
        return (at,)
    if not duration_ms:
        return (0,)
    return tuple(sorted({round(duration_ms * share) for share in POSTER_MOMENTS}))


def _inside(width: int, height: int, long_side: int) -> tuple[int, int]:
    scale = min(Fraction(1), Fraction(long_side, max(width, height)))
    return _even(width * scale), _even(height * scale)


# --- sound -----------------------------------------------------------------------------------


def _plan_audio(order: Order) -> tuple[list[Step], list[str]]:
    track = _sound_track(order)
    if track is None:
        raise ValueError("an audio item without a sound track")  # the probe never says so
    audio = order.profile.audio
    mp3 = dataclasses.replace(track, bitrate_bps=audio.mp3_bps_per_channel * track.channels)
    outputs = (
        AudioOut(role="sound", file="audio.m4a", codec="aac", track=track),
        AudioOut(role="enclosure", file="audio.mp3", codec="mp3", track=mp3),
        WaveformOut(role="waveform", file="waveform.svg", bars=audio.waveform_bars, track=track),
    )
    step = dataclasses.replace(_step(order, "sound", SOON), outputs=outputs, sound=track)
    return [step], []


def main_audio(probe: Probe) -> AudioStream | None:
    """The track a player would start with: the default one, else the first."""
    return max(probe.audio, key=lambda s: (s.default, -s.index), default=None)


def _sound_track(order: Order) -> SoundTrack | None:
    stream = main_audio(order.probe)
    if stream is None:
        return None
    audio = order.profile.audio
    channels = min(stream.channels, MAX_SOUND_CHANNELS)
    # 44.1 kHz stays 44.1 kHz: resampling it would gain nothing. Everything else meets at the
    # profile's rate, which every player decodes.
    rate = stream.sample_rate if stream.sample_rate == 44_100 else audio.sample_rate  # noqa: PLR2004
    return SoundTrack(
        stream=stream.index,
        channels=channels,
        sample_rate=rate,
        bitrate_bps=audio.aac_bps_per_channel * channels,
        loudness_lufs=audio.loudness_lufs,
        true_peak_dbtp=audio.true_peak_dbtp,
        max_gain_db=audio.max_gain_db,
    )


# --- stills ----------------------------------------------------------------------------------


def _plan_photo(order: Order) -> tuple[list[Step], list[str]]:
    picture = order.probe.picture
    if picture is None:
        raise ValueError("a photo item without a picture")  # the probe never says so
    widths = photo_widths(picture.width, order.profile.photo.widths)
    outputs = tuple(_photo_outs(order, widths, picture.width, picture.height))
    notes = []
    if picture.animated:
        notes.append("The picture is animated; its first image is published.")
    elif picture.pages > 1:
        notes.append(f"The file holds {picture.pages} images; the first is published.")
    return [dataclasses.replace(_step(order, "photo", SOON), outputs=outputs)], notes


def photo_widths(width: int, offered: tuple[int, ...]) -> tuple[int, ...]:
    """The widths to make: those below the photo's, and its own where that is not the largest."""
    fitting = [w for w in sorted(offered) if w <= width]
    if len(fitting) < len(offered) and (not fitting or width > fitting[-1] * WORTHWHILE):
        fitting.append(width)
    return tuple(fitting)


def _photo_outs(
    order: Order, widths: tuple[int, ...], width: int, height: int
) -> Iterator[PhotoOut]:
    photo = order.profile.photo
    formats: tuple[tuple[Literal["jpeg", "avif"], str, int], ...] = (
        ("jpeg", "jpg", photo.jpeg_quality),
        ("avif", "avif", photo.avif_quality),
    )
    for name, suffix, quality in formats:
        for made in widths:
            yield PhotoOut(
                role="photo",
                file=f"{made}.{suffix}",
                width=made,
                height=max(1, round(Fraction(height * made, width))),
                format=name,
                quality=quality,
                speed=photo.avif_speed,
            )


# --- what lies beside ------------------------------------------------------------------------


def _sidecar_steps(order: Order) -> Iterator[Step]:
    if order.probe.kind is Kind.PHOTO:
        return
    sidecars = {s.language: s for s in order.drop.sidecars if s.role == "captions"}
    yield from (_captions_step(order, sidecar) for sidecar in sidecars.values())
    # A file beside the film speaks for its language; of two equal tracks inside, the first does.
    tracks = {t.language: t for t in reversed(order.probe.text) if t.is_text}
    for language, track in tracks.items():
        if language not in sidecars:
            yield _embedded_captions_step(order, language, track.index)


def _captions_step(order: Order, sidecar: Sidecar) -> Step:
    out = CaptionsOut(role="captions", file=f"{sidecar.language}.vtt", language=sidecar.language)
    base = _step(order, f"captions-{sidecar.language}", URGENT)
    return dataclasses.replace(
        base, source=sidecar.source, demuxer="", outputs=(out,), required=False
    )


def _embedded_captions_step(order: Order, language: str, index: int) -> Step:
    out = CaptionsOut(role="captions", file=f"{language}.vtt", language=language, stream=index)
    base = _step(order, f"captions-{language}", SOON)
    return dataclasses.replace(base, outputs=(out,), required=False)


def _step(order: Order, name: str, priority: int) -> Step:
    limits: Limits = order.profile.limits
    source: Source = order.drop.media
    return Step(
        name=name,
        fingerprint="",
        source=source,
        demuxer=order.probe.demuxer,
        outputs=(),
        duration_ms=order.probe.duration_ms,
        timeout_s=limits.step_timeout_s,
        priority=priority,
    )


_DECISIONS = {Kind.VIDEO: _plan_video, Kind.AUDIO: _plan_audio, Kind.PHOTO: _plan_photo}
