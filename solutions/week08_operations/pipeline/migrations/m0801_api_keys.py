"""Creates the table of API keys. Given to students complete."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

CREATE = """
CREATE TABLE api_keys (
    id          text PRIMARY KEY,
    owner       text NOT NULL,
    name        text NOT NULL,
    scopes      text[] NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);
CREATE INDEX api_keys_by_owner ON api_keys (owner, name);
"""


def up(database: Connection[Any]) -> None:
    """Create the table. A secret has no column: only its hash is stored."""
    database.execute(CREATE)
