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
from pipeline.model import ItemInfo, Kind, PostInfo

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
    assert folders("README.txt", "post.toml", "notes.md") == {}


def test_subtitles_alone_at_the_root_wait_in_the_post_of_their_film() -> None:
    """So they are shown as waiting; the film that comes belongs to the same post."""
    assert folders("talk.es.srt", "vote.vtt") == {"./talk": ["talk.es.srt"], "./vote": ["vote.vtt"]}
    assert folders("talk.es.srt", "talk.mp4") == {"./talk": ["talk.es.srt", "talk.mp4"]}


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


def test_what_cameras_write_beside_films_is_passed_over_and_told() -> None:
    """A whole card may be dropped: its films and photos are items, not their small copies."""
    found = sorted_out(
        "DCIM/100GOPRO/GX010001.MP4",
        "DCIM/100GOPRO/GL010001.LRV",
        "DCIM/100GOPRO/GX010001.THM",
        "DJI_0002.MP4",
        "DJI_0002.LRF",
        "IMG_1.HEIC",
        "IMG_1.AAE",
        "M4ROOT/CLIP/C0003.MP4",
        "M4ROOT/CLIP/C0003M01.XML",
        "M4ROOT/SUB/C0003S03.MP4",
        "M4ROOT/THMBNL/C0003T01.JPG",
        "BDMV/CLIPINF/00000.CPI",
        "BDMV/STREAM/00000.MTS",
        "VIDEO_TS/VTS_01_0.IFO",
        "VIDEO_TS/VTS_01_1.VOB",
        "sub/interview.mp4",
        "thmbnl/poster.jpg",
    )
    assert [item.path for item in found.items] == [
        "BDMV/STREAM/00000.MTS",
        "DCIM/100GOPRO/GX010001.MP4",
        "DJI_0002.MP4",
        "IMG_1.HEIC",
        "M4ROOT/CLIP/C0003.MP4",
        "sub/interview.mp4",
        "thmbnl/poster.jpg",
        "VIDEO_TS/VTS_01_1.VOB",
    ]
    (note,) = found.notes
    assert "BDMV/CLIPINF/00000.CPI, DCIM/100GOPRO/GL010001.LRV" in note
    assert "and 6 more" in note
    assert folders("GL010001.LRV", "a.xmp") == {}


def test_live_photos_are_photos() -> None:
    """By the phone's own names alone: a photo of a reporter's film may have the film's name."""
    found = sorted_out(
        "IMG_0001.HEIC", "IMG_0001.MOV", "a/img_0002.jpg", "a/img_0002.mov", "IMG_0003.MOV",
        "b/IMG_0001.MOV", "talk.jpg", "talk.mov", "IMG_0004.JPG", "IMG_0004.mp4",
    )  # fmt: skip
    assert [item.path for item in found.items] == [
        "a/img_0002.jpg",
        "b/IMG_0001.MOV",
        "IMG_0001.HEIC",
        "IMG_0003.MOV",
        "IMG_0004.JPG",
        "IMG_0004.mp4",
        "talk.jpg",
        "talk.mov",
    ]
    (note,) = found.notes
    assert "live photos: IMG_0001.MOV, a/img_0002.mov." in note


def test_a_raw_photo_beside_its_own_jpeg_is_passed_over() -> None:
    """Cameras write both of each picture; a raw photo alone is what there is."""
    found = sorted_out("DSC_1.NEF", "DSC_1.JPG", "DJI_2.dng", "DJI_2.jpg", "a/DSC_1.NEF", "3.dng")
    assert [item.path for item in found.items] == ["3.dng", "a/DSC_1.NEF", "DJI_2.jpg", "DSC_1.JPG"]
    (note,) = found.notes
    assert "DJI_2.dng, DSC_1.NEF." in note


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


def test_an_item_is_found_by_path_then_name_then_stem() -> None:
    """The most exact entry wins; a file without one has no information."""
    names = {"talk": "s", "talk.mp4": "n", "x/talk.mp4": "p"}
    info = PostInfo(items={name: ItemInfo(alt=alt) for name, alt in names.items()})
    paths = ("x/talk.mp4", "y/talk.mp4", "talk.mov", "vote.mp4")
    assert [intake.info_for(path, info).alt for path in paths] == ["p", "n", "s", ""]


