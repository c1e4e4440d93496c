"""From records to the published truth: states, percentages, texts and stable names."""

from __future__ import annotations

from typing import Any

import pytest
from values import (
    NOW,
    changed,
    drop,
    film,
    photo,
    planned,
    post_drop,
    recording,
    records_of,
    source,
    step,
    subtitles,
)

from pipeline import manifest
from pipeline.manifest import Composed, card
from pipeline.model import (
    Artifact,
    Failure,
    ItemInfo,
    ItemManifest,
    Kind,
    Plan,
    PostInfo,
    State,
    StepRecord,
)
from pipeline.records import ItemRecords, Run

PLAN = planned(film(), drop=drop(sidecars=(subtitles(),)))
FAILED = Failure(code="unreadable", message="It is broken.")


def artifacts(plan: Plan, name: str) -> tuple[Artifact, ...]:
    """What a step of a plan would leave behind."""
    done = step(plan, name)
    return tuple(
        Artifact(
            role=out.role,
            key=f"post/talk/r/{done.fingerprint}/{out.file}",
            media_type="image/jpeg" if out.file.endswith("jpg") else "application/octet-stream",
            bytes=1,
            sha256="0" * 64,
            width=getattr(out, "width", None),
            extra={"stable": True} if getattr(out, "stable", False) else {},
        )
        for out in done.outputs
    )


def done(plan: Plan, *names: str, notes: tuple[str, ...] = ()) -> dict[str, StepRecord]:
    """Records of finished steps."""
    return {
        step(plan, name).fingerprint: StepRecord(
            step=name,
            fingerprint=step(plan, name).fingerprint,
            artifacts=artifacts(plan, name),
            notes=notes,
            source_sha256="c" * 64,
        )
        for name in names
    }


def failed(plan: Plan, name: str) -> dict[str, Failure]:
    """A step that failed."""
    return {step(plan, name).fingerprint: FAILED}


def compose(*items: ItemRecords, **facts: Any) -> Composed:
    """A post of these items."""
    return manifest.compose("post", post_drop(**facts), {r.drop.item: r for r in items})


def only(**facts: Any) -> ItemManifest:
    """The manifest of one item."""
    (item,) = compose(records_of(**facts)).post.items
    return item


# --- states ----------------------------------------------------------------------------------

RUNNING = Run(state="running", percent=50)
LADDER = step(PLAN, "ladder").fingerprint


@pytest.mark.parametrize(
    ("facts", "state", "percent"),
    [
        ({}, State.WAITING, 0),
        ({"runs": {"ingest-g1": (RUNNING, NOW)}}, State.PROCESSING, 0),
        ({"plan": PLAN}, State.PROCESSING, 0),
        ({"plan": PLAN, "runs": {LADDER: (RUNNING, NOW)}}, State.PROCESSING, 42),
        ({"plan": PLAN, "done": done(PLAN, "poster")}, State.PROCESSING, 7),
        ({"plan": PLAN, "done": done(PLAN, "ladder")}, State.PLAYABLE, 85),
        (
            {"plan": PLAN, "done": done(PLAN, "ladder", "poster", "captions-es")},
            State.PUBLISHED,
            100,
        ),
        ({"failed": {"ingest-g1": FAILED}}, State.FAILED, 100),
        ({"failed": {"ingest-g0": FAILED}}, State.WAITING, 0),
        ({"plan": PLAN, "failed": failed(PLAN, "ladder")}, State.FAILED, 100),
    ],
)
def test_states(facts: dict[str, Any], state: State, percent: int) -> None:
    """Waiting, processing, playable, published, failed; percent is weighed by what steps cost."""
    item = only(**facts)
    assert (item.state, item.percent) == (state, percent)
    assert (item.error is not None) is (state is State.FAILED)


