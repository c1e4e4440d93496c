"""Films of every rate and start: full motion, nothing lost or repeated, sound with its picture."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from measure import bar, beeps, flashes, gaps, pictures, sound
from reels import AAC, BEEPS, H264, MOMENTS, SECONDS, Reel, make, moving_bar, published, signals

from pipeline.model import State

SIGNALS = ("-f", "lavfi", "-i", signals())
FRAME = 0.04


def _offsets(reel: Reel) -> list[float]:
    """Seconds by which each beep comes after its flash; all of them must be there."""
    light, noise = flashes(reel.pictures), beeps(sound(reel.path))
    assert len(light) == len(noise) > 0
    return [late - early for early, late in zip(light, noise, strict=True)]


def _steps(reel: Reel) -> list[float]:
    """How far, in pixels, the bar goes from one picture to the next."""
    places = [bar(picture) for picture in reel.pictures]
    return [late - early for early, late in pairwise(places)]


# --- fields ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "flag", "codec", "name"),
    [
        ("top", "tff", ("-c:v", "mpeg2video", "-b:v", "8M", "-flags", "+ilme+ildct"), "tv.ts"),
        ("bottom", "bff", ("-c:v", "mpeg2video", "-b:v", "8M", "-flags", "+ilme+ildct"), "dv.mkv"),
        ("top", "prog", (*H264, "-g", "25"), "edited.mp4"),
        ("bottom", "bff", ("-c:v", "dvvideo", "-pix_fmt", "yuv420p"), "tape.dv"),
    ],
)
def test_fields_become_pictures_of_full_motion(
    tmp_path: Path, first: str, flag: str, codec: tuple[str, ...], name: str
) -> None:
    """50 fields are 50 pictures, each one step farther, also where the header says nothing."""
    weave = f"tinterlace=interleave_{first},setfield={flag}"
    source = ("-f", "lavfi", "-i", moving_bar("720x576", "50"), "-vf", weave)
    reel = published(make(tmp_path / name, *source, *codec), tmp_path)
    assert "interlaced" in reel.notes
    assert len(reel.pictures) == pytest.approx(50 * SECONDS, abs=1)
    assert sum(gaps(reel.pictures)) == pytest.approx(SECONDS, abs=FRAME)
    # 720 * 0.2 pixels a second are 2.88 a field; wrong fields first would go back and forth.
    steps = _steps(reel)[2:-2]
    assert min(steps) > 1.5
    assert max(steps) < 4.5


def test_whole_pictures_in_a_stream_of_fields_stay_whole(tmp_path: Path) -> None:
    """What the header calls interlaced and was shot in whole pictures is left alone."""
    source = ("-f", "lavfi", "-i", moving_bar("720x576", "25"), "-vf", "setfield=tff")
    fields = ("-flags", "+ilme+ildct", "-x264-params", "tff=1", "-g", "25")
    reel = published(make(tmp_path / "film.mp4", *source, *H264, *fields), tmp_path)
    assert "interlaced" not in reel.notes
    assert len(reel.pictures) == 25 * SECONDS
    assert min(_steps(reel)) > 3


# --- rates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "pictures_", "name"),
    [
        ("24000/1001", 72, "film.mkv"),
        ("25/2", 38, "film.mp4"),
        ("15", 45, "film.mov"),
        ("60000/1001", 180, "film.mkv"),
        ("120", 180, "film.mp4"),
        ("240", 180, "film.mov"),
    ],
)
def test_every_rate_is_kept_up_to_sixty(
    tmp_path: Path, rate: str, pictures_: int, name: str
) -> None:
    """Pictures keep their times; of 120 a second every other one goes; sound stays in place."""
    source = ("-f", "lavfi", "-i", signals(rate=rate), *BEEPS)
    reel = published(make(tmp_path / name, *source, *H264, *AAC), tmp_path)
    assert len(reel.pictures) == pytest.approx(pictures_, abs=1)
    steps = gaps(reel.pictures)
    assert max(steps) - min(steps) < 0.002
    numerator, _, denominator = rate.partition("/")
    period = int(denominator or 1) / int(numerator)
    assert all(-period - 0.03 < offset < 0.03 for offset in _offsets(reel))


def test_a_film_of_uneven_rate_keeps_its_times_and_its_sound(tmp_path: Path) -> None:
    """Phones drop pictures in the dark: those that are there are shown when they were taken."""
    dropped = (
        "-vf",
        "select='lt(mod(n,7),3)+between(mod(n,25),12,14)+eq(n,74)'",
        "-fps_mode",
        "passthrough",
    )
    film = make(tmp_path / "phone.mp4", *SIGNALS, *BEEPS, *dropped, *H264, *AAC)
    reel = published(film, tmp_path)
    assert [round(shown.at_s, 2) for shown in reel.pictures] == [
        round(shown.at_s, 2) for shown in pictures(film)
    ]
    assert all(abs(offset) < FRAME for offset in _offsets(reel))


# --- beginnings and ends ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["early.mkv", "early.mp4"])
def test_what_begins_before_zero_begins_at_zero(tmp_path: Path, name: str) -> None:
    """Editors leave negative times: nothing shown is lost for it, and sound stays in place."""
    whole = make(tmp_path / "whole.mp4", *SIGNALS, *BEEPS, *H264, "-bf", "2", *AAC)
    early = ("-output_ts_offset", "-0.4", "-avoid_negative_ts", "disabled", "-c", "copy")
    reel = published(make(tmp_path / name, "-i", whole, *early), tmp_path)
    assert reel.pictures[0].at_s == pytest.approx(0, abs=0.002)
    assert len(reel.pictures) >= 25 * SECONDS - 11
    assert all(abs(offset) < FRAME for offset in _offsets(reel))


@pytest.mark.parametrize("kind", ["mp4", "ts"])
def test_a_late_picture_stands_from_the_beginning(tmp_path: Path, kind: str) -> None:
    """A camera that hears before it sees: no black start, and the sound in its place."""
    whole = make(tmp_path / "whole.mp4", *SIGNALS, *BEEPS, *H264, *AAC)
    maps = ("-map", "0:v", "-map", "1:a", "-c", "copy")
    film = make(tmp_path / f"late.{kind}", "-itsoffset", "0.3", "-i", whole, "-i", whole, *maps)
    reel = published(film, tmp_path)
    assert reel.pictures[0].at_s == pytest.approx(0, abs=0.002)
    assert _offsets(reel) == [pytest.approx(-0.3, abs=0.03)] * len(MOMENTS)


@pytest.mark.parametrize("kind", ["mkv", "ts"])
def test_late_sound_comes_late(tmp_path: Path, kind: str) -> None:
    """Silence takes the place of what was not recorded."""
    whole = make(tmp_path / "whole.mp4", *SIGNALS, *BEEPS, *H264, *AAC)
    maps = ("-map", "0:v", "-map", "1:a", "-c", "copy")
    film = make(tmp_path / f"late.{kind}", "-i", whole, "-itsoffset", "0.3", "-i", whole, *maps)
    reel = published(film, tmp_path)
    assert _offsets(reel) == [pytest.approx(0.3, abs=0.03)] * len(MOMENTS)


def test_an_edit_list_is_obeyed(tmp_path: Path) -> None:
    """Phones trim by a list: what lies before the cut is in the file and must not be shown."""
    whole = make(tmp_path / "whole.mp4", *SIGNALS, *BEEPS, *H264, *AAC, "-g", "75")
    film = make(tmp_path / "trimmed.mp4", "-ss", "1.2", "-i", whole, "-c", "copy")
    reel = published(film, tmp_path)
    assert flashes(reel.pictures) == [pytest.approx(at - 1.2, abs=FRAME) for at in MOMENTS[1:]]
    assert all(abs(offset) < FRAME for offset in _offsets(reel))


@pytest.mark.parametrize(
    ("suffix", "begins", "coder"),
    [
        ("ts", ("100", "10"), (*H264, "-g", "25", "-c:a", "mp2")),
        ("ts", ("10", "5000"), ("-c:v", "mpeg2video", "-c:a", "ac3", "-ac", "6")),
        ("mpg", ("0", "0"), ("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2")),
        ("vob", ("0", "0"), ("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "ac3", "-ac", "6")),
    ],
)
def test_parts_whose_clocks_start_anew_follow_each_other(
    tmp_path: Path, suffix: str, begins: tuple[str, ...], coder: tuple[str, ...]
) -> None:
    """Clips of a camcorder or a disc that were joined byte by byte: no part is lost, none waits."""
    source = ("-f", "lavfi", "-i", signals(), *BEEPS, *coder)
    plain = ("-muxdelay", "0", "-muxpreload", "0") if suffix == "ts" else ()
    parts = [
        make(tmp_path / f"{n}.{suffix}", *source, *plain, "-output_ts_offset", begin)
        for n, begin in enumerate(begins)
    ]
    film = tmp_path / f"joined.{suffix}"
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    reel = published(film, tmp_path)
    assert "clock starts anew" in reel.notes
    assert len(reel.pictures) == 150
    found = flashes(reel.pictures)
    both = [at + SECONDS * part for part in range(2) for at in MOMENTS]
    assert found == [pytest.approx(at, abs=0.05) for at in both]
    assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.04) for at in found]


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_sound_that_overlaps_where_parts_meet_does_not_run_late(
    tmp_path: Path, suffix: str
) -> None:
    """Every part's sound is longer than its pictures by a part of a packet: five of them."""
    source = ("-f", "lavfi", "-i", signals(), *BEEPS, *H264, *AAC)
    begins = [(3 * n, tmp_path / f"{n}.ts") for n in range(5)]
    wire = ("-muxdelay", "0", "-muxpreload", "0")
    parts = [make(path, *source, *wire, "-output_ts_offset", str(at)) for at, path in begins]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    film = make(tmp_path / f"film.{suffix}", "-copyts", "-i", joined, "-c", "copy")
    reel = published(film, tmp_path)
    found = flashes(reel.pictures)
    assert len(found) == 5 * len(MOMENTS)
    assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.045) for at in found]


