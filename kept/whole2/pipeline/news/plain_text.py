"""Turns what feeds contain into plain text, and judges addresses. Given to students complete."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

MAX_HTML_CHARS = 200_000
"""How much of an HTML text is read."""
MAX_URL_CHARS = 2_000
"""Longer addresses are no addresses of articles. PostgreSQL also limits what an index can hold."""
UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs. PostgreSQL refuses some of them."""
HIDDEN = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg", "math"})
"""Elements whose content is not for readers."""
BREAKING = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
    }
    | {
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
    }
    | {"section", "table", "td", "th", "tr", "ul"}
)
"""Elements that separate words."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden.append(tag)
        if tag in BREAKING:
            self.pieces.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BREAKING:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag in BREAKING:
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def text_of(html: str) -> str:
    """Return the text that a reader of this HTML sees. It can be broken HTML, and any text is HTML.

    Args:
        html: for example `<p>Fish &amp; <b>chips</b></p>`.

    Returns:
        For example `Fish & chips`. The text can still contain `<` and `&`, so code that writes it into
        another HTML document has to escape it.
    """
    reader = _Reader()
    reader.feed(html[:MAX_HTML_CHARS])
    reader.close()
    return clean("".join(reader.pieces), MAX_HTML_CHARS)


def clean(text: str, most: int) -> str:
    """Return a text that can be stored: single spaces, no control characters, at most `most` characters."""
    return " ".join(UNSTORABLE.sub("", text).split())[:most].rstrip()


def is_web_address(url: str) -> bool:
    """Return whether a text is an absolute address of the web that every part of the desk can use.

    It begins with `http://` or `https://`, names a host, has a valid port if it has one, and contains no
    user name, no space and no control character. It has at most `MAX_URL_CHARS` characters.
    """
    if len(url) > MAX_URL_CHARS or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    named = bool(parts.hostname) and "@" not in parts.netloc and port != 0
    return parts.scheme.lower() in {"http", "https"} and named
