"""From names in the ingest bucket to posts and items."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import entry

from pipeline import intake
from pipeline.intake import Folder, Sorted
from pipeline.model import Kind, PostInfo

NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=255)


def folders(*keys: str) -> dict[str, list[str]]:
    """The posts found in a listing, as names and relative paths."""
    return {f.name: list(f.files) for f in intake.folders(entry(key) for key in keys)}


def sorted_out(*paths: str, order: tuple[str, ...] = (), language: str = "en") -> Sorted:
    """A folder of these files, sorted."""
    folder = Folder(name="post", files={path: entry(f"post/{path}") for path in paths})
    return intake.sort_out(folder, PostInfo(order=order), language)


def beside(found: Sorted) -> dict[str, list[tuple[str, str, str]]]:
    """Each item's sidecars as (file, role, language)."""
    return {
        item.path: [(s.source.name, s.role, s.language) for s in item.sidecars]
        for item in found.items
    }


# --- posts -----------------------------------------------------------------------------------


def test_a_folder_is_a_post() -> None:
    """Files group by their first folder; deeper folders belong to the post."""
    assert folders("march/a.mp4", "march/day 2/b.jpg", "vote/a.mp4") == {
        "march": ["a.mp4", "day 2/b.jpg"],
        "vote": ["a.mp4"],
    }


def test_a_file_at_the_root_is_a_post_with_its_sidecars() -> None:
    """It is named by its stem; subtitles and texts of its name come with it, in any case."""
    assert folders("talk.mp4", "Talk.es.srt", "talk.txt", "other.jpg") == {
        "./talk": ["talk.mp4", "Talk.es.srt", "talk.txt"],
        "./other": ["other.jpg"],
    }


def test_a_root_file_whose_name_ends_like_a_language_keeps_its_sidecar() -> None:
    """talk.es.mp4 owns talk.es.srt: the two must not end in different posts."""
    assert folders("talk.es.mp4", "talk.es.srt") == {"./talk.es": ["talk.es.mp4", "talk.es.srt"]}


def test_texts_alone_at_the_root_are_no_post() -> None:
    """A README or a post.toml lying about at the root publishes nothing."""
    assert folders("README.txt", "post.toml", "late.es.srt") == {}


def test_litter_is_passed_over() -> None:
    """What systems and sync tools leave behind, and all that is hidden, is no one's work."""
    assert folders(
        "post/.DS_Store",
        "post/._a.mp4",
        "post/Thumbs.db",
        "post/~$notes.doc",
        "__MACOSX/a.mp4",
        ".hidden/a.mp4",
        "post/../a.mp4",
        "post/folder/",
        "post/a.mp4",
        "post/..%2fb.mp4",
    ) == {"post": ["a.mp4", "..%2fb.mp4"]}


@pytest.mark.parametrize("key", ["//a.mp4", "/a.mp4", "a.mp4"])
def test_empty_segments_of_a_key_mean_nothing(key: str) -> None:
    """S3 clients write keys with doubled or leading slashes."""
    assert list(folders(key)) == ["./a"]


# --- items and what belongs to them -------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "role", "language"),
    [
        ("talk.es.srt", "captions", "es"),
        ("TALK.ES.SRT", "captions", "es"),
        ("talk.pt-br.vtt", "captions", "pt-BR"),
        ("talk.srt", "captions", "en"),
        ("talk.mp4.es.ass", "captions", "es"),
        ("talk.txt", "caption-text", "en"),
        ("talk.es.txt", "transcript", "es"),
        ("talk.es.md", "transcript", "es"),
    ],
)
def test_sidecars_are_found_by_name(path: str, role: str, language: str) -> None:
    """Stem and language of the name say whose a text is and in what language."""
    found = sorted_out("talk.mp4", path)
    assert beside(found) == {"talk.mp4": [(path, role, language)]}
    assert found.waiting == ()


def test_a_sidecar_stays_in_its_folder() -> None:
    """Day 2's subtitles are not those of day 1's film of the same name."""
    found = sorted_out("1/talk.mp4", "2/talk.mp4", "2/talk.es.srt")
    assert beside(found) == {"1/talk.mp4": [], "2/talk.mp4": [("talk.es.srt", "captions", "es")]}


def test_a_language_in_the_media_name_is_part_of_the_name() -> None:
    """Subtitles of talk.es.mp4 are talk.es.srt, in the post's language."""
    found = sorted_out("talk.es.mp4", "talk.es.srt", language="es")
    assert beside(found) == {"talk.es.mp4": [("talk.es.srt", "captions", "es")]}


