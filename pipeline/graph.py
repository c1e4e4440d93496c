"""From a step to the encoder's argument list; the only importer of ffmpeg-python.

Owns every FFmpeg flag, each with its reason. Pure: it compiles, it never runs. All names go in as
`file:` plus an absolute path, every input's demuxer is forced, and protocols are limited to files.
`render` runs what is compiled here, through `process`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import loudness
from pipeline.model import AudioOut, PosterOut, SoundTrack, Step, Treatment, VideoOut

# SDR white on an HDR signal, cd/m2 (ITU-R BT.2408): what tone mapping takes as its white.
REFERENCE_WHITE = 203
# True peaks are found at four times the sampling rate (ITU-R BS.1770-5, annex 2).
OVERSAMPLING = 4
# BT.601 was the rule below this height, BT.709 above it; for files that do not say.
HD_HEIGHT = 720
# FFmpeg's name for a stereo layout and for a single channel.
_LAYOUTS = {1: "mono", 2: "stereo"}
# Peaks of a waveform need no more than this, and a fifth of the work of 48 kHz.
WAVEFORM_RATE = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a step is worked on: the encoder's binary, the source file, the folder for outputs."""

    ffmpeg: Path
    source: Path
    folder: Path


def ladder(step: Step, bench: Bench, gain_db: float) -> tuple[str, ...]:
    """All rungs of a film from one decode, each a faststart MP4 with the same sound."""
    if step.treatment is None:
        raise ValueError("a ladder needs a treatment")
    rungs = [out for out in step.outputs if isinstance(out, VideoOut)]
    source = _input(step, bench)
    pictures = _cascade(source, step.treatment, rungs)
    sounds: list[Any] = [None] * len(rungs)
    if step.sound is not None:
        levelled = _levelled(source[str(step.sound.stream)], step.sound, gain_db)
        sounds = _copies(levelled, len(rungs), "asplit")
    outputs = [
        _rung(picture, sound, rung, step, bench)
        for picture, sound, rung in zip(pictures, sounds, rungs, strict=True)
    ]
    return _compiled(outputs, bench)


def candidates(step: Step, bench: Bench) -> tuple[str, ...]:
    """One picture from each moment a poster could be taken from: 0.png, 1.png, ..."""
    first = next(out for out in step.outputs if isinstance(out, PosterOut))
    if step.treatment is None:
        raise ValueError("a poster needs a treatment")
    outputs = []
    for number, moment in enumerate(first.moments_ms):
        source = _input(step, bench, **_near(moment, exact=len(first.moments_ms) == 1))
        picture = _prepared(source[str(step.treatment.stream)], step.treatment, still=True)
        picture = _scaled(picture, first.width, first.height, step.treatment)
        outputs.append(
            ffmpeg.output(
                picture.filter("format", "rgb24"),
                _file(bench.folder / f"{number}.png"),
                vframes=1,
                update=1,
            )
        )
    return _compiled(outputs, bench)


def _near(moment_ms: int, *, exact: bool) -> dict[str, Any]:
    """Input options to begin at a moment: to the frame where a reporter chose it.

    Elsewhere the key frame before will do, and decoding nothing else spares whole groups of
    pictures. Seeking before the input reads from the nearest key frame on in either case.
    """
    begin = {"ss": moment_ms / 1000}
    return begin if exact else begin | {"noaccurate_seek": None, "skip_frame": "nokey"}


def measure_sound(step: Step, bench: Bench, stretch_samples: int) -> tuple[str, ...]:
    """Loudness on stderr, and on stdout the peak level of every stretch of the waveform."""
    if step.sound is None:
        raise ValueError("nothing to measure")
    sound = _input(step, bench)[str(step.sound.stream)]
    sound = sound.filter("aformat", channel_layouts=_LAYOUTS[step.sound.channels])
    loud, shape = _copies(sound, 2, "asplit")
    # framelog=quiet: the summary alone, not ten lines for every second.
    loud = loud.filter("ebur128", peak="true", framelog="quiet")
    shape = (
        shape.filter("aresample", WAVEFORM_RATE)
        .filter("aformat", channel_layouts="mono")
        .filter("asetnsamples", n=stretch_samples, p=0)
        .filter("astats", metadata=1, reset=1, measure_perchannel="none")
        .filter("ametadata", "print", key="lavfi.astats.Overall.Peak_level", file="-")
    )
    outputs = [ffmpeg.output(stream, "-", format="null") for stream in (loud, shape)]
    return _compiled(outputs, bench, progress=False, loglevel="info")


