"""What a plan is made from, and how a step of one begins.

Owns the order itself, the kinds of urgency, and the choice of sound tracks, which films and
recordings have in common. Pure. `plan` and `plan_film` decide from here on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from pipeline.model import (
    AudioStream,
    Chapter,
    Drop,
    Hearing,
    Limits,
    Probe,
    Profile,
    SoundTrack,
    Source,
    Span,
    Step,
)

# As Redis has it, 0 is the most urgent: what makes any post playable comes before all else. Idle
# hands better what is published already.
FIRST, URGENT, SOON, LATER, IDLE = 0, 1, 3, 6, 9
MAX_SOUND_CHANNELS = 2
# What is heard of an item: a recording's file, and a film's track.
SOUND_ROLES = ("sound", "sound-track")
# The least that directories of podcasts take, both ways.
COVER_SIDE = 1400
# The role of the cover inside sound files: it is published nowhere else.
EMBEDDED = "embedded"
# Tracks that end so near to each other are sides of one sound.
PAIRED_MS = 100
_CD_RATE = 44_100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a plan is made from; `tool` is the encoder's version, `texts` what text sidecars say.

    With `hearing`, what is said is written down by a machine. Without `copies` no film is its own
    largest size, not even one that is fit for the web.
    """

    drop: Drop
    probe: Probe
    profile: Profile
    tool: str
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hearing: Hearing | None = None
    copies: bool = True


def draft(order: Order, name: str, priority: int) -> Step:
    """A step of that name with nothing in it yet."""
    limits: Limits = order.profile.limits
    source: Source = order.drop.media
    return Step(
        name=name,
        fingerprint="",
        source=source,
        demuxer=order.probe.demuxer,
        restarts=order.probe.restarts,
        outputs=(),
        duration_ms=order.probe.duration_ms,
        timeout_s=limits.step_timeout_s,
        priority=priority,
    )


def draft_aside(order: Order, name: str, priority: int) -> Step:
    """A step that reads a text file, or what others have made; without it the item is published."""
    step = draft(order, name, priority)
    return dataclasses.replace(step, demuxer="", restarts=False, required=False)


def main_audio(probe: Probe) -> AudioStream | None:
    """The track a player would start with: the default one, else the first."""
    return max(probe.audio, key=lambda s: (s.default, -s.index), default=None)


def right_of(stream: AudioStream, probe: Probe) -> AudioStream | None:
    """The track beside one of a single channel, where cameras write each channel as a track.

    They do so in PCM, left and right or one microphone each; other tracks of one channel are
    versions to choose from.
    """
    beside = next((one for one in probe.audio if one.index > stream.index), None)
    if beside is None or stream.channels != 1 or not stream.codec.startswith("pcm_"):
        return None
    same = ("codec", "channels", "sample_rate", "language", "start_ms")
    if any(getattr(stream, fact) != getattr(beside, fact) for fact in same):
        return None
    apart_ms = abs((stream.duration_ms or 0) - (beside.duration_ms or 0))
    return beside if apart_ms <= PAIRED_MS else None


def sound_track(stream: AudioStream, order: Order) -> SoundTrack:
    """What becomes of a track: mono stays mono, more than two channels become two."""
    audio, right = order.profile.audio, right_of(stream, order.probe)
    channels = MAX_SOUND_CHANNELS if right else min(stream.channels, MAX_SOUND_CHANNELS)
    # 44.1 kHz stays 44.1 kHz: resampling it would gain nothing. Everything else meets at the
    # profile's rate, which every player decodes.
    rate = stream.sample_rate if stream.sample_rate == _CD_RATE else audio.sample_rate
    return SoundTrack(
        stream=stream.index,
        source_rate=stream.sample_rate,
        channels=channels,
        sample_rate=rate,
        bitrate_bps=audio.aac_bps_per_channel * channels,
        loudness_lufs=audio.loudness_lufs,
        true_peak_dbtp=audio.true_peak_dbtp,
        max_gain_db=audio.max_gain_db,
        right=right.index if right else None,
        unplaced=0 if stream.layout else stream.channels,
        ambisonic=stream.layout.startswith("ambisonic"),
    )


def unplaced_notes(stream: AudioStream) -> Iterator[str]:
    """What became of channels of which the file does not say where they belong."""
    if not stream.layout and stream.channels > MAX_SOUND_CHANNELS:
        yield (
            f"The file does not say where its {stream.channels} channels of sound belong: the first"
            " two became left and right, all others are heard on both sides."
        )


def shifted(
    chapters: tuple[Chapter, ...], span: Span, length_ms: int | None
) -> tuple[Chapter, ...]:
    """Chapters of a file on the clock of the part of it that is published, and only those of it."""
    late = round(span.shift_s * 1000)
    end = length_ms if length_ms is not None else max((c.end_ms for c in chapters), default=0)
    moved = (
        dataclasses.replace(
            one, start_ms=max(0, one.start_ms - late), end_ms=min(one.end_ms - late, end)
        )
        for one in chapters
    )
    return tuple(one for one in moved if one.start_ms < min(one.end_ms, end))
