"""What comes next for an item: the one retry policy, without a store."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import NOW, changed, drop, film, planned, records_of, step, subtitles

from pipeline import todo
from pipeline.errors import Transient
from pipeline.model import Failure, StepRecord
from pipeline.order import FIRST, IDLE
from pipeline.records import ItemRecords, Run

PLAN = planned(film(), drop=drop(sidecars=(subtitles(),)))
FAILED = Failure(code="unreadable", message="no")
STEPS = {step.name: step.fingerprint for step in PLAN.steps}


def done(name: str) -> StepRecord:
    """A finished step."""
    return StepRecord(step=name, fingerprint=STEPS[name], artifacts=())


# The first seconds of the film, made.
STARTED = {s.fingerprint: done(s.name) for s in PLAN.steps if s.priority == FIRST}


def bells(records: ItemRecords, now: float = NOW) -> list[tuple[str, str]]:
    """What should ring, as (task, step)."""
    return [(bell.task, bell.step) for bell in todo.todo(records, now)]


def waits(run: Run, *, since: float = 0.0) -> bool:
    """True where an ingest with this run record is not rung for, `since` seconds after it."""
    records = records_of(runs={"ingest-g1": (run, NOW)})
    return bells(records, NOW + since) == []


# --- what is due -----------------------------------------------------------------------------


def test_a_new_item_is_ingested() -> None:
    """Nothing known: it has to be probed, soon."""
    (bell,) = todo.todo(records_of(), NOW)
    assert (bell.task, bell.post, bell.item, bell.priority) == ("ingest", "post", "talk", 1)


def test_a_planned_item_is_made_step_by_step() -> None:
    """Every step rings at its own priority; what is done or failed does not."""
    known = records_of(plan=PLAN, done=STARTED)
    rung = list(todo.todo(known, NOW))
    ready = [s for s in PLAN.steps if not s.needs and STEPS[s.name] not in STARTED]
    assert [(b.step, b.priority) for b in rung] == [(s.name, s.priority) for s in ready]
    ended = [s.name for s in ready if s.name not in ("poster", "film-0000")]
    known = records_of(
        plan=PLAN,
        done=STARTED | {STEPS[name]: done(name) for name in ended},
        failed={STEPS["poster"]: FAILED},
    )
    assert ("render", "film-0000") in bells(known)
    assert not {step for _, step in bells(known)} & {*ended, "poster", "film"}


def test_the_first_seconds_of_a_film_are_made_alone() -> None:
    """Nothing else of it slows them down; but nothing waits for them while they have to rest."""
    first = {s.name for s in PLAN.steps if s.priority == FIRST}
    assert {step for _, step in bells(records_of(plan=PLAN))} == first
    assert (
        bells(records_of(plan=PLAN, runs={name: (Run(state="running"), NOW) for name in STARTED}))
        == []
    )
    rest = Run(state="resting", not_before=NOW + 60)
    resting = records_of(plan=PLAN, runs=dict.fromkeys(STARTED, (rest, NOW)))
    assert ("render", "poster") in bells(resting)
    assert not {step for _, step in bells(resting)} & first


def test_what_is_joined_waits_for_its_parts() -> None:
    """The film rings once the last of its chunks and its sound are over, one way or the other."""
    film_ = step(PLAN, "film")
    last, *first = film_.needs
    known = records_of(plan=PLAN, done=STARTED | {STEPS[name]: done(name) for name in first})
    assert not todo.is_ready(film_, known)
    assert ("render", "film") not in bells(known)
    for end in (
        {"done": {**known.done, STEPS[last]: done(last)}},
        {
            "done": {name: made for name, made in known.done.items() if name != STEPS[last]},
            "failed": {STEPS[last]: FAILED},
        },
    ):
        known = records_of(plan=PLAN, **end)
        assert todo.is_ready(film_, known)
        assert ("render", "film") in bells(known)


def test_a_film_of_nothing_is_tried_all_the_same() -> None:
    """When all of its parts have failed, it says why there is no film."""
    parts = {STEPS[name]: FAILED for name in step(PLAN, "film").needs}
    parts |= dict.fromkeys(STARTED, FAILED)
    assert ("render", "film") in bells(records_of(plan=PLAN, failed=parts))


def test_a_withdrawn_item_needs_nothing() -> None:
    """No work for what was removed."""
    gone = records_of(drop=drop(withdrawn=True))
    assert bells(gone) == []
    assert todo.is_over(gone)


def test_an_item_that_failed_is_left_alone() -> None:
    """A failed ingest does not ring again; an earlier generation's failure does not count."""
    assert bells(records_of(failed={"ingest-g1": FAILED})) == []
    assert bells(records_of(failed={"ingest-g0": FAILED})) == [("ingest", "")]


# --- rings, workers and rests --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rings", "patience"), [(0, 60), (1, 60), (2, 120), (3, 240), (7, 3600), (500, 3600)]
)
def test_a_lost_ring_is_repeated_ever_more_patiently(rings: int, patience: float) -> None:
    """After a minute, two, four, at most hourly: a full queue must not be flooded."""
    run = Run(state="rung", rings=rings)
    assert waits(run, since=patience)
    assert not waits(run, since=patience + 1)


