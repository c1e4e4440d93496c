"""Subtitles: any encoding and format in, clean WebVTT out, and every loss told."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import (
    captions,
    captions_language,
    captions_lint,
    captions_read,
    captions_text,
    errors,
)
from pipeline.captions import Cue


def clean(tmp_path: Path, data: str | bytes, name: str = "film.srt", **more: Any) -> dict[str, Any]:
    path = tmp_path / "upload"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return captions.clean(str(path), name, **more)


def cue(start_ms: int, end_ms: int, text: str = "Some words") -> Cue:
    return Cue(start_ms=start_ms, end_ms=end_ms, text=text)


SRT = "1\n00:00:01,000 --> 00:00:03,500\nHola\nmundo\n\n2\n00:01:00,5 --> 00:01:02,250\nAdiós\n"
WEBVTT = (
    "WEBVTT\n\n00:00:01.000 --> 00:00:03.500\nHola\nmundo\n\n00:01:00.500 --> 00:01:02.250\nAdiós\n"
)


SAME = {
    "srt": SRT.encode(),
    "bom-crlf": SRT.replace("\n", "\r\n").encode("utf-8-sig"),
    "utf16-cr": SRT.replace("\n", "\r").encode("utf-16"),
    "utf16-le": SRT.encode("utf-16-le"),
    "utf16-be": SRT.encode("utf-16-be"),
    "cp1252": SRT.encode("cp1252"),
    "nul": SRT.replace("Hola", "Ho\0la").encode(),
    "word-number": SRT.replace("2\n00:01", "dos\n00:01").encode(),
    "no-blank-line": SRT.replace("\n\n2\n", "\n2\n").encode(),
    "webvtt": """WEBVTT - title
Kind: captions

STYLE
::cue { color: red }

NOTE a
b

x1
0:1.000 --> 0:3.500 align:start
Hola
mundo

1:0.5 --> 1:02.25
Adiós""".encode(),
    "sbv": "0:00:01.000,0:00:03.500\nHola\nmundo\n\n0:01:00.500,0:01:02.250\nAdiós\n".encode(),
    "ass": """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:01:00.50,0:01:02.25,D,,0,0,0,,{\\pos(1,2)}Adiós
Comment: 0,0:00:00.00,0:00:02.00,D,,0,0,0,,no
Dialogue: 0,0:00:02.00,0:00:03.00,D,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}
Dialogue: 0,0:00:01.00,0:00:03.50,D,,0,0,0,,Hola\\Nmundo
""".encode(),
    "ttml": """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s" end="3.5s">Hola<br/>mundo</p>
