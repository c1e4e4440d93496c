"""Things that can be pasted: an item, or all photos of a post.

Owns what every variant of a snippet needs to know of its subject, already in the post's language
and with public URLs, and the box its frame takes in an article. Refuses to write markup: see
`embed`; what is shown at all is decided in `display`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pipeline import address, display
from pipeline.display import Picture
from pipeline.model import ItemManifest, Kind, PostManifest, Site
from pipeline.phrases import Phrases

# oEmbed answers cannot obey `maxwidth` from a bucket: a small nominal width and fluid markup.
NOMINAL_WIDTH = 640

# A portrait film as wide as the article would be taller than a phone's screen.
_PORTRAIT_HEIGHT = 640

# Title, sound control, waveform and a link; blogs that fix heights clamp to at least 200 px.
_AUDIO_HEIGHT = 180

# The shape of the strip of photos: landscape pictures fit it and portrait ones stay readable.
_GALLERY_RATIO = (3, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The box an iframe takes in an article: nominal height, and the style that makes it fluid."""

    width: int
    height: int
    ratio: str
    limit: str

    @property
    def style(self) -> str:
        """The inline style; where an editor drops it, the element's width and height remain."""
        shape = (
            f"height:auto;aspect-ratio:{self.ratio}" if self.ratio else f"height:{self.height}px"
        )
        limit = f"max-width:{self.limit};" if self.limit else ""
        return f"display:block;width:100%;{limit}{shape};border:0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that can be pasted: where it lies, what it is called, how it looks."""

    page: str
    frame_page: str
    name: str
    label: str
    invitation: str
    credit: str
    poster: str
    poster_alt: str
    poster_size: tuple[int, int]
    frame: Frame
    post: str
    item: str
    kind: str


def subject_of_item(site: Site, post: PostManifest, item: ItemManifest) -> Subject:
    """One item, in the post's language."""
    say, language = Phrases(post.language), post.language
    picture = public_poster(site, item)
    return Subject(
        page=address.absolute(site, address.watch(item)),
        frame_page=address.absolute(site, address.frame(item)),
        name=_sentence(item, language),
        label=display.label(item, say, language),
        invitation=display.invitation(item, say),
        credit=item.credit or post.credit if item.kind is Kind.PHOTO else "",
        poster=picture.key,
        poster_alt=_poster_alt(item, say, language),
        poster_size=(picture.width, picture.height),
        frame=_frame_of(item),
        post=item.post,
        item=item.item,
        kind=item.kind,
    )


def subject_of_gallery(site: Site, post: PostManifest) -> Subject:
    """All photos of a post; it must have one."""
    say = Phrases(post.language)
    photos = display.photos(post)
    name = f"{display.post_title(post)} ({say.count('photo', len(photos))})"
    picture = public_poster(site, photos[0])
    return Subject(
        page=address.absolute(site, address.gallery(post)),
        frame_page=address.absolute(site, address.gallery_file(post, "embed.html")),
        name=name,
        label=f"{say('gallery')}: {name}",
        invitation=say("watch-gallery"),
        credit=post.credit,
        poster=picture.key,
        poster_alt=f"{say('watch-gallery')}: {name}",
        poster_size=(picture.width, picture.height),
        frame=_box(_GALLERY_RATIO),
        post=post.post,
        item="gallery",
        kind="gallery",
    )


def fitted(picture: Picture) -> tuple[int, int]:
    """The size of a picture in an article: no wider than a frame, and portrait no taller."""
    width = min(picture.width, NOMINAL_WIDTH)
    if picture.height > picture.width:
        width = min(width, round(_PORTRAIT_HEIGHT * picture.width / picture.height))
    return width, round(picture.height * width / picture.width)


def _sentence(item: ItemManifest, language: str) -> str:
    """A photo is captioned by its caption; film and sound by their title."""
    text = item.caption if item.kind is Kind.PHOTO and item.caption else ""
    return text or display.title(item, language)


def _poster_alt(item: ItemManifest, say: Phrases, language: str) -> str:
    if item.kind is Kind.PHOTO:
        return display.alt(item, language)
    text = say(f"poster-{item.kind}", title=display.title(item, language))
    return f"▶ {text} ({display.length(item)})" if display.length(item) else f"▶ {text}"


def public_poster(site: Site, item: ItemManifest) -> Picture:
    """The picture of a poster link, its key made a public URL; a badge tells film from photo."""
    picture = display.poster(item)
    key = picture.key
    if item.kind is not Kind.PHOTO:
        key = address.file(item, "poster-play.jpg")
    return Picture(key=address.absolute(site, key), width=picture.width, height=picture.height)


def _frame_of(item: ItemManifest) -> Frame:
    if item.kind is Kind.AUDIO:
        return Frame(width=NOMINAL_WIDTH, height=_AUDIO_HEIGHT, ratio="", limit="")
    return _box(display.ratio(item))


def _box(ratio: tuple[int, int]) -> Frame:
    across, down = ratio
    if across >= down:
        height, width, limit = round(NOMINAL_WIDTH * Fraction(down, across)), NOMINAL_WIDTH, ""
    else:
        height, width = _PORTRAIT_HEIGHT, round(_PORTRAIT_HEIGHT * Fraction(across, down))
        limit = f"min(100%,{width}px)"
    return Frame(width=width, height=max(height, 1), ratio=f"{across}/{down}", limit=limit)