def test_a_running_worker_is_not_disturbed() -> None:
    """A record that is renewed holds its work; six missed renewals mean a dead worker."""
    run = Run(state="running", attempts=1)
    assert waits(run, since=todo.LEASE_S)
    assert not waits(run, since=todo.LEASE_S + 1)
    assert todo.LEASE_S >= 5 * todo.RENEW_S


def test_resting_work_waits_for_its_time() -> None:
    """No sooner than `not_before`."""
    run = Run(state="resting", not_before=NOW + 9)
    assert waits(run, since=8.9)
    assert not waits(run, since=9)


@given(st.integers(min_value=1, max_value=1000))
def test_rests_double_and_are_bounded(attempts: int) -> None:
    """At least three quarters of the wanted rest, at most five quarters of it."""
    rest = todo.rest_s(attempts)
    wanted = min(todo.FIRST_REST_S * 2.0 ** (attempts - 1), todo.MAX_REST_S)
    assert 0.75 * wanted <= rest <= 1.25 * wanted


def test_eight_tries_take_about_twenty_minutes() -> None:
    """What the retry policy promises in its comment."""
    rests = [
        min(todo.FIRST_REST_S * 2.0**n, todo.MAX_REST_S) for n in range(Transient.max_attempts - 1)
    ]
    assert 10 * 60 <= sum(rests) <= 20 * 60


# --- counting --------------------------------------------------------------------------------


def test_a_start_counts_an_attempt() -> None:
    """The first start and the next; progress of the last one is forgotten."""
    first = todo.started(None, 0.0, NOW, "me")
    assert first == Run(state="running", attempts=1, owner="me")
    rested = changed(first, state="resting", percent=50, text="half")
    assert todo.started(rested, NOW, NOW, "you") == Run(state="running", attempts=2, owner="you")


@pytest.mark.parametrize(
    ("state", "age", "deaths"),
    [("running", 31, 1), ("running", 29, 0), ("rung", 99, 0), ("resting", 99, 0)],
)
def test_a_death_is_counted_once(state: Any, age: float, deaths: int) -> None:
    """A silent end is counted by whoever finds it first: the next ring or the next start."""
    run = Run(state=state, attempts=1)
    assert todo.started(run, NOW - age, NOW, "me").deaths == deaths
    rung = todo.rung(run, NOW - age, NOW)
    assert rung.deaths == deaths
    assert todo.started(rung, NOW, NOW + 999, "me").deaths == deaths


def test_a_ring_is_counted() -> None:
    """The first ring of work is its first; attempts are kept."""
    assert todo.rung(None, 0.0, NOW) == Run(state="rung", rings=1)
    before = Run(state="rung", rings=1, attempts=4)
    assert todo.rung(before, NOW, NOW) == Run(state="rung", rings=2, attempts=4)


# --- the end ---------------------------------------------------------------------------------


def test_when_an_item_is_over() -> None:
    """When every step is done or failed, or the ingest failed; never before it was planned."""
    ended = {name: FAILED for name in STEPS.values() if name != STEPS["film"]}
    finished = {STEPS["film"]: done("film")}
    assert not todo.is_over(records_of())
    assert todo.is_over(records_of(failed={"ingest-g1": FAILED}))
    assert not todo.is_over(records_of(plan=PLAN, failed=ended))
    assert todo.is_over(records_of(plan=PLAN, failed=ended, done=finished))


def test_idle_work_keeps_no_item_from_being_settled() -> None:
    """Readers have everything; the work goes on, and rings after all other work."""
    idle = tuple(changed(s, priority=IDLE) for s in PLAN.steps if s.name == "poster")
    plan = changed(PLAN, steps=(*(s for s in PLAN.steps if s.name != "poster"), *idle))
    finished = {STEPS[s.name]: done(s.name) for s in plan.steps if s.name != "poster"}
    known = records_of(plan=plan, done=finished)
    assert todo.is_settled(known)
    assert not todo.is_over(known)
    assert [bell.priority for bell in todo.todo(known, NOW)] == [IDLE]
    assert not todo.is_settled(records_of(plan=plan))
    assert not todo.is_settled(records_of())


@given(
    st.sampled_from(["rung", "running", "resting"]),
    st.integers(0, 20),
    st.floats(0, 1e5),
    st.floats(0, 1e5),
)
def test_no_work_is_forgotten(state: Any, rings: int, rest: float, age: float) -> None:
    """Whatever its run record says, unfinished work rings again within the longest patience."""
    run = Run(state=state, rings=rings, not_before=NOW + rest)
    later = NOW + max(rest, age) + todo.MAX_PATIENCE_S + 1
    assert bells(records_of(runs={"ingest-g1": (run, NOW)}), later) == [("ingest", "")]


def test_pages_of_large_posts_rest_and_those_of_small_ones_never() -> None:
    """A slow machine must not keep a film from being seen; a thousand photos must not stop it."""
    assert todo.pages_rest_s(3.0, 1) == todo.pages_rest_s(30.0, todo.FEW_ITEMS) == 0.0
    assert todo.pages_rest_s(0.1, 1000) == 0.0
    assert todo.pages_rest_s(2.0, 1000) == 8.0
    assert todo.pages_rest_s(60.0, 1000) == todo.MAX_PAGES_REST_S
