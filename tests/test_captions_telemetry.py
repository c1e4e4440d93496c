"""Logs of drones and dashcams are told from subtitles, and nothing of them is published."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import Home
from reels import AAC, H264, make

from pipeline import captions_telemetry
from pipeline.captions_text import Cue
from pipeline.model import State

LOGS = (
    '<font size="28">FrameCnt: 1\n[iso: 100] [latitude: 59.302335] [longitude: 18.203059]</font>',
    "[iso : 110] [latitude: 0.608553] [longtitude: -1.963763] [altitude: 1429.697998]",
    "HOME(149.0251,-20.2532) 2017.08.05 14:11:51\nGPS(149.0251,-20.2533,16) BAROMETER:1.9",
    "HOME(E: 11.0123, N: 46.1123) 2021-01-01 10:10:10\nGPS(E: 11.0123, N: 46.1123, 36.22m)",
    "F/2.8, SS 206.14, ISO 150, EV 0, GPS (-122.3699, 37.5929, 15), D 224.34m, H 114.60m",
    "F/2.8, SS 206.14, ISO 150, EV 0, D 224.34m, H 114.60m, H.S 15.63m/s, V.S 0.30m/s",
    "SrtCnt : 1, DiffTime : 33ms\n[iso : 100] [shutter : 1/640.0] [fnum : 170] [ct : 5353]",
    "2020/01/01 12:00:00 N:51.123456 E:4.123456 35 km/h",
    "51.123456N 4.123456E",
    "Lat: 40.7128 Lon: -74.0060 Speed: 3",
    "$GPRMC,081836,A,3751.65,S,14507.36,E,000.0,360.0,130998,011.3,E*62",
)
SPEECH = (
    "The GPS is jammed, said 3 of them.",
    "I was at home (3 days).",
    "ISO 9001 is a standard.",
    "It was shot at f/2.8 and ISO 100, said the photographer.",
    "3.5, 4.2 and 7.8 percent",
    "altitude: 3000 metres",
    "North 5.2, or East 3?",
)


def cues(*texts: str) -> list[Cue]:
    return [
        Cue(start_ms=1000 * at, end_ms=1000 * at + 900, text=text) for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize("text", LOGS)
def test_a_log_is_told_by_half_of_its_cues(text: str) -> None:
    """Where a satellite is lost, a cue may be short; the others tell."""
    assert captions_telemetry.is_log(cues(text, "2023-05-28 18:05:12"))
    assert not captions_telemetry.is_log(cues(text, *SPEECH))


@pytest.mark.parametrize("text", SPEECH)
def test_speech_is_no_log(text: str) -> None:
    """People speak of satellites, standards and heights."""
    assert not captions_telemetry.is_log(cues(text))


def test_nothing_is_no_log() -> None:
    """A file without words is another complaint."""
    assert not captions_telemetry.is_log([])


def test_nothing_of_a_drones_log_is_published(tmp_path: Path) -> None:
    """Inside the film and beside it: no page, playlist or text holds a place; both are told."""
    log = "1\n00:00:00,000 --> 00:00:02,000\n[latitude: 59.302335] [longitude: 18.203059]\n"
    (tmp_path / "log.srt").write_text(log)
    film = make(
        tmp_path / "drone.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-f", "lavfi", "-i", "sine=440:d=2"),
        *("-i", tmp_path / "log.srt", "-map", "0", "-map", "1", "-map", "2", *H264, *AAC),
        *("-c:s", "mov_text"),
    )
    home = Home(tmp_path / "house")
    home.lay("DJI_0001.MP4", film)
    assert home.run().items[0].state is State.PUBLISHED
    (notes,) = (home.item("dji-0001").notes,)
    assert "Text track 3 holds no subtitles but the camera's own log." in " ".join(notes)
    home.lay("DJI_0001.SRT", log)
    home.run()
    item = home.item("dji-0001")
    assert item.state is State.PUBLISHED
    assert "DJI_0001.SRT holds no subtitles but the camera's own log." in " ".join(item.notes)
    assert not any(out.role in ("captions", "transcript") for out in item.outputs)
    for path in (tmp_path / "house" / "published").rglob("*"):
        if path.is_file():
            assert b"59.302335" not in path.read_bytes(), path
