"""From a recording to the encoder's argument list: measuring it, levelling it, its finished files.

Owns the flags of sound, each with its reason, and what a file says of itself (tags, chapters,
cover). Pure: it compiles, it never runs. `graph` levels the sound of films by the same filters;
`graph_input` holds the guards of inputs; `render_sound` runs what is compiled here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import languages, loudness
from pipeline.graph_input import (
    CLEAN,
    Bench,
    begun,
    bounds,
    compiled,
    copies,
    file,
    opened,
    own,
    seconds,
)
from pipeline.loudness import Level
from pipeline.model import AudioOut, Chapter, SoundTrack, Step, Tags

# True peaks are found at four times the sampling rate (ITU-R BS.1770-5, annex 2).
OVERSAMPLING = 4
# A picture's length: so far from where it belongs sound is put right, and jitter is left alone.
_APART_S = 0.04
# FFmpeg's name for a stereo layout and for a single channel.
_LAYOUTS = {1: "mono", 2: "stereo"}
# What 360-degree cameras record, to two microphones that look left and right (AmbiX: all around in
# channel 0, left less right in 1).
_CARDIOIDS = ("0.5*c0+0.5*c1", "0.5*c0-0.5*c1")
# As loud as on one side alone (-3 dB, as ITU-R BS.775-4 has it of centre channels).
_MIDDLE = 0.7071
_SIDES = 2
# LAME makes what it is given 5 % smaller, so that it does not clip [measured: -0.45 dB].
_LAME_GAIN_DB = 0.45
_CODECS = {"aac": "aac", "mp3": "libmp3lame"}
# Characters that mean something in FFmpeg's metadata files.
_MEANT = str.maketrans({mark: f"\\{mark}" for mark in "\\=;#\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressing:
    """Sound files to be made in one run: at which level, with which words and which cover."""

    outs: tuple[AudioOut, ...]
    level: Level
    words: Path
    cover: Path | None


def measure_sound(step: Step, bench: Bench, every_ms: int) -> tuple[str, ...]:
    """Loudness on stderr, and on stdout the sample peaks of every so many milliseconds."""
    if step.sound is None:
        raise ValueError("nothing to measure")
    sound = heard(step, bench, step.sound)
    sound = sound.filter("aformat", channel_layouts=_LAYOUTS[step.sound.channels])
    loud, shape = copies(sound, 2, "asplit")
    # framelog=quiet: the summary alone, not ten lines for every second.
    loud = loud.filter("ebur128", peak="true", framelog="quiet")
    # At the source's own rate: resampling would smooth away what was clipped.
    stretch = max(1, step.sound.source_rate * every_ms // 1000)
    shape = (
        shape.filter("asetnsamples", n=stretch, p=0)
        .filter(
            "astats",
            metadata=1,
            reset=1,
            measure_perchannel="Peak_level",
            measure_overall="Peak_level+Peak_count",
        )
        .filter("ametadata", "print", file="-")
    )
    outputs = [ffmpeg.output(stream, "-", format="null") for stream in (loud, shape)]
    return compiled(outputs, bench, progress=False, loglevel="info")


def measure_file(path: Path, bench: Bench) -> tuple[str, ...]:
    """Loudness on stderr of a file that was made here."""
    sound = own(path)["a:0"]
    sound = sound.filter("ebur128", peak="true", framelog="quiet")
    output = ffmpeg.output(sound, "-", format="null")
    return compiled([output], bench, progress=False, loglevel="info")


def pressed(step: Step, bench: Bench, press: Pressing) -> tuple[str, ...]:
    """Sound files of a step from one decode, with their words, chapters and cover."""
    first = press.outs[0]
    sound = levelled(heard(step, bench, first.track), first.track, press.level)
    # It has no stream; asking for one that need not be there makes it an input all the same.
    words = _aside(press.words, "ffmetadata")["s?"]
    cover = [_aside(press.cover, "jpeg_pipe")["v:0"]] if press.cover else []
    outputs = [
        ffmpeg.output(
            _offered(copy, out),
            *cover,
            words,
            file(bench.folder / out.file),
            **_sound_flags(out, press),
        )
        for copy, out in zip(copies(sound, len(press.outs), "asplit"), press.outs, strict=True)
    ]
    return compiled(outputs, bench)


def cover_bytes(step: Step, bench: Bench, stream: int) -> tuple[str, ...]:
    """A recording's attached picture as it is: `cover.bin` in the bench's folder."""
    source = opened(step, bench)
    target = file(bench.folder / "cover.bin")
    picture = ffmpeg.output(source[str(stream)], target, format="data", c="copy", frames=1)
    return compiled([picture], bench, progress=False)


def words(tags: Tags, chapters: tuple[Chapter, ...]) -> str:
    """Tags and chapters as a file of FFmpeg's own format."""
    said = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "date": tags.date,
        "language": languages.iso639_2(tags.language),
    }
    lines = [";FFMETADATA1", *(f"{k}={_said(v)}" for k, v in said.items() if v)]
    for one in chapters:
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={one.start_ms}", f"END={one.end_ms}"]
        lines.append(f"title={_said(one.title)}")
    return "\n".join((*lines, ""))


