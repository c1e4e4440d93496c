"""Language tags: what reporters and cameras write, and what players want to read.

Owns the one table of languages: BCP-47 tag, ISO 639-2 codes, own name. Refuses to guess from
content. `intake` reads file names with it, `probe` stream tags, `pages` the labels.
"""

from __future__ import annotations

import re

# BCP-47 primary tag: (ISO 639-2 B and T codes, the language's own name).
# Source: the ISO 639-2 registry of the Library of Congress; names as the languages write them.
_LANGUAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "ar": (("ara",), "العربية"),
    "ast": (("ast",), "Asturianu"),
    "ay": (("aym",), "Aymar aru"),
    "be": (("bel",), "Беларуская"),
    "bg": (("bul",), "Български"),
    "ca": (("cat",), "Català"),
    "cs": (("cze", "ces"), "Čeština"),
    "da": (("dan",), "Dansk"),
    "de": (("ger", "deu"), "Deutsch"),
    "el": (("gre", "ell"), "Ελληνικά"),
    "en": (("eng",), "English"),
    "eo": (("epo",), "Esperanto"),
    "es": (("spa",), "Español"),
    "eu": (("baq", "eus"), "Euskara"),
    "fa": (("per", "fas"), "فارسی"),
    "fi": (("fin",), "Suomi"),
    "fr": (("fre", "fra"), "Français"),
    "ga": (("gle",), "Gaeilge"),
    "gl": (("glg",), "Galego"),
    "gn": (("grn",), "Avañe'ẽ"),
    "he": (("heb",), "עברית"),
    "hi": (("hin",), "हिन्दी"),
    "hr": (("hrv",), "Hrvatski"),
    "hu": (("hun",), "Magyar"),
    "id": (("ind",), "Bahasa Indonesia"),
    "it": (("ita",), "Italiano"),
    "ja": (("jpn",), "日本語"),
    "ko": (("kor",), "한국어"),
    "ku": (("kur",), "Kurdî"),
    "nah": (("nah",), "Nāhuatl"),
    "nl": (("dut", "nld"), "Nederlands"),
    "no": (("nor",), "Norsk"),
    "oc": (("oci",), "Occitan"),
    "pl": (("pol",), "Polski"),
    "pt": (("por",), "Português"),
    "qu": (("que",), "Runa simi"),
    "ro": (("rum", "ron"), "Română"),
    "ru": (("rus",), "Русский"),
    "sk": (("slo", "slk"), "Slovenčina"),
    "sr": (("srp",), "Српски"),
    "sv": (("swe",), "Svenska"),
    "th": (("tha",), "ไทย"),
    "tr": (("tur",), "Türkçe"),
    "uk": (("ukr",), "Українська"),
    "vi": (("vie",), "Tiếng Việt"),
    "zh": (("chi", "zho"), "中文"),
}

_ALIASES = {code: tag for tag, (codes, _) in _LANGUAGES.items() for code in codes} | {
    name.casefold(): tag for tag, (_, name) in _LANGUAGES.items()
}
# language[-Script][-REGION], the part of RFC 5646 that file names use.
_TAG = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{4}))?(?:[-_]([a-z]{2}|\d{3}))?", re.IGNORECASE)


def tag(text: str) -> str | None:
    """The BCP-47 tag meant by `text` ("es", "spa", "pt_br", "Español"), or None if it is none."""
    folded = text.strip().casefold()
    if folded in _ALIASES:
        return _ALIASES[folded]
    match = _TAG.fullmatch(folded)
    if match is None:
        return None
    language, script, region = match.groups()
    primary = _ALIASES.get(language, language)
    if primary not in _LANGUAGES:
        return None
    parts = (primary, (script or "").title(), (region or "").upper())
    return "-".join(part for part in parts if part)


def same(one: str, other: str) -> bool:
    """True where two tags name one language, whatever the region; unknown is like nothing."""
    primary = one.partition("-")[0]
    return primary != "und" and primary == other.partition("-")[0]


def iso639_2(language: str) -> str:
    """The three letters that MP4 and ID3 write for a BCP-47 tag; "" for a language unknown here."""
    codes = _LANGUAGES.get(language.partition("-")[0], ((), ""))[0]
    return codes[-1] if codes else ""


def label(language: str) -> str:
    """The language's own name, with script or region where the tag has one ("Português (BR)")."""
    primary, *rest = language.split("-")
    name = _LANGUAGES.get(primary, ((), language))[1]
    return f"{name} ({' '.join(rest)})" if rest and primary in _LANGUAGES else name
