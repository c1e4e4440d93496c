"""What the commands do, without the command line: one function each, values in and out.

Owns the wiring of settings to use cases for a person at a terminal. Refuses to parse options
(`cli`) and to lay out answers (`show`).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.live import Live

from config import profiles as profiles_
from config.house import build, check_ears, folder_rooms, s3_rooms
from config.settings import Settings, load
from newsreel import show
from newsreel import upload as upload_
from newsreel.local import Loop, Rope, alone, default_jobs
from newsreel.show import Standing
from pipeline import display, flow, intake, manifest
from pipeline import embed as embed_
from pipeline.errors import BadInput, ConfigError, Missing
from pipeline.house import House
from pipeline.model import (
    Entry,
    PostInfo,
    PostManifest,
    Profile,
    Site,
    State,
    adapter,
)
from pipeline.publish import published_manifest
from pipeline.store import DirStore, Store
from pipeline.subject import AS_IT_IS, Look
from pipeline.todo import Bell

if TYPE_CHECKING:
    from newsreel.doctor import Check

# Where a site made on one computer is taken to be seen until somebody says where it will be.
LOCAL_SITE = "http://localhost:8000"
REFRESH_S = 1.0


def plain(value: Any) -> Any:
    """A value as plain data for `--json`."""
    kind: Any = type(value)
    return adapter(kind).dump_python(value, mode="json")


def is_success(post: PostManifest) -> bool:
    """True where every item of a post is published."""
    return all(item.state is State.PUBLISHED for item in post.items)


# --- publish ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A published post and the folder of its pages."""

    post: PostManifest
    pages: Path


def publish_folder(folder: Path, out: Path, *, profile: str | None, jobs: int | None) -> Done:
    """The whole job in one process. Raises ConfigError for a folder that holds nothing to do."""
    settings = _with_profile(load(), profile)
    check_ears(settings)
    source = _checked_folder(folder)
    if out.resolve().is_relative_to(source):
        raise ConfigError(
            f"The output folder {out} lies inside {folder}, so it would be published too. "
            "Give another with --out."
        )
    state = state_folder(out)
    rope = Rope()
    rooms = folder_rooms(source.parent, state, out)
    with alone(state), show.Bars() as bars:
        house = build(settings, rooms, rope.ring, site=_site(settings))
        post = house.records.claim_post(source.name)
        loop = Loop(house, rope, bars, jobs or default_jobs())
        return Done(post=loop.run(source.name, post), pages=out / post)


def _with_profile(settings: Settings, profile: str | None) -> Settings:
    return settings.model_copy(update={"profile": profile}) if profile else settings


def _site(settings: Settings) -> Site:
    """Where a site made on this computer will be seen, as far as anybody has said."""
    if settings.base_url:
        return settings.site
    return replace(settings.site, base_url=LOCAL_SITE)


