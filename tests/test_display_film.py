"""What the player is told of a film follows from its manifest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_post import GROWING, TALL, VIDEO

from pipeline import display_film
from pipeline.model import ItemManifest, State

BROKEN_OFF = replace(GROWING, state=State.FAILED)


def test_without_script_the_file_plays_once_it_exists() -> None:
    """Until then the element names the playlist, which some browsers play by themselves."""
    assert display_film.plain(VIDEO).key == "pleno/votacion/video.mp4"
    assert display_film.plain(GROWING).key.endswith("/index.m3u8")
    assert display_film.playlist(TALL) is None
    assert display_film.plain(TALL).key == "pleno/puerta/video.mp4"


@pytest.mark.parametrize(
    ("item", "growing", "cut"),
    [
        (VIDEO, False, False),
        (TALL, False, False),
        (GROWING, True, False),
        (BROKEN_OFF, False, True),
    ],
)
def test_readers_are_told_what_is_missing(item: ItemManifest, growing: bool, cut: bool) -> None:  # noqa: FBT001
    """More is promised only while more is being made."""
    assert (display_film.is_growing(item), display_film.is_cut_short(item)) == (growing, cut)


def test_what_is_ready_is_told_in_time() -> None:
    """A film that is one file has no playlist to wait for."""
    assert display_film.ready_ms(GROWING) == 64_000
    assert display_film.ready_ms(TALL) == 0


def test_sizes_are_offered_once_whatever_their_codec() -> None:
    """A viewer chooses a size; the player chooses the codec."""
    assert display_film.sizes(VIDEO) == (720, 360)


def test_browsers_are_asked_about_the_largest_av1_size() -> None:
    """The question names the picture's codec alone, with its true rate and peak."""
    assert display_film.av1_question(VIDEO) == {
        "contentType": 'video/mp4; codecs="av01.0.05M.08"',
        "width": 1280,
        "height": 720,
        "bitrate": 2_500_000,
        "framerate": 25.0,
    }


def test_av1_is_offered_only_with_its_playlist() -> None:
    """Sizes that are made one by one are of no use before there is a list of them."""
    made = display_film.av1(VIDEO)
    assert made is not None
    assert made.key.endswith("/av1.m3u8")
    assert display_film.av1(GROWING) is None
    without = tuple(made for made in VIDEO.outputs if made.role != "hls-av1")
    assert display_film.av1(replace(VIDEO, outputs=without)) is None


def test_pictures_for_seeking_are_optional() -> None:
    """A film without a storyboard is played like any other."""
    board = display_film.storyboard(VIDEO)
    assert board is not None
    assert board.key == "pleno/votacion/r/f3/storyboard.vtt"
    assert display_film.storyboard(TALL) is None
