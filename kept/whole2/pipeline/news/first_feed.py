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
    return [entry.title for entry in feedparser.parse(BytesIO(document)).entries]
