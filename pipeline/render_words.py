"""The makers of words: subtitles from files and tracks, transcripts from what a reporter wrote.

Owns the turning of a subtitle step into WebVTT and a transcript for pages, and the remarks on it.
Files of strangers are parsed in the confined child alone (`captions.clean`). `render` knows which
maker makes what, `shop` holds the bench.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline import graph, languages, texts, transcript
from pipeline.errors import OverLimit, Unreadable
from pipeline.figures import clock
from pipeline.model import Artifact, CaptionsOut, Span, Step, TranscriptOut, to_json
from pipeline.process import call, run
from pipeline.shop import SHORT_MS, Made, Report, Shop, artifact, diagnosed, python_child
from pipeline.transcript import Paragraph, Transcript

# What drones write instead of subtitles.
_LOG = (
    "{} holds no subtitles but the camera's own log. It was left out, because such a log tells"
    " where the film was shot."
)


def make_captions(step: Step, shop: Shop, _report: Report) -> Made:
    """One language's subtitles: the WebVTT for players and, from the same cues, the transcript."""
    out = next(out for out in step.outputs if isinstance(out, CaptionsOut))
    source, name = _opened(step, shop, out)
    arguments = {
        "path": str(source),
        "name": name,
        "max_bytes": shop.limits.max_text_bytes,
        **_clipped(step.span),
    }
    answer = call("pipeline.captions:clean", arguments, python_child(step, shop))
    if answer.get("log"):
        return Made(artifacts=(), notes=(_LOG.format(_named(step, out)),))
    if out.stream is not None:
        answer = _without_lines(answer)
    language, noticed = _language(out, answer["language"], step)
    target = shop.folder / f"{language}.vtt"
    target.write_text(answer["webvtt"], encoding="utf-8", newline="\n")
    extra = {"cues": answer["cues"], "warnings": answer["warnings"]}
    extra |= {} if out.named else {"guessed": True}
    # What is in no known language still needs a name in a player's menu; this one all know.
    extra |= {"label": "CC"} if language == "und" else {}
    paragraphs = tuple(Paragraph(**one) for one in answer["paragraphs"])
    words = Transcript(language=language, paragraphs=paragraphs)
    return Made(
        artifacts=(
            artifact(out.role, target, None, extra, language),
            written(words, shop.folder / f"{language}.json"),
        ),
        notes=(
            *noticed,
            *(f"{step.source.name}: {note}" for note in answer["notes"]),
            *_too_long(step, answer),
        ),
    )


def make_transcript(step: Step, shop: Shop, _report: Report) -> Made:
    """A reporter's own transcript; it has paragraphs, and times where they were written."""
    out = next(out for out in step.outputs if isinstance(out, TranscriptOut))
    limit = shop.limits.max_text_bytes
    if shop.source.stat().st_size > limit:
        raise OverLimit(
            f"{step.source.name} is larger than {limit / 1e6:g} MB (setting limits.max_text_bytes)."
        )
    paragraphs = transcript.from_text(texts.decode(shop.source.read_bytes()))
    if not paragraphs:
        raise Unreadable(f"{step.source.name} holds no text.")
    words = Transcript(language=out.language, paragraphs=paragraphs)
    return Made(artifacts=(written(words, shop.folder / out.file),))


def written(words: Transcript, target: Path, extra: dict[str, Any] | None = None) -> Artifact:
    """A transcript as a file for pages to be printed from."""
    target.write_bytes(to_json(words))
    facts = {"timed": words.is_timed, "paragraphs": len(words.paragraphs)} | (extra or {})
    return artifact("transcript", target, None, facts, words.language)


def _opened(step: Step, shop: Shop, out: CaptionsOut) -> tuple[Path, str]:
    """The file to be parsed, and the name that its language is read from."""
    if out.stream is None:
        return shop.source, step.source.name
    finished = run(shop.command(graph.subtitles(step, shop.bench, out.stream), step.timeout_s))
    track = shop.folder / "track.srt"
    if not track.exists():
        raise diagnosed(finished, step)
    return track, f"track.{out.language}.srt"


def _named(step: Step, out: CaptionsOut) -> str:
    """What a reporter knows the subtitles by."""
    return step.source.name if out.stream is None else f"Text track {out.stream + 1}"


def _without_lines(answer: dict[str, Any]) -> dict[str, Any]:
    """A track inside a film has no lines that anybody could look up."""
    warnings = [
        finding | {"places": [place | {"line": 0} for place in finding["places"]]}
        for finding in answer["warnings"]
    ]
    return answer | {"warnings": warnings, "last_line": 0}


def _language(out: CaptionsOut, found: str, step: Step) -> tuple[str, list[str]]:
    """Which language it is; a guess that differs from what was assumed is told."""
    certain = out.named and out.language != "und"
    if certain or not found or _primary(found) == _primary(out.language):
        return out.language, []
    if out.language == "und":
        return found, []
    told = (
        f"{step.source.name} names no language; by its words it is {languages.label(found)}. "
        f"If it is not, put the language into its name, as in name.{out.language}.srt."
    )
    return found, [told]


def _primary(tag: str) -> str:
    return tag.partition("-")[0]


def _clipped(span: Span) -> dict[str, int | None]:
    """Where the published part begins and ends, in whole milliseconds of the source."""
    if span.is_all:
        return {}
    end = None if span.end_s is None else round(span.end_s * 1000)
    return {"start_ms": round(span.shift_s * 1000), "end_ms": end}


def _too_long(step: Step, answer: dict[str, Any]) -> list[str]:
    over = answer["last_ms"] - (step.duration_ms or answer["last_ms"])
    if over < SHORT_MS:
        return []
    line = f" (line {answer['last_line']})" if answer["last_line"] else ""
    return [
        f"{step.source.name}: the subtitles go on for {clock(over)} after the film has ended{line}."
    ]