<p begin="00:01:00.500" end="00:01:02.250">Adiós</p></div></body></tt>""".encode(),
}


@pytest.mark.parametrize("kind", SAME)
def test_every_format_and_encoding_gives_the_same_webvtt(kind: str, tmp_path: Path) -> None:
    """Whatever the file looks like, the same words at the same times come out alike."""
    made = clean(tmp_path, SAME[kind])
    assert made["webvtt"] == WEBVTT
    assert (made["cues"], made["last_ms"]) == (2, 62_250)


def test_other_code_pages_are_recognised_and_said(tmp_path: Path) -> None:
    """Russian in Windows-1251 is not mistaken for Western European, and the guess is a note."""
    words = "Мы приехали в город рано утром, и на площади уже собралось много народу. "
    made = clean(tmp_path, f"1\n00:00:01,000 --> 00:00:09,000\n{words * 4}\n".encode("cp1251"))
    assert "приехали в город" in made["webvtt"]
    assert any("not UTF-8" in note for note in made["notes"])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<b>a <i>b</b> c</i>", "<b>a <i>b</i></b> c"),
        ("<v.loud Ana & Co>Hi</v>", "<v Ana &amp; Co>Hi</v>"),
        ("<font color='red'>x</font><c.yellow>y</c>", "xy"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("&lt;a href=x&gt; 1 < 2 --> 3 & 4", "&lt;a href=x&gt; 1 &lt; 2 --&gt; 3 &amp; 4"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("a<br/>b<BR>c", "a\nb\nc"),
        ("<lang es-MX>x</lang> <lang \"'>y", "<lang es-MX>x</lang> y"),
        ("<ruby>漢<rt>kan</rt></ruby> <rt>z", "<ruby>漢<rt>kan</rt></ruby> z"),
        ("<00:00:01.000>word <u>x", "word <u>x</u>"),
        ("<i", "&lt;i"),
        ("one\n\n  \ntwo", "one\ntwo"),
        ("&#10;&#10;00:00:00.000 --> 00:00:09&#10;x", "00:00:00.000 --&gt; 00:00:09\nx"),
    ],
)
def test_markup_keeps_the_allowed_tags_and_escapes_the_rest(written: str, shown: str) -> None:
    """Allowed tags stay, balanced; styling tags go; anything else is shown as text."""
    assert captions_text.markup(written) == shown


@given(st.text(alphabet="<>/&;-biuvlangscrt \n.\"'={}\\", max_size=60))
def test_markup_is_safe_and_stable_for_any_text(text: str) -> None:
    """No text yields a foreign tag, a blank line or an arrow; cleaning twice changes nothing."""
    made = captions_text.markup(text)
    foreign = re.sub(r"</?(b|i|u|v|lang|ruby|rt)>|<v [^<>\n]+>|<lang [\w-]+>", "", made)
    assert "<" not in foreign
    assert ">" not in foreign
    assert "\n\n" not in f"\n{made}\n" or made == ""
    assert captions_text.markup(made) == made


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_bad_input(data: bytes) -> None:
    """Whatever is uploaded is read or refused in words."""
    with suppress(errors.BadInput):
        assert captions_read.read(data).cues


def test_override_tags_become_tags_or_nothing(tmp_path: Path) -> None:
    r"""{\i1} and its kin are kept as italics; positions are dropped, in SRT as well."""
    made = clean(tmp_path, "1\n00:00:01,000 --> 00:00:03,000\n{\\an8}{\\i1}Hi{\\i0} {plain}\n")
    assert "\n<i>Hi</i> {plain}\n" in made["webvtt"]


def test_cues_are_sorted_and_repeats_left_out(tmp_path: Path) -> None:
    """Order of time, whatever the order of the file; a repeated cue is told and left out."""
    late, early = "00:00:05,000 --> 00:00:06,000\nb\n\n", "00:00:01,000 --> 00:00:02,000\na\n\n"
    made = clean(tmp_path, late + early + late)
    assert re.findall(r"^[ab]$", made["webvtt"], re.MULTILINE) == ["a", "b"]
    assert made["notes"] == ["Cues left out because they repeat another: 1."]


def test_a_cue_that_ends_before_it_begins_gets_its_reading_time(tmp_path: Path) -> None:
    """The new end is the reading time, at most the next cue's beginning; the line is named."""
    text = "00:00:05,000 --> 00:00:04,000\nTwenty characters xx\n\n00:00:05,900 --> 00:00:07,000\nb"
    made = clean(tmp_path, text)
    assert "00:00:05.000 --> 00:00:05.900" in made["webvtt"]
    assert "1 (line 1)" in made["notes"][0]


def test_overlaps_are_told_with_their_line(tmp_path: Path) -> None:
    """Overlapping cues are kept, and the later one's line is named."""
    text = "00:00:01,000 --> 00:00:04,000\na\n\n00:00:03,000 --> 00:00:05,000\nb\n"
    made = clean(tmp_path, text)
    assert made["cues"] == 2
    assert made["notes"] == ["Cues that overlap the one before: 1 (line 4)."]


def test_a_cue_with_a_broken_time_is_left_out_with_its_text(tmp_path: Path) -> None:
    """Its words do not leak into the cue before; its line is named; the rest is kept."""
    text = (
        SRT.replace("00:01:00,5 -->", "00:xx:00,5 -->") + "\n3\n00:02:00,000 --> 00:02:02,000\nz\n"
    )
    made = clean(tmp_path, text)
    assert "Adiós" not in made["webvtt"]
    assert made["cues"] == 2
    assert any("line 7" in note for note in made["notes"])


