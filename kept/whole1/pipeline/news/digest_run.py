"""Sends the digest that is due to everybody who has not got it. Given to students complete.

Run it at any time and as often as you like, also several at once: each message is claimed before it is sent.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

import psycopg

from pipeline.news.digest import send_one
from pipeline.news.digest_content import digest_day, due_subscribers, read_digest
from pipeline.news.digest_settings import digest_settings

logger = logging.getLogger(__name__)


def send_due(now: datetime | None = None) -> int:
    """Send the digest of the current day to the subscribers who are still without it.

    A run is limited in subscribers and in time. The next one goes on.

    Args:
        now: the present time. Left out: the clock's.

    Returns:
        How many messages were sent.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    settings = digest_settings()
    if not settings.smtp_url:
        logger.warning("SMTP_URL is not set, so no digest is sent")
        return 0
    day = digest_day(now or datetime.now(UTC))
    digest = read_digest(day)
    if digest is None:
        return 0
    sent, end = 0, time.monotonic() + settings.digest_run_seconds
    for subscriber in due_subscribers(day):
        if time.monotonic() > end:
            break
        try:
            outcome = send_one(digest, subscriber, settings.desk)
        except psycopg.OperationalError:
            raise
        except Exception:  # one subscriber's message must not hold up the others
            logger.exception("the digest of subscriber %s failed", subscriber.subscriber_id)
            continue
        sent += outcome is not None and outcome.kind == "sent"
        if outcome is not None and outcome.kind != "sent":
            who, why = subscriber.subscriber_id, outcome.reason
            logger.warning("the digest of subscriber %s is %s: %s", who, outcome.kind, why)
    return sent


if __name__ == "__main__":
    print(f"{send_due()} digests were sent")
