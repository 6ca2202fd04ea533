"""The data that one step passes to the next: plain dictionaries, which JSON stores unchanged.

Given to students complete.
"""

from __future__ import annotations

from typing import TypedDict


class Page(TypedDict):
    """One page of a document. `number` counts from 1, and blank pages count too."""

    number: int
    text: str


class Chunk(TypedDict):
    """A piece of text that is small enough to embed.

    `position` counts from 0 through the whole document. `page` is the number of the chunk's page.
    """

    position: int
    page: int
    text: str
