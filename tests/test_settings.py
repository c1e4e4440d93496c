"""The settings: where they come from, what is refused, and what is said about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.settings import Settings, documented, load, load_operators, to_environ
from pipeline.errors import ConfigError

SECRET = "hunter2-very-secret"


def told(env: dict[str, str], cwd: Path) -> str:
    """What is said about wrong settings."""
    with pytest.raises(ConfigError) as caught:
        load(env, cwd)
    return f"{caught.value}\n{caught.value.evidence}"


def test_defaults_need_nothing(tmp_path: Path) -> None:
    """Without any source every setting has a sensible value, and nothing is configured."""
    settings = load({}, tmp_path)
    assert (settings.site_name, settings.language, settings.scan_interval_s) == (
        "Newsreel",
        "en",
        2,
    )
    assert not settings.has_store
    assert not settings.has_broker
    assert settings.public_url == ""
    assert settings.ffmpeg_program.is_file()


def test_the_strongest_source_wins(tmp_path: Path) -> None:
    """Environment before newsreel.toml before stack.toml before defaults."""
    (tmp_path / "newsreel-data").mkdir()
    (tmp_path / "newsreel-data/stack.toml").write_text(
        'site_name = "stack"\nlanguage = "es"\nworkers = 7\n[stack]\nredis_port = 1\n'
    )
    (tmp_path / "newsreel.toml").write_text('site_name = "file"\nworkers = 8\n')
    settings = load({"NEWSREEL_WORKERS": "9"}, tmp_path)
    assert (settings.workers, settings.site_name, settings.language) == (9, "file", "es")
    assert load_operators({}, tmp_path).language == "en"


@pytest.mark.parametrize("place", ["environment", "file"])
def test_the_stack_is_found_where_data_says(tmp_path: Path, place: str) -> None:
    """The folder of the embedded stack may be set in the environment or in newsreel.toml."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/stack.toml").write_text('site_name = "found"\n')
    if place == "file":
        (tmp_path / "newsreel.toml").write_text('data = "elsewhere"\n')
    env = {"NEWSREEL_DATA": "elsewhere"} if place == "environment" else {}
    assert load(env, tmp_path).site_name == "found"


def test_a_named_file_replaces_the_one_in_the_folder(tmp_path: Path) -> None:
    """NEWSREEL_CONFIG names the file; ./newsreel.toml is then not read."""
    (tmp_path / "newsreel.toml").write_text('language = "es"\n')
    (tmp_path / "other.toml").write_text('site_name = "other"\n')
    settings = load({"NEWSREEL_CONFIG": "other.toml"}, tmp_path)
    assert (settings.site_name, settings.language) == ("other", "en")


