"""An encoder that stands still, through the real path: ended, tried once more, and then told."""

from __future__ import annotations

from pathlib import Path

import media
import pytest
from homes import QUICK, Home
from values import changed

from pipeline import todo
from pipeline.model import State


def test_an_encode_that_stalls_is_ended_tried_once_more_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tries of each step, no more; the reporter reads what happened to which file."""
    monkeypatch.setattr(todo, "FIRST_REST_S", 0.0)
    stuck = tmp_path / "ffmpeg"
    stuck.write_text("#!/bin/sh\nexec sleep 600\n")
    stuck.chmod(0o755)
    home = Home(tmp_path / "house")
    home.lay("talk.mp4", media.silent_film())
    limits = changed(QUICK.limits, stall_s=1)
    profiles = {"default": changed(QUICK, limits=limits)}
    home.house = changed(home.house, ffmpeg=stuck, profiles=profiles)
    rung: list[str] = []
    answer = home.answer

    def counted(bell: todo.Bell) -> None:
        rung.append(bell.step)
        answer(bell)

    monkeypatch.setattr(home, "answer", counted)
    home.run()
    assert rung.count("film-0000") == 2
    item = home.item("talk")
    assert item.state is State.FAILED
    assert item.error is not None
    assert item.error.message.startswith("talk.mp4: ")
    assert "stood still for 1 s and was stopped" in item.error.message
