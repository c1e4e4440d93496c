"""The plain way with Pillow: open, thumbnail, save, once for each width. Run by `photos`.

A contender, not a part of the pipeline: it opens files without the pipeline's care. Takes one
argument, JSON: {"source": path, "outputs": [{"file", "width", "quality"}]}.
"""

from __future__ import annotations

import json
import sys

from PIL import Image, ImageOps


def main() -> None:
    """Make every output."""
    order = json.loads(sys.argv[1])
    for out in order["outputs"]:
        with Image.open(order["source"]) as opened:
            image = ImageOps.exif_transpose(opened)
            image.thumbnail((out["width"], image.height), Image.Resampling.LANCZOS)
            # AVIF knows no "progressive" and ignores it.
            image.convert("RGB").save(out["file"], quality=out["quality"], progressive=True)


main()