def test_what_is_not_needed_may_fail() -> None:
    """Without its subtitles a film is published all the same, and the reason is noted."""
    item = only(plan=PLAN, done=done(PLAN, "ladder", "poster"), failed=failed(PLAN, "captions-es"))
    assert item.state is State.PUBLISHED
    assert "It is broken." in item.notes


def test_the_last_plan_stands_until_there_is_a_new_one() -> None:
    """While a changed item waits to be looked at again, what was made of it stays."""
    item = only(last=PLAN, done=done(PLAN, "ladder", "poster", "captions-es"))
    assert item.state is State.PLAYABLE
    assert {o.role for o in item.outputs} >= {"video", "poster", "captions"}


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((State.PUBLISHED, State.FAILED), State.PUBLISHED),
        ((State.FAILED, State.FAILED), State.FAILED),
        ((State.WAITING, State.WAITING), State.WAITING),
        ((State.WAITING, State.PROCESSING), State.PROCESSING),
        ((State.WAITING, State.FAILED), State.PROCESSING),
        ((State.WAITING, State.PUBLISHED), State.PLAYABLE),
        ((State.PLAYABLE, State.FAILED), State.PLAYABLE),
        ((), State.WITHDRAWN),
    ],
)
def test_the_state_of_a_post(states: tuple[State, ...], whole: State) -> None:
    """Published when all has ended and something is there; playable as soon as anything is."""
    items = tuple(changed(only(), state=state) for state in states)
    assert manifest._post_state(items) is whole


# --- outputs and names -------------------------------------------------------------------------


def test_stable_names_of_a_film() -> None:
    """One rung is video.mp4; every rung and the subtitles keep their own immutable keys too."""
    records = records_of(plan=PLAN, done=done(PLAN, "ladder", "poster", "captions-es"))
    composed = compose(records)
    aliases = {a.artifact.key: a.source for a in composed.aliases}
    assert aliases["post/talk/video.mp4"].endswith("/720.mp4")
    assert aliases["post/talk/poster.jpg"].endswith("/poster.jpg")
    keys = [o.key for o in composed.post.items[0].outputs]
    assert sum(key.endswith(".mp4") for key in keys) == 6
    assert f"post/talk/r/{step(PLAN, 'captions-es').fingerprint}/es.vtt" in keys
    assert len(keys) == len(set(keys))


def test_stable_names_of_sound_and_photos() -> None:
    """Sound and photos are shown under stable names alone."""
    for plan, name, wanted in (
        (planned(recording()), "sound", {"audio.m4a", "audio.mp3", "waveform.svg"}),
        (planned(photo(400, 300)), "photo", {"320.jpg", "320.avif", "400.jpg", "400.avif"}),
    ):
        item = only(plan=plan, done=done(plan, name))
        keys = {o.key for o in item.outputs}
        assert all("/r/" not in key for key in keys)
        assert {f"post/talk/{file}" for file in wanted} <= keys


def test_a_failed_item_has_no_outputs() -> None:
    """What failed promises nothing, whatever was finished before."""
    records = records_of(plan=PLAN, done=done(PLAN, "poster"), failed=failed(PLAN, "ladder"))
    composed = compose(records)
    assert (composed.aliases, composed.post.items[0].outputs) == ((), ())


def test_what_no_plan_asks_for_is_not_shown() -> None:
    """Renditions of an earlier version of the film stay out of the manifest."""
    old = planned(film(), drop=drop(media=source(identity="b" * 64)))
    assert only(plan=PLAN, done=done(old, "ladder")).outputs == ()


# --- texts -----------------------------------------------------------------------------------


def titled(info: ItemInfo | None = None, **picture: str) -> ItemManifest:
    """A photo with words from post.toml and from its own metadata."""
    plan = planned(photo(**picture), texts={"caption-text-en": "Beside."})
    dropped = drop("MVI_1.jpg", kind=Kind.PHOTO, info=info or ItemInfo())
    return only(drop=dropped, plan=plan)


