"""`GET /search?q=`: the owner's chunks whose meaning is nearest to a question."""

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
"""How long the embedding of a question may take."""
CONNECTION_SECONDS = 3.0
"""How long a request waits for a connection."""
STATEMENT_SECONDS = 5
CONNECTIONS = 4
CANDIDATES = 1_000
"""How many neighbours the HNSW index looks at (`hnsw.ef_search`): the most that pgvector takes.
Among 900 chunks, questions of one rare word missed the best chunk with 40 (pgvector's default) and
at times with 100. With 1,000 they found it, in 6 ms instead of 1."""

Question = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS)
]


class SearchResult(BaseModel):
    """One chunk. `score` is the cosine similarity to the question: 1 is the same direction."""

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
    # Many candidates may belong to other owners or be deleted. Look further, and keep the order.
    await connection.execute("SET hnsw.iterative_scan = strict_order")


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """One pool for the life of the API. It opens without waiting: PostgreSQL may come later."""
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
    """The question's vector, as PostgreSQL reads one: `[0.1,0.2,…]`. Given.

    Raises:
        openai.OpenAIError: the provider could not be reached or refused.
        SearchUnavailable: its answer makes no sense, or is no vector of the index's length.
    """
    try:
        answer = await _client().embeddings.create(model=embedding_model(), input=question)
        vector = np.array(answer.data[0].embedding, dtype=np.float32)
    except (ValueError, TypeError, AttributeError, IndexError) as error:  # 200, and no answer in it
        raise SearchUnavailable from error
    if vector.shape != (DIMENSIONS,) or not np.isfinite(vector).all():
        raise SearchUnavailable
    return "[" + ",".join(map(str, vector)) + "]"


async def nearest(
    connection: AsyncConnection[Any], owner: str, vector: str, limit: int
) -> list[dict[str, Any]]:
    """The owner's `limit` chunks nearest to `vector`, nearest first.

    Each has `document_id`, `filename`, `page`, `text` and `score` (cosine similarity, 1 to -1).
    """
    cursor = connection.cursor(row_factory=dict_row)
    # TODO 3.6: Join this owner's chunks with their documents, order by cosine distance to the
    #   vector, and take `limit`. Never return a chunk of another owner.
    #   pgvector's operator for cosine distance is `<=>`; give the parameter as `%s::vector`. The
    #   index helps only where you order by the distance itself, ascending. Similarity is one minus
    #   distance.
    raise NotImplementedError("3.6")


@router.get("/search", responses=error_responses(SearchUnavailable))
async def search(
    request: Request,
    q: Annotated[Question, Query(description="What to look for, in words.")],
    limit: Annotated[int, Query(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS,
) -> SearchResponse:
    """Your chunks whose meaning is nearest to `q`, best first.

    Raises:
        SearchUnavailable: PostgreSQL or the embedding service is away (503 with `Retry-After`).
    """
    pool: AsyncConnectionPool[AsyncConnection[Any]] = request.state.search_pool
    # TODO 3.6: Embed the question first, then take a connection: do not hold one while you wait for
    #   another service. Wait for both with `await`, so that this process answers other requests.
    #   Search what belongs to the owner of this request (`current_owner`).
    #   If one of the two services is away, raise `SearchUnavailable`. The service's own message
    #   must not reach the client.
    raise NotImplementedError("3.6")
    return SearchResponse(query=q, results=[SearchResult(**row) for row in found])
