"""The text of a cue: made safe WebVTT, made plain words, taken apart into turns of speakers.

Owns the tags that survive (b, i, u, v, lang, ruby) and the escaping of everything else. Pure.
Refuses files and times: `captions_read` finds cues, `captions` mends and writes them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from pipeline.captions_cue import Cue

__all__ = ["Cue", "markup", "turns", "words"]

# Bounded, as all repetition over a stranger's text should be.
_TAG = re.compile(r"<(/?)(\w{0,20})([^<>]{0,300})>")
_KEPT = ("b", "i", "u", "v", "lang", "ruby", "rt")
# Tags that only style, in SRT by habit or in WebVTT by right: their text stays.
_STYLING = ("font", "c", "span", "p", "div", "s", "strong", "em", "small", "big")
_VOICE = re.compile(r"<v ([^<>]+)>|</v>")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def markup(text: str) -> str:
    """Cue text with the allowed tags balanced and all else escaped: safe WebVTT, no blank line.

    Styling tags go, their text stays; tags of no known kind are shown as the text they are.
    """
    pieces, stack, at = [], list[str](), 0
    for tag in _TAG.finditer(text):
        pieces += [_escaped(text[at : tag.start()]), _kept_tag(tag, stack)]
        at = tag.end()
    pieces += [_escaped(text[at:]), *(f"</{name}>" for name in reversed(stack))]
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def words(text: str) -> str:
    """What a reader sees of a cue: no tags, no entities, line breaks kept."""
    safe = re.sub(r"<[^<>]*>", "", markup(text))
    lines = (line.strip() for line in html.unescape(safe).split("\n"))
    return "\n".join(line for line in lines if line)


def turns(text: str) -> Iterator[tuple[str, str]]:
    """Who says what in a cue, in order: (speaker or "", words on one line)."""
    safe, speaker, at = markup(text), "", 0
    for voice in _VOICE.finditer(safe):
        if said := _flat(safe[at : voice.start()]):
            yield speaker, said
        speaker, at = html.unescape(voice[1] or ""), voice.end()
    if said := _flat(safe[at:]):
        yield speaker, said


def _flat(safe: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", safe)).split())


def _escaped(text: str) -> str:
    """Text for WebVTT: entities read once, then &, < and > (so never "-->") escaped."""
    plain = html.unescape(text).replace("\r", "").replace("\0", "")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _kept_tag(tag: re.Match[str], stack: list[str]) -> str:
    """What stands in a tag's place; opens and closes tags on the stack."""
    name = tag[2].lower()
    if name == "br":
        return "\n"
    if name in _STYLING or re.match(r"\d", name):
        return ""
    if name not in _KEPT:
        return _escaped(tag[0])
    return _closing(name, stack) if tag[1] else _opening(name, tag[3], stack)


def _opening(name: str, rest: str, stack: list[str]) -> str:
    """The opening tag without classes, or "" for one that lacks what it needs."""
    said = " ".join(re.sub(r"^\.\S*", "", rest).split())
    fit = {
        "v": bool(said),
        "lang": _LANGUAGE_TAG.fullmatch(said) is not None,
        "rt": "ruby" in stack,
    }
    if not fit.get(name, True):
        return ""
    stack.append(name)
    return f"<{name} {_escaped(said)}>" if name in ("v", "lang") else f"<{name}>"


def _closing(name: str, stack: list[str]) -> str:
    """Close up to and including the tag, so that crossed tags nest; nothing if it is not open."""
    if name not in stack:
        return ""
    closed = list[str]()
    while not closed or closed[-1] != name:
        closed.append(stack.pop())
    return "".join(f"</{each}>" for each in closed)
