"""The makers of films: every frame at its place across chunks, and checks that can fail."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import m3u8
import media
import pytest
from homes import QUICK
from values import changed, drop, records_of
from works import Works, planned

from pipeline import film as filming
from pipeline import graph, render_film
from pipeline.errors import ToolBug, Unreadable
from pipeline.model import (
    Artifact,
    FilmOut,
    Fragmented,
    Reel,
    Rung,
    Segment,
    Span,
    Step,
    StepRecord,
    VideoOut,
)
from pipeline.shop import Report, Shop

# One small rung: a dozen chunks cost seconds. With reordered pictures, as the default has them.
RUNG = Rung(short_side=72, crf=20, max_bps=800_000, x264="bframes=3:b-adapt=0")
ONE = changed(QUICK, video=changed(QUICK.video, rungs=(RUNG,), stable_rung=72))
# Fields keep their lines where nothing is scaled.
WHOLE = changed(RUNG, short_side=180, max_bps=4_000_000)
FIELDS = changed(QUICK, video=changed(QUICK.video, rungs=(WHOLE,), stable_rung=180))

# --- films that number their frames ------------------------------------------------------------

BITS, BAR = 10, 16
# A bar for each bit of the frame's number: white or black from top to bottom.
NUMBERED = f"lum='if(mod(floor(N/pow(2,floor(X/{BAR}))),2),235,16)':cb=128:cr=128"
SIZE = f"{BITS * BAR}x72"
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-g", "37", "-bf", "2")
TONE = ("-f", "lavfi", "-i", "sine=440:d=9.009")


def numbered(name: str, rate: str, filters: str, *output: str, seconds: str = "9") -> Path:
    """A film of nine seconds in which every picture shows its own number."""
    grey = f"color=black:s={SIZE}:r={rate}:d={seconds},format=yuv420p,geq={NUMBERED}"
    return media._made(name, "-f", "lavfi", "-i", grey + filters, *TONE, *output)


SELECTED = ",select='not(between(mod(n,23),5,8))*not(between(n,80,135))'"


def interlaced() -> Path:
    """Fifty fields a second, each with its number at the foot of a moving picture."""
    bars = f"color=black:s=320x40:r=50:d=9,format=yuv420p,geq={NUMBERED.replace(str(BAR), '32')}"
    scene = f"testsrc2=s=320x180:r=50:d=9,format=yuv420p[a];{bars}[b];[a][b]overlay=0:140"
    return media._made(
        "n25i.mpg",
        *("-f", "lavfi", "-i", scene, *TONE, "-c:v", "mpeg2video", "-q:v", "2", "-g", "12"),
        *("-vf", "tinterlace=interleave_top,fieldorder=tff,format=yuv420p"),
        *("-r", "25", "-flags", "+ilme+ildct"),
    )


FILMS: dict[str, Callable[[], Path]] = {
    "29.97": lambda: numbered("n2997.mp4", "30000/1001", "", *X264),
    "23.976 in ms": lambda: numbered("n23976.mkv", "24000/1001", "", *X264),
    "uneven": lambda: numbered("nvfr.mp4", "30", SELECTED, "-fps_mode", "vfr", *X264),
    # A recording of a screen: pictures come when something moves.
    "jumpy": lambda: numbered(
        "njumpy.mp4",
        "30",
        ",select='lt(n,100)+lt(mod(n*n,41),9)+eq(n,269)',setpts=PTS+mod(N*N*37\\,1901)/90000/TB",
        *("-fps_mode", "passthrough", "-enc_time_base", "1:90000", *X264),
    ),
    "interlaced": interlaced,
    # One picture stands for five seconds: longer than any group of pictures.
    "sparse": lambda: numbered(
        "nsparse.mp4", "30", SELECTED.replace("80,135", "80,229"), "-fps_mode", "vfr", *X264
    ),
}
# Nine seconds are planned in chunks of about 1, 2, 4, 1 and 1.
PARTS = 5


def numbers(path: Path, *, fields: bool = False) -> list[tuple[Fraction, int]]:
    """When each picture of a film is shown, and the number that it shows.

    With `fields` each picture was one, and only its own lines are believed.
    """
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.reformat(format="gray").planes[0]
            rows, across = bytes(plane), frame.width // BITS
            foot = range(frame.height * 58 // 72, frame.height * 70 // 72)
            if fields:
                foot = range(144 + len(found) % 2, 176, 2)
            bars = [
                [rows[down * plane.line_size + at * across + across // 2] for down in foot]
                for at in range(BITS)
            ]
            assert frame.pts is not None
            assert frame.time_base is not None
            value = sum(2**at for at, bar in enumerate(bars) if sum(bar) > 126 * len(bar))
            found.append((frame.pts * frame.time_base, value))
    return found


@functools.cache
def works(path: Path) -> Works:
    """The steps of a numbered film, made once."""
    folder = media.folder(f"works-{path.name}")
    profile = FIELDS if path.suffix == ".mpg" else ONE
    return Works(path=path, folder=folder, plan=planned(path, profile=profile))


def chunks(film: Works) -> list[Step]:
    """Its chunks in the order of time."""
    return [s for s in film.plan.steps if isinstance(s.outputs[0], VideoOut)]


@pytest.mark.parametrize("name", ["29.97", "23.976 in ms", "uneven", "jumpy"])
def test_no_frame_is_lost_or_doubled_at_a_seam(name: str) -> None:
    """Every picture of the source is in the joined film once, in order, at its own time."""
    path = FILMS[name]()
    film = works(path)
    assert len(chunks(film)) == PARTS
    (made,) = film.make("film").artifacts
    before, after = numbers(path), numbers(film.file(made))
    assert [number for _, number in after] == [number for _, number in before]
    for (was, _), (at, number) in zip(before, after, strict=True):
        assert abs(was - at) <= Fraction(1, 1000), number
    assert made.frames == len(before)
    assert (made.extra["seams"], film.make("film").notes) == (len(chunks(film)) - 1, ())


def test_a_list_in_the_making_never_changes_its_target() -> None:
    """RFC 8216, 6.2.1: players trust it from the first list on; a picture may stand for long."""
    film = works(FILMS["sparse"]())
    done = {film.step("sound-0").fingerprint: film.make("sound-0")}
    targets, lasting = [], [Fraction(0)]
    for part in chunks(film):
        done[part.fingerprint] = film.make(part.name)
        made = filming.shown(records_of(plan=film.plan, done=done, drop=drop(film.path.name)))
        (text,) = (
            bytes(one.body).decode() for one in made.playlists if one.key.endswith("/72.m3u8")
        )
        listed = m3u8.loads(text)
        targets.append(listed.target_duration)
        lasting += [Fraction(str(one.duration)) for one in listed.segments]
    assert max(lasting) > 5
    assert len(targets) > 1
    assert len({*targets}) == 1
    assert targets[0] >= max(lasting)


def test_no_field_is_lost_or_doubled_at_a_seam() -> None:
    """25 frames of two fields become 50 pictures, across borders as everywhere."""
    film = works(FILMS["interlaced"]())
    assert len(chunks(film)) == PARTS
    (made,) = film.make("film").artifacts
    shown = numbers(film.file(made), fields=True)
    # The very first and last have no neighbours to be woven with.
    assert [number for _, number in shown][1:-1] == list(range(1, 449))
    # The first one stands from zero, also where the sound comes some milliseconds before it.
    steps = {late - early for (early, _), (late, _) in pairwise(shown[1:])}
    assert steps == {Fraction(1, 50)}


@pytest.mark.parametrize("name", ["29.97", "23.976 in ms", "uneven", "jumpy", "interlaced"])
def test_chunks_meet_without_a_hole(name: str) -> None:
    """Each begins where the one before ends, to a frame, and nothing is shown twice."""
    film = works(FILMS[name]())
    reels = [reel for s in chunks(film) for reel in film.make(s.name).artifacts]
    assert len(reels) == PARTS
    for early, late in pairwise(reels):
        assert isinstance(early, Reel)
        assert isinstance(late, Reel)
        hole = render_film._begin(late) - render_film._end(early)
        assert abs(hole) <= Fraction(2, 1000)
    first, last = reels[0], reels[-1]
    assert isinstance(first, Reel)
    assert isinstance(last, Reel)
    assert first.inside.segments[0].start == 0
    frame_ms = 1000 / film.plan.probe.video[0].frame_rate
    assert abs(render_film._end(last) * 1000 - (film.plan.probe.duration_ms or 0)) <= frame_ms


@pytest.mark.parametrize("name", ["29.97", "uneven"])
def test_every_group_of_pictures_is_a_fragment(name: str) -> None:
    """A second each here; where pictures come unevenly, a second or as long as one stands."""
    film = works(FILMS[name]())
    for one in chunks(film):
        (reel,) = film.make(one.name).artifacts
        assert isinstance(reel, Reel)
        lengths = [Fraction(s.duration, reel.inside.timescale) for s in reel.inside.segments]
        if name == "29.97":
            assert set(lengths[:-1]) <= {Fraction(1001, 1000)}
        assert all(length <= Fraction(31, 10) for length in lengths)
        assert all(length >= Fraction(1, 2) for length in lengths[:-1])


def test_a_chunk_is_a_function_of_its_step(tmp_path: Path) -> None:
    """Repeated by another worker, in another order: the same bytes."""
    film = works(FILMS["29.97"]())
    again = Works(path=film.path, folder=tmp_path, plan=film.plan)
    for one in reversed(chunks(film)[1:3]):
        assert again.make(one.name) == film.make(one.name)


def test_a_clip_shows_its_part() -> None:
    """From the nearest frame to the nearest frame, counted from its own start."""
    path = FILMS["29.97"]()
    plan = planned(path, profile=ONE, clip="0:02.5-0:06")
    film = Works(path=path, folder=media.folder("works-clip"), plan=plan)
    (made,) = film.make("film").artifacts
    shown = numbers(film.file(made))
    assert [number for _, number in shown] == list(range(75, 180))
    assert shown[0][0] == 0
    assert made.duration_ms == pytest.approx(3500, abs=35)


def test_sound_begins_at_zero_and_ends_with_the_film() -> None:
    """In fragments that begin where groups of pictures do, to a frame of AAC."""
    film = works(FILMS["29.97"]())
    (sound,) = film.make("sound-0").artifacts
    assert isinstance(sound, Reel)
    assert sound.inside.segments[0].start == 0
    assert sound.duration_ms == pytest.approx(film.plan.probe.duration_ms, abs=25)
    starts = [Fraction(s.start, sound.inside.timescale) for s in sound.inside.segments]
    assert all(abs(at - round(at)) < Fraction(1024 * 9, 44_100) for at in starts)
    (made,) = film.make("film").artifacts
    assert abs(made.extra["av_offset_ms"]) <= render_film.MAX_OFFSET_MS
    assert abs(made.extra["over_ms"]) <= 34
    assert made.extra["gain_db"] == sound.extra["gain_db"]


def test_a_film_without_sound_has_none() -> None:
    """No silent track is made up."""
    path = media.silent_film()
    film = Works(path=path, folder=media.folder("works-silent"), plan=planned(path, profile=ONE))
    (made,) = film.make("film").artifacts
    assert (made.extra["av_offset_ms"], made.extra["over_ms"], made.frames) == (None, 0, 25)
    assert "gain_db" not in made.extra
    with av.open(str(film.file(made))) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_reel_is_measured() -> None:
    """Sizes, frames, bytes, hash and fragments are those of the finished file."""
    film = works(FILMS["29.97"]())
    (made,) = film.make("film-0001").artifacts
    assert isinstance(made, Reel)
    data = film.file(made).read_bytes()
    assert (made.role, made.media_type) == ("chunk", "video/mp4")
    assert (made.width, made.height, made.frames) == (160, 72, 60)
    assert (made.bytes, made.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    last = made.inside.segments[-1]
    assert last.offset + last.bytes == made.bytes
    assert made.extra == {"label": "72p", "rung": 72}


def test_every_language_is_measured_alone() -> None:
    """Loudness, label and default go with each track."""
    film = works(FILMS["29.97"]())
    extra = film.make("sound-0").artifacts[0].extra
    assert extra.keys() == {"loudness_before", "gain_db", "label", "default", "channels"}
    assert (extra["label"], extra["default"], extra["channels"]) == ("Original", True, 1)


def test_posters_are_taken_from_the_film() -> None:
    """Plain and with the badge in the planned size, and in the square that podcasts want."""
    made = works(FILMS["29.97"]()).make("poster").artifacts
    assert [(a.role, a.width, a.height) for a in made] == [
        ("poster", 160, 72),
        ("poster-play", 160, 72),
        ("square", 1400, 1400),
    ]


# --- what is missing ---------------------------------------------------------------------------


def without(film: Works, folder: Path, *names: str) -> StepRecord:
    """The film joined of all of its chunks but some."""
    kept = {name: record for name, record in film.made.items() if name not in ("film", *names)}
    empty = {name: StepRecord(step=name, fingerprint="", artifacts=()) for name in names}
    for name in film.step("film").needs:
        film.make(name)
    rest = Works(path=film.path, folder=folder, plan=film.plan, made=kept | empty)
    for name in kept:
        (folder / name).symlink_to(film.folder / name)
    return rest.make("film")


@pytest.mark.parametrize(
    ("lost", "told"), [("film-0001", "0:01 to 0:03"), ("film-0000", "0:00 to 0:01")]
)
def test_a_film_with_a_hole_is_published_with_a_note(tmp_path: Path, lost: str, told: str) -> None:
    """The note says where pictures are missing; the rest stays where it was, with its sound."""
    film = works(FILMS["29.97"]())
    for name in film.step("film").needs:
        film.make(name)
    made = without(film, tmp_path, lost)
    assert any(told in note and "no pictures" in note for note in made.notes)
    shown = numbers(tmp_path / "film" / "video.mp4")
    for at, number in shown[1:]:
        assert abs(at - number * Fraction(1001, 30_000)) < Fraction(1, 100), number


def test_a_film_of_nothing_is_unreadable(tmp_path: Path) -> None:
    """No chunk has a picture: the reporter is asked for another copy."""
    film = works(FILMS["29.97"]())
    for name in film.step("film").needs:
        film.make(name)
    with pytest.raises(Unreadable):
        without(film, tmp_path, *(s.name for s in chunks(film)))


def test_a_chunk_after_the_end_makes_nothing(tmp_path: Path) -> None:
    """The source is shorter than it says: done, and nothing of it there."""
    film = works(FILMS["29.97"]())
    late = changed(film.step("film-0003"), span=Span(start_s=Fraction(100), end_s=Fraction(104)))
    place = changed(film.shop("film-0003"), folder=tmp_path)
    assert render_film.make_chunk(late, place, lambda _: None).artifacts == ()


def test_lost_pictures_are_counted() -> None:
    """Against what the file claims; where pictures come unevenly nobody can say."""
    out = wanted()
    reels = [reel((0, 1000)), reel((1000, 1000))]
    assert missing(changed(out, frames=52), reels) == [
        "2 of the film's 52 pictures could not be decoded."
    ]
    assert missing(changed(out, frames=50), reels) == []
    assert missing(changed(out, frames=49), reels) == []
    assert missing(changed(out, frames=None), reels) == []
    assert missing(changed(out, frames=52, variable_rate=True), reels) == []


def test_pauses_are_told_with_their_places() -> None:
    """At the start, between chunks and inside of them; five at most are named."""
    late = reel((2000, 1000))
    (note,) = missing(wanted(), [late])
    assert "from 0:00 to 0:02" in note
    (note,) = missing(wanted(), [reel((0, 1000)), reel((5000, 1000))])
    assert "from 0:01 to 0:05" in note
    (note,) = missing(wanted(), [reel((0, 9000), pauses=((1000, 4000),))])
    assert "from 0:01 to 0:04" in note
    many = tuple((second * 2000, second * 2000 + 1000) for second in range(8))
    (note,) = missing(wanted(), [reel((0, 20_000), pauses=many)])
    assert note.count(" to ") == 5
    assert "and elsewhere" in note
    assert missing(wanted(), [reel((0, 1000)), reel((1040, 1000))]) == []
    assert missing(changed(wanted(), variable_rate=True), [late]) == []


@pytest.mark.parametrize("uneven", [False, True])
def test_pictures_that_are_missing_at_the_end_are_told(*, uneven: bool) -> None:
    """Those of the source go on, ours do not; however long the last one is made to stand."""
    out = wanted(last_ms=9000, variable_rate=uneven)
    (note,) = missing(out, [reel((0, 9040))], 6000)
    assert "from 0:06 to 0:09" in note
    assert missing(out, [reel((0, 9040))], 9000) == []


def test_what_differs_from_the_source_is_said() -> None:
    """Sound that has drifted off, and a film of another length: a frame and some rounding pass."""
    fine = {"over_ms": 40, "av_offset_ms": 20}
    assert list(render_film._odd(wanted(), fine)) == []
    assert list(render_film._odd(wanted(), {"over_ms": None, "av_offset_ms": None})) == []
    (note,) = render_film._odd(wanted(), fine | {"over_ms": -300})
    assert "0.30 s shorter" in note
    (note,) = render_film._odd(wanted(), fine | {"av_offset_ms": -21})
    assert "21 ms apart" in note


def test_the_sound_is_measured_against_the_source(tmp_path: Path) -> None:
    """Pictures that come later than in the source, beside sound that does not, are found."""
    film = fresh(tmp_path)
    (made,) = film.make("film").artifacts
    assert abs(made.extra["av_offset_ms"]) <= render_film.MAX_OFFSET_MS
    step = film.step("film")
    (out,) = step.outputs
    assert isinstance(out, FilmOut)
    assert out.last_ms == 2960
    found = render_film.facts_of(film.file(made), film.shop("film"), step)
    early = changed(out, last_ms=out.last_ms - 60)
    offset = render_film._av_offset_ms(step, early, found)
    assert offset == pytest.approx(60, abs=render_film.MAX_OFFSET_MS)


def wanted(**facts: Any) -> FilmOut:
    """A joined film of 25 frames per second."""
    known = {"role": "video", "file": "v.mp4", "rung": 72, "frames": None}
    return FilmOut(**(known | {"frame_rate": Fraction(25), "variable_rate": False} | facts))


def reel(*fragments: tuple[int, int], pauses: tuple[tuple[int, int], ...] = ()) -> Reel:
    """A chunk with fragments at these places, in ms: start and length."""
    segments = tuple(Segment(offset=0, bytes=1, start=at, duration=for_) for at, for_ in fragments)
    inside = Fragmented(
        codec="avc1.64001f", timescale=1000, header_bytes=1, segments=segments, pauses=pauses
    )
    facts = {"role": "chunk", "key": "72.mp4", "media_type": "video/mp4", "bytes": 1, "sha256": ""}
    return Reel(**facts, frames=25, inside=inside, extra={"rung": 72})


def missing(out: FilmOut, reels: list[Reel], last_ms: int = 0) -> list[str]:
    """The notes about a film of these reels, whose last picture is shown then."""
    return render_film._missing(works(FILMS["29.97"]()).step("film"), out, reels, last_ms)


# --- checks that can fail ----------------------------------------------------------------------


def tampered(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Step], Step]) -> None:
    """Let the encoder be told something else than what was planned."""
    compile_ = getattr(graph, name)
    monkeypatch.setattr(graph, name, lambda step, *rest: compile_(change(step), *rest))


def fresh(tmp_path: Path, path: Path | None = None) -> Works:
    """The works of a short film, nothing made."""
    path = path or media.film(3)
    return Works(path=path, folder=tmp_path, plan=planned(path))


def resized(step: Step) -> Step:
    """The step with another size."""
    outs = [changed(o, width=80, height=36) for o in step.outputs if isinstance(o, VideoOut)]
    return changed(step, outputs=tuple(outs))


def later(step: Step) -> Step:
    """The step with a stretch that begins and ends a second later."""
    span = step.span
    end = span.end_s + 2 if span.end_s else None
    return changed(step, span=changed(span, start_s=span.start_s + 1, end_s=end))


def earlier(step: Step) -> Step:
    """The step with pictures that are shown half a second earlier."""
    return changed(step, span=changed(step.span, shift_s=step.span.shift_s + Fraction(1, 2)))


@pytest.mark.parametrize(
    ("name", "change"),
    [("film-0001", resized), ("film-0000", later), ("film-0001", earlier)],
    ids=["size", "over the end", "before the start"],
)
def test_a_wrong_chunk_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Step], Step]
) -> None:
    """Another size, or pictures that belong to a neighbour: never published."""
    tampered(monkeypatch, "chunk", change)
    with pytest.raises(ToolBug) as raised:
        fresh(tmp_path).make(name)
    assert "film-" in raised.value.public
    assert raised.value.evidence


def spoilt(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]) -> None:
    """Let something happen to what the encoder leaves behind."""
    encode = render_film.encode

    def encoded(argv: tuple[str, ...], step: Step, place: Shop, report: Report) -> None:
        encode(argv, step, place, report)
        for file in place.folder.glob("*.mp4"):
            spoil(file)

    monkeypatch.setattr(render_film, "encode", encoded)


def blank(file: Path) -> None:
    """Its pictures or sounds are nothing but zeros."""
    data = file.read_bytes()
    at = data.index(b"mdat") + 4
    file.write_bytes(data[:at] + bytes(len(data) - at))


@pytest.mark.parametrize("name", ["film-0001", "sound-0"])
def test_garbage_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An encoder that ends well but leaves garbage is not believed."""
    film = fresh(tmp_path)
    spoilt(monkeypatch, blank)
    with pytest.raises(ToolBug):
        film.make(name)


