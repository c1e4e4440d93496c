"""From records to the published truth: states, percentages, texts and stable names."""

from __future__ import annotations

from typing import Any

import pytest
from values import (
    DEFAULT,
    NOW,
    changed,
    drop,
    film,
    left_behind,
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
    Failure,
    ItemInfo,
    ItemManifest,
    Kind,
    Plan,
    PostInfo,
    Rung,
    State,
    StepRecord,
    Tags,
)
from pipeline.records import ItemRecords, Run

PROFILE = changed(
    DEFAULT,
    video=changed(
        DEFAULT.video,
        gop_seconds=4.0,
        chunk_seconds=32.0,
        stable_rung=720,
        rungs=tuple(
            Rung(short_side=side, crf=23, max_bps=side * 3000, codec=codec)
            for codec, side in (("h264", 360), ("h264", 720), ("h264", 1080), ("av1", 1080))
        ),
    ),
)
PLAN = planned(film(), drop=drop(sidecars=(subtitles(),)), profile=PROFILE)
FAILED = Failure(code="unreadable", message="It is broken.")


# Every step of the film, as one worker would do them.
FILM = tuple(s.name for s in PLAN.steps)
PLAYS = ("film-0000-low", "sound-0")


def done(plan: Plan, *names: str, notes: tuple[str, ...] = ()) -> dict[str, StepRecord]:
    """Records of finished steps."""
    return {step(plan, name).fingerprint: left_behind(plan, name, notes=notes) for name in names}


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
FIRST = step(PLAN, "film-0000").fingerprint
IDLE = tuple(name for name in FILM if name.startswith("av1-"))
# What each step weighs: chunks 8, sound 4, the film 2, all else 1.
WHOLE = 8 * 3 + 4 + 2 + 4


