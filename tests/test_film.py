"""What of a film can be watched at each moment of its making, from its records alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import (
    DEFAULT,
    changed,
    drop,
    left_behind,
    picture_stream,
    planned,
    records_of,
    sound_stream,
    source,
    step,
    subtitles,
)
from values import film as film_of

from pipeline import address
from pipeline import film as filming
from pipeline.film import Film
from pipeline.model import Artifact, Failure, ItemInfo, Plan, Rung, StepRecord

RUNGS = tuple(
    Rung(short_side=side, crf=23, max_bps=side * 3000, codec=codec)
    for codec, side in (("h264", 240), ("h264", 360), ("h264", 720), ("av1", 720))
)
VIDEO = changed(
    DEFAULT.video, rungs=RUNGS, gop_seconds=4.0, chunk_seconds=32.0, copy_max_bps=8_000_000
)
PROFILE = changed(DEFAULT, video=VIDEO)
FAILED = Failure(code="unreadable", message="It is broken.")
PICTURE = picture_stream(1280, 720, duration_ms=122_000)
SPANISH, ENGLISH = (sound_stream(index=n, language=code) for n, code in ((1, "es"), (2, "en")))


def plan_of(*sounds: Any, **stream: Any) -> Plan:
    """The plan of a film of two minutes with subtitles: a long one, which has an opening sound."""
    probe = film_of(changed(PICTURE, **stream), duration_ms=122_000, audio=sounds)
    return planned(probe, profile=PROFILE, drop=drop(sidecars=(subtitles("es"),)))


PLAN = plan_of(SPANISH, ENGLISH)
SILENT = plan_of()
CHUNKS = [s.name for s in PLAN.steps if s.name.startswith("film-") and not s.name.endswith("-low")]
AV1 = [s.name for s in PLAN.steps if s.name.startswith("av1-")]
LOW, OPENING = "film-0000-low", "sound-opening"
# The order in which one worker does them.
MAKING = [LOW, OPENING, CHUNKS[0], "sound-0", *CHUNKS[1:], "captions-es", "sound-1", *AV1]
WHOLE = MAKING[: -len(AV1)]


def shown(*done: str, plan: Plan = PLAN, failed: tuple[str, ...] = (), **facts: Any) -> Film:
    """What is shown where these steps are done, and those have failed."""
    records: dict[str, StepRecord] = {
        step(plan, name).fingerprint: left_behind(plan, name) for name in done
    }
    broken = {step(plan, name).fingerprint: FAILED for name in failed}
    return filming.shown(records_of(plan=plan, done=records | facts, failed=broken))


def output(film: Film, role: str = "hls") -> Artifact:
    """The one output of a role."""
    (found,) = (one for one in film.outputs if one.role == role)
    return found


def rungs(film: Film) -> dict[str, int]:
    """How far each size is ready, in ms, by the name of its playlist."""
    return {
        one.key.rpartition("/")[2].removesuffix(".m3u8"): one.duration_ms or 0
        for one in film.outputs
        if one.role == "rung"
    }


def lists(film: Film) -> dict[str, m3u8.M3U8]:
    """Every playlist as another reader sees it, by its name."""
    return {
        one.key.rpartition("/")[2].removesuffix(".m3u8"): m3u8.loads(bytes(one.body).decode())  # type: ignore[arg-type]
        for one in (*film.playlists, *film.index)
    }


# --- stages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("done", [(), (LOW,), (OPENING,), ("sound-0", "sound-1"), (CHUNKS[1],)])
def test_nothing_is_shown_before_it_plays(done: tuple[str, ...]) -> None:
    """Pictures of the first seconds and their sound, both; what comes later alone is nothing."""
    assert shown(*done) == Film()
    assert filming.shown(records_of()) == Film()


def test_the_first_seconds_are_shown_as_soon_as_they_are_there() -> None:
    """The small sizes of the first group of pictures, with the opening of the sound."""
    film = shown(LOW, OPENING)
    assert rungs(film) == {"240": 4000, "360": 4000}
    assert output(film).extra["ready_ms"] == output(film).duration_ms == 4000
    assert output(film).extra["complete"] is False
    assert lists(film).keys() == {"240", "360", "sound-0", "index"}
    assert {m.language for m in lists(film)["index"].media} == {"es"}


def test_larger_sizes_join_as_they_come() -> None:
    """Each as far as it goes without a piece missing."""
    film = shown(LOW, OPENING, CHUNKS[0])
    assert rungs(film) == {"240": 4000, "360": 4000, "720": 4000}
    film = shown(LOW, OPENING, CHUNKS[0], CHUNKS[1])
    assert rungs(film) == {"240": 12_000, "360": 12_000, "720": 12_000}


def test_a_size_that_lags_behind_waits() -> None:
    """A player that changed to it would be thrown back in time."""
    film = shown(LOW, OPENING, CHUNKS[1], CHUNKS[2])
    assert rungs(film) == {"240": 28_000, "360": 28_000}


def test_the_opening_bounds_what_is_shown() -> None:
    """Without sound nobody watches on; a whole sound lets the film grow to its end."""
    chunks = (LOW, *CHUNKS[:-1])
    opened = output(shown(*chunks, OPENING)).extra["ready_ms"]
    whole = output(shown(*chunks, OPENING, "sound-0")).extra["ready_ms"]
    assert opened <= 60_000 < whole == 112_000


def test_a_whole_film_is_complete() -> None:
    """Every size, every language and the subtitles, none of which grows any more."""
    film = shown(*WHOLE)
    assert rungs(film) == {"240": 122_000, "360": 122_000, "720": 122_000}
    assert output(film).extra["complete"] is True
    found = lists(film)
    assert all(one.is_endlist for name, one in found.items() if name != "index")
    assert [(m.type, m.language) for m in found["index"].media] == [
        ("AUDIO", "es"),
        ("AUDIO", "en"),
        ("SUBTITLES", "es"),
    ]
    assert found["captions-es"].segments[0].duration == 122


def test_what_grows_is_not_kept_by_caches() -> None:
    """A complete list still may change with the film's subtitles, but rarely."""
    growing, whole = shown(LOW, OPENING), shown(*WHOLE)
    assert {one.cache for one in (*growing.playlists, *growing.index)} == {address.FRESH}
    assert {one.cache for one in (*whole.playlists, *whole.index)} == {address.POINTER}


