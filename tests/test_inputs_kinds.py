"""Old formats, many tracks, no tracks, damaged files and refused ones: each as what it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import media
import pytest
from measure import beeps, flashes, pictures, sound
from reels import (
    AAC,
    BEEPS,
    H264,
    MOMENTS,
    PLAIN,
    READY,
    SECONDS,
    Reel,
    make,
    published,
    signals,
)
from values import changed

from pipeline.model import Kind, State

CIF = ("-f", "lavfi", "-i", signals("176x144"))
SMALL = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3")


def _text(reel: Reel, role: str) -> str:
    """What the playlist of a role says."""
    (found,) = (out for out in reel.item.outputs if out.role == role)
    return (reel.folder / found.key).read_text()


# --- 2006 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("camera.avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-c:a", "pcm_u8", "-ar", "11024")),
        ("phone.3gp", ("-c:v", "h263", "-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1")),
        ("divx.avi", ("-c:v", "mpeg4", "-vtag", "DIVX", "-bf", "2", "-c:a", "libmp3lame")),
        ("windows.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
        ("flash.flv", ("-c:v", "flv1", "-c:a", "libmp3lame", "-ar", "44100")),
        ("free.ogv", ("-c:v", "libtheora", "-c:a", "libvorbis")),
        ("real.rm", ("-c:v", "rv20", "-c:a", "ac3")),
        ("apple.mov", ("-c:v", "svq1", "-c:a", "pcm_s16be")),
    ],
)
def test_the_formats_of_2006_play(tmp_path: Path, name: str, codecs: tuple[str, ...]) -> None:
    """Every picture is there, and light and sound come together."""
    film = make(tmp_path / name, *CIF, *BEEPS, *codecs)
    reel = published(film, tmp_path)
    # Theora and Windows Media leave out pictures that repeat the one before.
    assert len(reel.pictures) == pytest.approx(len(pictures(film)), abs=2)
    light, noise = flashes(reel.pictures), beeps(sound(reel.path))
    assert light == [pytest.approx(at, abs=0.06) for at in MOMENTS]
    # Encoders of that time did not say how long they take to begin: a frame or two.
    assert noise == [pytest.approx(at, abs=0.08) for at in light]


# --- security cameras, television --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("gate.264", ("libx264", "-bf", "2", "-g", "25")),
        ("yard.265", ("libx265", "-x265-params", "log-level=none:keyint=25")),
        ("street.m2v", ("mpeg2video", "-q:v", "4")),
        ("door.m4v", ("mpeg4", "-q:v", "4", "-f", "m4v")),
        ("roof.obu", ("libsvtav1", "-preset", "12", "-svtav1-params", "lp=1")),
    ],
)
def test_pictures_without_a_container_play(
    tmp_path: Path, name: str, codec: tuple[str, ...]
) -> None:
    """Recorders of security cameras write no times: each picture follows the one before."""
    film = make(tmp_path / name, *CIF, "-c:v", *codec)
    reel = published(film, tmp_path)
    assert len(reel.pictures) == 75
    assert reel.video.duration_ms == 3000
    assert flashes(reel.pictures) == [pytest.approx(at, abs=0.06) for at in MOMENTS]


def test_a_recorders_own_header_before_a_program_stream_is_passed_over(tmp_path: Path) -> None:
    """Hikvision's files are called .mp4 and are none."""
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "mp2")
    stream = make(tmp_path / "stream.mpg", *CIF, *BEEPS, *coded)
    film = tmp_path / "film.mp4"
    film.write_bytes(b"IMKH" + bytes(36) + stream.read_bytes())
    reel = published(film, tmp_path)
    assert len(reel.pictures) == 75
    assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.04) for at in MOMENTS]


