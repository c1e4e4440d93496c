"""What will be made of one item: (drop, probe, profile) -> plan.

Owns every choice about sizes, rates, tracks and order of work. Pure: no file, no clock, no tool.
Refuses to know any command line: `graph` turns a step into one, `render` runs it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

from pipeline import languages, plan_film, plan_frames, plan_photo, plan_speech
from pipeline.intake import clip_ms, title_of
from pipeline.model import (
    AudioOut,
    AudioStream,
    CaptionsOut,
    CoverOut,
    Drop,
    Kind,
    Output,
    Plan,
    Sidecar,
    Span,
    Step,
    Tags,
    TranscriptOut,
    WaveformOut,
    adapter,
    digest,
)
from pipeline.order import (
    COVER_SIDE,
    EMBEDDED,
    SOON,
    URGENT,
    Order,
    draft,
    draft_aside,
    main_audio,
    right_of,
    shifted,
    sound_track,
    unplaced_notes,
)

# What fits a car's screen without delaying the start of a file whose cover lies before its sound.
EMBEDDED_SIDE = 600


def plan(order: Order) -> Plan:
    """Decide everything about one item; the same order gives the same plan, to the byte."""
    drafts, notes = _DECISIONS[order.probe.kind](order)
    sealed: dict[str, Step] = {}
    for step in (*drafts, *_sidecar_steps(order), *plan_speech.plan_speech(order, drafts)):
        sealed[step.name] = _sealed(step, order, sealed)
    return Plan(
        kind=order.probe.kind,
        source=order.drop.media,
        profile=order.profile.name,
        profile_version=order.profile.version,
        probe=order.probe,
        steps=tuple(sealed.values()),
        texts=dict(order.texts),
        notes=(*order.probe.notes, *notes, *_bitmap_notes(order)),
    )


def generation(drop: Drop) -> str:
    """Name the circumstances a plan is valid for; texts that only pages show are left out.

    So are the encoder's version and the profile's: an upgrade must not encode an archive anew.
    """
    sidecars = [(s.role, s.language, s.source.identity) for s in drop.sidecars]
    wanted = [drop.info.poster, drop.info.clip, drop.profile, drop.edition]
    # Only where they are asked for: what was planned before there were scans stays as it is.
    wanted += [name for name in ("scan", "deskew") if getattr(drop.info, name)]
    return digest(drop.media.identity, sidecars, wanted)[:16]


def _sealed(step: Step, order: Order, before: dict[str, Step]) -> Step:
    """Name the step's outputs by everything their bytes depend on, and by nothing else.

    What a step is made from comes before it: it depends on the names of those outputs.
    """
    facts: dict[str, Any] = adapter(Step).dump_python(step, mode="json")
    for aside in ("source", "fingerprint", "timeout_s", "priority", "required"):
        del facts[aside]
    needs = [before[name].fingerprint for name in step.needs]
    name = digest(step.source.identity, facts, needs, order.profile.version, order.tool)
    return dataclasses.replace(step, fingerprint=name[:24])


# --- sound -----------------------------------------------------------------------------------


def _plan_audio(order: Order) -> tuple[list[Step], list[str]]:
    stream = main_audio(order.probe)
    if stream is None:
        raise ValueError("an audio item without a sound track")  # the probe never says so
    audio, span = order.profile.audio, _part(order)
    track = sound_track(stream, order)
    length_ms = _length_ms(order.probe.duration_ms, span)
    mp3 = dataclasses.replace(track, bitrate_bps=audio.mp3_bps_per_channel * track.channels)
    aac_out = AudioOut(
        role="sound",
        file="audio.m4a",
        codec="aac",
        track=track,
        tags=_tags(order, stream),
        chapters=shifted(order.probe.chapters, span, length_ms),
    )
    outputs: tuple[Output, ...] = (
        aac_out,
        dataclasses.replace(aac_out, role="enclosure", file="audio.mp3", codec="mp3", track=mp3),
        WaveformOut(role="waveform", file="waveform.svg", bars=audio.waveform_bars, track=track),
        *_cover_outs(order),
    )
    step = dataclasses.replace(
        draft(order, "sound", SOON),
        outputs=outputs,
        sound=track,
        span=span,
        duration_ms=length_ms,
    )
    return [step], list(_left_out(order, stream))


def _tags(order: Order, stream: AudioStream) -> Tags:
    """The reporter's words first, then the file's own; a name is better than nothing."""
    info, own = order.drop.info, order.probe.tags
    language = stream.language if stream.language != "und" else own.language
    return dataclasses.replace(
        own,
        title=info.title or own.title or title_of(order.drop.media.name),
        artist=own.artist or info.credit,
        language=language,
    )


def _cover_outs(order: Order) -> Iterator[CoverOut]:
    """Cover art for pages, link cards, directories of podcasts, and the sound files themselves."""
    index = order.probe.cover_index
    if index is None:
        return
    wanted: tuple[tuple[str, Literal["plain", "badge", "square"], int], ...] = (
        ("cover", "plain", COVER_SIDE),
        ("poster", "plain", COVER_SIDE),
        ("poster-play", "badge", COVER_SIDE),
        ("square", "square", COVER_SIDE),
        (EMBEDDED, "plain", EMBEDDED_SIDE),
    )
    for role, shape, longest in wanted:
        yield CoverOut(
            role=role,
            file=f"{role}.jpg",
            stream=index,
            shape=shape,
            longest=longest,
            quality=order.profile.video.poster_quality,
        )


def _left_out(order: Order, stream: AudioStream) -> Iterator[str]:
    """Sound tracks that a recording has besides the one that is published."""
    right = right_of(stream, order.probe)
    kept = [stream, right] if right else [stream]
    others = [one for one in order.probe.audio if one not in kept]
    if right:
        both = " and ".join(_called(one) for one in kept)
        yield f"Of {both}, the left and the right side of one sound were made."
    yield from unplaced_notes(stream)
    if others:
        named = ", ".join(_called(one) for one in others)
        heard = f"{_called(stream)} is published" if len(kept) == 1 else "these are published"
        yield (
            f"The file holds {len(others) + len(kept)} sound tracks; {heard}."
            f" For {named}, upload a file with that track alone."
        )


def _called(stream: AudioStream) -> str:
    """What a reporter knows a sound track by."""
    said = [stream.title, "" if stream.language == "und" else languages.label(stream.language)]
    words = ", ".join(word for word in said if word)
    return f"track {stream.index + 1}" + (f" ({words})" if words else "")


def _part(order: Order) -> Span:
    """The part of a recording that somebody chose, else all of it."""
    clip, length = clip_ms(order.drop.info.clip), order.probe.duration_ms
    if clip is None or (length is not None and clip[0] >= length):
        return Span()
    start = Fraction(clip[0], 1000)
    end = None if clip[1] is None else Fraction(clip[1], 1000)
    return Span(start_s=start, end_s=end, shift_s=start)


def _length_ms(whole_ms: int | None, span: Span) -> int | None:
    end_ms = whole_ms if span.end_s is None else round(span.end_s * 1000)
    if end_ms is None:
        return None
    return min(end_ms, whole_ms or end_ms) - round(span.start_s * 1000)


# --- what lies beside ------------------------------------------------------------------------


def _sidecar_steps(order: Order) -> Iterator[Step]:
    if order.probe.kind is Kind.PHOTO:
        return
    sidecars = _by_language(order, "captions")
    yield from (_captions_step(order, sidecar) for sidecar in sidecars.values())
    # A file beside the film speaks for its language; of two equal tracks inside, the first does.
    tracks = {t.language: t for t in reversed(order.probe.text) if t.is_text}
    for language, track in tracks.items():
        if language not in sidecars:
            yield _embedded_captions_step(order, language, track.index)
    written = _by_language(order, "transcript")
    yield from (_transcript_step(order, sidecar) for sidecar in written.values())


def _by_language(order: Order, role: str) -> dict[str, Sidecar]:
    """One sidecar for each language; the one that names it counts before one that does not."""
    found = [sidecar for sidecar in order.drop.sidecars if sidecar.role == role]
    return {s.language: s for s in sorted(found, key=lambda sidecar: sidecar.named)}


def _bitmap_notes(order: Order) -> Iterator[str]:
    """Subtitles that are pictures cannot become text; whoever expects them is told."""
    for track in (t for t in order.probe.text if not t.is_text):
        name = languages.label(track.language) if track.language != "und" else "one language"
        yield (
            f"The subtitles inside the file in {name} are pictures ({track.codec}), which browsers "
            "cannot show as text: add them as a file (.srt or .vtt)."
        )


def _captions_step(order: Order, sidecar: Sidecar) -> Step:
    out = CaptionsOut(
        role="captions",
        file=f"{sidecar.language}.vtt",
        language=sidecar.language,
        named=sidecar.named,
    )
    base = draft_aside(order, f"captions-{sidecar.language}", URGENT)
    return dataclasses.replace(base, source=sidecar.source, outputs=(out,), span=_shown(order))


def _transcript_step(order: Order, sidecar: Sidecar) -> Step:
    out = TranscriptOut(
        role="transcript", file=f"written.{sidecar.language}.json", language=sidecar.language
    )
    base = draft_aside(order, f"transcript-{sidecar.language}", URGENT)
    return dataclasses.replace(base, source=sidecar.source, outputs=(out,))


def _embedded_captions_step(order: Order, language: str, index: int) -> Step:
    out = CaptionsOut(role="captions", file=f"{language}.vtt", language=language, stream=index)
    base = draft(order, f"captions-{language}", SOON)
    return dataclasses.replace(base, outputs=(out,), span=_shown(order), required=False)


def _shown(order: Order) -> Span:
    """The part of the file that is published: all of it, or the clip somebody chose."""
    return plan_frames.window(order).span if order.probe.kind is Kind.VIDEO else _part(order)


_DECISIONS = {
    Kind.VIDEO: plan_film.plan_film,
    Kind.AUDIO: _plan_audio,
    Kind.PHOTO: plan_photo.plan_photo,
}