def test_a_slip_in_a_time_is_read_as_meant_and_said(tmp_path: Path) -> None:
    """A colon before the milliseconds is read, and its line is named."""
    made = clean(tmp_path, "1\n00:00:07,000 --> 00:00:11:890\nx\n")
    assert made["last_ms"] == 11_890
    assert "line 2" in made["notes"][0]


def test_cues_before_the_beginning_are_left_out(tmp_path: Path) -> None:
    """A negative time is before the film: such a cue is told, one that reaches in is kept."""
    made = clean(
        tmp_path,
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,-0:00:03.00,-0:00:01.00,D,,0,0,0,,a\n"
        "Dialogue: 0,-0:00:00.50,0:00:01.00,D,,0,0,0,,b\n",
    )
    assert made["webvtt"] == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nb\n"
    assert made["notes"] == ["Cues left out because they lie before the beginning: 1."]


SIX_SECONDS = "".join(f"00:00:0{n},000 --> 00:00:0{n + 1},000\n{'abcdef'[n]}\n\n" for n in range(6))


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "shown"),
    [
        (0, None, [(0, 1000, "a"), (1000, 2000, "b"), (5000, 6000, "f")]),
        (4000, None, [(0, 1000, "e"), (1000, 2000, "f")]),
        (4250, 5250, [(0, 750, "e"), (750, 1000, "f")]),
        (4200, 4300, [(0, 100, "e")]),
        (5000, 60_000, [(0, 1000, "f")]),
        (0, 1, [(0, 1, "a")]),
    ],
)
def test_a_part_of_a_film_shows_its_own_cues(
    start_ms: int, end_ms: int | None, shown: list[tuple[int, int, str]], tmp_path: Path
) -> None:
    """Cues are cut at the borders and timed from the beginning; those outside go without a note."""
    made = clean(tmp_path, SIX_SECONDS, start_ms=start_ms, end_ms=end_ms)
    for start, end, word in shown:
        block = captions.to_webvtt([cue(start, end, word)]).removeprefix("WEBVTT\n\n")
        assert block in made["webvtt"]
    assert made["last_ms"] == shown[-1][1]
    assert made["cues"] == (6 if end_ms is None and not start_ms else len(shown))
    assert made["notes"] == []


def test_a_long_cue_covers_the_part(tmp_path: Path) -> None:
    """What began before the part and ends after it is shown throughout."""
    text = "00:00:00,000 --> 01:00:00,000\nLive\n"
    made = clean(tmp_path, text, start_ms=60_000, end_ms=90_000)
    assert made["webvtt"] == "WEBVTT\n\n00:00:00.000 --> 00:00:30.000\nLive\n"


def test_a_part_without_words_has_no_subtitles(tmp_path: Path) -> None:
    """An empty file would offer a language in which nothing is said."""
    with pytest.raises(errors.Unreadable, match="no text for the part"):
        clean(tmp_path, SIX_SECONDS, start_ms=6000)


