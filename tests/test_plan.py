"""What will be made of an item: sizes, rates, tracks, order of work, names of work."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import (
    DEFAULT,
    TOOL,
    changed,
    drop,
    film,
    order,
    photo,
    picture_stream,
    planned,
    recording,
    sound_stream,
    source,
    step,
    subtitles,
    text_stream,
)

from pipeline import plan as planning
from pipeline.model import (
    Colour,
    ItemInfo,
    Limits,
    Plan,
    Probe,
    Rung,
    Sidecar,
    SoundTrack,
    Step,
    VideoOut,
)

SIDES = st.integers(min_value=2, max_value=9000)


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    """The rungs of a film of this size, as (width, height)."""
    outs = step(planned(film(picture_stream(width, height))), "ladder").outputs
    return [(out.width, out.height) for out in outs if isinstance(out, VideoOut)]


def rungs(probe: Probe) -> list[VideoOut]:
    """The rungs of a film."""
    return [out for out in step(planned(probe), "ladder").outputs if isinstance(out, VideoOut)]


def track(probe: Probe) -> SoundTrack:
    """The sound that is published with a probe."""
    found = planned(probe)
    sound = next(s for s in found.steps if s.name in ("ladder", "sound")).sound
    assert sound is not None
    return sound


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source_size", "made"),
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
def test_the_ladder(source_size: tuple[int, int], made: list[tuple[int, int]]) -> None:
    """Rungs count by the short side, upright films too; none is larger than the film."""
    assert sizes(*source_size) == made


@given(SIDES, SIDES)
def test_no_rung_is_above_the_source(width: int, height: int) -> None:
    """Every rung is even, not larger than the film, and each is larger than the one before."""
    made = sizes(width, height)
    assert all(w <= width and h <= height and w % 2 == 0 and h % 2 == 0 for w, h in made)
    assert made == sorted(set(made))


@given(SIDES, SIDES, SIDES)
def test_fit(width: int, height: int, short_side: int) -> None:
    """Fitting never enlarges, gives even numbers, and keeps the shape to within its rounding."""
    made_width, made_height = planning.fit(width, height, short_side)
    assert made_width <= width
    assert made_height <= height
    assert made_width % 2 == made_height % 2 == 0
    scale = min(Fraction(1), Fraction(short_side, min(width, height)))
    assert made_width == 2 or 0 <= width * scale - made_width < 2
    assert made_height == 2 or 0 <= height * scale - made_height < 2


def test_a_rung_of_the_films_own_size_is_made_where_it_pays() -> None:
    """480 is worth more than 360, 370 is not; its cap lies between its neighbours'."""
    offered = DEFAULT.video.rungs
    made = planning.ladder(picture_stream(640, 480), offered)
    assert [rung.short_side for rung in made] == [240, 360, 480]
    assert offered[1].max_bps < made[-1].max_bps < offered[2].max_bps
    assert [r.short_side for r in planning.ladder(picture_stream(660, 370), offered)] == [240, 360]


def test_rungs_may_be_given_in_any_order() -> None:
    """The ladder sorts them."""
    offered = (Rung(short_side=720, crf=23, max_bps=2), Rung(short_side=360, crf=23, max_bps=1))
    made = planning.ladder(picture_stream(), offered)
    assert [rung.short_side for rung in made] == [360, 720]


@pytest.mark.parametrize(
    ("size", "stable"), [((1920, 1080), "720.mp4"), ((640, 480), "480.mp4"), ((160, 90), "90.mp4")]
)
def test_one_rung_is_the_stable_one(size: tuple[int, int], stable: str) -> None:
    """The largest up to the stable rung is what snippets point at; there is always one."""
    made = rungs(film(picture_stream(*size)))
    assert [out.file for out in made if out.stable] == [stable]


def test_what_was_not_made_is_said() -> None:
    """A note names the rungs left out and the film's size; a full ladder needs none."""
    assert (
        "Not made: 540p, 720p, 1080p. The film itself is 640x360."
        in planned(film(picture_stream(640, 360))).notes
    )
    assert planned(film()).notes == ()


