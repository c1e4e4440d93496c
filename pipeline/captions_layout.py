"""From single words with their times to cues that read well.

Owns the breaking of speech into cues and lines, and how long each stays on screen, by the figures
of `captions_lint`. Pure. Only what a machine has heard is laid out anew; a person's subtitles keep
their own breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.captions_cue import Cue
from pipeline.captions_lint import GAP_MS, LINE_CHARACTERS, LONGEST_MS, SHORTEST_MS, speed

# Silence as long as this ends a cue; a cue may linger this long after its last word.
_PAUSE_MS, _LINGER_MS = 700, 400
_SENTENCE_ENDS, _CLAUSE_ENDS = (".", "?", "!", "…"), (",", ";", ":")
_CLOSING = "\"'\u201d\u2019»)]"
# A line is better broken before these than after them.
_LINKS = frozenset(
    "and or but that which who because if when while of in on at to for from with by as than the a"
    " an y e o u pero que quien porque si cuando mientras de del en a al para por con sin como el"
    " la los las un una unos unas su sus mi tu se le lo nos".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word with its punctuation, and when it is said."""

    start_ms: int
    end_ms: int
    text: str


def cues(words: Iterable[Word], language: str) -> tuple[Cue, ...]:
    """Words in order of time as cues of at most two lines."""
    parts = [part for group in _groups(words) for part in _split(group)]
    drawn = [
        Cue(start_ms=part[0].start_ms, end_ms=part[-1].end_ms, text="\n".join(_lines(part)))
        for part in parts
    ]
    return tuple(_held(drawn, speed(language)))


def _groups(words: Iterable[Word]) -> Iterator[tuple[Word, ...]]:
    """What no cue may reach across: the end of a sentence, and silence."""
    group = list[Word]()
    for word in words:
        if group and (_ends(group[-1], _SENTENCE_ENDS) or _gap(group[-1], word) >= _PAUSE_MS):
            yield tuple(group)
            group = []
        group.append(word)
    if group:
        yield tuple(group)


def _split(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Halves, and halves of those, until each fits on the screen."""
    if len(words) == 1 or _fits(words):
        yield words
        return
    cut = min(range(1, len(words)), key=lambda at: _cost(words, at))
    yield from _split(words[:cut])
    yield from _split(words[cut:])


def _fits(words: Sequence[Word]) -> bool:
    lasting = words[-1].end_ms - words[0].start_ms
    return lasting <= LONGEST_MS and all(len(line) <= LINE_CHARACTERS for line in _lines(words))


def _lines(words: Sequence[Word]) -> tuple[str, ...]:
    """One line, or two of about one length."""
    text = _text(words)
    if len(text) <= LINE_CHARACTERS or len(words) == 1:
        return (text,)
    cuts = range(1, len(words))
    fitting = [at for at in cuts if _widest(words, at) <= LINE_CHARACTERS]
    cut = min(fitting or cuts, key=lambda at: _cost(words, at))
    return _text(words[:cut]), _text(words[cut:])


def _widest(words: Sequence[Word], at: int) -> int:
    return max(len(_text(words[:at])), len(_text(words[at:])))


def _cost(words: Sequence[Word], at: int) -> float:
    """How bad a break before word `at` is: uneven halves, words torn apart, no breath."""
    left, right = len(_text(words[:at])), len(_text(words[at:]))
    cost = abs(left - right) / (left + right)
    before, after = words[at - 1], words[at]
    if _ends(before, _CLAUSE_ENDS):
        cost -= 0.4
    elif _bare(after) in _LINKS and _bare(before) not in _LINKS:
        cost -= 0.2
    if _bare(before) in _LINKS:
        cost += 0.6
    return cost - min(_gap(before, after), 500) / 1500


def _held(drawn: Sequence[Cue], characters_a_second: int) -> Iterator[Cue]:
    """Each cue for as long as it takes to read, but not into the next."""
    following = [*(cue.start_ms for cue in drawn[1:]), 1 << 62]
    for cue, next_ms in zip(drawn, following, strict=False):
        reading = max(SHORTEST_MS, len(cue.text) * 1000 // characters_a_second + 1)
        wanted = max(cue.end_ms + _LINGER_MS, cue.start_ms + reading)
        end = min(wanted, cue.start_ms + LONGEST_MS, next_ms - GAP_MS)
        yield replace(cue, end_ms=max(end, cue.start_ms + 1))


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _gap(before: Word, after: Word) -> int:
    return after.start_ms - before.end_ms


def _ends(word: Word, marks: tuple[str, ...]) -> bool:
    return word.text.rstrip(_CLOSING).endswith(marks)


def _bare(word: Word) -> str:
    return word.text.strip("¿¡.,;:!?…\"'«»()").casefold()
