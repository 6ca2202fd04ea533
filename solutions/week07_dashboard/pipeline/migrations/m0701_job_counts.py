"""Adds the index by which jobs are counted to the jobs table. Given to students complete."""

from __future__ import annotations

from typing import Any

from pipeline.models.counting import STATUS_INDEX
from pipeline.models.schema import add_index, table_id
from pipeline.models.settings import job_settings
from pipeline.models.table import EXPIRY

ATTRIBUTES = [
    {"AttributeName": "owner", "AttributeType": "S"},
    {"AttributeName": "status", "AttributeType": "S"},
]
INDEX = {
    "IndexName": STATUS_INDEX,
    "KeySchema": [
        {"AttributeName": "owner", "KeyType": "HASH"},
        {"AttributeName": "status", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [EXPIRY]},
}


def target() -> str:
    """The jobs table."""
    return table_id(job_settings().jobs_table)


def up(_: Any) -> str | None:
    """Add the index. DynamoDB fills it from the items that are there, which can take minutes."""
    return add_index(job_settings().jobs_table, ATTRIBUTES, INDEX)