# --- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "interlaced", "made", "converted"),
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
    made: Fraction,
    converted: Fraction | None,
) -> None:
    """Fields become frames; above the cap a whole fraction is taken; else every frame is kept."""
    probe = film(picture_stream(frame_rate=rate, interlaced=interlaced))
    assert {out.frame_rate for out in rungs(probe)} == {made}
    treatment = step(planned(probe), "ladder").treatment
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
    made = planning.output_rate(stream, 60)
    shown = rate * 2 if interlaced else rate
    assert made <= 60 + Fraction(1, 2)
    assert (shown / made).denominator == 1


def test_key_frames_come_every_two_seconds() -> None:
    """A group of pictures is counted in frames as published, after doubling."""
    assert {o.gop_frames for o in rungs(film(picture_stream(interlaced=True)))} == {100}
    assert {o.gop_frames for o in rungs(film(picture_stream(frame_rate=Fraction(1, 3))))} == {1}


@pytest.mark.parametrize(("curve", "map_"), [("smpte2084", "pq"), ("arib-std-b67", "hlg")])
def test_hdr_is_tone_mapped(curve: str, map_: str) -> None:
    """Both HDR curves are mapped for ordinary screens, and the note says so."""
    made = planned(film(picture_stream(colour=Colour(transfer=curve))))
    treatment = step(made, "ladder").treatment
    assert treatment is not None
    assert treatment.tonemap == map_
    assert "The film is HDR; it was tone-mapped for ordinary screens." in made.notes


def test_the_default_picture_is_published() -> None:
    """Of several pictures the default one is taken, else the largest, else the first."""
    small, large = picture_stream(320, 180), picture_stream(index=3)
    assert planning.main_video(film(small, video=(small, large))) is large
    chosen = changed(small, default=True)
    assert planning.main_video(film(video=(chosen, large))) is chosen
    assert planning.main_video(film(video=(small, changed(small, index=5)))) is small


# --- posters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "duration", "moments"),
    [
        ("", 10_000, (0, 800, 2000, 3300, 5000, 6600, 8000)),
        ("", None, (0,)),
        ("", 3, (0, 1, 2)),
        ("0:04", 10_000, (4000,)),
        ("0:04", None, (4000,)),
        ("1:00", 10_000, (0, 800, 2000, 3300, 5000, 6600, 8000)),
    ],
)
def test_where_posters_are_looked_for(
    chosen: str, duration: int | None, moments: tuple[int, ...]
) -> None:
    """At the chosen moment; where none is chosen, or none that the film has, spread over it."""
    dropped = drop(info=ItemInfo(poster=chosen))
    made = step(planned(film(duration_ms=duration), drop=dropped), "poster")
    assert {out.moments_ms for out in made.outputs} == {moments}  # type: ignore[union-attr]
    assert not made.required


def test_a_poster_is_as_large_as_link_cards_want() -> None:
    """1280 on the long side, never enlarged."""
    for size, made in [((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280)), ((64, 36),) * 2]:
        outs = step(planned(film(picture_stream(*size))), "poster").outputs
        assert {(o.width, o.height) for o in outs} == {made}  # type: ignore[union-attr]


# --- sound -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "rate", "made"), [(1, 48_000, 1), (2, 44_100, 2), (6, 96_000, 2), (2, 8000, 2)]
)
def test_sound_tracks(channels: int, rate: int, made: int) -> None:
    """Mono stays mono, surround becomes stereo; 44.1 kHz stays, all else becomes 48 kHz."""
    for probe in (
        film(audio=(sound_stream(channels, sample_rate=rate),)),
        recording(sound_stream(channels, index=0, sample_rate=rate)),
    ):
        found = track(probe)
        assert found.channels == made
        assert found.sample_rate == (44_100 if rate == 44_100 else 48_000)
        assert found.bitrate_bps == 64_000 * found.channels


def test_a_film_without_sound() -> None:
    """It is published silent, and says so."""
    made = planned(film(audio=()))
    assert step(made, "ladder").sound is None
    assert "The film has no sound." in made.notes


def test_one_of_several_sound_tracks_is_published() -> None:
    """The default one, else the first, and a note counts them."""
    first, second = sound_stream(), sound_stream(index=2)
    made = planned(film(audio=(first, second)))
    assert track(film(audio=(second, first))).stream == 1
    assert track(film(audio=(first, changed(second, default=True)))).stream == 2
    assert "The film has 2 sound tracks; one is published." in made.notes


