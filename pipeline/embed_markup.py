"""The markup of snippets: one function for each variant, from a Subject to one line of text.

Owns elements, attributes and inline styles, each there because an editor or sanitizer was measured
to keep it. Refuses to choose: which variants a thing has, and whether it may be pasted at all, is
`embed`'s; every text goes through `escape`.
"""

from __future__ import annotations

import re

from pipeline import address, display, escape
from pipeline.display import Picture
from pipeline.model import Artifact, ItemManifest, Site
from pipeline.subject import Frame, Look, Subject, fitted, spread

# How wide a photo is shown in the article: the whole of a phone, a column elsewhere.
_SIZES = "(min-width:50em) 760px, 100vw"

# Both ways to allow full screen: feed readers know only the second. The sandbox keeps the frame
# from navigating the article, opening dialogs and submitting forms.
FRAME_RIGHTS = (
    'loading="lazy" allow="fullscreen; picture-in-picture" allowfullscreen '
    'referrerpolicy="no-referrer"'
)
_SANDBOX = 'sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"'

# A photo below the first screen waits until it is near; the first image of an article must not.
NEAR = 'loading="lazy" decoding="async"'
FIRST = 'fetchpriority="high" decoding="async"'

# `safeCSS`, because Go's templates refuse a slash in a style; `htmlUnescape` undoes our escaping.
_HUGO = (
    '{{ $b := (site.Params.nrBase | default "BASE") | htmlUnescape }}'
    '{{ $t := .Get "title" | htmlUnescape }}{{ $s := .Get "style" }}'
    '<figure class="nr-embed"><iframe src="{{ $b }}/{{ .Get "frame" }}" '
    'title="{{ .Get "label" | htmlUnescape }}" width="{{ .Get "width" }}" '
    'height="{{ .Get "height" }}" style="{{ $s | safeCSS }}" '
    f"{FRAME_RIGHTS} {_SANDBOX}></iframe>"
    '<figcaption>{{ $t }}. <a href="{{ $b }}/{{ .Get "page" }}">'
    '{{ .Get "link" | htmlUnescape }}</a></figcaption></figure>\n'
)
# Jekyll's includes write their arguments as they are: they come as character references already.
_JEKYLL = (
    '{% assign b = site.nr_base | default: "BASE" %}'
    '<figure class="nr-embed"><iframe src="{{ b }}/{{ include.frame }}" '
    'title="{{ include.label }}" width="{{ include.width }}" height="{{ include.height }}" '
    f'style="{{{{ include.style }}}}" {FRAME_RIGHTS} {_SANDBOX}></iframe>'
    '<figcaption>{{ include.title }}. <a href="{{ b }}/{{ include.page }}">'
    "{{ include.link }}</a></figcaption></figure>\n"
)


def iframe(subject: Subject) -> str:
    """The player in a frame, with a caption that survives it."""
    frame = subject.frame
    return (
        f'<figure class="nr-embed"><iframe src="{_attribute(subject.frame_page)}" '
        f'title="{_attribute(subject.label)}" width="{frame.width_attribute}" '
        f'height="{frame.height}" style="{frame.style}" {FRAME_RIGHTS} {_SANDBOX}></iframe>'
        f"{_caption(subject)}</figure>"
    )


def poster_link(subject: Subject, look: Look) -> str:
    """A picture that leads to the page, and the same in words: blocked images take no link away."""
    box = fitted(subject.poster, look)
    return (
        f'<p><a href="{_attribute(subject.page)}"><img src="{_attribute(subject.poster.key)}" '
        f'width="{box.width}" height="{box.height}" alt="{_attribute(subject.poster_alt)}" '
        f'style="{box.across};height:auto"></a>'
        f'<br><a href="{_attribute(subject.page)}">{escape.html_text(_words(subject))}</a></p>'
    )


def markdown_link(subject: Subject) -> str:
    """The same in Markdown."""
    alt, words = escape.markdown(subject.poster_alt), escape.markdown(_words(subject))
    return f"[![{alt}]({subject.poster.key})]({subject.page}) [{words}]({subject.page})"


def hugo(subject: Subject) -> str:
    """One line for Hugo, whose shortcode of `hugo_file` is installed once."""
    return f"{{{{< nr {_arguments(subject)} >}}}}"


def jekyll(subject: Subject) -> str:
    """One line for Jekyll, whose include of `jekyll_file` is installed once."""
    return f"{{% include nr.html {_arguments(subject)} %}}"


def hugo_file(site: Site) -> tuple[str, str]:
    """File name and text of the shortcode that a Hugo site installs once.

    A site may set `params.nrBase` and so move to another bucket without editing its articles.
    """
    return "layouts/shortcodes/nr.html", _HUGO.replace("BASE", _base(site))


def jekyll_file(site: Site) -> tuple[str, str]:
    """The same for Jekyll; its setting is `nr_base` in _config.yml."""
    return "_includes/nr.html", _JEKYLL.replace("BASE", _base(site))


def _base(site: Site) -> str:
    return escape.shortcode(site.base_url.rstrip("/"))


def _arguments(subject: Subject) -> str:
    values = {
        "page": subject.key,
        "frame": subject.frame_key,
        "title": escape.shortcode(subject.name),
        "label": escape.shortcode(subject.label),
        "width": subject.frame.width_attribute,
        "height": str(subject.frame.height),
        "style": subject.frame.style,
        "link": escape.shortcode(subject.invitation),
    }
    return " ".join(f'{name}="{value}"' for name, value in values.items())


