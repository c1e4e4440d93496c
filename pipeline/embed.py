"""What a reporter pastes into a blog, and what a blog asks of us by itself (oEmbed).

Owns the snippet variants of an item, of a post's gallery and of the whole post. Each is one line
without script or style element, points only at stable names, keeps the true shape, and ends with a
visible text link, because editors and feed readers remove whatever else they do not know. Refuses
to write pages: see `pages`; the choices both share are in `display`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import address, display, escape
from pipeline.display import Picture, Stage
from pipeline.errors import BadInput
from pipeline.model import Artifact, ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases
from pipeline.subject import (
    Subject,
    fitted,
    public_poster,
    subject_of_gallery,
    subject_of_item,
)

if TYPE_CHECKING:
    from collections.abc import Callable

VARIANTS = ("iframe", "url", "native", "poster", "markdown", "hugo")

# How wide a photo is shown in the article: the whole of a phone, a column elsewhere.
_SIZES = "(min-width:50em) 760px, 100vw"

# Both ways to allow full screen: feed readers know only the second. The sandbox keeps the frame
# from navigating the article, opening dialogs and submitting forms.
_FRAME_RIGHTS = (
    'loading="lazy" allow="fullscreen; picture-in-picture" allowfullscreen '
    'referrerpolicy="no-referrer"'
)
_SANDBOX = 'sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"'


# `safeCSS`, because Go's templates refuse a slash in a style; `htmlUnescape` undoes `escape.hugo`.
_SHORTCODE = (
    '{{ $b := (site.Params.nrBase | default "BASE") | htmlUnescape }}'
    '{{ $p := .Get "post" }}{{ $i := .Get "item" }}'
    '{{ $t := .Get "title" | htmlUnescape }}{{ $s := .Get "style" }}'
    '<figure class="nr-embed"><iframe src="{{ $b }}/{{ $p }}/{{ $i }}/embed.html" '
    'title="{{ $t }}" width="100%" height="{{ .Get "height" }}" style="{{ $s | safeCSS }}" '
    f"{_FRAME_RIGHTS} {_SANDBOX}></iframe>"
    '<figcaption>{{ $t }}. <a href="{{ $b }}/{{ $p }}/{{ $i }}.html">'
    '{{ .Get "link" | htmlUnescape }}</a></figcaption></figure>\n'
)


def snippets(site: Site, post: PostManifest, item: ItemManifest) -> dict[str, str]:
    """Every variant for one item, by name, each on one line.

    Valid from the moment the upload is seen. Raises BadInput with the reason when there is
    nothing to paste: the item failed and nothing of it plays, or it was withdrawn.
    """
    _refuse_hopeless(item)
    subject = subject_of_item(site, post, item)
    native = _NATIVE[item.kind](site, subject, item)
    return _variants(subject, native)


def snippet(site: Site, post: PostManifest, item: ItemManifest, variant: str) -> str:
    """One variant; raises BadInput that lists the known ones for a name that is none of them."""
    if variant not in VARIANTS:
        raise BadInput(f"There is no snippet called “{variant}”; choose one of {_listed()}.")
    return snippets(site, post, item)[variant]


def gallery_snippets(site: Site, post: PostManifest) -> dict[str, str]:
    """Every variant for all photos of the post; `native` is the first three and a link.

    Raises BadInput when the post has no photo.
    """
    if not display.photos(post):
        raise BadInput(f"“{display.post_title(post)}” has no photos to make a gallery of.")
    subject = subject_of_gallery(site, post)
    return _variants(subject, _native_gallery(site, post, subject))


def post_snippets(site: Site, post: PostManifest) -> dict[str, str]:
    """The address of the whole post, and its cover as a link to it in HTML and Markdown."""
    say = Phrases(post.language)
    page = address.absolute(site, address.post_page(post))
    name = display.post_title(post)
    cover = display.cover(post)
    if cover is None:
        return {"url": page}
    picture = public_poster(site, cover)
    alt = f"{say('watch-post')}: {name}"
    return {
        "url": page,
        "poster": _poster_link(page, picture, alt, name),
        "markdown": _markdown_link(page, picture.key, alt, name),
    }


def oembed(site: Site, post: PostManifest, item: ItemManifest) -> dict[str, Any]:
    """What a blog is told that asks about an item's page (oEmbed 1.0).

    Film and sound are both of type `video`: newsletters and Mastodon play nothing else. What
    failed or was withdrawn becomes a plain link, so that old articles keep an honest line.
    """
    say = Phrases(post.language)
    about = _about(site, post, display.title(item, post.language))
    if display.stage(item) in (Stage.FAILED, Stage.WITHDRAWN):
        return about | {"type": "link", "title": say(f"{display.stage(item)}-{item.kind}")}
    if item.kind is Kind.PHOTO and display.stage(item) is Stage.READY:
        return about | _oembed_photo(site, item)
    subject = subject_of_item(site, post, item)
    kind = "rich" if item.kind is Kind.PHOTO else "video"
    return about | _oembed_frame(subject, kind) | _thumbnail(site, item)


def gallery_oembed(site: Site, post: PostManifest) -> dict[str, Any]:
    """What a blog is told that asks about the gallery's page."""
    about = _about(site, post, display.post_title(post))
    return (
        about
        | _oembed_frame(subject_of_gallery(site, post), "rich")
        | _thumbnail(site, display.photos(post)[0])
    )


