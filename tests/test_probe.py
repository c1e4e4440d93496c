"""Probing: what a film, a sound or a picture is said to be, and what is refused in which words."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio_ffmpeg
import pytest
from PIL import Image

from pipeline import probe, probe_media, process, sniff
from pipeline.errors import BadInput, OverLimit, ToolBug, Unreadable, Unsupported
from pipeline.model import Kind, Limits, Probe, VideoStream, adapter
from pipeline.probe_streams import MS, crops, displayed, upright
from pipeline.probe_time import ENOUGH, Timeline, frame_rate

LIMITS = Limits(
    max_bytes=1 << 30,
    max_duration_s=3600,
    max_frame_pixels=4096 * 4096,
    max_photo_pixels=100_000_000,
    max_streams=16,
    max_text_bytes=1 << 20,
    memory_bytes=2 << 30,
    step_timeout_s=60,
    stall_s=30,
)
PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1")
SOUND = ("-f", "lavfi", "-i", "sine=d=1")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a file with ffmpeg: name, then arguments."""

    def made(name: str, *argv: str | Path) -> Path:
        target = tmp_path / name
        tool = imageio_ffmpeg.get_ffmpeg_exe()
        quiet = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")
        subprocess.run([tool, *quiet, *map(str, argv), str(target)], check=True, timeout=60)
        return target

    return made


def _examined(path: Path, **limits: int) -> Probe:
    """The child's side, here: our own samples need no confinement."""
    allowed = dataclasses.replace(LIMITS, **limits)
    return probe.examine(str(path), adapter(Limits).dump_python(allowed, mode="json"))


def _video(path: Path) -> VideoStream:
    (stream,) = _examined(path).video
    return stream


# --- film --------------------------------------------------------------------------------------


def test_a_film_is_described_from_a_confined_child(make: Make, tmp_path: Path) -> None:
    """Kind, streams, languages as BCP-47, words and lengths; the name of the file plays no part."""
    words = ("-metadata", "title=La\x07 plaza", "-metadata:s:a", "language=spa")
    film = make("film.mp4", *PICTURE, *SOUND, *H264, *words)
    film = film.rename(tmp_path / "holiday.txt")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = probe.probe(film, scratch, LIMITS)
    assert (found.kind, found.demuxer, found.tags.title) == (Kind.VIDEO, "mov", "La plaza")
    assert found.duration_ms == pytest.approx(1000, abs=50)
    (video,), (audio,) = found.video, found.audio
    assert (video.codec, video.width, video.height, video.frames) == ("h264", 320, 180, 25)
    assert (video.frame_rate, video.variable_rate, video.bit_depth) == (Fraction(25), False, 8)
    assert (audio.codec, audio.channels, audio.layout, audio.language) == ("aac", 1, "mono", "es")
    assert found.notes == ()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("turn", "rotation", "size"),
    [("90", 270, (180, 320)), ("-90", 90, (180, 320)), ("180", 180, (320, 180))],
)
def test_a_turned_film_is_upright(
    make: Make, turn: str, rotation: int, size: tuple[int, int]
) -> None:
    """Phones store a matrix: width and height are those of the picture held upright."""
    flat = make("flat.mp4", *PICTURE, *H264)
    found = _video(make("turned.mp4", "-display_rotation", turn, "-i", flat, "-c", "copy"))
    assert (found.rotation, (found.width, found.height)) == (rotation, size)
    assert (found.coded_width, found.coded_height) == (320, 180)


@pytest.mark.parametrize(
    ("matrix", "rotation", "mirrored"),
    [
        ((1, 0, 0, 1), 0, False),
        ((0, 1, -1, 0), 90, False),
        ((-1, 0, 0, -1), 180, False),
        ((0, -1, 1, 0), 270, False),
        ((-1, 0, 0, 1), 0, True),
        ((1, 0, 0, -1), 180, True),
        ((0, -1, -1, 0), 90, True),
        ((0, 1, 1, 0), 270, True),
        ((98, 17, -17, 98), 0, False),
        ((0, 0, 0, 0), 0, False),
    ],
)
def test_a_matrix_is_a_flip_and_quarter_turns(
    matrix: tuple[int, ...], rotation: int, *, mirrored: bool
) -> None:
    """All eight ways to hold a picture; what lies between is the nearest of them."""
    assert upright(matrix) == (rotation, mirrored)