def test_what_is_made_of_a_recording() -> None:
    """One decode makes the player's file, the podcast's file and the waveform."""
    (made,) = planned(recording()).steps
    assert [(o.role, o.file) for o in made.outputs] == [
        ("sound", "audio.m4a"),
        ("enclosure", "audio.mp3"),
        ("waveform", "waveform.svg"),
    ]
    assert made.required


# --- photos ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "made"),
    [
        (3000, (320, 640, 960, 1280, 1920, 2560)),
        (2560, (320, 640, 960, 1280, 1920, 2560)),
        (1600, (320, 640, 960, 1280, 1600)),
        (1300, (320, 640, 960, 1280)),
        (100, (100,)),
        (1, (1,)),
    ],
)
def test_photo_widths(width: int, made: tuple[int, ...]) -> None:
    """Widths below the photo's, and its own where that shows notably more."""
    assert planning.photo_widths(width, DEFAULT.photo.widths) == made


@given(SIDES)
def test_no_photo_is_enlarged(width: int) -> None:
    """There is always a width, and none above the photo's."""
    made = planning.photo_widths(width, DEFAULT.photo.widths)
    assert made
    assert max(made) <= width


def test_every_width_comes_as_jpeg_and_avif() -> None:
    """Old readers get JPEG; shapes are kept."""
    (made,) = planned(photo(1000, 500)).steps
    assert [(o.file, o.height) for o in made.outputs] == [  # type: ignore[union-attr]
        (f"{width}.{suffix}", width // 2) for suffix in ("jpg", "avif") for width in (320, 640, 960)
    ]


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"animated": True, "pages": 9}, "The picture is animated; its first image is published."),
        ({"pages": 3}, "The file holds 3 images; the first is published."),
    ],
)
def test_one_image_of_many_is_published(facts: dict[str, Any], note: str) -> None:
    """Animations and bursts show their first image, and say so."""
    assert note in planned(photo(**facts)).notes


# --- subtitles -------------------------------------------------------------------------------


def captions(plan_: Plan) -> dict[str, tuple[str, int | None]]:
    """Subtitles to be made: from which file, from which track inside, by step."""
    return {
        s.name: (s.source.name, s.outputs[0].stream)  # type: ignore[union-attr]
        for s in plan_.steps
        if s.name.startswith("captions-")
    }


def test_a_file_beside_the_film_speaks_for_its_language() -> None:
    """Embedded subtitles are taken for languages that have no file of their own."""
    probe = film(text=(text_stream(2, "es"), text_stream(3, "en")))
    made = planned(probe, drop=drop(sidecars=(subtitles("es"),)))
    assert captions(made) == {
        "captions-es": ("talk.es.srt", None),
        "captions-en": ("talk.mp4", 3),
    }
    assert not any(s.required for s in made.steps if s.name in captions(made))


def test_of_two_tracks_of_a_language_the_first_is_taken() -> None:
    """Bitmap subtitles cannot become text and are passed over."""
    tracks = (text_stream(2, "es", is_text=False), text_stream(3, "es"), text_stream(4, "es"))
    assert captions(planned(film(text=tracks))) == {"captions-es": ("talk.mp4", 3)}


def test_sound_has_subtitles_and_photos_have_none() -> None:
    """A recording may be read along; a still has no time."""
    dropped = drop(sidecars=(subtitles("es"),))
    assert captions(planned(recording(), drop=dropped)) == {"captions-es": ("talk.es.srt", None)}
    assert captions(planned(photo(), drop=dropped)) == {}


def test_urgent_things_come_first() -> None:
    """Posters and subtitle files before sound and photos, those before ladders (0 is urgent)."""
    made = planned(film(text=(text_stream(),)), drop=drop(sidecars=(subtitles("en"),)))
    priority = {s.name: s.priority for s in made.steps}
    assert priority["poster"] == priority["captions-en"] < priority["captions-es"]
    assert priority["captions-es"] < priority["ladder"]


# --- names of work ---------------------------------------------------------------------------


def names(plan_: Plan) -> dict[str, str]:
    """Fingerprints by step."""
    return {s.name: s.fingerprint for s in plan_.steps}


