"""The news in PostgreSQL: saves summaries, lists articles, and finds them by meaning.

Workers save summaries. The API lists and searches, on connections of its own pool.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.sql import SQL

from pipeline.news.items import COLUMNS, NewsHit, NewsItem, NewsPage, Place
from pipeline.news.models_summary import Summary
from pipeline.steps.database import connection
from pipeline.steps.embed import Vector
from pipeline.steps.text import storable


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
    # TODO 9.3:
    #   a) Write to `article_summaries` only while the row of this article in `summary_work` has
    #      exactly this generation. If the row has another generation, or is gone, change nothing
    #      and return False.
    #   b) Lock the row of `summary_work` when you read it (`FOR UPDATE`), and keep the lock until
    #      the summary is written. So `save` waits for a claim that is not committed yet. If it is
    #      committed, it counts. If it is rolled back, it does not.
    #   c) If the article has a summary already, replace all of it: summary, topics, model, tokens,
    #      embedding, and `summarised_at` by the present time, for example `now()`.
    #   d) Pass the summary and each topic through `storable`, because a model can return characters
    #      that PostgreSQL rejects.
    #   e) Return True once the summary is committed. Let every error of the database through.
    raise NotImplementedError("9.3")


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
    # TODO 9.3:
    #   f) Await `cursor.execute` with one SELECT of `COLUMNS`. Join `article_summaries` with a LEFT
    #      JOIN, so that articles without a summary are found too. Pass all values as parameters.
    #   g) Order by `published_at`, descending, and then by `article_id`, ascending.
    #   h) With a place, return only what follows it in this order: older articles, and those of the
    #      same moment with a greater id. The article at this place can be deleted by now.
    #   i) With a topic, return only articles that have exactly this text among their topics.
    #   j) Return at most `limit` articles. If more follow, `next` is the `Place` of the last
    #      article that is returned. Otherwise `next` is None, also if the page is exactly full.
    raise NotImplementedError("9.3")


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
    # TODO 9.3:
    #   k) Await `cursor.execute` with one SELECT of `COLUMNS` and of `score`, which is one minus
    #      the cosine distance (`<=>`) of the embedding to the vector. Pass all values as
    #      parameters.
    #   l) Order by this distance, ascending, and return at most `limit` articles. Articles without
    #      a summary have no vector, so they are never found.
    #   m) With a topic, return the nearest articles among those that have exactly this topic.
    #      Filter in the statement: the nearest of all articles may all have other topics.
    raise NotImplementedError("9.3")
