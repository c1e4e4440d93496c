"""A small post of every kind and state, as values: what the tests of pages and snippets show."""

from __future__ import annotations

from dataclasses import replace

from pipeline.model import (
    Artifact,
    Chapter,
    Failure,
    ItemManifest,
    Kind,
    PostManifest,
    Site,
    SourceFacts,
    State,
)

SITE = Site(base_url="https://media.example.org/published", name="La Voz", language="es")


def made(role: str, key: str, media_type: str, **facts: object) -> Artifact:
    """An artifact with made-up bytes and hash."""
    return Artifact(
        role=role, key=key, media_type=media_type, bytes=1_234_567, sha256="0" * 64, **facts
    )


def variant(label: str, codec: str, codecs: str, *, width: int, height: int) -> Artifact:
    """One size of a film in one codec, as its playlist."""
    name = f"av1-{label}" if codec == "av1" else label
    return made(
        "rung",
        f"pleno/votacion/hls/0a1b2c3d4e5f/{name}.m3u8",
        "application/vnd.apple.mpegurl",
        width=width,
        height=height,
        frames=4800,
        duration_ms=192_000,
        extra={"label": label, "codec": codec, "codecs": codecs, "peak_bps": 2_500_000},
    )


VIDEO = ItemManifest(
    post="pleno",
    item="votacion",
    kind=Kind.VIDEO,
    state=State.PUBLISHED,
    percent=100,
    title="La votación",
    caption="Aprobado por un voto.",
    credit="A. Pérez",
    language="es",
    source=SourceFacts(name="MVI 42.MOV", bytes=9_000_000, sha256="a" * 64),
    probe={"audio": [{"index": 1}]},
    width=1280,
    height=720,
    duration_ms=192_000,
    colour="#334455",
    chapters=(
        Chapter(start_ms=0, end_ms=30_000, title="Apertura"),
        Chapter(start_ms=30_000, end_ms=192_000, title="Debate"),
    ),
    notes=("1080p dropped: the source is 1280x720",),
    outputs=(
        made(
            "hls",
            "pleno/votacion/hls/0a1b2c3d4e5f/index.m3u8",
            "application/vnd.apple.mpegurl",
            duration_ms=192_000,
            extra={"complete": True, "ready_ms": 192_000, "codecs": "avc1.64001f,mp4a.40.2"},
        ),
        made(
            "hls-av1",
            "pleno/votacion/hls/0a1b2c3d4e5f/av1.m3u8",
            "application/vnd.apple.mpegurl",
            extra={"complete": True, "codecs": "av01.0.05M.08,mp4a.40.2"},
        ),
        variant("720p", "h264", "avc1.64001f", width=1280, height=720),
        variant("360p", "h264", "avc1.64001e", width=640, height=360),
        variant("720p", "av1", "av01.0.05M.08", width=1280, height=720),
        made("video", "pleno/votacion/video.mp4", "video/mp4", width=1280, height=720),
        made("poster", "pleno/votacion/poster.jpg", "image/jpeg", width=1280, height=720),
        made("storyboard", "pleno/votacion/r/f3/storyboard.vtt", "text/vtt; charset=utf-8"),
        made("sprite", "pleno/votacion/r/f3/000.jpg", "image/jpeg", width=1600, height=900),
        made("preview", "pleno/votacion/preview.mp4", "video/mp4", width=640, height=360),
        made("captions", "pleno/votacion/r/f2/en.vtt", "text/vtt; charset=utf-8", language="en"),
        made("captions", "pleno/votacion/r/f2/es.vtt", "text/vtt; charset=utf-8", language="es"),
    ),
)
TALL = replace(
    VIDEO,
    item="puerta",
    title="En la puerta",
    width=720,
    height=1280,
    chapters=(),
    outputs=(made("video", "pleno/puerta/video.mp4", "video/mp4", width=720, height=1280),),
)
GROWING = replace(
    VIDEO,
    state=State.PLAYABLE,
    percent=40,
    outputs=(
        made(
            "hls",
            "pleno/votacion/hls/0a1b2c3d4e5f/index.m3u8",
            "application/vnd.apple.mpegurl",
            duration_ms=64_000,
            extra={"complete": False, "ready_ms": 64_000, "codecs": "avc1.64001e,mp4a.40.2"},
        ),
        variant("360p", "h264", "avc1.64001e", width=640, height=360),
    ),
)
SHORT = replace(
    VIDEO,
    item="votacion-short",
    version="short",
    version_of="votacion",
    duration_ms=70_000,
    chapters=(),
    outputs=(made("video", "pleno/votacion-short/video.mp4", "video/mp4", width=1280, height=720),),
)
AUDIO = ItemManifest(
    post="pleno",
    item="entrevista",
    kind=Kind.AUDIO,
    state=State.PUBLISHED,
    percent=100,
    title="Entrevista",
    language="es",
    source=SourceFacts(name="e.wav", bytes=9_000_000),
    duration_ms=760_000,
    outputs=(
        made("sound", "pleno/entrevista/audio.m4a", "audio/mp4", duration_ms=760_000),
        made("enclosure", "pleno/entrevista/audio.mp3", "audio/mpeg", duration_ms=760_000),
        made("waveform", "pleno/entrevista/waveform.svg", "image/svg+xml"),
    ),
)