# --- what plays or shows by itself -----------------------------------------------------------


def native_video(site: Site, subject: Subject, item: ItemManifest) -> str:
    """The film's file on the element itself: `source` elements are removed by WordPress."""
    width, height = subject.shape
    return (
        f'<figure><video controls preload="none" playsinline '
        f'poster="{_url(site, item, "poster.jpg")}" width="{width}" height="{height}" '
        f'style="{subject.frame.across};height:auto" src="{_url(site, item, "video.mp4")}">'
        f"{_link(subject)}</video>{_caption(subject)}</figure>"
    )


def native_audio(site: Site, subject: Subject, item: ItemManifest) -> str:
    """The recording's file on the element itself."""
    return (
        f'<figure><audio controls preload="none" style="{subject.frame.across}" '
        f'src="{_url(site, item, "audio.m4a")}">{_link(subject)}</audio>'
        f"{_caption(subject)}</figure>"
    )


def photo(site: Site, subject: Subject, item: ItemManifest, box: tuple[Frame, str]) -> str:
    """A photo in its widths; `box` is how wide it is shown and how it is loaded."""
    moving = display.loop(item)
    if moving is not None:
        return _loop(site, subject, moving, box[0])
    return (
        f'<figure><a href="{_attribute(subject.page)}">{_picture(site, subject, item, box)}</a>'
        f"{_caption(subject)}</figure>"
    )


def _loop(site: Site, subject: Subject, made: Artifact, frame: Frame) -> str:
    """A picture that moves by itself, unless its reader wants no motion: then its still is shown.

    Where an editor drops the question (`media`), the browser's controls can stop it.
    """
    return (
        f'<figure><video autoplay loop muted playsinline controls preload="none" '
        f'poster="{_attribute(subject.poster.key)}" width="{made.width}" height="{made.height}" '
        f'style="{frame.across};height:auto" aria-label="{_attribute(subject.poster_alt)}">'
        f'<source src="{_attribute(address.absolute(site, made.key))}" type="video/mp4" '
        f'media="(prefers-reduced-motion: no-preference)">'
        f"{_link(subject)}</video>{_caption(subject)}</figure>"
    )


def _picture(site: Site, subject: Subject, item: ItemManifest, box: tuple[Frame, str]) -> str:
    """`src` names the lasting JPEG of middle width, because it is what strict editors keep."""
    frame, loading = box
    avif, jpeg = _srcset(site, display.avifs(item)), _srcset(site, display.jpegs(item))
    colour = f";background-color:{display.colour(item)}" if display.colour(item) else ""
    source = f'<source type="image/avif" srcset="{avif}" sizes="{_sizes(frame)}">' if avif else ""
    widths = f'srcset="{jpeg}" sizes="{_sizes(frame)}" ' if jpeg else ""
    return (
        f'<picture>{source}<img src="{_attribute(subject.poster.key)}" {widths}'
        f'width="{subject.poster.width}" height="{subject.poster.height}" '
        f'style="{frame.across};height:auto{colour}" {loading} '
        f'alt="{_attribute(subject.poster_alt)}"></picture>'
    )


def _sizes(frame: Frame) -> str:
    return _SIZES if frame.limit is None else f"(min-width:{frame.limit}px) {frame.limit}px, 100vw"


def strip(subject: Subject, pictures: list[tuple[Picture, str]], look: Look) -> str:
    """The first photos of a gallery side by side, each leading to it: for feeds and mail."""
    images = "".join(_strip_image(picture, alt, subject.page) for picture, alt in pictures)
    return f'<figure style="{spread(look).across}">{images}{_caption(subject)}</figure>'


def _strip_image(picture: Picture, alt: str, page: str) -> str:
    return (
        f'<a href="{_attribute(page)}"><img src="{_attribute(picture.key)}" '
        f'width="{picture.width}" height="{picture.height}" '
        f'style="width:32%;height:auto;margin-right:1%" loading="lazy" '
        f'alt="{_attribute(alt)}"></a>'
    )


# --- parts -----------------------------------------------------------------------------------


def _caption(subject: Subject) -> str:
    words = ". ".join(
        escape.html_text(part.rstrip(".")) for part in (subject.name, subject.credit) if part
    )
    return f"<figcaption>{words}. {_link(subject)}</figcaption>"


def _link(subject: Subject) -> str:
    return f'<a href="{_attribute(subject.page)}">{escape.html_text(subject.invitation)}</a>'


def _words(subject: Subject) -> str:
    return f"{subject.invitation}: {subject.name}"


def _srcset(site: Site, made: tuple[Artifact, ...]) -> str:
    return _attribute(", ".join(f"{address.absolute(site, one.key)} {one.width}w" for one in made))


def _url(site: Site, item: ItemManifest, name: str) -> str:
    return _attribute(address.absolute(site, address.file(item, name)))


_attribute = escape.html_attribute


def reason(text: str) -> str:
    """What stands in the place of a snippet: a comment that no reader sees, should it be pasted."""
    return f"<!-- {escape.html_comment(text)} -->"


def is_reason(text: str) -> bool:
    """Whether this is a reason, not something to paste."""
    return re.fullmatch(r"<!-- .* -->", text) is not None
