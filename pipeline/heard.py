"""What a machine has heard: chunk by chunk, what of it is believed, and all of it together.

Owns the values that a chunk of speech leaves behind, and the guards against words that nobody
said. Pure. `transcribe` listens, in a child; `render_speech` writes down what is believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.captions_layout import Word

# The model's own doubts, by the figures of its authors (Radford et al. 2022, section 4.5), a little
# stricter where it hears no speech at all.
_NO_SPEECH, _DOUBTFUL = 0.6, -0.7
_UNLIKELY, _REPETITIVE = -1.3, 2.4
# Said so often under films that the model hears it in silence.
_CREDITS = re.compile(
    r"amara\.org|subt[ií]tulos? (?:realizados? )?por|subtitles? by|subtitled by", re.IGNORECASE
)
_FAREWELLS = re.compile(
    r"(?:¡?gracias(?: por ver(?: el v[ií]deo)?)?|thank(?:s| you)(?: (?:so much )?for watching)?"
    r"|¡?suscr[ií]bete.{0,40}|please subscribe.{0,40}|you|bye)[.!]*",
    re.IGNORECASE,
)
_SUSPICIOUS = 0.3
# The same words three times over are a loop, not a speech.
_LOOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of speech as the model gives it, with its own doubts about it.

    `no_speech` is a probability, `logprob` the mean logarithm of one a token, `ratio` how well the
    text can be compressed: repetition.
    """

    words: tuple[Word, ...]
    no_speech: float = 0.0
    logprob: float = 0.0
    ratio: float = 1.0

    @property
    def text(self) -> str:
        """The words on one line."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One chunk: the language that is spoken ("" where nobody speaks), and the words by language.

    Beside the language itself there may be English, into which the model translates.
    """

    language: str
    tracks: dict[str, tuple[Segment, ...]] = field(default_factory=dict)


def spoken(chunks: Sequence[Heard]) -> str:
    """The language most of it is in, "" where nothing was said."""
    counts = Counter[str]()
    for chunk in chunks:
        said = chunk.tracks.get(chunk.language, ())
        counts[chunk.language] += sum(len(segment.words) for segment in believed(said))
    language, number = counts.most_common(1)[0] if counts else ("", 0)
    return language if number else ""


def words(chunks: Iterable[Heard], language: str) -> tuple[Word, ...]:
    """All believed words in one language, in order of time."""
    segments = [segment for chunk in chunks for segment in chunk.tracks.get(language, ())]
    found = (word for segment in believed(segments) for word in segment.words)
    return tuple(sorted(found, key=lambda word: (word.start_ms, word.end_ms)))


def believed(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Without what the model doubts itself, what it says in silence, and its loops."""
    last, times = "", 0
    for segment in segments:
        text = segment.text.casefold()
        times = times + 1 if text == last else 1
        last = text
        if segment.words and times < _LOOP and not _is_doubtful(segment):
            yield segment


def _is_doubtful(segment: Segment) -> bool:
    return (
        (segment.no_speech > _NO_SPEECH and segment.logprob < _DOUBTFUL)
        or segment.logprob < _UNLIKELY
        or segment.ratio > _REPETITIVE
        or _CREDITS.search(segment.text) is not None
        or (segment.no_speech > _SUSPICIOUS and _FAREWELLS.fullmatch(segment.text) is not None)
    )