def test_rungs_of_different_cuts_are_caught() -> None:
    """A player that changes rungs must find the same frames in each."""
    step = works(FILMS["29.97"]()).step("film-0001")
    alike = reel((0, 1000), (1000, 1000))
    render_film._check_alike((alike, alike), step)
    for other in (changed(alike, frames=24), reel((0, 960), (960, 1040))):
        with pytest.raises(ToolBug):
            render_film._check_alike((alike, other), step)


def test_chunks_that_overlap_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk that was made twice under two names would be shown twice."""
    film = fresh(tmp_path)
    film.make("film-0001")
    first = film.make("film-0000")
    film.made["film-0001"] = changed(film.made["film-0001"], artifacts=first.artifacts)
    with pytest.raises(ToolBug) as raised:
        film.make("film")
    assert "overlap" in raised.value.evidence or "joined" in raised.value.evidence


def test_chunks_of_different_headers_are_caught(tmp_path: Path) -> None:
    """Two encoders met in one film: what one header says is not true for all of it."""
    film = fresh(tmp_path)
    for name in film.step("film").needs:
        film.make(name)
    reel_ = next(a for a in film.made["film-0001"].artifacts if a.extra.get("rung") == 180)
    file = film.file(reel_)
    data = bytearray(file.read_bytes())
    data[data.index(b"avcC") + 6] ^= 1
    file.write_bytes(data)
    with pytest.raises(ToolBug) as raised:
        film.make("film")
    assert "headers" in raised.value.evidence


def test_times_that_run_back_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pictures at one time, or one decoded before its turn: players stop there."""
    film = fresh(tmp_path)
    for name in film.step("film").needs:
        film.make(name)
    measured = render_film.facts_of

    def muddled(*arguments: Any) -> Any:
        found = measured(*arguments)
        return changed(found, streams=tuple(changed(s, in_order=False) for s in found.streams))

    monkeypatch.setattr(render_film, "facts_of", muddled)
    with pytest.raises(ToolBug) as raised:
        film.make("film")
    assert "twice" in raised.value.evidence


