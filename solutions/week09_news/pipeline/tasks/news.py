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
from pipeline.news.feeds import fetch, read_entries
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

BEGIN = """
UPDATE feeds SET begun = begun + 1, next_at = now() + interval '1 second' * least(
    %(longest)s::float, %(pause)s::float * 2.0::float ^ least(begun, 64)
)
WHERE feed_id = %(feed_id)s AND generation = %(generation)s AND lease_until > now()
RETURNING feed_id, url, etag, last_modified, failures
"""
"""A document can kill the worker's process, which then records nothing. So the pause after such a collection
is written before it begins. It doubles with each collection that has begun since the last outcome."""
SUCCESS = """
UPDATE feeds SET
    etag = %(etag)s, last_modified = %(last_modified)s, failures = 0, last_error = NULL, begun = 0,
    checked_at = now(), next_at = now() + %(pause)s * interval '1 second', lease_until = NULL
"""
FAILURE = """
UPDATE feeds SET
    failures = failures + 1, last_error = %(error)s, begun = 0,
    checked_at = now(), next_at = now() + %(pause)s * interval '1 second', lease_until = NULL
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to collect a feed, until its lease ends. Given to students complete."""

    feed_id: str
    generation: int


def news_entries() -> dict[str, dict[str, Any]]:
    """Return what Beat sends for the news desk, in the form of Celery's setting `beat_schedule`.

    Returns:
        A dict with four entries of any name that week 8 does not use. Each is a dict with the keys `task`,
        `schedule` (a number of seconds) and `options`.
    """
    settings = news_settings()
    # BEGIN SOLUTION 9.5
    # ? a) Send `TICK` every `settings.news_tick_seconds`, `SUMMARISE` every
    # ? `settings.news_summarise_seconds`, `TRENDS` every `settings.news_trends_seconds`, and `DIGEST` every
    # ? `settings.news_digest_seconds`.
    # ? b) Let each message expire when the next one is sent (the option `expires`). After an outage of
    # ? the workers, one message of each kind is enough.
    every = {
        TICK: settings.news_tick_seconds,
        SUMMARISE: settings.news_summarise_seconds,
        TRENDS: settings.news_trends_seconds,
        DIGEST: settings.news_digest_seconds,
    }
    return {
        task: {"task": task, "schedule": pause, "options": {"expires": pause}}
        for task, pause in every.items()
    }
    # END SOLUTION


def claim_due() -> list[Claim]:
    """Claim the feeds that are due, those that have waited longest.

    Returns:
        At most `news_settings().news_feeds_per_tick` claims. Each feed has got a lease of
        `news_settings().news_lease_seconds` and the next generation.

    Raises:
        psycopg.Error: the database is unreachable.
    """
    settings = news_settings()
    # BEGIN SOLUTION 9.5
    # ? c) A feed is due if its `next_at` is over and it has no lease, or a lease that has ended. Claim it
    # ? once, however many intervals it has missed.
    # ? d) Claim with one statement that adds 1 to `generation`, sets `lease_until`, and returns both
    # ? fields of `Claim`. Two ticks at the same time claim no feed twice, and none of them waits for the
    # ? rows of the other (`FOR UPDATE SKIP LOCKED`).
    # ? e) Take those with the oldest `next_at`, and no more than the limit. Use the clock of PostgreSQL.
    # ? The list may have any order.
    sql = """
    WITH due AS MATERIALIZED (
        SELECT feed_id FROM feeds
        WHERE next_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE feeds SET generation = generation + 1, lease_until = now() + %s * interval '1 second'
    FROM due WHERE feeds.feed_id = due.feed_id
    RETURNING feeds.feed_id, feeds.generation
    """
    with connection() as database:
        rows = database.execute(sql, (settings.news_feeds_per_tick, settings.news_lease_seconds))
        return [Claim(*row) for row in rows]
    # END SOLUTION


