"""Every place a text is put into has one function that makes it harmless there."""

from __future__ import annotations

import html
import json
from xml.etree import ElementTree as ET

import nh3
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markup import Parsed
from payloads import ALL
from sample_post import HOSTILE

from pipeline import escape

texts = st.text() | st.sampled_from((*HOSTILE, *ALL))


@given(texts)
def test_escaped_text_is_one_line_and_reads_the_same(text: str) -> None:
    """HTML text and attributes stay on one line and are read back as the text was."""
    assert len(escape.html_attribute(text).splitlines()) <= 1
    assert not set('<>"') & set(escape.html_attribute(text))
    assert not set("<>") & set(escape.html_text(text))
    assert html.unescape(escape.html_text(text)) == escape.one_line(text)
    assert html.unescape(escape.html_attribute(text)) == escape.one_line(text)


@given(texts)
def test_a_markdown_link_stays_one_link(text: str) -> None:
    """Whatever the text is, a renderer sees one link that leads where it should, and no HTML."""
    source = f"[{escape.markdown(text)}](https://media.example.org/p)"
    inline = MarkdownIt("commonmark").parse(source)[1]
    kinds = [token.type for token in inline.children or ()]
    assert kinds[0] == "link_open"
    assert kinds[-1] == "link_close"
    assert set(kinds[1:-1]) <= {"text", "text_special"}
    assert inline.children is not None
    assert inline.children[0].attrs == {"href": "https://media.example.org/p"}


@given(texts)
def test_a_shortcode_argument_cannot_end_itself(text: str) -> None:
    """No quote, brace, backslash or angle bracket is left, and the text can be read back."""
    escaped = escape.shortcode(text)
    assert not set('"`\\{}<>\n') & set(escaped)
    assert html.unescape(escaped) == escape.one_line(text)


@given(texts)
def test_json_cannot_end_its_script_element(text: str) -> None:
    """JSON inside a script element holds no angle bracket, and still says the same."""
    written = escape.script_json({"name": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"name": text}


def test_emoji_joints_stay_and_direction_tricks_go() -> None:
    """A family emoji keeps its joints; a right-to-left override cannot turn a title around."""
    assert escape.one_line("👩\u200d👧 a\u202eb\x00c\n d") == "👩\u200d👧 abc d"


@given(texts, texts)
def test_a_real_parser_sees_no_more_than_the_text(text: str, other: str) -> None:
    """A browser's parsing rules (html5ever) find one element, with the text in its places."""
    html = (
        f'<p title="{escape.html_attribute(text)}">{escape.html_text(other)}</p>'
        f"<!-- {escape.html_comment(text)} --><b>after</b>"
    )
    seen = nh3.clean(
        html, tags={"p", "b"}, attributes={"*": {"title"}}, strip_comments=False, link_rel=None
    )
    parsed = Parsed(seen)
    assert parsed.elements == [("p", {"title": escape.one_line(text)}), ("b", {})]
    assert "".join(parsed.words) == f"{escape.one_line(other)}after"


@given(texts)
def test_xml_can_always_be_read_back(text: str) -> None:
    """What XML has no way to write is gone, all else is there."""
    node = ET.Element("a", {"b": escape.xml_text(text)})
    node.text = escape.xml_text(text)
    read = ET.fromstring(ET.tostring(node, encoding="utf-8"))  # noqa: S314 - our own
    assert (read.text or "").replace("\n", "") == node.text.replace("\r", "").replace("\n", "")
