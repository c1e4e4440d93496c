"""Speech is really written down: by small models, of a synthetic voice, in a confined child."""

from __future__ import annotations

import dataclasses
import wave
from pathlib import Path

import media
import pytest
import speech as voices
from homes import Home

from benchmarks import speech
from pipeline import ears, flow, plan_speech
from pipeline.errors import ConfigError
from pipeline.model import ItemManifest, Kind, Step

ENGLISH = "The council meets this evening at seven. The neighbours want more buses."
SPANISH = "El pleno empieza esta tarde a las siete. Los vecinos piden más autobuses."
# Far from the truth, and far from nothing: a model that hears noise or silence has 1.0.
LOOSE = 0.5


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def listening(home: Home, model: Path, *languages: str) -> Home:
    """The same house with ears."""
    found = ears.found(str(model), languages, 2)
    home.house = dataclasses.replace(home.house, ears=found)
    return home


def text(home: Home, key: str) -> str:
    return home.house.published.read(key).decode()


def tracks(item: ItemManifest) -> dict[str | None, bool]:
    """The languages of an item's subtitles, and whether a machine made them."""
    made = [one for one in item.outputs if one.role == "captions"]
    return {one.language: bool(one.extra.get("automatic")) for one in made}


def test_spanish_is_written_down_and_put_into_english(home: Home) -> None:
    """Marked as a machine's in every place, until a person's file takes over, and only that one."""
    listening(home, voices.base(), "es", "en")
    home.lay("voz.wav", voices.spoken("es", SPANISH))
    home.run()
    item = home.item("voz")
    assert tracks(item) == {"es": True, "en": True}
    said = text(home, "march/voz/transcript.es.txt").partition("]")[2]
    wrong = speech.wer(SPANISH, said)
    print(f"word error rate, Spanish, Whisper base: {wrong:.2f} ({said.strip()})")  # noqa: T201 - a figure to look at
    assert wrong < LOOSE
    assert text(home, "march/voz/transcript.en.txt").partition("]")[2].strip()
    (track,) = (o for o in item.outputs if o.role == "captions" and o.language == "es")
    assert "\n\nNOTE Automatic captions by Whisper (base)" in text(home, track.key)
    assert track.extra["label"] == "Español (automático)"
    assert "Written down by a machine" in text(home, "march/voz.html")
    assert "Español (automático)" in text(home, "march/voz/transcript.en.html")
    assert "written by a machine" in text(home, "march/embeds.html")
    home.lay("voz.es.srt", media.SRT.format(text="El pleno empieza."))
    done = {key for key in home.published if "/speech-" in key}
    home.run()
    assert tracks(home.item("voz")) == {"es": False, "en": True}
    assert "El pleno empieza." in text(home, "march/voz/transcript.es.html")
    assert {key for key in home.published if "/speech-" in key} == done
    home.take("voz.es.srt")
    home.run()
    assert tracks(home.item("voz")) == {"es": True, "en": True}


def test_a_film_carries_automatic_captions_in_its_playlist(home: Home) -> None:
    """With their name, until a person's file of that language takes their place there too."""
    listening(home, voices.tiny())
    home.lay("talk.mp4", media.talking_film(voices.spoken("en", ENGLISH)))
    home.run()
    (index,) = (key for key in home.published if key.endswith("/index.m3u8"))
    assert 'NAME="English (automatic)",LANGUAGE="en"' in text(home, index)
    assert 'label="English (automatic)"' in text(home, "march/talk/embed.html")
    film = home.published["march/talk/video.mp4"]
    home.lay("talk.en-GB.srt", media.SRT.format(text="The council meets."))
    home.run()
    assert 'NAME="English (GB)",LANGUAGE="en-GB"' in text(home, index)
    for key in (index, "march/talk/embed.html", "march/talk.html"):
        assert "(automatic)" not in text(home, key)
    assert home.published["march/talk/video.mp4"] == film


def test_where_nobody_speaks_nothing_is_written(home: Home) -> None:
    """Noise and a hum have no words, no tracks and no transcript, and it is said."""
    listening(home, voices.base())
    home.lay("hum.wav", media.sound())
    home.run()
    item = home.item("hum")
    assert tracks(item) == {}
    assert [note for note in item.notes if "No speech was heard" in note]
    assert "march/hum/transcript.en.html" not in home.published


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of five seconds: a minute of speech is too long for a test."""
    monkeypatch.setattr(plan_speech, "CHUNK_MS", 5000)
    monkeypatch.setattr(plan_speech, "_REST_MS", 1000)


@pytest.mark.usefixtures("small_chunks")
def test_a_lost_chunk_is_the_only_one_that_is_heard_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks fit together without a word lost or doubled, whichever of them came again."""
    heard = list[str]()
    make = flow.render.perform
    monkeypatch.setattr(
        flow.render, "perform", lambda step, *rest: heard.append(step.name) or make(step, *rest)
    )
    listening(home, voices.tiny())
    home.lay("talk.wav", voices.spoken("en", f"{ENGLISH} {speech.TEXTS['en']}"))
    home.run()
    chunks = sorted(name for name in heard if name.startswith("speech-"))
    assert len(chunks) >= 2
    first = text(home, "march/talk/transcript.en.txt")
    wrong = speech.wer(f"{ENGLISH} {speech.TEXTS['en']}", " ".join(first.split("]")[1:]))
    print(f"word error rate, English, Whisper tiny, {len(chunks)} chunks: {wrong:.2f}")  # noqa: T201 - as above
    assert wrong < LOOSE
    lost = {s.name: s for s in steps(home, "talk")}["speech-1"]
    home.house.records.drop(f"items/march/talk/done-{lost.fingerprint}.json")
    home.house.records.drop(*home.house.records.marks("march"))
    heard.clear()
    home.run()
    assert heard == ["speech-1"]
    assert text(home, "march/talk/transcript.en.txt") == first


