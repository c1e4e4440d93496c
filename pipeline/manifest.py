"""From records to the published truth: what a post and its items are right now.

Owns states, percentages, the choice of texts, and which finished artifact gets which stable name.
Pure. `flow.publish` calls it and writes; `pages` shows what it says.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline import duplicates, film, intake, reading, spoken
from pipeline.film import Film
from pipeline.model import (
    Artifact,
    CardItem,
    Chapter,
    CopyOut,
    Drop,
    Failure,
    ItemManifest,
    Kind,
    Plan,
    PostCard,
    PostManifest,
    Probe,
    SourceFacts,
    State,
    Step,
    VideoOut,
    adapter,
)
from pipeline.order import IDLE, shifted
from pipeline.records import ItemRecords, PostDrop
from pipeline.todo import is_settled

# The stable name of each role; photos have one for each width and format.
STABLE = {
    "poster": "poster.jpg",
    "poster-play": "poster-play.jpg",
    "sound": "audio.m4a",
    "enclosure": "audio.mp3",
    "cover": "cover.jpg",
    "square": "square.jpg",
    "waveform": "waveform.svg",
    "video": "video.mp4",
    "preview": "preview.mp4",
    "loop": "loop.mp4",
}
# These have a stable name for each of their files.
MANY = ("photo", "large", "page", "page-large")
ARTICLE_WIDTH, CARD_WIDTH = 1280, 960
# The step that makes an item playable, and how much of the work it is against any other.
MAIN_STEPS = {"sound": 4, "photo": 4, "sound-0": 4, "film": 2}
CHUNK_WEIGHT = 8
# The step of each kind of item that spans all of what is published.
WHOLE = ("film", "sound")
# Of a probe, only technical facts are published: titles and captions may name people or places.
PRIVATE = ("tags", "notes", "cover_index", "picture", "chapters", "cuts")
ENDED = frozenset({State.PUBLISHED, State.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A stable name for the bytes of an immutable rendition."""

    source: str
    artifact: Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A post as it is to be published: manifest, stable names, playlists, what was withdrawn."""

    post: PostManifest
    aliases: tuple[Alias, ...]
    films: tuple[Film, ...]
    withdrawn: tuple[ItemManifest, ...]


def compose(post: str, drop: PostDrop, items: Mapping[str, ItemRecords]) -> Composed:
    """Put a post together; the same records give the same bytes."""
    live = reading.ordered(drop, (r for r in items.values() if not r.drop.withdrawn))
    made = [_item(records, drop) for records in live]
    gone = [_gone(r, drop) for r in items.values() if r.drop.withdrawn]
    manifests, twins = duplicates.marked(manifest for manifest, _, _ in made)
    return Composed(
        post=_post(post, drop, manifests, (twins, reading.cover(live))),
        aliases=tuple(alias for _, aliases, _ in made for alias in aliases),
        films=tuple(one for _, _, one in made),
        withdrawn=tuple(sorted(gone, key=lambda m: m.item)),
    )


def card(post: PostManifest) -> PostCard:
    """The front page's view of a post."""
    hidden = (State.FAILED, State.WITHDRAWN)
    offered = (item for item in post.items if not (item.version_of or item.duplicate_of))
    shown = [item for item in offered if item.state not in hidden]
    counts = {kind.value: sum(item.kind is kind for item in shown) for kind in Kind}
    return PostCard(
        post=post.post,
        title=post.title,
        language=post.language,
        date=post.date,
        first_seen=post.first_seen,
        state=post.state,
        poster=_cover(post, shown),
        preview=_preview(post, shown),
        counts={kind: number for kind, number in counts.items() if number},
        items=tuple(_card_items(post, shown)),
    )


def _card_items(post: PostManifest, shown: list[ItemManifest]) -> Iterator[CardItem]:
    """Films and recordings that play by now."""
    for item in shown:
        if item.kind is not Kind.PHOTO and item.state in (State.PLAYABLE, State.PUBLISHED):
            yield CardItem(
                item=item.item,
                kind=item.kind,
                title=item.titles.get(post.language) or item.title,
                text=item.caption or post.text,
                duration_ms=item.duration_ms,
                has_file=any(output.role == "video" for output in item.outputs),
            )


def _preview(post: PostManifest, shown: list[ItemManifest]) -> str:
    """The key of the cover's short film; only where the cover is a film."""
    chosen = min(shown, key=lambda item: item.item != post.cover, default=None)
    outputs = chosen.outputs if chosen else ()
    return next((output.key for output in outputs if output.role == "preview"), "")


def _cover(post: PostManifest, shown: list[ItemManifest]) -> str:
    """The key of the picture that stands for a post: the chosen cover, else the first picture."""
    chosen = sorted(shown, key=lambda item: item.item != post.cover)
    for item in chosen:
        pictures = [o for o in item.outputs if o.role == "poster" or _is_jpeg_photo(o)]
        if pictures:
            return min(pictures, key=lambda o: abs((o.width or 0) - CARD_WIDTH)).key
    return ""


def _is_jpeg_photo(output: Artifact) -> bool:
    return output.role == "photo" and output.media_type == "image/jpeg"


