"""PostgreSQL as the student's role sees it, on the grader's own connections."""

from __future__ import annotations

from functools import cache
from typing import Any, LiteralString

import psycopg

from bootcamp.stack import Run

NAME = "bootcamp-grader"
PUBLIC = "public"
"""The owner of everything that is uploaded."""


def connect(run: Run) -> psycopg.Connection[Any]:
    """A connection that the student's own can be told from."""
    return psycopg.connect(run.database_url, autocommit=True, application_name=NAME)


def query(run: Run, text: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """Rows; none where the table is not there yet."""
    try:
        return kept_connection(run).execute(text, values).fetchall()
    except psycopg.errors.UndefinedTable:
        return []


@cache
def kept_connection(run: Run) -> psycopg.Connection[Any]:
    """One connection for all questions: to connect takes five times as long as to ask."""
    return connect(run)


def filename_of(run: Run, document_id: str, owner: str = PUBLIC) -> str | None:
    """The name in the document's own row."""
    text: LiteralString = "SELECT filename FROM documents WHERE document_id = %s AND owner = %s"
    found = query(run, text, document_id, owner)
    return str(found[0][0]) if found else None
