"""Running confined children: what comes back, and that nothing is left whatever happens."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import process
from pipeline.errors import (
    ConfigError,
    DiskFull,
    Hostile,
    Missing,
    OverLimit,
    ToolBug,
    ToolKilled,
    Unsupported,
)
from pipeline.model import Limits
from pipeline.process import Command, Finished, Overran, call, run


def _command(scratch: Path, *argv: str, **more: Any) -> Command:
    wanted = {"argv": argv, "scratch": scratch, "timeout_s": 30.0, "memory_bytes": 1 << 30}
    return Command(**(wanted | more))


def _shell(scratch: Path, script: str, **more: Any) -> Command:
    return _command(scratch, "/bin/sh", "-c", script, **more)


def _finished(returncode: int, stdout: bytes = b"", stderr: str = "") -> Finished:
    return Finished(
        argv=("tool",), returncode=returncode, stdout=stdout, stderr=stderr, wall_s=0, cpu_s=0
    )


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_tells_what_the_tool_said_and_how_it_ended(tmp_path: Path) -> None:
    """Standard output, the end of standard error, the exit status and the clocks come back."""
    finished = run(_shell(tmp_path, "echo out; echo err >&2; exit 3"))
    assert finished.argv[0] == "/bin/sh"
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, b"out\n", "err\n")
    assert finished.wall_s > 0
    assert finished.cpu_s > 0


def test_lines_are_heard_while_the_tool_runs(tmp_path: Path) -> None:
    """Every line of standard output is passed on, also one that came in pieces."""
    heard: list[str] = []
    code = (
        "import os, time\n"
        r"os.write(1, b'a\nb'); time.sleep(0.05); os.write(1, b'c\r\n')"
    )
    run(_command(tmp_path, sys.executable, "-I", "-S", "-c", code), on_line=heard.append)
    assert heard == ["a", "bc"]


def test_a_flood_on_both_pipes_neither_hangs_nor_fills_memory(tmp_path: Path) -> None:
    """Both pipes are drained together; only the end of standard error is kept."""
    code = (
        "import os\n"
        "for _ in range(64): os.write(2, b'e' * 65536); os.write(1, b'o' * 65536)\n"
        "os.write(2, b'the end')"
    )
    finished = run(_command(tmp_path, sys.executable, "-I", "-S", "-c", code))
    assert len(finished.stdout) == 64 * 65536
    assert len(finished.stderr) == process.STDERR_BYTES
    assert finished.stderr.endswith("the end")


def test_standard_output_is_kept_to_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that talks without end costs no more than the limit."""
    monkeypatch.setattr(process, "STDOUT_BYTES", 1000)
    assert len(run(_shell(tmp_path, "exec head -c 5000 /dev/zero")).stdout) <= 1000


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every child that the module starts."""
    children: list[Any] = []
    start = process._start

    def watched(orders: dict[str, Any], entrance: Any) -> Any:
        children.append(start(orders, entrance))
        return children[-1]

    monkeypatch.setattr(process, "_start", watched)
    return children


@pytest.mark.parametrize("clock", [{"timeout_s": 0.3}, {"stall_s": 0.3}])
def test_a_clock_that_runs_out_ends_the_tool(
    tmp_path: Path, clock: dict[str, float], started: list[Any]
) -> None:
    """Too long, or too long without a line: the tool is gone; the reporter is told the limit."""
    with pytest.raises(Overran, match=r"0\.3 s") as caught:
        run(_shell(tmp_path, "exec sleep 60", **clock))
    assert "sleep 60" in caught.value.evidence
    assert started[0].returncode == -signal.SIGKILL
    assert _is_gone(started[0].pid)


def test_every_line_starts_the_stall_clock_afresh(tmp_path: Path) -> None:
    """Silence counts from the last whole line; half a line is still silence."""
    command = _command(tmp_path, "tool", timeout_s=1000.0, stall_s=10.0)
    ears = process._Ears(on_line=None, last_line=time.monotonic() - 100)
    ears.out(b"half a li")
    with pytest.raises(Overran):
        process._patience(ears, command, time.monotonic())
    ears.out(b"ne\n")
    assert 0 < process._patience(ears, command, time.monotonic()) <= 10


def test_closing_the_pipes_does_not_stop_the_clock(tmp_path: Path) -> None:
    """A tool that says good-bye and lives on is ended all the same."""
    with pytest.raises(Overran):
        run(_shell(tmp_path, "exec >&- 2>&-; exec sleep 60", timeout_s=0.5))


def test_an_error_in_the_listener_ends_the_tool(tmp_path: Path) -> None:
    """Whatever is raised here, the child is gone before anybody hears of it."""
    heard: list[str] = []

    def listen(line: str) -> None:
        heard.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(_shell(tmp_path, "echo $$; exec sleep 60"), on_line=listen)
    assert _is_gone(int(heard[0]))


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals reach main only"
)
def test_an_exception_from_a_signal_ends_the_tool(tmp_path: Path) -> None:
    """A soft time limit raises in the middle of waiting: the tool must not outlive it."""

    class SoftLimitError(Exception):
        pass

    def strike(*_: object) -> None:
        raise SoftLimitError

    heard: list[str] = []
    before = signal.signal(signal.SIGALRM, strike)
    try:
        with pytest.raises(SoftLimitError):
            run(
                _shell(tmp_path, "echo $$; exec sleep 60"),
                on_line=lambda line: (
                    heard.append(line),
                    signal.setitimer(signal.ITIMER_REAL, 0.05),
                )[0],
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert _is_gone(int(heard[0]))


def test_a_kill_from_outside_is_passing(tmp_path: Path) -> None:
    """SIGKILL that is not ours (an operator, the kernel short of memory) may be retried."""
    with pytest.raises(ToolKilled) as caught:
        run(_shell(tmp_path, "kill -9 $$"))
    assert not isinstance(caught.value, Overran)


def test_a_crash_is_the_callers_to_judge(tmp_path: Path) -> None:
    """A tool's own crash comes back as its exit status."""
    assert run(_shell(tmp_path, "kill -SEGV $$")).returncode == -signal.SIGSEGV


