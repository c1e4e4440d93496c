"""Escaping, one function per place a text is put into.

Owns the step between an untrusted text (a title, a caption, a file's own tags) and the markup it
becomes part of. Refuses to choose the words: see `phrases`. Pages get theirs from Jinja's
autoescape; these serve the snippets of `embed` and the JSON inside pages.
"""

from __future__ import annotations

import json
import re
import unicodedata
from html import escape
from typing import Any

# What blog systems act upon in the middle of a page: shortcodes of WordPress ([gallery]) and Hugo
# ({{< x >}}), and Jekyll's templates ({{ x }}, {% x %}). As references they are only read.
_SYSTEMS = str.maketrans({mark: f"&#{ord(mark)};" for mark in "[]{}"})

# Characters that Markdown (CommonMark 0.31, section 2.4) lets a backslash escape and that could
# start a link, an image, an emphasis, a code span, raw HTML, an entity or a table cell.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#|~!&])")

# Everything but the production Char of XML 1.0, section 2.2.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def one_line(text: str) -> str:
    """White space runs become one space; control and invisible format characters are dropped.

    U+200C and U+200D stay: they are letters' joints in Persian and in emoji.
    """
    spaced = " ".join(text.split())
    return "".join(
        mark
        for mark in spaced
        if mark in "\u200c\u200d" or unicodedata.category(mark) not in {"Cc", "Cf", "Cs"}
    )


def xml_text(text: str) -> str:
    """For XML 1.0, which has no way to write most control characters: those are dropped.

    A serializer escapes the rest.
    """
    return _NOT_XML.sub("", text)


def html_text(text: str) -> str:
    """For between tags, on one line, in a page that a blog system may still work upon."""
    return escape(one_line(text), quote=False).translate(_SYSTEMS)


def html_attribute(text: str) -> str:
    """For inside double quotes, on one line, in a page that a blog system may still work upon."""
    return escape(one_line(text), quote=True).translate(_SYSTEMS)


def html_comment(text: str) -> str:
    """For inside a comment: nothing ends it, and no blog system finds anything to do in it."""
    apart = re.sub(r"-(?=-)|\{(?=[{%])", r"\g<0> ", one_line(text))
    return apart.replace("[", "(").replace("]", ")")


def markdown(text: str) -> str:
    """For a link's or an image's text; the parts a renderer would act upon are backslashed."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def shortcode(text: str) -> str:
    """For a quoted argument of Hugo's shortcode or Jekyll's include, as character references.

    Their own backslash rules differ between versions; a reference has no meaning to their lexers.
    Hugo's shortcode puts the text through `htmlUnescape` before it is escaped again on output;
    Jekyll's include writes it as it is, which is what references are for.
    """
    return "".join(
        mark if mark.isalnum() or mark in " .,:;?!-/" else f"&#{ord(mark)};"
        for mark in one_line(text)
    )


def script_json(value: Any) -> str:
    """JSON for inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
