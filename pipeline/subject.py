"""Things that can be pasted: an item, all photos of a post, or the whole post.

Owns what every variant of a snippet needs to know of its subject, already in the wanted language
and with public URLs, and the box it takes in an article. Refuses to write markup: see
`embed_markup`; what is shown at all is decided in `display`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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

# The cover of a post with a line about it; most covers are films or landscape photos.
_POST_RATIO = (16, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a reporter wants a snippet: in which language, and how wide in CSS pixels.

    "" is the post's own language. `width` is exact, except on narrower screens; `max_width` lets
    it shrink with the column. With neither it is as wide as the column.
    """

    language: str = ""
    width: int | None = None
    max_width: int | None = None

    def spoken(self, post: PostManifest) -> PostManifest:
        """The post in the wanted language: its titles and all our phrases follow it."""
        return replace(post, language=self.language) if self.language else post


AS_IT_IS = Look()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The box something takes in an article: a nominal size, and the style that makes it fluid.

    `limit` is its greatest width in pixels, None where the column is the only limit; an `exact`
    box is as wide as its limit wherever the screen allows it.
    """

    width: int
    height: int
    ratio: str
    limit: int | None = None
    exact: bool = False

    @property
    def across(self) -> str:
        """The part of a style that says how wide it is, alike in every variant."""
        if self.limit is None:
            return "width:100%"
        if self.exact:
            return f"width:{self.limit}px;max-width:100%"
        return f"width:100%;max-width:{self.limit}px"

    @property
    def style(self) -> str:
        """The inline style; where an editor drops it, the element's width and height remain."""
        shape = (
            f"height:auto;aspect-ratio:{self.ratio}" if self.ratio else f"height:{self.height}px"
        )
        return f"display:block;{self.across};{shape};border:0"

    @property
    def width_attribute(self) -> str:
        """What stands in the element's width."""
        return str(self.limit) if self.exact else "100%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that can be pasted: where it lies, what it is called, how it looks.

    `key` is its page's key, `frame_key` that of what an iframe shows; `shape` is its true size.
    """

    key: str
    frame_key: str
    page: str
    frame_page: str
    name: str
    label: str
    invitation: str
    credit: str
    poster: Picture
    poster_alt: str
    frame: Frame
    shape: tuple[int, int]
    kind: str


def subject_of_item(
    site: Site, post: PostManifest, item: ItemManifest, look: Look = AS_IT_IS
) -> Subject:
    """One item, in the post's language."""
    say, language = Phrases(post.language), post.language
    return Subject(
        key=address.watch(item),
        frame_key=address.frame(item),
        page=address.absolute(site, address.watch(item)),
        frame_page=address.absolute(site, address.frame(item)),
        name=_sentence(item, language),
        label=display.label(item, say, language),
        invitation=display.invitation(item, say),
        credit=item.credit or post.credit if item.kind is Kind.PHOTO else "",
        poster=public_poster(site, item),
        poster_alt=_poster_alt(item, say, language),
        frame=_frame_of(item, look),
        shape=display.shape(item),
        kind=item.kind,
    )


def subject_of_gallery(site: Site, post: PostManifest, look: Look = AS_IT_IS) -> Subject:
    """All photos of a post; it must have one. The post's cover leads where it is a photo."""
    say = Phrases(post.language)
    photos = display.photos(post)
    name = f"{display.post_title(post)} ({say.count('photo', len(photos))})"
    frame = address.gallery_file(post, "embed.html")
    return Subject(
        key=address.gallery(post),
        frame_key=frame,
        page=address.absolute(site, address.gallery(post)),
        frame_page=address.absolute(site, frame),
        name=name,
        label=f"{say('gallery')}: {name}",
        invitation=say("watch-gallery"),
        credit=post.credit,
        poster=public_poster(site, _leading(post, photos)),
        poster_alt=f"{say('watch-gallery')}: {name}",
        frame=_box(_GALLERY_RATIO, look),
        shape=_GALLERY_RATIO,
        kind="gallery",
    )


