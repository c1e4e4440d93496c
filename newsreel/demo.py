"""The first try: the whole stack, a post, and where to look at it.

Owns the order of `make demo`: bring up, upload as any S3 client would, watch, tell the addresses.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from config.house import build, s3_rooms
from newsreel import commands, sample, show, upload
from newsreel.stack import Stack, interruptible
from pipeline import embed
from pipeline.house import House
from pipeline.model import PostManifest
from pipeline.publish import published_manifest

WAIT_S = 0.5


def run(folder: Path | None, data: Path, *, ends: bool) -> PostManifest | None:
    """Publish `folder`, or a sample, on the embedded stack in `data`.

    Stays up until Ctrl-C, unless it `ends` with the post; then returns the post, and raises
    KeyboardInterrupt when it is not let to finish.
    """
    with interruptible():
        try:
            with Stack(data) as stack:
                show.out.print(stack.table())
                house = build(stack.settings, s3_rooms(stack.settings), commands.leave_it)
                source = folder or _sample(stack, data)
                sent = upload.send(house.ingest, upload.objects((source,), None))
                show.out.print(sent.text)
                post = _watched(house, house.records.claim_post(source.resolve().name))
                _tell(house, post)
                show.out.print(f"Flower: {_flower(stack)}")
                if ends:
                    return post
                show.out.print("\nIt stays up until Ctrl-C.")
                signal.pause()
        except KeyboardInterrupt:
            if ends:
                raise
            show.err.print("Stopping.")
    return None


def _sample(stack: Stack, data: Path) -> Path:
    return sample.make(data.absolute() / "sample", stack.settings.ffmpeg_program)


def _flower(stack: Stack) -> str:
    address = next(part.url for part in stack.status() if part.name == "flower")
    return f"{address} (user newsreel, password {stack.keys.flower_password})"


def _watched(house: House, post: str) -> PostManifest:
    """Show bars until every item has ended and the pages that say so are published."""
    with show.Bars() as bars:
        while True:
            look = house.records.post(post)
            if look.drop is not None:
                standing = commands.standing(house, post)
                bars.published(standing.post)
                bars.doing(standing)
                if standing.post.items and commands.has_ended(standing.post):
                    shown = published_manifest(house.published, post)
                    if commands.has_ended(shown):
                        return shown
            time.sleep(WAIT_S)


def _tell(house: House, post: PostManifest) -> None:
    base = house.site.base_url
    show.out.print(show.summary(post))
    for item in post.items:
        snippet = embed.snippet(house.site, post, item, "iframe")
        if embed.is_reason(snippet):
            continue
        show.out.print(f"\n[bold]{item.item}[/]")
        show.out.print(show.plain(snippet))
    show.out.print(f"\nPost:   {base}/{post.post}/index.html")
    show.out.print(f"Embeds: {base}/{post.post}/embeds.html")
