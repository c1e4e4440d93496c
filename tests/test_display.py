"""What is shown of an item follows from its manifest alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_post import (
    AUDIO,
    FAILED,
    GROWING,
    PHOTO,
    POST,
    SHORT,
    TALL,
    VIDEO,
    WAITING,
    WITHDRAWN,
)

from pipeline import display
from pipeline.display import Stage
from pipeline.model import ItemManifest, State
from pipeline.phrases import Phrases


@pytest.mark.parametrize(
    ("item", "stage"),
    [
        (VIDEO, Stage.READY),
        (replace(VIDEO, state=State.PLAYABLE), Stage.READY),
        (GROWING, Stage.READY),
        (TALL, Stage.READY),
        (replace(GROWING, outputs=GROWING.outputs[1:]), Stage.PREPARING),
        (replace(VIDEO, state=State.FAILED), Stage.READY),
        (WAITING, Stage.PREPARING),
        (replace(PHOTO, outputs=display.avifs(PHOTO)), Stage.PREPARING),
        (FAILED, Stage.FAILED),
        (WITHDRAWN, Stage.WITHDRAWN),
    ],
)
def test_the_stage_follows_from_what_can_be_shown(item: ItemManifest, stage: Stage) -> None:
    """Something that plays is shown even when the rest failed; a withdrawn item never is."""
    assert display.stage(item) is stage


def test_shapes_are_true_and_assumed_only_while_unknown() -> None:
    """An item that was not looked at yet is taken for 16:9."""
    assert display.ratio(TALL) == (9, 16)
    assert display.ratio(replace(WAITING, width=None, height=None)) == (16, 9)


def test_the_cover_is_the_named_item_or_the_first_that_is_shown() -> None:
    """A cover that failed or was never there does not leave the post without one."""
    for post, expected in (
        (POST, VIDEO),
        (replace(POST, cover="manos"), PHOTO),
        (replace(POST, cover="roto"), VIDEO),
        (replace(POST, items=(FAILED, AUDIO)), AUDIO),
        (replace(POST, items=(FAILED,)), None),
    ):
        assert display.cover(post) == expected


def test_readers_do_not_see_failed_items() -> None:
    """Items that cannot be shown leave no hole in the post."""
    assert FAILED not in display.shown(POST)
    assert WAITING in display.shown(POST)


def test_a_version_is_offered_by_its_main_item() -> None:
    """It is no item of the post's page; both list the whole film first."""
    post = replace(POST, items=(SHORT, VIDEO, TALL))
    assert display.shown(post) == (VIDEO, TALL)
    assert display.cover(replace(post, cover=SHORT.item)) == VIDEO
    assert display.versions(post, VIDEO) == display.versions(post, SHORT) == (VIDEO, SHORT)
    assert display.versions(post, TALL) == ()


@pytest.mark.parametrize(
    "others",
    [(), (replace(FAILED, item="votacion"),), (replace(WITHDRAWN, item="votacion"),)],
    ids=["missing", "failed", "withdrawn"],
)
def test_a_version_without_its_main_item_stands_alone(others: tuple[ItemManifest, ...]) -> None:
    """What plays is not lost because the whole film is not there."""
    post = replace(POST, items=(*others, SHORT))
    assert display.shown(post) == (SHORT,)
    assert display.versions(post, SHORT) == ()


def test_versions_of_one_another_do_not_hide_one_another() -> None:
    """Only an item that is no version itself can stand for others."""
    circle = (replace(VIDEO, version="long", version_of=SHORT.item), SHORT)
    assert display.shown(replace(POST, items=circle)) == circle


@pytest.mark.parametrize(
    ("version", "label"),
    [("", "Versión completa"), ("short", "Versión corta"), ("en directo", "Versión «en directo»")],
)
def test_versions_have_names(version: str, label: str) -> None:
    """The whole film and the short one are called so; others keep the name they were given."""
    assert display.version_label(replace(SHORT, version=version), Phrases("es")) == label


def test_only_a_colour_is_taken_for_a_colour() -> None:
    """Colours go into style sheets; anything but #rrggbb is left out."""
    assert display.colour(VIDEO) == "#334455"
    for wrong in ("red", "#fff", "#334455;}body{display:none}", "#33445g", "#334455\n"):
        assert display.colour(replace(VIDEO, colour=wrong)) == ""


def test_downloads_say_what_they_are() -> None:
    """Names a reader understands, the largest photo only, subtitles by their language."""
    say = Phrases("es")

    def labels(item: ItemManifest) -> list[str]:
        return [display.download_label(made, say) for made in display.downloads(item)]

    assert labels(VIDEO) == [
        "MP4 720p",
        "Subtítulos (Español, VTT)",
        "Subtítulos (English, VTT)",
    ]
    assert labels(AUDIO) == ["M4A", "MP3"]
    assert labels(PHOTO) == ["JPEG 1920 \u00d7 1280"]


def test_a_scrubbed_item_keeps_its_place_and_its_shape() -> None:
    """A pasted frame does not jump when the film is withdrawn, and tells nothing of it."""
    left = display.scrubbed(TALL, Phrases("en"))
    assert (left.post, left.item, display.ratio(left)) == ("pleno", "puerta", (9, 16))
    assert (left.title, left.caption, left.source.name, left.outputs) == (
        "No longer available",
        "",
        "",
        (),
    )