def test_a_clock_that_does_not_begin_at_zero_does(tmp_path: Path) -> None:
    """Transport streams begin anywhere; the published film begins at once and in sync."""
    late = ("-output_ts_offset", "95440", "-muxdelay", "0.7")
    film = make(tmp_path / "tv.ts", *SIGNALS, *BEEPS, *H264, "-bf", "2", *AAC, *late)
    reel = published(film, tmp_path)
    assert len(reel.pictures) == 25 * SECONDS
    assert reel.pictures[0].at_s == pytest.approx(0, abs=0.002)
    assert all(abs(offset) < FRAME for offset in _offsets(reel))


@pytest.mark.parametrize(("picture_s", "sound_s"), [(2, 3), (3, 2)])
def test_the_shorter_of_picture_and_sound_does_not_end_the_film(
    tmp_path: Path, picture_s: int, sound_s: int
) -> None:
    """The last picture stands while the sound goes on; after the sound there is silence."""
    film = make(
        tmp_path / "film.mp4",
        *("-f", "lavfi", "-i", f"testsrc2=s=320x180:r=25:d={picture_s}"),
        *("-f", "lavfi", "-i", f"sine=d={sound_s}", *H264, *AAC),
    )
    reel = published(film, tmp_path)
    assert reel.video.duration_ms == pytest.approx(3000, abs=60)
    assert len(sound(reel.path)) / 48_000 > sound_s - 0.1


