"""Developing photos in confined children: one by one, and many in one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline import photos
from pipeline.errors import NewsreelError, OverLimit, Unreadable
from pipeline.model import Limits, PhotoOut, Source, Step
from pipeline.shop import Made, Shop
from tests.test_images import save, scene

LIMITS = Limits(
    max_bytes=1 << 30,
    max_duration_s=60,
    max_frame_pixels=1 << 20,
    max_photo_pixels=100_000,
    max_streams=4,
    max_text_bytes=1 << 16,
    memory_bytes=1 << 30,
    step_timeout_s=60,
    stall_s=30,
)


def shop(folder: Path) -> Shop:
    return Shop(ffmpeg=Path("/bin/true"), source=folder, folder=folder, limits=LIMITS)


def job(folder: Path, name: str, source: str | Path) -> photos.Job:
    place = folder / name
    place.mkdir()
    out = PhotoOut(
        role="photo", file="60.jpg", width=60, height=40, format="jpeg", quality=80, speed=8
    )
    step = Step(
        name="photo",
        fingerprint=name,
        source=Source(key=name, name=name, bytes=1, identity=name),
        demuxer="",
        outputs=(out,),
        timeout_s=60,
        priority=3,
    )
    return photos.Job(step=step, source=Path(source), folder=place)


def test_many_photos_have_one_answer_each(tmp_path: Path) -> None:
    """In one child every photo is made in its own folder; a bad one is told and costs no other."""
    sources = tmp_path / "sources"
    sources.mkdir()
    good = save(sources, scene())
    large = save(sources, scene(400, 300), "PNG")
    bad = sources / "bad.jpg"
    bad.write_bytes(b"no picture at all")
    jobs = [job(tmp_path, f"{n}", path) for n, path in enumerate((good, large, bad, good))]
    made = photos.develop_many(jobs, shop(tmp_path))
    assert [type(each) for each in made] == [Made, OverLimit, Unreadable, Made]
    for each, done in zip(jobs, made, strict=True):
        if isinstance(done, Made):
            (artifact,) = done.artifacts
            assert (artifact.key, artifact.width, artifact.height) == ("60.jpg", 60, 40)
            assert (each.folder / "60.jpg").stat().st_size == artifact.bytes


def test_one_photo_is_made_as_many_are(tmp_path: Path) -> None:
    """Alone or among others, a photo comes out the same, and its error is raised."""
    one = job(tmp_path, "one", save(tmp_path, scene()))
    alone = dataclasses.replace(shop(tmp_path), source=one.source, folder=one.folder)
    assert photos.develop_many([one], shop(tmp_path)) == [photos.develop(one.step, alone)]
    with pytest.raises(NewsreelError, match="too large"):
        photos.develop(
            one.step,
            dataclasses.replace(alone, source=Path(save(tmp_path, scene(999, 999), "PNG"))),
        )


def test_no_photos_start_no_child(tmp_path: Path) -> None:
    """An empty batch is answered without any work."""
    assert photos.develop_many([], shop(tmp_path)) == []