def _checked_folder(folder: Path) -> Path:
    if not folder.exists():
        raise ConfigError(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise ConfigError(f"{folder} is a file; give the folder that it lies in.")
    source = folder.resolve()
    # By name alone: a store would hash every film before a word is said.
    paths = [p for p in source.rglob("*") if p.is_file() and not p.is_symlink()]
    keys = (f"{source.name}/{path.relative_to(source).as_posix()}" for path in paths)
    found = intake.folders(Entry(key=key, bytes=0, identity="", modified=0) for key in keys)
    if not any(intake.sort_out(f, PostInfo(), "en").items for f in found):
        raise ConfigError(f"{folder} holds no films, recordings or photos.")
    return source


def state_folder(out: Path) -> Path:
    """Where the records of an output folder live: outside of it, so that they are never uploaded.

    Under XDG_STATE_HOME (by default ~/.local/state), by the output folder's own path.
    """
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    name = hashlib.sha256(str(out.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return home / "newsreel" / f"{out.resolve().name}-{name}"


# --- the embedded stack ----------------------------------------------------------------------


def up(data: Path | None, workers: int | None, port: int | None) -> None:
    """Bring up the embedded stack and keep it up."""
    # Imported here: the stack drags Celery along, and most commands do without.
    from newsreel import stack  # noqa: PLC0415

    stack.up(data or load().data, workers=workers, port=port, console=show.out)


def demo(folder: Path | None, data: Path | None, *, ends: bool) -> PostManifest | None:
    """Bring up the embedded stack and publish a sample post, or a folder of the user's own.

    Returns the finished post where the demo is to end by itself.
    """
    from newsreel import demo as demo_  # noqa: PLC0415

    source = _checked_folder(folder) if folder else None
    return demo_.run(source, data or load().data, ends=ends)


# --- on the stack ----------------------------------------------------------------------------


def stack_house() -> House:
    """The configured house, for looking and for small changes; its bells are left to the scan."""
    settings = _with_store()
    return build(settings, s3_rooms(settings), leave_it)


def _with_store() -> Settings:
    settings = load()
    if not settings.has_store:
        raise ConfigError(
            "No object store is configured. Start one with `newsreel up`, or set s3_endpoint "
            "(NEWSREEL_S3_ENDPOINT), for example https://s3.example.org"
        )
    return settings


def buckets() -> tuple[str, ...]:
    """Make the three buckets; returns what the store would not take."""
    from newsreel import buckets as buckets_  # noqa: PLC0415

    return buckets_.prepare(_with_store())


def leave_it(_: Bell) -> None:
    """The scan of the running stack finds what is to do."""


def upload(paths: tuple[Path, ...], post: str | None) -> upload_.Sent:
    """Send files and folders into the ingest bucket."""
    wanted = upload_.objects(paths, post)
    return upload_.send(stack_house().ingest, wanted)


def status(post: str | None) -> list[Standing]:
    """Every post, or one. Raises Missing for a post that is not known."""
    house = stack_house()
    return _standings(house, post)


def _standings(house: House, post: str | None) -> list[Standing]:
    known = sorted(house.records.posts())
    if post is not None and post not in known:
        raise Missing(f"There is no post called {post}. Known: {', '.join(known) or 'none yet'}.")
    return [standing(house, name) for name in ([post] if post else known)]


def standing(house: House, post: str) -> Standing:
    """A post as its records have it at this moment."""
    look = house.records.post(post)
    if look.drop is None:
        raise Missing(f"There is no post called {post}.")
    items = house.items(look)
    composed = manifest.compose(post, look.drop, items)
    doing = {
        name: ", ".join(
            f"{run.percent} % of {run.text}" if run.state == "running" else run.text
            for run, _ in records.runs.values()
            if run.text
        )
        for name, records in items.items()
    }
    return Standing(post=composed.post, doing=doing)


def watch(post: str | None) -> list[Standing]:
    """Show the status until everything has ended; returns the last of it."""
    house = stack_house()
    with Live(console=show.out, auto_refresh=False) as live:
        while True:
            standings = _standings(house, post)
            live.update(show.status(standings), refresh=True)
            if all(has_ended(each.post) for each in standings):
                return standings
            time.sleep(REFRESH_S)


def has_ended(post: PostManifest) -> bool:
    """True where there are items, and nothing more will happen to any of them."""
    return bool(post.items) and all(i.state in manifest.ENDED for i in post.items)


def retry(post: str, item: str | None) -> tuple[str, ...]:
    """Forget failures; the next scan tries again."""
    return flow.retry(stack_house(), post, item)


def remake(post: str, item: str | None) -> tuple[str, ...]:
    """Have a post or one item made anew; the next scan begins."""
    return flow.remake(stack_house(), post, item)


# --- embeds ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a reporter wants to paste: a post, or one thing of it, and how.

    `item` may be "gallery" or "post" as well; `out` is a site made by `newsreel publish`.
    """

    post: str
    item: str | None = None
    variant: str | None = None
    look: Look = AS_IT_IS
    blog: str = ""
    out: Path | None = None


def embed(wish: Wish) -> dict[str, dict[str, str]]:
    """Snippets by item and variant; the post's own come under its name.

    What cannot be pasted has the reason in its place (`embed.is_reason`). Raises Missing for
    unknown names, ConfigError for an unknown variant or an impossible width.
    """
    _check(wish)
    site, published = _published(wish.out)
    post = published_manifest(published, wish.post)
    post = replace(post, blog=wish.blog) if wish.blog else post
    found = dict(_all_snippets(site, post, wish.look))
    if wish.item is not None:
        named = {"post": post.post}.get(wish.item, wish.item)
        if named not in found:
            names = ", ".join(["post", *list(found)[1:]])
            raise Missing(f"There is no item called {wish.item} in {post.post}. Known: {names}.")
        found = {named: found[named]}
    chosen = {name: _chosen(snippets, wish.variant) for name, snippets in found.items()}
    if not any(chosen.values()):
        known = ", ".join(next(iter(found.values())))
        raise Missing(f"{wish.item} has no variant {wish.variant}. Known: {known}.")
    return chosen


def _check(wish: Wish) -> None:
    try:
        embed_.check_look(wish.look)
        if wish.variant is not None:
            embed_.check_variant(wish.variant)
    except BadInput as error:  # typed, not uploaded
        raise ConfigError(error.public) from error


def _published(out: Path | None) -> tuple[Site, Store]:
    if out is not None:
        return _site(load()), DirStore(out)
    house = stack_house()
    return house.site, house.published


def _all_snippets(
    site: Site, post: PostManifest, look: Look
) -> Iterator[tuple[str, dict[str, str]]]:
    yield post.post, embed_.post_snippets(site, post, look)
    if display.photos(post):
        yield "gallery", embed_.gallery_snippets(site, post, look)
    for item in post.items:
        yield item.item, embed_.snippets(site, post, item, look)


def _chosen(snippets: dict[str, str], variant: str | None) -> dict[str, str]:
    if variant is None:
        return snippets
    return {name: text for name, text in snippets.items() if name == variant}


# --- looking around --------------------------------------------------------------------------


def profiles() -> dict[str, Profile]:
    """Every encoding profile by name."""
    return profiles_.load_all(load().profiles_dir)


def doctor() -> tuple[Check, ...]:
    """Every check of the doctor."""
    from newsreel import doctor as doctor_  # noqa: PLC0415

    return tuple(doctor_.checks())