def test_a_picture_that_stands_is_repeated_at_the_films_own_pace(tmp_path: Path) -> None:
    """Times that look like thousands of pictures a second stay; what is added comes at the rate."""
    uneven = ("-vf", "setpts='PTS+mod(N*N*37,3901)'", "-fps_mode", "passthrough")
    film = make(
        tmp_path / "screen.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=2,settb=1/90000", "-f", "lavfi"),
        *("-i", "sine=d=3", *uneven, "-enc_time_base", "1:90000", *H264, *AAC),
    )
    reel = published(film, tmp_path)
    assert 20 < len(reel.pictures) <= 32
    assert [round(shown.at_s, 3) for shown in reel.pictures[:20]] == [
        round(shown.at_s, 3) for shown in pictures(film)
    ]
    assert reel.video.duration_ms == pytest.approx(3000, abs=60)


@pytest.mark.parametrize("frames", [1, 8])
def test_a_film_of_a_moment_keeps_its_sound(tmp_path: Path, frames: int) -> None:
    """A finger that slipped off the button: a third of a second, or one picture, with its sound."""
    length = str(frames * FRAME)
    tone = ("-f", "lavfi", "-i", "sine=1000:r=48000", "-t", length)
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", *tone)
    reel = published(make(tmp_path / "moment.mp4", *source, *H264, *AAC, "-t", length), tmp_path)
    assert reel.item.state is State.PUBLISHED
    assert len(reel.pictures) >= frames
    assert len(sound(reel.path)) / 48_000 == pytest.approx(frames * FRAME, abs=0.03)
    assert "wrong" not in reel.notes


# --- pictures that stand ---------------------------------------------------------------------


def test_a_still_with_sound_stands_for_as_long_as_the_sound(tmp_path: Path) -> None:
    """One picture in the file, and a film as long as the interview over it."""
    film = make(
        tmp_path / "still.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=1:d=1", "-f", "lavfi", "-i", "sine=d=4"),
        *(*H264, *AAC),
    )
    reel = published(film, tmp_path)
    assert reel.video.duration_ms == pytest.approx(4000, abs=60)
    last = reel.pictures[-1]
    assert last.rgb[:3000] == pytest.approx(reel.pictures[0].rgb[:3000], abs=16)


def test_the_last_of_slow_slides_goes_with_the_sound(tmp_path: Path) -> None:
    """A slide every 3 s and 6.5 s of talk: the last does not stand in silence for 3 s, too."""
    film = make(
        tmp_path / "talk.flv",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=1/3:d=9"),
        *("-f", "lavfi", "-i", "sine=d=6.5:r=44100", "-c:v", "flv1", "-c:a", "libmp3lame"),
        *("-flvflags", "no_duration_filesize"),
    )
    reel = published(film, tmp_path)
    assert reel.video.duration_ms == pytest.approx(7000, abs=600)
    assert "came out" not in reel.notes


def test_a_slideshow_keeps_its_slides(tmp_path: Path) -> None:
    """One picture a second is no mistake: five slides, each for a second."""
    source = ("-f", "lavfi", "-i", "testsrc=s=320x180:r=1:d=5")
    reel = published(make(tmp_path / "slides.mp4", *source, *H264), tmp_path)
    changes = [
        late.at_s
        for early, late in pairwise(reel.pictures)
        if early.colour(0.5, 0.6) != late.colour(0.5, 0.6) or early.rgb != late.rgb
    ]
    assert reel.video.duration_ms == pytest.approx(5000, abs=60)
    assert [round(at) for at in changes if at == pytest.approx(round(at), abs=0.02)] == [1, 2, 3, 4]