def photo(slug: str, width: int, height: int) -> ItemManifest:
    """A published photo in two widths and two formats."""
    return ItemManifest(
        post="pleno",
        item=slug,
        kind=Kind.PHOTO,
        state=State.PUBLISHED,
        percent=100,
        title=f"Foto {slug}",
        caption="Vecinas en el pleno",
        alt="Doce manos alzadas",
        credit="M. Ruiz",
        language="es",
        source=SourceFacts(name=f"{slug}.jpg", bytes=5_000_000),
        width=width,
        height=height,
        colour="#5b6470",
        outputs=tuple(
            made(
                "photo",
                f"pleno/{slug}/{across}.{ending}",
                media_type,
                width=across,
                height=round(height * across / width),
            )
            for across in (1920, 640, 1280)
            for ending, media_type in (("jpg", "image/jpeg"), ("avif", "image/avif"))
        ),
    )


PHOTO = photo("manos", 6000, 4000)
PHOTO_TALL = photo("alcaldesa", 4000, 6000)
WAITING = replace(
    VIDEO, item="tarde", title="Sesión de tarde", state=State.PROCESSING, percent=42, outputs=()
)
FAILED = replace(
    WAITING,
    item="roto",
    state=State.FAILED,
    error=Failure(code="unreadable", message="Copy the file from the card again."),
)
WITHDRAWN = replace(VIDEO, item="borrado", title="Secreto", state=State.WITHDRAWN)

POST = PostManifest(
    post="pleno",
    title="El pleno más largo",
    titles={"en": "The longest session"},
    language="es",
    date="2026-11-20T21:30:00+01:00",
    byline="Ana Pérez",
    credit="La Voz",
    text="Primer párrafo.\n\nSegundo párrafo.",
    cover="votacion",
    state=State.PROCESSING,
    percent=80,
    items=(VIDEO, TALL, AUDIO, PHOTO, PHOTO_TALL, WAITING, FAILED),
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></textarea></script><script>alert(1)</script>",
    "<!-- --> ]]> {{ 7*7 }} {% raw %}",
    "](javascript:alert(1)) ![x](x) `<b>` \\",
    '" >}}{{< evil >}} \\"',
    "javascript:alert(1)//\u2028\u2029\r\nX: y",
)


def poisoned(payload: str) -> PostManifest:
    """The post with the payload in every text an uploader controls."""
    return replace(
        POST,
        title=payload,
        titles={},
        date=payload,
        byline=payload,
        credit=payload,
        text=payload,
        notes=(payload,),
        items=tuple(_poisoned_item(item, payload) for item in POST.items),
    )


def _poisoned_item(item: ItemManifest, payload: str) -> ItemManifest:
    return replace(
        item,
        title=payload,
        caption=payload,
        alt=payload,
        credit=payload,
        colour=payload,
        notes=(payload,),
        source=replace(item.source, name=payload),
        chapters=tuple(replace(chapter, title=payload) for chapter in item.chapters),
        error=replace(item.error, message=payload) if item.error else None,
        outputs=tuple(
            replace(one, extra={"label": payload}) if one.role == "captions" else one
            for one in item.outputs
        ),
    )
