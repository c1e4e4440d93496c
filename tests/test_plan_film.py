"""What will be made of a film: its ladder, chunks, clip, sound, and the order of its work."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import DEFAULT, changed, drop, film, order, picture_stream, planned, sound_stream, step

from pipeline import plan_film, plan_frames, plan_joined, plan_ladder
from pipeline.model import (
    AudioStream,
    Colour,
    CopyOut,
    FilmOut,
    ItemInfo,
    Plan,
    PosterOut,
    Probe,
    Profile,
    Rung,
    SoundOut,
    Span,
    Step,
    StoryboardOut,
    VideoOut,
    VideoProfile,
)
from pipeline.order import IDLE
from pipeline.plan_frames import Chunk

SIDES = st.integers(min_value=2, max_value=9000)
RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
]
H264 = tuple(rung for rung in DEFAULT.video.rungs if rung.codec == "h264")
HOUR_MS = 3_600_000


def profile(**video: Any) -> Profile:
    """The default profile with H.264 alone, and what else a test wants of its video."""
    facts = {"rungs": H264, "gop_seconds": 4.0, "chunk_seconds": 32.0} | video
    return changed(DEFAULT, video=changed(DEFAULT.video, **facts))


def made(probe: Probe | None = None, *, clip: str = "", **video: Any) -> Plan:
    """The plan of a film under that profile."""
    dropped = drop(info=ItemInfo(clip=clip))
    return planned(probe, profile=profile(**video), drop=dropped)


def long(duration_ms: int, rate: Fraction = Fraction(25), **facts: Any) -> Probe:
    """A film of 360 lines and some length."""
    stream = picture_stream(640, 360, frame_rate=rate, duration_ms=duration_ms)
    return film(changed(stream, **facts), duration_ms=duration_ms)


def chunked(plan: Plan, prefix: str = "film-") -> list[Step]:
    """The steps that encode pictures, in the order of the film; the first one's low rungs apart."""
    return [s for s in plan.steps if s.name.startswith(prefix) and not s.name.endswith("-low")]


def rungs(plan: Plan) -> list[VideoOut]:
    """Every rung of a film, smallest first, once."""
    outs = {o.short_side: o for s in plan.steps for o in s.outputs if isinstance(o, VideoOut)}
    return [outs[side] for side in sorted(outs)]


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    """The rungs of a film of this size, as (width, height)."""
    return [(out.width, out.height) for out in rungs(made(film(picture_stream(width, height))))]


def only(plan: Plan, name: str) -> Any:
    """The one output of a step."""
    (out,) = step(plan, name).outputs
    return out


def there(plan: Plan) -> list[str]:
    """The names of a plan's steps, as they are rung for."""
    return [s.name for s in plan.steps]


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source_size", "wanted"),
    [
        ((1920, 1080), [(426, 240), (640, 360), (960, 540), (1280, 720), (1920, 1080)]),
        ((1080, 1920), [(240, 426), (360, 640), (540, 960), (720, 1280), (1080, 1920)]),
        ((3840, 2160), [(426, 240), (640, 360), (960, 540), (1280, 720), (1920, 1080)]),
        ((1280, 720), [(426, 240), (640, 360), (960, 540), (1280, 720)]),
        ((640, 480), [(320, 240), (480, 360), (640, 480)]),
        ((641, 361), [(426, 240), (638, 360)]),
        ((320, 180), [(320, 180)]),
        ((161, 121), [(160, 120)]),
        ((16, 16), [(16, 16)]),
        ((3, 2), [(2, 2)]),
    ],
)
def test_the_ladder(source_size: tuple[int, int], wanted: list[tuple[int, int]]) -> None:
    """Rungs count by the short side, upright films too; none is larger than the film."""
    offered = tuple(
        Rung(short_side=side, crf=23, max_bps=side * 3000) for side in (240, 360, 540, 720, 1080)
    )
    plan = made(film(picture_stream(*source_size)), rungs=offered)
    assert [(out.width, out.height) for out in rungs(plan)] == wanted


@given(SIDES, SIDES)
def test_no_rung_is_above_the_source(width: int, height: int) -> None:
    """Every rung is even, not larger than the film, and each is larger than the one before."""
    found = sizes(width, height)
    assert all(w <= width and h <= height and w % 2 == 0 and h % 2 == 0 for w, h in found)
    assert found == sorted(set(found))


@given(SIDES, SIDES, SIDES)
def test_fit(width: int, height: int, short_side: int) -> None:
    """Fitting never enlarges, gives even numbers, and keeps the shape to within its rounding."""
    made_width, made_height = plan_ladder.fit(width, height, short_side)
    assert made_width <= width
    assert made_height <= height
    assert made_width % 2 == made_height % 2 == 0
    scale = min(Fraction(1), Fraction(short_side, min(width, height)))
    assert made_width == 2 or 0 <= width * scale - made_width < 2
    assert made_height == 2 or 0 <= height * scale - made_height < 2