# --- the post --------------------------------------------------------------------------------


def _post(
    post: str,
    drop: PostDrop,
    items: tuple[ItemManifest, ...],
    found: tuple[tuple[str, ...], str],
) -> PostManifest:
    twins, said_cover = found
    info = drop.info
    # A part of a film has the film's file name: the film itself is meant.
    whole_first = sorted(items, key=lambda item: bool(item.version_of))
    named = (i for i in whole_first if info.cover in (i.source.name, i.item))
    chosen = next(named, None) or next((i for i in items if i.item == said_cover), None)
    cover = (chosen.duplicate_of or chosen.item) if chosen else ""
    return PostManifest(
        post=post,
        title=info.title or intake.folder_title(drop.folder),
        titles=info.titles,
        language=drop.language,
        date=info.date,
        byline=info.byline,
        credit=info.credit,
        blog=info.blog,
        text=info.text,
        cover=cover,
        state=_post_state(items) if items or not drop.waiting else State.WAITING,
        percent=sum(item.percent for item in items) // len(items) if items else 0,
        notes=(*drop.notes, *twins),
        items=items,
    )


def _post_state(items: tuple[ItemManifest, ...]) -> State:
    states = {item.state for item in items}
    if not states:
        return State.WITHDRAWN
    if states <= ENDED:
        return State.PUBLISHED if State.PUBLISHED in states else State.FAILED
    if states & {State.PLAYABLE, State.PUBLISHED}:
        return State.PLAYABLE
    return State.PROCESSING if states != {State.WAITING} else State.WAITING


# --- one item --------------------------------------------------------------------------------


def _item(records: ItemRecords, post: PostDrop) -> tuple[ItemManifest, tuple[Alias, ...], Film]:
    # Until a changed item is planned anew, what was made of it stays where it is.
    shown = dataclasses.replace(records, plan=records.plan or records.last)
    base = _texts(shown, post)
    error = _error(records)
    playing = film.shown(shown)
    artifacts, aliases = _outputs(shown)
    artifacts = (*playing.outputs, *artifacts)
    if error is not None:
        failed = dataclasses.replace(base, state=State.FAILED, percent=100, error=error)
        if not playing.outputs:
            return failed, (), playing
        # What plays of a film goes on playing, whatever became of the rest.
        return dataclasses.replace(failed, outputs=artifacts), aliases, playing
    state = _state(records, artifacts)
    made = dataclasses.replace(
        base,
        state=state,
        percent=100 if state is State.PUBLISHED else min(99, _percent(records)),
        outputs=artifacts,
        # What many steps say alike is said once.
        notes=tuple(dict.fromkeys((*base.notes, *_step_notes(shown)))),
        colour=next((a.extra["colour"] for a in artifacts if "colour" in a.extra), ""),
        duration_ms=_duration(artifacts) or base.duration_ms,
    )
    return made, aliases, playing


def _gone(records: ItemRecords, post: PostDrop) -> ItemManifest:
    base = _texts(records, post)
    return dataclasses.replace(base, state=State.WITHDRAWN, percent=100, notes=())


def _texts(records: ItemRecords, post: PostDrop) -> ItemManifest:
    drop, plan = records.drop, records.plan
    info, beside = drop.info, reading.beside(plan)
    own = functools.partial(reading.own, plan, post.language)
    width, height = _size(plan)
    return ItemManifest(
        post=drop.post,
        item=drop.item,
        kind=plan.kind if plan else drop.kind,
        version=drop.version,
        version_of=drop.version_of,
        state=State.WAITING,
        percent=0,
        title=_first(info.title, beside.title, own("headline"), intake.title_of(drop.media.name)),
        titles=info.titles,
        caption=_first(info.caption, beside.caption, own("caption")),
        alt=_first(info.alt, beside.alt, own("alt")),
        credit=_first(info.credit, beside.credit, own("credit"), post.info.credit),
        language=post.language,
        source=SourceFacts(name=drop.media.name, bytes=drop.media.bytes, sha256=_sha256(records)),
        probe=_public_probe(plan),
        width=width,
        height=height,
        duration_ms=_length_ms(plan),
        chapters=_chapters(plan),
        notes=plan.notes if plan else (),
    )


def _first(*texts: str) -> str:
    """Who is believed: the first that says something."""
    return next((text for text in texts if text), "")


def _size(plan: Plan | None) -> tuple[int | None, int | None]:
    if plan is None:
        return None, None
    if plan.probe.picture is not None:
        return plan.probe.picture.width, plan.probe.picture.height
    if plan.kind is Kind.VIDEO:
        outs = [o for s in plan.steps for o in s.outputs if isinstance(o, VideoOut | CopyOut)]
        largest = max(outs, key=lambda out: out.short_side)
        return largest.width, largest.height
    return None, None


def _length_ms(plan: Plan | None) -> int | None:
    """How long the published part is, as far as is known before it is made."""
    return next((s.duration_ms for s in plan.steps if s.name in WHOLE), None) if plan else None


