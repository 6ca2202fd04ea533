"""Creates the table of trends. Given to students complete."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

CREATE = """
CREATE TABLE news_trends (
    window_start timestamptz PRIMARY KEY,
    window_end   timestamptz NOT NULL CHECK (window_end > window_start),
    articles     integer NOT NULL CHECK (articles >= 0),
    terms        jsonb NOT NULL,
    computed_at  timestamptz NOT NULL DEFAULT now()
);
"""


def up(database: Connection[Any]) -> None:
    """Create the table. `terms` is a list of objects in the order of their scores."""
    database.execute(CREATE)
