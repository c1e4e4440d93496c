"""What a blog is told that asks about one of our pages (oEmbed 1.0), as static JSON.

Owns the answers for an item, a gallery and a whole post. They are files: `maxwidth` cannot be
obeyed, so the box is small and its markup fluid. Refuses to write snippets: see `embed`.
"""

from __future__ import annotations

from typing import Any

from pipeline import address, display, embed, escape
from pipeline.display import Stage
from pipeline.embed_markup import FRAME_RIGHTS
from pipeline.model import ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases
from pipeline.subject import Subject, subject_of_gallery, subject_of_item, subject_of_post

# How long, in seconds, a consumer may keep an answer: titles and shapes settle within the hour.
_CACHE_AGE_S = 3600


def item(site: Site, post: PostManifest, one: ItemManifest) -> dict[str, Any]:
    """The answer about an item's page.

    Film and sound are both of type `video`: newsletters and Mastodon play nothing else. What
    failed or was withdrawn becomes a plain link, so that old articles keep an honest line.
    """
    about = _about(site, post, display.title(one, post.language))
    stage = display.stage(one)
    if stage in (Stage.FAILED, Stage.WITHDRAWN):
        return about | {"type": "link", "title": Phrases(post.language)(f"{stage}-{one.kind}")}
    if one.kind is Kind.PHOTO and stage is Stage.READY:
        return about | _photo(site, one)
    kind = "rich" if one.kind is Kind.PHOTO else "video"
    frame = _frame(subject_of_item(site, post, one), kind, _rights(site, post))
    return about | frame | _thumbnail(site, one)


def gallery(site: Site, post: PostManifest) -> dict[str, Any]:
    """The answer about the gallery's page; the post must have a photo."""
    about = _about(site, post, display.post_title(post))
    frame = _frame(subject_of_gallery(site, post), "rich", _rights(site, post))
    return (
        about
        | frame
        | {
            "thumbnail_url": address.absolute(site, address.contact(post.post)),
            "thumbnail_width": address.CONTACT_SIZE[0],
            "thumbnail_height": address.CONTACT_SIZE[1],
        }
    )


def whole(site: Site, post: PostManifest) -> dict[str, Any]:
    """The answer about the post's own page: its cover, or a link while there is none."""
    about = _about(site, post, display.post_title(post))
    subject, cover = subject_of_post(site, post), display.cover(post)
    if subject is None or cover is None:
        return about | {"type": "link"}
    return about | _frame(subject, "rich", _rights(site, post)) | _thumbnail(site, cover)


def _about(site: Site, post: PostManifest, title: str) -> dict[str, Any]:
    about = {
        "version": "1.0",
        "title": title,
        "provider_name": site.name,
        "provider_url": address.absolute(site, ""),
        "cache_age": _CACHE_AGE_S,
    }
    return about | ({"author_name": post.byline} if post.byline else {})


def _rights(site: Site, post: PostManifest) -> str:
    """On a host that the blog shares, the frame is given an origin of its own by the sandbox."""
    if not embed.refusal(site, post):
        return FRAME_RIGHTS
    return f'{FRAME_RIGHTS} sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox"'


def _frame(subject: Subject, kind: str, rights: str) -> dict[str, Any]:
    """Width and height are plain numbers: editors derive the shape from them."""
    frame = subject.frame
    html = (
        f'<iframe src="{escape.html_attribute(subject.frame_page)}" width="{frame.width}" '
        f'height="{frame.height}" title="{escape.html_attribute(subject.label)}" '
        f'style="{frame.style}" {rights}></iframe>'
    )
    return {"type": kind, "width": frame.width, "height": frame.height, "html": html}


def _photo(site: Site, one: ItemManifest) -> dict[str, Any]:
    made = display.article_photo(one)
    url = address.absolute(site, made.key)
    return {"type": "photo", "url": url, "width": made.width, "height": made.height}


def _thumbnail(site: Site, one: ItemManifest) -> dict[str, Any]:
    picture = display.poster(one)
    return {
        "thumbnail_url": address.absolute(site, picture.key),
        "thumbnail_width": picture.width,
        "thumbnail_height": picture.height,
    }
