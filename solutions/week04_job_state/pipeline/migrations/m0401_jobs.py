"""The migration that creates the jobs table, as `table_definition` describes it. Given."""

from __future__ import annotations

from typing import Any

from pipeline.models.job import table_definition
from pipeline.models.schema import create_table, table_id
from pipeline.models.settings import job_settings


def target() -> str:
    """Return DynamoDB's id of the jobs table."""
    return table_id(job_settings().jobs_table)


def up(_: Any) -> str | None:
    """Create the table and its indexes. A table that exists already gets the indexes it lacks."""
    return create_table(job_settings().jobs_table, table_definition())
