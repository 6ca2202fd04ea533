"""The API of week 9 with articles that no code of the pipeline has stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg.rows import scalar_row

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps
from tests.week06.conftest import QUICK

WEEK = find_week("week09_news")
LAYERS = reference_layers(WEEK)


@dataclass
class Newsroom:
    """The API, a client with its key, and its stores."""

    run: Run
    apps: Apps
    http: httpx.Client

    @property
    def url(self) -> str:
        return str(self.apps.api_url)

    def execute(self, statement: str, values: Any = ()) -> None:
        with psycopg.connect(self.run.database_url, autocommit=True) as database:
            database.execute(statement.encode(), values)

    def clear(self) -> None:
        self.execute("DELETE FROM articles")
        self.execute("DELETE FROM feeds")
        self.execute("DELETE FROM news_trends")

    def add(
        self,
        title: str,
        summary: str | None = None,
        topics: tuple[str, ...] = (),
        sources: tuple[str, ...] = (),
        *,
        hours: float = 1.0,
        url: str | None = None,
        text: str = "The keeper lit the lamp.",
    ) -> UUID:
        """Store an article that was published some hours ago. A summary is found by its own words."""
        with (
            psycopg.connect(self.run.database_url, row_factory=scalar_row) as database,
            database.cursor() as cursor,
        ):
            address = url or f"https://harbour.test/{uuid4()}"
            cursor.execute(
                "INSERT INTO articles (url, content_hash, title, text, published_at) "
                "VALUES (%s, sha256(%s::text::bytea), %s, %s, %s) RETURNING article_id",
                [address, address, title, text, datetime.now(UTC) - timedelta(hours=hours)],
            )
            article_id: UUID = cursor.fetchone()  # type: ignore[assignment]
            for source in sources:
                cursor.execute(
                    "INSERT INTO feeds (feed_id, url, title, next_at) "
                    "VALUES (%s, %s, %s, 'infinity') ON CONFLICT DO NOTHING",
                    [source, f"https://harbour.test/{source}", source],
                )
                cursor.execute("INSERT INTO article_sources VALUES (%s, %s)", [article_id, source])
            if summary is not None:
                cursor.execute(
                    "INSERT INTO article_summaries (article_id, summary, topics, model, tokens, embedding) "
                    "VALUES (%s, %s, %s::text[], 'gpt-test', 100, %s::real[]::vector)",
                    [article_id, summary, list(topics), self.vector(summary)],
                )
        return article_id

    def vector(self, text: str) -> list[float]:
        known = self.run.environment()
        answer = httpx.post(
            f"{known['OPENAI_BASE_URL']}/embeddings",
            headers={"authorization": f"Bearer {known['OPENAI_API_KEY']}"},
            json={"model": "text-embedding-3-small", "input": [text]},
            timeout=30,
            trust_env=False,
        )
        numbers: list[float] = answer.json()["data"][0]["embedding"]
        return numbers

    def add_trends(self, *terms: tuple[str, float, int]) -> None:
        """Store the terms of the last six hours."""
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        shown = [
            {"term": term, "score": score, "articles": count, "baseline": 1}
            for term, score, count in terms
        ]
        self.execute(
            "INSERT INTO news_trends (window_start, window_end, articles, terms) VALUES (%s, %s, %s, %s)",
            [end - timedelta(hours=6), end, 24, json.dumps(shown)],
        )

    def sign_in(self, page: Any) -> None:
        """Let a browser keep the key."""
        page.context.add_cookies(
            [{"name": "pipeline_key", "value": str(self.apps.api_key), "url": self.url}]
        )


@contextmanager
def newsroom(run: Run, folder: Path, **more: str) -> Iterator[Newsroom]:
    """An API without workers; `more` are further variables of its environment."""
    env = {**run.environment(), **QUICK, **more}
    with (
        Apps(env, LAYERS, workers=0, state=folder) as apps,
        httpx.Client(
            base_url=str(apps.api_url), headers=apps.headers, timeout=30, trust_env=False
        ) as http,
    ):
        yield Newsroom(run, apps, http)
