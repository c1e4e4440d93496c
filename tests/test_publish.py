"""Writing a post's pages: idempotent, convergent without a lock, stable names and placeholders."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime

import media
import pytest
from homes import POST_TOML, Home

from pipeline import publish as publishing
from pipeline.errors import Missing
from pipeline.model import Object, PostCard, State
from pipeline.publish import publish, published_manifest
from pipeline.records import Published, post_key
from pipeline.scan import scan


def test_publishing_again_changes_nothing(home: Home) -> None:
    """Pages are a function of the records."""
    before = home.published
    assert publish(home.house, "march") == home.post
    assert home.published == before


def test_an_unknown_post_is_not_published(empty: Home) -> None:
    """Nothing is written for a name that nobody dropped."""
    assert publish(empty.house, "nowhere") is None
    assert empty.published == {}
    with pytest.raises(Missing):
        published_manifest(empty.house.published, "nowhere")


def test_a_post_can_be_embedded_before_anything_is_made(empty: Home) -> None:
    """From the first scan on there are pages, posters and manifests at the stable names."""
    empty.lay("talk.mp4", media.film())
    scan(empty.house)
    made = publish(empty.house, "march")
    assert made is not None
    assert (made.state, made.percent) == (State.WAITING, 0)
    assert {
        "index.html",
        "march/index.html",
        "march/post.json",
        "march/talk.html",
        "march/talk/embed.html",
        "march/talk/item.json",
        "march/talk/poster.jpg",
        "march/talk/poster-play.jpg",
    } <= set(empty.published)


def test_a_finished_poster_replaces_the_placeholder(empty: Home) -> None:
    """Publishing first and rendering later ends in the same bytes as the other way round."""
    empty.lay("talk.mp4", media.film())
    scan(empty.house)
    publish(empty.house, "march")
    before = empty.published["march/talk/poster.jpg"]
    empty.run()
    poster = next(o for o in empty.item("talk").outputs if o.role == "poster")
    assert empty.published["march/talk/poster.jpg"] == poster.sha256 != before


def test_two_at_once_end_in_the_same_bytes(home: Home) -> None:
    """Many writers side by side converge to what one writes alone."""
    expected = home.published
    home.lay("post.toml", 'title = "Other"\n')
    scan(home.house)
    publish(home.house, "march")
    home.lay("post.toml", POST_TOML)
    scan(home.house)
    threads = [threading.Thread(target=publish, args=(home.house, "march")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert home.published == expected


def test_a_writer_that_was_overtaken_writes_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that change while pages are written are seen before the writer leaves."""
    sync, late = home.house.published.sync, ["Second"]

    def overtaken(objects: Iterable[Object]) -> tuple[str, ...]:
        if late:
            home.lay("post.toml", f'title = "{late.pop()}"\n')
            scan(home.house)
        return sync(objects)

    home.lay("post.toml", 'title = "First"\n')
    scan(home.house)
    monkeypatch.setattr(home.house.published, "sync", overtaken)
    made = publish(home.house, "march")
    assert made is not None
    assert made.title == home.post.title == "Second"


