"""Collects feeds on a schedule: a tick claims the feeds that are due, and one message collects one feed.

A claimed feed has a lease and a new generation. Only who has the newest generation may write an outcome, so
a worker that was suspended for an hour changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from celery.utils.log import get_task_logger

from pipeline.errors import PipelineError
from pipeline.news.articles import store
from pipeline.news.feed_settings import news_settings
from pipeline.news.feeds import Document, fetch, read_entries
from pipeline.news.models import Feed
from pipeline.steps.database import connection
from pipeline.tasks import schedule as _week8  # sets the schedule to which we add  # noqa: F401
from pipeline.tasks.celery_config import app
from pipeline.tasks.news_work import DIGEST, SUMMARISE, TRENDS

logger = get_task_logger(__name__)

TICK = "pipeline.news_tick"
COLLECT = "pipeline.news_collect"
KILL_AFTER_SECONDS = 10
"""A collection that ignores its limit is killed so many seconds later."""

MAX_DOUBLINGS = 64
"""More make no difference, because the cap is reached long before. Thousands overflow."""

CLAIM = """
WITH due AS (
    SELECT feed_id, next_at FROM feeds
    WHERE next_at <= now() AND (lease_until IS NULL OR lease_until <= now())
    ORDER BY next_at, feed_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE feeds SET generation = generation + 1, lease_until = now() + %(lease)s * interval '1 second'
FROM due WHERE feeds.feed_id = due.feed_id
RETURNING due.next_at, feeds.feed_id, feeds.generation
"""
IF_CLAIMED = """
WHERE feed_id = %(feed_id)s AND generation = %(generation)s AND lease_until IS NOT NULL
"""
FEED = "SELECT feed_id, url, etag, last_modified, failures FROM feeds"
SUCCESS = """
UPDATE feeds SET
    etag = %(etag)s, last_modified = %(last_modified)s, failures = 0, last_error = NULL,
    checked_at = now(), next_at = now() + %(pause)s * interval '1 second', lease_until = NULL
"""
FAILURE = """
UPDATE feeds SET
    failures = failures + 1, last_error = %(error)s,
    checked_at = now(), next_at = now() + %(pause)s * interval '1 second', lease_until = NULL
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to collect a feed, until its lease ends. Given to students complete."""

    feed_id: str
    generation: int


def beat_entry(task: str, pause: float) -> dict[str, Any]:
    """Return an entry of the schedule. Its message expires when the next one is sent."""
    return {"task": task, "schedule": pause, "options": {"expires": pause}}


def news_entries() -> dict[str, dict[str, Any]]:
    """Return what Beat sends for the news desk, in the form of Celery's setting `beat_schedule`.

    Returns:
        A dict with four entries of any name that week 8 does not use. Each is a dict with the keys `task`,
        `schedule` (a number of seconds) and `options`.
    """
    settings = news_settings()
    pauses = {
        TICK: settings.news_tick_seconds,
        SUMMARISE: settings.news_summarise_seconds,
        TRENDS: settings.news_trends_seconds,
        DIGEST: settings.news_digest_seconds,
    }
    return {f"news: {task}": beat_entry(task, pause) for task, pause in pauses.items()}


def claim_due() -> list[Claim]:
    """Claim the feeds that are due, those that have waited longest first.

    Returns:
        At most `news_settings().news_feeds_per_tick` claims. Each feed has got a lease of
        `news_settings().news_lease_seconds` and the next generation.

    Raises:
        psycopg.Error: the database is unreachable.
    """
    settings = news_settings()
    values = {"lease": settings.news_lease_seconds, "most": settings.news_feeds_per_tick}
    with connection() as database:
        rows = database.execute(CLAIM, values).fetchall()
    return [Claim(feed_id, generation) for _, feed_id, generation in sorted(rows)]


def claimed_feed(claim: Claim) -> Feed | None:
    """Return the feed of a claim, or None if it is not this claim's any more. Given to students complete."""
    condition = " WHERE feed_id = %s AND generation = %s AND lease_until > now()"
    with connection() as database:
        row = database.execute(FEED + condition, (claim.feed_id, claim.generation)).fetchone()
    return Feed(*row) if row else None


def pause_after(failures: int) -> float:
    """Return how many seconds a feed waits after so many failures in a row.

    Args:
        failures: 1 or more. It has no limit.
    """
    settings = news_settings()
    doublings = min(failures, MAX_DOUBLINGS)
    pause = settings.news_interval_seconds * 2**doublings
    return min(pause, settings.news_backoff_cap_seconds)


def record(sql: str, claim: Claim, values: dict[str, Any]) -> bool:
    """Write the outcome of a collection, and end the lease.

    Args:
        sql: `SUCCESS` or `FAILURE`, which have no condition yet.
        claim: the claim of this collection.
        values: the parameters of `sql`, by name.

    Returns:
        Whether it was written. If not, the feed belongs to another claim by now.

    Raises:
        psycopg.Error: the database is unreachable.
    """
    parameters = {**values, "feed_id": claim.feed_id, "generation": claim.generation}
    with connection() as database:
        return database.execute(sql + IF_CLAIMED, parameters).rowcount == 1


def error_name(error: Exception) -> str:
    """Return what `last_error` says about an error. Given to students complete."""
    return error.kind if isinstance(error, PipelineError) else type(error).__name__


@app.task(name=TICK, ignore_result=True, acks_late=False)
def tick() -> None:
    """Claim the feeds that are due, and send one message for each."""
    for claim in claim_due():
        collect.apply_async(
            (claim.feed_id, claim.generation), expires=news_settings().news_lease_seconds
        )


def read_and_store(feed: Feed) -> tuple[int, dict[str, str | None]]:
    """Fetch a feed and store its articles. Return how many are new, and the version that we have then."""
    document = fetch(feed)
    if document is None:
        return 0, version_of(feed)
    return store(feed.feed_id, read_entries(document)), version_of(document)


def version_of(source: Feed | Document) -> dict[str, str | None]:
    """Return by which values the server recognises a version."""
    return {"etag": source.etag, "last_modified": source.last_modified}


def collect_feed(claim: Claim, feed: Feed) -> int:
    """Collect one claimed feed: fetch it, store its articles, and record the outcome.

    Args:
        claim: the claim.
        feed: its feed, as it is now.

    Returns:
        How many articles are new.
    """
    try:
        new, version = read_and_store(feed)
        record(SUCCESS, claim, {**version, "pause": news_settings().news_interval_seconds})
    except Exception as error:
        logger.warning("feed %s was not collected: %s", feed.feed_id, error_name(error))
        pause = pause_after(feed.failures + 1)
        record(FAILURE, claim, {"error": error_name(error), "pause": pause})
        return 0
    return new


@app.task(
    name=COLLECT,
    ignore_result=True,
    acks_late=False,  # if the worker dies, the lease ends, and a tick sends another message
    soft_time_limit=news_settings().news_collect_seconds,
    time_limit=news_settings().news_collect_seconds + KILL_AFTER_SECONDS,
)
def collect(feed_id: str, generation: int) -> None:
    """Collect one feed, unless the message comes too late. Given to students complete."""
    claim = Claim(feed_id, generation)
    feed = claimed_feed(claim)
    if feed is None:
        return
    if new := collect_feed(claim, feed):
        logger.info("feed %s has %d new articles", feed_id, new)


def set_up_news() -> None:
    """Add to the schedule of week 8. Until the exercise is done, nothing is added.

    Given to students complete.
    """
    with suppress(NotImplementedError):
        app.conf.beat_schedule = {**app.conf.beat_schedule, **news_entries()}


set_up_news()