# --- versions of one film --------------------------------------------------------------------


def described(*paths: str, **items: ItemInfo) -> Sorted:
    """A folder of these files, sorted by what post.toml says of some stems."""
    folder = Folder(name="post", files={path: entry(f"post/{path}") for path in paths})
    return intake.sort_out(folder, PostInfo(items=items), "en")


def related(found: Sorted) -> dict[str, tuple[str, str]]:
    """Each item's version and the film that it is a version of."""
    return {item.path: (item.version, item.version_of) for item in found.items}


def test_a_version_lies_beside_its_film() -> None:
    """Each version carries its word and its film; nothing else about it changes."""
    found = described("talk.mp4", "talk.short.mp4", "talk.full.MOV", "vote.mp4")
    assert related(found) == {
        "talk.full.MOV": ("full", "talk.mp4"),
        "talk.mp4": ("", ""),
        "talk.short.mp4": ("short", "talk.mp4"),
        "vote.mp4": ("", ""),
    }
    assert not any(item.cut_from for item in found.items)


def test_only_films_have_versions() -> None:
    """A still or a recording of such a name is what it was before."""
    found = described("talk.mp4", "talk.short.jpg", "talk.long.mp3", "still.jpg", "still.main.mp4")
    assert set(related(found).values()) == {("", "")}


def test_readers_call_a_version_what_post_toml_calls_it() -> None:
    """So they do the film itself beside its versions; a film without versions has no such name."""
    labels = {"talk": "Whole", "talk.short": "Short cut", "vote": "Alone"}
    items = {name: ItemInfo(version=label) for name, label in labels.items()}
    found = described("talk.mp4", "talk.short.mp4", "vote.mp4", **items)
    assert related(found) == {
        "talk.mp4": ("Whole", ""),
        "talk.short.mp4": ("Short cut", "talk.mp4"),
        "vote.mp4": ("", ""),
    }


def test_subtitles_of_a_version_carry_its_word() -> None:
    """A cut has its own times: the film's subtitles are not those of another file."""
    found = described("talk.mp4", "talk.short.mp4", "talk.es.srt", "talk.short.en.srt")
    assert beside(found) == {
        "talk.mp4": [("talk.es.srt", "captions", "es")],
        "talk.short.mp4": [("talk.short.en.srt", "captions", "en")],
    }


PARTS = ItemInfo(
    title="The talk", poster="1:00", clip="1:00-", versions={"short": "2:00-3:00", "coda": "9:00-"}
)


def test_a_part_is_an_item_of_the_films_own_file() -> None:
    """It is called as a file of its own would be, and bears the film's words, poster aside."""
    found = described("a/talk.mp4", talk=PARTS)
    whole, coda, short = sorted(found.items, key=lambda item: (item.cut_from, item.path))
    assert (whole.path, whole.version_of, whole.info) == ("a/talk.mp4", "", PARTS)
    assert (short.path, short.version, short.version_of, short.cut_from) == (
        "a/talk.short.mp4",
        "short",
        "a/talk.mp4",
        "a/talk.mp4",
    )
    assert short.entry == whole.entry
    assert short.info == ItemInfo(title="The talk", clip="2:00-3:00")
    assert coda.info.clip == "9:00-"
    assert found.notes == ()


def test_a_part_has_words_of_its_own() -> None:
    """An entry for it replaces the film's words, unless it is but a name for the version."""
    items = {
        "talk": PARTS,
        "talk.short": ItemInfo(caption="One vote.", clip="7:00-8:00"),
        "talk.coda": ItemInfo(version="The end"),
    }
    coda, whole, short = described("talk.mp4", **items).items
    assert whole.path == "talk.mp4"
    assert short.info == ItemInfo(caption="One vote.", clip="2:00-3:00")
    assert (coda.version, coda.info.title) == ("The end", "The talk")


