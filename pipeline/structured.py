"""What machines read in the head of our pages: Open Graph, Twitter cards and JSON-LD.

Owns the order and names of those properties; all URLs in them are absolute, because no consumer
resolves relative ones. Refuses to write markup: the templates do, and JSON goes through
`escape.script_json`. Required properties are those of Google's documentation for video and image.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pipeline import address, display, display_film
from pipeline.display import Stage
from pipeline.model import ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases, locale
from pipeline.subject import subject_of_item

# Search engines and chat previews show about this much.
_DESCRIPTION_CHARACTERS = 280

# Google shows key moments for two clips and more.
_FEWEST_CLIPS = 2


class Meta(NamedTuple):
    """One meta element: the attribute that names it, its name, its content."""

    attribute: str
    name: str
    content: str


def item_meta(site: Site, post: PostManifest, item: ItemManifest) -> tuple[Meta, ...]:
    """Cards for an item's own page."""
    title = display.title(item, post.language)
    page = address.absolute(site, address.watch(item))
    text = description(item.caption or post.text or title)
    about = _about(site, post, page, (title, text))
    player = _player(site, post, item) if display.stage(item) is Stage.READY else ()
    card = () if player else (Meta("name", "twitter:card", "summary_large_image"),)
    kind = "video.other" if item.kind is Kind.VIDEO else "website"
    return (*_og(("type", kind)), *about, *_image(site, post, item), *player, *card)


def post_meta(site: Site, post: PostManifest, page: str) -> tuple[Meta, ...]:
    """Cards for the post's page and the gallery; `page` is the key of the page."""
    title = display.post_title(post)
    words = (title, description(post.text or title))
    cover = display.cover(post)
    return (
        *_og(("type", "article")),
        *_about(site, post, address.absolute(site, page), words),
        *(_image(site, post, cover) if cover else ()),
        *(_published(post)),
        Meta("name", "twitter:card", "summary_large_image"),
    )


def _published(post: PostManifest) -> tuple[Meta, ...]:
    when = moment(post.date) or post.first_seen
    return (Meta("property", "article:published_time", when),) if when else ()


def gallery_meta(site: Site, post: PostManifest, page: str) -> tuple[Meta, ...]:
    """Cards for a page of the gallery: all of its photos on one picture."""
    title = display.post_title(post)
    say = Phrases(post.language)
    number = say.count("photo", len(display.photos(post)))
    words = (title, description(post.text or f"{title}: {number}"))
    return (
        *_og(("type", "article")),
        *_about(site, post, address.absolute(site, page), words),
        *_og(
            ("image", address.absolute(site, address.contact(post.post))),
            ("image:type", "image/jpeg"),
            ("image:width", str(address.CONTACT_SIZE[0])),
            ("image:height", str(address.CONTACT_SIZE[1])),
            ("image:alt", f"{say('gallery')}: {title} ({number})"),
        ),
        Meta("name", "twitter:card", "summary_large_image"),
    )


def description(text: str) -> str:
    """The first words of a text, cut at a word, on one line."""
    flat = " ".join(text.split())
    if len(flat) <= _DESCRIPTION_CHARACTERS:
        return flat
    return flat[:_DESCRIPTION_CHARACTERS].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def item_linked_data(
    site: Site, post: PostManifest, item: ItemManifest, transcript: str = ""
) -> dict[str, Any] | None:
    """The item as schema.org describes it, with all that is said; None until there is something."""
    if display.stage(item) is not Stage.READY:
        return None
    said = {"transcript": transcript} if transcript else {}
    return _LINKED[item.kind](site, post, item) | said


def gallery_linked_data(site: Site, post: PostManifest) -> dict[str, Any]:
    """All photos as an ImageGallery."""
    ready = [item for item in display.photos(post) if display.stage(item) is Stage.READY]
    images = [_linked_photo(site, post, item) for item in ready]
    return {
        "@context": "https://schema.org",
        "@type": "ImageGallery",
        "name": display.post_title(post),
        "url": address.absolute(site, address.gallery(post)),
        "image": [{k: v for k, v in image.items() if k != "@context"} for image in images],
    }


def moment(date: str) -> str:
    """An ISO date or date-time with its zone, as uploadDate wants it; "" for anything else."""
    try:
        when = datetime.fromisoformat(date)
    except ValueError:
        return ""
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()


