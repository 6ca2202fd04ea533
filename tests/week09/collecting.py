"""The reference of weeks 1 to 9 with workers and Beat, and feeds that the feed server serves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.providers import FeedServer
from bootcamp.stack import Run
from bootcamp.stack.apps import Apps, layer_environment

LAYERS = reference_layers(find_week("week09_news"))
FAR = "36000"
QUICK = {
    "API_KEYS": "off",
    "BEAT_LOCK_SECONDS": "1",
    "NEWS_TICK_SECONDS": "0.5",
    "NEWS_INTERVAL_SECONDS": "2",
    "NEWS_LEASE_SECONDS": "6",
    "NEWS_FETCH_SECONDS": "2",
    "NEWS_COLLECT_SECONDS": "5",
    "NEWS_SUMMARISE_SECONDS": FAR,
    "NEWS_TRENDS_SECONDS": FAR,
    "NEWS_DIGEST_SECONDS": FAR,
}
"""A desk that only collects, every two seconds."""


@dataclass
class Desk:
    """The news desk of one run."""

    run: Run
    env: dict[str, str]

    @property
    def feeds(self) -> FeedServer:
        return self.run.feeds

    def rows(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.run.database_url, autocommit=True) as database:
            cursor = database.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def python(self, *words: str, code: int = 0) -> str:
        """Run Python with the pipeline on its path, and return what it printed."""
        done = subprocess.run(
            [sys.executable, *words],
            check=False,
            env=layer_environment(self.env, LAYERS),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def add(self, url: str) -> str:
        """Add a feed to the list, without the check of its address, and return its id."""
        sql = "INSERT INTO feeds (feed_id, url) VALUES (md5(%s), %s) RETURNING feed_id"
        [(feed_id,)] = self.rows(sql, url, url)
        return str(feed_id)

    def feed(self, feed_id: str) -> dict[str, Any]:
        """The row of a feed."""
        [(row,)] = self.rows("SELECT to_jsonb(feeds) FROM feeds WHERE feed_id = %s", feed_id)
        return dict(row)

    def titles(self) -> list[str]:
        """The titles of all articles."""
        return [row[0] for row in self.rows("SELECT title FROM articles ORDER BY title")]

    def until(self, condition: Callable[[], object], seconds: float = 40.0) -> None:
        """Wait for something."""
        end = time.monotonic() + seconds
        while not condition():
            rows = self.rows("SELECT url, failures, last_error, checked_at, lease_until FROM feeds")
            assert time.monotonic() < end, rows
            time.sleep(0.1)


@contextmanager
def prepared(run: Run, **more: str) -> Iterator[Desk]:
    """A desk whose stores are prepared. Nothing runs."""
    run.feeds.clear()
    run.feeds.withdraw()
    desk = Desk(run, {**run.environment(), **QUICK, **more})
    desk.python("-m", "pipeline.migrate")
    yield desk


@contextmanager
def collecting(desk: Desk, folder: Path, workers: int = 1) -> Iterator[Apps]:
    """Workers, Beat and API."""
    with Apps(desk.env, LAYERS, workers=workers, state=folder) as apps:
        yield apps
