"""The contact sheet of a gallery: kept up to date under its one name.

Owns when it is made: as soon as there are photos enough to fill it, and again when all photos are
ready and others are to be on it. Until then a placeholder stands there, so that the name is valid
from the first minute. `images_contact` draws it in the confined child, `publish` asks for it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from pipeline import address, display, images_poster
from pipeline.display import Stage
from pipeline.errors import NewsreelError
from pipeline.house import House
from pipeline.model import Artifact, ItemManifest, Object, PostManifest, digest
from pipeline.process import Command, call
from pipeline.records import Published, post_key

log = logging.getLogger(__name__)

# Photos on a sheet: more would be stamps on a phone's card.
MOST = 20
TIMEOUT_S = 60
# Changes when sheets of the same photos would look different.
EDITION = 1
PENDING = "placeholder"


def keep(house: House, post: PostManifest) -> None:
    """Make what is due; a sheet that cannot be made leaves the one that is there."""
    photos = display.photos(post)
    if not photos:
        return
    known = house.records.get(Published, post_key(post.post, "contact"))
    ready = [item for item in photos if display.stage(item) is Stage.READY]
    shown = chosen(post, ready)
    wanted = digest(EDITION, [(made.key, made.sha256) for made in shown])
    if known is None:
        _put(house, post, PENDING, [])
    if known is not None and known.of == wanted:
        return
    first = known is None or known.of == PENDING
    if len(ready) == len(photos) or (first and len(shown) == MOST):
        with _told(post):
            _put(house, post, wanted, shown)


def chosen(post: PostManifest, ready: list[ItemManifest]) -> list[Artifact]:
    """The cover, then photos from all over the gallery, in order; each in a small size."""
    cover = [item for item in ready if item.item == post.cover]
    others = [item for item in ready if item.item != post.cover]
    room = MOST - len(cover)
    if len(others) > room:
        others = [others[number * len(others) // room] for number in range(room)]
    items = cover + others
    width = 640 if len(items) <= MOST // 2 else 320
    return [min(display.jpegs(i), key=lambda made: abs((made.width or 0) - width)) for i in items]


@contextlib.contextmanager
def _told(post: PostManifest) -> Iterator[None]:
    try:
        yield
    except NewsreelError as error:
        log.warning("%s: no contact sheet: %s %s", post.post, error, error.evidence)


def _put(house: House, post: PostManifest, name: str, shown: list[Artifact]) -> None:
    with house.workbench() as folder:
        target = folder / "contact.jpg"
        if shown:
            _draw(house, shown, target)
        else:
            images_poster.placeholder(str(target), *address.CONTACT_SIZE, "photo")
        key = address.contact(post.post)
        house.published.put(
            Object(key=key, body=target, media_type="image/jpeg", cache=address.POINTER)
        )
    house.records.put(post_key(post.post, "contact"), Published(of=name))


def _draw(house: House, shown: list[Artifact], target: Path) -> None:
    limits = house.profile(house.default_profile).limits
    with contextlib.ExitStack() as stack:
        paths = tuple(
            stack.enter_context(house.published.local(made.key, target.parent)) for made in shown
        )
        command = Command(
            argv=(),
            reads=paths,
            scratch=target.parent,
            timeout_s=TIMEOUT_S,
            memory_bytes=limits.memory_bytes,
        )
        arguments = {"paths": [str(path) for path in paths], "target": str(target)}
        call("pipeline.images_contact:arrange", arguments, command)