def test_endless_change_does_not_hold_a_writer(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few rounds it leaves; the mark it leaves tells the scan that there is more to do."""
    sync, rounds = home.house.published.sync, []

    def restless(objects: Iterable[Object]) -> tuple[str, ...]:
        rounds.append(1)
        home.lay("post.toml", f'title = "T{len(rounds)}"\n')
        scan(home.house)
        return sync(objects)

    with monkeypatch.context() as patch:
        patch.setattr(home.house.published, "sync", restless)
        publish(home.house, "march")
    mark = home.house.records.get(Published, post_key("march", "published"))
    assert mark is not None
    assert mark.of != home.house.signature(home.house.records.post("march"))
    assert scan(home.house) == 1
    home.run()
    assert home.post.title == f"T{len(rounds)}"


def test_the_front_page_forgets_no_post(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two posts finished side by side are both on it, whoever writes last."""
    card = PostCard(
        post="april", title="April", language="en", date="", state=State.PUBLISHED, counts={}
    )
    cards, slow = home.house.records.cards, [card]

    def overtaken() -> dict[str, PostCard]:
        found = cards()
        if slow:  # the other post is finished right after we looked
            home.house.records.put(post_key("april", "card"), slow.pop())
        return found

    monkeypatch.setattr(home.house.records, "cards", overtaken)
    publish(home.house, "march")
    front = home.house.published.read("index.html")
    assert b"April" in front
    assert b"The vote" in front


def test_a_stable_name_is_written_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a hundred photos does not copy a hundred photos at each step."""
    copied: list[str] = []
    copy = home.house.published.copy

    def counted(source: str, key: str, **headers: str) -> None:
        copied.append(key)
        copy(source, key, **headers)

    monkeypatch.setattr(home.house.published, "copy", counted)
    publish(home.house, "march")
    assert copied == []
    (home.root / "published/march/talk/video.mp4").unlink()
    home.run(deep=True)
    assert copied == ["march/talk/video.mp4"]


def test_pages_come_after_what_they_point_at(empty: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a manifest is written, every output it names is there already."""
    empty.lay("still.jpg", media.photo())
    sync = empty.house.published.sync
    checked: list[str] = []

    def checking(objects: Iterable[Object]) -> tuple[str, ...]:
        objects = list(objects)
        there = empty.published
        if any(obj.key == "march/post.json" for obj in objects):
            found = empty.house.records.post("march")
            composed = publishing.manifest.compose(
                "march",
                found.drop,
                empty.house.items(found),  # type: ignore[arg-type]
            )
            for item in composed.post.items:
                checked.extend(o.key for o in item.outputs)
                assert all(o.key in there for o in item.outputs)
        return sync(objects)

    monkeypatch.setattr(empty.house.published, "sync", checking)
    empty.run()
    assert "march/still/320.jpg" in checked


def test_a_width_that_is_made_no_more_shows_the_photo_of_today(empty: Home) -> None:
    """Articles ask for the widths of the day they were pasted: never for the old picture again."""
    empty.lay("still.jpg", media.photo())
    empty.run()
    folder = empty.root / "published/march/still"
    early = {name: (folder / name).read_bytes() for name in ("320.jpg", "320.avif", "160.jpg")}
    empty.lay("still.jpg", media.photo("200x112"))
    empty.run()
    largest = max(int(path.stem) for path in folder.glob("*.jpg") if path.stem in ("160", "200"))
    for ending in ("jpg", "avif"):
        late = (folder / f"320.{ending}").read_bytes()
        assert late != early[f"320.{ending}"]
        assert late == (folder / f"{largest}.{ending}").read_bytes()
    before = empty.published
    publish(empty.house, "march")
    assert empty.published == before


def test_every_width_of_a_withdrawn_photo_shows_the_notice(empty: Home) -> None:
    """An article keeps its shape and shows no broken picture, and nothing of the old one."""
    empty.lay("still.jpg", media.photo())
    empty.lay("noise.wav", media.sound())
    empty.run()
    folder = empty.root / "published/march/still"
    early = {path.name: path.read_bytes() for path in folder.glob("[0-9]*.*")}
    assert {"160.jpg", "320.jpg", "320.avif"} <= set(early)
    empty.take("still.jpg")
    empty.run()
    notice = (folder / "poster.jpg").read_bytes()
    assert {path.name for path in folder.glob("[0-9]*.*")} == set(early)
    assert all((folder / name).read_bytes() == notice != early[name] for name in early)
    before = empty.published
    publish(empty.house, "march")
    assert empty.published == before


def test_a_posts_first_appearance_is_remembered(home: Home) -> None:
    """Nothing is dated before it can be seen; afterwards the moment stays, whatever is added."""
    seen = home.post.first_seen
    assert datetime.fromisoformat(seen).tzinfo is not None
    # A reporter's own date goes before it; without one it is all there is.
    home.lay("post.toml", POST_TOML.replace("date = 2026-11-20\n", ""))
    home.run()
    assert seen in home.house.published.read("march/talk.html").decode()
    home.lay("later.jpg", media.photo())
    home.run()
    assert home.post.first_seen == seen


def test_nothing_is_dated_before_it_can_be_seen(empty: Home) -> None:
    """An upload is no publication."""
    empty.lay("still.jpg", media.photo())
    scan(empty.house)
    made = publish(empty.house, "march")
    assert made is not None
    assert made.first_seen == ""