def test_a_mirrored_film_is_recognised(make: Make) -> None:
    """Front cameras write a flip into the matrix."""
    flat = make("flat.mp4", *PICTURE, *H264)
    found = _video(make("selfie.mp4", "-display_hflip", "-i", flat, "-c", "copy"))
    assert (found.rotation, found.mirrored) == (0, True)
    assert (found.width, found.height) == (320, 180)


def test_a_film_that_changes_its_size_is_recognised(make: Make) -> None:
    """Recordings joined in one stream: the first part's size is the film's."""
    wire = (*H264, "-g", "25", "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset")
    parts = [
        make(f"{at}.ts", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d=3", *wire, at)
        for size, at in (("320x180", "0"), ("240x240", "3"))
    ]
    parts[0].write_bytes(b"".join(part.read_bytes() for part in parts))
    found = _video(parts[0])
    assert (found.changes, found.width, found.height) == (True, 320, 180)


def test_a_film_that_changes_its_pixels_aspect_is_recognised(make: Make) -> None:
    """Television goes wide within one recording; one that keeps its shape does nothing of that."""
    wire = (*H264, "-g", "25", "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset")
    parts = [
        make(f"{at}.ts", "-f", "lavfi", "-i", f"testsrc2=s=320x240:r=25:d=3,{aspect}", *wire, at)
        for aspect, at in (("setdar=4/3", "0"), ("setdar=16/9", "3"))
    ]
    alone = _video(parts[1])
    parts[0].write_bytes(b"".join(part.read_bytes() for part in parts))
    found = _video(parts[0])
    assert (alone.reshapes, alone.width, alone.height) == (False, 427, 240)
    assert (found.reshapes, found.changes, found.width, found.height) == (True, False, 320, 240)


def test_a_pause_makes_no_film_longer(make: Make) -> None:
    """Of reordered pictures one before the pause claims its length, though it is shown after it."""
    paused = "testsrc2=s=160x90:r=30:d=6,select='lt(n,40)+gt(n,130)'"
    coder = (*H264, "-bf", "2", "-x264-params", "b-adapt=0", "-fps_mode", "vfr")
    found = _video(make("paused.mp4", "-f", "lavfi", "-i", paused, *coder))
    assert found.duration_ms is not None
    assert abs(found.duration_ms - 6000) <= 34


def test_a_late_track_says_how_late(make: Make) -> None:
    """Counted from where the file's clock starts."""
    whole = make("whole.mp4", *PICTURE, *SOUND, *H264)
    late = ("-itsoffset", "0.5", "-i", whole, "-i", whole, "-map", "0:v", "-map", "1:a")
    found = _examined(make("late.mkv", *late, "-c", "copy"))
    assert found.video[0].start_ms == pytest.approx(500, abs=25)
    assert found.audio[0].start_ms == pytest.approx(0, abs=25)


def test_pixels_that_are_not_square_are_stretched(make: Make) -> None:
    """Anamorphic film is as wide as a player shows it."""
    found = _video(make("wide.mp4", *PICTURE, "-vf", "setsar=4/3", *H264))
    assert (found.sample_aspect, found.width, found.height) == (Fraction(4, 3), 427, 180)


@pytest.mark.parametrize(
    ("coded", "crop", "aspect", "rotation", "shown"),
    [
        ((1920, 1080), None, Fraction(1), 0, (1920, 1080)),
        ((1440, 1080), (24, 18), Fraction(4, 3), 0, (1888, 1062)),
        ((720, 576), None, Fraction(59, 54), 90, (576, 787)),
        ((640, 360), None, Fraction(1), 45, (360, 640)),
        ((2, 2), (9, 9), Fraction(1), 0, (1, 1)),
    ],
)
def test_geometry_as_displayed(
    coded: tuple[int, int],
    crop: tuple[int, int] | None,
    aspect: Fraction,
    rotation: int,
    shown: tuple[int, int],
) -> None:
    """Crop, then stretch, then turn; never nothing."""
    assert displayed(coded, crop, aspect, rotation) == shown


def test_the_containers_crop_is_read_from_the_description() -> None:
    """Clean aperture and PixelCrop count for the stream they stand under."""
    dump = (
        "Input #0, mov, from '':\n"
        "  Stream #0:0[0x1](eng): Audio: aac\n"
        "  Stream #0:1[0x2](eng): Video: dvvideo\n"
        "    Side data:\n"
        "      Frame Cropping: 8/9/0/2\n"
    )
    assert crops(dump) == {1: (17, 2)}


def test_interlaced_film_is_recognised(make: Make) -> None:
    """Fields are found in the pictures; the rate counts frames."""
    fields = ("-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ilme+ildct")
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=50:d=1")
    found = _video(make("tv.ts", *source, *fields, "-c:v", "mpeg2video"))
    assert found.interlaced
    assert found.frame_rate == 25


def test_uneven_film_is_recognised(make: Make) -> None:
    """Dropped pictures make the rate variable; the usual rate is kept so that none is lost."""
    drop = ("-vf", "select='lt(n,10)+gt(mod(n,5),2)'", "-fps_mode", "passthrough")
    found = _video(make("vfr.mp4", *PICTURE, *drop, *H264))
    assert found.variable_rate
    assert found.frame_rate == 25


def test_a_rate_rounded_to_milliseconds_is_found_again(make: Make) -> None:
    """Matroska keeps 29.97 pictures per second as 33 and 34 ms."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=30000/1001:d=4")
    found = _video(make("ntsc.mkv", *source, *H264))
    assert (found.frame_rate, found.variable_rate) == (Fraction(30000, 1001), False)


def test_high_dynamic_range_and_depth_come_from_the_pictures(make: Make) -> None:
    """HLG in 10 bits is told as such, in FFmpeg's names."""
    tags = ("-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc")
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
    shade = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    found = _video(make("hlg.mp4", *PICTURE, "-vf", shade, *coded, *tags))
    assert found.colour.is_hdr
    assert (found.colour.primaries, found.colour.matrix) == ("bt2020", "bt2020nc")
    assert found.bit_depth == 10


def test_full_range_and_alpha_are_told(make: Make) -> None:
    """Both change what the encoder must do with the pixels."""
    jpeg = _video(make("full.avi", *PICTURE, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"))
    alpha = _video(make("alpha.mov", *PICTURE, "-c:v", "qtrle", "-pix_fmt", "argb"))
    assert jpeg.colour.full_range
    assert (jpeg.has_alpha, alpha.has_alpha) == (False, True)


def test_alpha_that_is_claimed_has_to_be_there(make: Make) -> None:
    """Browsers say of all they record that it is transparent."""
    vp9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
    claim = ("-metadata:s:v", "alpha_mode=1")
    claimed = _video(make("claimed.webm", *PICTURE, *vp9, *claim, "-pix_fmt", "yuv420p"))
    there = _video(make("there.webm", *PICTURE, *vp9, "-pix_fmt", "yuva420p"))
    assert (claimed.has_alpha, there.has_alpha) == (False, True)


def test_tracks_languages_and_subtitles_are_listed(make: Make, tmp_path: Path) -> None:
    """Every sound track and every text track is told with its language."""
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:00,800\nhola\n")
    tags = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=xyz")
    maps = ("-map", "0", "-map", "1", "-map", "1", "-map", "2", "-c:s", "srt")
    tags += ("-metadata:s:s", "language=spa")
    found = _examined(make("all.mkv", *PICTURE, *SOUND, "-i", words, *maps, *H264, *tags))
    assert [stream.language for stream in found.audio] == ["en", "und"]
    (text,) = found.text
    assert (text.codec, text.is_text, text.language) == ("subrip", True, "es")


def test_chapters_beyond_the_end_are_dropped(make: Make, tmp_path: Path) -> None:
    """A chapter names a stretch that is there."""
    marks = tmp_path / "marks.txt"
    marks.write_text(
        ";FFMETADATA1\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=90000\nEND=99000\ntitle=Two\n"
    )
    found = _examined(make("book.mkv", *PICTURE, "-i", marks, "-map_chapters", "1", *H264))
    assert [(mark.title, mark.start_ms, mark.end_ms) for mark in found.chapters] == [
        ("One", 0, 400)
    ]


def test_a_film_without_a_length_is_timed(make: Make) -> None:
    """A browser's recording has no duration: its packets have."""
    pipe = make("made.webm", *PICTURE, "-c:v", "libvpx", "-deadline", "realtime", "-live", "1")
    found = _examined(pipe)
    assert found.duration_ms == pytest.approx(1000, abs=50)


def test_a_film_cut_short_says_so(make: Make) -> None:
    """What is there is taken, and the note names both lengths."""
    long = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8")
    film = make("cut.mp4", *long, *H264, "-g", "25", "-movflags", "+faststart")
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    found = _examined(film)
    assert found.duration_ms is not None
    assert 3000 < found.duration_ms < 5000
    assert found.video[0].frames is None
    assert found.notes[0].startswith("The file says it lasts 0:08, but only 0:0")


NOISE = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20,noise=alls=80:allf=t", *H264)


def test_behind_a_hole_a_recording_goes_on(make: Make) -> None:
    """FFmpeg searches 64 kB of a transport stream and gives up; asked again, it finds the rest."""
    film = make("hole.ts", *NOISE, "-g", "25", "-b:v", "3M")
    data = bytearray(film.read_bytes())
    start = len(data) // 2
    data[start : start + 500_000] = bytes(500_000)
    film.write_bytes(data)
    found = _examined(film)
    assert found.duration_ms == pytest.approx(20_000, abs=100)
    (note,) = found.notes
    assert note.startswith("The recording is damaged at 0:")


def test_a_stream_that_turns_up_later_ends_nothing(make: Make) -> None:
    """Flash video may begin a sound track anywhere: the pictures before and behind it count."""
    film = make("film.flv", *NOISE, "-b:v", "4M", "-maxrate", "4M", "-bufsize", "1M")
    sound = make("sound.flv", *SOUND, "-c:a", "libmp3lame", "-ar", "44100")
    header = 13
    with film.open("ab") as file:
        file.write(sound.read_bytes()[header:])
    assert film.stat().st_size > 6_000_000
    found = _examined(film)
    assert (found.kind, found.audio) == (Kind.VIDEO, ())
    assert found.duration_ms == pytest.approx(20_000, abs=100)


def test_a_track_that_is_cut_off_first_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FFmpeg stops with it, and goes on when it is asked again: until nothing more comes."""
    calls = iter([[1], [], [2], [], [], [3]])
    asked, timed = 0, list[int]()

    def demux() -> list[SimpleNamespace]:
        nonlocal asked
        asked += 1
        return [SimpleNamespace(size=size) for size in (*next(calls, []), 0)]

    monkeypatch.setattr(probe_media, "_time", lambda _, packet: timed.append(packet.size))
    container: Any = SimpleNamespace(demux=demux)
    probe_media._look_behind_cut(container, probe_media._Pass({}, 0))
    assert [size for size in timed if size] == [1, 2, 3]
    assert asked == 6 + probe_media._ASKED


@pytest.mark.parametrize(
    ("name", "coder"), [("cut.mp4", (*H264, "-movflags", "+faststart")), ("cut.wmv", ())]
)
def test_a_large_film_that_is_cut_off_is_timed_up_to_there(
    make: Make, monkeypatch: pytest.MonkeyPatch, name: str, coder: tuple[str, ...]
) -> None:
    """It promises an end that is not there to be looked at; an index that comes first knows."""
    long = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=60")
    film = make(name, *long, *coder, "-g", "25")
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 2 // 3])
    whole = _examined(film)
    monkeypatch.setattr(probe_media, "_WHOLE_BYTES", 1)
    found = _examined(film)
    assert 30_000 < (whole.duration_ms or 0) < 50_000
    assert found.duration_ms == whole.duration_ms
    assert found.video[0].last_ms == whole.video[0].last_ms
    assert found.video[0].frames is whole.video[0].frames is None
    assert found.notes == whole.notes


def test_a_large_film_is_not_read_whole(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit its beginning and its end must do, with the same answer."""
    long = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=30")
    film = make("long.mp4", *long, *H264, "-g", "25")
    whole = _examined(film)
    monkeypatch.setattr(probe_media, "_WHOLE_BYTES", 1)
    taken = 0
    take = probe_media._take

    def counted(*arguments: object) -> None:
        nonlocal taken
        taken += 1
        take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(probe_media, "_take", counted)
    assert _examined(film).duration_ms == whole.duration_ms == 30000
    assert taken < 300


# --- sound and pictures ------------------------------------------------------------------------


def test_cover_art_is_not_video(make: Make, tmp_path: Path) -> None:
    """A song with a cover is a song."""
    cover = tmp_path / "cover.png"
    Image.new("RGB", (64, 64), "red").save(cover)
    attach = ("-map", "0", "-map", "1", "-disposition:v", "attached_pic")
    found = _examined(make("song.mp3", *SOUND, "-i", cover, *attach))
    assert (found.kind, found.video, found.cover_index) == (Kind.AUDIO, (), 1)
    assert found.audio[0].codec == "mp3"


def test_sound_in_a_film_container_is_sound(make: Make) -> None:
    """An MP4 that holds nothing to see is audio."""
    found = _examined(make("voice.mp4", *SOUND))
    assert (found.kind, found.video) == (Kind.AUDIO, ())


def test_a_picture_is_a_photo_whatever_it_is_called(tmp_path: Path) -> None:
    """The bytes decide; an animation is a photo that moves."""
    plain, moving = tmp_path / "film.mp4", tmp_path / "moving.gif"
    Image.new("RGB", (40, 30), "red").save(plain, "JPEG")
    frames = [Image.new("RGB", (40, 30), shade) for shade in ("red", "blue")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    found = probe.probe(plain, tmp_path, LIMITS)
    assert found.kind is Kind.PHOTO
    assert found.picture is not None
    assert (found.picture.width, found.picture.height) == (40, 30)
    again = _examined(moving).picture
    assert again is not None
    assert again.animated


# --- refusals ----------------------------------------------------------------------------------


def test_an_empty_file_is_refused_with_advice(tmp_path: Path) -> None:
    """Nothing was copied: the card may still have it. No child is needed to see that."""
    empty = tmp_path / "empty.mov"
    empty.touch()
    with pytest.raises(Unreadable, match=r"0 bytes.*copy it again"):
        probe.probe(empty, tmp_path, LIMITS)


@pytest.mark.parametrize(
    ("limit", "value"),
    [("max_duration_s", 0), ("max_frame_pixels", 1000), ("max_streams", 1)],
)
def test_a_limit_is_named_with_its_setting(make: Make, limit: str, value: int) -> None:
    """The reporter reads what was too much, the operator which setting says so."""
    film = make("film.mp4", *PICTURE, *SOUND, *H264)
    with pytest.raises(OverLimit, match=rf"limits\.{limit}"):
        _examined(film, **{limit: value})


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    """Bytes are counted before anything is opened."""
    big = tmp_path / "big.mp4"
    big.write_bytes(b"x" * 2000)
    with pytest.raises(OverLimit, match=r"limits\.max_bytes"):
        probe.probe(big, tmp_path, dataclasses.replace(LIMITS, max_bytes=1000))


def test_encrypted_film_is_refused_as_such(make: Make) -> None:
    """Copy protection is named, not taken for damage."""
    key = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00" * 16)
    film = make("drm.mp4", *PICTURE, *H264, *key, "-encryption_kid", "11" * 16)
    with pytest.raises(Unsupported, match="encrypted"):
        _examined(film)


def test_a_film_without_its_index_is_unreadable(make: Make) -> None:
    """A camera that lost power leaves no index: the sentence says so."""
    film = make("lost.mp4", *PICTURE, *H264)
    data = film.read_bytes()
    film.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(Unreadable, match="index is missing"):
        _examined(film)


def test_a_film_of_which_nothing_decodes_is_unreadable(make: Make) -> None:
    """A header alone is no film."""
    film = make("noise.avi", *PICTURE, "-c:v", "mpeg4")
    data = bytearray(film.read_bytes())
    start = data.index(b"movi") + 4
    for place in range(start, data.index(b"idx1")):
        if data[place : place + 4] == b"00dc":
            size = int.from_bytes(data[place + 4 : place + 8], "little")
            data[place + 8 : place + 8 + size] = b"\xff" * size
    film.write_bytes(data)
    with pytest.raises(Unreadable, match="Nothing in the file can be played"):
        _examined(film)


def test_a_probe_that_does_not_end_blames_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parser driven in circles is not retried."""

    def forever(*_: object) -> None:
        raise process.Overran("too long")

    monkeypatch.setattr(process, "call", forever)
    odd = tmp_path / "odd"
    odd.write_text("x")
    with pytest.raises(Unreadable, match="does not come to an end"):
        probe.probe(odd, tmp_path, LIMITS)


def test_an_answer_of_the_wrong_shape_is_never_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that was taken over can only answer, and the answer must be a probe."""
    monkeypatch.setattr(process, "call", lambda *_: {"kind": "video", "container": ["x"]})
    odd = tmp_path / "odd"
    odd.write_text("x")
    with pytest.raises(ToolBug):
        probe.probe(odd, tmp_path, LIMITS)


# --- magic numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "family", "demuxer"),
    [
        (b"\0\0\0\x18ftypmp42" + bytes(16), "media", "mov"),
        (b"\0\0\0\x18ftypheic" + bytes(16), "picture", ""),
        (b"\0\0\0\x18ftypavif" + bytes(16), "picture", ""),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "picture", ""),
        (b"\0\0\x10\0moov" + bytes(16), "media", "mov"),
        (b"RIFF\0\0\0\0WAVEfmt ", "media", "wav"),
        (b"RIFF\0\0\0\0AVI LIST", "media", "avi"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "picture", ""),
        (b"\x1aE\xdf\xa3\x01", "media", "matroska"),
        (b"ID3\x03\0\0\0\0\0\x02xxfLaC", "media", "flac"),
        (b"ID3\x03\0\0\0\0\0\x02xx\xff\xfb", "media", "mp3"),
        (b"ID3\x03\0\0\0\0\0\x02xx\xff\xf1", "media", "aac"),
        (b"FORM\0\0\0\0AIFF", "media", "aiff"),
        ((b"G" + bytes(187)) * 3, "media", "mpegts"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "media", "mpegts"),
        (b"junk!" + (b"G" + bytes(187)) * 9, "media", "mpegts"),
        (b"\0\0\0\1\x67\x4d\x40\x1e", "media", "h264"),
        (b"\0\0\0\1\x09\x10\0\0\0\1\x67\x4d", "media", "h264"),
        (b"\0\0\1\x27\x42\0\x1e", "media", "h264"),
        (b"\0\0\0\1\x40\1\x0c\1", "media", "hevc"),
        (b"\0\0\0\1\x46\1\x10\0\0\0\1\x40\1", "media", "hevc"),
        (b"\0\0\1\xb0\1\0\0\1\xb5", "media", "m4v"),
        (b"\0\0\1\0\0\0\1\x20\0\xc4", "media", "m4v"),
        (b"\x12\0\n\n\0\0\0", "media", "obu"),
        (bytes(4) + b"\1\xbc" + bytes(4), "media", "gxf"),
        (b"nut/multimedia container\0", "media", "nut"),
        (b"RIFF\0\0\0\0QLCMfmt ", "media", "qcp"),
        (b"Creative Voice File\x1a\x1a\0", "media", "voc"),
        (b"\x7f\xfe\x80\1\xfc", "media", "dts"),
        (b"TTA1\1\0", "media", "tta"),
        (b"tBaK\1\0", "media", "tak"),
        (b"MPCKSH", "media", "mpc8"),
        (b"MP+\x07", "media", "mpc"),
        (b"DSD \x1c\0", "media", "dsf"),
        (b"DHAV\xfd\0\0\0", "media", "dhav"),
        (b"IMKH" + bytes(36) + b"\0\0\1\xba", "media", "mpeg"),
        (b"\xb7\xd8\0 7I\xda\x11\xa6N\0\x07\xe9^\xad\x8d", "media", "wtv"),
        (b"\x02dss\0", "media", "dss"),
        ((b"\xff\xfb\x90\x64" + bytes(413)) * 4, "media", "mp3"),
        (b"junk!" + (b"\xff\xfb\x90\x64" + bytes(413)) * 4, "media", "mp3"),
        (b"\xff\xf1\x50\x80\x00\x1f\xfc", "media", "aac"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "picture", ""),
        (b"II*\0\x08\0\0\0", "picture", ""),
    ],
)
def test_first_bytes_decide(head: bytes, family: str, demuxer: str) -> None:
    """A container's own mark chooses the one parser that may open it."""
    found = sniff.sniff(head)
    assert (found.family, found.demuxer) == (family, demuxer)


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "playlist"),
        (b"\xef\xbb\xbf#EXTM3U\n", "playlist"),
        (b"ffconcat version 1.0\nfile x\n", "list of other files"),
        (b"file '/etc/passwd'\n", "list of other files"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG"),
        (b"<svg onload='x'>", "SVG"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b"PK\x03\x04" + bytes(30), "ZIP"),
        (b"%PDF-1.7\n%", "PDF"),
        (b"%!PS-Adobe-3.0", "PostScript"),
        (b"MZ\x90\0\x03", "program"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\nhi", "text file"),
        ("á".encode("latin-1") * 9, "text file"),
        (b"\xff\xfe" + "una lista".encode("utf-16-le"), "not a kind"),
        (b"\0\0\0\1\x68\xce\x06\xe2", "not a kind"),  # pictures without what they need
        (b"junk!" + (b"G" + bytes(187)) * 4, "not a kind"),
        (bytes(100), "zeros"),
        (bytes(range(256)), "not a kind"),
    ],
)
def test_what_is_not_published_is_refused_in_plain_words(head: bytes, word: str) -> None:
    """Each refusal says what the file is, and none of them opens it."""
    with pytest.raises(BadInput, match=word):
        sniff.sniff(head)


# --- time --------------------------------------------------------------------------------------


def _timeline(tick: Fraction, starts: list[int]) -> Timeline:
    times = Timeline(tick)
    for start in starts:
        times.add(start, 0, 1)
    return times


@pytest.mark.parametrize(
    ("tick", "starts", "claims", "rate", "uneven"),
    [
        (Fraction(1, 1000), [round(n * 1000 / 24) for n in range(300)], (), "24", False),
        (Fraction(1, 1000), [n * 1001 // 24 for n in range(300)], (), "24000/1001", False),
        (Fraction(1, 1000), [n * 33 for n in range(40)], ("1000",), "1000/33", False),
        (Fraction(1, 25), list(range(50)), (), "25", False),
        (Fraction(250, 1123), list(range(5)), ("1123/250",), "1123/250", False),
        (Fraction(1, 30), [n for n in range(90) if n % 4], (), "30", True),
        (Fraction(1, 30), [n for n in range(200) if n != 77], (), "30", False),
        (Fraction(1, 10), [0, 1, 11, 12, 22], (), "10", True),
        (Fraction(1, 90000), [0], ("90000", "30"), "30", False),
        (Fraction(1, 90000), [], (), "25", False),
    ],
)
def test_frame_rates_from_timestamps(
    tick: Fraction, starts: list[int], claims: tuple[str, ...], rate: str, *, uneven: bool
) -> None:
    """Rounded timestamps give the exact rate; one lost picture does not make a film uneven."""
    found = frame_rate(_timeline(tick, starts), tuple(map(Fraction, claims)))
    assert found == (Fraction(rate), uneven)


def test_pictures_out_of_order_at_the_cut_do_not_count() -> None:
    """Where reading stopped in mid-stream, the last pictures lack neighbours still to come."""
    starts = [n for n in range(ENOUGH + 3) if n not in (ENOUGH, ENOUGH - 2, ENOUGH - 4)]
    assert frame_rate(_timeline(Fraction(1, 50), starts), ()) == (Fraction(50), False)


def test_a_stream_ends_after_its_last_packet() -> None:
    """In presentation order, with the usual length where the last packet tells none."""
    times = Timeline(Fraction(1, 10))
    for start, length in ((0, 1), (3, 0), (2, 1)):
        times.add(start, length, 100)
    assert (times.first_s, times.bytes, times.packets) == (0, 300, 3)
    assert times.end_s(Fraction(1, 10)) == Fraction(4, 10)


def test_a_last_picture_of_one_tick_lasts_as_long_as_others() -> None:
    """Flash writes a thousandth of a second where it does not know; half a period is believed."""
    for length, end in ((1, 140), (30, 130)):
        times = Timeline(MS)
        for start in (0, 50, 100):
            times.add(start, length if start == 100 else 50, 100)
        assert times.end_s(Fraction(40, 1000)) == Fraction(end, 1000)


def test_times_of_an_output_are_in_order(make: Make, tmp_path: Path) -> None:
    """No picture at another's time, none decoded before its turn."""
    film = make("out.mp4", *PICTURE, *SOUND, *H264, "-bf", "2")
    found = probe.facts(film, tmp_path, LIMITS)
    assert [stream.in_order for stream in found.streams] == [True, True]
    again = ("-bsf:v", r"setts=dts=DTS:pts=if(eq(N\,7)\,NEXT_PTS\,PTS)")
    twice = make("twice.mp4", *PICTURE, *H264, "-bf", "0", *again)
    assert [s.in_order for s in probe.facts(twice, tmp_path, LIMITS).streams] == [False]


# --- our own outputs ---------------------------------------------------------------------------


def test_facts_of_a_finished_film(make: Make, tmp_path: Path) -> None:
    """Every picture is counted and both ends decode."""
    film = make("out.mp4", *PICTURE, *SOUND, *H264, "-g", "10", "-movflags", "+faststart")
    found = probe.facts(film, tmp_path, LIMITS)
    assert (found.kind, found.decodes) == (Kind.VIDEO, True)
    assert (found.width, found.height, found.frames) == (320, 180, 25)
    assert (found.video_codec, found.audio_codec) == ("h264", "aac")
    assert found.duration_ms == pytest.approx(1000, abs=50)
    assert found.audio_duration_ms == pytest.approx(1000, abs=50)
    assert found.streams[0].first_pts_ms == 0


@pytest.mark.parametrize("name", ["out.m4a", "out.mp3"])
def test_facts_of_finished_sound(make: Make, tmp_path: Path, name: str) -> None:
    """A sound file has no picture to measure."""
    found = probe.facts(make(name, *SOUND), tmp_path, LIMITS)
    assert (found.kind, found.decodes, found.frames) == (Kind.AUDIO, True, None)
    assert found.audio_duration_ms == pytest.approx(1000, abs=60)


def test_a_broken_end_does_not_decode(make: Make, tmp_path: Path) -> None:
    """Damage in the last group of pictures is seen although every packet is there."""
    film = make("out.mp4", *PICTURE, *H264, "-g", "5", "-movflags", "+faststart")
    data = bytearray(film.read_bytes())
    data[-4000:] = bytes(4000)
    film.write_bytes(data)
    found = probe.facts(film, tmp_path, LIMITS)
    assert (found.frames, found.decodes) == (25, False)


def test_facts_of_a_file_without_streams_are_refused(tmp_path: Path) -> None:
    """An output that cannot be opened is an error, not a fact."""
    broken = tmp_path / "out.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(16))
    with pytest.raises(Unreadable):
        probe.facts(broken, tmp_path, LIMITS)