def steps(home: Home, item: str) -> tuple[Step, ...]:
    records = home.house.item("march", item)
    assert records is not None
    assert records.plan is not None
    return records.plan.steps


def test_a_worker_without_a_model_says_so_and_the_film_plays(home: Home, tmp_path: Path) -> None:
    """The item is published; the note says once how to get what is missing."""
    listening(home, tmp_path / "none")
    home.lay("noise.wav", media.sound())
    home.run()
    item = home.item("noise")
    assert (item.kind, item.state.value) == (Kind.AUDIO, "published")
    assert len([note for note in item.notes if "hf download" in note]) == 1
    assert not [note for note in item.notes if "No speech was heard" in note]


def test_a_retry_joins_again_what_had_gaps(home: Home, tmp_path: Path) -> None:
    """Once there is a model, what failed for want of it is heard, and the whole written anew."""
    listening(home, tmp_path / "tiny.en")
    home.lay("talk.wav", voices.spoken("en", ENGLISH))
    home.run()
    assert tracks(home.item("talk")) == {}
    (tmp_path / "tiny.en").symlink_to(voices.tiny())
    listening(home, tmp_path / "tiny.en")
    assert flow.retry(home.house, "march") == ("talk",)
    home.run()
    assert tracks(home.item("talk")) == {"en": True}


def test_borders_are_the_same_from_either_side(tmp_path: Path) -> None:
    """A chunk ends where its neighbour begins: in the middle of the silence near by."""
    voices.tiny()  # numpy comes with what listens
    from pipeline import transcribe  # noqa: PLC0415 - see above

    rate, quiet_s = transcribe.RATE, 33.0
    sound = tmp_path / "sound.wav"
    loud = b"\x00\x30\x00\xd0" * (rate // 2)
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(loud * int(quiet_s) + b"\0\0" * rate + loud * 40)
    samples = transcribe._samples(str(sound))
    before, _ = transcribe._chunk(samples, {"offset_ms": 0, "begin_ms": 0, "end_ms": 30_000})
    late = samples[15 * rate :]
    _, begins_ms = transcribe._chunk(
        late, {"offset_ms": 15_000, "begin_ms": 30_000, "end_ms": None}
    )
    assert begins_ms == len(before) * 1000 // rate
    assert quiet_s * 1000 <= begins_ms <= quiet_s * 1000 + 1000


@dataclasses.dataclass
class Piece:
    """A word as faster-whisper gives it."""

    word: str
    start: float = 0.0
    end: float = 1.0


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([" marque", " 5", "-0", "-0", ","], ["marque", "5-0-0,"]),
        (["Son", " 28", ".8", " ", " km"], ["Son", "28.8", "km"]),
        (["会", "議"], ["会", "議"]),
        ([], []),
    ],
)
def test_pieces_of_a_word_are_one_word(pieces: list[str], whole: list[str]) -> None:
    """A blank begins a word; where a language has none, each piece is one."""
    from pipeline import transcribe  # noqa: PLC0415 - beside its kind

    found = transcribe._whole_words([Piece(piece) for piece in pieces], 500)
    assert [word.text for word in found] == whole


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    """By the confined child too, should the model go between the look and the work."""
    sound = voices.spoken("en", ENGLISH)
    voices.tiny()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="no folder of a faster-whisper model"):
        speech.listened(sound, empty, tmp_path)


@pytest.mark.parametrize(
    ("said", "written", "rate"),
    [
        ("uno dos tres", "Uno, dos, tres.", 0.0),
        ("uno dos tres", "", 1.0),
        ("uno dos tres", "uno tres", 1 / 3),
        ("uno dos tres", "uno dos dos tres", 1 / 3),
        ("Sí, está", "si esta", 0.0),
        ("uno", "dos tres cuatro", 3.0),
    ],
)
def test_the_word_error_rate_counts_words(said: str, written: str, rate: float) -> None:
    """Changed, missing and invented words, by the number of words that were said."""
    assert speech.wer(said, written) == pytest.approx(rate)
