"""What our pages and snippets say, in English and Spanish.

Owns every sentence a reader or reporter sees (in phrases.toml), and how a date, a length of time
or a number of bytes is written. Refuses to escape: that belongs to the place a sentence is put
into, see `escape`. The names of languages are in `languages`.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from importlib import resources

LANGUAGES = ("en", "es")

# Where Facebook's Open Graph wants a territory and the post names none.
_LOCALES = {
    "en": "en_US",
    "es": "es_ES",
    "ca": "ca_ES",
    "gl": "gl_ES",
    "eu": "eu_ES",
    "pt": "pt_PT",
}

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio "
    "julio agosto septiembre octubre noviembre diciembre",
}

_SAY: dict[str, dict[str, str]] = tomllib.loads(
    resources.files("pipeline").joinpath("phrases.toml").read_text("utf-8")
)


class Phrases:
    """The sentences of one language; called with a phrase's name it says it."""

    __slots__ = ("language",)

    def __init__(self, language: str) -> None:
        """`language` is a BCP-47 tag; English stands in for those we do not speak."""
        self.language = spoken(language)

    def __call__(self, name: str, /, **values: object) -> str:
        """The phrase with its values filled in; raises KeyError for an unknown name."""
        return _SAY[name][self.language].format(**values)

    def count(self, kind: str, number: int) -> str:
        """A number of things of one kind: 1 photo, 3 videos."""
        name = f"count-{kind}"
        return self(f"{name}-1") if number == 1 else self(name, n=number)

    def number(self, value: float, unit: str) -> str:
        """A measure to two digits or to the whole, with the language's decimal mark: 0,25 s."""
        digits = 2 if value < 1 else 1 if value < 10 else 0  # noqa: PLR2004 - where digits matter
        text = f"{value:.{digits}f}"
        return f"{text.replace('.', ',') if self.language == 'es' else text} {unit}"

    def date(self, iso: str) -> str:
        """An ISO date as a reader writes it; text that is no date is given back unchanged."""
        try:
            day = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        month = _MONTHS[self.language].split()[day.month - 1]
        link = " de " if self.language == "es" else " "
        return link.join((str(day.day), month, str(day.year)))


def spoken(language: str) -> str:
    """The language our sentences are said in when a post is in `language`."""
    primary = language.lower().replace("_", "-").split("-")[0]
    return primary if primary in LANGUAGES else "en"


def locale(language: str) -> str:
    """An Open Graph locale ("es_ES") for a BCP-47 tag."""
    primary, _, rest = language.partition("-")
    if len(rest) == 2:  # noqa: PLR2004 - an ISO 3166 territory has two letters
        return f"{primary.lower()}_{rest.upper()}"
    return _LOCALES.get(primary.lower(), primary.lower())
