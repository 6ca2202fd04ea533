"""Computes the trends of the last window that is over, and stores them. Given to students complete."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from pipeline.news.trend_model import Counts, Window
from pipeline.news.trend_settings import trend_settings
from pipeline.news.trends import count_terms, find_trends, last_closed
from pipeline.steps.database import connection

PAGE_ROWS = 500
"""How many articles are in memory at once."""
READ = """
SELECT title || E'\\n' || text FROM articles
WHERE published_at >= %s AND published_at < %s ORDER BY published_at, article_id
"""
WRITE = """
INSERT INTO news_trends (window_start, window_end, articles, terms) VALUES (%s, %s, %s, %s)
ON CONFLICT (window_start) DO UPDATE SET window_end = excluded.window_end,
    articles = excluded.articles, terms = excluded.terms, computed_at = now()
"""


def compute_last_window(now: datetime | None = None) -> int:
    """Compute the trends of the last window that is over, and replace what was stored for it.

    A second run of the same window counts the articles that arrived late, so running it often is right.

    Args:
        now: the present time. Left out: the clock's.

    Returns:
        How many trends were found.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    settings = trend_settings()
    window = last_closed(now or datetime.now(UTC), settings.window)
    before = Window(window.start - settings.trend_baseline_windows * settings.window, window.start)
    with connection() as database:
        with database.transaction():  # a cursor on the server lives as long as its transaction
            counts, history = _count(database, window), _count(database, before)
        trends = find_trends(counts, history, settings.limits)
        terms = Jsonb([asdict(trend) for trend in trends])
        database.execute(WRITE, (window.start, window.end, counts.articles, terms))
    return len(trends)


def _count(database: Connection[Any], window: Window) -> Counts:
    with closing(_texts(database, window)) as texts:
        return count_terms(texts)


def _texts(database: Connection[Any], window: Window) -> Generator[str, None, None]:
    """Read the texts of a window's articles, a page at a time."""
    with database.cursor("trend_texts") as cursor:
        cursor.itersize = PAGE_ROWS
        cursor.execute(READ, (window.start, window.end))
        for (text,) in cursor:
            yield text


if __name__ == "__main__":
    print(f"{compute_last_window()} trends")