@given(st.permutations(MAKING))
def test_a_film_only_grows(order: list[str]) -> None:
    """In whatever order its steps are done: what is ready never goes back, nothing is renamed."""
    ready, listed = 0, dict[str, list[str]]()
    for count in range(len(order) + 1):
        film = shown(*order[:count])
        if not film.outputs:
            assert not ready
            continue
        now = int(output(film).extra["ready_ms"])
        assert now >= ready
        ready = now
        for name, one in lists(film).items():
            urls = [f"{s.uri}@{s.byterange}" for s in one.segments]
            if not name.startswith("sound"):  # the opening gives way to the whole
                assert urls[: len(listed.get(name, []))] == listed.get(name, [])
            listed[name] = urls
    assert ready == 122_000


@given(st.permutations(MAKING), st.integers(0, len(MAKING)))
def test_every_list_that_is_named_is_there(order: list[str], count: int) -> None:
    """In the multivariant playlist as in the manifest; nothing else is written."""
    film = shown(*order[:count])
    written = {one.key for one in (*film.playlists, *film.index)}
    assert {one.key for one in film.outputs} <= written
    for index in film.index:
        folder = index.key.rpartition("/")[0]
        found = m3u8.loads(bytes(index.body).decode())  # type: ignore[arg-type]
        assert found.playlists
        named = [one.uri for one in (*found.playlists, *found.media)]
        assert {f"{folder}/{url}" for url in named} <= written


def test_the_index_is_written_last() -> None:
    """Whoever reads it finds what it names."""
    film = shown(*MAKING)
    assert [one.key.rpartition("/")[2] for one in film.index] == ["index.m3u8", "av1.m3u8"]
    assert not {one.key for one in film.playlists} & {one.key for one in film.index}


