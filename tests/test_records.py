"""The work store's records: names, drops, plans, steps, failures and runs by key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from values import changed, drop, planned, post_drop

from pipeline.model import Drop, Failure, Object, Plan, PostCard, State, StepRecord
from pipeline.records import Records, Run, failures, item_key, post_key, settled_prefix
from pipeline.store import DirStore


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """Records on an empty work store."""
    return Records(DirStore(tmp_path / "work"))


def again(records: Records) -> Records:
    """The same store seen by another process, which remembers nothing."""
    return Records(records.store)


# --- names -----------------------------------------------------------------------------------


def test_a_name_is_given_once_and_for_ever(records: Records) -> None:
    """The first to ask keeps the plain slug; asking again, also elsewhere, gives the same."""
    given = [records.claim_item("post", path) for path in ("talk.mp4", "talk.mov", "Talk.MP4")]
    assert given == ["talk", "talk-2", "talk-3"]
    for path, slug in zip(("talk.mp4", "talk.mov", "Talk.MP4"), given, strict=True):
        assert records.claim_item("post", path) == slug
        assert again(records).claim_item("post", path) == slug


def test_posts_and_their_items_have_names_of_their_own(records: Records) -> None:
    """A folder and a root file of one name are two posts; items count within their post."""
    assert records.claim_post("talk") == "talk"
    assert records.claim_post("./talk") == "talk-2"
    assert records.claim_post("Talk 1.2") == "talk-1-2"
    assert records.claim_item("a", "talk.mp4") == records.claim_item("b", "talk.mp4") == "talk"


@pytest.mark.parametrize(
    "name",
    ["a/b.mp4", "\n.mp4", '"quoted".mp4', "..%2f...mp4", "🎥.mp4", "é" * 126 + ".mp", "index.mp4"],
)
def test_odd_names_get_safe_slugs(records: Records, name: str) -> None:
    """Whatever a file is called, its slug can stand in a URL and never hides a page."""
    slug = records.claim_item("post", name)
    assert slug.replace("-", "").isalnum()
    assert slug.isascii()
    assert slug != "index"


def test_many_at_once_get_different_names(records: Records) -> None:
    """Two workers asking together never share a slug, and each keeps its own."""
    paths = [f"{n}/talk.mp4" for n in range(12)]

    def claim(path: str) -> str:
        return again(records).claim_item("post", path)

    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(claim, paths))
    assert len(set(given)) == len(paths)
    assert [records.claim_item("post", path) for path in paths] == given


# --- looking ---------------------------------------------------------------------------------

PLAN = planned()
STEP = StepRecord(step="poster", fingerprint="f1", artifacts=())
FAILED = Failure(code="unreadable", message="no")
RUN = Run(state="rung", rings=1)


def fill(records: Records) -> None:
    """A post of two items, one with everything."""
    records.put(post_key("post", "drop"), post_drop())
    records.put(item_key("post", "talk", "drop"), drop())
    records.put(item_key("post", "talk", "plan", "g1"), PLAN)
    records.put(item_key("post", "talk", "plan", "g0"), changed(PLAN, profile="old"))
    records.put(item_key("post", "talk", "done", "f1"), STEP)
    records.put(item_key("post", "talk", "fail", "f2"), FAILED)
    records.put(item_key("post", "talk", "run", "ingest-g2"), RUN)
    records.put(item_key("post", "talk-2", "drop"), drop(item="talk-2"))
    records.put(item_key("other", "talk", "drop"), drop(post="other"))


def test_an_items_records_are_read_back(records: Records) -> None:
    """Everything of the item and of its generation, and nothing of its neighbours."""
    fill(records)
    look = records.post("post")
    assert set(look.items) == {"talk", "talk-2"}
    assert look.drop == post_drop()
    found = records.item(look, "talk", "g1")
    assert (found.drop, found.plan) == (drop(), PLAN)
    assert (found.done, found.failed) == ({"f1": STEP}, {"f2": FAILED})
    assert {name: run for name, (run, _) in found.runs.items()} == {"ingest-g2": RUN}
    bare = records.item(look, "talk-2", "g1")
    assert (bare.plan, bare.done, bare.failed, bare.runs) == (None, {}, {}, {})


def test_an_unknown_post_is_empty(records: Records) -> None:
    """Looking at what is not there is no error."""
    look = records.post("nowhere")
    assert (look.drop, look.items) == (None, {})


def test_a_record_that_goes_while_we_look_is_absent(records: Records) -> None:
    """Workers end and remove their run records between a listing and the reading of it."""
    fill(records)
    look = records.post("post")
    records.drop(item_key("post", "talk", "run", "ingest-g2"))
    assert records.item(look, "talk", "g1").runs == {}


@pytest.mark.parametrize("kind", ["plan-g1", "plan-g0", "done-f1", "fail-f2", "run-ingest-g2"])
def test_a_record_of_another_version_is_as_good_as_none(
    records: Records, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is found out again; nobody is shown a parser's complaint."""
    fill(records)
    key = f"items/post/talk/{kind}.json"
    records.store.put(Object(key=key, body=b'{"from": "elsewhen"}', media_type="application/json"))
    found = records.item(records.post("post"), "talk", "g1")
    left = (found.plan, found.last, *found.done.values(), *found.failed.values(), *found.runs)
    assert sum(value is not None for value in left) == 4
    assert "another version" in caplog.text


