"""What a reader sees of an HTML part, and what markup is in it."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """The tags, attributes, links and visible text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self._pieces: list[str] = []
        self.feed(source)
        self.close()

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return " ".join("".join(self._pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self._pieces.append(" " if tag not in {"b", "em", "i", "strong", "span", "a"} else "")

    def handle_data(self, data: str) -> None:
        self._pieces.append(data)
