"""Services for the programs of this week, and the table of the translation office."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from bootcamp.stack import Run, find_or_start

BY_ID: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
"""The definition of a table without an index, whose items are found only by their id."""


@contextmanager
def local_services() -> Iterator[Run]:
    """Start services for this program alone, and set `AWS_ENDPOINT_URL` and similar variables."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        yield run


@contextmanager
def orders_table(definition: dict[str, Any] = BY_ID) -> Iterator[Any]:
    """Create an empty table "orders", which exists while the block runs."""
    with local_services():
        table = boto3.resource("dynamodb").create_table(TableName="orders", **definition)
        table.wait_until_exists()
        yield table
