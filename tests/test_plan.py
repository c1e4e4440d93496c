"""What will be made of an item: recordings, stills, subtitles, order and names of work."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import strategies as st
from values import (
    DEFAULT,
    TOOL,
    changed,
    drop,
    film,
    order,
    photo,
    planned,
    recording,
    sound_stream,
    source,
    step,
    subtitles,
    text_stream,
)

from pipeline import plan as planning
from pipeline.model import ItemInfo, Limits, Plan, Sidecar, Span, Step

SIDES = st.integers(min_value=2, max_value=9000)


# --- sound -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "rate", "made"), [(1, 48_000, 1), (2, 44_100, 2), (6, 96_000, 2), (2, 8000, 2)]
)
def test_sound_tracks(channels: int, rate: int, made: int) -> None:
    """Mono stays mono, surround becomes stereo; 44.1 kHz stays, all else becomes 48 kHz."""
    for probe, name in (
        (film(audio=(sound_stream(channels, sample_rate=rate),)), "sound-0"),
        (recording(sound_stream(channels, index=0, sample_rate=rate)), "sound"),
    ):
        found = step(planned(probe), name).sound
        assert found is not None
        assert found.channels == made
        assert found.sample_rate == (44_100 if rate == 44_100 else 48_000)
        assert found.bitrate_bps == 64_000 * found.channels


def test_what_is_made_of_a_recording() -> None:
    """One decode makes the player's file, the podcast's file and the waveform."""
    (made,) = planned(recording()).steps
    assert [(o.role, o.file) for o in made.outputs] == [
        ("sound", "audio.m4a"),
        ("enclosure", "audio.mp3"),
        ("waveform", "waveform.svg"),
    ]
    assert made.required


# --- subtitles -------------------------------------------------------------------------------


def captions(plan_: Plan) -> dict[str, tuple[str, int | None]]:
    """Subtitles to be made: from which file, from which track inside, by step."""
    return {
        s.name: (s.source.name, s.outputs[0].stream)  # type: ignore[union-attr]
        for s in plan_.steps
        if s.name.startswith("captions-")
    }


def test_a_file_beside_the_film_speaks_for_its_language() -> None:
    """Embedded subtitles are taken for languages that have no file of their own."""
    probe = film(text=(text_stream(2, "es"), text_stream(3, "en")))
    made = planned(probe, drop=drop(sidecars=(subtitles("es"),)))
    assert captions(made) == {
        "captions-es": ("talk.es.srt", None),
        "captions-en": ("talk.mp4", 3),
    }
    assert not any(s.required for s in made.steps if s.name in captions(made))


def test_of_two_tracks_of_a_language_the_first_is_taken() -> None:
    """Bitmap subtitles cannot become text and are passed over."""
    tracks = (text_stream(2, "es", is_text=False), text_stream(3, "es"), text_stream(4, "es"))
    assert captions(planned(film(text=tracks))) == {"captions-es": ("talk.mp4", 3)}


def test_sound_has_subtitles_and_photos_have_none() -> None:
    """A recording may be read along; a still has no time."""
    dropped = drop(sidecars=(subtitles("es"),))
    assert captions(planned(recording(), drop=dropped)) == {"captions-es": ("talk.es.srt", None)}
    assert captions(planned(photo(), drop=dropped)) == {}


def test_urgent_things_come_first() -> None:
    """Posters and subtitle files before tracks inside, those before what is joined (0 is first)."""
    made = planned(film(text=(text_stream(),)), drop=drop(sidecars=(subtitles("en"),)))
    priority = {s.name: s.priority for s in made.steps}
    assert priority["poster"] == priority["captions-en"] < priority["captions-es"]
    assert priority["captions-es"] < priority["film"]


# --- names of work ---------------------------------------------------------------------------


def names(plan_: Plan) -> dict[str, str]:
    """Fingerprints by step."""
    return {s.name: s.fingerprint for s in plan_.steps}


def test_the_same_order_gives_the_same_plan() -> None:
    """A plan is a function of its order, to the byte."""
    assert planned() == planned()
    assert len({*names(planned()).values()}) == len(planned().steps)


@pytest.mark.parametrize(
    "facts",
    [
        {"drop": drop(media=source(identity="b" * 64))},
        {"profile": changed(DEFAULT, version=DEFAULT.version + 1)},
        {"tool": TOOL + ".1"},
        {"probe": film(audio=(sound_stream(index=5),), demuxer="matroska")},
    ],
    ids=["identity", "profile version", "tool", "file"],
)
def test_a_fingerprint_changes_with_what_bytes_depend_on(facts: dict[str, Any]) -> None:
    """Other bytes, another profile, another encoder or other numbers: other work."""
    before, after = names(planned()), names(planned(**facts))
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


NUMBERS = (
    [
        ("film-0001", name, value)
        for name, value in {
            "width": 2,
            "height": 2,
            "crf": 1.5,
            "preset": "slow",
            "max_bps": 1,
            "gop_frames": 1,
            "gop_ms": 1,
            "frame_rate": Fraction(1),
            "timescale": 1,
            "hold_ms": 1,
            "codec": "av1",
            "options": "x",
            "file": "x.mp4",
        }.items()
    ]
    + [
        ("poster", name, value)
        for name, value in {"width": 2, "quality": 1, "badge": True, "moments_ms": (1,)}.items()
    ]
    + [
        ("sound-0", name, value)
        for name, value in {"fragment_ms": 1, "length_ms": 1, "language": "x", "label": "x"}.items()
    ]
    + [
        ("film", name, value)
        for name, value in {"rung": 1, "frames": 1, "variable_rate": True}.items()
    ]
)


def sealed(step_: Step) -> Step:
    """The step with the name that its work has, among the others of a plain plan."""
    return planning._sealed(step_, order(), {s.name: s for s in planned().steps})


@pytest.mark.parametrize(("name", "field", "value"), NUMBERS)
def test_a_fingerprint_holds_every_number_of_its_outputs(
    name: str, field: str, value: object
) -> None:
    """Changing any one field of an output changes the name of the work."""
    before = step(planned(), name)
    first = changed(before.outputs[0], **{field: value})
    after = changed(before, outputs=(first, *before.outputs[1:]))
    assert first != before.outputs[0]
    assert sealed(before).fingerprint == before.fingerprint
    assert sealed(after).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    "facts",
    [
        {"treatment": None},
        {"sound": step(planned(recording()), "sound").sound},
        {"duration_ms": 9},
        {"demuxer": "matroska"},
        {"span": Span(start_s=Fraction(1))},
        {"needs": ("film-0000",)},
    ],
    ids=["treatment", "sound", "duration", "demuxer", "span", "needs"],
)
def test_a_fingerprint_holds_what_happens_on_the_way(facts: dict[str, Any]) -> None:
    """Treatment, sound, stretch, demuxer and what it is made from are part of the name too."""
    before = step(planned(), "film-0001")
    assert sealed(changed(before, **facts)).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    "facts",
    [
        {"priority": 9},
        {"timeout_s": 1},
        {"required": False},
        {"source": changed(source(), key="other/key.mov", name="key.mov")},
    ],
    ids=["priority", "timeout", "required", "key and name"],
)
def test_a_fingerprint_leaves_out_what_bytes_do_not_depend_on(facts: dict[str, Any]) -> None:
    """A renamed file or another priority costs no new encode."""
    before: Step = step(planned(), "film-0001")
    assert sealed(changed(before, **facts)).fingerprint == before.fingerprint


def test_a_fingerprint_holds_the_names_of_what_it_is_made_from() -> None:
    """A chunk that is made anew makes the film of it anew, and leaves all else alone."""
    first, *others = DEFAULT.video.rungs
    rungs = (changed(first, crf=first.crf + 1), *others)
    before = names(planned())
    after = names(planned(profile=changed(DEFAULT, video=changed(DEFAULT.video, rungs=rungs))))
    anew = {name for name in before if before[name] != after[name]}
    assert anew == {"film-0000-low", "film-0001", "film", "storyboard", "preview"}


def test_a_plan_takes_its_limits_from_the_profile() -> None:
    """No step may take longer than the profile allows, and none of it is in its name."""
    limits: Limits = changed(DEFAULT.limits, step_timeout_s=77)
    made = planned(profile=changed(DEFAULT, limits=limits))
    assert {s.timeout_s for s in made.steps} == {77}
    assert names(made) == names(planned())


# --- generations -----------------------------------------------------------------------------

TEXT = Sidecar(role="caption-text", language="en", source=source("talk.txt", "t" * 64))


@pytest.mark.parametrize(
    ("dropped", "same"),
    [
        (drop(info=ItemInfo(title="T", caption="C", alt="A", credit="B")), True),
        (drop(item="other"), True),
        (drop(media=source(identity="b" * 64)), False),
        (drop(sidecars=(subtitles(),)), False),
        (drop(sidecars=(TEXT,)), False),
        (drop(info=ItemInfo(poster="0:01")), False),
        (drop(info=ItemInfo(clip="0:01-0:02")), False),
        (drop(profile="fast"), False),
        (drop(edition=1), False),
    ],
)
def test_when_an_item_is_planned_anew(
    dropped: Any,
    same: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """New bytes, sidecars or a chosen poster need a new plan; words that pages show do not."""
    before = planning.generation(drop())
    assert (planning.generation(dropped) == before) is same


def test_late_subtitles_leave_the_film_as_it_is() -> None:
    """Only their own step is new: the film is not encoded again."""
    before = names(planned())
    after = names(planned(drop=drop(sidecars=(subtitles(),))))
    assert {k: v for k, v in after.items() if k != "captions-es"} == before