def begin(claim: Claim) -> Feed | None:
    """Begin a collection: return the feed of the claim, and write when it is due if this process dies.

    Given to students complete.

    Returns:
        The feed, or None if it is not this claim's any more.
    """
    settings = news_settings()
    values = {
        "feed_id": claim.feed_id,
        "generation": claim.generation,
        "pause": settings.news_interval_seconds,
        "longest": settings.news_backoff_cap_seconds,
    }
    with connection() as database:
        row = database.execute(BEGIN, values).fetchone()
    return Feed(*row) if row else None


def pause_after(failures: int) -> float:
    """Return how many seconds a feed waits after so many failures in a row.

    Args:
        failures: 1 or more. It has no limit.
    """
    settings = news_settings()
    # BEGIN SOLUTION 9.5
    # ? f) Return `news_interval_seconds`, doubled for each failure, and at most `news_backoff_cap_seconds`.
    # ? A feed can fail for years, so `failures` can be thousands.
    factor = 2.0 ** min(failures, 64)
    return min(settings.news_interval_seconds * factor, settings.news_backoff_cap_seconds)
    # END SOLUTION


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
    # BEGIN SOLUTION 9.5
    # ? g) Execute `sql` for the feed of the claim, on the condition that it has the generation of the claim
    # ? and that its lease was not ended yet (`lease_until` is not NULL). A lease whose time is over still
    # ? counts, if nobody has claimed the feed again. Return whether a row was changed.
    ours = " WHERE feed_id = %(feed_id)s AND generation = %(generation)s"
    condition = f"{ours} AND lease_until IS NOT NULL"
    parameters = {**values, "feed_id": claim.feed_id, "generation": claim.generation}
    with connection() as database:
        return database.execute(sql + condition, parameters).rowcount == 1
    # END SOLUTION


def error_name(error: Exception) -> str:
    """Return what `last_error` says about an error. Given to students complete."""
    return error.kind if isinstance(error, PipelineError) else type(error).__name__


@app.task(name=TICK, ignore_result=True, acks_late=False)
def tick() -> None:
    """Claim the feeds that are due, and send one message for each."""
    # BEGIN SOLUTION 9.5
    # ? h) Send the task `collect` with the two fields of each claim, in their order. Let each message
    # ? expire after `news_settings().news_lease_seconds`. Fetch nothing here: a feed that hangs would hold
    # ? up all others.
    for claim in claim_due():
        collect.apply_async(
            (claim.feed_id, claim.generation), expires=news_settings().news_lease_seconds
        )
    # END SOLUTION


def collect_feed(claim: Claim, feed: Feed) -> int:
    """Collect one claimed feed: fetch it, store its articles, and record the outcome.

    Args:
        claim: the claim.
        feed: its feed, as it is now.

    Returns:
        How many articles are new.
    """
    # BEGIN SOLUTION 9.5
    # ? i) Fetch the document, and store the entries that it has. If it has not changed, there is nothing
    # ? to store. Then record `SUCCESS`: `pause` is `news_interval_seconds`, and `etag` and `last_modified`
    # ? are those of the document, even if they are None. If it has not changed, they are those of `feed`.
    # ? Record them only after the articles are stored, because the server sends the document only once.
    # ? j) If fetching, reading or storing raises any error (`Exception`), record `FAILURE` and return 0. Its
    # ? `error` is `error_name(…)`, and its `pause` is `pause_after` of all failures, this one included.
    try:
        document = fetch(feed)
        new = store(feed.feed_id, read_entries(document)) if document else 0
    except Exception as error:
        pause = pause_after(feed.failures + 1)
        record(FAILURE, claim, {"error": error_name(error), "pause": pause})
        return 0
    known = document or feed
    validators = {"etag": known.etag, "last_modified": known.last_modified}
    record(SUCCESS, claim, validators | {"pause": news_settings().news_interval_seconds})
    return new
    # END SOLUTION


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
    feed = begin(claim)
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
