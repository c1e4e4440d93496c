"""Errors: what a reporter reads, what the log gets, and how they travel."""

from __future__ import annotations

import pickle

import pytest

from pipeline import errors, process


def leaves(kind: type[errors.NewsreelError]) -> list[type[errors.NewsreelError]]:
    """A kind with everything below it."""
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


@pytest.mark.parametrize("kind", leaves(errors.NewsreelError))
def test_errors_travel_between_processes(kind: type[errors.NewsreelError]) -> None:
    """A pickled error keeps its class, its sentence and its evidence."""
    error = pickle.loads(pickle.dumps(kind("The file is empty.", evidence="0 bytes")))  # noqa: S301
    assert type(error) is kind
    assert (error.public, error.evidence) == ("The file is empty.", "0 bytes")


def test_evidence_is_never_shown() -> None:
    """Neither the text nor the dashboard's repr of an error holds what belongs into the log."""
    error = errors.Unreadable("The file is empty.", evidence="/srv/secret")
    assert "secret" not in str(error) + repr(error)


def test_what_stalls_is_tried_twice_at_most() -> None:
    """Each try of a stalled child costs its whole time limit; other trouble may pass."""
    assert process.Overran.max_attempts == 2
    assert errors.StoreUnavailable.max_attempts == errors.Transient.max_attempts == 8
