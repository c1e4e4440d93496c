"""What `newsreel status` says beside the items themselves."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console
from sample_post import POST

from newsreel import show
from newsreel.show import Standing


def test_status_says_what_a_post_waits_for() -> None:
    """Texts without their file, duplicates, mistakes in post.toml: each in a line of its post."""
    notes = ("talk.es.srt waits for the file it belongs to.", "b.jpg shows [the] same picture.")
    told = io.StringIO()
    table = show.status([Standing(post=replace(POST, notes=notes), doing={})])
    Console(width=200, file=told).print(table)
    assert all(note in told.getvalue() for note in notes)
    assert told.getvalue().count("pleno") >= len(POST.items) + len(notes)