def test_processor_time_is_a_second_lock(tmp_path: Path) -> None:
    """The kernel's verdict on processor time reads like running out of time."""
    with pytest.raises(Overran):
        process._judged(_finished(-signal.SIGXCPU))
    assert process._limits(_command(tmp_path, "x", timeout_s=7))["CPU"] >= 7


def test_a_full_disk_is_passing_and_only_believed_of_a_failure() -> None:
    """Want of room is the machine's fault; a tool that succeeded may quote the words."""
    with pytest.raises(DiskFull):
        process._judged(_finished(1, stderr="Error muxing: No space left on device"))
    fine = _finished(0, stderr="title: No space left on device")
    assert process._judged(fine) is fine


def test_a_tool_that_is_not_there_is_our_fault(tmp_path: Path) -> None:
    """No retry helps a wrong path; the log has it."""
    with pytest.raises(ToolBug) as caught:
        run(_command(tmp_path, "/nowhere/ffmpeg"))
    assert "/nowhere/ffmpeg" in caught.value.evidence
    assert "/nowhere" not in caught.value.public


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A child cannot allocate beyond its limit."""
    code = "x = bytes(600 << 20)"
    argv = (sys.executable, "-I", "-S", "-c", code)
    finished = run(_command(tmp_path, *argv, memory_bytes=200 << 20))
    assert "MemoryError" in finished.stderr
    assert run(_command(tmp_path, *argv, memory_bytes=1 << 30)).returncode == 0


def test_calls_a_function_of_the_package_in_a_child(tmp_path: Path) -> None:
    """Arguments go in and the answer comes back as JSON; values of the model as plain data."""
    arguments = {"text": "pt_br"}
    assert call("pipeline.languages:tag", arguments, _command(tmp_path)) == "pt-BR"
    answer = call(
        "pipeline.model:Rung", {"short_side": 1, "crf": 2, "max_bps": 3}, _command(tmp_path)
    )
    assert answer == {"short_side": 1, "crf": 2.0, "max_bps": 3, "codec": "h264", "x264": ""}


def test_calls_nothing_but_the_package(tmp_path: Path) -> None:
    """A child is no way to run arbitrary code."""
    with pytest.raises(ValueError, match="only functions of this package"):
        call("os:system", {"command": "true"}, _command(tmp_path))


def test_an_error_of_ours_is_raised_again_on_this_side(tmp_path: Path) -> None:
    """The leaf, its sentence and its evidence survive the way through JSON."""
    source = tmp_path / "not-film"
    source.write_text("#EXTM3U\nhttp://127.0.0.1/x.ts\n")
    limits = dict.fromkeys((field.name for field in dataclasses.fields(Limits)), 1)
    arguments = {"path": str(source), "limits": limits}
    with pytest.raises(Unsupported, match="playlist"):
        call("pipeline.probe:examine", arguments, _command(tmp_path, reads=(source,)))


def test_any_other_error_is_a_bug_with_its_traceback(tmp_path: Path) -> None:
    """What we did not raise on purpose is our fault; the log has the child's own traceback."""
    with pytest.raises(ToolBug) as caught:
        call("pipeline.languages:tag", {"wrong": 1}, _command(tmp_path))
    assert "Traceback" in caught.value.evidence
    assert "wrong" in caught.value.evidence