OFFERED = tuple(
    Rung(short_side=side, crf=23, max_bps=bps, codec=codec)
    for codec in ("av1", "h264")
    for side, bps in ((540, 1_700_000), (360, 900_000), (240, 400_000))
)


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_a_rung_of_the_films_own_size_is_made_where_it_pays(codec: str) -> None:
    """480 is worth more than 360, 370 is not; its cap lies between its neighbours'."""
    found = plan_ladder.ladder(picture_stream(640, 480), OFFERED, codec)
    assert [(r.short_side, r.codec) for r in found] == [(240, codec), (360, codec), (480, codec)]
    assert 900_000 < found[-1].max_bps < 1_700_000
    plain = plan_ladder.ladder(picture_stream(660, 370), OFFERED, codec)
    assert [r.short_side for r in plain] == [240, 360]


def test_a_codec_without_rungs_has_no_ladder() -> None:
    """And nothing is made up for it."""
    assert plan_ladder.ladder(picture_stream(), H264, "av1") == ()


@pytest.mark.parametrize(
    ("size", "stable"), [((1920, 1080), 720), ((640, 480), 480), ((160, 90), 90)]
)
def test_one_rung_is_the_stable_one(size: tuple[int, int], stable: int) -> None:
    """The largest up to the stable rung becomes video.mp4; there is always one."""
    assert only(made(film(picture_stream(*size)), stable_rung=720), "film").rung == stable


def test_what_was_not_made_is_said() -> None:
    """A note names the rungs left out and the film's size; a full ladder needs none."""
    small = made(film(picture_stream(640, 360)), rungs=OFFERED[3:])
    assert "Not made: 540p. The film itself is 640x360." in small.notes
    assert made().notes == ()


# --- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "interlaced", "published", "converted"),
    [
        (Fraction(25), False, Fraction(25), None),
        (Fraction(60000, 1001), False, Fraction(60000, 1001), None),
        (Fraction(60), False, Fraction(60), None),
        (Fraction(120), False, Fraction(60), Fraction(60)),
        (Fraction(240000, 1001), False, Fraction(60000, 1001), Fraction(60000, 1001)),
        (Fraction(100), False, Fraction(50), Fraction(50)),
        (Fraction(25), True, Fraction(50), None),
        (Fraction(30000, 1001), True, Fraction(60000, 1001), None),
        (Fraction(50), True, Fraction(50), Fraction(50)),
    ],
)
def test_frame_rates(
    rate: Fraction,
    interlaced: bool,  # noqa: FBT001 - pytest passes it by name
    published: Fraction,
    converted: Fraction | None,
) -> None:
    """Fields become frames; above the cap a whole fraction is taken; else every frame is kept."""
    plan = made(film(picture_stream(frame_rate=rate, interlaced=interlaced)))
    assert {out.frame_rate for out in rungs(plan)} == {published}
    treatment = step(plan, "film-0000").treatment
    assert treatment is not None
    assert treatment.frame_rate == converted
    assert treatment.deinterlace is interlaced


