"""Creates the tables of subscribers and digests. Given to students complete."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

CREATE = """
CREATE TABLE subscribers (
    subscriber_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    address       text NOT NULL UNIQUE,
    token         text NOT NULL UNIQUE,
    subscribed_at timestamptz NOT NULL DEFAULT now(),
    left_at       timestamptz
);

CREATE TABLE digests (
    digest_day    date NOT NULL,
    subscriber_id uuid NOT NULL REFERENCES subscribers ON DELETE CASCADE,
    message_id    text NOT NULL,
    lease_until   timestamptz NOT NULL,
    generation    bigint NOT NULL DEFAULT 1,
    attempts      integer NOT NULL DEFAULT 0,
    sent_at       timestamptz,
    failed_at     timestamptz,
    last_error    text,
    PRIMARY KEY (digest_day, subscriber_id)
);
CREATE INDEX digests_open ON digests (lease_until) WHERE sent_at IS NULL AND failed_at IS NULL;
"""


def up(database: Connection[Any]) -> None:
    """Create the tables. A subscriber gets at most one digest a day.

    `message_id` is unique because it is made of the day and the subscriber. It has no unique index of its
    own: with two of them, `ON CONFLICT` handles the one it names, and a race can fail at the other.
    """
    database.execute(CREATE)