def _chapters(plan: Plan | None) -> tuple[Chapter, ...]:
    """Chapters on the published clock, those of the published part."""
    main = next((s for s in plan.steps if s.name in WHOLE), None) if plan else None
    if plan is None or main is None:
        return ()
    return shifted(plan.probe.chapters, main.span, main.duration_ms)


def _public_probe(plan: Plan | None) -> dict[str, Any]:
    if plan is None:
        return {}
    facts: dict[str, Any] = adapter(Probe).dump_python(plan.probe, mode="json")
    return {key: value for key, value in facts.items() if key not in PRIVATE and value}


def _sha256(records: ItemRecords) -> str | None:
    return next((r.source_sha256 for r in _done(records) if r.source_sha256), None)


def _error(records: ItemRecords) -> Failure | None:
    """The first failure that leaves nothing to publish.

    Where there was nothing to join because the pieces had failed, theirs is the reason to tell.
    """
    if failure := records.failed.get(f"ingest-{records.generation}"):
        return failure
    steps = records.plan.steps if records.plan else ()
    lost = next((s for s in steps if s.required and s.fingerprint in records.failed), None)
    if lost is None:
        return None
    pieces = (s for s in steps if s.name in lost.needs and s.fingerprint in records.failed)
    return records.failed[next(pieces, lost).fingerprint]


def _state(records: ItemRecords, artifacts: tuple[Artifact, ...]) -> State:
    if is_settled(records):
        return State.PUBLISHED
    if any(a.role in ("hls", "video", "sound", "photo") for a in artifacts):
        return State.PLAYABLE
    if any(run.state == "running" for run, _ in records.runs.values()):
        return State.PROCESSING
    return State.PROCESSING if records.plan else State.WAITING


def _percent(records: ItemRecords) -> int:
    """Progress over all steps, each weighed by what it costs."""
    if records.plan is None:
        return 0
    weights = {s.fingerprint: _weight(s) for s in records.plan.steps if s.priority < IDLE}
    done = sum(weights[name] * _share(records, name) for name in weights)
    return int(100 * done / sum(weights.values()))


def _weight(step: Step) -> int:
    chunk = isinstance(step.outputs[0], VideoOut)
    return CHUNK_WEIGHT if chunk else MAIN_STEPS.get(step.name, 1)


def _share(records: ItemRecords, name: str) -> float:
    if name in records.done or name in records.failed:
        return 1.0
    run = records.runs.get(name)
    return run[0].percent / 100 if run else 0.0


def _step_notes(records: ItemRecords) -> Iterator[str]:
    for step in records.plan.steps if records.plan else ():
        if step.fingerprint in records.done:
            yield from records.done[step.fingerprint].notes
        elif step.fingerprint in records.failed:
            yield records.failed[step.fingerprint].message


def _duration(artifacts: Iterable[Artifact]) -> int | None:
    return next((a.duration_ms for a in artifacts if a.role in ("video", "sound")), None)


# --- outputs and their stable names ----------------------------------------------------------


def _done(records: ItemRecords) -> Iterator[Any]:
    for step in records.plan.steps if records.plan else ():
        if step.fingerprint in records.done:
            yield records.done[step.fingerprint]


def _outputs(records: ItemRecords) -> tuple[tuple[Artifact, ...], tuple[Alias, ...]]:
    shown: list[Artifact] = []
    aliases: list[Alias] = []
    for artifact in (a for record in _done(records) for a in record.artifacts):
        for named in _stable(artifact, records.drop):
            aliases.append(Alias(source=artifact.key, artifact=named))
            shown.append(named)
        if artifact.role in ("storyboard", "sprite"):
            shown.append(artifact)
    shown += [*spoken.subtitles(records), *spoken.transcripts(records)]
    for alias in _photo_posters(aliases, records.drop):
        aliases.append(alias)
        shown.append(alias.artifact)
    return tuple(shown), tuple(aliases)


def _photo_posters(aliases: Iterable[Alias], drop: Drop) -> Iterator[Alias]:
    """A photo stands for itself wherever a poster is asked for: in snippets pasted early, too."""
    sizes = [alias for alias in aliases if _is_jpeg_photo(alias.artifact)]
    if not sizes:
        return
    # The one that fills an article's column on a dense screen, as link cards want it.
    best = min(sizes, key=lambda alias: abs((alias.artifact.width or 0) - ARTICLE_WIDTH))
    for role in ("poster", "poster-play"):
        key = f"{drop.post}/{drop.item}/{STABLE[role]}"
        artifact = dataclasses.replace(best.artifact, role=role, key=key)
        yield Alias(source=best.source, artifact=artifact)


def _stable(artifact: Artifact, drop: Drop) -> Iterator[Artifact]:
    """The artifact under its stable name, where it has one."""
    role = artifact.role
    name = STABLE.get(role)
    if role in MANY:
        name = artifact.key.rpartition("/")[2]
    if name is not None:
        key = f"{drop.post}/{drop.item}/{name}"
        yield dataclasses.replace(artifact, role=role, key=key)


def step_of(plan: Plan, name: str) -> Step | None:
    """The step of that name, or None where a newer plan no longer has it."""
    return next((step for step in plan.steps if step.name == name), None)
