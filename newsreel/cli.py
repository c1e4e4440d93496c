"""The command line: what a reporter and an operator type.

Owns names, options, help texts and exit codes: 0 done, 1 some item failed or is not done, 2 usage
or configuration, 130 interrupted. Refuses all work of its own: every command calls one use case
and hands the answer to `show`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from newsreel import commands, show
from pipeline.embed import VARIANTS, is_reason
from pipeline.errors import ConfigError, Missing, NewsreelError
from pipeline.subject import Look

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
POST_FOLDER = click.Path(path_type=Path)


class Newsreel(click.Group):
    """A group whose commands speak of their own errors in one line."""

    def __call__(self, *_: Any, **__: Any) -> None:
        """Run, and turn what went wrong into a sentence and an exit code."""
        try:
            self.main(standalone_mode=False)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            show.err.print("Stopped. Run it again to go on.")
            # Threads may sit in a child; the children die with this process (PR_SET_PDEATHSIG).
            os._exit(EXIT_INTERRUPTED)
        except NewsreelError as error:
            show.err.print(f"[bold red]error:[/] {show.plain(error.public)}", soft_wrap=True)
            logging.getLogger(__name__).debug("%s", error.evidence)
            sys.exit(EXIT_USAGE if isinstance(error, ConfigError | Missing) else EXIT_FAILED)


@click.group(cls=Newsreel, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="newsreel")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done, and the evidence of errors.")
def main(*, verbose: bool) -> None:
    """Turn a folder of raw footage, sound and photos into a published post with embeds.

    \b
    On one computer, without any server:
      newsreel publish my-trip            a static site in ./published
    \b
    With workers, S3 storage and a dashboard:
      newsreel up                         the whole stack on this computer
      newsreel upload my-trip             drop a folder into the ingest bucket
      newsreel status --watch             see it being made
      newsreel embed my-trip              what to paste into the blog
    """  # noqa: D301 - click wants the backspace itself
    level = logging.DEBUG if verbose else logging.CRITICAL
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for room in ("pipeline", "newsreel", "config"):
        logging.getLogger(room).setLevel(level)


@main.command()
@click.argument("folder", type=POST_FOLDER)
@click.option(
    "--out", type=POST_FOLDER, default=Path("published"), show_default=True,
    help="Where the static site goes.",
)  # fmt: skip
@click.option("--profile", help="Encoding profile; `newsreel profiles` lists them.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Items worked on at the same time.")
@JSON
def publish(
    *, folder: Path, out: Path, profile: str | None, jobs: int | None, as_json: bool
) -> None:
    """Publish FOLDER as a static site, in one process: no server is needed, now or later.

    Every file in FOLDER becomes a film, a recording or a photo of the post. `talk.es.srt` beside
    `talk.mp4` becomes its Spanish subtitles, `talk.txt` its caption; `post.toml` may hold titles,
    captions and the order. Run it again after adding a file: only the new file is worked on.

    Exit status: 0 everything is published, 1 some item failed (the others are published), 2 the
    folder or the configuration is at fault.
    """
    done = commands.publish_folder(folder, out, profile=profile, jobs=jobs)
    _print(as_json, commands.plain(done.post), show.summary(done.post))
    if not as_json:
        show.out.print(f"Post:   {done.pages / 'index.html'}")
        show.out.print(f"Embeds: {done.pages / 'embeds.html'}")
    sys.exit(0 if commands.is_success(done.post) else EXIT_FAILED)


@main.command()
@click.option("--data", type=POST_FOLDER, help="Where everything is kept. [./newsreel-data]")
@click.option("--workers", type=click.IntRange(1, 64), help="Media jobs side by side. [2]")
@click.option("--port", type=click.IntRange(1024, 55535), help="Port of the S3 server.")
def up(*, data: Path | None, workers: int | None, port: int | None) -> None:
    """Bring up the whole stack on this computer: Redis, S3, workers, schedule and Flower.

    Everything listens on this computer alone. Stop it with Ctrl-C: work that was under way goes on
    at the next `newsreel up`.
    """
    commands.up(data, workers, port)


@main.command()
@click.argument("post", type=POST_FOLDER, required=False)
@click.option("--exit", "ends", is_flag=True, help="End when the post is published.")
@click.option("--data", type=POST_FOLDER, help="Where everything is kept. [./newsreel-data]")
def demo(*, post: Path | None, ends: bool, data: Path | None) -> None:
    """Bring up the stack and publish a sample post, or your own folder POST."""
    done = commands.demo(post, data, ends=ends)
    sys.exit(0 if done is None or commands.is_success(done) else EXIT_FAILED)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=POST_FOLDER)
@click.option("--post", help="The post's name, for single files. Folders name their own post.")
@JSON
def upload(*, paths: tuple[Path, ...], post: str | None, as_json: bool) -> None:
    """Upload folders or files into the ingest bucket.

    Each folder is a post. A file that lies there already with the same bytes is not sent again, so
    a broken upload is mended by repeating it.
    """
    sent = commands.upload(paths, post)
    _print(as_json, commands.plain(sent), sent.text)


@main.command()
@click.argument("post", required=False)
@click.option("--watch", is_flag=True, help="Stay and refresh until everything has ended.")
@JSON
def status(*, post: str | None, watch: bool, as_json: bool) -> None:
    """Show every item: its state, what is being made of it, or why it failed and what to do.

    Exit status: 0 all published, 1 something failed or is still being made.
    """
    posts = commands.watch(post) if watch and not as_json else commands.status(post)
    if as_json or not watch:
        _print(as_json, [commands.plain(each) for each in posts], show.status(posts))
    sys.exit(0 if all(commands.is_success(each.post) for each in posts) else EXIT_FAILED)


@main.command()
@click.argument("post")
@click.argument("item", required=False)
@click.option(
    "--variant", "--as", "variant", help=f"Only this variant: {', '.join(VARIANTS)}.",
)  # fmt: skip
@click.option("--language", default="", help="Titles and words in this language. [the post's]")
@click.option("--width", type=int, help="Exactly this many pixels wide. [as wide as the text]")
@click.option("--max-width", type=int, help="At most this many pixels wide.")
@click.option("--blog", default="", help="The blog's address. [blog_url, or post.toml]")
@click.option("--out", type=POST_FOLDER, help="Read a site made by `newsreel publish` instead.")
@JSON
def embed(*, as_json: bool, **options: Any) -> None:
    """Print what to paste into the blog for a POST, or for one ITEM of it.

    ITEM may be "gallery" for all photos, or "post" for the whole post. Not every variant is there
    for everything; what cannot be pasted prints the reason in its place, as a comment.

    Exit status: 0 all of it can be pasted, 1 something is only a reason.
    """
    look = Look(
        language=options.pop("language"),
        width=options.pop("width"),
        max_width=options.pop("max_width"),
    )
    found = commands.embed(commands.Wish(look=look, **options))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print_snippets(found)
    texts = [text for snippets in found.values() for text in snippets.values()]
    sys.exit(EXIT_FAILED if any(map(is_reason, texts)) else 0)


def _print_snippets(found: dict[str, dict[str, str]]) -> None:
    several = sum(map(len, found.values())) > 1
    for name, snippets in found.items():
        for kind, text in snippets.items():
            if several:
                show.err.print(f"\n{show.plain(name)}: {kind}", style="bold")
            click.echo(text)


@main.command()
@click.argument("post")
@click.argument("item", required=False)
@click.option("--remake", is_flag=True, help="Make everything anew, not only what failed.")
def retry(*, post: str, item: str | None, remake: bool) -> None:
    """Try again what failed in a POST, or only one ITEM of it.

    With --remake, what was published is made anew with the encoder and the profile of today; the
    old renditions stay until the new ones are ready.
    """
    items = commands.remake(post, item) if remake else commands.retry(post, item)
    show.out.print(f"Will be made again: {', '.join(items)}" if items else "Nothing had failed.")


@main.command()
@JSON
def profiles(*, as_json: bool) -> None:
    """List the encoding profiles."""
    known = commands.profiles()
    lines = [f"{name:10} {profile.summary}" for name, profile in known.items()]
    _print(as_json, [commands.plain(profile) for profile in known.values()], "\n".join(lines))


@main.command()
@JSON
def doctor(*, as_json: bool) -> None:
    """Check everything Newsreel leans on; each line is ok, or says what to do.

    Exit status: 0 all is well, 1 something is not.
    """
    checks = commands.doctor()
    _print(as_json, [commands.plain(check) for check in checks], show.checks(checks))
    sys.exit(0 if all(check.ok for check in checks) else EXIT_FAILED)


@main.command()
def buckets() -> None:
    """Make the three buckets on the configured object store, with their rules.

    Needed once on a store of your own; `newsreel up` does it by itself. What is there already is
    left as it is. Only the objects of the published bucket become readable by everyone.
    """
    for warning in commands.buckets():
        show.err.print(show.plain(warning))
    show.out.print("The buckets are ready.")


def _print(as_json: bool, plain: Any, human: Any) -> None:  # noqa: FBT001 - the flag's own value
    if as_json:
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
    else:
        show.out.print(human)
