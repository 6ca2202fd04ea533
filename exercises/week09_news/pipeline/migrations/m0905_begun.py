"""Counts the collections of a feed that have begun and have no outcome. Given to students complete.

A document that kills the process of the worker leaves no outcome behind. So the collection is counted before
it begins.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

ADD = "ALTER TABLE feeds ADD COLUMN begun integer NOT NULL DEFAULT 0 CHECK (begun >= 0)"


def up(database: Connection[Any]) -> None:
    """Add the column `begun`."""
    database.execute(ADD)
