"""Telling a camera's log from subtitles: drones and dashcams write where they are into every cue.

Owns the patterns of such logs. Pure. Refuses to judge single cues: who says a position in an
interview is a speaker, and what a reporter wrote stays. `captions` asks; nothing of a log is
published, for it tells to a few metres where a film was shot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.captions_text import Cue, words

# A log says the same in every cue; half of them, for some are cut off or have lost their satellite.
_SHARE = 0.5
# So many settings of a camera in one cue are no speech.
_SETTINGS = 3

_NUMBER = r"[-+]?\d{1,3}\.\d{2,9}"
_PLACES = (
    # DJI, Autel: GPS(13.4050,52.5200,16), HOME(E: 13.40, N: 52.52); with a colon on dashcams.
    rf"\b(?:GPS|HOME)\s{{0,3}}[:(]\s{{0,3}}(?:[NSEW]\s{{0,3}}[:=]?\s{{0,3}})?{_NUMBER}",
    # DJI since 2018: [latitude: 52.520008] [longtitude: 13.404954], so misspelt by some.
    rf"\b(?:lat|lon|long?t?itude|latitude|lng)\s{{0,3}}[:=]\s{{0,3}}{_NUMBER}",
    # A position by itself, as fine as ten metres: 52.5200, 13.4050
    r"(?<![\d.])[-+]?\d{1,2}\.\d{4,9}\s{0,3}[,;/]\s{0,3}[-+]?\d{1,3}\.\d{4,9}(?![\d.])",
    # N 52.5200 E 13.4050, N:52.5200 and 52.5200N 13.4050E.
    r"\b[NS]\s{0,3}:?\s{0,3}\d{1,2}[.°]\d[^\n]{0,12}?\b[EW]\s{0,3}:?\s{0,3}\d{1,3}[.°]\d",
    r"\b\d{1,2}\.\d{3,9}\s{0,3}°?\s{0,3}[NS]\b[^\n]{0,6}?\b\d{1,3}\.\d{3,9}\s{0,3}°?\s{0,3}[EW]\b",
    # Sentences of a receiver (NMEA 0183).
    r"\$G[A-Z](?:RMC|GGA|GLL)\b",
)
_PLACE = re.compile("|".join(_PLACES), re.IGNORECASE)
# What drones say also where they have no position: F/2.8, SS 206.14, ISO 150, EV 0, D 224m, H 114m.
_SETTING = re.compile(
    r"\b(?:iso|ss|ev|shutter|fnum|ct|color_md|focal_len|frame ?cnt|difftime|srtcnt|barometer"
    r"|rel_alt|abs_alt|altitude|h\.s|v\.s)\b\s{0,3}[:=]?\s{0,3}[-+]?[\d/]|\bf/\d",
    re.IGNORECASE,
)


def is_log(cues: Iterable[Cue]) -> bool:
    """True where cues are what a camera notes of itself, not what somebody says."""
    said = [text for cue in cues if (text := words(cue.text))]
    logged = sum(_is_logged(text) for text in said)
    return bool(said) and logged >= len(said) * _SHARE


def _is_logged(text: str) -> bool:
    return bool(_PLACE.search(text)) or len(_SETTING.findall(text)) >= _SETTINGS