@pytest.mark.parametrize("number", process._CRASHES)
def test_a_crashed_interpreter_means_hostile_input(number: int) -> None:
    """Native decoders crash on hostile bytes: that is a property of the file."""
    assert type(process._end_of(_finished(-number))) is Hostile


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"failure": ["x"]}', b"\xff"])
def test_an_answer_that_is_none_is_a_bug(answer: bytes) -> None:
    """A child that ends without a proper answer is never taken for success."""
    assert type(process._answer(answer)) is ToolBug
    assert type(process._end_of(_finished(0))) is ToolBug


def test_each_job_of_a_batch_has_its_own_answer(tmp_path: Path) -> None:
    """One child answers every job in its place; an error of one is no error of the others."""
    jobs = [{"text": "es_MX"}, {"wrong": 1}, {"text": "EN"}]
    answers = process.call_each("pipeline.languages:tag", jobs, _command(tmp_path))
    assert (answers[0], type(answers[1]), answers[2]) == ("es-MX", ToolBug, "en")
    assert process.call_each("pipeline.languages:tag", [], _command(tmp_path)) == []


def test_a_job_that_ends_the_child_is_tried_alone_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered before a crash stays; only the job that crashes alone, too, is guilty."""
    started: list[list[str]] = []

    def child(_command: Command, what: dict[str, Any], _on_line: object) -> Finished:
        names = [job["name"] for job in what["each"]]
        started.append(names)
        whole = names if names == ["heavy"] else []
        said = list(itertools.takewhile(lambda name: name.startswith("good"), names)) or whole
        lines = b"".join(b'{"value": "%s"}\n' % name.encode() for name in said)
        return _finished(0 if said == names else -signal.SIGSEGV, stdout=lines)

    monkeypatch.setattr(process, "_run", child)
    names = ["good1", "heavy", "good2", "bad", "good3"]
    answers = process.call_each("pipeline.x:y", [{"name": n} for n in names], _command(tmp_path))
    assert answers[:3] == ["good1", "heavy", "good2"]
    assert (type(answers[3]), answers[4]) == (Hostile, "good3")
    assert started == [names, ["heavy"], ["good2", "bad", "good3"], ["bad"], ["good3"]]


def test_a_real_crash_in_a_batch_costs_one_job(tmp_path: Path) -> None:
    """A child that is brought down by one job answers all the others."""
    fine = {"function": "pipeline.languages:tag", "arguments": {"text": "es"}}
    crash = {"function": "os:abort", "arguments": {}}
    jobs = [fine, crash, fine]
    answers = process.call_each("pipeline.confine:_call", jobs, _command(tmp_path))
    assert (answers[0], type(answers[1]), answers[2]) == ("es", Hostile, "es")


@pytest.mark.parametrize("leaf", [OverLimit, Missing, ConfigError, ToolKilled, ToolBug])
def test_every_code_finds_its_class(leaf: type[Exception]) -> None:
    """A class that only narrows a code does not take its place."""
    assert type(process._failure(leaf.code, "", "")) is leaf  # type: ignore[attr-defined]


# --- services ---------------------------------------------------------------------------------


def test_a_service_answers_what_a_child_asks(tmp_path: Path) -> None:
    """Questions and answers pass through the child's standard input."""

    def double(line: socket.socket) -> None:
        while number := line.recv(16):
            line.sendall(b"%d\n" % (2 * int(number)))

    script = "for n in 4 21; do echo $n >&0; read answer; echo $answer; done"
    finished = run(_shell(tmp_path, script, service=double))
    assert finished.stdout == b"8\n42\n"


def test_without_a_service_nothing_can_be_read(tmp_path: Path) -> None:
    """Standard input is empty, and cannot be written."""
    assert run(_shell(tmp_path, "read x || echo nothing")).stdout == b"nothing\n"
    assert run(_shell(tmp_path, "echo x >&0 || echo closed")).stdout == b"closed\n"


def test_a_child_may_leave_before_it_was_served(tmp_path: Path) -> None:
    """Who needs no more of what is sent is not to blame, nor is the one who sends it."""

    def endless(line: socket.socket) -> None:
        while True:
            line.sendall(b"enough\n" * 10_000)

    finished = run(_shell(tmp_path, "read x; echo $x", service=endless))
    assert (finished.returncode, finished.stdout) == (0, b"enough\n")


def test_a_failing_service_ends_the_work(tmp_path: Path) -> None:
    """What it raises is what the work fails with, whatever the child makes of the silence."""

    def failing(line: socket.socket) -> None:
        line.recv(16)
        raise Missing("It is gone.")

    with pytest.raises(Missing, match="gone"):
        run(_shell(tmp_path, "echo x >&0; read answer; echo fine", service=failing))


def test_a_service_ends_with_its_child(tmp_path: Path) -> None:
    """However a child ends, nobody goes on serving it."""
    ended = threading.Event()

    def waiting(line: socket.socket) -> None:
        assert line.recv(16) == b""
        ended.set()

    with pytest.raises(Overran):
        run(_shell(tmp_path, "exec sleep 60", service=waiting, timeout_s=0.5))
    assert ended.is_set()