def test_the_linter_reads_what_is_shown(tmp_path: Path) -> None:
    """Places are those of the part; what is wrong outside of it is not told."""
    text = SIX_SECONDS + "00:01:00,000 --> 00:01:01,000\n" + "x" * 50 + "\n"
    assert not clean(tmp_path, text, start_ms=0, end_ms=6000)["warnings"]
    told = clean(tmp_path, text, start_ms=50_000)["warnings"][0]
    assert told["rule"] == "long-line"
    assert [place["at_ms"] for place in told["places"]] == [10_000]


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", errors.Unreadable, "empty"),
        (b"Dear editor,\nno times here\n", errors.Unreadable, "line 1"),
        (b"\n\n1\n00:00:xx --> 00:00:02\nHi\n", errors.Unreadable, "line 4"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n<b></b>\n", errors.Unreadable, "no text"),
        (b"# VobSub index file, v7\n", errors.Unsupported, "pictures"),
        (b"\x00\x00\x01\xba" + b"\0" * 50, errors.Unsupported, "VobSub"),
        (b"<tt xmlns='http://www.w3.org/ns/ttml'><body>", errors.Unreadable, r"TTML \(line 1\)"),
        (b"<!DOCTYPE tt [<!ENTITY a 'b'>]><tt xmlns='http://www.w3.org/ns/ttml'/>", errors.Hostile,
         "entities"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(
    data: bytes, error: type[errors.BadInput], words: str, tmp_path: Path
) -> None:
    """The sentence names the kind of file or the first line that makes no sense."""
    with pytest.raises(error, match=words):
        clean(tmp_path, data)


def test_a_file_over_the_limit_names_the_setting(tmp_path: Path) -> None:
    """The size is checked before anything is parsed."""
    with pytest.raises(errors.OverLimit, match=r"limits\.max_text_bytes"):
        clean(tmp_path, SRT, max_bytes=20)


def test_hostile_repetition_is_read_in_linear_time() -> None:
    """Unclosed tags and braces by the hundred thousand end in an answer, not in a stall."""
    text = "1\n00:00:01,000 --> 00:00:02,000\n" + "<a" * 100_000 + "{\\" * 100_000
    found = captions_read.read(text.encode())
    assert captions_text.markup(found.cues[0].text).startswith("&lt;a&lt;a")


@pytest.mark.parametrize(
    ("name", "head", "language"),
    [
        ("film.es.srt", "", "es"),
        ("film.PT-br.vtt", "", "pt-BR"),
        ("film.eng.forced.srt", "", "en"),
        ("film.vtt", "WEBVTT\nLanguage: fr\n\n", "fr"),
        ("film.es.vtt", "WEBVTT\nLanguage: fr\n\n", "es"),
        ("film.final.srt", "", ""),
    ],
)
def test_the_language_comes_from_the_name_then_from_the_file(
    name: str, head: str, language: str, tmp_path: Path
) -> None:
    """A tag in the name decides; else what the file claims; else nothing is invented."""
    text = head + "00:00:01.000 --> 00:00:02.000\nx\n"
    assert clean(tmp_path, text, name)["language"] == language


def rules(cues: list[Cue], language: str = "en") -> dict[str, captions_lint.Finding]:
    return {found.rule: found for found in captions_lint.lint(cues, language)}


def test_lint_measures_as_the_reader_reads() -> None:
    """Lengths, lines, speed and times are judged without tags; places have time, line and words."""
    good = cue(0, 2000, "<i>Twenty-eight visible letters</i>")
    assert rules([good]) == {}
    bad = [
        Cue(start_ms=60_000, end_ms=64_000, text="x" * 43, line=7),
        cue(70_000, 74_000, "a\nb\nc"),
        cue(80_000, 80_500, "a"),
        cue(90_000, 98_000, "a"),
    ]
    found = rules(bad)
    assert set(found) == {"long-line", "many-lines", "brief", "lasting"}
    assert found["long-line"].places == ({"at_ms": 60_000, "line": 7, "text": "x" * 43},)


def test_cues_that_overlap_and_that_flicker_are_told_apart() -> None:
    """Cues that touch are fine; a frame between two flickers; one before the end is an overlap."""
    touching = [cue(0, 1000, "a"), cue(1000, 2000, "b"), cue(2080, 3000, "c")]
    assert rules(touching) == {}
    assert set(rules([cue(0, 1000, "a"), cue(1040, 2000, "b")])) == {"gap"}
    assert set(rules([cue(0, 1000, "a"), cue(900, 2000, "b")])) == {"overlap"}


def test_spanish_is_read_more_slowly_than_english() -> None:
    """18 characters a second pass in English and not in Spanish, whatever the region."""
    fast = cue(0, 2000, "x" * 36)
    assert rules([fast], "en-GB") == {}
    assert rules([fast], "es-MX")["fast"].limit == 17


def test_many_findings_stay_few() -> None:
    """A thousand short cues are one finding with a count and three places."""
    found = rules([cue(n * 1000, n * 1000 + 500, "a") for n in range(1000)])
    assert (found["brief"].count, len(found["brief"].places)) == (1000, 3)
    (quoted,) = rules([cue(0, 100_000, "palabra " * 40)])["lasting"].places
    assert quoted["text"].endswith("palabra…")
    assert len(quoted["text"]) <= 61


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("El alcalde dijo que no se va a votar hoy en el pleno porque hay dudas.", "es"),
        ("The mayor said that they will not vote on it today because there is doubt.", "en"),
        ("O alcalde dixo que non se vai votar hoxe no pleno porque hai dúbidas.", "gl"),
        ("No sé si aquest any els nens aniran amb la mare a la platja o al parc.", "ca"),
        ("Não sei se você vai para a escola com os meus amigos ou não.", "pt"),
        ("Je ne sais pas si vous allez à la plage avec les enfants pour une semaine.", "fr"),
        ("Sí, claro.", ""),
        ("Madrid Barcelona Sevilla Valencia Bilbao Zaragoza Vigo Murcia Elche", ""),
        ("Мы приехали в город рано утром, и на площади собралось много народу.", ""),
    ],
)
def test_a_language_is_guessed_only_where_its_little_words_show_it(
    text: str, language: str
) -> None:
    """A few words, names, or languages without a list are left undecided."""
    assert captions_language.guess(text) == language


