"""Comparing what was dropped with what is recorded: late, changed, removed, colliding files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import homes
import media
import pytest
from homes import Home, tree
from values import changed

from pipeline import flow
from pipeline.model import Kind, State
from pipeline.publish import publish
from pipeline.scan import MAX_TOML_BYTES, STALE_JOB_S, STALE_SOURCE_S, clean_scratch, scan

# --- late and changed files --------------------------------------------------------------------


def test_late_subtitles_leave_the_film_as_it_is(home: Home, performed: list[str]) -> None:
    """Only the new subtitles are made, and nothing that was pasted is away meanwhile."""
    before = {o.key for o in home.item("talk").outputs}
    home.lay("talk.en.srt", media.SRT.format(text="They vote."))
    scan(home.house)
    for bell in home.carry():
        home.answer(bell)
        assert before <= {o.key for o in home.item("talk").outputs}
    home.run()
    assert performed == ["captions-en"]
    languages = {o.language for o in home.item("talk").outputs if o.role == "captions"}
    assert languages == {"en", "es"}


def test_an_item_is_playable_while_it_is_planned_anew(home: Home) -> None:
    """Between the arrival of subtitles and their ingest, pages still show the film."""
    poster = home.published["march/talk/poster.jpg"]
    home.lay("talk.en.srt", media.SRT.format(text="They vote."))
    scan(home.house)
    home.carry(lambda bell: home.answer(bell) if bell.task == "publish" else None)
    assert home.item("talk").state is State.PLAYABLE
    assert home.published["march/talk/poster.jpg"] == poster


def test_new_bytes_keep_their_names(home: Home) -> None:
    """A film that is uploaded again gets new renditions under the names that were pasted."""
    before = home.published
    keys = {o.key for o in home.item("talk").outputs if "/r/" not in o.key}
    home.lay("talk.mp4", media.film(tone=880))
    assert home.run().state is State.PUBLISHED
    assert {o.key for o in home.item("talk").outputs if "/r/" not in o.key} == keys
    assert home.published["march/talk/video.mp4"] != before["march/talk/video.mp4"]
    assert home.published["march/still/320.jpg"] == before["march/still/320.jpg"]
    promised = {o.key: o.sha256 for item in home.post.items for o in item.outputs}
    assert promised.items() <= home.published.items()


def test_the_same_bytes_again_cost_nothing(home: Home, performed: list[str]) -> None:
    """A copy of the same file with a new date is no news."""
    before = home.published
    os.utime(home.ingest / "march/talk.mp4", (1, 1))
    home.run()
    assert performed == []
    assert home.published == before


def test_words_of_post_toml_cost_pages_alone(home: Home, performed: list[str]) -> None:
    """A new title, order and caption are shown without any media work."""
    home.lay(
        "post.toml",
        'title = "Later"\norder = ["still.jpg"]\n[items.talk]\ncaption = "One vote."\n',
    )
    post = home.run()
    assert performed == []
    assert (post.title, post.items[0].item) == ("Later", "still")
    assert home.item("talk").caption == "One vote."
    assert b"Later" in home.house.published.read("march/index.html")


def test_a_change_taken_back_is_seen(home: Home) -> None:
    """Circumstances that come back before the change was settled are news again."""
    home.run()
    words = (home.ingest / "march/post.toml").read_bytes()
    home.lay("post.toml", 'title = "Wrong"')
    scan(home.house)
    home.carry()
    home.lay("post.toml", words)
    assert home.run().title == "The vote"


def test_a_caption_file_costs_no_encoding(home: Home, performed: list[str]) -> None:
    """Words beside a photo appear on its page."""
    home.lay("still.txt", "The council house.")
    home.run()
    assert performed == []
    assert home.item("still").caption == "The council house."


def test_a_broken_post_toml_is_a_note(home: Home) -> None:
    """The post stays published, with the defaults, and says what is wrong."""
    home.lay("post.toml", "title = ")
    post = home.run()
    assert post.state is State.PUBLISHED
    assert "post.toml" in post.notes[0]


def test_a_huge_post_toml_is_not_read(empty: Home) -> None:
    """A file of a megabyte is none."""
    empty.lay("post.toml", b"#" * (MAX_TOML_BYTES + 1))
    empty.lay("zero.jpg", b"")
    assert empty.run().notes == ("post.toml was ignored: it is over a megabyte.",)


def test_an_unknown_profile_is_a_note(empty: Home) -> None:
    """The default is used, and the known names are told."""
    empty.lay("post.toml", 'profile = "cinema"')
    empty.lay("zero.jpg", b"")
    (note,) = empty.run().notes
    assert '"cinema"' in note
    assert "Known: default." in note


def test_an_upgrade_encodes_nothing_anew(home: Home, performed: list[str]) -> None:
    """A new encoder or a changed profile leaves published posts alone; asked to, it remakes."""
    quick = changed(homes.QUICK, version=homes.QUICK.version + 1)
    home.house = changed(home.house, profiles={"default": quick}, tool="ffmpeg of tomorrow")
    before = home.published
    home.run()
    assert performed == []
    assert home.published == before

    assert "talk" in flow.remake(home.house, "march")
    publish(home.house, "march")
    assert home.item("talk").state is not State.WAITING
    home.run()
    assert sorted(performed) == ["captions-es", "ladder", "photo", "poster", "sound"]


# --- removed files -----------------------------------------------------------------------------


def test_a_removed_file_is_withdrawn(home: Home) -> None:
    """Its media go, its pages become a polite notice, the others stay."""
    home.take("talk.mp4")
    post = home.run()
    assert [item.item for item in post.items] == ["noise", "still"]
    assert post.notes == ("talk.es.srt waits for the file it belongs to.",)
    left = {key for key in home.published if key.startswith("march/talk")}
    assert left == {
        "march/talk.html",
        "march/talk/embed.html",
        "march/talk/item.json",
        "march/talk/oembed.json",
        "march/talk/poster.jpg",
        "march/talk/poster-play.jpg",
    }
    assert home.item("talk").state is State.WITHDRAWN
    assert b"talk" not in home.house.published.read("march/index.html")


def test_a_file_that_comes_back_is_published_again(home: Home) -> None:
    """Its renditions were removed, so they are made anew; the same bytes as before come out."""
    before = home.published
    home.take("talk.mp4")
    home.run()
    home.lay("talk.mp4", media.film())
    assert home.run().state is State.PUBLISHED
    assert home.published == before


def test_the_last_photos_gallery_goes_with_it(home: Home) -> None:
    """No page shows what was withdrawn."""
    assert "march/gallery.html" in home.published
    home.take("still.jpg")
    home.run()
    assert not [key for key in home.published if key.startswith("march/gallery")]


def test_a_removed_post_leaves_the_front_page(home: Home) -> None:
    """An empty folder withdraws the post as a whole; nothing of its media stays."""
    for path in list((home.ingest / "march").iterdir()):
        path.unlink()
    assert home.run().state is State.WITHDRAWN
    assert not [key for key in home.published if key.endswith((".mp4", ".m4a", ".avif", ".vtt"))]
    assert b"march/" not in home.house.published.read("index.html")


# --- lost outputs ----------------------------------------------------------------------------


def test_a_deep_scan_remakes_what_was_deleted(home: Home) -> None:
    """The whole published folder is gone: it comes back, to the byte."""
    before = home.published
    for key in before:
        (home.root / "published" / key).unlink()
    assert scan(home.house) == 0
    home.run(deep=True)
    assert home.published == before


def test_renditions_nobody_knows_are_swept_after_a_day(home: Home) -> None:
    """New bytes leave old renditions: kept while caches may point at them, then removed."""
    before = {key for key in home.published if "/r/" in key}
    home.lay("noise.wav", media.sound(1))
    home.run(deep=True)
    old = before - {o.key for item in home.post.items for o in item.outputs}
    replaced = {key for key in old if key.startswith("march/noise/")}
    assert replaced
    assert replaced <= home.published.keys()
    for path in (home.root / "published").rglob("*"):
        os.utime(path, (time.time() - 2 * 24 * 3600,) * 2)
    whole = home.published
    home.run(deep=True)
    assert whole.keys() - home.published.keys() == replaced


def test_scratch_of_lost_jobs_is_removed(tmp_path: Path) -> None:
    """What nobody touched for long goes; what may be in use stays; links are not followed."""
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "file").write_bytes(b"x")
    old, new, source = tmp_path / "job-old", tmp_path / "job-new", tmp_path / "sources" / "a"
    for folder in (old / "inner", new, source.parent):
        folder.mkdir(parents=True)
    (old / "inner" / "link").symlink_to(keep)
    source.write_bytes(b"x")
    now = time.time()
    os.utime(old, (now - STALE_JOB_S - 1,) * 2)
    clean_scratch(tmp_path, now)
    assert (old.exists(), new.exists(), source.exists()) == (False, True, True)
    clean_scratch(tmp_path, now + STALE_SOURCE_S + 1)
    assert not source.exists()
    assert (keep / "file").exists()


# --- names -----------------------------------------------------------------------------------

ODD = [
    "talk.mp4",
    "talk.mov",
    "Talk.MP4",
    "a b.mp4",
    "votación.mp4",
    "🎥🎬.mp4",
    "a..b.mp4",
    "50%2f60.mp4",
    "..%2f..%2fetc.mp4",
    'say "hi"\n<b>.mp4',
    "\u202etalk.mp4",
    "x" * 251 + ".mp4",
    "index.mp4",
]


def test_odd_names_are_published_side_by_side(empty: Home) -> None:
    """Colliding slugs, quotes, newlines, 255 bytes: every file is an item of its own, safely."""
    for name in ODD:
        empty.lay(name, b"")
    before = tree(empty.ingest)
    post = empty.run()
    assert sorted(item.source.name for item in post.items) == sorted(ODD)
    slugs = {item.item for item in post.items}
    assert len(slugs) == len(ODD)
    assert all(slug.isascii() and slug.replace("-", "").isalnum() for slug in slugs)
    assert {"talk", "talk-2", "talk-3", "index-2"} <= slugs
    assert tree(empty.ingest) == before


def test_two_films_of_one_slug_are_both_published(empty: Home) -> None:
    """talk.mp4 and talk.mov become two films, each under its own name."""
    empty.lay("talk.mp4", media.silent_film())
    empty.lay("talk.mov", media.film(suffix="mov"))
    post = empty.run()
    assert [(i.item, i.kind, i.state) for i in post.items] == [
        (name, Kind.VIDEO, State.PUBLISHED)
        for name in sorted(["talk", "talk-2"], key=[i.item for i in post.items].index)
    ]
    assert {"march/talk/video.mp4", "march/talk-2/video.mp4"} <= set(empty.published)


def test_a_name_keeps_its_meaning(empty: Home) -> None:
    """The first to arrive has the plain slug, also when a file that sorts before it comes later."""
    empty.lay("talk.mp4", b"")
    empty.run()
    empty.lay("talk.mov", b"")
    post = empty.run()
    assert {i.source.name: i.item for i in post.items} == {"talk.mp4": "talk", "talk.mov": "talk-2"}


def test_only_one_folder_may_be_looked_at(empty: Home) -> None:
    """A scan of one folder leaves the others alone, also those that are gone."""
    empty.lay("zero.jpg", b"")
    other = empty.ingest / "april"
    other.mkdir()
    (other / "zero.jpg").write_bytes(b"")
    scan(empty.house, only="april")
    assert {bell.post for bell in empty.carry(lambda _: None)} == {"april"}


def test_a_settled_post_is_passed_by(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished post costs no look at its records until something about it changes."""
    home.run()
    looks: list[str] = []
    post = home.house.records.post
    monkeypatch.setattr(home.house.records, "post", lambda name: looks.append(name) or post(name))
    assert scan(home.house) == 0
    assert looks == []
    home.lay("late.txt", "x")
    scan(home.house)
    assert looks
