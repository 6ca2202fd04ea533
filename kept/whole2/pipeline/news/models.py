"""What the parts of the news desk give each other: feeds, entries and articles. Given to students complete.

All times are in UTC and have a time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed, as the table `feeds` has it."""

    feed_id: str
    url: str
    etag: str | None = None
    """What the server has sent as `ETag` with the newest document, exactly as it was."""
    last_modified: str | None = None
    """What the server has sent as `Last-Modified`, exactly as it was."""
    failures: int = 0
    """How many collections have failed since the last one that succeeded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed document. Title and text are plain text."""

    url: str
    """Absolute. It begins with `http://` or `https://`."""
    title: str
    text: str
    published_at: datetime | None
    """None if the feed names no time, or one that cannot be right."""
    guid: str | None
    """The id that the feed gives the entry, if there is one. Nothing promises that it is unique."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article, as the table `articles` has it: an entry of one feed, or of several."""

    article_id: UUID
    url: str
    """The canonical address."""
    title: str
    text: str
    published_at: datetime
    seen_at: datetime
    """When the article was stored."""
