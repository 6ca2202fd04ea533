"""Adds the index of jobs by their file to the jobs table. Given to students complete."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.conditions import Attr

from pipeline.models.blob_uses import BLOB_INDEX
from pipeline.models.job import jobs
from pipeline.models.schema import add_index, table_id
from pipeline.models.settings import job_settings
from pipeline.models.table import ConditionFailed, make_client

ATTRIBUTES = [{"AttributeName": "blob_key", "AttributeType": "S"}]
INDEX = {
    "IndexName": BLOB_INDEX,
    "KeySchema": [{"AttributeName": "blob_key", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def target() -> str:
    """Return the id of the jobs table."""
    return table_id(job_settings().jobs_table)


def up(_: Any) -> str | None:
    """Give the index's key to rows from before there was one, then add the index."""
    table = job_settings().jobs_table
    old = Attr("document").exists() & Attr("blob_key").not_exists()
    pages = make_client().get_paginator("scan").paginate(TableName=table, FilterExpression=old)
    for page in pages:
        for item in page["Items"]:
            try:
                jobs().update(item["id"], {"blob_key": item["document"]["blob_key"]}, old)
            except ConditionFailed:
                continue  # the row was deleted in the meantime
    return add_index(table, ATTRIBUTES, INDEX)
