"""Creates the tables of the search index, and the index over the vectors.

Given to students complete.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from pipeline.steps.database import SCHEMA


def up(database: Connection[Any]) -> None:
    """Execute `schema.sql`. Tables that exist already stay as they are."""
    database.execute(SCHEMA.read_bytes())
