"""`python -m bootcamp.bench.news`: how fast five workers collect 500 feeds with 25,000 articles.

Two tables. The first: Celery workers collect all feeds when every article is new, when every article is
known, and when every article is a copy of a known one at another address. The second: what `store` costs
for one feed when the table has more and more articles, so it shows how de-duplication grows.

On two cores that others used too: 1,300 new articles a second, 1,900 known ones, 2,000 copies. With 25,000
articles in the table `store` took 14 ms for 50 new entries, 2 ms for 50 known ones, and 2 ms for copies.
With 400,000 it took 24, 3 and 4 ms. It grows slowly, because each look is in an index.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypedDict

import psycopg
from rich.console import Console
from rich.table import Table

from bootcamp import paths
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.errors import StackError
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import CELERY_APP, layer_environment, prepare_stores, start_worker
from bootcamp.stack.process import Process

WEEK = "9"
FEEDS, ARTICLES, WORKERS = 500, 50, 5
SIZES = (0, 25_000, 100_000, 400_000)
"""How many articles the table has before `store` is measured."""
LIMIT_SECONDS = 900.0
POLL_SECONDS = 0.1
WORDS = "The keeper lit the lamp before the evening ferry came in and the harbour pilot read the tide table. "


class Row(TypedDict):
    """One measurement: the work, how many articles, and its seconds."""

    what: str
    articles: int
    seconds: float


def document(feed: int, count: int, place: str) -> str:
    """An RSS document. `place` is part of each address; titles and texts depend on the numbers alone."""
    items = "".join(
        f"<item><title>Story {feed} {n}</title><link>https://news.example/{place}/{feed}/{n}</link>"
        f"<description>{WORDS * 4} Number {feed} {n}.</description></item>"
        for n in range(count)
    )
    return f'<rss version="2.0"><channel><title>Feed {feed}</title>{items}</channel></rss>'


def environment(run: Run, feeds: int) -> dict[str, str]:
    """The settings of the workers: one tick takes all feeds, and no lease ends meanwhile."""
    settings = {
        "NEWS_FEEDS_PER_TICK": str(feeds),
        "NEWS_LEASE_SECONDS": "3600",
        "NEWS_INTERVAL_SECONDS": "36000",
        "WORKER_CONCURRENCY": "1",
        "API_KEYS": "off",
    }
    return layer_environment(run.environment() | settings, reference_layers(find_week(WEEK)))


@contextmanager
def celery_workers(env: Mapping[str, str], folder: Path, count: int) -> Iterator[None]:
    """Workers with one slot each, ready."""
    with ExitStack() as undo:
        for number in range(1, count + 1):
            words = [
                sys.executable,
                "-m",
                "celery",
                "-A",
                CELERY_APP,
                "worker",
                "--loglevel",
                "INFO",
            ]
            words += ["--hostname", f"bench{number}@%h", "--without-mingle", "--without-gossip"]
            log = folder / f"worker{number}.log"
            worker = Process(words, env=dict(env), log=log, name=f"worker{number}", cwd=folder)
            undo.callback(worker.stop)
            start_worker(worker)
        yield


def publish(run: Run, feeds: int, articles: int, place: str) -> None:
    """Serve all feeds."""
    for number in range(feeds):
        run.feeds.publish(f"n{number}.xml", document(number, articles, place))


def collect_all(run: Run, env: Mapping[str, str]) -> float:
    """Make all feeds due, send one tick, and return the seconds until the last feed is collected."""
    with psycopg.connect(run.database_url, autocommit=True) as database:
        database.execute("UPDATE feeds SET next_at = now(), checked_at = NULL, etag = NULL")
        words = [sys.executable, "-c", "from pipeline.tasks.news import tick; tick()"]
        began = time.monotonic()
        subprocess.run(words, env=dict(env), check=True, timeout=LIMIT_SECONDS)
        while time.monotonic() - began < LIMIT_SECONDS:
            [left, failed] = database.execute(
                "SELECT count(*) FILTER (WHERE checked_at IS NULL), count(*) FILTER (WHERE failures > 0)"
                " FROM feeds"
            ).fetchone() or (1, 0)
            if failed:
                raise StackError("A feed was not collected in the bench.")
            if not left:
                return time.monotonic() - began
            time.sleep(POLL_SECONDS)
    raise StackError(f"The feeds were not collected within {LIMIT_SECONDS:g} s.")


def measure_workers(run: Run, folder: Path, feeds: int, articles: int, workers: int) -> list[Row]:
    """Collect all feeds three times."""
    env = environment(run, feeds)
    prepare_stores(env, reference_layers(find_week(WEEK)), folder / "migrate.log")
    with psycopg.connect(run.database_url, autocommit=True) as database:
        for number in range(feeds):
            url = run.feeds.url(f"n{number}.xml")
            database.execute(
                "INSERT INTO feeds (feed_id, url) VALUES (%s, %s)", (f"n{number}", url)
            )
    rows: list[Row] = []
    with celery_workers(env, folder, workers):
        for what, place in [("new", "first"), ("known", "first"), ("copies", "second")]:
            publish(run, feeds, articles, place)
            seconds = collect_all(run, env)
            rows.append({"what": what, "articles": feeds * articles, "seconds": seconds})
    with psycopg.connect(run.database_url) as database:
        [found] = database.execute("SELECT count(*) FROM articles").fetchone() or (0,)
    if found != feeds * articles:
        raise StackError(f"There are {found} articles, and not {feeds * articles}.")
    return rows


def measure_store(run: Run, folder: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """What `store` costs for one feed, in a process that has the layers on its path."""
    env = environment(run, 1)
    prepare_stores(env, reference_layers(find_week(WEEK)), folder / "migrate-store.log")
    program = str(paths.ROOT / "bootcamp" / "bench" / "news_store.py")
    finished = subprocess.run(
        [sys.executable, program, *map(str, sizes)],
        env=env,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    rows: list[dict[str, Any]] = json.loads(finished.stdout)
    return rows


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bootcamp.bench.news", description=__doc__)
    parser.add_argument("--feeds", type=int, default=FEEDS)
    parser.add_argument("--articles", type=int, default=ARTICLES, help="of each feed")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    chosen = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as name, Stack() as stack:
        folder = Path(name)
        with stack.isolated() as run:
            rows = measure_workers(run, folder, chosen.feeds, chosen.articles, chosen.workers)
        with stack.isolated() as run:
            costs = measure_store(run, folder, chosen.sizes)
    table = Table(title=f"{chosen.feeds} feeds, {chosen.workers} workers, this machine, just now")
    for head in ("articles", "number", "seconds", "articles/s"):
        table.add_column(head, justify="right")
    for row in rows:
        speed = row["articles"] / row["seconds"]
        table.add_row(row["what"], str(row["articles"]), f"{row['seconds']:.1f}", f"{speed:.0f}")
    console.print(table)
    growth = Table(title="store() of one feed with 50 entries, in milliseconds")
    for head in ("articles in the table", "new", "known", "copies"):
        growth.add_column(head, justify="right")
    for cost in costs:
        numbers = (f"{1000 * cost[what]:.1f}" for what in ("new", "known", "copies"))
        growth.add_row(str(cost["size"]), *numbers)
    console.print(growth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
