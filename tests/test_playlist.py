"""HLS playlists: golden files, the rules of RFC 8216, and what another reader makes of them."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import goldens
import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import playlist
from pipeline.model import Fragmented, Segment
from pipeline.playlist import Piece, Rates, Rendition, Variant

CLOCK = 1000
HEADER = 700


def inside(lengths: tuple[int, ...], *, start: int = 0, size: int = 50_000) -> Fragmented:
    """Fragments of these lengths in ms, one after the other, each of `size` bytes."""
    starts = [start + sum(lengths[:number]) for number in range(len(lengths))]
    segments = tuple(
        Segment(offset=HEADER + number * size, bytes=size, start=begin, duration=length)
        for number, (begin, length) in enumerate(zip(starts, lengths, strict=True))
    )
    return Fragmented(codec="avc1.64001f", timescale=CLOCK, header_bytes=HEADER, segments=segments)


def piece(name: str, *lengths: int, start: int = 0, size: int = 50_000) -> Piece:
    """A chunk file of such fragments."""
    return Piece(url=f"../../r/{name}/720.mp4", inside=inside(lengths, start=start, size=size))


FIRST = piece("a", 4000)
SECOND = piece("b", 4000, 4000, start=4000)
THIRD = piece("c", 4000, 4000, 1520, start=12_000, size=70_000)
LATE = piece("c", 4000, 1520, start=16_000)


def media(*pieces: Piece, complete: bool = True, target_s: float = 4.0) -> str:
    """A media playlist."""
    return playlist.media(pieces, target_s=target_s, complete=complete)


VARIANTS = tuple(
    Variant(
        url=f"{height}.m3u8",
        codecs=codecs,
        width=height * 16 // 9,
        height=height,
        frame_rate=Fraction(30000, 1001),
        rates=Rates(peak=height * 3000, average=height * 2000),
    )
    for height, codecs in ((360, "avc1.64001e"), (720, "avc1.64001f"))
)
SOUNDS = tuple(
    Rendition(
        url=f"sound-{number}.m3u8",
        name=name,
        language=language,
        default=not number,
        codecs="mp4a.40.2",
        channels=2,
        rates=Rates(peak=130_000 + number, average=128_000 + number),
    )
    for number, (language, name) in enumerate([("es", 'El "pleno"\nentero'), ("und", "Original")])
)
TEXTS = (Rendition(url="captions-en.m3u8", name="English", language="en"),)

LISTS = {
    "growing": media(FIRST, SECOND, complete=False),
    "complete": media(FIRST, SECOND, THIRD),
    "gap": media(FIRST, SECOND, LATE),
    "gap-first": media(SECOND, complete=False),
    "captions": playlist.whole("../../r/d/en.vtt", 21.52),
    "multivariant": playlist.multivariant(VARIANTS, SOUNDS, TEXTS),
    "silent": playlist.multivariant(VARIANTS[:1], (), ()),
}


@pytest.mark.parametrize("name", LISTS)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    """Every playlist is as it was read and agreed on, line by line."""
    rewrite = request.config.getoption("--golden")
    goldens.check(f"playlist/{name}.m3u8", LISTS[name], rewrite=rewrite)


# --- the rules of RFC 8216 ---------------------------------------------------------------------


def check(text: str) -> m3u8.M3U8:
    """Whatever holds for every media playlist of ours; returns it as another reader sees it."""
    found = m3u8.loads(text)
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U"
    assert text.endswith("\n")
    assert found.target_duration is not None
    # 4.3.3.1: every EXTINF, rounded to the nearest integer, is no more than the target.
    assert all(math.floor(s.duration + 0.5) <= found.target_duration for s in found.segments)
    assert all(s.duration > 0 for s in found.segments)
    # 4.3.3.5 and 4.3.3.4: an end there is, or there will be.
    assert found.is_endlist == (found.playlist_type == "vod")
    assert lines.count("#EXT-X-ENDLIST") == found.is_endlist
    # 7: fractions need 3, byte ranges 4, EXT-X-MAP 6; EXT-X-GAP came with 8.
    assert found.version is not None
    assert int(found.version) >= (8 if any(s.gap_tag for s in found.segments) else 7)
    ranges: dict[str, list[tuple[int, int]]] = {}
    for segment in found.segments:
        assert segment.init_section is not None
        assert segment.init_section.uri == segment.uri
        size, _, offset = segment.byterange.partition("@")
        header, _, start = segment.init_section.byterange.partition("@")
        assert (int(start), int(offset) >= int(header)) == (0, True)
        if not segment.gap_tag:
            ranges.setdefault(segment.uri, []).append((int(offset), int(offset) + int(size)))
    for known in ranges.values():
        assert all(early[1] <= late[0] for early, late in itertools.pairwise(known))
    return found


@pytest.mark.parametrize("name", ["growing", "complete", "gap", "gap-first"])
def test_media_playlists_keep_the_rules(name: str) -> None:
    """Target duration, version, end, headers, and byte ranges that do not overlap."""
    check(LISTS[name])


@st.composite
def films(draw: st.DrawFn) -> list[Piece]:
    """Chunks in the order of a film, with holes of any length and short last fragments."""
    pieces, now = [], 0
    for number in range(draw(st.integers(1, 6))):
        now += draw(st.sampled_from([0, 0, 0, 1, 33, 499, 500, 4000, 32_000]))
        lengths = draw(st.lists(st.integers(1, 4600), min_size=1, max_size=4))
        pieces.append(piece(str(number), *lengths, start=now))
        now += sum(lengths)
    return pieces


@given(films(), st.booleans())
def test_any_film_keeps_the_rules(
    pieces: list[Piece],
    complete: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    """Whatever is missing in it."""
    check(media(*pieces, complete=complete))


@given(films())
def test_a_list_is_as_long_as_its_film(pieces: list[Piece]) -> None:
    """Every fragment is listed where it is shown: gaps and small holes are made up for."""
    found = check(media(*pieces))
    now, shown = 0.0, iter([(p, s) for p in pieces for s in p.inside.segments])
    for segment in found.segments:
        if not segment.gap_tag:
            owner, real = next(shown)
            assert segment.uri == owner.url
            # A fragment takes the hole before it; it never starts later than it is listed.
            assert -0.001 <= real.start / CLOCK - now < playlist.GAP_S
        now += segment.duration
    assert now == pytest.approx(float(pieces[-1].end), abs=1e-4)
    assert next(shown, None) is None


@given(films())
def test_a_growing_list_is_only_appended_to(pieces: list[Piece]) -> None:
    """6.2.1: from one state to the next no line changes but version and end."""

    def body(text: str) -> list[str]:
        ignored = ("#EXT-X-VERSION", "#EXT-X-PLAYLIST-TYPE", "#EXT-X-START", "#EXT-X-ENDLIST")
        return [line for line in text.splitlines() if not line.startswith(ignored)]

    before = body(media(*pieces[:1], complete=False, target_s=5))
    for count in range(2, len(pieces) + 1):
        after = body(media(*pieces[:count], complete=False, target_s=5))
        assert after[: len(before)] == before
        before = after
    assert body(media(*pieces, target_s=5)) == before


def test_a_film_in_the_making_is_seen_from_its_start() -> None:
    """Players begin a list without an end near its end, unless they are told."""
    growing = m3u8.loads(LISTS["growing"])
    assert growing.playlist_type == "event"
    assert growing.start is not None
    assert growing.start.time_offset == 0
    assert m3u8.loads(LISTS["complete"]).start is None


def test_every_fragment_can_be_started_with() -> None:
    """Each begins with a key frame, in every list, so that players may change anywhere."""
    names = ("growing", "complete", "multivariant")
    assert all(m3u8.loads(LISTS[name]).is_independent_segments for name in names)


def test_a_gap_is_told_in_bearable_pieces() -> None:
    """No fragment longer than the target, none of them loaded; a small hole is no gap."""
    found = m3u8.loads(LISTS["gap"])
    gaps = [s.duration for s in found.segments if s.gap_tag]
    assert gaps == [4.0]
    long = check(media(FIRST, piece("z", 4000, start=36_000)))
    assert [s.duration for s in long.segments if s.gap_tag] == [4.0] * 8
    small = check(media(FIRST, piece("z", 4000, start=4001)))
    assert [s.duration for s in small.segments] == [4.0, 4.001]


def test_subtitles_are_one_segment() -> None:
    """One file that is valid for as long as the film."""
    found = m3u8.loads(LISTS["captions"])
    assert (found.is_endlist, found.playlist_type) == (True, "vod")
    (segment,) = found.segments
    assert (segment.uri, segment.duration) == ("../../r/d/en.vtt", 21.52)
    assert found.target_duration >= segment.duration


# --- bandwidths --------------------------------------------------------------------------------


def test_bandwidth_is_what_the_most_demanding_stretch_takes() -> None:
    """4.1: of every run of half a target duration to one and a half; the average of all bytes."""
    heavy = piece("b", 4000, 4000, start=4000, size=70_000)
    # 240 kb/s, but over a second alone: with its neighbour before, it takes 160.
    short = piece("c", 1000, start=12_000, size=30_000)
    found = playlist.rates([piece("a", 4000, size=10_000), heavy, short], 4.0)
    assert found.peak == (70_000 + 30_000) * 8 / 5
    assert found.average == math.ceil((10_000 + 2 * 70_000 + 30_000) * 8 / 13)
    # Too short for any run to count: the average must do.
    assert playlist.rates([short], 4.0) == Rates(peak=240_000, average=240_000)
    assert playlist.rates([], 4.0) == Rates(peak=0, average=0)


@given(films())
def test_no_stretch_is_above_the_bandwidth(pieces: list[Piece]) -> None:
    """4.3.4.2: it bounds them, and the average, too."""
    found = playlist.rates(pieces, 4.0)
    segments = [s for p in pieces for s in p.inside.segments]
    target = max([4, *(math.floor(s.duration / CLOCK + 0.5) for s in segments)]) * CLOCK
    for first, last in itertools.combinations_with_replacement(range(len(segments)), 2):
        run = segments[first : last + 1]
        length = sum(s.duration for s in run)
        if target <= 2 * length <= 3 * target:
            assert sum(s.bytes for s in run) * 8 * CLOCK / length <= found.peak
    assert 0 < found.average <= found.peak


# --- what a player is given --------------------------------------------------------------------


def test_a_player_finds_every_size_and_language() -> None:
    """With sound counted in: bandwidths are those of the heaviest combination."""
    found = m3u8.loads(LISTS["multivariant"])
    assert found.is_variant
    for variant, listed in zip(VARIANTS, found.playlists, strict=True):
        info = listed.stream_info
        assert (listed.uri, info.resolution) == (variant.url, (variant.width, variant.height))
        assert info.bandwidth == variant.rates.peak + 130_001
        assert info.average_bandwidth == variant.rates.average + 128_001
        assert info.average_bandwidth <= info.bandwidth
        assert info.codecs == f"{variant.codecs},mp4a.40.2"
        assert info.frame_rate == pytest.approx(29.97)
        assert (info.audio, info.subtitles, info.closed_captions) == ("sound", "subtitles", "NONE")
    assert [(m.type, m.language, m.default, m.uri) for m in found.media] == [
        ("AUDIO", "es", "YES", "sound-0.m3u8"),
        ("AUDIO", None, "NO", "sound-1.m3u8"),
        ("SUBTITLES", "en", "NO", "captions-en.m3u8"),
    ]


def test_a_group_has_one_default_and_different_names() -> None:
    """4.3.4.1.1: players choose by them."""
    found = m3u8.loads(LISTS["multivariant"])
    for kind in ("AUDIO", "SUBTITLES"):
        group = [one for one in found.media if one.type == kind]
        assert len({one.name for one in group}) == len(group)
        assert sum(one.default == "YES" for one in group) <= 1
        assert all(one.autoselect == "YES" for one in group if one.default == "YES")


def test_equal_names_are_told_apart() -> None:
    """4.3.4.1.1: cameras call every track "Stereo"."""
    same = [Rendition(url=f"{code}.m3u8", name="Stereo", language=code) for code in ("es", "en")]
    found = m3u8.loads(playlist.multivariant(VARIANTS, same, same))
    assert [one.name for one in found.media] == ["Stereo", "Stereo 2"] * 2


def test_names_cannot_break_out_of_their_quotes() -> None:
    """A title inside a file is an uploader's text: no quote, no line of its own."""
    assert "NAME=\"El 'pleno' entero\"" in LISTS["multivariant"]
    evil = Rendition(
        url="a.m3u8", name='x",URI="http://evil\n#EXT-X-ENDLIST\r\u2028y', language="es"
    )
    text = playlist.multivariant(VARIANTS, [evil], ())
    found = m3u8.loads(text)
    assert [one.uri for one in found.media] == ["a.m3u8"]
    assert len(text.splitlines()) == len(
        playlist.multivariant(VARIANTS, SOUNDS[:1], ()).splitlines()
    )


def test_a_silent_film_promises_no_sound() -> None:
    """No group, no codec of a sound that is not there."""
    found = m3u8.loads(LISTS["silent"])
    (listed,) = found.playlists
    assert listed.stream_info.audio is None
    assert listed.stream_info.codecs == "avc1.64001e"
    assert found.media == []
