"""The plain way with Pillow: open, thumbnail, save, once for each width. Run by `photos`.

A contender, not a part of the pipeline: it opens files without the pipeline's care. Takes one
argument, JSON: {"photos": [{"source": path, "outputs": [{"file", "width", "quality"}]}]}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps


def main() -> None:
    """Make every output of every photo."""
    for photo in json.loads(sys.argv[1])["photos"]:
        for out in photo["outputs"]:
            _make(photo["source"], out)
    held = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    print(json.dumps({"peak_bytes": int(held) * 1024}))


def _make(source: str, out: dict[str, Any]) -> None:
    with Image.open(source) as opened:
        image = ImageOps.exif_transpose(opened)
        image.thumbnail((out["width"], image.height), Image.Resampling.LANCZOS)
        # AVIF knows no "progressive" and ignores it.
        image.convert("RGB").save(out["file"], quality=out["quality"], progressive=True)


main()