@pytest.mark.parametrize("kind", ["drop", "card", "feed"])
def test_a_post_of_another_version_is_passed_over(records: Records, kind: str) -> None:
    """One post that cannot be read takes no other down; the next scan writes it anew."""
    fill(records)
    records.put(post_key("fine", "drop"), post_drop())
    records.store.put(Object(key=post_key("post", kind), body=b"{", media_type="application/json"))
    assert "fine" in records.posts()
    assert (records.cards(), records.feed_entries()) == ({}, {})
    assert records.get(PostCard, post_key("post", kind)) is None


def test_the_signature_tells_every_change(records: Records) -> None:
    """Any record written, changed or removed shows; looking again does not."""
    fill(records)
    before = records.post("post").signature
    assert again(records).post("post").signature == before
    records.put(item_key("post", "talk", "run", "ingest-g2"), changed(RUN, rings=2))
    middle = records.post("post").signature
    records.drop(item_key("post", "talk", "run", "ingest-g2"))
    assert len({before, middle, records.post("post").signature}) == 3


def test_an_unchanged_record_is_read_once(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan over ten thousand items costs a listing, not ten thousand reads."""
    fill(records)
    records.item(records.post("post"), "talk", "g1")

    def refuse(key: str, **_: int) -> bytes:
        raise AssertionError(key)

    monkeypatch.setattr(records.store, "read", refuse)
    assert records.item(records.post("post"), "talk", "g1").plan == PLAN


def test_a_full_memory_is_emptied(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is bounded, and forgetting changes no answer."""
    monkeypatch.setattr("pipeline.records.CACHED_RECORDS", 2)
    fill(records)
    for _ in range(2):
        assert records.item(records.post("post"), "talk", "g1").plan == PLAN
    assert len(records._cache) <= 2


def test_posts_and_cards_are_listed(records: Records) -> None:
    """Every post by its slug; the front page knows those that were published."""
    card = PostCard(post="post", title="T", language="en", date="", state=State.PUBLISHED)
    fill(records)
    records.put(post_key("post", "card"), card)
    assert records.posts() == {"post": post_drop()}
    assert records.cards() == {"post": card}


def test_what_is_not_there_is_none(records: Records) -> None:
    """Asking for a missing record is no error, nor is asking for one that makes no sense."""
    assert records.get(Plan, "nowhere.json") is None
    records.store.put(Object(key="x.json", body=b"{}", media_type="application/json"))
    assert records.get(Drop, "x.json") is None


def test_failures_to_forget(records: Records) -> None:
    """A retry forgets failures and runs of one item, or of all, and nothing else."""
    fill(records)
    keys = records.post("post").entries
    assert (
        set(failures(keys, "post", None))
        == set(failures(keys, "post", "talk"))
        == {
            "items/post/talk/fail-f2.json",
            "items/post/talk/run-ingest-g2.json",
        }
    )
    assert list(failures(keys, "post", "talk-2")) == []
    assert settled_prefix("post") == "settled/post/"
