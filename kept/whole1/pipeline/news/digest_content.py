"""Reads what is in a digest, and who still gets it. Given to students complete."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pipeline.news.digest_model import Digest, Story, Subscriber
from pipeline.news.digest_settings import digest_settings
from pipeline.steps.database import connection

DAY = timedelta(days=1)
STORIES = """
SELECT a.title, a.url, s.summary
FROM articles a JOIN article_summaries s USING (article_id)
WHERE a.published_at >= %(start)s AND a.published_at < %(end)s
ORDER BY (SELECT count(*) FROM article_sources o WHERE o.article_id = a.article_id) DESC,
    a.published_at DESC, a.article_id
LIMIT %(limit)s
"""
"""What several feeds report comes first."""
TRENDS = """
SELECT terms FROM news_trends WHERE window_end > %(start)s AND window_end <= %(end)s
ORDER BY window_start DESC LIMIT 1
"""
DUE = """
SELECT s.subscriber_id::text, s.address, s.token
FROM subscribers s LEFT JOIN digests d ON d.subscriber_id = s.subscriber_id AND d.digest_day = %s
WHERE s.left_at IS NULL
    AND (d.subscriber_id IS NULL OR (d.sent_at IS NULL AND d.failed_at IS NULL AND d.lease_until <= now()))
ORDER BY s.subscribed_at, s.subscriber_id LIMIT %s
"""


def digest_day(now: datetime) -> date:
    """Return the day of the digest that is due now. It lasts from its hour to that hour of the next day.

    Args:
        now: the present time, with a time zone.
    """
    return (now.astimezone(UTC) - timedelta(hours=digest_settings().digest_hour)).date()


def read_digest(day: date) -> Digest | None:
    """Read the digest of a day: the articles of the 24 hours before it is due.

    The span does not depend on the present time, so each try of a message has the same content, unless an
    article was summarised between two tries.

    Returns:
        The digest. None: no article of this time has a summary.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    settings = digest_settings()
    due = datetime.combine(day, time(settings.digest_hour), UTC)
    span = {"start": due - DAY, "end": due}
    with connection() as database:
        rows = database.execute(STORIES, {**span, "limit": settings.digest_stories}).fetchall()
        found = database.execute(TRENDS, span).fetchone()
    terms = [one["term"] for one in found[0]] if found else []
    stories = tuple(Story(*row) for row in rows)
    return Digest(day, due, stories, tuple(terms[: settings.digest_trends])) if stories else None


def due_subscribers(day: date) -> list[Subscriber]:
    """Read who has not got the digest of a day, at most `digest_batch` of them.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    with connection() as database:
        rows = database.execute(DUE, (day, digest_settings().digest_batch)).fetchall()
    return [Subscriber(*row) for row in rows]