def test_the_same_records_give_the_same_lists() -> None:
    """To the byte, in whatever order they were found."""
    assert shown(*WHOLE) == shown(*reversed(WHOLE))


# --- failures --------------------------------------------------------------------------------


def gaps(film: Film, name: str = "720") -> list[float]:
    """The lengths of the gaps of one list, in seconds."""
    return [s.duration for s in lists(film)[name].segments if s.gap_tag]


def test_a_failed_chunk_is_a_gap() -> None:
    """In every size, as long as the chunk; the rest of the film is shown."""
    rest = [name for name in WHOLE if name != CHUNKS[2]]
    film = shown(*rest, failed=(CHUNKS[2],))
    assert output(film).extra == output(shown(*WHOLE)).extra
    for name in ("240", "360", "720"):
        assert sum(gaps(film, name)) == 16
    assert gaps(shown(*WHOLE)) == []


def test_a_chunk_without_a_picture_is_a_gap() -> None:
    """Nothing in it could be decoded: it is done, but there is nothing of it."""
    empty = left_behind(PLAN, CHUNKS[2], artifacts=())
    rest = [name for name in WHOLE if name != CHUNKS[2]]
    film = shown(*rest, **{empty.fingerprint: empty})
    assert sum(gaps(film)) == 16
    assert output(film).extra["complete"] is True


def test_a_missing_chunk_ends_what_is_shown() -> None:
    """What comes after it waits: it may be done in a minute."""
    rest = [name for name in WHOLE if name != CHUNKS[2]]
    film = shown(*rest)
    assert output(film).extra["ready_ms"] == 12_000
    assert output(film).extra["complete"] is False
    assert gaps(film) == []


def test_a_failed_start_is_a_gap_at_the_start() -> None:
    """The film is not lost for it."""
    film = shown(OPENING, CHUNKS[1], "sound-0", failed=(LOW, CHUNKS[0]))
    assert gaps(film) == [4.0]
    assert output(film).extra["ready_ms"] == 12_000


def test_a_film_of_which_nothing_could_be_made_is_not_shown() -> None:
    """No list of gaps alone."""
    everything = (LOW, *CHUNKS)
    assert shown("sound-0", failed=everything) == Film()


def test_a_film_whose_sound_failed_is_silent() -> None:
    """Better than nothing, and nothing waits for it."""
    chunks = (LOW, *CHUNKS)
    film = shown(*chunks, failed=(OPENING, "sound-0", "sound-1"))
    assert output(film).extra["complete"] is True
    assert lists(film)["index"].media == []
    with_opening = shown(*chunks, OPENING, failed=("sound-0",))
    assert output(with_opening).extra["ready_ms"] == 122_000


# --- kinds of films --------------------------------------------------------------------------


def test_another_language_alone_is_no_sound() -> None:
    """It would be taken for the film's own, and then be taken away again."""
    assert shown(LOW, "sound-1") == Film()
    film = shown(LOW, "sound-1", failed=(OPENING, "sound-0"))
    assert [m.language for m in lists(film)["index"].media] == ["en"]


def test_a_silent_film_waits_for_no_sound() -> None:
    """Its pictures are all there is."""
    film = shown(LOW, plan=SILENT)
    assert rungs(film) == {"240": 4000, "360": 4000}
    assert lists(film)["index"].media == []


def test_av1_is_offered_only_when_it_is_whole() -> None:
    """Players choose once; a list that ends early would end the film."""
    almost = shown(*MAKING[:-1])
    assert "hls-av1" not in {one.role for one in almost.outputs}
    assert not [name for name in lists(almost) if "av1" in name]
    film = shown(*MAKING)
    made = output(film, "hls-av1")
    assert made.key.endswith("/av1.m3u8")
    assert (made.extra["codecs"], made.extra["complete"]) == ("av01.0.05M.08", True)
    assert [p.uri for p in lists(film)["av1"].playlists] == ["av1-720.m3u8"]
    assert [p.uri for p in lists(film)["index"].playlists] == [
        "240.m3u8",
        "360.m3u8",
        "720.m3u8",
    ]
    by_codec = [one.extra["codec"] for one in film.outputs if one.role == "rung"]
    assert by_codec.count("av1") == 1


