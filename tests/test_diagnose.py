"""The table from complaints to errors: every row against what the real tool said."""

from __future__ import annotations

import signal

import pytest

from pipeline import diagnose
from pipeline.errors import Hostile, OverLimit, ToolBug, Unreadable
from pipeline.process import Finished

# Captured from ffmpeg 9.0, row by row in the table's order.
CAPTURED = (
    "[out#0/wav @ 0x5601328186c0] Error writing trailer: No space left on device",
    (
        "[http @ 0x565324572a80] Protocol 'http' not on whitelist 'file'!\n"
        "Error opening input files: Invalid argument"
    ),
    (
        "[mjpeg @ 0x556df5724580] [IMGUTILS @ 0x7fffd6791d70] Picture size 320x240"
        " exceeds specified max pixel count 100, see the documentation if you wish to increase it\n"
        "[mjpeg @ 0x556df57351c0] [IMGUTILS @ 0x7fbfda01f4c0] Picture size 0x0 is invalid"
    ),
    "[vost#0:0/libx264 @ 0x55d168609140] pthread_create() failed: Resource temporarily unavailable",
    (
        "x264 [error]: malloc of size 21414530 failed\n"
        "[enc:libx264 @ 0x560cf5e881c0] Error while opening encoder - maybe incorrect parameters"
    ),
    "[out#0/wav @ 0x5650b712f6c0] Error writing trailer: File too large",
    (
        "[AVFilterGraph @ 0x5630971d77c0] No such filter: 'nosuch'\n"
        "Error opening output files: Filter not found"
    ),
    (
        "[in#0 @ 0x56272fa78040] hit EOF while reading sub-sample encryption info\n"
        "Error opening input files: Invalid data found when processing input"
    ),
    (
        "[in#0 @ 0x5605b22f2080] moov atom not found\n"
        "Error opening input files: Invalid data found when processing input"
    ),
    (
        "[vist#0:0/none @ 0x55c9a3299040] Decoding requested, but no decoder found for: none\n"
        "Error opening output files: Invalid argument"
    ),
    "Unrecognized option 'nosuch'.\nError splitting the argument list: Option not found",
    "Stream map '' matches no streams.\nTo ignore this, add a trailing '?' to the map.",
    (
        "[in#0 @ 0x5559243dd080] EBML header parsing failed\n"
        "Error opening input files: Invalid data found when processing input"
    ),
)


def _finished(returncode: int, stderr: str = "") -> Finished:
    return Finished(
        argv=("ffmpeg", "-i", "secret/path.mp4"),
        returncode=returncode,
        stdout=b"",
        stderr=stderr,
        wall_s=0.0,
        cpu_s=0.0,
    )


@pytest.mark.parametrize(
    ("row", "complaint"),
    zip(diagnose.TABLE, CAPTURED, strict=True),
    ids=lambda value: value[0][:20],
)
def test_every_row_explains_its_captured_complaint(row: diagnose.Row, complaint: str) -> None:
    """Each row is the first to match what the tool really said, and speaks its own sentence."""
    found = diagnose.failure(complaint)
    assert type(found) is row[1]
    assert found.public == row[2]
    assert found.evidence == complaint


def test_a_row_for_our_own_mistake_outranks_its_consequences() -> None:
    """An encoder that does not open also writes nothing: that is our fault, not the file's."""
    complaint = (
        "[enc:libx264 @ 0x5626907b7b40] Error while opening encoder - maybe incorrect parameters\n"
        "[out#0/null @ 0x5626907a9240] Nothing was written into output file, because at least one"
        " of its streams received no packets."
    )
    assert isinstance(diagnose.failure(complaint), ToolBug)


def test_what_no_row_explains_is_our_fault() -> None:
    """An unknown complaint is a ToolBug with the complaint as evidence, so that somebody looks."""
    found = diagnose.failure("the flux capacitor is out of plutonium")
    assert type(found) is ToolBug
    assert "plutonium" in found.evidence


def test_an_unexplained_parser_complaint_blames_the_file() -> None:
    """A parser that saw only one upload fails because of it; a row's leaf is kept."""
    assert type(diagnose.unreadable("quite unheard of")) is Unreadable
    assert type(diagnose.unreadable(CAPTURED[2])) is OverLimit


def test_the_public_sentence_never_holds_the_command() -> None:
    """Command line and exit status are evidence; the reporter's sentence has no path in it."""
    found = diagnose.of(_finished(1, CAPTURED[-1]))
    assert "secret/path.mp4" in found.evidence
    assert "exit 1" in found.evidence
    assert "secret" not in found.public


@pytest.mark.parametrize(
    ("number", "leaf"), [(signal.SIGSEGV, Hostile), (signal.SIGXFSZ, OverLimit)]
)
def test_a_tool_ended_by_a_signal_is_the_files_doing(number: int, leaf: type) -> None:
    """A crash is hostile input; a file that grew beyond its limit says so."""
    assert type(diagnose.of(_finished(-number))) is leaf


def test_a_decoder_that_may_not_run_yet_makes_no_file_hostile() -> None:
    """Ours is the wish that ffmpeg decodes nothing while it opens a film that changes its shape."""
    said = "[h264 @ 0x55b18d64ce80] Codec (h264) not on whitelist 'none'"
    assert not isinstance(diagnose.failure(said), Hostile)