def hugo_shortcode(site: Site) -> tuple[str, str]:
    """File name and text of the shortcode that a Hugo site installs once.

    A site may set `params.nrBase` and so move to another bucket without editing its articles.
    """
    text = _SHORTCODE.replace("BASE", escape.hugo(site.base_url.rstrip("/")))
    return "layouts/shortcodes/nr.html", text


def _refuse_hopeless(item: ItemManifest) -> None:
    stage = display.stage(item)
    if stage is Stage.WITHDRAWN:
        raise BadInput(f"“{item.item}” was withdrawn; there is nothing to paste.")
    if stage is Stage.FAILED:
        reason = item.error.message if item.error else "It could not be prepared."
        raise BadInput(f"There is nothing to paste for “{item.source.name}”: {reason}")


def _listed() -> str:
    return ", ".join(VARIANTS)


# --- variants --------------------------------------------------------------------------------


def _variants(subject: Subject, native: str) -> dict[str, str]:
    picture = Picture(
        key=subject.poster, width=subject.poster_size[0], height=subject.poster_size[1]
    )
    text = f"{subject.invitation}: {subject.name}"
    return {
        "iframe": _iframe(subject),
        "url": subject.page,
        "native": native,
        "poster": _poster_link(subject.page, picture, subject.poster_alt, text),
        "markdown": _markdown_link(subject.page, subject.poster, subject.poster_alt, text),
        "hugo": _hugo(subject),
    }


def _iframe(subject: Subject) -> str:
    frame = subject.frame
    return (
        f'<figure class="nr-embed"><iframe src="{_attribute(subject.frame_page)}" '
        f'title="{_attribute(subject.label)}" width="100%" height="{frame.height}" '
        f'style="{frame.style}" {_FRAME_RIGHTS} {_SANDBOX}></iframe>{_caption(subject)}</figure>'
    )


def _caption(subject: Subject) -> str:
    words = ". ".join(
        escape.html_text(part).rstrip(".") for part in (subject.name, subject.credit) if part
    )
    link = f'<a href="{_attribute(subject.page)}">{escape.html_text(subject.invitation)}</a>'
    return f"<figcaption>{words}. {link}</figcaption>"


def _poster_link(page: str, picture: Picture, alt: str, text: str) -> str:
    width, height = fitted(picture)
    return (
        f'<p><a href="{_attribute(page)}"><img src="{_attribute(picture.key)}" '
        f'width="{width}" height="{height}" alt="{_attribute(alt)}" '
        f'style="width:100%;max-width:{width}px;height:auto"></a>'
        f'<br><a href="{_attribute(page)}">{escape.html_text(text)}</a></p>'
    )


def _markdown_link(page: str, picture: str, alt: str, text: str) -> str:
    return f"[![{escape.markdown(alt)}]({picture})]({page}) [{escape.markdown(text)}]({page})"


def _hugo(subject: Subject) -> str:
    values = {
        "post": subject.post,
        "item": subject.item,
        "title": escape.hugo(subject.name),
        "height": str(subject.frame.height),
        "style": subject.frame.style,
        "link": escape.hugo(subject.invitation),
    }
    arguments = " ".join(f'{name}="{value}"' for name, value in values.items())
    return f"{{{{< nr {arguments} >}}}}"


def _native_video(site: Site, subject: Subject, item: ItemManifest) -> str:
    width, height = display.shape(item)
    limit = f"max-width:{subject.frame.limit};" if subject.frame.limit else ""
    return (
        f'<figure><video controls preload="none" playsinline '
        f'poster="{_url(site, item, "poster.jpg")}" width="{width}" height="{height}" '
        f'style="width:100%;{limit}height:auto" src="{_url(site, item, "video.mp4")}">'
        f"{_inner_link(subject)}</video>{_caption(subject)}</figure>"
    )


