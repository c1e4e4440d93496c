"""Reads HTML as a browser's parser would split it, for asserting on elements and attributes."""

from __future__ import annotations

from html.parser import HTMLParser


class Parsed(HTMLParser):
    """Elements with their attributes, the words between them, and what script elements hold."""

    def __init__(self, text: str) -> None:
        """Parse all of `text`."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        """Leave a script element."""
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        """Keep the text where it belongs."""
        (self.scripts if self._in_script else self.words).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of one name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def shape(self) -> list[tuple[str, list[str]]]:
        """Elements with the names of their attributes: what no text may change."""
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]

    def meta(self, name: str) -> str | None:
        """The content of a meta element by name, property or http-equiv."""
        for one in self.all("meta"):
            if name in (one.get("name"), one.get("property"), one.get("http-equiv")):
                return one["content"]
        return None
