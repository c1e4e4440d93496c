"""Lengths and sizes as people read them."""

from __future__ import annotations

import pytest

from pipeline import figures


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0:00"), (499, "0:00"), (500, "0:01"), (192_000, "3:12"), (3_723_000, "1:02:03")],
)
def test_a_length_of_time_is_written_as_players_write_it(milliseconds: int, text: str) -> None:
    """Hours appear only when there are any."""
    assert figures.clock(milliseconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_999, "10.0 kB"), (24_000_000, "24 MB"),
     (999_600, "1.0 MB"), (5_000_000_000_000, "5000 GB")],
)  # fmt: skip
def test_sizes_have_two_or_three_digits(count: int, text: str) -> None:
    """Sizes are decimal, and never print as 1000 of a unit."""
    assert figures.size(count) == text
