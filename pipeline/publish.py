"""Writing a post's pages from its records: idempotent, and convergent without a lock.

Owns the order of writing: renditions under their stable names first, then pages and manifests, the
front page last. After writing it looks again; whoever writes last has therefore seen the newest
records, so two at once end in the same bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pipeline import address, contact, display, feeds, feeds_xml, images_poster, manifest, pages
from pipeline.errors import Missing
from pipeline.house import House
from pipeline.manifest import Composed
from pipeline.model import (
    Entry,
    ItemManifest,
    Kind,
    Object,
    PostCard,
    PostManifest,
    State,
    from_json,
)
from pipeline.records import Named, Published, Stamped, post_key
from pipeline.store import Store
from pipeline.transcript import Transcript

# Write-once media change only with their source; browsers may keep them for a day.
DAILY = "public, max-age=86400"
# Records change while a film is in the works; a later bell will see what this run did not.
MAX_ROUNDS = 5
# A post of hundreds of photos changes all the time while they are made: later is soon enough.
LONG_S = 5.0
PLACEHOLDER_SIZE = (1280, 720)
# The least that directories of podcasts take.
COVER_SIDE = 1400
# No item can be called this.
SEEN = "_seen"
POSTERS = ("poster.jpg", "poster-play.jpg")
# The names of a photo's widths, and what lies behind them.
_WIDTH = re.compile(r"/(\d+)\.(jpg|avif)$")
_PHOTOS = {".jpg": "image/jpeg", "avif": "image/avif"}
# A transcript of an hour is some 60 kB.
CACHED_TRANSCRIPTS = 500
_READ: dict[str, Transcript] = {}
_REMOVABLE = re.compile(r"/(?:transcript\.[\w-]+\.(?:html|txt)|chapters\.(?:json|vtt))$")
# Up to so many listings are quicker than one of a post with thousands of files.
FEW = 12


def publish(house: House, post: str) -> PostManifest | None:
    """Bring a post's pages up to date; returns what was published, None for an unknown post.

    Pages of items are written where their item has changed: a post has thousands of them.
    """
    composed = None
    written: dict[str, str] = {}
    leaving = time.monotonic() + LONG_S
    for number in range(1, MAX_ROUNDS + 1):
        look = house.records.post(post)
        if look.drop is None:
            return None
        facts = house.facts(look)
        made = Published(of=house.signature(look), facts=facts, at=house.records.store.now())
        composed = _dated(house, manifest.compose(post, look.drop, house.items(look)))
        # What we wrote ourselves may be older than what somebody else noted meanwhile.
        written |= _write(house, composed, _stamped(house, post) | written)
        house.records.put(post_key(post, "published"), made)
        # How far the work is changes all the time: the scan asks for that, now and then.
        if house.facts(house.records.post(post)) == facts:
            break
        if number == MAX_ROUNDS or time.monotonic() > leaving:
            _leave(house, post, written)
            break
    return composed.post if composed else None


def _dated(house: House, composed: Composed) -> Composed:
    """With the moment of its first appearance: search engines ask what is seen for a date."""
    post = composed.post
    if not any(display.stage(item) is display.Stage.READY for item in post.items):
        return composed
    at = house.records.firsts(post.post, (SEEN,))[SEEN]
    when = datetime.fromtimestamp(int(at), UTC).isoformat()
    return dataclasses.replace(composed, post=dataclasses.replace(post, first_seen=when))


def _leave(house: House, post: str, written: Mapping[str, str]) -> None:
    """Go before all is seen: the scan rings again, and what we wrote is then compared once more."""
    known = _stamped(house, post)
    kept = {item: stamp for item, stamp in known.items() if item not in written}
    house.records.put(post_key(post, "stamps"), Stamped(of=kept))
    house.records.put(post_key(post, "published"), Published(of=""))


def _stamped(house: House, post: str) -> dict[str, str]:
    return (house.records.get(Stamped, post_key(post, "stamps")) or Stamped()).of


def published_manifest(published: Store, post: str) -> PostManifest:
    """What the public can read of a post. Raises Missing before its first publication."""
    try:
        return from_json(PostManifest, published.read(f"{post}/post.json"))
    except Missing:
        raise Missing(f"There is no published post called {post}.") from None


def _write(house: House, composed: Composed, before: Mapping[str, str]) -> dict[str, str]:
    """Write what is not as it was `before`; returns the stamps of the items that were written."""
    post = composed.post
    now = pages.stamps(house.site, post)
    changed = {item: stamp for item, stamp in now.items() if before.get(item) != stamp}
    gone = [item.item for item in composed.withdrawn]
    there = _there(house.published, post.post, (*changed, *gone))
    _name(house, composed, changed, there)
    contact.keep(house, post)
    for film in composed.films:
        house.published.sync(film.playlists)
        house.published.sync(film.index)
    for item in composed.withdrawn:
        _withdraw(house, post, item, there)
    written = pages.render(house.site, post, _words(house.published, post), changed.keys())
    house.published.sync(written)
    names = {"gallery", "embeds", *changed}
    mine = [k for k in there if k.split("/")[1] in names or k.startswith(f"{post.post}/index.")]
    house.published.delete(_outdated(post.post, mine, {obj.key for obj in written}))
    if now != before:
        house.records.put(post_key(post.post, "stamps"), Stamped(of=now))
    _write_front_page(house, post)
    return changed


def _there(store: Store, post: str, items: Collection[str]) -> dict[str, Entry]:
    """What is published of these items, and the pages of the post that may be outdated."""
    prefixes = [f"{post}/{name}/" for name in ("gallery", "embeds", *items)]
    if len(prefixes) > FEW:
        prefixes = [f"{post}/"]
    listed = {entry.key: entry for prefix in prefixes for entry in store.list(prefix)}
    return listed | {entry.key: entry for entry in store.list(f"{post}/index.")}


def _outdated(post: str, there: Iterable[str], written: set[str]) -> list[str]:
    """Pages a post has no more: of a smaller gallery, of removed words, of another language."""
    kept = {*written, address.contact(post)} if address.gallery(post) in written else written
    own = (f"{post}/gallery/", f"{post}/embeds/", f"{post}/index.")
    ours = [key for key in there if key.startswith(own) or _REMOVABLE.search(key)]
    return [key for key in (*ours, address.gallery(post)) if key not in kept]


def _words(published: Store, post: PostManifest) -> dict[str, Transcript]:
    """The transcripts that a post's outputs name, by key."""
    keys = [made.key for item in post.items for made in item.outputs if made.role == "transcript"]
    found = {key: _transcript(published, key) for key in keys}
    return {key: words for key, words in found.items() if words is not None}


