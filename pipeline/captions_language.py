"""Which language a text is in, by its commonest little words.

Owns one short list for each language of the newsrooms Newsreel is made for. Pure, and careful: a
subtitle file of unknown language is better called by the post's than by a wrong one, so a guess
has to be clear. Other scripts and languages are left to file names: see `languages`.
"""

from __future__ import annotations

import re

_COMMON = {
    "en": "the and of to in is that it you was for on are with they this have from we be but not"
    " what all were your there an which their will do if",
    "es": "el la de que y en los se del las un por con una su para es al lo como más pero sus le"
    " ya este porque cuando muy sin sobre también me hasta hay está no a son sí qué esta esto tiene"
    " ser fue todo todos hoy nos están y eso usted",
    "fr": "le la les des et en un du une que est pour qui dans par plus pas sur au ne se ce il"
    " sont avec mais nous vous cette aux être",
    "pt": "o a os as do da dos das que e em um uma para com não por mais no na é se ao como foi"
    " mas são pelo pela também você ele",
    "it": "il la di che e un in per una sono mi ho si lo non con ti le da se come più ma gli del"
    " della è anche questo nel",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch"
    " es an werden aus er hat dass sie nach wird",
    "ca": "el la els les i de que en un una per amb és del al ha més va com no però aquest aquesta"
    " també pel són hi ho dels",
    "gl": "o a os as do da dos das que e en un unha para con non por máis no na é se ao como foi"
    " pero son polo pola tamén esta non dixo hoxe hai moi",
    "eu": "eta da ez du bat dira zen ere dute egin izan baina hau edo gure den zuen oso hori",
    "nl": "de het een en van ik te dat die in je is niet op aan met als voor zijn er maar om dan"
    " zou wat mijn ook wij",
}
_LISTS = {tag: frozenset(words.split()) for tag, words in _COMMON.items()}
_FEWEST_WORDS = 8
# A word that several languages have speaks for each of them the less. Of a text's words about a
# third speak for its language; a rival must stay well behind.
_SHARE, _LEAD = 0.1, 1.5
# More does not make it any clearer.
_MOST_WORDS = 4000


def guess(text: str) -> str:
    """The tag of the language a text is clearly in, else ""."""
    said = re.findall(r"[^\W\d_]+", text.casefold())[:_MOST_WORDS]
    if len(said) < _FEWEST_WORDS:
        return ""
    votes = dict.fromkeys(_LISTS, 0.0)
    for word in said:
        speaks_for = [tag for tag, known in _LISTS.items() if word in known]
        for tag in speaks_for:
            votes[tag] += 1 / len(speaks_for)
    first, second = sorted(votes, key=lambda tag: -votes[tag])[:2]
    clear = votes[first] >= _SHARE * len(said) and votes[first] >= _LEAD * votes[second]
    return first if clear else ""