def _native_audio(site: Site, subject: Subject, item: ItemManifest) -> str:
    return (
        f'<figure><audio controls preload="none" style="width:100%" '
        f'src="{_url(site, item, "audio.m4a")}">{_inner_link(subject)}</audio>'
        f"{_caption(subject)}</figure>"
    )


def _native_photo(site: Site, subject: Subject, item: ItemManifest) -> str:
    return (
        f'<figure><a href="{_attribute(subject.page)}">{_picture(site, subject, item)}</a>'
        f"{_caption(subject)}</figure>"
    )


def _picture(site: Site, subject: Subject, item: ItemManifest) -> str:
    """`src` names a JPEG of middle width, because it is what the strictest editors keep."""
    avif, jpeg = _srcset(site, display.avifs(item)), _srcset(site, display.jpegs(item))
    width, height = subject.poster_size
    colour = f";background-color:{display.colour(item)}" if display.colour(item) else ""
    source = f'<source type="image/avif" srcset="{avif}" sizes="{_SIZES}">' if avif else ""
    widths = f'srcset="{jpeg}" sizes="{_SIZES}" ' if jpeg else ""
    return (
        f'<picture>{source}<img src="{_attribute(subject.poster)}" {widths}'
        f'width="{width}" height="{height}" style="width:100%;height:auto{colour}" '
        f'loading="lazy" decoding="async" alt="{_attribute(subject.poster_alt)}"></picture>'
    )


def _native_gallery(site: Site, post: PostManifest, subject: Subject) -> str:
    """The first three photos side by side: what feeds and mail show of a gallery."""
    language = post.language
    images = "".join(
        _strip_image(public_poster(site, item), display.alt(item, language), subject.page)
        for item in display.photos(post)[:3]
    )
    return f"<figure>{images}{_caption(subject)}</figure>"


def _strip_image(picture: Picture, alt: str, page: str) -> str:
    return (
        f'<a href="{_attribute(page)}"><img src="{_attribute(picture.key)}" '
        f'width="{picture.width}" height="{picture.height}" '
        f'style="width:32%;height:auto;margin-right:1%" loading="lazy" '
        f'alt="{_attribute(alt)}"></a>'
    )


_NATIVE: dict[Kind, Callable[[Site, Subject, ItemManifest], str]] = {
    Kind.VIDEO: _native_video,
    Kind.AUDIO: _native_audio,
    Kind.PHOTO: _native_photo,
}


def _inner_link(subject: Subject) -> str:
    return f'<a href="{_attribute(subject.page)}">{escape.html_text(subject.invitation)}</a>'


def _srcset(site: Site, made: tuple[Artifact, ...]) -> str:
    return _attribute(", ".join(f"{address.absolute(site, one.key)} {one.width}w" for one in made))


def _url(site: Site, item: ItemManifest, name: str) -> str:
    return _attribute(address.absolute(site, address.file(item, name)))


_attribute = escape.html_attribute


# --- oEmbed ----------------------------------------------------------------------------------


def _about(site: Site, post: PostManifest, title: str) -> dict[str, Any]:
    about = {
        "version": "1.0",
        "title": title,
        "provider_name": site.name,
        "provider_url": address.absolute(site, ""),
        "cache_age": 3600,
    }
    return about | ({"author_name": post.byline} if post.byline else {})


def _oembed_frame(subject: Subject, kind: str) -> dict[str, Any]:
    """Width and height are plain numbers: editors derive the shape from them."""
    frame = subject.frame
    html = (
        f'<iframe src="{_attribute(subject.frame_page)}" width="{frame.width}" '
        f'height="{frame.height}" title="{_attribute(subject.label)}" style="{frame.style}" '
        f"{_FRAME_RIGHTS}></iframe>"
    )
    return {"type": kind, "width": frame.width, "height": frame.height, "html": html}


def _oembed_photo(site: Site, item: ItemManifest) -> dict[str, Any]:
    made = display.article_photo(item)
    url = address.absolute(site, made.key)
    return {"type": "photo", "url": url, "width": made.width, "height": made.height}


def _thumbnail(site: Site, item: ItemManifest) -> dict[str, Any]:
    picture = display.poster(item)
    return {
        "thumbnail_url": address.absolute(site, picture.key),
        "thumbnail_width": picture.width,
        "thumbnail_height": picture.height,
    }