@pytest.mark.parametrize(
    ("programs", "sounds"),
    [
        ((("0:v", "1:a"), ("2:v", "3:a")), [3]),
        ((("0:v",), ("1:a",), ("2:v",), ("3:a",)), [1, 3]),
        ((("0:v", "1:a", "2:v", "3:a"),), [1, 3]),
    ],
    ids=["two", "badly sorted", "one"],
)
def test_of_several_programs_one_is_published(
    tmp_path: Path, programs: tuple[tuple[str, ...], ...], sounds: list[int]
) -> None:
    """A whole channel of digital television: the larger picture, with the sound that is its own.

    Where its own has none, any sound without a picture may be meant.
    """
    large = ("-f", "lavfi", "-i", signals("320x180"))
    tone = ("-f", "lavfi", "-i", "sine=440:d=3")
    order = [track for program in programs for track in program]
    maps = [word for track in order for word in ("-map", track)]
    lists = [
        ":".join(["title=tv", *(f"st={order.index(track)}" for track in program)])
        for program in programs
    ]
    sorted_ = [word for one in lists for word in ("-program", one)]
    coder = (*H264, "-c:a", "mp2")
    film = make(tmp_path / "channel.ts", *CIF, *tone, *large, *BEEPS, *maps, *coder, *sorted_)
    reel = published(film, tmp_path)
    assert ("several programs" in reel.notes) == (len(programs) > 1)
    assert (reel.video.width, reel.video.height) == (320, 180)
    assert [track["index"] for track in reel.item.probe["audio"]] == sounds
    if len(sounds) == 1:
        assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.04) for at in MOMENTS]
        # Nor do the parts of two recordings, joined, get another's sound.
        film.write_bytes(2 * film.read_bytes())
        twice = published(film, tmp_path / "twice")
        both = [at + SECONDS * part for part in range(2) for at in MOMENTS]
        assert beeps(sound(twice.path)) == [pytest.approx(at, abs=0.06) for at in both]


@pytest.mark.parametrize("name", ["film.wtv", "film.ts"])
def test_what_was_taped_off_the_air_plays(tmp_path: Path, name: str) -> None:
    """Windows' own recordings; and a stream that was entered in the middle of a packet."""
    whole = make(tmp_path / name, *CIF, *BEEPS, "-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2")
    if name == "film.ts":
        whole.write_bytes(whole.read_bytes()[100:])
    reel = published(whole, tmp_path)
    light, noise = flashes(reel.pictures), beeps(sound(reel.path))
    assert light == [pytest.approx(at, abs=0.06) for at in MOMENTS]
    assert noise == [pytest.approx(at, abs=0.08) for at in light]


# --- tracks ----------------------------------------------------------------------------------


def test_every_language_can_be_chosen(tmp_path: Path) -> None:
    """Two sound tracks are two renditions, each in its language; the default one is in the file."""
    tone = ("-f", "lavfi", "-i", "sine=440:d=3")
    tags = ("-metadata:s:a:0", "language=spa", "-metadata:s:a:1", "language=eng")
    maps = ("-map", "0", "-map", "1", "-map", "2", "-disposition:a:1", "default")
    film = make(tmp_path / "film.mkv", *SMALL, *tone, *BEEPS, *maps, *tags, *H264, *AAC)
    reel = published(film, tmp_path)
    index = _text(reel, "hls")
    assert 'LANGUAGE="es"' in index
    assert 'LANGUAGE="en"' in index
    assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.03) for at in MOMENTS]


def test_the_picture_that_is_left_out_is_named(tmp_path: Path) -> None:
    """Cars' cameras look ahead and back; one picture is published, and the reporter knows."""
    back = ("-f", "lavfi", "-i", signals("160x90"), "-map", "0", "-map", "1")
    film = make(tmp_path / "car.mp4", *SMALL, *back, *H264, "-disposition:v", "0")
    reel = published(film, tmp_path)
    assert "2 picture tracks; track 1 is published" in reel.notes
    assert (reel.video.width, reel.video.height) == (320, 180)


def test_speech_in_the_centre_of_five_channels_is_heard_on_both_sides(tmp_path: Path) -> None:
    """A 5.1 track becomes stereo without losing its middle."""
    centre = ("-af", "pan=5.1|FC=c0|FL=0*c0|FR=0*c0|BL=0*c0|BR=0*c0|LFE=0*c0")
    film = make(tmp_path / "film.mp4", *SMALL, *BEEPS, *centre, *H264, *AAC)
    reel = published(film, tmp_path)
    for side in _sides(reel, tmp_path):
        assert side == [pytest.approx(at, abs=0.03) for at in MOMENTS]


def _sides(reel: Reel, folder: Path) -> list[list[float]]:
    """When it beeps on the left, and on the right."""
    found = []
    for side in ("c0", "c1"):
        pan = ("-vn", "-af", f"pan=mono|c0={side}", "-c:a", "pcm_s16le")
        found.append(beeps(sound(make(folder / f"{side}.wav", "-i", reel.path, *pan))))
    return found


@pytest.mark.parametrize("name", ["film.mov", "film.mxf"])
def test_a_cameras_channels_are_heard_on_their_sides(tmp_path: Path, name: str) -> None:
    """Who wears the second microphone is not lost: track one is left, track two right."""
    late = ("-f", "lavfi", "-i", "sine=880:d=3,volume=enable='lt(t,2)':volume=0")
    mono = ("-map", "0", "-map", "1", "-map", "2", "-ac", "1", "-ar", "48000", "-c:a", "pcm_s16le")
    coded = (*mono, "-c:v", "mpeg2video", "-q:v", "2", "-t", "3")
    film = make(tmp_path / name, *SMALL, *BEEPS, *late, *coded)
    reel = published(film, tmp_path)
    left, right = _sides(reel, tmp_path)
    assert left == [pytest.approx(at, abs=0.03) for at in MOMENTS]
    assert right == [pytest.approx(2.0, abs=0.03)]
    assert "became the left and the right of one" in reel.notes


