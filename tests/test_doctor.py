"""The doctor: what is well is ok, what is not says what to do, and nothing is left behind."""

from __future__ import annotations

import ast
import gzip
from pathlib import Path

import pytest

from newsreel import doctor, doctor_store
from newsreel.doctor import Check, checks

SECRET = "hunter2-very-secret"


def found(env: dict[str, str], cwd: Path) -> dict[str, Check]:
    """The doctor's findings by name."""
    return {check.name: check for check in checks({"NEWSREEL_SCRATCH": str(cwd), **env}, cwd)}


def test_plain_folders_need_no_servers(tmp_path: Path) -> None:
    """Without Redis and S3 their checks say so and do not fail; the encoder is looked at."""
    seen = found({}, tmp_path)
    assert seen["ffmpeg's encoders"].ok
    assert seen["ffmpeg's filters"].ok
    assert seen["profiles"].ok
    for name in ("redis", "object store"):
        assert seen[name].ok
        assert "not configured: needed only for the stack" in seen[name].detail
    assert list(tmp_path.iterdir()) == []


def test_wrong_settings_end_the_visit(tmp_path: Path) -> None:
    """With settings that make no sense, they are the one finding."""
    (check,) = checks({"NEWSREEL_WORKERS": "0"}, tmp_path)
    assert not check.ok
    assert "NEWSREEL_WORKERS" in check.detail


def test_servers_that_do_not_answer_are_told_without_their_password(tmp_path: Path) -> None:
    """Every bucket and the broker fail with a remedy; no secret is in any line."""
    env = {
        "NEWSREEL_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
        "NEWSREEL_S3_ENDPOINT": "http://127.0.0.1:1",
        "NEWSREEL_S3_ACCESS_KEY": "me",
        "NEWSREEL_S3_SECRET_KEY": SECRET,
    }
    seen = found(env, tmp_path)
    for name in ("redis", "clock", "bucket ingest", "bucket work", "bucket published"):
        assert not seen[name].ok
        assert seen[name].remedy
    assert SECRET not in repr(seen)


def test_an_ffmpeg_that_lacks_something_is_told_what(tmp_path: Path) -> None:
    """The missing encoders and filters are named."""
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ' V....D libx264  x'\necho ' ... scale V->V x'\n")
    program.chmod(0o755)
    seen = found({"NEWSREEL_FFMPEG": str(program)}, tmp_path)
    assert "libmp3lame" in seen["ffmpeg's encoders"].detail
    assert "libx264" not in seen["ffmpeg's encoders"].detail
    assert "zscale" in seen["ffmpeg's filters"].detail
    assert "NEWSREEL_FFMPEG" in seen["ffmpeg's filters"].remedy


def test_an_unknown_profile_is_told(tmp_path: Path) -> None:
    """The configured profile must exist and be sound."""
    check = found({"NEWSREEL_PROFILE": "defualt"}, tmp_path)["profiles"]
    assert not check.ok
    assert "did you mean default" in check.detail


def test_a_full_or_closed_scratch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room, or no right to write, is a finding with a remedy."""
    monkeypatch.setattr(doctor, "_SCRATCH_BYTES", 2**62)
    assert not found({}, tmp_path)["scratch"].ok
    (tmp_path / "file").touch()
    check = found({"NEWSREEL_SCRATCH": str(tmp_path / "file/x")}, tmp_path)["scratch"]
    assert not check.ok
    assert "NEWSREEL_SCRATCH" in check.remedy


def test_no_filter_is_used_that_the_doctor_does_not_ask_for() -> None:
    """The list of filters follows the modules that compile command lines."""
    modules = (Path(__file__).parents[1] / "pipeline").glob("graph*.py")
    used = {
        named[0].value
        for module in modules
        for call in ast.walk(ast.parse(module.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("filter", "filter_multi_output")
        # Where several streams become one, they come before its name.
        if (named := [word for word in call.args[:2] if isinstance(word, ast.Constant)])
    }
    assert used
    assert used <= set(doctor.FILTERS)


@pytest.mark.parametrize(
    ("facts", "bad"),
    [
        ({"aof_enabled": 1, "maxmemory_policy": "noeviction"}, []),
        ({"aof_enabled": 0}, ["redis keeps its queue"]),
        (
            {"aof_enabled": 1, "maxmemory": 9, "maxmemory_policy": "allkeys-lru"},
            ["redis drops nothing"],
        ),
        ({"aof_enabled": 1, "maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, []),
    ],
)
def test_a_broker_that_could_lose_work_is_told(facts: dict[str, object], bad: list[str]) -> None:
    """It must write its queue down and throw nothing away."""
    assert [check.name for check in doctor._redis_facts(facts) if not check.ok] == bad


@pytest.mark.parametrize(
    ("answer", "look"),
    [
        ({"status": 200, "headers": {"content-type": "text/plain"}}, doctor_store._typed),
        ({"status": 200, "body": doctor_store._BODY}, doctor_store._ranged),
        ({"status": 206, "body": b"TT\n\n"}, doctor_store._ranged),
        ({"status": 200}, doctor_store._cross_origin),
        ({"status": 400}, doctor_store._indifferent),
        ({"status": 200, "body": gzip.compress(doctor_store._BODY)}, doctor_store._unpacked),
        (
            {"status": 200, "headers": {"content-encoding": "gzip"}, "body": doctor_store._BODY},
            doctor_store._unpacked,
        ),
        ({"status": 404}, doctor_store._unpacked),
    ],
)
def test_what_an_embed_would_stumble_over_is_told(answer: dict[str, object], look: object) -> None:
    """A wrong type, whole files for a Range, no CORS, refused parameters, a lost encoding: told."""
    made = doctor_store._Answer(**{"headers": {}, "body": b"", **answer})
    check = look(made)
    assert not check.ok
    assert check.remedy


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"content-encoding": "gzip"}, gzip.compress(doctor_store._BODY)), ({}, doctor_store._BODY)],
    ids=["as it is stored", "decoded on the way"],
)
def test_compressed_scripts_arrive(headers: dict[str, str], body: bytes) -> None:
    """Whether a proxy hands them on or decodes them: a browser reads the same."""
    assert doctor_store._unpacked(doctor_store._Answer(status=200, headers=headers, body=body)).ok