def test_paths_count_from_where_they_are_written(tmp_path: Path) -> None:
    """A relative path in a file belongs to the file's folder, one in the environment to ours."""
    folder = tmp_path / "etc"
    (folder / "mine").mkdir(parents=True)
    (folder / "x.toml").write_text('profiles_dir = "mine"\n')
    settings = load({"NEWSREEL_CONFIG": "etc/x.toml", "NEWSREEL_SCRATCH": "work"}, tmp_path)
    assert settings.profiles_dir == folder / "mine"
    assert settings.scratch == tmp_path / "work"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    """Compose files hand on unset variables as empty ones."""
    assert load({"NEWSREEL_SITE_NAME": "", "NEWSREEL_WORKERS": ""}, tmp_path).workers == 2


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """One error names each wrong setting, its variable, its origin and an example."""
    (tmp_path / "newsreel.toml").write_text(
        'langauge = "es"\nbucket_work = "No_Bucket"\nprofiles_dir = "none"\nworkers = "many"\n'
    )
    text = told({"NEWSREEL_LANGUAGE": "fr", "NEWSREEL_BASE_URL": "example.org"}, tmp_path)
    assert text.startswith("6 settings are wrong:")
    assert "did you mean language (NEWSREEL_LANGUAGE)?" in text
    assert "bucket_work (NEWSREEL_BUCKET_WORK) in newsreel.toml" in text
    assert 'for example base_url = "https://media.example.org"' in text
    assert "language (NEWSREEL_LANGUAGE) in environment: Input should be 'en' or 'es'" in text
    assert "for example workers = 4" in text
    assert "profiles_dir" in text


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"NEWSREEL_REDIS_ULR": "redis://x"}, "did you mean redis_url"),
        ({"NEWSREEL_REDIS_URL": "http://x"}, "redis://"),
        ({"NEWSREEL_S3_ACCESS_KEY": "k"}, "set together"),
        ({"NEWSREEL_BUCKET_WORK": "ingest"}, "three different buckets"),
        ({"NEWSREEL_BASE_URL": "https://u:p@example.org"}, "user name or password"),
        ({"NEWSREEL_BASE_URL": "https://example.org/?a"}, "? or #"),
        ({"NEWSREEL_SCAN_INTERVAL_S": "0"}, "greater than or equal to 1"),
        ({"NEWSREEL_FFMPEG": "/none/ffmpeg"}, "names no program"),
        ({"NEWSREEL_S3_CA_BUNDLE": "none.pem"}, "names no file"),
        ({"NEWSREEL_LOG_LEVEL": "LOUD"}, "'DEBUG', 'INFO'"),
        ({"NEWSREEL_CONFIG": "none.toml"}, "none.toml cannot be read"),
    ],
)
def test_each_kind_of_mistake(tmp_path: Path, env: dict[str, str], words: str) -> None:
    """A wrong value is told by what is wrong with it."""
    assert words in told(env, tmp_path)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    """A syntax error is told with its place."""
    (tmp_path / "newsreel.toml").write_text("site_name = \n")
    assert "not valid TOML" in told({}, tmp_path)


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    """Neither in the settings' own text nor in any complaint, also about the secret itself."""
    good = {
        "NEWSREEL_REDIS_URL": f"redis://:{SECRET}@localhost:6379/0",
        "NEWSREEL_S3_ACCESS_KEY": "me",
        "NEWSREEL_S3_SECRET_KEY": SECRET,
    }
    settings = load(good, tmp_path)
    assert SECRET not in f"{settings!r}{settings}{settings.s3_access()!r}"
    bad = {"NEWSREEL_REDIS_URL": f"http://:{SECRET}@x", "NEWSREEL_S3_SECRET_KEY": SECRET}
    assert SECRET not in told(bad, tmp_path)
    (tmp_path / "newsreel.toml").write_text(f's3_secret_key = "{SECRET}\n')
    assert SECRET not in told({}, tmp_path)


def test_settings_travel_to_a_child_unchanged(tmp_path: Path) -> None:
    """What to_environ hands to a child loads there as the same settings."""
    env = {
        "NEWSREEL_REDIS_URL": f"redis://:{SECRET}@localhost:6379/0",
        "NEWSREEL_S3_ENDPOINT": "http://127.0.0.1:8333/",
        "NEWSREEL_S3_ACCESS_KEY": "me",
        "NEWSREEL_S3_SECRET_KEY": SECRET,
        "NEWSREEL_SCRATCH": str(tmp_path / "scratch"),
        "NEWSREEL_WORKERS": "3",
    }
    settings = load(env, tmp_path)
    child = load(to_environ(settings), tmp_path / "elsewhere")
    assert child == settings
    assert child.redis_url.get_secret_value() == env["NEWSREEL_REDIS_URL"]


@pytest.mark.parametrize(
    ("made", "address"),
    [
        (
            {"base_url": "https://m.example.org/", "s3_endpoint": "http://x"},
            "https://m.example.org",
        ),
        ({"s3_endpoint": "http://127.0.0.1:8333"}, "http://127.0.0.1:8333/published"),
        (
            {"bucket_published": "daily", "s3_region": "eu-south-2"},
            "https://daily.s3.eu-south-2.amazonaws.com",
        ),
        ({}, ""),
    ],
)
def test_the_public_address(made: dict[str, str], address: str) -> None:
    """The operator's own address, else the published bucket's, else none."""
    assert Settings.model_validate(made).public_url == address
    assert Settings.model_validate(made).site.base_url == address


def test_an_own_ffmpeg_is_used(tmp_path: Path) -> None:
    """A program the operator names replaces the installed one."""
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert load({"NEWSREEL_FFMPEG": "ffmpeg"}, tmp_path).ffmpeg_program == program


def test_the_environment_is_the_process_own_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arguments the process's environment and folder count."""
    for name in [name for name in os.environ if name.startswith("NEWSREEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NEWSREEL_SITE_NAME", "mine")
    monkeypatch.chdir(tmp_path)
    assert load().site_name == "mine"


def test_the_documentation_lists_every_setting() -> None:
    """docs/configuration.md shows each setting's variable, default, meaning and example."""
    page = (Path(__file__).parents[1] / "docs/configuration.md").read_text(encoding="utf-8")
    for row in documented():
        default = f"`{row.default}`" if row.default else "none"
        cells = (f"`{row.name}`", f"`{row.variable}`", default, row.meaning, f"`{row.example}`")
        assert f"| {' | '.join(cells)} |" in page
