"""What the steps hand to one another: plain dictionaries, so they travel as JSON unchanged."""

from __future__ import annotations

from typing import TypedDict


class Page(TypedDict):
    """One page of a document. `number` counts from 1, blank pages included."""

    number: int
    text: str


class Chunk(TypedDict):
    """A piece of text small enough to embed. `position` counts from 0 through the document;
    `page` is the page on which it begins.
    """

    position: int
    page: int
    text: str