def duration(milliseconds: int) -> str:
    """A length of time after ISO 8601: PT3M12S."""
    minutes, seconds = divmod((milliseconds + 500) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{value}{unit}" for value, unit in parts if value) or "0S")


# --- cards -----------------------------------------------------------------------------------


def _og(*pairs: tuple[str, str]) -> tuple[Meta, ...]:
    return tuple(Meta("property", f"og:{name}", content) for name, content in pairs)


def _about(site: Site, post: PostManifest, page: str, words: tuple[str, str]) -> tuple[Meta, ...]:
    title, text = words
    return _og(
        ("url", page),
        ("title", title),
        ("description", text),
        ("site_name", site.name),
        ("locale", locale(post.language)),
    )


def _image(site: Site, post: PostManifest, item: ItemManifest) -> tuple[Meta, ...]:
    picture = display.poster(item)
    return _og(
        ("image", address.absolute(site, picture.key)),
        ("image:type", "image/jpeg"),
        ("image:width", str(picture.width)),
        ("image:height", str(picture.height)),
        ("image:alt", display.alt(item, post.language)),
    )


def _player(site: Site, post: PostManifest, item: ItemManifest) -> tuple[Meta, ...]:
    """`og:video` is the file, for Discord; `twitter:player` is a page, for Mastodon."""
    if item.kind is Kind.PHOTO:
        return ()
    frame = subject_of_item(site, post, item).frame
    pairs = (
        ("card", "player"),
        ("player", address.absolute(site, address.frame(item))),
        ("player:width", str(frame.width)),
        ("player:height", str(frame.height)),
    )
    return (*_file(site, item), *(Meta("name", f"twitter:{name}", text) for name, text in pairs))


def _file(site: Site, item: ItemManifest) -> tuple[Meta, ...]:
    if item.kind is Kind.AUDIO:
        sound = address.absolute(site, address.file(item, "audio.m4a"))
        return _og(("audio", sound), ("audio:type", "audio/mp4"))
    if display_film.file(item) is None:
        return ()
    width, height = display.shape(item)
    return _og(
        ("video", address.absolute(site, address.file(item, "video.mp4"))),
        ("video:type", "video/mp4"),
        ("video:width", str(width)),
        ("video:height", str(height)),
    )


# --- linked data -----------------------------------------------------------------------------


def _linked_media(site: Site, post: PostManifest, item: ItemManifest) -> dict[str, Any]:
    """What film and sound have in common."""
    title = display.title(item, post.language)
    facts = {
        "@context": "https://schema.org",
        "name": title,
        "description": description(item.caption or post.text or title),
        "thumbnailUrl": [address.absolute(site, display.poster(item).key)],
        "uploadDate": moment(post.date) or post.first_seen,
        "embedUrl": address.absolute(site, address.frame(item)),
        "url": address.absolute(site, address.watch(item)),
        "inLanguage": item.language,
        "duration": duration(item.duration_ms) if item.duration_ms else "",
        "author": {"@type": "Person", "name": post.byline} if post.byline else "",
        "publisher": {"@type": "Organization", "name": site.name},
        "isFamilyFriendly": True,
        "caption": [_linked_track(site, track.key) for track in display.captions(item)],
    }
    return {name: value for name, value in facts.items() if value}


def _linked_track(site: Site, key: str) -> dict[str, str]:
    url = address.absolute(site, key)
    return {"@type": "MediaObject", "contentUrl": url, "encodingFormat": "text/vtt"}


def _linked_video(site: Site, post: PostManifest, item: ItemManifest) -> dict[str, Any]:
    made = display_film.file(item)
    file = {"contentUrl": address.absolute(site, made.key)} if made else {}
    clips = _clips(address.absolute(site, address.watch(item)), item)
    parts = {"hasPart": clips} if len(clips) >= _FEWEST_CLIPS else {}
    return {"@type": "VideoObject"} | _linked_media(site, post, item) | file | parts


def _clips(page: str, item: ItemManifest) -> list[dict[str, Any]]:
    """Chapters as key moments; Google wants names, and no two at the same second."""
    starts = {chapter.start_ms // 1000: chapter for chapter in item.chapters if chapter.title}
    return [
        {
            "@type": "Clip",
            "name": chapter.title,
            "startOffset": start,
            "endOffset": max(start + 1, chapter.end_ms // 1000),
            "url": f"{page}?t={start}",
        }
        for start, chapter in starts.items()
    ]


def _linked_audio(site: Site, post: PostManifest, item: ItemManifest) -> dict[str, Any]:
    file = {"contentUrl": address.absolute(site, address.file(item, "audio.m4a"))}
    return {"@type": "AudioObject"} | _linked_media(site, post, item) | file


def _linked_photo(site: Site, post: PostManifest, item: ItemManifest) -> dict[str, Any]:
    made = display.jpegs(item)[-1]
    credit = item.credit or post.credit or post.byline or site.name
    facts = {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "name": display.title(item, post.language),
        "caption": item.caption,
        "contentUrl": address.absolute(site, made.key),
        "width": made.width,
        "height": made.height,
        "creditText": credit,
        "datePublished": moment(post.date) or post.first_seen,
    }
    return {name: value for name, value in facts.items() if value}


_LINKED = {Kind.VIDEO: _linked_video, Kind.AUDIO: _linked_audio, Kind.PHOTO: _linked_photo}
