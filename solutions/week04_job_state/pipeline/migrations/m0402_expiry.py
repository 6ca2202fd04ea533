"""The migration that lets DynamoDB delete expired items of the jobs table. Given."""

from __future__ import annotations

from typing import Any

from pipeline.models.schema import enable_expiry, table_id
from pipeline.models.settings import job_settings


def target() -> str:
    """Return DynamoDB's id of the jobs table."""
    return table_id(job_settings().jobs_table)


def up(_: Any) -> str | None:
    """Enable TTL. Without TTL, expired jobs are hidden but stay in the table and cost money."""
    if warning := enable_expiry(job_settings().jobs_table):
        return f"{warning}. Until then expired jobs are hidden, but not deleted"
    return None