def _said(text: str) -> str:
    return " ".join(text.replace("\0", " ").split()).translate(_MEANT)


def heard(step: Step, bench: Bench, track: SoundTrack) -> Any:
    """One sound track, or a stretch of it, on the published clock."""
    span = step.span
    source = opened(step, bench, **begun(span))
    sound = source[str(track.stream)]
    if track.right is not None:
        sides = [sound, source[str(track.right)]]
        both = {"inputs": 2, "channel_layout": "stereo", "map": "0.0-FL|1.0-FR"}
        sound = ffmpeg.filter(sides, "join", **both)
    elif track.unplaced:
        sound = _placed(sound, track.unplaced)
    elif track.ambisonic:
        sound = _mixed(sound, *_CARDIOIDS)
    if ends := bounds(span):
        sound = sound.filter("atrim", **ends)
    if span.late_s:
        sound = sound.filter("asetpts", f"PTS-{seconds(span.late_s)}/TB")
    return sound


def _placed(sound: Any, channels: int) -> Any:
    """Two sides of channels without a place: the first two are these, all others are on both.

    FFmpeg would guess: of six a 5.1, whose fourth channel no stereo has, though somebody's
    microphone is on it. Or it would refuse, where they have half of their places.
    """
    if channels == _SIDES:
        return sound.filter("channelmap", map="0-FL|1-FR", channel_layout="stereo")
    rest = "".join(f"+{_MIDDLE}*c{number}" for number in range(_SIDES, channels))
    return _mixed(sound, f"c0{rest}", f"c1{rest}")


def _mixed(sound: Any, left: str, right: str) -> Any:
    """Two sides, each a sum of channels by number."""
    # As floating point: sums may be above full scale until they are levelled.
    sound = sound.filter("aformat", sample_fmts="fltp")
    return sound.filter("pan", args=f"stereo|FL={left}|FR={right}")


def levelled(sound: Any, track: SoundTrack, level: Level) -> Any:
    """Bring a track to its loudness: one gain for the whole of it, and a true-peak limiter.

    The limiter works at four times the rate and takes more time than all else, the encoder
    included: it is left out where nothing would reach it.
    """
    # first_pts=0 with async=1 fills a late start and gaps with silence, so sound stays in place;
    # where joined recordings overlap it is cut. Left to itself it lets a tenth of a second pass.
    sound = sound.filter("aresample", **{"async": 1, "first_pts": 0, "min_hard_comp": _APART_S})
    sound = sound.filter("aformat", channel_layouts=_LAYOUTS[track.channels])
    if level.side is not None:
        both = f"{level.side}-0|{level.side}-1"
        sound = sound.filter("channelmap", map=both, channel_layout="stereo")
    sound = sound.filter("volume", f"{level.gain_db}dB")
    if level.limits:
        sound = sound.filter("aresample", track.sample_rate * OVERSAMPLING).filter(
            "alimiter",
            limit=f"{loudness.amplitude(level.ceiling_dbtp):.4f}",
            level="false",
            attack=5,
            release=50,
            # It looks 5 ms ahead; else the sound would come that much late.
            latency=1,
        )
    return sound.filter("aresample", track.sample_rate)


def _aside(path: Path, demuxer: str) -> Any:
    """A file of our own that lies beside the source."""
    return ffmpeg.input(file(path), format=demuxer, protocol_whitelist="file,pipe")


def _offered(sound: Any, out: AudioOut) -> Any:
    """What an encoder is given, so that its output is as loud as the level says."""
    return sound.filter("volume", f"{_LAME_GAIN_DB}dB") if out.codec == "mp3" else sound


def _sound_flags(out: AudioOut, press: Pressing) -> dict[str, Any]:
    flags = {
        "acodec": _CODECS[out.codec],
        "audio_bitrate": out.track.bitrate_bps,
        "ar": out.track.sample_rate,
        **_bare(press),
    }
    if press.cover:
        flags |= {"vcodec": "copy", "disposition:v": "attached_pic"}
        # What players look for among several pictures.
        flags |= {"metadata:s:v": "comment=Cover (front)"} if out.codec == "mp3" else {}
    if out.codec == "mp3":
        # Windows and car radios read version 3 only.
        return flags | {"id3v2_version": 3}
    code = languages.iso639_2(out.tags.language)
    spoken = {"metadata:s:a": f"language={code}"} if code else {}
    return flags | spoken | {"movflags": "+faststart"}


def _bare(press: Pressing) -> dict[str, Any]:
    """Our words alone: nothing of the source's tags, of its streams' or its chapters' is kept."""
    number = 2 if press.cover else 1
    streams = {f"map_metadata:s:{at}": -1 for at in range(number)}
    bitexact = {key: CLEAN[key] for key in ("fflags", "flags:a")}
    return {"map_metadata": number, "map_chapters": number, **streams, **bitexact}