def test_a_seam_that_does_not_decode_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place is told in the evidence."""
    film = fresh(tmp_path)
    for name in film.step("film").needs:
        film.make(name)
    real = render_film.facts_of
    monkeypatch.setattr(render_film, "facts_of", lambda *a: changed(real(*a), broken_ms=(1000,)))
    with pytest.raises(ToolBug) as raised:
        film.make("film")
    assert "1000" in raised.value.evidence


@pytest.mark.parametrize(
    ("spoilt", "found"), [("film-0002", "seams"), ("film-0003", "decodes=False")]
)
def test_a_broken_chunk_is_caught_again(tmp_path: Path, spoilt: str, found: str) -> None:
    """On its way through stores a chunk may be spoilt: at a seam, or at the film's end."""
    source_ = works(FILMS["29.97"]())
    for name in source_.step("film").needs:
        source_.make(name)
    shutil.copytree(source_.folder, tmp_path / "copy")
    made = {name: record for name, record in source_.made.items() if name != "film"}
    film = Works(path=source_.path, folder=tmp_path / "copy", plan=source_.plan, made=made)
    file = film.file(film.made[spoilt].artifacts[0])
    data = bytearray(file.read_bytes())
    at = (data.index if spoilt == "film-0002" else data.rindex)(b"mdat") + 4
    data[at : at + 4] = b"\x7f\xff\xff\xff"  # the length of what comes first
    file.write_bytes(data)
    with pytest.raises(ToolBug) as raised:
        film.make("film")
    assert found in raised.value.evidence


