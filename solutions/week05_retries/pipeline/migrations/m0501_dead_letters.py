"""Adds the index of dead letters to the jobs table. Given to students complete."""

from __future__ import annotations

from typing import Any

from pipeline.models.dead_letters import DEAD_INDEX
from pipeline.models.schema import add_index, table_id
from pipeline.models.settings import job_settings

ATTRIBUTES = [
    {"AttributeName": "owner", "AttributeType": "S"},
    {"AttributeName": "dead_at", "AttributeType": "N"},
]
INDEX = {
    "IndexName": DEAD_INDEX,
    "KeySchema": [
        {"AttributeName": "owner", "KeyType": "HASH"},
        {"AttributeName": "dead_at", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def target() -> str:
    """Return the id of the jobs table."""
    return table_id(job_settings().jobs_table)


def up(_: Any) -> str | None:
    """Add the index. DynamoDB fills it from the items that are there, and this can take minutes."""
    return add_index(job_settings().jobs_table, ATTRIBUTES, INDEX)
