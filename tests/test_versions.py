"""Which film is a version of which, by their names alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.versions import is_version, part_path, versions


@pytest.mark.parametrize(
    "word",
    ["short", "Full", "cut", "director-cut", "versión-corta", "длинная", "a" * 3 + "-b" * 10],
)
def test_a_version_is_named_by_a_word(word: str) -> None:
    """Letters of any script and hyphens, however a system writes their accents."""
    assert is_version(word)
    assert is_version(unicodedata.normalize("NFD", word))


@pytest.mark.parametrize(
    "word",
    [
        *("", "v2", "05", "part-2", "720p", "hd", "b", "es", "spa", "pt-br", "Español", "a" * 25),
        *("two words", "-short", "short-", "a/short", "short_cut", "short.cut"),
    ],
)
def test_ordinary_parts_of_names_are_no_versions(word: str) -> None:
    """Numbers, revisions, sizes, single letters, languages, and what is no word."""
    assert not is_version(word)


@pytest.mark.parametrize(
    "films",
    [
        ("2024.05.01.mp4", "2024.05.mp4", "2024.mp4"),
        ("interview.mp4", "interview.v2.mp4"),
        ("talk.mp4", "talk.es.mp4"),
        ("talk.short.mp4",),
        ("talk.short.mp4", "talk.long.mp4"),
        ("1/talk.mp4", "2/talk.short.mp4"),
        ("a/short.mp4", "a.mp4"),
        ("talk.mp4", "talk short.mp4", "talk-short.mp4", "talkshort.mp4"),
    ],
)
def test_films_that_only_look_alike_are_films(films: tuple[str, ...]) -> None:
    """Without the film itself in the same folder, and one word more, there is no version."""
    assert versions(films) == {}


def test_the_film_may_have_any_case_and_extension() -> None:
    """Cameras and editors do not agree on either."""
    assert versions(["Talk.MOV", "talk.Short.mp4"]) == {"talk.Short.mp4": ("Talk.MOV", "Short")}


@pytest.mark.parametrize(
    ("films", "main"),
    [
        (("talk.mov", "talk.mp4", "talk.mkv"), "talk.mp4"),
        (("Talk.mp4", "talk.mp4"), "talk.mp4"),
        (("talk.mov", "talk.mkv"), "talk.mkv"),
    ],
)
def test_of_two_films_of_one_name_it_is_the_likest(films: tuple[str, ...], main: str) -> None:
    """The same extension and spelling, else the first by name: whatever the order they came in."""
    for order in (films, films[::-1]):
        assert versions([*order, "talk.short.mp4"]) == {"talk.short.mp4": (main, "short")}


def test_a_version_of_a_version_is_one_of_the_film() -> None:
    """Its name keeps both words; without the film, the first of them is the film."""
    films = ["talk.mp4", "talk.short.mp4", "talk.short.vertical.mp4"]
    assert versions(films)["talk.short.vertical.mp4"] == ("talk.mp4", "short vertical")
    assert versions(films[1:]) == {"talk.short.vertical.mp4": ("talk.short.mp4", "vertical")}
    assert versions([films[0], films[2]]) == {}


@pytest.mark.parametrize("film", ["talk.mp4", "day 2/Talk.MOV"])
def test_a_part_is_called_as_its_file_would_be(film: str) -> None:
    """So a file of that name takes its place, its slug and its embeds."""
    path = part_path(film, "short")
    assert versions([film, path]) == {path: (film, "short")}


@given(st.lists(st.text("ab.-/éM", min_size=1, max_size=12).map(lambda stem: stem + "x.mp4")))
def test_any_names_have_an_answer(films: list[str]) -> None:
    """Whatever the names: a version's film is another one, and no version itself."""
    found = versions(films)
    assert all(main != path and main not in found for path, (main, _) in found.items())
