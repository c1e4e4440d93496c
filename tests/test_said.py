"""The text file beside an item: lines that name a field, and the caption."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.said import Said, read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", Said()),
        ("The vote.\n\nLater.", Said(caption="The vote.\n\nLater.")),
        ("alt: Hands\n\nThe vote.", Said(alt="Hands", caption="The vote.")),
        (
            "Texto alternativo: Manos\nPORTADA: Sí\nEl pleno",
            Said(alt="Manos", cover=True, caption="El pleno"),
        ),
        (
            "order: 12\ncredit: A. Pérez\ntitle: The hall",
            Said(order=12, credit="A. Pérez", title="The hall"),
        ),
        ("caption: One.\nTwo.", Said(caption="One.\nTwo.")),
        ("Foto: A. Pérez", Said(caption="Foto: A. Pérez")),
        ("Later: more\nalt: no", Said(caption="Later: more\nalt: no")),
        ("order: soon\ncover: no\nx", Said(caption="x")),
        ("alt: first\nalt: second", Said(alt="first")),
        ("order: 99999999999999999999", Said()),
    ],
)
def test_lines_at_the_top_name_fields(text: str, said: Said) -> None:
    """Known words and a colon, in both languages; the first other line begins the caption."""
    assert read(text) == said


@given(st.text())
def test_whatever_is_written_is_read(text: str) -> None:
    """No text is refused, and what names no field is not lost."""
    found = read(text)
    if ":" not in text:
        assert found.caption == "\n".join(text.splitlines()).strip()