def test_lost_frames_of_a_join_are_caught(tmp_path: Path) -> None:
    """What was measured on the chunks must be in the film."""
    film = fresh(tmp_path)
    for name in film.step("film").needs:
        film.make(name)
    record = film.made["film-0001"]
    more = tuple(
        changed(a, frames=(a.frames or 0) + 1) if isinstance(a, Reel) else a
        for a in record.artifacts
    )
    film.made["film-0001"] = changed(record, artifacts=more)
    with pytest.raises(ToolBug) as raised:
        film.make("film")
    assert "joined" in raised.value.evidence


# --- damaged sources -------------------------------------------------------------------------


@pytest.mark.hostile
def test_a_cut_film_that_knows_its_length_is_published_with_a_note(tmp_path: Path) -> None:
    """A truncated MKV still says how long it was: the note names both lengths."""
    path = media.cut(media.film(4, "mkv"), 0.5)
    film = fresh(tmp_path, path)
    (made,) = film.make("film").artifacts
    assert made.duration_ms is not None
    assert 1000 < made.duration_ms < 3000
    assert "The file says it lasts 0:04, but only 0:02 is there." in film.plan.notes


@pytest.mark.hostile
def test_a_cut_stream_is_published_as_long_as_it_is(tmp_path: Path) -> None:
    """A truncated transport stream tells no length: what is there is published, whole."""
    path = media.cut(media.film(4, "ts"), 0.5)
    film = fresh(tmp_path, path)
    (made,) = film.make("film").artifacts
    claimed = film.plan.probe.duration_ms
    assert claimed is not None
    assert made.duration_ms is not None
    assert 1000 < made.duration_ms < 3000
    assert abs(claimed - made.duration_ms) < 500