def test_the_same_order_gives_the_same_plan() -> None:
    """A plan is a function of its order, to the byte."""
    assert planned() == planned()
    assert len({*names(planned()).values()}) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"drop": drop(media=source(identity="b" * 64))},
        {"profile": changed(DEFAULT, version=DEFAULT.version + 1)},
        {"tool": TOOL + ".1"},
        {"probe": film(picture_stream(1900, 1000))},
    ],
    ids=["identity", "profile version", "tool", "size"],
)
def test_a_fingerprint_changes_with_what_bytes_depend_on(facts: dict[str, Any]) -> None:
    """Other bytes, another profile, another encoder or other numbers: other work."""
    before, after = names(planned()), names(planned(**facts))
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


NUMBERS = [
    ("ladder", name, value)
    for name, value in {
        "width": 2,
        "height": 2,
        "crf": 1.5,
        "preset": "slow",
        "max_bps": 1,
        "gop_frames": 1,
        "frame_rate": Fraction(1),
        "stable": True,
        "file": "x.mp4",
    }.items()
] + [
    ("poster", name, value)
    for name, value in {"width": 2, "quality": 1, "badge": True, "moments_ms": (1,)}.items()
]


@pytest.mark.parametrize(("name", "field", "value"), NUMBERS)
def test_a_fingerprint_holds_every_number_of_its_outputs(
    name: str, field: str, value: object
) -> None:
    """Changing any one field of an output changes the name of the work."""
    before = step(planned(), name)
    first = changed(before.outputs[0], **{field: value})
    after = changed(before, outputs=(first, *before.outputs[1:]))
    assert first != before.outputs[0]
    assert planning._sealed(before, order()).fingerprint == before.fingerprint
    assert planning._sealed(after, order()).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    "facts",
    [
        {"treatment": None},
        {"sound": None},
        {"duration_ms": 9},
        {"demuxer": "matroska"},
    ],
)
def test_a_fingerprint_holds_what_happens_on_the_way(facts: dict[str, Any]) -> None:
    """Treatment, sound, window and demuxer are part of the name too."""
    before = step(planned(), "ladder")
    assert planning._sealed(changed(before, **facts), order()).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    "facts",
    [
        {"priority": 9},
        {"timeout_s": 1},
        {"required": False},
        {"source": changed(source(), key="other/key.mov", name="key.mov")},
    ],
    ids=["priority", "timeout", "required", "key and name"],
)
def test_a_fingerprint_leaves_out_what_bytes_do_not_depend_on(facts: dict[str, Any]) -> None:
    """A renamed file or another priority costs no new encode."""
    before: Step = step(planned(), "ladder")
    assert planning._sealed(changed(before, **facts), order()).fingerprint == before.fingerprint


def test_a_plan_takes_its_limits_from_the_profile() -> None:
    """Every step carries the profile's timeout, and none of it is in its name."""
    limits: Limits = changed(DEFAULT.limits, step_timeout_s=77)
    made = planned(profile=changed(DEFAULT, limits=limits))
    assert {s.timeout_s for s in made.steps} == {77}
    assert names(made) == names(planned())


# --- generations -----------------------------------------------------------------------------

TEXT = Sidecar(role="caption-text", language="en", source=source("talk.txt", "t" * 64))


@pytest.mark.parametrize(
    ("dropped", "same"),
    [
        (drop(info=ItemInfo(title="T", caption="C", alt="A", credit="B")), True),
        (drop(item="other"), True),
        (drop(media=source(identity="b" * 64)), False),
        (drop(sidecars=(subtitles(),)), False),
        (drop(sidecars=(TEXT,)), False),
        (drop(info=ItemInfo(poster="0:01")), False),
        (drop(profile="fast"), False),
        (drop(edition=1), False),
    ],
)
def test_when_an_item_is_planned_anew(
    dropped: Any,
    same: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """New bytes, sidecars or a chosen poster need a new plan; words that pages show do not."""
    before = planning.generation(drop())
    assert (planning.generation(dropped) == before) is same


def test_late_subtitles_leave_the_film_as_it_is() -> None:
    """Only their own step is new: the film is not encoded again."""
    before = names(planned())
    after = names(planned(drop=drop(sidecars=(subtitles(),))))
    assert {k: v for k, v in after.items() if k != "captions-es"} == before