@pytest.mark.parametrize("name", ["film.mov", "film.mkv"])
def test_no_channel_without_a_place_is_lost(tmp_path: Path, name: str) -> None:
    """A recorder's fourth microphone is no bass, as it would be in a 5.1."""
    fourth = ("-af", f"pan=6C|c3=c0|{'|'.join(f'c{n}=0*c0' for n in (0, 1, 2, 4, 5))}")
    film = make(tmp_path / name, *SMALL, *BEEPS, *fourth, *H264, "-c:a", "pcm_s16le")
    reel = published(film, tmp_path)
    left, right = _sides(reel, tmp_path)
    assert left == right == [pytest.approx(at, abs=0.03) for at in MOMENTS]
    assert "does not say where its 6 channels of sound belong" in reel.notes


def test_a_sphere_of_sound_becomes_two_sides(tmp_path: Path) -> None:
    """Cameras that look all around write ambisonics: what came from the left is louder there."""
    left_of = ("-af", "pan=ambisonic 1|c0=c0|c1=0.5*c0|c2=0*c0|c3=0*c0")
    coded = (*H264, "-c:a", "libopus", "-mapping_family", "2", "-ar", "48000")
    film = make(tmp_path / "film.mkv", *SMALL, *BEEPS, *left_of, *coded)
    reel = published(film, tmp_path)
    for side in _sides(reel, tmp_path):
        assert side == [pytest.approx(at, abs=0.03) for at in MOMENTS]
    left, right = (max(sound(tmp_path / f"{side}.wav")) for side in ("c0", "c1"))
    assert left / right == pytest.approx(3, abs=0.5)  # (1 + 0.5) / (1 - 0.5)


LEFT, RIGHT, MONO, UNUSED = 1, 2, 42, 0  # channel labels of the QuickTime File Format


@pytest.mark.parametrize("labels", [(LEFT, RIGHT, MONO, MONO), (LEFT, RIGHT, UNUSED, UNUSED)])
def test_channels_of_which_two_have_a_place_are_all_heard(
    tmp_path: Path, labels: tuple[int, ...]
) -> None:
    """Cameras and cutting rooms label a mix on two channels, and call the others something else."""
    fourth = ("-af", "pan=quad|c3=c0|c0=0*c0|c1=0*c0|c2=0*c0")
    film = make(tmp_path / "film.mov", *SMALL, *BEEPS, *fourth, *H264, "-c:a", "pcm_s16le")
    film.write_bytes(labelled(film.read_bytes(), labels))
    left, right = _sides(published(film, tmp_path), tmp_path)
    assert left == right == [pytest.approx(at, abs=0.03) for at in MOMENTS]


def test_two_channels_of_one_label_are_two_sides(tmp_path: Path) -> None:
    """Both are called left; FFmpeg converts no such thing by itself."""
    second = ("-af", "pan=stereo|c0=c0|c1=0*c0")
    film = make(tmp_path / "film.mov", *SMALL, *BEEPS, *second, *H264, "-c:a", "pcm_s16le")
    film.write_bytes(labelled(film.read_bytes(), (LEFT, LEFT)))
    left, right = _sides(published(film, tmp_path), tmp_path)
    assert left == right == [pytest.approx(at, abs=0.03) for at in MOMENTS]


def labelled(film: bytes, labels: tuple[int, ...]) -> bytes:
    """A QuickTime film whose channels are described one by one; its index is at its end."""
    at = film.rindex(b"chan") - 4
    size = int.from_bytes(film[at : at + 4])
    described = b"".join(label.to_bytes(4) + bytes(16) for label in labels)
    inside = b"chan" + bytes(12) + len(labels).to_bytes(4) + described
    grown = len(inside) + 4 - size
    whole = bytearray(film[:at] + (len(inside) + 4).to_bytes(4) + inside + film[at + size :])
    names = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    around = [film.rindex(name, 0, at) - 4 for name in names]
    for start in (*around, around[-1] + 16):  # behind its count, the one description of the sound
        longer = int.from_bytes(film[start : start + 4]) + grown
        whole[start : start + 4] = longer.to_bytes(4)
    return bytes(whole)


