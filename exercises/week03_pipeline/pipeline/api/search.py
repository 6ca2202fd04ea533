"""`GET /search?q=`: finds the owner's chunks whose meaning is nearest to a question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Annotated, Any

import numpy as np
import openai
import psycopg
from fastapi import APIRouter, FastAPI, Query, Request
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, StringConstraints

from pipeline.api.responses import error_responses
from pipeline.owners import current_owner
from pipeline.steps.database import POOL_ARGUMENTS, database_url
from pipeline.steps.embed import DIMENSIONS, embedding_model
from pipeline.steps.errors import SearchUnavailable

MAX_QUESTION_CHARS = 2_000
DEFAULT_RESULTS = 10
MAX_RESULTS = 50
PROVIDER_SECONDS = 5.0
"""How long a request waits for the embedding of its question."""
CONNECTION_SECONDS = 3.0
"""How long a request waits for a connection of the pool."""
STATEMENT_SECONDS = 5
"""How long PostgreSQL works on one statement before it cancels it."""
CONNECTIONS = 4
CANDIDATES = 1_000
"""How many neighbours the HNSW index looks at (`hnsw.ef_search`): the most that pgvector accepts. Among
900 chunks, questions of one rare word missed the best chunk with 40, which is pgvector's default, and
sometimes with 100. With 1,000 they found it, in 6 ms instead of 1 ms."""

Question = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS)
]


class SearchResult(BaseModel):
    """One chunk that was found. `score` is its cosine similarity to the question: 1 is the best."""

    document_id: str
    filename: str
    page: int
    text: str
    score: float


class SearchResponse(BaseModel):
    query: str
    results: list[SearchResult]


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
    await connection.execute(f"SET hnsw.ef_search = {CANDIDATES}")
    # Many candidates may be deleted, or belong to other owners. Then look further, in order.
    await connection.execute("SET hnsw.iterative_scan = strict_order")


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Keep one pool for the life of the API. It opens without waiting, so PostgreSQL may start later."""
    pool = AsyncConnectionPool[AsyncConnection[Any]](
        database_url(),
        min_size=0,
        max_size=CONNECTIONS,
        timeout=CONNECTION_SECONDS,
        kwargs=POOL_ARGUMENTS,
        configure=_configure,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
    async with pool:
        yield {"search_pool": pool}


router = APIRouter(tags=["search"], lifespan=_lifespan)


@cache
def _client() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(timeout=PROVIDER_SECONDS, max_retries=0)


async def embed_question(question: str) -> str:
    """Return the vector of a question, as text that PostgreSQL reads: `[0.1,0.2,…]`. Given to students
    complete.

    Raises:
        openai.OpenAIError: the provider is unreachable, or it rejects the request.
        SearchUnavailable: the answer contains no vector of the length that the index has.
    """
    try:
        answer = await _client().embeddings.create(model=embedding_model(), input=question)
        vector = np.array(answer.data[0].embedding, dtype=np.float32)
    except (ValueError, TypeError, AttributeError, IndexError) as error:  # 200, but no vector
        raise SearchUnavailable from error
    if vector.shape != (DIMENSIONS,) or not np.isfinite(vector).all():
        raise SearchUnavailable
    return "[" + ",".join(map(str, vector)) + "]"


async def nearest(
    connection: AsyncConnection[Any], owner: str, vector: str, limit: int
) -> list[dict[str, Any]]:
    """Return the owner's chunks that are nearest to a vector, the nearest first.

    The function is half filled for students: the lines around the block are given.

    Args:
        connection: an open connection of the pool.
        owner: whose chunks are searched.
        vector: the vector of the question, as text.
        limit: the most chunks to return.

    Returns:
        For each chunk a dict with `document_id`, `filename`, `page`, `text` and `score`, the cosine
        similarity from 1 to -1.

    Raises:
        psycopg.OperationalError: the connection broke, or the statement took too long.
    """
    cursor = connection.cursor(row_factory=dict_row)  # each row becomes a dict, by column name
    # TODO 3.6:
    #   a) Await `cursor.execute(statement, values)` with one SELECT of the five columns. Pass all
    #      values as parameters, and the vector as `%(vector)s::vector`.
    #   b) Join `chunks` and `documents` by document and owner (`USING`, because both have these
    #      columns). Return only chunks of this owner, also several of one document.
    #   c) Order by the cosine distance to the vector (`<=>`), ascending: only then the index is
    #      used. Return at most `limit` rows.
    #   d) Return as `score` the similarity, which is one minus the cosine distance.
    raise NotImplementedError("3.6")
    return await cursor.fetchall()


@router.get("/search", responses=error_responses(SearchUnavailable))
async def search(
    request: Request,
    q: Annotated[Question, Query(description="What to look for, in words.")],
    limit: Annotated[int, Query(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS,
) -> SearchResponse:
    """Return your chunks whose meaning is nearest to `q`, the best first.

    Raises:
        SearchUnavailable: PostgreSQL or the embedding service fails (503 with `Retry-After`).
    """
    pool: AsyncConnectionPool[AsyncConnection[Any]] = request.state.search_pool
    # TODO 3.6:
    #   e) Await the vector of the question (`embed_question`) first. Take a connection afterwards,
    #      by `async with pool.connection()`, so that none is held while the provider works.
    #   f) Set `found` to the rows that `nearest` returns for the owner of this request
    #      (`current_owner()`). Wait with `await` only, so that this process answers other requests.
    #   g) If the provider or PostgreSQL fails (`openai.OpenAIError`, `psycopg.OperationalError`; a
    #      full pool and a statement that took too long are of the second kind), raise
    #      `SearchUnavailable` without the other error's message: it must not reach the client.
    raise NotImplementedError("3.6")
    return SearchResponse(query=q, results=[SearchResult(**row) for row in found])