def measure_file(path: Path, bench: Bench) -> tuple[str, ...]:
    """Loudness on stderr of a file that was made here."""
    sound = ffmpeg.input(_file(path), protocol_whitelist="file,pipe")["a:0"]
    sound = sound.filter("ebur128", peak="true", framelog="quiet")
    output = ffmpeg.output(sound, "-", format="null")
    return _compiled([output], bench, progress=False, loglevel="info")


def sound(step: Step, bench: Bench, gain_db: float) -> tuple[str, ...]:
    """Every sound file of a step from one decode."""
    outs = [out for out in step.outputs if isinstance(out, AudioOut)]
    source = _input(step, bench)
    levelled = _levelled(source[str(outs[0].track.stream)], outs[0].track, gain_db)
    outputs = [
        ffmpeg.output(copy, _file(bench.folder / out.file), **_sound_flags(out))
        for copy, out in zip(_copies(levelled, len(outs), "asplit"), outs, strict=True)
    ]
    return _compiled(outputs, bench)


def subtitles(step: Step, bench: Bench, stream: int) -> tuple[str, ...]:
    """An embedded text track as SubRip, the plainest form, to be parsed like any other file."""
    source = _input(step, bench)
    out = ffmpeg.output(source[str(stream)], _file(bench.folder / "track.srt"), format="srt")
    return _compiled([out], bench)


# --- pictures --------------------------------------------------------------------------------


def _cascade(source: Any, treatment: Treatment, rungs: list[VideoOut]) -> list[Any]:
    """Scale each rung from the next larger one: the decode and the costly steps happen once."""
    picture = _prepared(source[str(treatment.stream)], treatment, still=False)
    made: list[Any] = []
    for rung in sorted(rungs, key=lambda r: -r.height):
        if made:
            kept, picture = _copies(made.pop(), 2, "split")
            made.append(kept)
        picture = _scaled(picture, rung.width, rung.height, None if made else treatment)
        made.append(picture)
    return list(reversed(made))


def _prepared(picture: Any, treatment: Treatment, *, still: bool) -> Any:
    """Whole frames at their published rate."""
    if treatment.deinterlace:
        # send_field: every field becomes a frame, so motion stays as smooth as it was shot.
        mode = "send_frame" if still else "send_field"
        picture = picture.filter("bwdif", mode=mode, parity="auto", deint="all")
    if treatment.frame_rate is not None and not still:
        picture = picture.filter("fps", fps=str(treatment.frame_rate))
    return picture


def _scaled(picture: Any, width: int, height: int, treatment: Treatment | None) -> Any:
    """Scale, and on the first scaling turn whatever colours came in into limited BT.709."""
    if treatment is None:
        # Crisper than bicubic on the small rungs, where scaling costs next to nothing.
        return picture.filter("scale", width, height, flags="lanczos").filter("setsar", 1)
    if treatment.tonemap:
        picture = picture.filter("scale", width, height, flags="bicubic")
        return _tonemapped(picture, treatment).filter("setsar", 1)
    colour = treatment.colour
    picture = picture.filter(
        "scale",
        width,
        height,
        flags="bicubic+accurate_rnd+full_chroma_int",
        in_color_matrix=_matrix(colour.matrix, height),
        out_color_matrix="bt709",
        in_range="full" if colour.full_range else "limited",
        out_range="limited",
    )
    return _tagged(picture.filter("format", "yuv420p")).filter("setsar", 1)


def _tagged(picture: Any) -> Any:
    return picture.filter(
        "setparams",
        color_primaries="bt709",
        color_trc="bt709",
        colorspace="bt709",
        range="limited",
    )


def _matrix(name: str, height: int) -> str:
    if name in ("smpte170m", "bt470bg", "smpte240m", "fcc", "bt2020nc", "bt709"):
        return {"bt2020nc": "bt2020"}.get(name, name)
    return "bt709" if height >= HD_HEIGHT else "smpte170m"


def _tonemapped(picture: Any, treatment: Treatment) -> Any:
    """HDR to SDR in linear light; Hable's curve keeps skin and sky natural (media notes)."""
    transfer = {"pq": "smpte2084", "hlg": "arib-std-b67"}[treatment.tonemap]
    linear = picture.filter(
        "zscale",
        transferin=transfer,
        matrixin="bt2020nc",
        primariesin="bt2020",
        rangein="full" if treatment.colour.full_range else "limited",
        transfer="linear",
        npl=REFERENCE_WHITE,
    ).filter("format", "gbrpf32le")
    mapped = linear.filter("zscale", primaries="bt709").filter("tonemap", "hable", desat=0)
    return mapped.filter(
        "zscale", transfer="bt709", matrix="bt709", range="limited", primaries="bt709"
    ).filter("format", "yuv420p")


