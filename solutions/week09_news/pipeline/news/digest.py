"""Sends one digest to one subscriber: claim, send, record.

SMTP has no transactions. If this process dies after the server's 250 and before the record, nobody knows
that the message was accepted. The next try repeats it, under the same Message-ID.
"""

from __future__ import annotations

import smtplib
from datetime import date
from email.message import EmailMessage
from typing import Any

from psycopg import Connection

from pipeline.news.digest_mail import build_message, message_id_of
from pipeline.news.digest_model import Claim, Desk, Digest, Outcome, Subscriber
from pipeline.news.digest_settings import digest_settings
from pipeline.news.mail_server import connect
from pipeline.steps.database import connection

MAX_REASON_CHARS = 300
"""How much of a reason is stored."""


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
    # BEGIN SOLUTION 9.6
    # ? k) Insert the row into `digests` with `attempts` 1 and a lease that ends `lease_seconds` after
    # ? PostgreSQL's `now()`. If the row exists, take it over with the same statement (`ON CONFLICT …
    # ? DO UPDATE … WHERE`): set the lease, and add 1 to `generation` and to `attempts`.
    # ? l) Take it over only if `sent_at` and `failed_at` are null and its lease has ended. Of many workers
    # ? that try at the same moment, only one gets the claim.
    # ? m) Return the claim with the row's generation and the `message_id` that the row has, which never
    # ? changes. Return None if there is no claim.
    row = database.execute(
        """
        INSERT INTO digests AS d (digest_day, subscriber_id, message_id, lease_until, attempts)
        VALUES (%(day)s, %(subscriber)s, %(id)s, now() + make_interval(secs => %(lease)s), 1)
        ON CONFLICT (digest_day, subscriber_id) DO UPDATE SET lease_until = excluded.lease_until,
            generation = d.generation + 1, attempts = d.attempts + 1
        WHERE d.sent_at IS NULL AND d.failed_at IS NULL AND d.lease_until <= now()
        RETURNING generation, message_id
        """,
        {"day": day, "subscriber": subscriber_id, "id": message_id, "lease": lease_seconds},
    ).fetchone()
    return Claim(day, subscriber_id, row[0], row[1]) if row else None
    # END SOLUTION


def send(message: EmailMessage) -> Outcome:
    """Hand a message over to the mail server.

    Args:
        message: a message to one recipient.

    Returns:
        What became of it. No error of SMTP or of the network leaves this function.
    """
    # BEGIN SOLUTION 9.6
    # ? n) Open a connection (`connect`), send the message (`send_message`), and return the outcome `sent`
    # ? after the server's 250. What happens to the connection afterwards changes nothing: a lost connection
    # ? or an error at QUIT must not repeat a message that was accepted.
    # ? o) Return `refused` if the server answers 500 or more to the recipient (`SMTPRecipientsRefused`) or
    # ? to the message (`SMTPDataError`).
    # ? p) Return `deferred` in every other case: a code below 500, an error of the login or of the sender,
    # ? a lost connection, a timeout, a server that is not there (`smtplib.SMTPException`, `OSError`).
    # ? q) Give both outcomes a reason, for example the `repr` of the error. The server's text can contain a
    # ? NUL, which PostgreSQL does not store, so the reason must contain none.
    accepted = False
    try:
        with connect() as server:
            server.send_message(message)
            accepted = True
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return Outcome("refused" if code >= 500 else "deferred", f"{code} {text!r}")
    except (smtplib.SMTPException, OSError) as error:
        if not accepted:
            lasting = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
            return Outcome("refused" if lasting else "deferred", repr(error))
    return Outcome("sent")
    # END SOLUTION


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
    # BEGIN SOLUTION 9.6
    # ? r) Change the row of the claim only if its `generation` is the claim's, and `sent_at` and `failed_at`
    # ? are null. Return whether a row was changed.
    # ? s) `sent`: set `sent_at` to `now()`, and `last_error` to null.
    # ? t) `refused`: set `failed_at` to `now()`, and `last_error` to the first `MAX_REASON_CHARS` characters
    # ? of the reason.
    # ? u) `deferred`: let the lease end `retry_seconds` after `now()`, and set `last_error` in the same way.
    done = database.execute(
        """
        UPDATE digests SET
            sent_at = CASE WHEN %(kind)s = 'sent' THEN now() END,
            failed_at = CASE WHEN %(kind)s = 'refused' THEN now() END,
            lease_until = CASE WHEN %(kind)s = 'deferred' THEN now() + make_interval(secs => %(retry)s)
                ELSE lease_until END,
            last_error = CASE WHEN %(kind)s = 'sent' THEN NULL ELSE %(reason)s::text END
        WHERE digest_day = %(day)s AND subscriber_id = %(subscriber)s AND generation = %(generation)s
            AND sent_at IS NULL AND failed_at IS NULL
        """,
        {
            "kind": outcome.kind,
            "retry": retry_seconds,
            "reason": outcome.reason[:MAX_REASON_CHARS],
            "day": claimed.day,
            "subscriber": claimed.subscriber_id,
            "generation": claimed.generation,
        },
    )
    return done.rowcount == 1
    # END SOLUTION


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
    # BEGIN SOLUTION 9.6
    # ? v) Claim the row first (`connection()`, `message_id_of`, `settings.digest_lease_seconds`). Return
    # ? None without a claim, and send nothing.
    # ? w) Build the message with the id of the claim. Send it when the claim is committed, so that every
    # ? other worker sees the claim before the server sees the message.
    # ? x) Record the outcome (`settings.digest_retry_seconds`), and return it. `record` returns False
    # ? if another worker has taken over the claim. Return the outcome in this case, too.
    message_id = message_id_of(digest.day, subscriber.subscriber_id, desk.domain)
    lease = settings.digest_lease_seconds
    with connection() as database:
        claimed = claim(database, digest.day, subscriber.subscriber_id, message_id, lease)
    if claimed is None:
        return None
    outcome = send(build_message(digest, subscriber, desk, claimed.message_id))
    with connection() as database:
        record(database, claimed, outcome, settings.digest_retry_seconds)
    return outcome
    # END SOLUTION