def test_a_copied_size_is_cut_to_what_is_ready() -> None:
    """It is there all at once, but a film in the making is shown as far as all of it is."""
    plan = plan_of(SPANISH, web_ready=True, bitrate_bps=1_000_000)
    rungs_ = [name for name in WHOLE if name in {s.name for s in plan.steps}]
    film = shown(CHUNKS[0], "sound-0", "copy", plan=plan)
    assert rungs(film) == {"240": 4000, "360": 4000, "720": 4000}
    whole = shown(*rungs_, "copy", plan=plan)
    assert rungs(whole) == {"240": 122_000, "360": 122_000, "720": 122_000}
    assert output(shown(*rungs_, plan=plan)).extra["complete"] is False


def test_sound_is_listed_as_far_as_pictures_are() -> None:
    """A fragment further, for players want sound up to the last picture; then all of it."""
    part = lists(shown(LOW, "sound-0"))["sound-0"]
    assert 4 <= sum(s.duration for s in part.segments) <= 9
    assert not part.is_endlist
    whole = lists(shown(*WHOLE))["sound-0"]
    assert sum(s.duration for s in whole.segments) == pytest.approx(122)
    assert whole.is_endlist


def test_the_bandwidth_of_the_sound_is_counted_in() -> None:
    """And the sizes are told with what they were measured to take."""
    film = shown(*WHOLE)
    index = lists(film)["index"]
    sizes = [one for one in film.outputs if one.role == "rung"]
    for listed, size in zip(index.playlists, sizes, strict=True):
        assert listed.stream_info.bandwidth > size.extra["peak_bps"] >= size.extra["average_bps"]
        assert listed.stream_info.average_bandwidth <= listed.stream_info.bandwidth
        assert listed.stream_info.resolution == (size.width, size.height)
    assert [size.extra["label"] for size in sizes] == ["240p", "360p", "720p"]
    assert sizes[0].bytes == 1000 * len([LOW, *CHUNKS[1:]])


# --- names -----------------------------------------------------------------------------------


def test_playlists_live_in_a_folder_of_their_plan() -> None:
    """Another source has another one, so that old players are not shown a new film's pieces."""
    film = shown(LOW, OPENING)
    base = f"post/talk/hls/{filming.name(PLAN)}"
    assert {one.key.rpartition("/")[0] for one in (*film.playlists, *film.index)} == {base}
    other = planned(PLAN.probe, profile=PROFILE, drop=drop(media=source(identity="b" * 64)))
    assert filming.name(other) != filming.name(PLAN)


def test_late_subtitles_change_no_address() -> None:
    """What plays in somebody's browser goes on playing."""
    bare = planned(PLAN.probe, profile=PROFILE)
    assert filming.name(bare) == filming.name(PLAN)


def test_pieces_are_named_from_the_playlists_folder() -> None:
    """Two folders up, and down to the work that made them."""
    found = lists(shown(LOW, OPENING))
    made = step(PLAN, LOW).fingerprint
    assert found["360"].segments[0].uri == f"../../r/{made}/360.mp4"
    opening = step(PLAN, OPENING).fingerprint
    assert {s.uri for s in found["sound-0"].segments} == {f"../../r/{opening}/sound.mp4"}


def test_times_of_a_clip_count_from_its_start() -> None:
    """The first fragment of a part is shown at zero: no gap before it."""
    dropped = drop(info=ItemInfo(clip="0:10-0:40"))
    plan = planned(film_of(PICTURE, duration_ms=122_000), profile=PROFILE, drop=dropped)
    film = shown(LOW, "sound-0", plan=plan)
    assert output(film).extra["ready_ms"] == 4000
    assert lists(film)["240"].segments[0].gap_tag is None
    assert step(plan, LOW).span.shift_s == Fraction(10)
