"""The terms of docs/glossary.md, and the links from their first use on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markdown_it.token import Token

from bootcamp import paths
from bootcamp.authoring.pages import anchor
from bootcamp.errors import BootcampError

GLOSSARY = paths.ROOT / "docs" / "glossary.md"
SECTION = re.compile(
    r"^## (?P<term>.+)\n\n(?P<definition>.+)\n(?:\nAlso: (?P<also>.+)\n)?", re.MULTILINE
)

ORDINARY = {"cancelled", "completed", "failed", "pending", "processing"}
"""States of a job that sentences also use in their everyday sense: defined, but not linked."""


@dataclass(frozen=True)
class Term:
    """A term, its definition in one sentence, and the forms in which it appears."""

    name: str
    definition: str
    forms: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """The anchor of its heading, as GitHub makes it."""
        return anchor(self.name)


def read_terms(text: str) -> tuple[Term, ...]:
    """The terms of a glossary page.

    Raises:
        BootcampError: a heading has no definition below it.
    """
    found = []
    for match in SECTION.finditer(text):
        also = tuple(form.strip() for form in (match["also"] or "").split(",") if form)
        found.append(Term(match["term"], match["definition"], (match["term"], *also)))
    if len(found) != len(re.findall(r"^## ", text, re.MULTILINE)):
        raise BootcampError("A term of docs/glossary.md has no definition in one line.")
    return tuple(found)


class TermLinks:
    """Links the first use of each term on one page. Headings, code and links are left alone."""

    def __init__(self, terms: tuple[Term, ...], page: str) -> None:
        """`page` is the address of the glossary, relative to the page that is rendered."""
        self._page = page
        linked = [term for term in terms if term.name not in ORDINARY]
        self._left: dict[str, Term] = {form.lower(): term for term in linked for form in term.forms}
        self._pattern = _pattern(self._left)

    def link(self, tokens: list[Token]) -> None:
        """Replace text tokens in the paragraphs, lists and tables of `tokens`."""
        heading = False
        for token in tokens:
            if token.type in ("heading_open", "heading_close"):
                heading = token.type == "heading_open"
            elif token.type == "inline" and token.children and not heading:
                token.children = list(self._linked(token.children))

    def _linked(self, children: list[Token]) -> Iterator[Token]:
        depth = 0
        for child in children:
            depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            if child.type == "text" and not depth:
                yield from self._split(child.content)
            else:
                yield child

    def _split(self, text: str) -> Iterator[Token]:
        start = 0
        for match in self._pattern.finditer(text):
            term = self._left.get(match[0].lower())
            if term is None:
                continue
            for form in term.forms:
                self._left.pop(form.lower(), None)
            yield _text(text[start : match.start()])
            attrs = {
                "href": f"{self._page}#{term.anchor}",
                "class": "term",
                "title": term.definition,
            }
            yield Token("link_open", "a", 1, attrs=dict(attrs))
            yield _text(match[0])
            yield Token("link_close", "a", -1)
            start = match.end()
        yield _text(text[start:])


def _pattern(forms: Mapping[str, Term]) -> re.Pattern[str]:
    longest = sorted(map(re.escape, forms), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(longest)})(?![\w-])", re.IGNORECASE)


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
