"""What is measured: footage and a photo of the developer's own, or made on the spot.

Owns where sources come from. Real pictures say more than made ones, so a folder of samples beside
the checkout is preferred where it exists; a made source is enough to see that everything runs.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.meter import run

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "media"
FILM = SAMPLES / "bench-1080p24-natural-city-drone-h264-8.6mbps.mp4"
# Two phones' photos of 12 megapixels, and one that has to be turned.
PHOTOS = tuple(
    SAMPLES / name
    for name in (
        "phone-xiaomi-12mp-gps.jpg",
        "ultrahdr-pixel8-gainmap-12mp.jpg",
        "exif-orientation-6.jpg",
    )
)


def film(ffmpeg: Path, folder: Path, *, quick: bool) -> Path:
    """A film with sound: the sample, or a made one; the quick one is a second of 640x360."""
    if FILM.exists() and not quick:
        return FILM
    return _made_film(
        ffmpeg, folder / "film.mp4", *(("640x360", 1) if quick else ("1920x1080", 12))
    )


def _made_film(ffmpeg: Path, target: Path, size: str, seconds: int) -> Path:
    # Film grain over moving shapes: without noise, every encoder looks equally good.
    picture = f"testsrc2=size={size}:rate=25:duration={seconds},noise=alls=8:allf=t"
    sound = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    codecs = "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -c:a aac".split()
    run([*_quiet(ffmpeg), *inputs, *codecs, target])
    return target


def looped(ffmpeg: Path, clip: Path, target: Path, seconds: int) -> Path:
    """A film of that length from a clip, over and over, its frames copied as they are."""
    # By itself, so that the longer of picture and sound leaves no gap in the other.
    picture = target.with_name(f"picture-{target.name}")
    run([*_quiet(ffmpeg), "-i", clip, "-map", "0:v:0", "-c", "copy", picture])
    again = ("-stream_loop", "-1", "-i", picture, "-stream_loop", "-1", "-i", clip)
    chosen = ("-map", "0:v:0", "-map", "1:a:0?", "-t", str(seconds), "-c", "copy")
    run([*_quiet(ffmpeg), *again, *chosen, target])
    picture.unlink()
    return target


def album(ffmpeg: Path, folder: Path, *, quick: bool) -> tuple[Path, ...]:
    """A few photos: the samples, or a made one of 12 megapixels."""
    if not quick and all(path.exists() for path in PHOTOS):
        return PHOTOS
    return (photo(ffmpeg, folder, quick=quick),)


def photo(ffmpeg: Path, folder: Path, *, quick: bool) -> Path:
    """A made photo of 12 megapixels; the quick one has 640x480."""
    target = folder / "photo.jpg"
    size = "640x480" if quick else "4000x3000"
    picture = f"mandelbrot=size={size},noise=alls=6"
    run([*_quiet(ffmpeg), "-f", "lavfi", "-i", picture, "-frames:v", "1", "-q:v", "2", target])
    return target


def photos(ffmpeg: Path, folder: Path, count: int) -> Path:
    """A folder of small photos, no two alike."""
    folder.mkdir(parents=True)
    picture = "testsrc2=size=320x240:rate=25"
    argv = [*_quiet(ffmpeg), "-f", "lavfi", "-i", picture, "-frames:v", str(count), "-q:v", "4"]
    run([*argv, folder / "photo-%03d.jpg"])
    return folder


def _quiet(ffmpeg: Path) -> list[str | Path]:
    return [ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