def test_what_a_film_is_joined_of_is_of_its_rung() -> None:
    """Other rungs, and sound, are none of its pieces; they come in the order of time."""
    late, early = reel((1000, 1000)), reel((0, 1000))
    other = changed(reel((0, 1000)), extra={"rung": 240})
    sound = changed(reel((0, 1000)), role="sound-track", extra={})
    plain = Artifact(role="chunk", key="x", media_type="", bytes=1, sha256="", extra={"rung": 72})
    inputs = tuple((made, Path("/nowhere")) for made in (late, other, early, sound, plain))
    place = changed(works(FILMS["29.97"]()).shop("poster"), inputs=inputs)
    assert [made for made, _ in render_film.chunks_of(72, place)] == [early, late]


@pytest.mark.parametrize("ticks", [24, 12_800, 90_000])
def test_a_copy_lasts_as_long_as_its_sound(ticks: int) -> None:
    """Its last picture stays for the rest of it, whatever ticks the source is timed in."""
    path = media._made(
        f"ready-{ticks}.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=3"),
        *("-f", "lavfi", "-i", "sine=440:d=3.1"),
        *("-c:v", "libx264", "-preset", "veryfast", "-b:v", "300k", "-g", "24"),
        *("-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_primaries", "bt709"),
        *("-color_trc", "bt709", "-color_range", "tv", "-c:a", "aac"),
        *("-video_track_timescale", str(ticks)),
    )
    film = Works(path=path, folder=media.folder(f"copy-{ticks}"), plan=planned(path))
    (copy,) = film.make("copy").artifacts
    assert copy.frames == 72
    assert copy.duration_ms == pytest.approx(3100, abs=42)
