"""What the operator wants: profiles and their limits.

Owns every number that an encoder is given; their reasons stand beside them in `config/profiles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the video ladder, named by its short side in pixels, in one codec.

    `x264` are options of its own, beside those of the profile.
    """

    short_side: int
    crf: float
    max_bps: int
    codec: Literal["h264", "av1"] = "h264"
    x264: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoProfile:
    """How film is encoded."""

    rungs: tuple[Rung, ...]
    preset: str
    x264: str
    av1_preset: int
    max_fps: int
    gop_seconds: float
    chunk_seconds: float
    stable_rung: int
    copy_max_bps: int
    poster_quality: int
    storyboard_thumbs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioProfile:
    """How sound is encoded; loudness after EBU R 128 (LUFS, dBTP)."""

    loudness_lufs: float
    true_peak_dbtp: float
    max_gain_db: float
    aac_bps_per_channel: int
    mp3_bps_per_channel: int
    sample_rate: int
    waveform_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoProfile:
    """How stills are encoded, and pictures that move (`loop_crf`, no wider than `loop_width`).

    Scans, and what has `scan_pixels` or more, get one more size to zoom into: `scan_width` at most.
    """

    widths: tuple[int, ...]
    jpeg_quality: int
    avif_quality: int
    avif_speed: int
    scan_pixels: int
    scan_width: int
    scan_quality: int
    loop_width: int
    loop_crf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is refused, and how long and how large a child may grow."""

    max_bytes: int
    max_duration_s: int
    max_frame_pixels: int
    max_photo_pixels: int
    max_streams: int
    max_text_bytes: int
    memory_bytes: int
    step_timeout_s: int
    stall_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The operator's intent. `version` changes whenever outputs would change."""

    name: str
    version: int
    summary: str
    video: VideoProfile
    audio: AudioProfile
    photo: PhotoProfile
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How a machine writes down what is said: by which model, and the languages spoken here.

    Without `languages` it may be any that the model knows.
    """

    model: str
    languages: tuple[str, ...] = ()
