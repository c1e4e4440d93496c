"""Comparing what was dropped with what is recorded: late, changed, removed, colliding files."""

from __future__ import annotations

import os
import re
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
from pipeline.records import Run, item_key
from pipeline.scan import (
    MAX_TOML_BYTES,
    PROGRESS_S,
    STALE_JOB_S,
    STALE_SOURCE_S,
    clean_scratch,
    scan,
)

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


def test_late_subtitles_appear_in_what_was_pasted(home: Home, performed: list[str]) -> None:
    """Days later: in the frame, in the playlist and as text; and they go when they are removed."""
    frame = "march/talk/embed.html"
    snippet = {
        name: home.published[name] for name in ("march/talk/video.mp4", "march/noise/audio.m4a")
    }
    assert 'srclang="en"' not in read(home, frame)
    home.lay("talk.en.srt", media.SRT.format(text="They vote."))
    home.lay("noise.en.vtt", "WEBVTT\n\n00:00.100 --> 00:00.900\n<v Ann>A hum.\n")
    home.run()
    assert performed == ["captions-en", "captions-en"]
    assert 'srclang="en"' in read(home, frame)
    (index,) = (key for key in home.published if key.endswith("/index.m3u8"))
    assert 'TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English",LANGUAGE="en"' in read(home, index)
    assert "They vote." in read(home, "march/talk/transcript.en.html")
    assert "[0:00] Ann: A hum." in read(home, "march/noise/transcript.en.txt")
    assert "A hum." in read(home, "march/noise.html")
    assert {name: home.published[name] for name in snippet} == snippet
    home.take("talk.en.srt")
    home.run()
    assert 'srclang="en"' not in read(home, frame)
    assert "march/talk/transcript.en.html" not in home.published
    assert "march/talk/transcript.es.html" in home.published


def test_a_written_transcript_is_shown_until_subtitles_come(home: Home) -> None:
    """Words without times are better than none; with times a reader can go to the moment."""
    home.lay("noise.en.txt", "ANN: It hums all day.")
    home.run()
    page = read(home, "march/noise/transcript.en.html")
    assert "<b>ANN:</b> It hums all day." in page
    assert 'data-nr-t="' not in page
    home.lay("noise.en.vtt", "WEBVTT\n\n00:00.100 --> 00:00.900\nA hum.\n")
    home.run()
    assert 'data-nr-t="0.1"' in read(home, "march/noise/transcript.en.html")


def read(home: Home, key: str) -> str:
    """A published text."""
    return home.house.published.read(key).decode()


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
    keys = stable(home)
    home.lay("talk.mp4", media.film(3, tone=880))
    assert home.run().state is State.PUBLISHED
    assert stable(home) == keys
    assert home.published["march/talk/video.mp4"] != before["march/talk/video.mp4"]
    assert home.published["march/still/320.jpg"] == before["march/still/320.jpg"]
    promised = {o.key: o.sha256 for item in home.post.items for o in item.outputs}
    assert promised.items() <= home.published.items()


def stable(home: Home) -> set[str]:
    """The names of a film that are pasted and linked to."""
    return {o.key for o in home.item("talk").outputs if not re.search("/(r|hls)/", o.key)}


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
    """The post stays published as it was, and says what is wrong."""
    home.lay("post.toml", "title = ")
    post = home.run()
    assert post.state is State.PUBLISHED
    assert post.title == "The vote"
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
    plan = home.house.item("march", "talk").plan  # type: ignore[union-attr]
    assert plan is not None
    assert sorted(performed) == sorted([*(s.name for s in plan.steps), "photo", "sound"])


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
        "march/talk/style.css",
    }
    assert home.item("talk").state is State.WITHDRAWN
    assert b"talk" not in home.house.published.read("march/index.html")


def test_a_file_that_comes_back_is_published_again(home: Home) -> None:
    """Its renditions were removed, so they are made anew; the same bytes as before come out."""
    before = home.published
    home.take("talk.mp4")
    home.run()
    home.lay("talk.mp4", media.film(3))
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
    before = home.published
    for path in list((home.ingest / "march").iterdir()):
        path.unlink()
    assert home.run().state is State.WITHDRAWN
    assert not [key for key in home.published if key.endswith((".mp4", ".m4a", ".vtt"))]
    # Names of pictures that articles know show a notice from now on.
    own = ("march/still/", "march/talk/")
    ours = [key for key in home.published if key.startswith(own)]
    pictures = [key for key in ours if key.endswith((".avif", ".jpg"))]
    assert not [key for key in pictures if home.published[key] == before.get(key)]
    assert b"march/" not in home.house.published.read("index.html")


# --- versions of one film ----------------------------------------------------------------------

