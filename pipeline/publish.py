"""Writing a post's pages from its records: idempotent, and convergent without a lock.

Owns the order of writing: renditions under their stable names first, then pages and manifests, the
front page last. After writing it looks again; whoever writes last has therefore seen the newest
records, so two at once end in the same bytes.
"""

from __future__ import annotations

import contextlib
import functools
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import address, images_poster, manifest, pages
from pipeline.errors import Missing
from pipeline.house import House
from pipeline.manifest import Alias, Composed
from pipeline.model import Entry, ItemManifest, Kind, Object, PostManifest, State, from_json
from pipeline.records import Published, post_key
from pipeline.store import Store
from pipeline.transcript import Transcript

# Write-once media change only with their source; browsers may keep them for a day.
DAILY = "public, max-age=86400"
# Records change while a film is in the works; a later bell will see what this run did not.
MAX_ROUNDS = 5
PLACEHOLDER_SIZE = (1280, 720)
# A transcript of an hour is some 60 kB.
CACHED_TRANSCRIPTS = 500
_READ: dict[str, Transcript] = {}
_TRANSCRIPT = re.compile(r"/transcript\.[\w-]+\.(?:html|txt)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which rendition each stable name of a post was last made from."""

    of: dict[str, str] = field(default_factory=dict)


def publish(house: House, post: str) -> PostManifest | None:
    """Bring a post's pages up to date; returns what was published, None for an unknown post."""
    composed = None
    for _ in range(MAX_ROUNDS):
        look = house.records.post(post)
        if look.drop is None:
            return None
        signature = house.signature(look)
        composed = manifest.compose(post, look.drop, house.items(look))
        _write(house, composed)
        house.records.put(post_key(post, "published"), Published(of=signature))
        if house.signature(house.records.post(post)) == signature:
            break
    return composed.post if composed else None


def published_manifest(published: Store, post: str) -> PostManifest:
    """What the public can read of a post. Raises Missing before its first publication."""
    try:
        return from_json(PostManifest, published.read(f"{post}/post.json"))
    except Missing:
        raise Missing(f"There is no published post called {post}.") from None


def _write(house: House, composed: Composed) -> None:
    post = composed.post
    there = {entry.key: entry for entry in house.published.list(f"{post.post}/")}
    _name(house, post.post, composed.aliases, there)
    taken = {alias.artifact.key for alias in composed.aliases}
    live = [item for item in post.items if item.state is not State.WITHDRAWN]
    house.published.sync(o for item in live for o in _placeholders(item) if o.key not in taken)
    for film in composed.films:
        house.published.sync(film.playlists)
        house.published.sync(film.index)
    for item in composed.withdrawn:
        _withdraw(house, post, item, there)
    written = pages.render(house.site, post, _words(house.published, post))
    house.published.sync(written)
    house.published.delete(_outdated(post.post, there, {obj.key for obj in written}))
    _write_front_page(house, post)


def _outdated(post: str, there: Mapping[str, Entry], written: set[str]) -> list[str]:
    """Pages a post has no more: of its last photo, of removed words, of another language."""
    own = (f"{post}/gallery.html", f"{post}/gallery/", f"{post}/embeds/")
    return [
        key
        for key in there
        if (key.startswith(own) or _TRANSCRIPT.search(key)) and key not in written
    ]


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


def _name(house: House, post: str, aliases: tuple[Alias, ...], there: Mapping[str, Entry]) -> None:
    """Give finished renditions their stable names, once each."""
    key = post_key(post, "names")
    before = house.records.get(Named, key) or Named()
    now = {alias.artifact.key: alias.source for alias in aliases}
    for alias in aliases:
        name = alias.artifact.key
        if before.of.get(name) != alias.source or name not in there:
            house.published.copy(
                alias.source, name, media_type=alias.artifact.media_type, cache=DAILY
            )
    if now != before.of:
        house.records.put(key, Named(of=now))


def _placeholders(item: ItemManifest) -> tuple[Object, ...]:
    """Posters that are valid from the first minute, for what has none of its own yet.

    They are cached as briefly as a page: the real ones replace them within minutes.
    """
    made = ((name, _placeholder(item.kind, name)) for name in ("poster.jpg", "poster-play.jpg"))
    return tuple(
        Object(
            key=f"{item.post}/{item.item}/{name}",
            body=body,
            media_type="image/jpeg",
            cache=address.POINTER,
        )
        for name, body in made
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
    """Replace an item by its notice, then remove everything else of it."""
    notice = (*_placeholders(item), *pages.withdrawn(house.site, post, item))
    house.published.sync(notice)
    kept = {obj.key for obj in notice}
    media = [k for k in there if k.startswith(f"{item.post}/{item.item}/") and k not in kept]
    house.published.delete(media)


def _write_front_page(house: House, post: PostManifest) -> None:
    house.records.put(post_key(post.post, "card"), manifest.card(post))
    for _ in range(MAX_ROUNDS):
        cards = house.records.cards()
        shown = tuple(card for card in cards.values() if card.state is not State.WITHDRAWN)
        house.published.sync(pages.index(house.site, shown))
        # Another post may have written the front page meanwhile, from older cards than ours.
        if house.records.cards() == cards:
            return
