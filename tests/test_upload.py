"""Which files of a folder the upload command sends, and what they are called there."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsreel import upload
from pipeline.errors import ConfigError


def keys(*paths: Path, post: str | None = None) -> list[str]:
    return [obj.key for obj in upload.objects(paths, post)]


def test_a_folder_is_sent_without_what_nobody_means(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither litter nor a camera's small copies, which is said; links could lead anywhere."""
    card = tmp_path / "march"
    litter = (".DS_Store", "a/GL010001.LRV", "a/GX010001.THM", "a/DJI_2.DNG", "IMG_0003.MOV")
    for name in ("a/GX010001.MP4", "b.es.srt", "a/DJI_2.JPG", "IMG_0003.HEIC", *litter):
        (card / name).parent.mkdir(parents=True, exist_ok=True)
        (card / name).write_bytes(b"x")
    (card / "link.mp4").symlink_to(card / "a/GX010001.MP4")
    sent = ["IMG_0003.HEIC", "a/DJI_2.JPG", "a/GX010001.MP4", "b.es.srt"]
    assert keys(card) == [f"march/{name}" for name in sent]
    told = " ".join(capsys.readouterr().err.split())
    assert "a/GL010001.LRV, a/GX010001.THM" in told
    assert "live photos: IMG_0003.MOV" in told
    assert "are published: a/DJI_2.DNG" in told
    assert keys(card, post="vote") == [f"vote/{name}" for name in sent]


def test_a_file_that_is_named_is_meant(tmp_path: Path) -> None:
    """Who asks for it by name gets it sent."""
    (tmp_path / "GL010001.LRV").write_bytes(b"x")
    assert keys(tmp_path / "GL010001.LRV") == ["GL010001.LRV"]


def test_nothing_to_send_is_said(tmp_path: Path) -> None:
    """An empty card, and one that is not there."""
    with pytest.raises(ConfigError, match="nothing to upload"):
        keys(tmp_path)
    with pytest.raises(ConfigError, match="absent"):
        keys(tmp_path / "absent")