def test_subtitles_belong_to_the_film_not_to_its_still() -> None:
    """Where film and photo share a stem, texts go to the film."""
    found = sorted_out("talk.jpg", "talk.mp4", "talk.es.srt", "talk.txt")
    assert [len(item.sidecars) for item in found.items] == [0, 2]
    assert found.items[1].path == "talk.mp4"


def test_texts_without_media_wait() -> None:
    """Files may arrive in any order: what belongs to nothing yet is named as waiting."""
    found = sorted_out("late.es.srt", "a.mp4", "post.toml")
    assert found.waiting == ("late.es.srt",)
    assert found.toml == entry("post/post.toml")
    assert [item.path for item in found.items] == ["a.mp4"]


def test_numbers_in_names_are_counted() -> None:
    """2 comes before 10, whatever the case, and numbers of other scripts do no harm."""
    found = sorted_out("IMG 10.jpg", "img 2.jpg", "IMG 1.jpg", "img ٣.jpg")
    assert [item.path for item in found.items] == [
        "IMG 1.jpg",
        "img 2.jpg",
        "img ٣.jpg",
        "IMG 10.jpg",
    ]


def test_post_toml_orders_first() -> None:
    """What is ordered by path, name or stem comes first, the rest by name."""
    found = sorted_out("a.mp4", "b.mp4", "x/c.mp4", "d.mp4", order=("d", "c.mp4", "b.mp4"))
    assert [item.path for item in found.items] == ["d.mp4", "x/c.mp4", "b.mp4", "a.mp4"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.MOV", Kind.VIDEO),
        ("a.ts", Kind.VIDEO),
        ("a.Heic", Kind.PHOTO),
        ("a.opus", Kind.AUDIO),
        ("a.unheard-of", Kind.VIDEO),
        ("noextension", Kind.VIDEO),
    ],
)
def test_a_kind_is_guessed_until_it_is_known(name: str, kind: Kind) -> None:
    """Extensions count in any case; a name that says nothing is taken for a film."""
    assert intake.guess(name) is kind


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("La votación (final)", "la-votacion-final"),
        ("a  b__c", "a-b-c"),
        ("50%2f60", "50-2f60"),
        ("a..b", "a-b"),
        ('say "hi"\n', "say-hi"),
        ("\u202etalk", "talk"),
    ],
)
def test_slugs_are_readable(text: str, slug: str) -> None:
    """Accents lose their marks; spaces, quotes, newlines, dots, direction marks become hyphens."""
    assert intake.slug(text) == slug


@pytest.mark.parametrize("text", ["🎥🎬", "..", "видео", "", "\n", "\udcff"])
def test_a_name_of_which_nothing_survives_gets_a_slug_of_its_own(text: str) -> None:
    """Emoji, dots or another script: a hash, the same each time."""
    assert re.fullmatch(r"item-[0-9a-f]{8}", intake.slug(text))
    assert intake.slug(text) != intake.slug(text + "🎥")


@given(st.text() | NAMES)
def test_every_slug_is_safe(text: str) -> None:
    """A slug is [a-z0-9-]+ without hyphens at its ends, never empty, never too long."""
    slug = intake.slug(text)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug)
    assert len(slug) <= intake.MAX_SLUG


@pytest.mark.parametrize("name", sorted(intake.RESERVED))
def test_no_item_takes_the_name_of_a_page(name: str) -> None:
    """An item called index would overwrite the post's own page."""
    assert list(islice(intake.slug_candidates(name.upper()), 2)) == [f"{name}-2", f"{name}-3"]


def test_slugs_to_try() -> None:
    """The plain one first, then numbered from two; all different."""
    assert list(islice(intake.slug_candidates("Talk"), 3)) == ["talk", "talk-2", "talk-3"]


@given(NAMES)
def test_any_name_can_be_sorted(name: str) -> None:
    """No file name, however odd, stops a post from being sorted, titled and ordered."""
    found = intake.folders([entry(f"post/{name}"), entry(name)])
    for folder in found:
        for item in intake.sort_out(folder, PostInfo(), "en").items:
            assert intake.title_of(item.path)
        assert intake.folder_title(folder.name)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("MVI_0042.MOV", "MVI 0042"),
        ("day 2/the  vote.final.mp4", "the vote.final"),
        ("a" * 251 + ".mp4", "a" * 251),
        ("noextension", "noextension"),
        ("_.mp4", "_.mp4"),
    ],
)
def test_titles_of_files(name: str, title: str) -> None:
    """A file's title is its name without folder, extension and underscores."""
    assert intake.title_of(name) == title