def _rung(picture: Any, sound: Any, rung: VideoOut, step: Step, bench: Bench) -> Any:
    streams = [picture] if sound is None else [picture, sound]
    flags: dict[str, Any] = {
        "vcodec": "libx264",
        "preset": rung.preset,
        "crf": rung.crf,
        # With a cap and several threads x264 gives other bytes each time. One thread each costs
        # nothing in sum: the rungs of a ladder are encoded side by side.
        "threads": 1,
        # A cap over two seconds of buffer: thin links must not choke on one busy scene.
        "maxrate": rung.max_bps,
        "bufsize": rung.max_bps * 2,
        "profile:v": "high",
        "pix_fmt": "yuv420p",
        # Closed groups at the same times on every rung, so that players can switch anywhere.
        "g": rung.gop_frames,
        "keyint_min": rung.gop_frames,
        "sc_threshold": 0,
        # Every frame keeps its own time: variable frame rates stay in sync with the sound.
        "fps_mode": "vfr",
        # A clock fine enough for every camera's rate.
        "video_track_timescale": 90000,
        "movflags": "+faststart",
        **_CLEAN,
        "flags:v": "+cgop+bitexact",
    }
    if step.sound is not None:
        flags |= {"acodec": "aac", "audio_bitrate": step.sound.bitrate_bps}
    return ffmpeg.output(*streams, _file(bench.folder / rung.file), **flags)


# Nothing of the source's tags is published: places, serial numbers and names live there.
_CLEAN: dict[str, Any] = {
    "map_metadata": -1,
    "map_chapters": -1,
    # No encoder names and dates: equal work gives equal bytes.
    "fflags": "+bitexact",
    "flags:v": "+bitexact",
    "flags:a": "+bitexact",
}


# --- sound -----------------------------------------------------------------------------------


def _levelled(sound: Any, track: SoundTrack, gain_db: float) -> Any:
    """Bring a track to its loudness: one gain for the whole of it, then a true-peak limiter."""
    # first_pts=0 with async=1 fills a late start and gaps with silence, so sound stays in place.
    sound = sound.filter("aresample", **{"async": 1, "first_pts": 0})
    sound = sound.filter("aformat", channel_layouts=_LAYOUTS[track.channels])
    sound = sound.filter("volume", f"{gain_db}dB")
    limited = sound.filter("aresample", track.sample_rate * OVERSAMPLING).filter(
        "alimiter", limit=f"{loudness.ceiling(track):.4f}", level="false", attack=5, release=50
    )
    return limited.filter("aresample", track.sample_rate)


def _sound_flags(out: AudioOut) -> dict[str, Any]:
    codecs = {"aac": "aac", "mp3": "libmp3lame"}
    flags = {
        "acodec": codecs[out.codec],
        "audio_bitrate": out.track.bitrate_bps,
        "ar": out.track.sample_rate,
        **{key: value for key, value in _CLEAN.items() if key != "flags:v"},
    }
    return flags | ({"movflags": "+faststart"} if out.codec == "aac" else {})


# --- shared ----------------------------------------------------------------------------------


def _input(step: Step, bench: Bench, **options: Any) -> Any:
    # A forced demuxer and a protocol list: a playlist named .mp4 is refused, never followed.
    return ffmpeg.input(
        _file(bench.source), format=step.demuxer, protocol_whitelist="file,pipe", **options
    )


def _copies(stream: Any, count: int, splitter: str) -> list[Any]:
    if count == 1:
        return [stream]
    parts = stream.filter_multi_output(splitter, count)
    return [parts.stream(index) for index in range(count)]


def _file(path: Path) -> str:
    return f"file:{path.absolute()}"


def _compiled(
    outputs: list[Any], bench: Bench, *, progress: bool = True, loglevel: str = "warning"
) -> tuple[str, ...]:
    merged = ffmpeg.merge_outputs(*outputs).global_args(
        "-hide_banner", "-nostdin", "-nostats", "-loglevel", loglevel
    )
    if progress:
        merged = merged.global_args("-progress", "pipe:1")
    return tuple(ffmpeg.compile(merged, cmd=str(bench.ffmpeg), overwrite_output=True))