@pytest.mark.parametrize(
    ("facts", "state", "percent"),
    [
        ({}, State.WAITING, 0),
        ({"runs": {"ingest-g1": (RUNNING, NOW)}}, State.PROCESSING, 0),
        ({"plan": PLAN}, State.PROCESSING, 0),
        ({"plan": PLAN, "runs": {FIRST: (RUNNING, NOW)}}, State.PROCESSING, 400 // WHOLE),
        ({"plan": PLAN, "done": done(PLAN, "poster")}, State.PROCESSING, 100 // WHOLE),
        ({"plan": PLAN, "done": done(PLAN, *PLAYS)}, State.PLAYABLE, 1200 // WHOLE),
        (
            {"plan": PLAN, "done": done(PLAN, *(n for n in FILM if n != "preview"))},
            State.PLAYABLE,
            100 * (WHOLE - 1) // WHOLE,
        ),
        ({"plan": PLAN, "done": done(PLAN, *FILM)}, State.PUBLISHED, 100),
        (
            {"plan": PLAN, "done": done(PLAN, *(n for n in FILM if n not in IDLE))},
            State.PUBLISHED,
            100,
        ),
        ({"failed": {"ingest-g1": FAILED}}, State.FAILED, 100),
        ({"failed": {"ingest-g0": FAILED}}, State.WAITING, 0),
        ({"plan": PLAN, "failed": failed(PLAN, "film")}, State.FAILED, 100),
    ],
)
def test_states(facts: dict[str, Any], state: State, percent: int) -> None:
    """Waiting, processing, playable, published, failed; percent is weighed by what steps cost."""
    item = only(**facts)
    assert (item.state, item.percent) == (state, percent)
    assert (item.error is not None) is (state is State.FAILED)


def test_what_is_not_needed_may_fail() -> None:
    """Without its subtitles a film is published all the same, and the reason is noted."""
    made = done(PLAN, *(name for name in FILM if name != "captions-es"))
    item = only(plan=PLAN, done=made, failed=failed(PLAN, "captions-es"))
    assert item.state is State.PUBLISHED
    assert "It is broken." in item.notes


def test_the_last_plan_stands_until_there_is_a_new_one() -> None:
    """While a changed item waits to be looked at again, what was made of it stays."""
    item = only(last=PLAN, done=done(PLAN, *FILM))
    assert item.state is State.PLAYABLE
    assert {o.role for o in item.outputs} >= {"hls", "video", "poster", "captions"}


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
    """The joined film and its pictures; playlists and subtitles keep their own keys."""
    composed = compose(records_of(plan=PLAN, done=done(PLAN, *FILM)))
    aliases = {a.artifact.key: a.source for a in composed.aliases}
    assert aliases.keys() == {
        f"post/talk/{name}"
        for name in ("video.mp4", "poster.jpg", "poster-play.jpg", "square.jpg", "preview.mp4")
    }
    assert aliases["post/talk/video.mp4"].endswith(f"{step(PLAN, 'film').fingerprint}/video.mp4")
    keys = [o.key for o in composed.post.items[0].outputs]
    assert len(keys) == len(set(keys))
    assert f"post/talk/r/{step(PLAN, 'captions-es').fingerprint}/es.vtt" in keys
    assert not [key for key in keys if "/r/" in key and key.endswith(".mp4")]


def test_the_outputs_of_a_film() -> None:
    """Roles that pages, feeds and players go by: what can be watched first."""
    item = only(plan=PLAN, done=done(PLAN, *FILM))
    roles = [o.role for o in item.outputs]
    assert roles[:2] == ["hls", "hls-av1"]
    assert {role: roles.count(role) for role in roles} == {
        "hls": 1,
        "hls-av1": 1,
        "rung": 4,
        "video": 1,
        "poster": 1,
        "poster-play": 1,
        "square": 1,
        "captions": 1,
        "storyboard": 1,
        "preview": 1,
    }
    assert item.duration_ms == 10_000
    assert (item.width, item.height) == (1920, 1080)


def test_a_film_in_the_making_has_no_file_yet() -> None:
    """Its playlists are there from the first seconds on; they are written with the post."""
    composed = compose(records_of(plan=PLAN, done=done(PLAN, *PLAYS)))
    (item,) = composed.post.items
    assert {o.role for o in item.outputs} == {"hls", "rung"}
    assert item.outputs[0].extra == {"complete": False, "ready_ms": 4000, "codecs": "avc1.64001f"}
    (shown,) = composed.films
    assert {obj.key for obj in (*shown.playlists, *shown.index)} >= {o.key for o in item.outputs}


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
    """What failed promises nothing, whatever was finished beside it."""
    composed = compose(
        records_of(plan=PLAN, done=done(PLAN, "poster"), failed=failed(PLAN, "film"))
    )
    assert (composed.aliases, composed.post.items[0].outputs) == ((), ())
    assert not any(one.playlists or one.index for one in composed.films)


def test_what_plays_of_a_failed_film_goes_on_playing() -> None:
    """Whoever has begun to watch is not cut off, and the poster stays."""
    made = done(PLAN, "poster", *PLAYS)
    composed = compose(records_of(plan=PLAN, done=made, failed=failed(PLAN, "film")))
    (item,) = composed.post.items
    assert item.state is State.FAILED
    assert {"hls", "rung", "poster"} <= {made.role for made in item.outputs}
    assert any(one.index for one in composed.films)
    assert composed.aliases


def test_what_no_plan_asks_for_is_not_shown() -> None:
    """Renditions of an earlier version of the film stay out of the manifest."""
    old = planned(film(), drop=drop(media=source(identity="b" * 64)), profile=PROFILE)
    assert only(plan=PLAN, done=done(old, *PLAYS, "film", "poster")).outputs == ()


# --- texts -----------------------------------------------------------------------------------


def titled(info: ItemInfo | None = None, **picture: Any) -> ItemManifest:
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


def test_a_picture_speaks_the_posts_language_where_it_can() -> None:
    """Of the words inside a photo those in the post's language are shown, else its default."""
    said = {"alt": "A square", "alts": {"es": "Una plaza"}, "caption": "C", "captions": {"fr": "F"}}
    plan = planned(photo(**said))
    for language, alt in (("es", "Una plaza"), ("en", "A square")):
        dropped = drop("MVI_1.jpg", kind=Kind.PHOTO)
        (item,) = compose(records_of(drop=dropped, plan=plan), language=language).post.items
        assert (item.alt, item.caption) == (alt, "C")


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
    item = only(plan=planned(film(tags=Tags(title="secret", artist="secret"))))
    assert "secret" not in str(item)
    assert item.probe["video"]


def test_the_source_is_told_by_name_and_hash() -> None:
    """Never by its place in the store."""
    item = only(plan=PLAN, done=done(PLAN, "sound-0"))
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
    gone = records_of(drop=drop(item="gone", withdrawn=True), plan=PLAN, done=done(PLAN, *FILM))
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
    film_ = records_of(plan=PLAN, done=done(PLAN, *FILM))
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
    assert manifest.step_of(PLAN, "film") == step(PLAN, "film")
    assert manifest.step_of(PLAN, "no-such-step") is None
