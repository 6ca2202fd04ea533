"""Creates the tables of feeds and articles. Given to students complete."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

CREATE = """
CREATE TABLE feeds (
    feed_id       text PRIMARY KEY,
    url           text NOT NULL UNIQUE,
    title         text NOT NULL DEFAULT '',
    etag          text,
    last_modified text,
    next_at       timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,
    generation    bigint NOT NULL DEFAULT 0,
    checked_at    timestamptz,
    failures      integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_error    text
);
CREATE INDEX feeds_by_next_at ON feeds (next_at);

CREATE TABLE articles (
    article_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    url          text NOT NULL UNIQUE,
    content_hash bytea NOT NULL UNIQUE CHECK (length(content_hash) = 32),
    title        text NOT NULL,
    text         text NOT NULL,
    published_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX articles_by_published_at ON articles (published_at DESC, article_id);
CREATE INDEX articles_by_seen_at ON articles (seen_at, article_id);

CREATE TABLE article_sources (
    article_id uuid NOT NULL REFERENCES articles ON DELETE CASCADE,
    feed_id    text NOT NULL REFERENCES feeds ON DELETE CASCADE,
    PRIMARY KEY (article_id, feed_id)
);
CREATE INDEX article_sources_by_feed ON article_sources (feed_id);
"""


def up(database: Connection[Any]) -> None:
    """Create the tables. Two articles never have the same address or the same content."""
    database.execute(CREATE)
