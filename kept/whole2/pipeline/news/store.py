"""The news in PostgreSQL: saves summaries, lists articles, and finds them by meaning.

Workers save summaries. The API lists and searches, on connections of its own pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composable

from pipeline.news.items import COLUMNS, NewsHit, NewsItem, NewsPage, Place
from pipeline.news.models_summary import Summary
from pipeline.steps.database import connection
from pipeline.steps.embed import Vector
from pipeline.steps.text import storable


LOCK_CLAIM = "SELECT generation FROM summary_work WHERE article_id = %s FOR UPDATE"
SAVE = """
INSERT INTO article_summaries (article_id, summary, topics, model, tokens, embedding, summarised_at)
VALUES (%(article_id)s, %(summary)s, %(topics)s, %(model)s, %(tokens)s, %(embedding)s, clock_timestamp())
ON CONFLICT (article_id) DO UPDATE SET
    summary = excluded.summary, topics = excluded.topics, model = excluded.model,
    tokens = excluded.tokens, embedding = excluded.embedding, summarised_at = excluded.summarised_at
"""
"""`now()` would be the start of the transaction, which can have waited for the lock since."""
PAGE = SQL("""
SELECT {} FROM articles AS a LEFT JOIN article_summaries AS s ON s.article_id = a.article_id
{} ORDER BY a.published_at DESC, a.article_id LIMIT %(most)s
""")
NEAREST = SQL("""
SELECT {}, 1 - (s.embedding <=> %(vector)s::vector) AS score
FROM article_summaries AS s JOIN articles AS a ON a.article_id = s.article_id
{} ORDER BY s.embedding <=> %(vector)s::vector LIMIT %(most)s
""")
AFTER = SQL("""
a.published_at <= %(moment)s AND (a.published_at < %(moment)s OR a.article_id > %(article_id)s)
""")
"""What follows a place, in the order of the list."""
TOPIC = SQL("%(topic)s = ANY(s.topics)")


def row_of(article_id: UUID, summary: Summary, embedding: Vector) -> dict[str, Any]:
    """Return the parameters of `SAVE`."""
    return {
        "article_id": article_id,
        "summary": storable(summary.summary),
        "topics": [storable(topic) for topic in summary.topics],
        "model": summary.model,
        "tokens": summary.tokens,
        "embedding": embedding,
    }


def save(article_id: UUID, summary: Summary, embedding: Vector, generation: int) -> bool:
    """Save the summary of an article, if the claim of this worker is still the newest one.

    A worker claims an article in the table `summary_work`. Each claim raises the `generation` of the
    row by one, so a worker whose lease has expired holds an older number than the row.

    Args:
        article_id: the article.
        summary: what the model has written about it.
        embedding: the vector of the summary, with 1,536 numbers.
        generation: the fencing token that this worker got with its claim.

    Returns:
        True: the summary is saved. False: there is a newer claim, or none, and nothing has changed.

    Raises:
        psycopg.Error: the database is unreachable, or it rejects the row. Nothing has changed.
    """
    with connection() as database, database.transaction():
        claim = database.execute(LOCK_CLAIM, (article_id,)).fetchone()
        if claim is None or claim[0] != generation:
            return False
        database.execute(SAVE, row_of(article_id, summary, embedding))
    return True


def where(conditions: Sequence[SQL]) -> Composable:
    """Return the WHERE clause of some conditions. It is empty if there are none."""
    return SQL("WHERE ") + SQL(" AND ").join(conditions) if conditions else SQL("")


def can_exist(topic: str | None) -> bool:
    """Return whether an article can have this topic. PostgreSQL raises an error for a NUL, even in a question."""
    return topic is None or topic == storable(topic)


def page_of(found: list[NewsItem], limit: int) -> NewsPage:
    """Make a page of at most `limit` articles. If more were found, it has a next one."""
    items = found[:limit]
    last = items[-1] if len(found) > limit else None
    return NewsPage(items, last and Place(last.published_at, last.article_id))


async def page(
    database: AsyncConnection[Any], limit: int, place: Place | None, topic: str | None
) -> NewsPage:
    """Return a page of articles, the newest first.

    Articles of the same moment are ordered by their id, ascending. Every article is in the list, also
    one without a summary. A new article can arrive between two pages, so a page starts at a place and
    not at a number: then no article is shown twice, and none is left out.

    Args:
        database: an open connection of the pool.
        limit: the most articles to return, at least 1.
        place: the place of the last article of the page before. None: the first page.
        topic: return only articles whose summary has this topic. None: return all articles.

    Returns:
        The articles, and the place at which the next page starts.

    Raises:
        psycopg.OperationalError: the connection broke, or the statement took too long.
    """
    cursor = database.cursor(row_factory=dict_row)  # each row becomes a dict, by column name
    if not can_exist(topic):
        return NewsPage([], None)
    conditions = [condition for condition, value in ((AFTER, place), (TOPIC, topic)) if value]
    values: dict[str, Any] = {"topic": topic, "most": limit + 1}  # one more shows whether more follow
    if place is not None:
        values |= {"moment": place.published_at, "article_id": place.article_id}
    await cursor.execute(PAGE.format(COLUMNS, where(conditions)), values)
    return page_of([NewsItem(**row) for row in await cursor.fetchall()], limit)


async def nearest_news(
    database: AsyncConnection[Any], vector: str, limit: int, topic: str | None
) -> list[NewsHit]:
    """Return the articles whose summaries are nearest to a vector, the nearest first.

    Args:
        database: an open connection of the pool.
        vector: the vector of a question, as text that PostgreSQL reads: `[0.1,0.2,…]`.
        limit: the most articles to return, at least 1.
        topic: return only articles whose summary has this topic. None: search all summaries.

    Returns:
        The articles, each with its `score`.

    Raises:
        psycopg.OperationalError: the connection broke, or the statement took too long.
    """
    cursor = database.cursor(row_factory=dict_row)
    if not can_exist(topic):
        return []
    conditions = [TOPIC] if topic else []
    values = {"topic": topic, "vector": vector, "most": limit}
    await cursor.execute(NEAREST.format(COLUMNS, where(conditions)), values)
    return [NewsHit(**row) for row in await cursor.fetchall()]
