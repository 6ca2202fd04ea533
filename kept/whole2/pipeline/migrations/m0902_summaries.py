"""Creates the tables of summaries and of the work on them. Given to students complete."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

CREATE = """
CREATE TABLE article_summaries (
    article_id    uuid PRIMARY KEY REFERENCES articles ON DELETE CASCADE,
    summary       text NOT NULL,
    topics        text[] NOT NULL DEFAULT '{}',
    model         text NOT NULL,
    tokens        integer NOT NULL CHECK (tokens >= 0),
    embedding     vector(1536) NOT NULL,
    summarised_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX article_summaries_embedding ON article_summaries USING hnsw (embedding vector_cosine_ops);

CREATE TABLE summary_work (
    article_id  uuid PRIMARY KEY REFERENCES articles ON DELETE CASCADE,
    lease_until timestamptz NOT NULL,
    generation  bigint NOT NULL DEFAULT 1,
    attempts    integer NOT NULL DEFAULT 0,
    dead_at     timestamptz,
    reason      text,
    detail      text
);
CREATE INDEX summary_work_dead ON summary_work (dead_at) WHERE dead_at IS NOT NULL;
"""


def up(database: Connection[Any]) -> None:
    """Create the tables. An article without a summary and without a dead letter is still to be done."""
    database.execute(CREATE)
