"""What a machine will write down of an item's words: (order, steps so far) -> steps.

Owns the cutting of speech into chunks and their order of work. Pure. Chunks are made from the sound
that is published, so that they share its clock and its loudness. The first finds the language for
all of them; the last step joins them. `plan` puts these steps at a plan's end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from pipeline.model import Hearing, Kind, SpeechOut, SpokenOut, Step
from pipeline.order import IDLE, Order, draft_aside

# Long enough that loading a model is little of the work, short enough to lose little when a worker
# dies. At half of real time a chunk takes a quarter of an hour.
CHUNK_MS = 480_000
# A rest shorter than this goes with the chunk before it.
_REST_MS = 120_000
# The step that makes the sound which is published, by kind of item.
_SOUND = {Kind.VIDEO: "sound-0", Kind.AUDIO: "sound"}
# A machine far slower than speech is still waited for.
_TIMES = 20
_START_S = 900


def plan_speech(order: Order, steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that write down what is said; none where nothing is heard or nobody wants it."""
    sound = next((s for s in steps if s.name == _SOUND.get(order.probe.kind)), None)
    if order.hearing is None or sound is None or _has_all(order, order.hearing):
        return
    borders = _borders(sound.duration_ms)
    names = [f"speech-{number}" for number in range(len(borders))]
    for number, (begin, end) in enumerate(borders):
        out = SpeechOut(
            role="speech",
            file=f"speech-{number:03d}.json",
            begin_ms=begin,
            end_ms=end,
            hearing=order.hearing,
        )
        needs = (sound.name, *names[: min(number, 1)])
        yield dataclasses.replace(
            _draft(order, names[number]),
            outputs=(out,),
            needs=needs,
            timeout_s=_timeout(begin, end),
        )
    joined = SpokenOut(role="captions", file="speech.json", hearing=order.hearing)
    yield dataclasses.replace(_draft(order, "speech"), outputs=(joined,), needs=tuple(names))


def _draft(order: Order, name: str) -> Step:
    """It hands better what is published already, so whoever waits for anything else comes first."""
    return draft_aside(order, name, IDLE)


def _borders(length_ms: int | None) -> list[tuple[int, int | None]]:
    """Where chunks should begin and end; the last goes on to the end, whenever that is."""
    if length_ms is None:
        return [(0, None)]
    starts = list(range(0, max(1, length_ms - _REST_MS), CHUNK_MS))
    return list(zip(starts, [*starts[1:], None], strict=True))


def _timeout(begin_ms: int, end_ms: int | None) -> int:
    length_ms = CHUNK_MS + _REST_MS if end_ms is None else end_ms - begin_ms
    return _START_S + _TIMES * length_ms // 1000


def _has_all(order: Order, hearing: Hearing) -> bool:
    """True where people have written all that the machine could add."""
    spoken = {s.language for s in order.drop.sidecars if s.role == "captions" and s.named}
    spoken |= {track.language for track in order.probe.text if track.is_text}
    primary = {language.partition("-")[0] for language in spoken}
    return {*(hearing.languages or ("es",)), "en"} <= primary