def subject_of_post(site: Site, post: PostManifest, look: Look = AS_IT_IS) -> Subject | None:
    """The whole post, by its cover; None while nothing of it can be shown."""
    say, cover = Phrases(post.language), display.cover(post)
    if cover is None:
        return None
    name = display.post_title(post)
    frame = address.post_file(post, "embed.html")
    return Subject(
        key=address.post_page(post),
        frame_key=frame,
        page=address.absolute(site, address.post_page(post)),
        frame_page=address.absolute(site, frame),
        name=name,
        label=f"{say('post')}: {name}",
        invitation=say("watch-post"),
        credit="",
        poster=public_poster(site, cover),
        poster_alt=f"{say('watch-post')}: {name}",
        frame=_box(_POST_RATIO, look),
        shape=_POST_RATIO,
        kind="post",
    )


def fitted(picture: Picture, look: Look = AS_IT_IS) -> Frame:
    """The box of a picture in an article: no wider than a frame, and portrait no taller."""
    natural = min(picture.width, NOMINAL_WIDTH)
    if picture.height > picture.width:
        natural = min(natural, _of(_PORTRAIT_HEIGHT, picture.width, picture.height))
    width = look.width or min(natural, look.max_width or natural)
    return Frame(
        width=width,
        height=_height(width, (picture.width, picture.height)),
        ratio="",
        limit=width,
        exact=bool(look.width),
    )


def spread(look: Look) -> Frame:
    """The box of what may be as wide as the column whatever its shape."""
    limit = look.width or look.max_width
    return Frame(width=limit or NOMINAL_WIDTH, height=0, ratio="", limit=limit, exact=_exact(look))


def public_poster(site: Site, item: ItemManifest) -> Picture:
    """The picture of a poster link, its key made a public URL; a badge tells film from photo.

    Both names last: they are there before the item is ready, and after it was withdrawn.
    """
    picture = display.poster(item)
    name = "poster.jpg" if item.kind is Kind.PHOTO else "poster-play.jpg"
    key = address.file(item, name)
    return Picture(key=address.absolute(site, key), width=picture.width, height=picture.height)


def _leading(post: PostManifest, photos: tuple[ItemManifest, ...]) -> ItemManifest:
    return next((photo for photo in photos if photo.item == post.cover), photos[0])


def _sentence(item: ItemManifest, language: str) -> str:
    """A photo is captioned by its caption; film and sound by their title."""
    text = item.caption if item.kind is Kind.PHOTO and item.caption else ""
    return text or display.title(item, language)


def _poster_alt(item: ItemManifest, say: Phrases, language: str) -> str:
    if item.kind is Kind.PHOTO:
        return display.alt(item, language)
    text = say(f"poster-{item.kind}", title=display.title(item, language))
    return f"▶ {text} ({display.length(item)})" if display.length(item) else f"▶ {text}"


def _frame_of(item: ItemManifest, look: Look) -> Frame:
    if item.kind is Kind.AUDIO:
        return replace(spread(look), height=_AUDIO_HEIGHT)
    return _box(display.ratio(item), look)


def _box(ratio: tuple[int, int], look: Look) -> Frame:
    across, down = ratio
    upright = down > across
    natural = _of(_PORTRAIT_HEIGHT, across, down) if upright else NOMINAL_WIDTH
    limits = (natural if upright else None, look.max_width)
    limit = look.width or min((one for one in limits if one), default=None)
    width = limit if look.width and limit else min(natural, limit or natural)
    return Frame(
        width=width,
        height=_height(width, ratio),
        ratio=f"{across}/{down}",
        limit=limit,
        exact=_exact(look),
    )


def _height(width: int, ratio: tuple[int, int]) -> int:
    """Of a box that is so wide; rounding the width of an upright one changes nothing."""
    across, down = ratio
    if down > across and width == _of(_PORTRAIT_HEIGHT, across, down):
        return _PORTRAIT_HEIGHT
    return _of(width, down, across)


def _exact(look: Look) -> bool:
    return look.width is not None


def _of(size: int, part: int, whole: int) -> int:
    """`size` * part / whole, halves up as browsers round, and never nothing."""
    return max(1, (2 * size * part + whole) // (2 * whole))