def test_where_words_come_from() -> None:
    """post.toml first, then files beside, then the photo's metadata, then the file's name."""
    spoken = {"headline": "H", "caption": "C", "credit": "P"}
    item = titled(ItemInfo(title="T", caption="K", alt="A", credit="R"), **spoken)
    assert (item.title, item.caption, item.alt, item.credit) == ("T", "K", "A", "R")
    item = titled(**spoken)
    assert (item.title, item.caption, item.alt, item.credit) == ("H", "Beside.", "", "P")
    assert titled().title == "MVI 1"


def test_the_posts_credit_stands_for_its_items() -> None:
    """Who made the post made what has no credit of its own."""
    (item,) = compose(records_of(), info=PostInfo(credit="La Voz")).post.items
    assert item.credit == "La Voz"


def test_the_post_is_named_by_its_folder() -> None:
    """Until post.toml gives it a title; dots in a folder's name stay."""
    assert compose(records_of(), folder="St. Mary 12.5").post.title == "St. Mary 12.5"
    assert compose(records_of(), info=PostInfo(title="T")).post.title == "T"


def test_private_words_of_a_file_stay_private() -> None:
    """Of the probe only technical facts are published: no title, no artist."""
    item = only(plan=planned(film(title="secret", artist="secret")))
    assert "secret" not in str(item)
    assert item.probe["video"]


def test_the_source_is_told_by_name_and_hash() -> None:
    """Never by its place in the store."""
    item = only(plan=PLAN, done=done(PLAN, "ladder"))
    assert (item.source.name, item.source.sha256) == ("talk.mp4", "c" * 64)
    assert only().source.sha256 is None


# --- order, withdrawal, cards -------------------------------------------------------------


def test_items_come_in_reading_order() -> None:
    """As the last scan ordered them; what it did not see yet comes last."""
    items = [records_of(drop=drop(item=name)) for name in ("a", "b", "c")]
    made = compose(*items, items=("c", "a")).post.items
    assert [item.item for item in made] == ["c", "a", "b"]


def test_a_withdrawn_item_leaves_the_post() -> None:
    """It is named apart, with no outputs and no notes."""
    gone = records_of(drop=drop(item="gone", withdrawn=True), plan=PLAN, done=done(PLAN, "ladder"))
    composed = compose(records_of(), gone)
    assert [item.item for item in composed.post.items] == ["talk"]
    (item,) = composed.withdrawn
    assert (item.item, item.state, item.outputs, item.notes) == ("gone", State.WITHDRAWN, (), ())


def test_the_same_records_give_the_same_post() -> None:
    """In whatever order they were listed."""
    one, two = records_of(), records_of(drop=drop(item="b", withdrawn=True))
    assert compose(one, two) == compose(two, one)


def test_a_card_counts_what_can_be_seen() -> None:
    """Failed items are not counted, and the chosen cover stands for the post."""
    plan = planned(photo(1000, 500))
    shown = records_of(drop=drop(item="p", kind=Kind.PHOTO), plan=plan, done=done(plan, "photo"))
    film_ = records_of(plan=PLAN, done=done(PLAN, "poster", "ladder", "captions-es"))
    broken = records_of(drop=drop(item="x"), failed={"ingest-g1": FAILED})
    items = ("talk", "p", "x")
    made = card(compose(shown, film_, broken, items=items).post)
    assert made.counts == {"video": 1, "photo": 1}
    assert made.poster == "post/talk/poster.jpg"
    chosen = card(compose(shown, film_, items=items, info=PostInfo(cover="p")).post)
    assert chosen.poster.startswith("post/p/")
    assert card(compose(broken).post).poster == ""


def test_a_step_is_found_by_its_name() -> None:
    """Or not, where a newer plan no longer has it."""
    assert manifest.step_of(PLAN, "ladder") == step(PLAN, "ladder")
    assert manifest.step_of(PLAN, "no-such-step") is None
