"""Films full of planted markers: nothing that a camera says of itself or of the place comes out.

Outputs are searched byte by byte, pages and playlists with them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from measure import near
from PIL import ExifTags, Image, ImageDraw
from reels import AAC, H264, READY, make, published

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


def _marks(folder: Path) -> list[Path]:
    """The files that hold a marker."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if MARK.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("film.mov", ("-movflags", "use_metadata_tags")),
        ("film.mp4", READY),
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
    assert ("is a copy" in reel.notes) == (extra == READY)
    assert len(reel.pictures) == 75
    assert _marks(reel.folder) == []


@pytest.mark.parametrize("suffix", ["mov", "avi"])
def test_a_film_made_of_photos_does_not_tell_their_place(tmp_path: Path, suffix: str) -> None:
    """Cameras' time lapses: every picture has a photo's notes, one of them how it was held."""
    for number in range(25):
        photo = Image.new("RGB", (320, 180), "navy")
        ImageDraw.Draw(photo).rectangle((0, 0, 100, 80), fill="red")
        notes = photo.getexif()
        notes[ExifTags.Base.Orientation] = 6
        notes[ExifTags.Base.Make] = f"{MARK}-make"
        notes.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = f"{MARK}-place"
        photo.save(tmp_path / f"{number:02}.jpg", exif=notes)
    lapse = ("-framerate", "25", "-i", tmp_path / "%02d.jpg", "-c", "copy")
    film = make(tmp_path / f"lapse.{suffix}", *lapse)
    assert film.read_bytes().count(MARK.encode()) == 50
    reel = published(film, tmp_path)
    assert (reel.video.width, reel.video.height, len(reel.pictures)) == (180, 320, 25)
    assert near(reel.pictures[12].colour(0.9, 0.1), (255, 0, 0), 12)
    assert _marks(reel.folder) == []
