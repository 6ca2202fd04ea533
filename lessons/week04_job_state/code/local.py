"""What the programs of this week share: services of their own, and the bicycle shop's table."""

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
"""A table whose items are found by their id, and in no other way."""


@contextmanager
def local_services() -> Iterator[Run]:
    """Set `AWS_ENDPOINT_URL` and its like to services that this program has to itself."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        yield run


@contextmanager
def repairs_table(definition: dict[str, Any] = BY_ID) -> Iterator[Any]:
    """A new, empty table "repairs", for the time of the block."""
    with local_services():
        table = boto3.resource("dynamodb").create_table(TableName="repairs", **definition)
        table.wait_until_exists()
        yield table