SHORT = 'title = "Vote"\n[items."talk.mp4".versions]\nshort = "0:10-0:20"\n'


def versions(home: Home) -> dict[str, tuple[str, str]]:
    """Every item that is there, what it is called as a version, and of which item it is one."""
    drops = home.house.records.post("march").items.values()
    return {d.item: (d.version, d.version_of) for d in drops if not d.withdrawn}


def seen(home: Home) -> set[str]:
    """Let a scan look and everybody answer; the items that somebody was asked to work on."""
    scan(home.house)
    return {bell.item for bell in home.carry() if bell.task != "publish"}


@pytest.mark.parametrize("names", [("talk.mp4", "talk.short.mov"), ("talk.short.mov", "talk.mp4")])
def test_a_version_finds_its_film_whichever_comes_first(
    empty: Home, names: tuple[str, str]
) -> None:
    """A version that was pasted before keeps its name, and nothing of it is made again."""
    slugs = {"talk.mp4": "talk", "talk.short.mov": "talk-short"}
    empty.lay(names[0], b"")
    assert seen(empty) == {slugs[names[0]]}
    assert versions(empty) == {slugs[names[0]]: ("", "")}
    empty.lay(names[1], b"")
    assert seen(empty) == {slugs[names[1]]}
    assert versions(empty) == {"talk": ("", ""), "talk-short": ("short", "talk")}


def test_a_version_without_its_film_stands_alone(empty: Home) -> None:
    """It does so for as long as the film is away, and costs no work."""
    for name in ("talk.mp4", "talk.short.mp4"):
        empty.lay(name, b"")
    seen(empty)
    empty.take("talk.mp4")
    assert seen(empty) == set()
    assert versions(empty) == {"talk-short": ("", "")}
    empty.lay("talk.mp4", b"")
    assert seen(empty) == {"talk"}
    assert versions(empty)["talk-short"] == ("short", "talk")


def test_names_decide_what_is_a_version_of_what(empty: Home) -> None:
    """A version that is renamed is another item; a film that is renamed loses its versions."""
    folder = empty.ingest / "march"
    for name in ("talk.mp4", "talk.short.mp4"):
        empty.lay(name, b"")
    seen(empty)
    (folder / "talk.short.mp4").rename(folder / "talk.teaser.mp4")
    seen(empty)
    assert versions(empty) == {"talk": ("", ""), "talk-teaser": ("teaser", "talk")}
    (folder / "talk.mp4").rename(folder / "speech.mp4")
    seen(empty)
    assert versions(empty) == {"speech": ("", ""), "talk-teaser": ("", "")}
    (folder / "talk.teaser.mp4").rename(folder / "speech.teaser.mp4")
    seen(empty)
    assert versions(empty) == {"speech": ("", ""), "speech-teaser": ("teaser", "speech")}


def test_the_film_of_a_version_is_named_by_its_slug(empty: Home) -> None:
    """Where two films share a name, the one that the version belongs to is told by its item."""
    for name in ("talk.mov", "talk.mp4", "talk.short.mp4"):
        empty.lay(name, b"")
        seen(empty)
    assert empty.drop("talk-2").media.name == "talk.mp4"
    assert versions(empty)["talk-short"] == ("short", "talk-2")


def test_a_part_comes_and_goes_with_its_line(empty: Home) -> None:
    """It is an item of the film's own file; without the line it is withdrawn, the film is not."""
    empty.lay("talk.mp4", b"")
    empty.lay("post.toml", SHORT)
    assert seen(empty) == {"talk", "talk-short"}
    part = empty.drop("talk-short")
    assert (part.version, part.version_of, part.info.clip) == ("short", "talk", "0:10-0:20")
    assert part.media == empty.drop("talk").media
    empty.lay("post.toml", "")
    assert seen(empty) == set()
    assert versions(empty) == {"talk": ("", "")}
    assert empty.drop("talk-short").withdrawn
    empty.lay("post.toml", SHORT)
    assert seen(empty) == {"talk-short"}
    assert versions(empty)["talk-short"] == ("short", "talk")


@pytest.mark.parametrize("name", ["talk.mp4", "post.toml"])
def test_a_part_goes_with_its_film_or_with_post_toml(empty: Home, name: str) -> None:
    """Nothing is left that it could be made of, or nobody who asks for it."""
    empty.lay("talk.mp4", b"")
    empty.lay("post.toml", SHORT)
    seen(empty)
    empty.take(name)
    seen(empty)
    assert empty.drop("talk-short").withdrawn
    assert empty.drop("talk").withdrawn is (name == "talk.mp4")


