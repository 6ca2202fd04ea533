"""What readers get of the news: articles with their summaries, and places in the list.

Given to students complete.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg.sql import SQL
from pydantic import BaseModel

from pipeline.models.errors import InvalidCursor

EXCERPT_CHARS = 300
"""How much of an article's own text a reader gets. The whole text stays with its publisher."""
MAX_CURSOR_CHARS = 200

COLUMNS = SQL("""
    a.article_id, a.url, a.title, left(a.text, {}) AS excerpt, a.published_at,
    s.summary, coalesce(s.topics, '{{}}') AS topics, s.model,
    ARRAY(
        SELECT coalesce(nullif(f.title, ''), split_part(f.url, '/', 3))
        FROM article_sources AS source JOIN feeds AS f USING (feed_id)
        WHERE source.article_id = a.article_id ORDER BY 1
    ) AS sources
""").format(EXCERPT_CHARS)
"""The columns of a `NewsItem`, for a SELECT in which `a` is the table `articles` and `s` is the table
`article_summaries`. `SQL("SELECT {} FROM …").format(COLUMNS)` puts them into it."""


class NewsItem(BaseModel):
    """An article, and its summary once there is one."""

    article_id: UUID
    url: str
    title: str
    excerpt: str
    """The first `EXCERPT_CHARS` characters of the article."""
    published_at: datetime
    sources: list[str]
    """The titles of the feeds that have this article, in alphabetical order. A feed without a title has the
    name of its host."""
    summary: str | None
    """None: the article is not summarised yet, or it never will be, because it is a dead letter."""
    topics: list[str]
    model: str | None
    """The model that wrote the summary."""


class NewsHit(NewsItem):
    """An article that a search has found."""

    score: float
    """Cosine similarity of the summary to the question: 1 is the best, -1 the worst."""


@dataclass(frozen=True)
class Place:
    """Where an article stands in the list of all articles, newest first."""

    published_at: datetime
    article_id: UUID


@dataclass(frozen=True)
class NewsPage:
    """Some articles of the list."""

    items: list[NewsItem]
    next: Place | None
    """The place of the last article, if more follow. None: this is the last page."""


def make_cursor(place: Place | None) -> str | None:
    """Turn a place into text for a URL. No place gives no cursor."""
    if place is None:
        return None
    moment = place.published_at.astimezone(UTC).isoformat()
    text = json.dumps([moment, str(place.article_id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> Place | None:
    """Turn a cursor back into a place. No cursor gives no place, which is the start of the list.

    Raises:
        InvalidCursor: the text was not made by `make_cursor`.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        text = base64.b64decode(f"{cursor}{'=' * (-len(cursor) % 4)}", b"-_", validate=True)
        moment, article_id = json.loads(text)
        published_at = datetime.fromisoformat(moment)
        if published_at.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return Place(published_at.astimezone(UTC), UUID(article_id))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidCursor from error
