"""What is said in an item is on its pages: as text, in every language, with times that seek."""

from __future__ import annotations

import json
from dataclasses import replace

from sample_post import AUDIO, POST, SITE, VIDEO, made

from pipeline import address, display, pages, remarks, sheet
from pipeline.model import Object
from pipeline.phrases import Phrases
from pipeline.transcript import Paragraph, Transcript


def text(objects: tuple[Object, ...], key: str) -> str:
    """The text of the one object with that key."""
    (found,) = (one for one in objects if one.key == key)
    assert isinstance(found.body, bytes)
    return found.body.decode()


SAID = Transcript(
    language="es",
    paragraphs=(
        Paragraph(text="Buenos días. Se abre la sesión.", start_ms=1500, speaker="Ana <Pérez>"),
        Paragraph(text="Gracias.", start_ms=83_200, speaker="Ana <Pérez>"),
        Paragraph(text="</script><script>alert(1)</script>"),
    ),
)
ENGLISH = replace(SAID, language="en", automatic=True)
SPOKEN = replace(
    VIDEO,
    outputs=(
        *VIDEO.outputs,
        made("transcript", "pleno/votacion/r/f2/en.json", "application/json", language="en"),
        made("transcript", "pleno/votacion/r/f2/es.json", "application/json", language="es"),
    ),
)
WORDS = {"pleno/votacion/r/f2/es.json": SAID, "pleno/votacion/r/f2/en.json": ENGLISH}


def spoken() -> tuple[Object, ...]:
    return pages.render(SITE, replace(POST, items=(SPOKEN,)), WORDS)


def test_what_is_said_is_on_the_items_page_in_its_language() -> None:
    """As real text, each time a link that seeks; the speaker is named once; machines find it."""
    page = text(spoken(), "pleno/votacion.html")
    section = page[page.index('id="transcript"') :]
    assert '<p id="t=1.5"><a class="nr-clock" href="#t=1.5" data-nr-t="1.5"' in section
    assert "1:23</a> Gracias." in section
    assert section.count("<b>Ana &lt;Pérez&gt;:</b>") == 1
    assert 'href="votacion/transcript.en.html" hreflang="en"' in section
    linked = json.loads(page.partition('ld+json">')[2].partition("</script>")[0])
    assert linked["transcript"].startswith("Ana <Pérez>: Buenos días. Se abre la sesión.")


def test_every_language_has_a_page_and_a_file_of_its_own() -> None:
    """With the player, the other languages and the files; what a machine wrote is marked so."""
    objects = spoken()
    page = text(objects, "pleno/votacion/transcript.en.html")
    assert '<div class="nr-words" lang="en"' in page
    assert "data-nr-hls" in page
    assert "máquina" in page
    assert "máquina" not in text(objects, "pleno/votacion/transcript.es.html")
    plain = text(objects, "pleno/votacion/transcript.es.txt")
    assert plain.startswith("La votación\n\n[0:02] Ana <Pérez>: Buenos días.")
    kept = {one.key: one.cache for one in objects}
    assert kept["pleno/votacion/transcript.es.html"] == address.POINTER


def test_a_transcript_that_cannot_be_read_now_breaks_no_page() -> None:
    """The page is printed without it."""
    objects = pages.render(SITE, replace(POST, items=(SPOKEN,)))
    assert 'id="transcript"' not in text(objects, "pleno/votacion.html")
    assert not [one for one in objects if "votacion/transcript" in one.key]


# --- the reporter's sheet ----------------------------------------------------------------------


def test_the_linters_findings_are_on_the_sheet_with_time_and_words() -> None:
    """In the reporter's language, so that each place can be found in the file."""
    place = {"at_ms": 62_000, "line": 7, "text": "Demasiado <deprisa>"}
    found = {"rule": "fast", "limit": 17.0, "count": 4, "places": [place]}
    track = made(
        "captions", "k/es.vtt", "text/vtt", language="es", extra={"warnings": [found, "of old"]}
    )
    item = replace(VIDEO, outputs=(*VIDEO.outputs[:6], track))
    (told,) = remarks.lint(Phrases("es"), item)
    assert told == (
        "Español: más de 17 caracteres por segundo, demasiado rápido para leer: 4 "
        "(1:02, línea 7: “Demasiado <deprisa>”)"
    )
    page = text(pages.render(SITE, replace(POST, items=(item,))), "pleno/embeds.html")
    assert "Demasiado &lt;deprisa&gt;" in page


def test_sound_without_a_transcript_is_told_until_there_is_one() -> None:
    """And its snippets invite to read as soon as there is something to read."""
    (warning,) = sheet.warnings(POST, AUDIO)
    assert ".es.txt" in warning
    said = made("transcript", "k/es.json", "application/json", language="es")
    item = replace(AUDIO, outputs=(*AUDIO.outputs, said))
    assert sheet.warnings(POST, item) == ()
    assert "transcripción" in display.invitation(item, Phrases("es"))


def test_what_a_machine_wrote_is_to_be_read_through() -> None:
    """The sheet says so, and what to do."""
    track = made("captions", "k/es.vtt", "text/vtt", language="es", extra={"automatic": True})
    item = replace(VIDEO, outputs=(*VIDEO.outputs[:6], track))
    (warning,) = sheet.warnings(POST, item)
    assert "nombre.es.vtt" in warning
