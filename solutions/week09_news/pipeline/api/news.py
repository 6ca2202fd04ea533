"""`GET /news`, `GET /news/search` and `GET /news/trends`: what the news desk has found.

Every valid key may read the news, because articles belong to no owner.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import openai
import psycopg
from fastapi import APIRouter, Query, Request
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, StringConstraints

from pipeline.api.responses import error_responses
from pipeline.api.search import Question, embed_question
from pipeline.models.errors import InvalidCursor
from pipeline.news.errors import NewsUnavailable
from pipeline.news.items import NewsHit, NewsItem, make_cursor, read_cursor
from pipeline.news.store import nearest_news, page
from pipeline.steps.errors import SearchUnavailable

DEFAULT_NEWS = 20
DEFAULT_HITS = 10
MAX_NEWS = 100
MAX_HITS = 50
MAX_TOPIC_CHARS = 100
STORABLE = r"^[^\x00]*$"
"""Texts without a NUL. PostgreSQL has no text with a NUL, so it raises an error for a parameter with one."""

router = APIRouter(tags=["news"])

Topic = Annotated[
    str | None,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=MAX_TOPIC_CHARS, pattern=STORABLE
    ),
    Query(description="Only articles with this topic."),
]
Pool = AsyncConnectionPool[AsyncConnection[Any]]


class NewsList(BaseModel):
    """A page of the news, newest first. Send `next_cursor` as `cursor` to read the next page."""

    news: list[NewsItem]
    next_cursor: str | None
    """null: this page is the last one."""


class NewsSearch(BaseModel):
    """What a search has found, the best first."""

    query: str
    results: list[NewsHit]


class Term(BaseModel):
    """A word that is used more in one window than in those before."""

    term: str
    score: float
    articles: int
    """How many articles of the window have the term."""
    baseline: float
    """The term's count in the windows before."""


class Trends(BaseModel):
    """The terms of the newest window that is evaluated. Without one the times are null."""

    window_start: datetime | None = None
    window_end: datetime | None = None
    articles: int = 0
    terms: list[Term] = []


def pool_of(request: Request) -> Pool:
    """The API's connections to PostgreSQL, which week 3's search opened. Given to students complete."""
    pool: Pool = request.state.search_pool
    return pool


@router.get(
    "/news", summary="List the news", responses=error_responses(InvalidCursor, NewsUnavailable)
)
async def list_news(
    request: Request,
    topic: Topic = None,
    limit: Annotated[int, Query(ge=1, le=MAX_NEWS)] = DEFAULT_NEWS,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> NewsList:
    """List the articles of all feeds, newest first, with their summaries.

    Raises:
        InvalidCursor: the cursor was not made by this API (422).
        NewsUnavailable: PostgreSQL fails (503 with `Retry-After`).
    """
    # BEGIN SOLUTION 9.3
    # ? n) Read the cursor (`read_cursor`), take a connection of the pool (`pool_of`), and await `page`.
    # ? Let `InvalidCursor` through.
    # ? o) Return a `NewsList` of the articles, and the cursor of the next page (`make_cursor`).
    # ? p) If PostgreSQL fails (at least `psycopg.OperationalError`, which includes a full pool), raise
    # ? `NewsUnavailable` without the other error's message.
    place = read_cursor(cursor)
    try:
        async with pool_of(request).connection() as database:
            found = await page(database, limit, place, topic)
    except psycopg.OperationalError as error:
        raise NewsUnavailable from error
    return NewsList(news=found.items, next_cursor=make_cursor(found.next))
    # END SOLUTION


@router.get("/news/search", summary="Search the news", responses=error_responses(SearchUnavailable))
async def search_news(
    request: Request,
    q: Annotated[Question, Query(description="What to look for, in words.")],
    topic: Topic = None,
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = DEFAULT_HITS,
) -> NewsSearch:
    """Return the articles whose summaries are nearest in meaning to `q`, the best first.

    Raises:
        SearchUnavailable: PostgreSQL or the embedding service fails (503 with `Retry-After`).
    """
    # BEGIN SOLUTION 9.3
    # ? q) Await the vector of the question (`embed_question`) first. Take a connection afterwards, so
    # ? that none is held while the provider works.
    # ? r) Return a `NewsSearch` with the question and what `nearest_news` finds.
    # ? s) If the provider or PostgreSQL fails (`openai.OpenAIError`, and at least
    # ? `psycopg.OperationalError`), raise `SearchUnavailable` without the other error's message.
    try:
        vector = await embed_question(q)
        async with pool_of(request).connection() as database:
            found = await nearest_news(database, vector, limit, topic)
    except (openai.OpenAIError, psycopg.OperationalError) as error:
        raise SearchUnavailable from error
    return NewsSearch(query=q, results=found)
    # END SOLUTION


@router.get(
    "/news/trends", summary="What is new in the news", responses=error_responses(NewsUnavailable)
)
async def read_trends(request: Request) -> Trends:
    """Return the terms of the newest window, the most remarkable first. Given to students complete.

    Raises:
        NewsUnavailable: PostgreSQL fails (503 with `Retry-After`).
    """
    try:
        async with pool_of(request).connection() as database:
            cursor = database.cursor(row_factory=dict_row)
            await cursor.execute(
                "SELECT window_start, window_end, articles, terms FROM news_trends "
                "ORDER BY window_start DESC LIMIT 1"
            )
            row = await cursor.fetchone()
    except psycopg.OperationalError as error:
        raise NewsUnavailable from error
    return Trends(**row) if row else Trends()
