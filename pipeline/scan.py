"""Comparing what was dropped with what is recorded: the one use case that finds work.

Owns the reading of the ingest store's listing. Rings for what is missing, withdraws what was
removed, and marks a post settled so that the next scan passes it by. Losing every bell, or all of
Redis, costs nothing but the time until the next scan.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline import film, intake, post_toml, todo
from pipeline.errors import Missing
from pipeline.house import House, publish_bell, ring_due
from pipeline.model import Drop, PostInfo, digest
from pipeline.records import (
    Named,
    PostDrop,
    PostRecords,
    Published,
    finished,
    item_key,
    post_key,
    settled_prefix,
)

# A post.toml larger than this is not one.
MAX_TOML_BYTES = 1_000_000
# Scratch that nobody touched for this long belongs to a worker that is gone.
STALE_JOB_S = 24 * 3600
STALE_SOURCE_S = 48 * 3600
# Pages that caches and open tabs still hold may point at a rendition for a while.
ORPHAN_S = 24 * 3600
# Pages show how far running work is, as old as this at most; writing them takes some 0.1 s of CPU
# for a film, which encoders on the same machine lack.
PROGRESS_S = 10
# Files named after the work that made them, and playlists named after their plan.
_RENDITION = re.compile(r"/(?:r/|hls/)([0-9a-f]{12,24})/")


def scan(house: House, *, only: str | None = None, deep: bool = False) -> int:
    """Compare what was dropped with what is recorded, and ring for what is missing.

    `only` names one folder of the ingest store. A `deep` scan also looks whether what is recorded
    as published is still there, and cleans scratch. Returns the number of bells rung.
    """
    listing = house.ingest.list("" if only is None else f"{only}/")
    seen = {house.records.claim_post(f.name): f for f in intake.folders(listing)}
    for post, drop in house.records.posts().items():
        if post not in seen and (only is None or drop.folder == only):
            seen[post] = intake.Folder(name=drop.folder, files={})
    if deep:
        clean_scratch(house.scratch, time.time())
        for post in seen:
            _check_published(house, post)
            _sweep(house, post)
    settled = {entry.key for entry in house.records.store.list("settled/")}
    return sum(_scan_post(house, post, seen[post], settled) for post in seen)


def _scan_post(house: House, post: str, folder: intake.Folder, settled: set[str]) -> int:
    mark = settled_prefix(post) + _circumstances(house, folder)
    if mark in settled:
        return 0
    # A mark of other circumstances must not hold if they come back before this is settled.
    house.records.drop(*(key for key in settled if key.startswith(settled_prefix(post))))
    _record_drops(house, post, folder)
    look = house.records.post(post)
    items = house.items(look)
    rung = ring_due(house, items.values())
    published = house.records.get(Published, post_key(post, "published"))
    if rung or published is None or _is_outdated(house, look, published):
        house.ring(publish_bell(post))
        return rung + 1
    over = all(todo.is_over(item) for item in items.values())
    if over and published.of == house.signature(look):
        house.records.put(mark, Published(of=post))
    return 0


def _is_outdated(house: House, look: PostRecords, published: Published) -> bool:
    """True where pages lack a fact, or have shown the same progress for long enough."""
    if published.facts != house.facts(look):
        return True
    age_s = house.records.store.now() - published.at
    return published.of != house.signature(look) and age_s >= PROGRESS_S


def _circumstances(house: House, folder: intake.Folder) -> str:
    return digest(house.version, sorted((e.key, e.identity) for e in folder.files.values()))[:24]


def _check_published(house: House, post: str) -> None:
    """Forget what was finished but is no longer in the published store, so that it is remade."""
    there = {entry.key for entry in house.published.list(f"{post}/")}
    names = (house.records.get(Named, post_key(post, "names")) or Named()).of
    if f"{post}/post.json" in there and there.issuperset(names):
        return
    look = house.records.post(post)
    lost = [
        item_key(post, item.drop.item, "done", name)
        for item in house.items(look).values()
        for name, record in item.done.items()
        if not there.issuperset(artifact.key for artifact in record.artifacts)
    ]
    made_of = (post_key(post, kind) for kind in ("published", "stamps", "contact"))
    house.records.drop(*lost, *house.records.marks(post), *made_of)


def _sweep(house: House, post: str) -> None:
    """Remove renditions that no plan knows any more: of replaced sources and former profiles."""
    look = house.records.post(post)
    items = house.items(look)
    plans = [item.plan or item.last for item in items.values()]
    known = {step.fingerprint for plan in plans if plan for step in plan.steps}
    known |= {film.name(plan) for plan in plans if plan}
    before = house.published.now() - ORPHAN_S
    orphans = {
        entry.key: found.group(1)
        for entry in house.published.list(f"{post}/")
        if (found := _RENDITION.search(entry.key))
        and found.group(1) not in known
        and entry.modified < before
    }
    # First the records: whoever wants the same again, say by a line of post.toml, must make it.
    swept = set(orphans.values())
    house.records.drop(
        *(
            item_key(post, name, "done", step)
            for name, item in items.items()
            for step in swept.intersection(item.done)
        )
    )
    house.published.delete(list(orphans))


def clean_scratch(scratch: Path, now: float) -> None:
    """Remove what workers that are gone left behind."""
    for path in _stale(scratch.glob("job-*"), now - STALE_JOB_S):
        shutil.rmtree(path, ignore_errors=True)
    for path in _stale((scratch / "sources").glob("*"), now - STALE_SOURCE_S):
        path.unlink(missing_ok=True)


def _stale(paths: Iterator[Path], before: float) -> list[Path]:
    return [path for path in paths if path.stat().st_mtime < before]


# --- what lies in the folder -----------------------------------------------------------------


def _record_drops(house: House, post: str, folder: intake.Folder) -> None:
    """Write down what lies in the folder now, where that is news."""
    look = house.records.post(post)
    reading = _read_toml(house, folder, look.drop.info if look.drop else PostInfo())
    language = reading.info.language or house.site.language
    found = intake.sort_out(folder, reading.info, language)
    drops = {
        drop.item: dataclasses.replace(drop, edition=_edition(look, drop.item))
        for drop in _drops(house, post, found, reading.info)
    }
    media = {drop.media.key for drop in drops.values()}
    gone = [d for name, d in look.items.items() if name not in drops and _is_gone(house, d, media)]
    back = [name for name in drops if name in look.items and look.items[name].withdrawn]
    house.records.drop(*(key for name in back for key in finished(look.entries, post, name)))
    for drop in (*drops.values(), *(dataclasses.replace(d, withdrawn=True) for d in gone)):
        if look.items.get(drop.item) != drop:
            house.records.put(item_key(post, drop.item, "drop"), drop)
    record = PostDrop(
        folder=folder.name,
        info=reading.info,
        language=language,
        items=tuple(drops),
        ordered=intake.ordered(found, reading.info),
        waiting=found.waiting,
        notes=(*reading.notes, *_notes(house, reading.info, found)),
    )
    if look.drop != record:
        house.records.put(post_key(post, "drop"), record)


def _edition(look: PostRecords, item: str) -> int:
    known = look.items.get(item)
    return known.edition if known else 0


def _is_gone(house: House, drop: Drop, media: Collection[str]) -> bool:
    """True where a file was removed. Asked for by name: a listing alone takes nothing down.

    Where the file is another item's, too, post.toml no longer asks for this version of it.
    """
    if drop.withdrawn:
        return False
    return drop.media.key in media or house.ingest.stat(drop.media.key) is None


def _read_toml(house: House, folder: intake.Folder, before: PostInfo) -> post_toml.Reading:
    """What post.toml says; what it said before, while it cannot be read.

    Or a slip of the pen would publish what was cut out, and take down versions that were pasted.
    """
    entry = folder.files.get(intake.POST_TOML)
    if entry is None:
        return post_toml.Reading()
    if entry.bytes > MAX_TOML_BYTES:
        problem = "post.toml was ignored: it is over a megabyte."
        return post_toml.Reading(info=before, notes=(problem,))
    try:
        reading = post_toml.read(house.ingest.read(entry.key))
    except Missing:
        return post_toml.Reading()
    return dataclasses.replace(reading, info=before) if reading.notes else reading


def _drops(house: House, post: str, found: intake.Sorted, info: PostInfo) -> Iterator[Drop]:
    # Slugs are given in order of arrival, so that a name once pasted keeps its meaning; files
    # come before what post.toml cuts from them.
    arrived = sorted(found.items, key=lambda i: (i.cut_from, i.entry.modified, i.path))
    slugs = {loose.path: house.records.claim_item(post, loose.path) for loose in arrived}
    for loose in found.items:
        yield Drop(
            post=post,
            item=slugs[loose.path],
            kind=intake.guess(loose.path),
            media=intake.source(loose.entry),
            sidecars=loose.sidecars,
            info=loose.info,
            profile=house.profile(info.profile).name,
            version=loose.version,
            version_of=slugs.get(loose.version_of, ""),
        )


def _notes(house: House, info: PostInfo, found: intake.Sorted) -> Iterator[str]:
    if info.profile and info.profile not in house.profiles:
        yield (
            f'post.toml asks for the profile "{info.profile}", which does not exist; '
            f"{house.default_profile} was used. Known: {', '.join(sorted(house.profiles))}."
        )
    for path in found.waiting:
        yield f"{path} waits for the file it belongs to."
    yield from found.notes
