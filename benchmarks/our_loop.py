"""Ours, as a worker does it: photos in one confined child. Run by `photos`.

Takes one argument, JSON: {"folder", "profile", "photos": [{"source", "outputs": [...]}]}, outputs
as model.PhotoOut. Prints what the child alone cost, its start included: a worker is there already.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from config import profiles
from pipeline.errors import NewsreelError
from pipeline.process import Command, call_each


def main() -> None:
    """Make every output of every photo."""
    order = json.loads(sys.argv[1])
    limits = profiles.load(order["profile"]).limits
    child = Command(
        argv=(),
        reads=tuple(Path(photo["source"]) for photo in order["photos"]),
        scratch=Path(order["folder"]),
        timeout_s=limits.step_timeout_s,
        memory_bytes=limits.memory_bytes,
    )
    facts = {"max_pixels": limits.max_photo_pixels}
    jobs = [
        {
            "path": photo["source"],
            "outputs": [out | {"file": Path(out["file"]).name} for out in photo["outputs"]],
            "folder": str(Path(photo["outputs"][0]["file"]).parent),
            "facts": facts,
        }
        for photo in order["photos"]
    ]
    for answer in call_each("pipeline.images:develop", jobs, child):
        if isinstance(answer, NewsreelError):
            raise answer
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {"cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * 1024}
    print(json.dumps(cost))


main()