def _transcript(published: Store, key: str) -> Transcript | None:
    """A transcript, read once: its name holds what its bytes were made from.

    None where a sweep was faster; a deep scan has it made anew.
    """
    if key not in _READ:
        with contextlib.suppress(Missing):
            if len(_READ) >= CACHED_TRANSCRIPTS:
                _READ.clear()
            _READ[key] = from_json(Transcript, published.read(key))
    return _READ.get(key)


def _name(
    house: House, composed: Composed, changed: Collection[str], there: Mapping[str, Entry]
) -> None:
    """Give finished renditions of what has changed their stable names, once each."""
    key = post_key(composed.post.post, "names")
    before = house.records.get(Named, key) or Named()
    now = {alias.artifact.key: alias.source for alias in composed.aliases}
    for alias in composed.aliases:
        name = alias.artifact.key
        if name.split("/")[1] not in changed:
            continue
        if before.of.get(name) != alias.source or name not in there:
            house.published.copy(
                alias.source, name, media_type=alias.artifact.media_type, cache=DAILY
            )
    shown = {f"{item.post}/{item.item}" for item in composed.post.items}
    for name, source in _lasting(before.of, now, shown).items():
        if before.of[name] != source:
            house.published.copy(source, name, media_type=_PHOTOS[name[-4:]], cache=DAILY)
        now[name] = source
    if now != before.of:
        house.records.put(key, Named(of=now))
    live = (item for item in composed.post.items if item.item in changed)
    house.published.sync(o for item in live for o in _placeholders(item) if o.key not in now)


def _lasting(
    before: Mapping[str, str], now: Mapping[str, str], shown: Collection[str]
) -> dict[str, str]:
    """Widths of photos that were named once and are made no more, by what stands for them.

    Articles go on asking for them after the photo was replaced by a smaller one: they get the
    largest of today as soon as there is one, and not the picture of before. `shown` are the folders
    of all items that are not withdrawn.
    """
    gone = [name for name in before if name not in now and _WIDTH.search(name)]
    return {
        name: _largest(name, now) or before[name]
        for name in gone
        if name.rpartition("/")[0] in shown
    }


