"""Films full of planted markers: nothing that a camera says of itself or of the place comes out.

Outputs are searched byte by byte, pages and playlists with them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from reels import AAC, H264, make, published

MARK = "PLANTED"
SMALL = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3", "-f", "lavfi", "-i", "sine=440:d=3")
# Beside the pictures, under an identifier of its maker's choice.
SEI = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{MARK}-sei"
KEYS = ("location", "location-eng", "make", "model", "comment", "artist", "encoder", "date")
APPLE = "com.apple.quicktime.location.ISO6709"
TAGS = tuple(word for key in (*KEYS, APPLE) for word in ("-metadata", f"{key}={MARK}-{key}"))
TRACKS = tuple(
    word
    for track in "va"
    for key in ("handler_name", "vendor_id", "comment", "location")
    for word in (f"-metadata:s:{track}", f"{key}={MARK}-{track}-{key}")
)
BT709 = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-g", "25")


def _marks(folder: Path) -> list[Path]:
    """The files that hold a marker."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if MARK.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("film.mov", ("-movflags", "use_metadata_tags")),
        ("film.mp4", BT709),
        ("film.mkv", ()),
        ("film.ts", ("-metadata", f"service_name={MARK}")),
    ],
)
def test_nothing_that_was_planted_is_published(
    tmp_path: Path, name: str, extra: tuple[str, ...]
) -> None:
    """In tags of the film and its tracks, in what lies beside the pictures, in attachments.

    The second one is fit for the web: its own pictures are published.
    """
    (tmp_path / "notes.txt").write_text(f"{MARK} in an attachment")
    attached = ("-attach", tmp_path / "notes.txt", "-metadata:s:t", "mimetype=text/plain")
    more = attached if name.endswith("mkv") else ()
    made = (*SMALL, *H264, *AAC, "-bsf:v", SEI, *TAGS, *TRACKS, *more, *extra)
    film = make(tmp_path / name, *made)
    assert film.read_bytes().count(MARK.encode()) > 3
    reel = published(film, tmp_path)
    assert ("is a copy" in reel.notes) == (extra == BT709)
    assert len(reel.pictures) == 75
    assert _marks(reel.folder) == []
