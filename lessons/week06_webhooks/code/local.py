"""What the programs of this week share: services of their own, and a table of deliveries."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from bootcamp.stack import Run, find_or_start


@contextmanager
def local_services() -> Iterator[Run]:
    """Services that this program has to itself, and their variables."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        yield run


@contextmanager
def deliveries_table() -> Iterator[Any]:
    """A new, empty table "deliveries" whose items are found by their id."""
    with local_services():
        table = boto3.resource("dynamodb").create_table(
            TableName="deliveries",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        table.wait_until_exists()
        yield table
