"""A whole house on three folders, with a rope for its bells: what the use cases are tried on."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import media
from values import DEFAULT, TOOL, changed

from newsreel.local import Rope
from pipeline import flow, together
from pipeline.errors import NewsreelError
from pipeline.house import House
from pipeline.model import Drop, ItemManifest, PostManifest, Profile, Rung, Site, from_json
from pipeline.publish import publish
from pipeline.records import Records, Run
from pipeline.scan import scan
from pipeline.shop import Progress
from pipeline.store import DirStore
from pipeline.todo import Bell

# The default profile in a hurry: the rules are the same, the encoders are not waited for, and a
# film of a few seconds has several chunks.
QUICK: Profile = changed(
    DEFAULT,
    video=changed(
        DEFAULT.video,
        preset="ultrafast",
        av1_preset=12,
        gop_seconds=1.0,
        chunk_seconds=4.0,
        stable_rung=180,
        rungs=(
            Rung(short_side=90, crf=30, max_bps=400_000),
            Rung(short_side=180, crf=30, max_bps=800_000),
            Rung(short_side=180, crf=45, max_bps=800_000, codec="av1"),
        ),
    ),
    photo=changed(DEFAULT.photo, widths=(160, 320), avif_speed=10),
)
SITE = Site(base_url="https://media.example.org/p", name="La Voz", language="en")
# Longer ago than any lease or patience.
LONG_S = 90_000
# With a date: one without has that of its first minute, another one in every house.
# The one thing that tells when a house was built, and so differs from house to house.
FIRST_SEEN = re.compile(rb'"first_seen":"[^"]*"')
POST_TOML = 'title = "The vote"\ndate = 2026-11-20\norder = ["talk.mp4"]\n'


@dataclass
class Home:
    """One house, and what a reporter does to its ingest folder."""

    root: Path
    rope: Rope = field(default_factory=Rope)

    def __post_init__(self) -> None:
        self.ingest = self.root / "ingest"
        self.ingest.mkdir(parents=True, exist_ok=True)
        self.house = House(
            ingest=DirStore(self.ingest),
            records=Records(DirStore(self.root / "work")),
            published=DirStore(self.root / "published"),
            scratch=self.root / "scratch",
            ffmpeg=media.FFMPEG,
            tool=TOOL,
            profiles={"default": QUICK},
            default_profile="default",
            site=SITE,
            ring=self.rope.ring,
            owner="test",
        )

    def copy(self, root: Path) -> Home:
        """The same house elsewhere, to be changed without harm to this one."""
        shutil.copytree(self.root, root)
        return Home(root)

    # -- the reporter

    def lay(self, name: str, content: Path | bytes | str) -> None:
        """Put a file into the post "march"."""
        target = self.ingest / "march" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def take(self, name: str) -> None:
        """Remove a file from the post "march"."""
        (self.ingest / "march" / name).unlink()

    # -- the work

    def answer(self, bell: Bell) -> None:
        """Do what one bell asks for, as a worker would."""
        try:
            if bell.task == "publish":
                publish(self.house, bell.post)
            elif bell.task == "ingest" and bell.more:
                together.ingest(self.house, bell.post, bell.items)
            elif bell.task == "ingest":
                flow.ingest(self.house, bell.post, bell.item)
            elif bell.more:
                wanted = (bell.step, bell.items)
                together.make(self.house, bell.post, wanted, report=quiet)
            else:
                flow.make(self.house, bell.post, bell.item, bell.step, report=quiet)
        except NewsreelError:
            pass  # recorded; the manifest tells it

    def carry(self, answer: Callable[[Bell], None] | None = None) -> list[Bell]:
        """Answer bells until the rope is bare; returns them in order."""
        answered = []
        while bell := self.rope.take():
            answered.append(bell)
            (answer or self.answer)(bell)
        return answered

    def run(self, *, deep: bool = False) -> PostManifest:
        """Scan and carry bells until nothing is left to do."""
        scan(self.house, deep=deep)
        self.carry()
        for _ in range(10):
            if not scan(self.house):
                return self.post
            self.carry()
        raise AssertionError("the scan always finds something to do")

    def age(self, by_s: float = LONG_S) -> None:
        """Let time pass for every record."""
        for path in (self.root / "work").rglob("*.json"):
            os.utime(path, (time.time() - by_s,) * 2)

    # -- what came of it

    @property
    def post(self) -> PostManifest:
        """The published manifest."""
        return from_json(PostManifest, self.house.published.read("march/post.json"))

    def item(self, name: str) -> ItemManifest:
        """The manifest of one item."""
        return from_json(ItemManifest, self.house.published.read(f"march/{name}/item.json"))

    @property
    def published(self) -> dict[str, str]:
        """Every published file and the hash of its bytes, but for the moment it was first seen."""
        return tree(self.root / "published", but=FIRST_SEEN)

    def runs(self) -> dict[str, Run]:
        """Every run record by its key."""
        store = self.house.records.store
        return {e.key: from_json(Run, store.read(e.key)) for e in store.list() if "/run-" in e.key}

    def drop(self, item: str) -> Drop:
        """What the last scan saw of an item."""
        return self.house.records.post("march").items[item]


def quiet(_: Progress) -> None:
    """A listener who does not care."""


def tree(root: Path, but: re.Pattern[bytes] = re.compile(rb"(?!)")) -> dict[str, str]:
    """Every file below a folder, hidden ones too, and the hash of its bytes without some."""
    return {
        str(path.relative_to(root)): hashlib.sha256(but.sub(b"", path.read_bytes())).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def full(root: Path) -> Home:
    """A house with a post of a film in two chunks, a recording and a photo, nothing done yet."""
    home = Home(root)
    home.lay("talk.mp4", media.film(3))
    home.lay("talk.es.srt", media.SRT.format(text="Se vota."))
    home.lay("noise.wav", media.sound())
    home.lay("still.jpg", media.photo())
    home.lay("post.toml", POST_TOML)
    return home


@functools.cache
def finished() -> Home:
    """The full post, published: to be looked at, or copied before it is changed."""
    home = full(media.folder("finished"))
    home.run()
    return home
