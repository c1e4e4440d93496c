"""A film on a server of its own, and how to print its pages: what the tests of the player watch.

The film is cut by ffmpeg itself, in two sizes and two languages, so that these tests say something
of the player alone; what our own chunks are for it is tried on the whole path.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from browsing import serving
from playwright.sync_api import Frame, Page
from sample_post import POST, VIDEO, made

from pipeline import pages
from pipeline.model import Artifact, ItemManifest, Object, Site
from pipeline.transcript import Transcript

SECONDS = 8
WAIT_MS = 60_000
VIDEO_IS = "document.querySelector('video')"
PLAYED = f"(({{played: p}}) => Array.from(p, (_, n) => [p.start(n), p.end(n)]))({VIDEO_IS})"
HLS_TYPE = "application/vnd.apple.mpegurl"
FOLDER = "pleno/votacion"
CODECS = "avc1.42c01e,mp4a.40.2"
AV1_CODEC = "av01.0.01M.08"
AV1_CODECS = f"{AV1_CODEC},mp4a.40.2"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A folder that is served, and how to print a film's pages into it."""

    folder: Path
    address: str

    def print(
        self,
        item: ItemManifest,
        *more: ItemManifest,
        words: Mapping[str, Transcript] | None = None,
    ) -> None:
        """Write every page of a post with these items."""
        post = replace(POST, items=(item, *more), cover="")
        for one in pages.render(Site(base_url=self.address, language="es"), post, words):
            self.write(one)

    def write(self, one: Object) -> None:
        """Keep a page where its key says."""
        path = self.folder / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        assert isinstance(one.body, bytes)
        path.write_bytes(one.body)

    def page(self, name: str = "votacion.html") -> str:
        """The address of a page of the post."""
        return f"{self.address}/pleno/{name}"


def run(*words: str | Path) -> None:
    """One call of ffmpeg."""
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([tool, "-v", "error", "-y", *words], check=True, stdin=subprocess.DEVNULL)


def cut(folder: Path) -> None:
    """A film in two sizes and two languages as HLS with byte ranges, and as one file."""
    source = folder / "source.mp4"
    run(
        *("-f", "lavfi", "-i", f"testsrc2=s=640x360:r=25:d={SECONDS}"),
        *("-f", "lavfi", "-i", f"sine=440:r=48000:d={SECONDS}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-g", "50"),
        *("-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", source),
    )
    segments = ("-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod")
    segments += ("-hls_segment_type", "fmp4", "-hls_flags", "single_file")
    for name, size in (("360", "640:360"), ("240", "426:240")):
        run(
            *("-i", source, "-an", "-vf", f"scale={size}", "-c:v", "libx264"),
            *("-preset", "ultrafast", "-profile:v", "baseline", "-bf", "0"),
            *("-g", "50", "-sc_threshold", "0", *segments),
            *("-hls_segment_filename", f"{folder}/{name}.mp4", folder / f"{name}.m3u8"),
        )
    run(
        *("-i", source, "-an", "-c:v", "libsvtav1", "-preset", "12", "-g", "50"),
        *("-svtav1-params", "scd=0", *segments),
        *("-hls_segment_filename", f"{folder}/av1-360.mp4", folder / "av1-360.m3u8"),
    )
    for name in ("sound-0", "sound-1"):
        run(
            *("-i", source, "-vn", "-c:a", "copy", *segments),
            *("-hls_segment_filename", f"{folder}/{name}.mp4", folder / f"{name}.m3u8"),
        )


def index(*rungs: tuple[str, str, int], codecs: str = CODECS) -> str:
    """A multivariant playlist."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for n, (language, default) in enumerate((("es", "YES"), ("eu", "NO"))):
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="{language}",LANGUAGE="{language}",'
            f'DEFAULT={default},AUTOSELECT=YES,URI="sound-{n}.m3u8"'
        )
    for name, size, bps in rungs:
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={bps},RESOLUTION={size},CODECS="{codecs}",'
            'AUDIO="a",CLOSED-CAPTIONS=NONE'
        )
        lines.append(f"{name}.m3u8")
    return "\n".join((*lines, ""))


SMALL, LARGE = ("240", "426x240", 300_000), ("360", "640x360", 900_000)
AV1 = ("av1-360", "640x360", 600_000)


@contextlib.contextmanager
def staged(tmp_path: Path, film: Path) -> Iterator[Stage]:
    """The film on a server of its own, with both sizes in the index."""
    hls = tmp_path / FOLDER / "hls/abc"
    shutil.copytree(film, hls)
    shutil.copy(film / "source.mp4", tmp_path / FOLDER / "video.mp4")
    (hls / "index.m3u8").write_text(index(SMALL, LARGE))
    (hls / "av1.m3u8").write_text(index(AV1, codecs=AV1_CODECS))
    with serving(tmp_path) as address:
        yield Stage(folder=tmp_path, address=address)


def hls(**extra: Any) -> Artifact:
    """The film's playlist as the manifest lists it."""
    facts = {"complete": True, "ready_ms": SECONDS * 1000, "codecs": CODECS}
    return made("hls", f"{FOLDER}/hls/abc/index.m3u8", HLS_TYPE, extra=facts | extra)


def rung(side: int, width: int) -> Artifact:
    """One size of the film."""
    key = f"{FOLDER}/hls/abc/{side}.m3u8"
    return made("rung", key, HLS_TYPE, width=width, height=side, extra={"codec": "h264"})


FILE = made("video", f"{FOLDER}/video.mp4", "video/mp4", width=640, height=360)
FILM = replace(
    VIDEO,
    chapters=(),
    duration_ms=SECONDS * 1000,
    outputs=(hls(), rung(240, 426), rung(360, 640), FILE),
)


BOTH = replace(
    FILM,
    outputs=(
        *FILM.outputs,
        made("hls-av1", f"{FOLDER}/hls/abc/av1.m3u8", HLS_TYPE, extra={"codecs": AV1_CODECS}),
        made(
            "rung",
            f"{FOLDER}/hls/abc/av1-360.m3u8",
            HLS_TYPE,
            width=640,
            height=360,
            extra={"codec": "av1", "codecs": AV1_CODEC, "peak_bps": 600_000},
        ),
    ),
)


def play(page: Page) -> None:
    """Press the button over the poster, as a reader does."""
    page.locator(".nr-play").click()


def until(page: Page | Frame, condition: str) -> None:
    """Wait for something to become true; its policy keeps Playwright from waiting in the page."""
    for _ in range(WAIT_MS // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    state = page.evaluate(f"[told, {VIDEO_IS}?.currentTime, {VIDEO_IS}?.currentSrc]")
    pytest.fail(f"never: {condition}; {state}")
