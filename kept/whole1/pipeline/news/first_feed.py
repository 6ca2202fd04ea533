"""The first green: the titles of a feed document."""

from __future__ import annotations

from io import BytesIO

import feedparser


def first_titles(document: bytes) -> list[str]:
    """Return the titles of a feed's entries, in the order of the document.

    Args:
        document: RSS or Atom, as a server has sent it.

    Returns:
        One title for each entry. All entries of this document have one.
    """
    # TODO 9.0:
    #   a) Let `feedparser.parse` read the document, and return the attribute `title` of each of its
    #      `entries`. Pass `BytesIO(document)`: feedparser would open a file if the bytes were its
    #      name.
    raise NotImplementedError("9.0")
