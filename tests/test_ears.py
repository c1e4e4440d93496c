"""Whether there is something to listen with, and what is said where there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.house import check_ears
from config.settings import load
from newsreel.doctor import checks
from pipeline import ears
from pipeline.errors import ConfigError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if faster-whisper were there."""
    monkeypatch.setattr(ears.importlib.util, "find_spec", lambda _: object())


def model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"")
    return folder


@pytest.mark.usefixtures("installed")
def test_a_model_is_found_by_its_folder(tmp_path: Path) -> None:
    """It is called by the folder's name, and its files may be read by the listening child."""
    found = ears.found(str(model(tmp_path / "small")), ("es",), 3)
    assert (found.hearing.model, found.hearing.languages, found.threads) == ("small", ("es",), 3)
    assert found.reads == (tmp_path / "small",)
    assert ears.missing(found) == ()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["small", "nobody/whisper-es"])
def test_a_model_is_found_by_name_among_those_that_were_fetched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the cache of huggingface_hub, whose files are links into its blobs; nowhere else."""
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (told,) = ears.missing(ears.found(name, (), 0))
    whole = name if "/" in name else f"Systran/faster-whisper-{name}"
    assert f"hf download {whole}" in told
    kept = tmp_path / "hub" / f"models--{whole.replace('/', '--')}"
    model(kept / "snapshots/0123")
    found = ears.found(name, (), 0)
    assert ears.missing(found) == ()
    assert found.folder == kept / "snapshots/0123"
    assert found.reads == (kept,)


def test_what_is_missing_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra and the model, both at once, before any work begins."""
    monkeypatch.setattr(ears.importlib.util, "find_spec", lambda _: None)
    settings = load({"NEWSREEL_TRANSCRIBE_MODEL": str(tmp_path / "none")}, tmp_path)
    with pytest.raises(ConfigError) as caught:
        check_ears(settings)
    assert "pip install 'newsreel[transcribe]'" in str(caught.value)
    assert f"--local-dir {tmp_path / 'none'}" in str(caught.value)


def test_the_doctor_tells_it_too(tmp_path: Path) -> None:
    """Off is fine; on without a model is not."""
    env = {"NEWSREEL_SCRATCH": str(tmp_path)}
    off = {check.name: check for check in checks(env, tmp_path)}["automatic captions"]
    assert off.ok
    assert "NEWSREEL_TRANSCRIBE_MODEL" in off.detail
    env["NEWSREEL_TRANSCRIBE_MODEL"] = str(tmp_path / "none")
    on = {check.name: check for check in checks(env, tmp_path)}["automatic captions"]
    assert not on.ok
    assert "hf download" in on.detail


def test_languages_are_checked_where_they_are_set(tmp_path: Path) -> None:
    """As reporters write them; what is none is refused by its name."""
    env = {"NEWSREEL_TRANSCRIBE_LANGUAGES": "Español, eng es-MX"}
    assert load(env, tmp_path).transcribe_languages == "es en"
    with pytest.raises(ConfigError, match="klingon is no language"):
        load({"NEWSREEL_TRANSCRIBE_LANGUAGES": "es klingon"}, tmp_path)


def test_a_model_by_name_is_no_path(tmp_path: Path) -> None:
    """A relative path begins with a dot and counts from where it is written."""
    (tmp_path / "newsreel.toml").write_text('transcribe_model = "small"\n')
    assert load({}, tmp_path).transcribe_model == "small"
    (tmp_path / "newsreel.toml").write_text('transcribe_model = "./models/small"\n')
    assert load({}, tmp_path).transcribe_model == str(tmp_path / "models/small")
