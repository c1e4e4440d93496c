"""From a step to the encoder's argument list: chunks of films, their sound, joined films.

Owns the encoders' flags, each with its reason. Pure: it compiles, it never runs. All names go in as
`file:` plus an absolute path, every input's demuxer is forced, and protocols are limited to files:
see `graph_input`; recordings are in `graph_sound`. `render` and `render_film` run what is compiled
here, through `process`.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import graph_sound
from pipeline.graph_input import (
    CLEAN,
    CLOCK,
    Bench,
    begun,
    bounds,
    compiled,
    copies,
    file,
    kept,
    opened,
    own,
    seconds,
    shown,
    woven,
)
from pipeline.loudness import Level
from pipeline.model import (
    CopyOut,
    SoundOut,
    Step,
    VideoOut,
)

# From rung to rung: a bicubic kernel sharper than the usual one (B 0, C 0.8). Measured at 720 for
# equal bytes: a point of VMAF above Lanczos for a fifth less CPU, and no halos seen.
SHARPER = {"flags": "bicubic", "param0": 0, "param1": 0.8}
# Rungs up to here encode faster than their source can be decoded.
SMALL = 360
# Of a period: repeated pictures as far apart are not too many.
NEARLY = Fraction(95, 100)


def chunk(step: Step, bench: Bench) -> tuple[str, ...]:
    """All rungs of one chunk of a film from one decode, each a fragmented MP4 without sound."""
    if step.treatment is None:
        raise ValueError("a chunk needs a treatment")
    rungs = [out for out in step.outputs if isinstance(out, VideoOut)]
    alone = {"threads": 1} if _keeps_cores_busy(rungs) else {}
    source = opened(step, bench, **begun(step.span), **kept(step.treatment), **alone)
    pictures = _cascade(source, step, rungs)
    outputs = [
        ffmpeg.output(picture, file(bench.folder / rung.file), **_rung_flags(rung))
        for picture, rung in zip(pictures, rungs, strict=True)
    ]
    # Tone mapping takes longer than all encoders together: it may have what cores there are.
    threads = 1 if alone and not step.treatment.tonemap else 0
    return compiled(outputs, bench, filter_threads=threads)


def _keeps_cores_busy(rungs: list[VideoOut]) -> bool:
    """True where the encoders leave no core idle, so that decoding side by side only costs more.

    A fifteenth of all CPU, with scaling side by side [m]. Of the smallest rungs, for which somebody
    may be waiting, decoding is most of the work.
    """
    return max(rung.short_side for rung in rungs) > SMALL


def copied(step: Step, bench: Bench) -> tuple[str, ...]:
    """The source's own pictures in fragmented MP4, at their own times.

    On the way all of them are decoded, and the first that is damaged ends it: players would stop
    there. Damage lies in the bits, so nothing is smoothed.
    """
    out = next(out for out in step.outputs if isinstance(out, CopyOut))
    source = opened(step, bench, **CLOCK, skip_loop_filter="all")
    flags = {"c": "copy", "video_track_timescale": out.timescale, **_FRAGMENTED}
    packets = [_NO_SEI]
    if out.end_s is not None:
        # Where the sound goes on for a moment, the last picture stays. Packets that are copied are
        # timed in the source's own ticks.
        end = f"round({seconds(out.end_s)}/TB)"
        packets.append(_set_times("DTS", f"max(DURATION,{end}-PTS)"))
    flags["bsf:v"] = ",".join(packets)
    # Two seconds at least to a fragment, whatever distance the camera's key frames have.
    flags |= {"min_frag_duration": 2_000_000}
    pictures = source[str(out.stream)]
    made = ffmpeg.output(pictures, file(bench.folder / out.file), **flags)
    seen = ffmpeg.output(pictures, "-", format="null", fps_mode="passthrough")
    return compiled([made, seen.global_args("-xerror")], bench)


def film_sound(step: Step, bench: Bench, level: Level) -> tuple[str, ...]:
    """A film's sound track as a whole, in fragmented MP4, beginning at the film's zero."""
    out = next(out for out in step.outputs if isinstance(out, SoundOut))
    sound = graph_sound.levelled(graph_sound.heard(step, bench, out.track), out.track, level)
    if out.length_ms is not None:
        # Silence to the end of the film: players wait for a track that ends early. And not more.
        sound = sound.filter("apad", whole_dur=f"{out.length_ms}ms")
        sound = sound.filter("atrim", end=f"{out.length_ms}ms")
    flags = {
        "acodec": "aac",
        "audio_bitrate": out.track.bitrate_bps,
        "ar": out.track.sample_rate,
        **_FRAGMENTED,
        "frag_duration": out.fragment_ms * 1000,
        # The encoder's run-in lies before zero, where a fragment cannot begin.
        "bsf:a": r"noise=drop=lt(pts\,0)",
    }
    made = ffmpeg.output(sound, file(bench.folder / out.file), **flags)
    return compiled([made], bench)


def joined(
    pieces: Path, sound: Path | None, target: Path, bench: Bench, *, begin_s: Fraction
) -> tuple[str, ...]:
    """Finished chunks, laid end to end in `pieces`, and their sound as one faststart MP4.

    `begin_s` is when the first picture is shown: later than the sound where one chunk is missing.
    """
    inputs = [own(pieces)["v:0"], *([own(sound)["a:0"]] if sound else [])]
    # FFmpeg shifts films whose frames are shown out of order.
    shift = f"STARTPTS+{seconds(begin_s)}/TB"
    flags = {
        "c": "copy",
        "bsf:v": f"setts=pts=PTS-{shift}:dts=DTS-{shift}",
        "movflags": "+faststart",
        **CLEAN,
    }
    return compiled([ffmpeg.output(*inputs, file(target), **flags)], bench)


def subtitles(step: Step, bench: Bench, stream: int) -> tuple[str, ...]:
    """An embedded text track as SubRip, the plainest form, to be parsed like any other file."""
    source = opened(step, bench)
    out = ffmpeg.output(source[str(stream)], file(bench.folder / "track.srt"), format="srt")
    return compiled([out], bench)


def speech(
    made: Path, target: Path, window_ms: tuple[int, int | None], bench: Bench
) -> tuple[str, ...]:
    """A stretch of published sound as speech models want it: 16 kHz, mono, 16 bits."""
    begin, end = window_ms
    # After decoding: a seek in compressed sound is off by a packet, and chunks have to meet.
    ends = {"end": f"{end}ms"} if end is not None else {}
    sound = own(made)["a:0"].filter("atrim", start=f"{begin}ms", **ends)
    sound = sound.filter("aresample", 16_000).filter("aformat", channel_layouts="mono")
    flags = {"acodec": "pcm_s16le", "format": "wav", **CLEAN}
    return compiled([ffmpeg.output(sound, file(target), **flags)], bench)


def _timed(picture: Any, step: Step, rung: VideoOut) -> Any:
    """Whole frames of one stretch, at their published rate, on the published clock."""
    treatment, span = step.treatment, step.span
    if treatment is None:
        raise ValueError("pictures need a treatment")
    if treatment.deinterlace:
        # send_field: every field becomes a frame, so motion stays as smooth as it was shot.
        picture = woven(picture, treatment, "send_field")
    if treatment.frame_rate is not None:
        picture = picture.filter("fps", fps=str(treatment.frame_rate))
    # In microseconds: in a coarse time base, borders would be rounded onto frames.
    picture = picture.filter("settb", "AVTB")
    if rung.hold_ms:
        picture = _held(picture, rung, span.zero_s)
    if ends := bounds(span):
        picture = picture.filter("trim", **ends)
    at = f"PTS-{seconds(span.late_s)}/TB"
    # The first picture stands from the very beginning: of the film, where the sound came first,
    # and of each chunk, where frames come unevenly; players would stop at a hole.
    if rung.gop_ms or not rung.begin_s:
        at = f"if(eq(N,0),{seconds(rung.begin_s)}/TB,{at})"
    picture = picture.filter("setpts", at)
    if treatment.frame_rate is not None and span.end_s is None and rung.end_s is not None:
        # To the filter of rates, the last of slow pictures stands as long as the one before.
        picture = picture.filter("trim", end=seconds(rung.end_s))
    return picture


def _held(picture: Any, rung: VideoOut, zero_s: Fraction) -> Any:
    """Frames of which the last is repeated at the published rate, as long as it has to stay."""
    picture = picture.filter("tpad", stop_mode="clone", stop_duration=f"{rung.hold_ms}ms")
    # FFmpeg repeats it at the rate that the file claims, which may be thousands a second.
    last = seconds(zero_s + Fraction(rung.hold_from_ms + 1, 1000))
    apart = f"if(lte(t,{last}),0.001,{seconds(NEARLY / rung.frame_rate)})"
    return picture.filter("select", f"isnan(prev_selected_t)+gte(t-prev_selected_t,{apart})")


def _cascade(source: Any, step: Step, rungs: list[VideoOut]) -> list[Any]:
    """Scale each rung from the next larger one: the decode and the costly steps happen once.

    Also from sizes that are not made here: a rung has to look the same in every chunk.
    """
    if step.treatment is None:
        raise ValueError("pictures need a treatment")
    wanted = {(rung.width, rung.height) for rung in rungs}
    cascade = step.treatment.cascade
    sizes = cascade if wanted <= {*cascade} else tuple(sorted(wanted, reverse=True))
    picture = _timed(source[str(step.treatment.stream)], step, rungs[0])
    picture = shown(picture, *sizes[0], step.treatment)
    made: dict[str, Any] = {}
    for number, size in enumerate(sizes):
        if number:
            picture = picture.filter("scale", *size, **SHARPER).filter("setsar", 1)
        here = [rung.file for rung in rungs if (rung.width, rung.height) == size]
        is_last = len(made) + len(here) == len(rungs)
        parts = copies(picture, len(here) + (not is_last), "split")
        made |= dict(zip(here, parts, strict=False))
        if is_last:
            break
        picture = parts[-1]
    return [made[rung.file] for rung in rungs]


def _rung_flags(rung: VideoOut) -> dict[str, Any]:
    flags: dict[str, Any] = {
        "crf": rung.crf,
        # A cap over two seconds of buffer: thin links must not choke on one busy scene.
        "maxrate": rung.max_bps,
        "bufsize": rung.max_bps * 2,
        "pix_fmt": "yuv420p",
        # Closed groups at the same frames on every rung, so that players can switch anywhere.
        "g": rung.gop_frames,
        # Every frame keeps its own time: variable frame rates stay in sync with the sound.
        "fps_mode": "vfr",
        "enc_time_base": f"1:{rung.timescale}",
        "video_track_timescale": rung.timescale,
        **(_H264 if rung.codec == "h264" else _AV1),
        "preset": rung.preset,
        **_FRAGMENTED,
        "flags:v": "+cgop+bitexact",
    }
    if rung.codec == "h264":
        # x264 drops what is forced closer than this to the key frame before.
        flags |= {"keyint_min": 1 if rung.gop_ms else rung.gop_frames}
        flags |= {"x264-params": rung.options} if rung.options else {}
    if rung.gop_ms:
        wait = f"gte(t,prev_forced_t+{rung.gop_ms / 1000})"
        flags["force_key_frames"] = f"expr:if(isnan(prev_forced_t),1,{wait})"
    return flags | {"bsf:v": _lasting(rung)}


def _lasting(rung: VideoOut) -> str:
    """How long pictures stand: none beyond the end of its chunk, and of the last one muxers guess.

    The length of a sample is the way to the next one's turn. Where pictures are missing, what is
    coded ahead of being shown would stand for as long as some other picture does.
    """
    period = round(rung.timescale / rung.frame_rate)
    if rung.gop_ms:
        # `fragments.settle` writes the real lengths; so that there is room for them, no fragment
        # may look even.
        return _set_times("DTS-mod(N,2)", str(period))
    if rung.end_s is None:
        return _set_times("DTS", str(period))
    end = round(rung.end_s * rung.timescale)
    turn = f"PREV_OUTDTS+max(1,min(DTS-PREV_INDTS,{end + period // 2}-PREV_INPTS))"
    # The last one lasts as long as all others, unless it is the only one.
    return _set_times(f"if(N,{turn},DTS)", f"if(N,{period},max({period},{end}-PTS))")


def _set_times(turn: str, last: str) -> str:
    """A filter of packets: when each is decoded, and how long the last of them stands."""
    lasts = f"if(eq(NEXT_PTS,NOPTS),{last},DURATION)"
    return f"setts=pts=PTS:dts={turn}:duration={lasts}".replace(",", r"\,")


# A camera's notes beside its pictures (ITU-T H.264, annex D): of itself, the time, some of the
# place. No browser needs any.
_NO_SEI = "filter_units=remove_types=6"
_H264: dict[str, Any] = {
    "vcodec": "libx264",
    "profile:v": "high",
    # With a cap and several threads x264 gives other bytes each time. One thread each costs
    # nothing in sum: the rungs of a ladder are encoded side by side.
    "threads": 1,
    "sc_threshold": 0,
    # Captions of television would pass beside the pictures; playlists say that there are none.
    "a53cc": 0,
}
_AV1: dict[str, Any] = {
    "vcodec": "libsvtav1",
    # One thread, for the same reason; key frames where we want them and nowhere else.
    "svtav1-params": "lp=1:scd=0",
}
# Fragmented MP4 after CMAF (ISO/IEC 23000-19): every fragment says by itself when it is shown, so
# fragments of different runs follow one another; no edit list, no index at the end.
_FRAGMENTED: dict[str, Any] = {
    **CLEAN,
    "format": "mp4",
    "movflags": "+cmaf+frag_discont+skip_trailer",
    "use_editlist": 0,
}