def stl(text: bytes, *, table: bytes = b"00", start: bytes = b"10000000", last: int = 255) -> bytes:
    """An EBU STL file of one Spanish subtitle at 10:00:01:00 to 10:00:03:12."""
    head = b"850STL25.011" + table + b"0A"
    head = head.ljust(256) + start
    times = bytes([10, 0, 1, 0, 10, 0, 3, 12])
    block = bytes([0, 1, 0, last, 0]) + times + bytes([20, 2, 0]) + text.ljust(112, b"\x8f")
    return head.ljust(1024) + block


def test_a_mistake_in_ass_is_told_with_its_line(tmp_path: Path) -> None:
    """Comments are lines, too."""
    made = clean(
        tmp_path,
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Comment: 0,0:00:00.00,0:00:01.00,D,,0,0,0,,no\n"
        "Dialogue: 0,0:00:09.00,0:00:09.00,D,,0,0,0,,Yes\n",
    )
    assert made["notes"] == ["Cues that ended before they began, given a new end: 1 (line 7)."]


def test_television_subtitles_are_read(tmp_path: Path) -> None:
    """EBU STL: accents before their letters, italics, line breaks, times from the start."""
    made = clean(tmp_path, stl(b"\xbfQu\xc2e ma\xc4nana\x8a\x80S\xc2i\x81 & <b>"), "a.stl")
    assert made["webvtt"] == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.480\n¿Qué mañana\n<i>Sí</i> &amp; &lt;b&gt;\n"
    )
    assert made["language"] == "es"


def test_television_subtitles_in_other_alphabets_and_on_other_clocks(tmp_path: Path) -> None:
    """Cyrillic by its own table; a start after the first words is not believed."""
    made = clean(tmp_path, stl("Дж".encode("iso8859-5"), table=b"01", start=b"23000000"))
    assert made["webvtt"].endswith("10:00:03.480\nДж\n")


@given(st.binary(max_size=300), st.binary(min_size=8, max_size=8))
def test_no_television_file_raises_anything_but_bad_input(blocks: bytes, start: bytes) -> None:
    """Whatever lies in its blocks and its clock."""
    with suppress(errors.BadInput):
        captions_read.read(stl(b"x", start=start) + blocks)


def test_a_television_file_without_words_says_so(tmp_path: Path) -> None:
    """User data and cut-off blocks are passed over."""
    for data in (stl(b"x", last=0xFE), stl(b"x")[:-20]):
        with pytest.raises(errors.Unreadable, match=r"No subtitles|no text"):
            clean(tmp_path, data)


def test_webvtt_times_pass_the_hundredth_hour() -> None:
    """Hours simply grow; nothing wraps."""
    assert "100:00:00.001 --> 100:00:01.000" in captions.to_webvtt([cue(360_000_001, 360_001_000)])