def test_a_slip_in_post_toml_changes_no_film(empty: Home) -> None:
    """Parts stay, and what was cut out stays out, until the file is mended."""
    empty.lay("talk.mp4", b"")
    empty.lay("post.toml", f'[items."talk.mp4"]\nclip = "0:05-"\n{SHORT.partition(chr(10))[2]}')
    seen(empty)
    before = empty.drop("talk"), empty.drop("talk-short")
    assert before[0].info.clip == "0:05-"
    for broken in ("title = ", '[items.talk]\nclip = "2-1"', b"#" * (MAX_TOML_BYTES + 1)):
        empty.lay("post.toml", broken)
        assert seen(empty) == set()
        assert (empty.drop("talk"), empty.drop("talk-short")) == before
        assert "post.toml" in empty.post.notes[0]


def test_a_file_takes_the_place_of_a_part_and_leaves_it_again(empty: Home) -> None:
    """What was pasted stays good: the item is the same, only better made; the reporter is told."""
    empty.lay("talk.mp4", b"")
    empty.lay("post.toml", SHORT)
    seen(empty)
    empty.lay("talk.short.mp4", b"")
    assert seen(empty) == {"talk-short"}
    short = empty.drop("talk-short")
    assert (short.media.name, short.info.clip) == ("talk.short.mp4", "")
    assert (short.version, short.version_of) == ("short", "talk")
    assert any("talk.short.mp4" in note for note in empty.post.notes)
    empty.take("talk.short.mp4")
    seen(empty)
    short = empty.drop("talk-short")
    assert (short.media.name, short.info.clip) == ("talk.mp4", "0:10-0:20")
    assert not empty.post.notes


def test_a_part_takes_no_files_name(empty: Home) -> None:
    """Files are named first, whatever the order of their names and dates."""
    empty.lay("post.toml", SHORT)
    for name in ("talk.mp4", "talk-short.jpg"):
        empty.lay(name, b"")
    os.utime(empty.ingest / "march" / "talk.mp4", (1, 1))
    seen(empty)
    assert empty.drop("talk-short").media.name == "talk-short.jpg"
    assert versions(empty)["talk-short-2"] == ("short", "talk")


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


def test_playlists_of_a_replaced_film_are_swept_with_its_pieces(home: Home) -> None:
    """Open players of the old film go on for a day; then its folder goes, and the new one stays."""
    before = {key for key in home.published if "/hls/" in key}
    home.lay("talk.mp4", media.silent_film())
    home.run(deep=True)
    assert before <= home.published.keys()
    for path in (home.root / "published").rglob("*"):
        os.utime(path, (time.time() - 2 * 24 * 3600,) * 2)
    home.run(deep=True)
    assert not before & home.published.keys()
    promised = {o.key for o in home.item("talk").outputs}
    assert [key for key in promised if key.endswith("index.m3u8")]
    assert promised <= home.published.keys()


def test_what_was_swept_is_made_again_when_it_is_wanted_again(home: Home) -> None:
    """Bytes that come back after their renditions were swept are not taken for finished."""
    before = home.published
    home.lay("noise.wav", media.sound(1))
    home.run()
    for path in (home.root / "published").rglob("*"):
        os.utime(path, (time.time() - 2 * 24 * 3600,) * 2)
    home.run(deep=True)
    home.lay("noise.wav", media.sound())
    home.run()
    assert home.published.keys() >= before.keys()


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


def test_progress_alone_is_shown_now_and_then(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run records change every few seconds: pages show them after a while, and are not over."""
    publish(home.house, "march")
    records = home.house.records
    records.drop(*records.marks("march"))
    records.put(item_key("march", "talk", "run", "0123"), Run(state="running", percent=1))
    assert scan(home.house) == 0
    assert scan(home.house) == 0
    now = records.store.now
    monkeypatch.setattr(records.store, "now", lambda: now() + PROGRESS_S)
    assert scan(home.house) == 1


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


# --- texts without their file ------------------------------------------------------------------


def test_a_text_without_its_file_waits(empty: Home) -> None:
    """The post is there, waiting, and says for what; the front page does not list it yet."""
    empty.lay("still.txt", "alt: Hands\nThe vote.")
    post = empty.run()
    assert (post.state, post.items) == (State.WAITING, ())
    assert post.notes == ("still.txt waits for the file it belongs to.",)
    assert b"waits for the file" in empty.house.published.read("march/embeds.html")
    assert b"march/index.html" not in empty.house.published.read("index.html")
    empty.lay("still.jpg", media.photo())
    post = empty.run()
    assert (post.state, post.notes) == (State.PUBLISHED, ())
    assert (post.items[0].alt, post.items[0].caption) == ("Hands", "The vote.")
    assert b"march/index.html" in empty.house.published.read("index.html")
