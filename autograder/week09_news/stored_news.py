"""Articles and summaries that no code of the student's has stored, and what is stored of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import psycopg
from numpy.typing import NDArray

from autograder.sdk import Run
from autograder.sdk.database import connect, query

DIMENSIONS = 1_536
WITNESS = "sk-grader-witness"
"""A key of the grader. The stand-in gives the same answers, and the student's journal stays clean."""
EXCERPT_CHARS = 300

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Article:
    """An article as the grader has stored it. `cosine` is that of its summary to the question."""

    article_id: UUID
    url: str
    title: str
    text: str
    published_at: datetime
    sources: tuple[str, ...] = ()
    summary: str | None = None
    topics: tuple[str, ...] = ()
    model: str | None = None
    cosine: float = 0.0

    def shown(self) -> dict[str, Any]:
        """The fields that the API must show of it, without the moment."""
        return {
            "article_id": str(self.article_id),
            "url": self.url,
            "title": self.title,
            "excerpt": self.text[:EXCERPT_CHARS],
            "sources": sorted(self.sources),
            "summary": self.summary,
            "topics": list(self.topics),
            "model": self.model,
        }


def words(rng: Random, count: int) -> list[str]:
    """Random words, all different, that occur in no other text."""
    return [f"{rng.choice('bdfgklmnprst')}{rng.getrandbits(40):010x}" for _ in range(count)]


def new_article(rng: Random, published_at: datetime | None = None) -> Article:
    """An article that is not stored yet, without a summary."""
    name, *title = words(rng, 4)
    text = " ".join(words(rng, rng.choice((5, 60))))
    moment = published_at or datetime.now(UTC) - timedelta(seconds=rng.randint(60, 9_000))
    article_id = UUID(int=rng.getrandbits(128), version=4)
    return Article(article_id, f"https://news.test/{name}", " ".join(title), text, moment)


def summarised(article: Article, rng: Random, *topics: str, cosine: float = 0.0) -> Article:
    """The same article with a random summary."""
    summary, model = " ".join(words(rng, 6)), f"model-{rng.getrandbits(24):x}"
    return replace(article, summary=summary, topics=topics, model=model, cosine=cosine)


def insert(run: Run, article: Article, vector: Vector | None = None) -> None:
    """Store an article, its feeds, and its summary if it has one."""
    with connect(run) as database, database.transaction():
        database.execute(
            "INSERT INTO articles (article_id, url, content_hash, title, text, published_at) "
            "VALUES (%s, %s, sha256(%s::text::bytea), %s, %s, %s)",
            [
                article.article_id,
                article.url,
                article.url,
                article.title,
                article.text,
                article.published_at,
            ],
        )
        for source in article.sources:
            _insert_source(database, article.article_id, source)
        if article.summary is not None:
            numbers = np.eye(1, DIMENSIONS)[0] if vector is None else vector
            database.execute(
                "INSERT INTO article_summaries (article_id, summary, topics, model, tokens, embedding) "
                "VALUES (%s, %s, %s::text[], %s, 1, %s::real[]::vector)",
                [
                    article.article_id,
                    article.summary,
                    list(article.topics),
                    article.model,
                    numbers.tolist(),
                ],
            )


def _insert_source(database: psycopg.Connection[Any], article_id: UUID, title: str) -> None:
    feed = f"feed-{title}"
    database.execute(
        "INSERT INTO feeds (feed_id, url, title, next_at) VALUES (%s, %s, %s, 'infinity') "
        "ON CONFLICT DO NOTHING",
        [feed, f"https://{feed}.test/feed", title],
    )
    database.execute("INSERT INTO article_sources VALUES (%s, %s)", [article_id, feed])


def claim(run: Run, article_id: UUID, generation: int) -> None:
    """Let somebody hold the claim of an article under this generation, for a minute."""
    with connect(run) as database:
        database.execute(
            "INSERT INTO summary_work (article_id, lease_until, generation) "
            "VALUES (%s, now() + interval '1 min', %s) "
            "ON CONFLICT (article_id) DO UPDATE SET generation = excluded.generation",
            [article_id, generation],
        )


def clear(run: Run) -> None:
    """Remove all articles, and what belongs to them."""
    with connect(run) as database:
        database.execute("DELETE FROM articles")


@dataclass(frozen=True)
class Stored:
    """A row of `article_summaries`."""

    summary: str
    topics: tuple[str, ...]
    model: str
    tokens: int
    embedding: tuple[float, ...]
    summarised_at: datetime


def stored_summary(run: Run, article_id: UUID) -> Stored | None:
    """The summary that is stored of an article."""
    found = query(
        run,
        "SELECT summary, topics, model, tokens, embedding::real[], summarised_at "
        "FROM article_summaries WHERE article_id = %s",
        article_id,
    )
    if not found:
        return None
    summary, topics, model, tokens, embedding, summarised_at = found[0]
    return Stored(summary, tuple(topics), model, tokens, tuple(embedding), summarised_at)


def vector_of(run: Run, text: str) -> Vector:
    """The vector of a text, which the grader requests itself, of length 1."""
    answer = httpx.post(
        f"{run.environment()['OPENAI_BASE_URL']}/embeddings",
        headers={"authorization": f"Bearer {WITNESS}"},
        json={"model": "text-embedding-3-small", "input": [text]},
        timeout=30.0,
        trust_env=False,
    )
    return np.array(answer.json()["data"][0]["embedding"], dtype=np.float32)


def at_angle(rng: Random, axis: Vector, cosine: float) -> Vector:
    """A vector of length 1 at an angle to `axis`, which has length 1."""
    other = np.array([rng.gauss(0, 1) for _ in range(DIMENSIONS)])
    other -= (other @ axis) * axis
    other /= np.linalg.norm(other)
    return np.asarray(cosine * axis + np.sqrt(1 - cosine**2) * other, dtype=np.float32)


def random_vector(rng: Random) -> list[float]:
    """A vector with few numbers that are not zero, so that a call stays short."""
    vector = [0.0] * DIMENSIONS
    for place in rng.sample(range(DIMENSIONS), 6):
        vector[place] = round(rng.uniform(-1, 1), 3)
    return vector
