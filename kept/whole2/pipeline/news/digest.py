"""Sends one digest to one subscriber: claim, send, record.

SMTP has no transactions. If this process dies after the server's 250 and before the record, nobody knows
that the message was accepted. The next try repeats it, under the same Message-ID.
"""

from __future__ import annotations

import smtplib
from contextlib import suppress
from datetime import date
from email.message import EmailMessage
from typing import Any, Literal

from psycopg import Connection

from pipeline.news.digest_mail import build_message, message_id_of
from pipeline.news.digest_model import Claim, Desk, Digest, Outcome, Subscriber
from pipeline.news.digest_settings import digest_settings
from pipeline.news.mail_server import connect
from pipeline.steps.database import connection
from pipeline.steps.text import storable

MAX_REASON_CHARS = 300
"""How much of a reason is stored."""


PERMANENT = 500
"""From this code on, the server says never."""
FAILURES = (smtplib.SMTPException, OSError)
"""What can happen on the way to the mail server."""

CLAIM = """
INSERT INTO digests AS d (digest_day, subscriber_id, message_id, lease_until, attempts)
VALUES (%(day)s, %(subscriber_id)s, %(message_id)s, now() + %(lease)s * interval '1 second', 1)
ON CONFLICT (digest_day, subscriber_id) DO UPDATE SET
    lease_until = excluded.lease_until, generation = d.generation + 1, attempts = d.attempts + 1
WHERE d.sent_at IS NULL AND d.failed_at IS NULL AND d.lease_until <= now()
RETURNING generation, message_id
"""
IF_CLAIMED = """
WHERE digest_day = %(day)s AND subscriber_id = %(subscriber_id)s AND generation = %(generation)s
    AND sent_at IS NULL AND failed_at IS NULL
"""
RECORD = {
    "sent": f"UPDATE digests SET sent_at = now(), last_error = NULL {IF_CLAIMED}",
    "refused": f"UPDATE digests SET failed_at = now(), last_error = %(reason)s {IF_CLAIMED}",
    "deferred": f"""
        UPDATE digests SET
            lease_until = now() + %(retry)s * interval '1 second', last_error = %(reason)s
        {IF_CLAIMED}
    """,
}
"""How each kind of outcome is written."""


def claim(
    database: Connection[Any], day: date, subscriber_id: str, message_id: str, lease_seconds: int
) -> Claim | None:
    """Claim the right to send a subscriber the digest of a day.

    Args:
        database: a connection in autocommit mode.
        day: the day of the digest.
        subscriber_id: who gets it.
        message_id: the id of the message, if this is the first claim.
        lease_seconds: how long the claim lasts.

    Returns:
        The claim. None: the message was sent or refused, or another worker holds the claim.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    values = {
        "day": day,
        "subscriber_id": subscriber_id,
        "message_id": message_id,
        "lease": lease_seconds,
    }
    row = database.execute(CLAIM, values).fetchone()
    return Claim(day, subscriber_id, *row) if row else None


def reply_of(error: Exception) -> tuple[int, str] | None:
    """Return the server's code and text, if the error is an answer of the server."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))  # a message has one recipient
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    else:
        return None
    return code, text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def outcome_of(error: Exception) -> Outcome:
    """Decide what an error means for the message."""
    code, text = reply_of(error) or (0, f"{type(error).__name__}: {error}")
    concerns_message = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
    kind: Literal["refused", "deferred"] = (
        "refused" if concerns_message and code >= PERMANENT else "deferred"
    )
    return Outcome(kind, f"{code} {text}" if code else text)


def say_goodbye(server: smtplib.SMTP) -> None:
    """End a connection. The outcome is known already, so nothing that happens here matters."""
    with suppress(*FAILURES):
        server.quit()
    server.close()


def send(message: EmailMessage) -> Outcome:
    """Hand a message over to the mail server.

    Args:
        message: a message to one recipient.

    Returns:
        What became of it. No error of SMTP or of the network leaves this function.
    """
    try:
        server = connect()
    except FAILURES as error:
        return outcome_of(error)
    try:
        server.send_message(message)
        return Outcome("sent")
    except FAILURES as error:
        return outcome_of(error)
    finally:
        say_goodbye(server)


def record(database: Connection[Any], claimed: Claim, outcome: Outcome, retry_seconds: int) -> bool:
    """Record what became of a message.

    Args:
        database: a connection in autocommit mode.
        claimed: the claim under which it was sent.
        outcome: what became of it.
        retry_seconds: how long a deferred message waits.

    Returns:
        Whether it was recorded. False: this worker does not hold the claim any more.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable.
    """
    values = {
        "day": claimed.day,
        "subscriber_id": claimed.subscriber_id,
        "generation": claimed.generation,
        "reason": storable(outcome.reason)[:MAX_REASON_CHARS],
        "retry": retry_seconds,
    }
    return database.execute(RECORD[outcome.kind], values).rowcount == 1


def send_one(digest: Digest, subscriber: Subscriber, desk: Desk) -> Outcome | None:
    """Send the digest to one subscriber, if nobody has sent it or is sending it.

    Args:
        digest: what is sent.
        subscriber: who gets it.
        desk: who sends it.

    Returns:
        What became of it. None: there was nothing to send for this worker.

    Raises:
        psycopg.OperationalError: PostgreSQL is unreachable. If it was reachable before, the lease ends, and
            the next try repeats the message under the same Message-ID.
    """
    settings = digest_settings()
    message_id = message_id_of(digest.day, subscriber.subscriber_id, desk.domain)
    with connection() as database:
        claimed = claim(
            database,
            digest.day,
            subscriber.subscriber_id,
            message_id,
            settings.digest_lease_seconds,
        )
    if claimed is None:
        return None
    outcome = send(build_message(digest, subscriber, desk, claimed.message_id))
    with connection() as database:
        record(database, claimed, outcome, settings.digest_retry_seconds)
    return outcome
