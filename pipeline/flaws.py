"""What is wrong with a recording, in sentences for its reporter: silence, clipping, whispers.

Owns the thresholds and the words. Pure: it judges what `loudness` has read. Refuses to mend
anything: silence stays where it is, and what was clipped cannot be brought back.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pipeline.figures import clock
from pipeline.loudness import SILENT_DBFS, Loudness, Peaks, gain_db, lone_side, wanted_db
from pipeline.model import SoundTrack

# Silence lies this far below the programme's own loudness even in a quiet recording: the hiss of a
# preamplifier lies there, the breath of a speaker above.
BELOW_PROGRAMME_DB = 20.0
# Nobody notices less at the ends; in the middle a speaker may think for longer.
LONG_END_MS, LONG_PAUSE_MS = 5_000, 30_000
# A converter that runs out of numbers gives the largest one again and again; the loudest moment of
# a recording that was merely made as loud as possible is met once or twice.
FULL_SCALE_DBFS, TIMES = -0.02, 4
# Below this share, clipping is told without a figure.
A_LITTLE = 0.01
# So much less than its target is heard as too quiet.
TOO_QUIET_LU = 2.0
SIDES = ("left", "right")
# Places named in a sentence; more help nobody.
PLACES = 3


def remarks(measured: Loudness, peaks: Peaks, track: SoundTrack) -> tuple[str, ...]:
    """What a reporter should know about the recording."""
    if measured.silent:
        return ("The recording is silent.",)
    found = (
        *_silence(measured, peaks),
        *_one_sided(peaks),
        *_clipping(peaks),
        *_whisper(measured, peaks, track),
    )
    return tuple(found)


def _one_sided(peaks: Peaks) -> Iterator[str]:
    """A microphone on one of two channels."""
    side = lone_side(peaks)
    if side is not None:
        yield f"Only the {SIDES[side]} side has sound; it was put on both."


def _silence(measured: Loudness, peaks: Peaks) -> Iterator[str]:
    """Long silence before, after and in the middle of what can be heard."""
    floor = min(SILENT_DBFS, measured.integrated_lufs - BELOW_PROGRAMME_DB)
    still = _stretches([level < floor for level in peaks.levels], peaks.every_ms)
    end = len(peaks.levels) * peaks.every_ms
    for start, stop in still:
        if start == 0 and stop >= LONG_END_MS:
            yield f"The recording begins with {clock(stop)} of silence."
        elif stop == end and stop - start >= LONG_END_MS:
            length = clock(stop - start)
            yield f"The recording ends with {length} of silence, from {clock(start)} on."
    holes = [
        f"from {clock(start)} to {clock(stop)}"
        for start, stop in still
        if start > 0 and stop < end and stop - start >= LONG_PAUSE_MS
    ]
    if holes:
        more = " and elsewhere" if len(holes) > PLACES else ""
        yield f"There is nothing to hear {', '.join(holes[:PLACES])}{more}."


def _clipping(peaks: Peaks) -> Iterator[str]:
    """Where the recorder was driven too hard, and in how much of the time."""
    pairs = zip(peaks.levels, peaks.counts, strict=False)
    full = [level >= FULL_SCALE_DBFS and count >= TIMES for level, count in pairs]
    spans = _stretches(full, peaks.every_ms)
    if not spans:
        return
    share = sum(full) / len(full)
    much = f"in {share:.0%} of its length" if share >= A_LITTLE else "in a few moments"
    first = clock(spans[0][0])
    yield (
        f"The recording was clipped {much}, first at {first}: it is distorted there."
        " Record at a lower level next time."
    )


def _whisper(measured: Loudness, peaks: Peaks, track: SoundTrack) -> Iterator[str]:
    """A recording that the allowed gain does not bring to its target."""
    lacking = wanted_db(measured, peaks, track) - gain_db(measured, peaks, track)
    if lacking > TOO_QUIET_LU:
        yield (
            f"The recording is very quiet ({measured.integrated_lufs:.0f} LUFS). It was made"
            f" {track.max_gain_db:.0f} dB louder, the most that is allowed (audio.max_gain_db),"
            f" and is still {lacking:.0f} dB below the others."
        )


def _stretches(marks: list[bool], every_ms: int) -> list[tuple[int, int]]:
    """Where marks follow one another: from and to, in ms."""
    found, at = [], 0
    for marked, group in groupby(marks):
        length = len(list(group)) * every_ms
        if marked:
            found.append((at, at + length))
        at += length
    return found