@pytest.mark.parametrize(
    ("folder", "title"),
    [
        ("St. Mary 12.5.2026", "St. Mary 12.5.2026"),
        ("./v1.2", "v1.2"),
        ("la_votación", "la votación"),
    ],
)
def test_titles_of_folders(folder: str, title: str) -> None:
    """Dots in a folder's name are no extension: nothing of it is lost."""
    assert intake.folder_title(folder) == title


# --- post.toml -------------------------------------------------------------------------------

GOOD = """
title = { es = "La votación", en = "The vote" }
language = "es"
date = 2026-05-01
byline = "A. Pérez"
order = ["b.mp4"]
[items."talk.mp4"]
title = "The talk"
caption = "One vote."
poster = "1:02:03.5"
"""


def test_a_good_post_toml() -> None:
    """Everything it may say is read; the title is the one in the post's language."""
    read = intake.read_toml(GOOD.encode())
    assert read.notes == ()
    assert (read.info.title, read.info.language) == ("La votación", "es")
    assert read.info.titles == {"es": "La votación", "en": "The vote"}
    assert (read.info.date, read.info.order) == ("2026-05-01", ("b.mp4",))
    item = intake.info_for("day 2/talk.mp4", read.info)
    assert (item.title, item.caption, item.poster) == ("The talk", "One vote.", "1:02:03.5")


def test_a_mark_at_the_start_does_no_harm() -> None:
    """Windows editors begin a file with a byte order mark."""
    assert intake.read_toml(b"\xef\xbb\xbftitle = 'T'").info.title == "T"


def test_a_date_with_a_time_is_written_as_iso_8601() -> None:
    """The manifest's date is a date or a date-time with a T in it."""
    assert intake.read_toml(b"date = 2026-05-01 10:00:00Z").info.date == "2026-05-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"title = ", "cannot be read"),
        (b"title = '\xff'", "cannot be read"),
        (b"a = " + b"[" * 20_000, "cannot be read"),
        (b"a = " + b"9" * 20_000, "cannot be read"),
        (b".".join([b"a"] * 50_000) + b" = 1", "cannot be read"),
        (b"[" + b" . ".join([b'"a"'] * 50_000) + b"]", "cannot be read"),
        (b"headline = 'x'", "headline"),
        (b"language = 'tlh'", "language"),
        (b"date = 2024", "date"),
        (b"date = {a = 1}", "date"),
        (b"[items.a]\nposter = 'soon'", "items.a.poster"),
        (b"[items.a]\nposter = '" + b"9" * 400 + b"'", "items.a.poster"),
    ],
)
def test_a_broken_post_toml_is_a_note(text: bytes, word: str) -> None:
    """Whatever is wrong is said with its place, and the post goes on with the defaults."""
    read = intake.read_toml(text)
    assert read.info == PostInfo()
    (note,) = read.notes
    assert word in note
    assert len(note) < 1000


def test_a_thousand_mistakes_make_one_short_note() -> None:
    """The first few are named, the rest counted."""
    (note,) = intake.read_toml("".join(f"k{n} = 1\n" for n in range(1000)).encode()).notes
    assert "and 995 more" in note
    assert len(note) < 1000


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    """Any bytes give a reading: information, or a note."""
    read = intake.read_toml(data)
    assert read.notes or isinstance(read.info, PostInfo)


@pytest.mark.parametrize(
    ("text", "moment"), [("", None), ("83", 83_000), ("1:23", 83_000), ("1:02:03.5", 3_723_500)]
)
def test_moments(text: str, moment: int | None) -> None:
    """Minutes, hours and fractions as a reporter writes them, in milliseconds."""
    assert intake.moment_ms(text) == moment


def test_an_item_is_found_by_path_then_name_then_stem() -> None:
    """The most exact entry wins; a file without one has no information."""
    text = b"[items.talk]\nalt='s'\n[items.'talk.mp4']\nalt='n'\n[items.'x/talk.mp4']\nalt='p'\n"
    info = intake.read_toml(text).info
    paths = ("x/talk.mp4", "y/talk.mp4", "talk.mov", "vote.mp4")
    assert [intake.info_for(path, info).alt for path in paths] == ["p", "n", "s", ""]