def test_a_microphone_on_one_side_is_heard_on_both(tmp_path: Path) -> None:
    """With headphones, half of the world would be missing."""
    one_side = ("-af", "pan=stereo|c0=0*c0|c1=c0")
    film = make(tmp_path / "film.mp4", *SMALL, *BEEPS, *one_side, *H264, *AAC)
    reel = published(film, tmp_path)
    left, right = _sides(reel, tmp_path)
    assert left == right == [pytest.approx(at, abs=0.03) for at in MOMENTS]
    assert "Only the right side has sound; it was put on both." in reel.notes


def test_one_channel_stays_one(tmp_path: Path) -> None:
    """A reporter's microphone is not doubled: half the bytes, and the player is told so."""
    film = make(tmp_path / "film.mp4", *SMALL, *BEEPS, "-ac", "1", *H264, *AAC)
    reel = published(film, tmp_path)
    assert 'CHANNELS="1"' in _text(reel, "hls")
    assert "mono" in _told(reel.path)
    assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.03) for at in MOMENTS]


def _told(film: Path) -> str:
    """All that ffmpeg says of a film."""
    done = subprocess.run(
        [media.FFMPEG, "-hide_banner", "-nostdin", "-i", f"file:{film}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stderr


def test_sound_that_nothing_decodes_is_left_out_and_named(tmp_path: Path) -> None:
    """Newer phones write their sound all around beside stereo, in a kind of their maker's own."""
    tone = ("-f", "lavfi", "-i", "sine=440:d=3")
    tracks = ("-map", "0", "-map", "1", "-map", "2")
    film = make(tmp_path / "film.mp4", *SMALL, *tone, *BEEPS, *tracks, *H264, *AAC)
    coded = film.read_bytes().replace(b"mp4a", b"apac", 1).replace(b"esds", b"dapa", 1)
    film.write_bytes(coded)
    reel = published(film, tmp_path)
    assert "Track 2 (sound) cannot be decoded" in reel.notes
    assert beeps(sound(reel.path)) == [pytest.approx(at, abs=0.04) for at in MOMENTS]


def test_a_film_without_sound_says_so(tmp_path: Path) -> None:
    """Nothing is made up, and nobody has to look for the fault in his loudspeaker."""
    reel = published(make(tmp_path / "mute.mp4", *SMALL, *H264), tmp_path)
    assert "no sound" in reel.notes
    assert "AUDIO=" not in _text(reel, "hls")
    assert len(reel.pictures) == 75


@pytest.mark.parametrize("name", ["voice.mp4", "voice.webm", "voice.ts"])
def test_sound_in_a_films_container_is_sound(tmp_path: Path, name: str) -> None:
    """An audio player, not a black film; a cover does not make it one either."""
    codec = ("-c:a", "libopus") if name.endswith("webm") else AAC
    cover = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=1:d=1", "-map", "0", "-map", "1")
    attached = (*cover, "-c:v", "mjpeg", "-disposition:v", "attached_pic")
    art = attached if name.endswith("mp4") else ()
    reel = published(make(tmp_path / name, *BEEPS, *art, *codec), tmp_path)
    assert reel.item.kind is Kind.AUDIO
    assert {"sound", "enclosure"} <= {out.role for out in reel.item.outputs}


@pytest.mark.parametrize(("suffix", "coder"), [("opus", "libopus"), ("oga", "libvorbis")])
def test_a_chain_of_recordings_is_one(tmp_path: Path, suffix: str, coder: str) -> None:
    """Recorders that pause, and stations' streams, write one Ogg file behind another."""
    parts = [make(tmp_path / f"{n}.{suffix}", *BEEPS, "-c:a", coder) for n in range(2)]
    film = tmp_path / f"chain.{suffix}"
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    reel = published(film, tmp_path)
    assert "clock starts anew" in reel.notes
    heard = next(out for out in reel.item.outputs if out.role == "sound")
    both = [at + SECONDS * part for part in range(2) for at in MOMENTS]
    assert beeps(sound(reel.folder / heard.key)) == [pytest.approx(at, abs=0.04) for at in both]


# --- damage ----------------------------------------------------------------------------------


def test_what_is_left_of_a_cut_film_is_published_and_the_rest_is_named(tmp_path: Path) -> None:
    """Half a copy from a card is half a film, not an error."""
    flags = ("-g", "25", "-movflags", "+faststart")
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8")
    film = make(tmp_path / "cut.mp4", *source, *H264, *flags)
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    reel = published(film, tmp_path)
    assert 75 < len(reel.pictures) < 125
    assert "0:08" in reel.notes
    assert reel.video.duration_ms == pytest.approx(len(reel.pictures) * 40, abs=60)


def test_garbage_in_the_middle_costs_only_what_it_hit(tmp_path: Path) -> None:
    """The film goes on after the damage, at its time, and the reporter is told."""
    wire = ("-g", "12", "-c:a", "mp2", "-muxdelay", "0")
    film = make(tmp_path / "hit.ts", *CIF, *BEEPS, *H264, *wire)
    data = bytearray(film.read_bytes())
    start = len(data) * 5 // 8 // 188 * 188
    data[start : start + 188 * 20] = bytes(188 * 20)
    film.write_bytes(data)
    reel = published(film, tmp_path)
    assert reel.item.state is State.PUBLISHED
    assert "damaged" in reel.notes
    assert 45 < len(reel.pictures) < 75
    assert reel.pictures[-1].at_s == pytest.approx(2.96, abs=0.1)
    light = flashes(reel.pictures)
    assert light[0] == pytest.approx(MOMENTS[0], abs=0.05)
    assert light[-1] == pytest.approx(MOMENTS[-1], abs=0.05)


@pytest.mark.parametrize("name", ["hit.mp4", "hit.mkv"])
def test_garbage_in_a_file_with_an_index_costs_only_what_it_hit(tmp_path: Path, name: str) -> None:
    """A bad block of a card: pictures before and after are there, at their times, with sound."""
    film = make(tmp_path / name, *CIF, *BEEPS, *H264, "-g", "12", *AAC, "-movflags", "+faststart")
    data = bytearray(film.read_bytes())
    start = len(data) * 11 // 20
    data[start : start + 2000] = bytes(range(250)) * 8
    film.write_bytes(data)
    reel = published(film, tmp_path)
    assert reel.item.state is State.PUBLISHED
    assert 45 < len(reel.pictures) <= 75
    assert reel.pictures[-1].at_s == pytest.approx(2.96, abs=0.1)
    light = flashes(reel.pictures)
    assert light[0] == pytest.approx(MOMENTS[0], abs=0.05)
    assert light[-1] == pytest.approx(MOMENTS[-1], abs=0.05)


def test_a_damaged_film_is_not_its_own_largest_size(tmp_path: Path) -> None:
    """Players would stop at the damage: what decodes is encoded, and the reporter is told."""
    wide = ("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3")
    film = make(tmp_path / "hit.mp4", *wide, *H264, *READY)
    data = bytearray(film.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(range(200)) * 2
    film.write_bytes(data)
    reel = published(film, tmp_path)
    assert reel.item.state is State.PUBLISHED
    assert "without loss" not in reel.notes
    assert "damaged" in reel.notes
    assert reel.video.height == 360
    films = list(reel.folder.rglob("360.mp4"))
    assert len(films) > 1
    for made in films:
        strict = (media.FFMPEG, "-v", "error", "-xerror", "-i", made, "-f", "null", "-")
        subprocess.run(strict, check=True)


def test_a_wrong_name_does_not_matter(tmp_path: Path) -> None:
    """The bytes say what a file is."""
    film = make(tmp_path / "film.avi", *SMALL, "-c:v", "mpeg4").rename(tmp_path / "film.mov")
    assert len(published(film, tmp_path).pictures) == 75


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.mp4", b"", "0 bytes"),
        ("zeros.mov", bytes(4096), "nothing but zeros"),
        ("card.mp4", b"\0\0\0\x18ftypmp42" + bytes(16) + b"\0\0\x10\0mdat" + bytes(4088), "index"),
    ],
)
def test_what_cannot_be_played_is_refused_in_plain_words(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    """One sentence that says what is wrong, and nothing half-made."""
    film = tmp_path / name
    film.write_bytes(content)
    item = published(film, tmp_path).item
    assert item.state is State.FAILED
    assert item.error is not None
    assert words in item.error.message
    assert item.outputs == ()


@pytest.mark.parametrize(
    ("limit", "value"),
    [("max_duration_s", 2), ("max_frame_pixels", 10_000), ("max_streams", 1), ("max_bytes", 500)],
)
def test_what_is_over_a_limit_is_refused_before_any_work(
    tmp_path: Path, limit: str, value: int
) -> None:
    """The sentence names the setting; no step has run."""
    profile = changed(PLAIN, limits=changed(PLAIN.limits, **{limit: value}))
    film = make(tmp_path / "film.mp4", *CIF, *BEEPS, *H264, *AAC)
    item = published(film, tmp_path, profile).item
    assert item.state is State.FAILED
    assert item.error is not None
    assert f"limits.{limit}" in item.error.message
    assert not list((tmp_path / "house" / "work").rglob("run-*"))
