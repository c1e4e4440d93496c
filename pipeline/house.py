"""What every use case works with: the stores, the profiles, the encoder, and the bell rope.

Owns the wiring and the few look-ups all of `scan`, `flow` and `publish` share. Refuses to read
settings: `config` builds a House.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import batches, lease, todo
from pipeline.ears import Ears
from pipeline.model import Profile, Site, digest
from pipeline.plan import generation
from pipeline.records import ItemRecords, PostRecords, Records, item_key
from pipeline.store import Store
from pipeline.todo import Bell

# Raised when pages, manifests or records change shape, so that settled posts are looked at anew.
PAGES_VERSION = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything the use cases work with.

    `ring` hands a bell to whoever carries it; `tool` is the encoder's version; `owner` names this
    process in run records; `ears` hear what is said, where somebody wants automatic captions.
    """

    ingest: Store
    records: Records
    published: Store
    scratch: Path
    ffmpeg: Path
    tool: str
    profiles: Mapping[str, Profile]
    default_profile: str
    site: Site
    ring: Callable[[Bell], None]
    owner: str
    ears: Ears | None = None

    @property
    def version(self) -> str:
        """Changes whenever the pages of an already published post would come out differently."""
        return digest(PAGES_VERSION, self.default_profile, dataclasses.astuple(self.site))

    @property
    def sources(self) -> Path:
        """Where downloaded sources are kept for the next step that needs them."""
        return self.scratch / "sources"

    def profile(self, name: str) -> Profile:
        """The profile of that name, else the default."""
        return self.profiles.get(name) or self.profiles[self.default_profile]

    def signature(self, look: PostRecords) -> str:
        """What a post's pages are made from, in one word."""
        return digest(self.version, look.signature)

    def facts(self, look: PostRecords) -> str:
        """The same, without how far running work is."""
        return digest(self.version, look.facts)

    def items(self, look: PostRecords) -> dict[str, ItemRecords]:
        """Every item of a post with the records of its present generation."""
        return {
            name: self.records.item(look, name, generation(drop))
            for name, drop in look.items.items()
        }

    def item(self, post: str, item: str) -> ItemRecords | None:
        """One live item with its records; None where it is unknown or withdrawn."""
        look = self.records.one(post, item)
        drop = look.items.get(item)
        if drop is None or drop.withdrawn:
            return None
        return self.records.item(look, item, generation(drop))

    @contextlib.contextmanager
    def workbench(self) -> Iterator[Path]:
        """A scratch folder of one job, gone when it ends."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix="job-", dir=self.scratch, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)


def publish_bell(post: str) -> Bell:
    """Ask for a post's pages to be brought up to date."""
    return Bell(priority=0, task="publish", post=post)


def ring_due(house: House, items: Iterable[ItemRecords]) -> int:
    """Ring for everything that items of one post wait for; returns the number of bells."""
    known = {item.drop.item: item for item in items}
    rung = batches.bells(known.values(), house.records.store.now())
    for bell in rung:
        _ring(house, [known[name] for name in bell.items], bell)
    return len(rung)


def _ring(house: House, items: list[ItemRecords], bell: Bell) -> None:
    """Note the ring, then ring: a bell that gets lost is found by its notes, and rung again."""
    alive = [item for item in items if _noted(house, item, bell)]
    if alive:
        house.ring(bell)
    if len(alive) < len(items):
        house.ring(publish_bell(bell.post))


def _noted(house: House, item: ItemRecords, bell: Bell) -> bool:
    """Note a ring for one item; False where its worker has died too often to try again."""
    name = batches.run_name(item, bell)
    run, modified = item.runs.get(name, (None, 0.0))
    noted = todo.rung(run, modified, house.records.store.now())
    if noted.deaths >= todo.MAX_DEATHS:
        lease.fail(house.records, item, name, lease.deadly(item.drop.media.name))
        return False
    house.records.put(item_key(item.drop.post, item.drop.item, "run", name), noted)
    return True
