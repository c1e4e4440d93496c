"""Which steps write down what is said: chunks that need little, last of all and by themselves."""

from __future__ import annotations

import pytest
from values import DEFAULT, TOOL, drop, film, picture_stream, recording, sound_stream, subtitles

from pipeline import todo
from pipeline.model import Hearing, Kind, Plan, Probe, SpeechOut
from pipeline.order import IDLE, Order
from pipeline.plan import plan

HEARING = Hearing(model="small", languages=("es",))


def planned(probe: Probe, hearing: Hearing | None = HEARING, **facts: object) -> Plan:
    name = "talk.mp4" if probe.kind is Kind.VIDEO else "talk.wav"
    item = drop(name, kind=probe.kind, **facts)
    return plan(Order(drop=item, probe=probe, profile=DEFAULT, tool=TOOL, hearing=hearing))


def speech(made: Plan) -> dict[str, tuple[str, ...]]:
    return {s.name: s.needs for s in made.steps if s.name.startswith("speech")}


def hour() -> Probe:
    return recording(sound_stream(1, index=0, duration_ms=3_600_000), duration_ms=3_600_000)


def test_speech_is_cut_into_chunks_that_the_first_one_leads() -> None:
    """All are made from the published sound; the first finds the language for the others."""
    made = planned(hour())
    assert speech(made) == {
        "speech-0": ("sound",),
        **{f"speech-{n}": ("sound", "speech-0") for n in range(1, 8)},
        "speech": tuple(f"speech-{n}" for n in range(8)),
    }
    outs = [out for s in made.steps for out in s.outputs if isinstance(out, SpeechOut)]
    ends = [out.end_ms for out in outs]
    assert ends[:-1] == [out.begin_ms for out in outs[1:]]
    assert (outs[0].begin_ms, ends[-1]) == (0, None)
    assert all((s.priority, s.required) == (IDLE, False) for s in made.steps if "speech" in s.name)


def test_a_film_is_heard_by_its_main_sound() -> None:
    """And one without sound not at all."""
    assert speech(planned(film()))["speech-0"] == ("sound-0",)
    assert speech(planned(film(picture_stream(), audio=()))) == {}


def test_a_short_rest_goes_with_the_chunk_before_it() -> None:
    """A minute alone would cost the loading of a model."""
    for seconds, chunks in ((540, 1), (620, 2)):
        ms = seconds * 1000
        made = planned(recording(sound_stream(1, index=0, duration_ms=ms), duration_ms=ms))
        assert len(speech(made)) == chunks + 1


def test_nobody_listens_unasked() -> None:
    """Without a model, or where people have written everything, there is nothing to do."""
    assert speech(planned(hour(), None)) == {}
    both = (subtitles("es-MX"), subtitles("en"))
    assert speech(planned(hour(), sidecars=both)) == {}
    assert speech(planned(hour(), sidecars=both[:1]))


def test_subtitles_that_arrive_leave_what_was_heard_as_it_is() -> None:
    """The same words would come out again: the names of the steps' outputs do not change."""
    before = {s.name: s.fingerprint for s in planned(hour()).steps}
    after = {s.name: s.fingerprint for s in planned(hour(), sidecars=(subtitles(),)).steps}
    assert before.items() <= after.items()


def test_another_model_or_another_language_is_other_work() -> None:
    """But a changed model leaves the item's own media untouched."""
    before = {s.name: s.fingerprint for s in planned(hour()).steps}
    for hearing in (Hearing(model="large-v3", languages=("es",)), Hearing(model="small")):
        after = {s.name: s.fingerprint for s in planned(hour(), hearing).steps}
        assert {name for name in before if before[name] != after[name]} == set(
            speech(planned(hour()))
        )


@pytest.mark.parametrize(("name", "task"), [("speech-0", "transcribe"), ("speech", "render")])
def test_listening_has_a_bell_of_its_own(name: str, task: str) -> None:
    """Its queue is served by workers that have a model; joining needs none."""
    (wanted,) = (s for s in planned(hour()).steps if s.name == name)
    assert todo.render_bell("p", "i", wanted).task == task


def test_no_step_outlasts_its_time_at_a_twentieth_of_speech() -> None:
    """A chunk of eight minutes is waited for three hours, not a day."""
    times = {s.timeout_s for s in planned(hour()).steps if s.name.startswith("speech-")}
    assert max(times) < 4 * 3600