def _largest(name: str, now: Mapping[str, str]) -> str:
    folder, _, file = name.rpartition("/")
    made = {
        int(match[1]): source
        for other, source in now.items()
        if other.rpartition("/")[0] == folder
        and (match := _WIDTH.search(other))
        and match[2] == file.rpartition(".")[2]
    }
    return made[max(made)] if made else ""


def _is_width(key: str, item: ItemManifest) -> bool:
    return key.rpartition("/")[0] == f"{item.post}/{item.item}" and bool(_WIDTH.search(key))


def _placeholders(item: ItemManifest, more: Iterable[str] = ()) -> tuple[Object, ...]:
    """Posters that are valid from the first minute, for what has none of its own yet.

    They are cached as briefly as a page: the real ones replace them within minutes. `more` are
    keys of further pictures that it stands for; browsers look at bytes, not at a name's ending.
    """
    base = f"{item.post}/{item.item}"
    made = {f"{base}/{name}": _placeholder(item.kind, name) for name in POSTERS}
    made |= {key: _placeholder(item.kind, POSTERS[0]) for key in more}
    return tuple(
        Object(key=key, body=body, media_type="image/jpeg", cache=address.POINTER)
        for key, body in made.items()
    )


@functools.cache
def _placeholder(kind: Kind, name: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="newsreel-") as folder:
        plain = Path(folder) / "poster.jpg"
        images_poster.placeholder(str(plain), *PLACEHOLDER_SIZE, kind.value)
        if name == "poster.jpg" or kind is Kind.PHOTO:
            return plain.read_bytes()
        badged = Path(folder) / name
        images_poster.badge(str(plain), str(badged))
        return badged.read_bytes()


def _withdraw(
    house: House, post: PostManifest, item: ItemManifest, there: Mapping[str, Entry]
) -> None:
    """Replace an item by its notice, then remove everything else of it.

    Articles name the widths of a photo: each of them shows the notice's picture from then on.
    """
    widths = [key for key in there if _is_width(key, item)]
    notice = (*_placeholders(item, widths), *pages.withdrawn(house.site, post, item))
    house.published.sync(notice)
    kept = {obj.key for obj in notice}
    media = [k for k in there if k.startswith(f"{item.post}/{item.item}/") and k not in kept]
    house.published.delete(media)


def _is_listed(card: PostCard) -> bool:
    """A post is listed from its first file on; texts that wait for one are nothing to see."""
    return card.state is not State.WITHDRAWN and (
        card.state is not State.WAITING or bool(card.counts)
    )


def _write_front_page(house: House, post: PostManifest) -> None:
    house.records.put(post_key(post.post, "card"), manifest.card(post))
    _write_feeds(house, post)
    for _ in range(MAX_ROUNDS):
        cards = house.records.cards()
        shown = tuple(card for card in cards.values() if _is_listed(card))
        written = pages.index(house.site, shown)
        house.published.sync(written)
        there = {entry.key for entry in house.published.list(address.OLDER)}
        house.published.delete(there - {page.key for page in written})
        # Another post may have written the front page meanwhile, from older cards than ours.
        if house.records.cards() == cards:
            return


def _write_feeds(house: House, post: PostManifest) -> None:
    """What feeds say of this post, and the feeds of the whole site."""
    if not feeds.has_feeds(house.site):
        return
    firsts = house.records.firsts(post.post, feeds.new_to(post))
    house.records.put(post_key(post.post, "feed"), feeds.entry(house.site, post, firsts))
    for _ in range(MAX_ROUNDS):
        entries = house.records.feed_entries()
        house.published.sync((_show_cover(), *feeds.render(house.site, entries.values())))
        # As with the front page: another post may have been here meanwhile.
        if house.records.feed_entries() == entries:
            return


@functools.cache
def _show_cover() -> Object:
    """The picture of a show that has no other: square, and as large as directories want it."""
    with tempfile.TemporaryDirectory(prefix="newsreel-") as folder:
        target = Path(folder) / feeds_xml.COVER
        images_poster.placeholder(str(target), COVER_SIDE, COVER_SIDE, Kind.AUDIO.value)
        body = target.read_bytes()
    return Object(key=feeds_xml.COVER, body=body, media_type="image/jpeg", cache=address.POINTER)
