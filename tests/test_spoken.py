"""Of all subtitles and transcripts that were made, readers get the best of each language."""

from __future__ import annotations

from typing import Any

import pytest
from sample_post import made
from values import drop

from pipeline import spoken
from pipeline.model import Artifact, Kind, Plan, Probe, Source, Step, StepRecord
from pipeline.records import ItemRecords


def records(*outputs: Artifact) -> ItemRecords:
    """An item with one finished step for each output, in that order."""
    source = Source(key="k", name="talk.mp4", bytes=1, identity="i")
    steps = [
        Step(
            name=f"s{n}", fingerprint=f"f{n}", source=source, demuxer="", outputs=(),
            timeout_s=1, priority=1,
        )
        for n in range(len(outputs))
    ]  # fmt: skip
    plan = Plan(
        kind=Kind.VIDEO, source=source, profile="default", profile_version=1,
        probe=Probe(kind=Kind.VIDEO, container="mp4", demuxer="mp4"), steps=tuple(steps),
    )  # fmt: skip
    done = {
        step.fingerprint: StepRecord(step=step.name, fingerprint=step.fingerprint, artifacts=(one,))
        for step, one in zip(steps, outputs, strict=True)
    }
    return ItemRecords(drop=drop("talk.mp4"), generation="g", plan=plan, done=done)


def words(role: str, language: str, name: str, **extra: Any) -> Artifact:
    return made(role, name, "text/vtt", language=language, extra=extra)


@pytest.mark.parametrize(
    ("others", "shown"),
    [
        ([], ["machine"]),
        ([("es", {})], ["human"]),
        ([("es-MX", {})], ["human"]),
        ([("en", {})], ["human", "machine"]),
        ([("es", {"guessed": True})], ["human"]),
    ],
)
def test_a_person_replaces_the_machine_in_the_same_language(
    others: list[tuple[str, dict[str, Any]]], shown: list[str]
) -> None:
    """Whatever the region, and whichever was made first; other languages stay."""
    machine = words("captions", "es", "machine", automatic=True)
    human = [words("captions", tag, "human", **extra) for tag, extra in others]
    for made_ in ([machine, *human], [*human, machine]):
        assert [one.key for one in spoken.subtitles(records(*made_))] == shown


def test_a_named_language_counts_before_a_guessed_one() -> None:
    """talk.en.srt is English; talk.srt that only looks English gives way."""
    guessed, named = words("captions", "en", "guessed", guessed=True), words("captions", "en", "en")
    assert spoken.subtitles(records(guessed, named)) == (named,)


def test_two_regions_of_one_language_are_two_tracks() -> None:
    """A person who names both wants both."""
    tracks = [words("captions", tag, tag) for tag in ("es-ES", "es-MX")]
    assert len(spoken.subtitles(records(*tracks))) == 2


def test_a_transcript_with_times_comes_first_unless_a_machine_made_it() -> None:
    """Subtitles of a person, then what a person wrote, then what a machine heard."""
    ordered = [
        words("transcript", "es", "from-captions", timed=True),
        words("transcript", "es", "written", timed=False),
        words("transcript", "es", "machine", timed=True, automatic=True),
    ]
    for best in range(3):
        (shown,) = spoken.transcripts(records(*reversed(ordered[best:])))
        assert shown.key == ordered[best].key


def test_nothing_is_shown_before_there_is_a_plan() -> None:
    """An item that is not yet looked at has no words."""
    empty = ItemRecords(drop=drop("talk.mp4"), generation="g")
    assert spoken.subtitles(empty) == spoken.transcripts(empty) == ()
