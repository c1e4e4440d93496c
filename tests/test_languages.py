"""What reporters and cameras call languages, and what players want to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import languages


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("es", "es"),
        ("ES", "es"),
        ("spa", "es"),
        ("fre", "fr"),
        ("fra", "fr"),
        ("Español", "es"),
        ("  deutsch ", "de"),
        ("pt_br", "pt-BR"),
        ("spa-419", "es-419"),
        ("zh-hant-tw", "zh-Hant-TW"),
    ],
)
def test_spellings_of_a_language(text: str, tag: str) -> None:
    """Two and three letter codes, own names, scripts and regions become one BCP-47 tag."""
    assert languages.tag(text) == tag


@pytest.mark.parametrize("text", ["", "xx", "final", "v2", "2024", "es-", "e", "es.srt", "mp4"])
def test_other_words_are_no_language(text: str) -> None:
    """What only looks like a tag is none: a name's last part must not be mistaken for one."""
    assert languages.tag(text) is None


@given(st.text(max_size=20))
def test_a_tag_is_stable(text: str) -> None:
    """A tag read again is itself, and it never holds anything but letters, digits, hyphens."""
    tag = languages.tag(text)
    if tag is not None:
        assert languages.tag(tag) == tag
        assert tag.replace("-", "").isascii()
        assert tag.replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("tag", "label"),
    [("es", "Español"), ("pt-BR", "Português (BR)"), ("zh-Hant-TW", "中文 (Hant TW)")],
)
def test_labels(tag: str, label: str) -> None:
    """A language is shown by its own name, with what sets it apart."""
    assert languages.label(tag) == label


@pytest.mark.parametrize("tag", ["und", "tlh", "x-klingon"])
def test_a_language_without_a_name_shows_its_tag(tag: str) -> None:
    """An unknown language is shown as it was written."""
    assert languages.label(tag) == tag
