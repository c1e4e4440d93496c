"""A small sample post for the first try: our own footage, sound, photos and subtitles.

Owns what it looks like. Everything is drawn by the encoder, so nobody's picture is in it.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import ToolBug
from pipeline.process import Command, run

TIMEOUT_S = 120.0
MEMORY = 4 << 30
FOLDER = "a-first-post"

# Drawn small and enlarged: gradients are costly to draw and lose nothing by it.
FILM = "gradients=s=320x180:r=30:d=12:n=6:speed=0.03:seed=7:type=spiral,scale=1280:720"
CHORD = "aevalsrc=0.12*sin(2*PI*220*t)+0.1*sin(2*PI*277.2*t)+0.08*sin(2*PI*329.6*t)"
STREET = "anoisesrc=color=brown:amplitude=0.35:seed=3:r=44100:d=9,tremolo=f=0.35:d=0.9"
LANDSCAPE = "mandelbrot=s=1920x1280:start_scale=0.012:start_x=-0.7435:start_y=0.1314:maxiter=600"
PORTRAIT = "mandelbrot=s=1280x1920:start_scale=0.05:start_x=-0.1592:start_y=1.0338:maxiter=600"

SUBTITLES = """1
00:00:00,500 --> 00:00:04,000
Colours drift across the square.

2
00:00:04,500 --> 00:00:08,000
Nobody was harmed in the making
of this film.

3
00:00:08,500 --> 00:00:11,500
<i>The end.</i>
"""

POST_TOML = """title = "A first post"
language = "en"
byline = "Newsreel"
text = "A film, a recording and two pictures, made by the program itself."

[items.interview]
title = "An interview with the colours"

[items.street]
title = "A street at night"

[items.landscape]
caption = "The edge of a set, wide."
alt = "Spirals of colour around a dark, heart-shaped figure"

[items.portrait]
caption = "The same edge, tall."
alt = "Branching lightning in many colours"
"""


def make(folder: Path, ffmpeg: Path) -> Path:
    """Draw the sample post below `folder`, unless it is there; returns its folder."""
    post = folder / FOLDER
    if (post / "post.toml").exists():
        return post
    post.mkdir(parents=True, exist_ok=True)
    film = ("-f", "lavfi", "-i", FILM, "-f", "lavfi", "-i", f"{CHORD}:s=48000:d=12")
    _draw(ffmpeg, post, "interview.mp4", *film, "-pix_fmt", "yuv420p", "-crf", "16", "-shortest")
    _draw(ffmpeg, post, "street.wav", "-f", "lavfi", "-i", STREET)
    for name, scene in (("landscape", LANDSCAPE), ("portrait", PORTRAIT)):
        _draw(
            ffmpeg, post, f"{name}.jpg", "-f", "lavfi", "-i", scene, "-frames:v", "1", "-q:v", "2"
        )
    (post / "interview.en.srt").write_text(SUBTITLES, encoding="utf-8")
    (post / "post.toml").write_text(POST_TOML, encoding="utf-8")
    return post


def _draw(ffmpeg: Path, folder: Path, name: str, *arguments: str) -> None:
    target = folder / name
    argv = (str(ffmpeg), "-y", "-nostdin", "-loglevel", "error", *arguments, f"file:{target}")
    finished = run(
        Command(
            argv=argv, reads=(ffmpeg,), scratch=folder, timeout_s=TIMEOUT_S, memory_bytes=MEMORY
        )
    )
    if finished.returncode != 0:
        raise ToolBug("The sample post could not be drawn.", evidence=finished.stderr)