@given(st.fractions(min_value=1, max_value=1000, max_denominator=1001), st.booleans())
def test_no_film_is_faster_than_the_cap(
    rate: Fraction,
    interlaced: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    """The published rate is the source's divided by a whole number, at most half a frame over."""
    stream = picture_stream(frame_rate=rate, interlaced=interlaced)
    published = plan_frames.output_rate(stream, 60)
    shown = rate * 2 if interlaced else rate
    assert published <= 60 + Fraction(1, 2)
    assert (shown / published).denominator == 1


def test_a_slideshow_is_published_at_one_frame_a_second() -> None:
    """No group of pictures is longer than a player waits for."""
    plan = made(film(picture_stream(frame_rate=Fraction(1, 3))))
    assert {(o.frame_rate, o.gop_frames) for o in rungs(plan)} == {(Fraction(1), 4)}


def test_groups_of_pictures_are_counted_in_frames_as_published() -> None:
    """After doubling fields."""
    plan = made(film(picture_stream(interlaced=True)))
    assert {out.gop_frames for out in rungs(plan)} == {200}


def test_groups_of_uneven_frames_are_bounded_in_time() -> None:
    """Where frames come unevenly, counting them would let a group grow; else time is not asked."""
    uneven = made(film(picture_stream(variable_rate=True)))
    assert {(out.gop_ms, out.timescale) for out in rungs(uneven)} == {(4000, 90_000)}
    converted = made(film(picture_stream(variable_rate=True, frame_rate=Fraction(120))))
    assert {out.gop_ms for out in rungs(converted)} == {0}
    assert {out.gop_ms for out in rungs(made())} == {0}


@given(st.sampled_from([*RATES, Fraction(15), Fraction(25, 2), Fraction(1), Fraction(120, 7)]))
def test_every_frame_is_timed_exactly(rate: Fraction) -> None:
    """A frame lasts a whole number of ticks, which are fine enough for any player to sync by."""
    ticks = plan_frames.timescale(rate)
    assert (ticks / rate).denominator == 1
    assert 10_000 <= ticks < 2**31


@pytest.mark.parametrize(("curve", "map_"), [("smpte2084", "pq"), ("arib-std-b67", "hlg")])
def test_hdr_is_tone_mapped(curve: str, map_: str) -> None:
    """Both HDR curves are mapped for ordinary screens, and the note says so."""
    plan = made(film(picture_stream(colour=Colour(transfer=curve))))
    treatment = step(plan, "film-0000").treatment
    assert treatment is not None
    assert treatment.tonemap == map_
    assert "The film is HDR; it was tone-mapped for ordinary screens." in plan.notes


def test_the_default_picture_is_published() -> None:
    """Of several pictures the default one is taken, else the largest, else the first."""
    small, large = picture_stream(320, 180), picture_stream(index=3)
    assert plan_frames.main_video(film(small, video=(small, large))) is large
    chosen = changed(small, default=True)
    assert plan_frames.main_video(film(video=(chosen, large))) is chosen
    assert plan_frames.main_video(film(video=(small, changed(small, index=5)))) is small


# --- chunks ----------------------------------------------------------------------------------

LENGTHS = st.one_of(st.none(), st.integers(0, 6 * HOUR_MS))
VIDEOS = st.builds(
    lambda gop, count: changed(DEFAULT.video, gop_seconds=gop, chunk_seconds=gop * count),
    st.sampled_from([0.5, 1.0, 2.0, 4.0]),
    st.integers(1, 20),
)


@given(LENGTHS, st.sampled_from(RATES), VIDEOS)
def test_chunks_cover_a_film_once(length: int | None, rate: Fraction, video: VideoProfile) -> None:
    """From the first frame to the open end, each begins where the one before ends, on a group."""
    found = plan_frames.chunks(length, rate, video)
    group = plan_frames.gop_frames(rate, video)
    assert found[0].first == 0
    assert found[-1].end is None
    assert all(early.end == late.first for early, late in pairwise(found))
    assert all(chunk.first % group == 0 for chunk in found)
    assert all(chunk.end is None or chunk.end > chunk.first for chunk in found)


@given(LENGTHS, st.sampled_from(RATES), VIDEOS)
def test_chunks_grow_to_their_usual_size_and_shrink_at_the_end(
    length: int | None, rate: Fraction, video: VideoProfile
) -> None:
    """One group first, two, four, the profile's; then halves of what is left, not too small."""
    found = plan_frames.chunks(length, rate, video)
    group = plan_frames.gop_frames(rate, video)
    usual = round(video.chunk_seconds / video.gop_seconds)
    groups = Fraction(length or 0, 1000) * rate / group
    sizes = [(c.end - c.first) // group for c in found if c.end is not None]
    assert sizes[:3] == [1, 2, 4][: len(sizes)]
    later = sizes[3:]
    assert all(size <= usual for size in later)
    assert later == sorted(later, reverse=True)
    last = groups - found[-1].first // group
    least = max(1, usual // 4)
    if len(sizes) > 3:
        assert least <= later[-1]
    if len(sizes) >= 3:
        assert last < least + max(1, Fraction(least, 2))
    if sizes:
        assert last >= max(1, Fraction(sizes[-1], 2))


def test_a_film_of_two_groups_has_two_chunks() -> None:
    """The first can be watched while the second is made; a short film is one piece of work."""
    video = profile().video
    assert plan_frames.chunks(4000, Fraction(25), video) == (Chunk(first=0, end=None),)
    assert plan_frames.chunks(7999, Fraction(25), video) == (Chunk(first=0, end=None),)
    assert plan_frames.chunks(8000, Fraction(25), video)[0] == Chunk(first=0, end=100)
    assert plan_frames.chunks(None, Fraction(25), video) == (Chunk(first=0, end=None),)


@given(st.integers(0, HOUR_MS), st.sampled_from(RATES), st.sampled_from([False, True]))
def test_neighbours_share_their_border(
    length: int,
    rate: Fraction,
    cut: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    """Exactly, a quarter of a frame before the frame it is about; the first and last are open."""
    plan = made(long(length, rate), clip="0:01-" if cut else "")
    spans = [s.span for s in chunked(plan)]
    shift = spans[0].shift_s
    for early, late in pairwise(spans):
        assert early.end_s == late.start_s
        frames = (late.start_s - shift) * rate
        assert frames + Fraction(1, 4) == round(frames)
    assert {span.shift_s for span in spans} == {shift}
    assert spans[-1].end_s is None
    assert spans[0].start_s == (shift - Fraction(1, 4) / rate if shift else 0)


@given(st.integers(1, 5_000_000), st.sampled_from(RATES), st.sampled_from([1, 1000, 90_000]))
def test_rounded_times_fall_on_the_right_side(frame: int, rate: Fraction, scale: int) -> None:
    """Matroska counts milliseconds: the frame before a border stays before it, and none is lost."""
    ticks = {1: 1_000_000, 1000: 1000, 90_000: 90_000}[scale]
    border = round((frame - Fraction(1, 4)) / rate * 1_000_000)
    before, after = (
        Fraction(round(Fraction(number) / rate * ticks), ticks) * 1_000_000
        for number in (frame - 1, frame)
    )
    assert before < border <= after


def test_chunks_tell_how_long_they_are() -> None:
    """Progress and patience are counted by it; together they are as long as the film."""
    plan = made(long(61_000))
    lengths = [s.duration_ms for s in chunked(plan)]
    assert lengths == [4000, 8000, 16_000, 16_000, 8000, 9000]
    assert step(plan, "film-0000").timeout_s < step(plan, "film-0003").timeout_s
    assert made(long(61_000, frame_rate=Fraction(25), frames=None)).steps
    unknown = made(film(picture_stream(640, 360, duration_ms=None), duration_ms=None))
    assert [s.duration_ms for s in chunked(unknown)] == [None]


def test_the_last_picture_stays_as_long_as_the_sound() -> None:
    """In the last chunk alone; never past the end of a clip."""
    probe = film(picture_stream(640, 360, duration_ms=7000), duration_ms=10_000)
    first, last = chunked(made(probe))
    assert [o.hold_ms for o in first.outputs if isinstance(o, VideoOut)] == [0, 0]
    assert [o.hold_ms for o in last.outputs if isinstance(o, VideoOut)] == [3000, 3000]
    clipped = chunked(made(probe, clip="0:01-0:09"))[-1]
    assert {o.hold_ms for o in clipped.outputs if isinstance(o, VideoOut)} == {0}
    even = film(picture_stream(640, 360, duration_ms=9970), duration_ms=10_000)
    assert {o.hold_ms for o in rungs(made(even))} == {0}


# --- clips -----------------------------------------------------------------------------------


@given(st.integers(0, 80_000), st.integers(1, 20_000), st.sampled_from(RATES))
def test_a_clip_begins_and_ends_on_frames(start: int, length: int, rate: Fraction) -> None:
    """The nearest ones: within half a frame of what was asked for."""
    clip = f"{start / 1000:.3f}-{(start + length) / 1000:.3f}"
    made_order = order(long(100_000, rate), drop=drop(info=ItemInfo(clip=clip)))
    shown = plan_frames.window(made_order)
    assert (shown.span.shift_s * rate).denominator == 1
    assert abs(shown.span.shift_s - Fraction(start, 1000)) <= Fraction(1, 2) / rate
    assert shown.span.start_s == max(0, shown.span.shift_s - Fraction(1, 4) / rate)
    assert shown.duration_ms == min(100_000, start + length) - start
    if shown.span.end_s is not None:
        assert ((shown.span.end_s + Fraction(1, 4) / rate) * rate).denominator == 1


@pytest.mark.parametrize(
    ("clip", "start", "end", "length"),
    [
        ("", 0, None, 100_000),
        ("0:10-", 10, None, 90_000),
        ("0:10-0:20", 10, 20, 10_000),
        ("0:10-5:00", 10, None, 90_000),
        ("0-0:20", 0, 20, 20_000),
        ("2:00-3:00", 0, None, 100_000),
    ],
)
def test_clips(clip: str, start: int, end: int | None, length: int) -> None:
    """From, from-to, and what lies beyond the end: that is told, and the whole is published."""
    plan = made(long(100_000), clip=clip)
    first, last = chunked(plan)[0], chunked(plan)[-1]
    assert first.span.shift_s == start
    assert last.span.end_s == (None if end is None else end - Fraction(1, 100))
    assert step(plan, "sound-0").duration_ms == length
    assert sum(s.duration_ms or 0 for s in chunked(plan)) == length
    said = 'The clip "2:00-3:00" lies after the end; the whole film is published.' in plan.notes
    assert said == (clip == "2:00-3:00")


def test_every_step_of_a_clip_is_about_the_clip() -> None:
    """Chunks, sound and pictures count from its start, so their names are other ones, too."""
    whole, clip = made(long(100_000)), made(long(100_000), clip="0:10-0:50")
    assert all(s.span.shift_s == 10 for s in clip.steps)
    before = {s.fingerprint for s in whole.steps}
    assert not before & {s.fingerprint for s in clip.steps}
    assert min(only_poster(clip).moments_ms) == 10_000
    assert max(only_poster(clip).moments_ms) < 50_000


# --- posters ---------------------------------------------------------------------------------


def only_poster(plan: Plan) -> PosterOut:
    """The plain poster."""
    return next(out for out in step(plan, "poster").outputs if isinstance(out, PosterOut))


@pytest.mark.parametrize("duration", [10_000, None])
def test_a_poster_is_taken_where_it_was_chosen(duration: int | None) -> None:
    """Exactly there, also where nobody knows how long the film is."""
    dropped = drop(info=ItemInfo(poster="0:04"))
    poster = step(planned(film(duration_ms=duration), drop=dropped), "poster")
    assert {o.moments_ms for o in poster.outputs if isinstance(o, PosterOut)} == {(4000,)}
    assert not poster.required


@pytest.mark.parametrize("chosen", ["", "1:00"])
def test_posters_are_looked_for_all_over_the_film(chosen: str) -> None:
    """Where none is chosen, or none that the film has: from its first picture to its credits."""
    dropped = drop(info=ItemInfo(poster=chosen))
    moments = only_poster(planned(film(), drop=dropped)).moments_ms
    assert moments[0] == 0
    assert 9000 <= moments[-1] <= 9500
    assert all(0 < late - early <= 1000 for early, late in pairwise(moments))


def test_of_a_short_film_there_is_a_poster_too() -> None:
    """No moment is looked at twice, and none lies after the end."""
    assert only_poster(planned(film(duration_ms=None))).moments_ms == (0,)
    assert only_poster(planned(film(duration_ms=3))).moments_ms == (0, 1, 2, 3)


@pytest.mark.parametrize(("key_ms", "count"), [(500, 16), (80_000, 8), (None, 16)])
def test_where_key_frames_are_rare_moments_are_too(key_ms: int | None, count: int) -> None:
    """Each costs a seek and a picture decoded, and would show the same one again."""
    out = only_poster(made(long(400_000, key_ms=key_ms)))
    assert not out.every_ms
    assert len(out.moments_ms) == count
    assert all(late - early >= (key_ms or 0) / 2 for early, late in pairwise(out.moments_ms))


@pytest.mark.parametrize(("seconds", "every_ms"), [(400, 25_000), (500, 0)])
def test_a_film_of_one_key_frame_has_more_pictures(seconds: int, every_ms: int) -> None:
    """It is decoded for them, unless it is long."""
    out = only_poster(made(long(seconds * 1000, key_ms=seconds * 1000)))
    assert out.every_ms == every_ms
    assert len(out.moments_ms) == (16 if every_ms else 2)


def test_a_chosen_poster_counts_from_the_clip() -> None:
    """A reporter knows the published film, not its source."""
    dropped = drop(info=ItemInfo(poster="0:04", clip="1:00-1:30"))
    assert only_poster(planned(long(100_000), drop=dropped)).moments_ms == (64_000,)


def test_a_poster_is_as_large_as_link_cards_want() -> None:
    """1280 on the long side, never enlarged."""
    for size, wanted in [((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280)), ((64, 36),) * 2]:
        out = only_poster(made(film(picture_stream(*size))))
        assert (out.width, out.height) == wanted


# --- sound -----------------------------------------------------------------------------------


def test_a_film_without_sound() -> None:
    """It is published silent, and says so."""
    plan = made(film(audio=()))
    assert not [s for s in plan.steps if s.name.startswith("sound")]
    assert "The film has no sound." in plan.notes


def test_each_language_is_published_once() -> None:
    """The default one first; of a language the first track, and a note counts what is left out."""
    tracks = (
        sound_stream(language="es"),
        sound_stream(index=2, language="en", default=True),
        sound_stream(index=3, language="es"),
        sound_stream(index=4),
    )
    plan = made(film(audio=tracks))
    heard = [only(plan, s.name) for s in plan.steps if s.name.startswith("sound-")]
    assert [(o.language, o.track.stream, o.default) for o in heard] == [
        ("en", 2, True),
        ("es", 1, False),
    ]
    assert "The film has 4 sound tracks; 2 are published." in plan.notes


def test_one_of_several_nameless_tracks_is_published() -> None:
    """Sixteen tracks of a camera are one sound: the default one, else the first."""
    first, second = sound_stream(), sound_stream(index=2)
    assert only(made(film(audio=(second, first))), "sound-0").track.stream == 1
    chosen = made(film(audio=(first, changed(second, default=True))))
    assert only(chosen, "sound-0").track.stream == 2
    assert "The film has 2 sound tracks; one is published." in chosen.notes


def camera_track(index: int, **facts: Any) -> AudioStream:
    return sound_stream(1, index=index, codec="pcm_s24le", **facts)


def test_a_cameras_first_two_channels_are_left_and_right() -> None:
    """Each channel is a track of its own there: one alone would lack a side, or a microphone."""
    two = made(film(audio=(camera_track(1), camera_track(2))))
    track = only(two, "sound-0").track
    assert (track.stream, track.right, track.channels) == (1, 2, 2)
    told = "two of a single channel became the left and the right of one."
    assert f"The film has 2 sound tracks; {told}" in two.notes
    four = made(film(audio=tuple(camera_track(at) for at in range(1, 5))))
    assert only(four, "sound-0").track == track
    assert f"The film has 4 sound tracks; {told}" in four.notes


@pytest.mark.parametrize(
    "other",
    [
        camera_track(2, language="es"),
        camera_track(2, start_ms=40),
        camera_track(2, duration_ms=5000),
        camera_track(2, sample_rate=44_100),
        sound_stream(2, index=2, codec="pcm_s24le"),
        sound_stream(1, index=2),
    ],
)
def test_tracks_that_differ_are_no_pair(other: AudioStream) -> None:
    """What begins, ends or speaks otherwise is a sound of its own."""
    plan = made(film(audio=(camera_track(1), other)))
    assert only(plan, "sound-0").track.right is None


def test_tracks_of_one_channel_that_are_coded_are_versions() -> None:
    """Cameras write single channels in PCM; discs and browsers write comments and languages."""
    tracks = (sound_stream(1), sound_stream(1, index=2))
    assert only(made(film(audio=tracks)), "sound-0").track.right is None


def test_a_crowd_of_languages_is_cut() -> None:
    """Eight, the main one among them."""
    spoken = "es en fr de it pt nl sv da fi".split()
    tracks = [sound_stream(index=n + 1, language=code) for n, code in enumerate(spoken)]
    tracks[-1] = changed(tracks[-1], default=True)
    found = plan_film.sounds_of(film(audio=tuple(tracks)))
    assert [s.language for s in found] == ["fi", *spoken[:7]]


def test_sound_is_as_long_as_the_film() -> None:
    """In fragments as long as groups of pictures, so that both are asked for in step."""
    out = only(made(long(61_000)), "sound-0")
    assert isinstance(out, SoundOut)
    assert (out.length_ms, out.fragment_ms, out.label) == (61_000, 4000, "Original")


@pytest.mark.parametrize(("duration", "opens"), [(119_999, False), (120_001, True)])
def test_long_films_have_an_opening_sound(
    duration: int,
    opens: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """Nobody waits for an hour of sound to be encoded; of short films it is ready at once."""
    plan = made(long(duration))
    assert ("sound-opening" in there(plan)) is opens
    assert step(plan, "sound-0").priority == (3 if opens else 0)
    if opens:
        opening = step(plan, "sound-opening")
        assert opening.span == Span(end_s=Fraction(60))
        assert (only(plan, "sound-opening").length_ms, opening.priority) == (60_000, 0)


def test_the_opening_of_a_clip_is_in_the_clip() -> None:
    """It begins where the clip does, and the first chunks have sound."""
    plan = made(long(HOUR_MS), clip="10:00-50:00")
    opening = step(plan, "sound-opening").span
    assert (opening.shift_s, opening.end_s) == (600, 660)
    assert opening.start_s == step(plan, "film-0000").span.start_s


def test_pictures_that_end_before_the_sound_are_told() -> None:
    """The last one stands meanwhile; a single picture under a talk is meant to."""
    for last_ms, told in ((8_960, True), (0, False)):
        stream = picture_stream(640, 360, duration_ms=9_000, last_ms=last_ms)
        notes = made(film(stream, duration_ms=12_000)).notes
        assert any("ends 3.0 s before the sound" in note for note in notes) is told


# --- what is fit for the web already ----------------------------------------------------------

READY = picture_stream(1280, 720, web_ready=True, bitrate_bps=2_000_000)


def test_a_web_ready_film_is_its_own_top_rung() -> None:
    """It is copied, the smaller rungs are encoded, and the reporter is told."""
    plan = made(film(READY))
    copied = only(plan, "copy")
    assert isinstance(copied, CopyOut)
    assert (copied.short_side, copied.file) == (720, "720.mp4")
    assert [out.short_side for out in rungs(plan)] == [r.short_side for r in H264[:-2]]
    assert "copy" in step(plan, "film").needs
    assert any("copy, without loss" in note for note in plan.notes)


def test_what_turns_out_damaged_is_encoded_beside_what_is_made() -> None:
    """The smaller sizes stay as they are, to the byte; the own one has chunks of its own."""
    plan = made(film(READY))
    after = planned(film(READY), profile=profile(), drop=drop(), copies=False)
    before = {s.name: s.fingerprint for s in plan.steps}
    assert "copy" not in there(after)
    assert [s.fingerprint for s in chunked(after)] == [s.fingerprint for s in chunked(plan)]
    assert {o.short_side for s in chunked(after, "own-") for o in s.outputs} == {720}
    assert "own-0000" in step(after, "film").needs
    assert before["film"] != step(after, "film").fingerprint
    assert any("damaged" in note for note in after.notes)


@pytest.mark.parametrize(
    "facts",
    [
        {"web_ready": False},
        {"bitrate_bps": None},
        {"bitrate_bps": 9_000_000},
        {"bitrate_bps": H264[-2].max_bps + 1},
        {"frame_rate": Fraction(120)},
        {"width": 1281, "coded_width": 1281},
        {"width": 1360, "height": 766},
    ],
    ids=["pictures", "unknown rate", "limit", "cap", "too fast", "odd", "between rungs"],
)
def test_what_is_not_fit_is_encoded(facts: dict[str, Any]) -> None:
    """Whatever would look or load otherwise than what is made here."""
    assert "copy" not in there(made(film(changed(READY, **facts))))


def test_copies_are_bounded_by_the_profile() -> None:
    """A newsroom may want less than the rung's own cap; or none at all."""
    assert "copy" not in there(made(film(READY), copy_max_bps=1_999_999))
    assert "copy" in there(made(film(READY), copy_max_bps=2_000_000))


def test_a_clip_is_never_copied() -> None:
    """Key frames lie where the camera put them, not where the clip begins."""
    assert "copy" not in there(made(film(READY), clip="0:01-0:05"))


def test_a_small_web_ready_film_is_a_copy_alone() -> None:
    """Nothing smaller is wanted; pictures for scrubbing are taken from the copy."""
    small = picture_stream(320, 180, web_ready=True, bitrate_bps=100_000, duration_ms=HOUR_MS)
    plan = made(film(small, duration_ms=HOUR_MS))
    assert rungs(plan) == []
    assert step(plan, "film").needs == ("copy", "sound-0")
    assert step(plan, "storyboard").needs == ("copy",)


def test_a_copy_whose_sound_goes_on_for_long_is_encoded() -> None:
    """The last picture of a copy can stay for a moment, but not be repeated."""
    short = {"web_ready": True, "bitrate_bps": 100_000, "duration_ms": 60_000}
    small = picture_stream(320, 180, **short)
    for length, copied in ((61_000, True), (70_000, False)):
        plan = made(film(small, duration_ms=length))
        assert any(step_.name == "copy" for step_ in plan.steps) is copied


# --- AV1 -------------------------------------------------------------------------------------

AV1 = tuple(Rung(short_side=side, crf=35, max_bps=1_000_000, codec="av1") for side in (360, 720))


def test_av1_is_made_when_nothing_else_is_to_be_done() -> None:
    """A step for each chunk, cut at the same frames, after all the rest; its failure is borne."""
    plan = made(film(picture_stream(1280, 720)), rungs=(*H264, *AV1))
    idle = chunked(plan, "av1-")
    assert [s.name for s in idle] == ["av1-0000", "av1-0001"]
    assert [s.span for s in idle] == [s.span for s in chunked(plan)]
    assert {s.priority for s in idle} == {IDLE}
    assert not any(s.required for s in idle)
    assert max(s.priority for s in plan.steps if s not in idle) < IDLE
    outs = [o for o in idle[0].outputs if isinstance(o, VideoOut)]
    assert [(o.codec, o.short_side) for o in outs] == [("av1", 360), ("av1", 720)]
    assert {(o.preset, o.options) for o in outs} == {(str(DEFAULT.video.av1_preset), "")}


def test_av1_that_would_show_less_is_not_made() -> None:
    """Nobody gets a smaller picture for having a newer player."""
    assert not chunked(made(rungs=(*H264, *AV1)), "av1-")
    assert not chunked(made(), "av1-")


# --- the order of work -------------------------------------------------------------------------


def test_what_makes_a_film_playable_comes_first() -> None:
    """The low rungs of the first seconds with their sound, then the first picture and the rest."""
    plan = made(long(HOUR_MS, width=1920, height=1080))
    first = [s.name for s in plan.steps if s.priority == 0]
    assert first == ["film-0000-low", "sound-opening"] == there(plan)[:2]
    priority = {s.name: s.priority for s in plan.steps}
    assert priority["film-0000"] == priority["poster"] == 1
    assert priority["sound-0"] < priority["film-0001"] == priority["film-0113"]
    low = [o.short_side for o in step(plan, "film-0000-low").outputs if isinstance(o, VideoOut)]
    high = [o.short_side for o in step(plan, "film-0000").outputs if isinstance(o, VideoOut)]
    assert max(low) <= 360 < min(high)
    every = [o.short_side for o in step(plan, "film-0001").outputs if isinstance(o, VideoOut)]
    assert every == low + high


def test_chunks_of_one_urgency_come_in_the_order_of_the_film() -> None:
    """Workers take them so; what is joined from them is rung for last."""
    plan = made(long(HOUR_MS))
    chunks = [name for name in there(plan) if name.startswith("film-")]
    assert chunks == sorted(chunks)
    assert there(plan)[-3:] == ["film", "storyboard", "preview"]


def test_a_small_film_has_no_rungs_to_wait_for() -> None:
    """Its first chunk is made at once, whole."""
    plan = made(long(20_000))
    assert "film-0000-low" not in there(plan)
    assert step(plan, "film-0000").priority <= step(plan, "poster").priority


def test_a_film_is_not_lost_with_one_chunk() -> None:
    """Only the film as a whole is required: what is missing in it is a gap, and is told."""
    plan = made(long(HOUR_MS), rungs=(*H264, *AV1))
    assert [s.name for s in plan.steps if s.required] == ["film"]


# --- what is made of what was made --------------------------------------------------------------


def test_what_is_joined_needs_its_rung() -> None:
    """The film every chunk of the stable rung and the sound; pictures those of the small rungs."""
    plan = made(long(61_000, width=1920, height=1080), stable_rung=720)
    assert step(plan, "film").needs == (
        *(f"film-{number:04}" for number in range(6)),
        "sound-0",
    )
    low = ("film-0000-low", *(f"film-{number:04}" for number in range(1, 6)))
    assert step(plan, "storyboard").needs == step(plan, "preview").needs == low
    assert only(plan, "storyboard").rung == min(o.short_side for o in rungs(plan))
    assert only(plan, "preview").rung == 360


def test_needs_come_before_what_needs_them() -> None:
    """So that every step can be named by the names of what it is made from."""
    plan = made(long(HOUR_MS, width=1920, height=1080), rungs=(*H264, *AV1))
    seen: set[str] = set()
    for one in plan.steps:
        assert seen.issuperset(one.needs)
        seen.add(one.name)


def test_the_frames_of_a_whole_film_are_known() -> None:
    """They are counted in the end; fields make two each; of clips and conversions nobody knows."""
    stream = picture_stream(640, 360)
    assert only(made(film(stream)), "film").frames == 250
    assert only(made(film(changed(stream, interlaced=True))), "film").frames == 500
    assert only(made(film(changed(stream, frame_rate=Fraction(120)))), "film").frames is None
    assert only(made(film(stream), clip="0:01-0:05"), "film").frames is None
    uneven = only(made(film(changed(stream, variable_rate=True))), "film")
    assert isinstance(uneven, FilmOut)
    assert uneven.variable_rate


@pytest.mark.parametrize(
    ("duration", "names"),
    [
        (1599, []),
        (1600, ["preview"]),
        (4000, ["preview"]),
        (4001, ["storyboard", "preview"]),
        (None, []),
    ],
)
def test_the_shortest_films_need_no_other_pictures(duration: int | None, names: list[str]) -> None:
    """A film of one group needs none for seeking; one of a second is its own preview."""
    plan = made(film(picture_stream(640, 360, duration_ms=duration), duration_ms=duration))
    assert [name for name in there(plan) if name in ("storyboard", "preview")] == names


@pytest.mark.parametrize("minutes", [1, 10, 180])
def test_storyboards_are_taken_from_key_frames(minutes: int) -> None:
    """Every n-th group of pictures, about as many as the profile wants, whatever the length."""
    out = only(made(long(minutes * 60_000), storyboard_thumbs=100), "storyboard")
    assert isinstance(out, StoryboardOut)
    assert out.every_ms % 4000 == 0
    assert minutes * 60_000 / out.every_ms <= 100
    assert out.every_ms == 4000 or minutes * 60_000 / (out.every_ms - 4000) > 100
    assert (out.width, out.height) == (160, 90)


@given(st.integers(1600, 6 * HOUR_MS))
def test_a_preview_shows_several_places(length: int) -> None:
    """Inside of the film, in its order, with as much between two as is shown of each."""
    moments = plan_joined.preview_moments(length)
    shown = plan_joined.PREVIEW_MOMENT_MS
    assert 1 <= len(moments) <= 6
    assert moments[0] >= 0
    assert moments[-1] + shown <= length
    assert all(late - early >= 2 * shown - 1 for early, late in pairwise(moments))
    assert len(moments) == 6 or length < 7 * 2 * shown