def test_the_films_subtitles_are_right_for_its_parts() -> None:
    """They share its clock; where the part has its own in a language, those are taken."""
    found = described(
        *("talk.mp4", "talk.es.srt", "talk.en.srt", "talk.short.es.srt", "talk.es.txt"),
        talk=ItemInfo(versions={"short": "1-2"}),
    )
    assert beside(found)["talk.short.mp4"] == [
        ("talk.short.es.srt", "captions", "es"),
        ("talk.en.srt", "captions", "en"),
    ]
    assert [name for name, _, _ in beside(found)["talk.mp4"]] == [
        "talk.en.srt",
        "talk.es.srt",
        "talk.es.txt",
    ]


@pytest.mark.parametrize("file", ["talk.short.mp4", "Talk.SHORT.mov"])
def test_a_file_is_better_than_a_part_of_its_name(file: str) -> None:
    """What was cut by hand is published, and the reporter is told."""
    found = described("talk.mp4", file, talk=ItemInfo(versions={"short": "1-2"}))
    assert sorted(item.path for item in found.items) == sorted(["talk.mp4", file])
    assert found.notes == (f"The file {file} is published, not the part that post.toml names so.",)


@pytest.mark.parametrize("file", ["speech.mp4", "talk.jpg"])
def test_parts_of_no_film_are_a_note(file: str) -> None:
    """A slip in a name, a photo, or a film that is yet to come: it is said."""
    found = described(file, talk=ItemInfo(versions={"short": "1-2"}))
    assert [item.path for item in found.items] == [file]
    assert found.notes == ("post.toml names versions of talk, but no film of that name is here.",)


def test_a_part_of_a_version_is_a_version_of_the_film() -> None:
    """There is one film to choose versions of; the file is the one that the line stands under."""
    found = described(
        "talk.mp4", "talk.long.mp4", **{"talk.long": ItemInfo(versions={"teaser": "1-2"})}
    )
    (part,) = (item for item in found.items if item.cut_from)
    assert (part.path, part.version, part.version_of, part.cut_from) == (
        "talk.long.teaser.mp4",
        "long teaser",
        "talk.mp4",
        "talk.long.mp4",
    )
    assert part.entry == entry("post/talk.long.mp4")


# --- times -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"), [("", None), ("83", 83_000), ("1:23", 83_000), ("1:02:03.5", 3_723_500)]
)
def test_moments(text: str, moment: int | None) -> None:
    """Minutes, hours and fractions as a reporter writes them, in milliseconds."""
    assert intake.moment_ms(text) == moment


@pytest.mark.parametrize("text", ["soon", "1:2", "-1", "1:23 ", "1e3", "9" * 400, "\u0661:00"])
def test_what_is_no_moment_is_said(text: str) -> None:
    """The words tell how a moment is written."""
    with pytest.raises(ValueError, match='is written "1:23"'):
        intake.moment_ms(text)


@pytest.mark.parametrize(
    ("text", "clip"),
    [
        ("", None),
        ("10:05-12:40", (605_000, 760_000)),
        ("10:05 \u2013 12:40", (605_000, 760_000)),
        (" 0\u20142.5 ", (0, 2500)),
        ("1:02:03.040-1:02:03.041", (3_723_040, 3_723_041)),
        ("10:05-", (605_000, None)),
    ],
)
def test_parts_of_a_film(text: str, clip: tuple[int, int | None] | None) -> None:
    """Two moments with a hyphen or a dash between them, in milliseconds; the end may be open."""
    assert intake.clip_ms(text) == clip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10:05", 'written "10:05-12:40"'),
        ("-12:40", 'written "10:05-12:40"'),
        ("1-2-3", 'written "10:05-12:40"'),
        ("1:00-soon", 'written "1:23"'),
        ("2:00-1:59.999", "end after it begins"),
        ("2:00-120", "end after it begins"),
        ("2-2.0004", "end after it begins"),
    ],
)
def test_what_is_no_part_is_said(text: str, words: str) -> None:
    """The words tell what is wrong, or how it is written."""
    with pytest.raises(ValueError, match=words):
        intake.clip_ms(text)
