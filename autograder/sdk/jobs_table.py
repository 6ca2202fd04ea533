"""The jobs table as it must be, and jobs in it that no code of the student's has made."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import cache, cached_property
from random import Random
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bootcamp.stack import Run
from bootcamp.stack.addresses import REGION

Item = dict[str, Any]

NAME = "jobs"
UNFINISHED = ("pending", "processing")
FINISHED = ("completed", "failed", "cancelled")
STATES = UNFINISHED + FINISHED
STEPS = ("parse", "chunk", "embed", "index")
SHARDS = 4
LONG = 50_000
"""Seconds: nothing that is this far away comes in a check's time."""


def moment(after: float = 0.0) -> Decimal:
    """The time `after` seconds from now as the table keeps it."""
    return Decimal(f"{time.time() + after:.6f}").normalize()


def _keys(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    names = [partition] + ([sort] if sort else [])
    return [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    ]


DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in {
            "id": "S", "owner": "S", "created_at": "N", "due_shard": "N", "due_at": "N"
        }.items()
    ],
    "KeySchema": _keys("id"),
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_owner",
            "KeySchema": _keys("owner", "created_at"),
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "by_due_time",
            "KeySchema": _keys("due_shard", "due_at"),
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}  # fmt: skip


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()  # it keeps the service models: reading them takes long


class JobsTable:
    """One table of the run's DynamoDB account, past all code of the student's."""

    def __init__(self, run: Run, name: str = NAME) -> None:
        env = run.environment()
        self.account = env["AWS_ACCESS_KEY_ID"]
        self._place = {
            "region_name": REGION,
            "endpoint_url": env["AWS_ENDPOINT_URL"],
            "aws_access_key_id": self.account,
            "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        }
        self._resource = _session().resource("dynamodb", **self._place)
        self.name = name
        self._table = self._resource.Table(name)

    def create(self, definition: Mapping[str, Any] = DEFINITION) -> None:
        """Raises botocore's errors where DynamoDB does not take the definition."""
        self._resource.meta.client.create_table(TableName=self.name, **definition)

    def put(self, *items: Item) -> None:
        if len(items) == 1:
            self._table.put_item(Item=items[0])
            return
        with self._table.batch_writer() as batch:  # 25 in a request: a crowd takes no time
            for item in items:
                batch.put_item(Item=item)

    def get(self, key: str) -> Item | None:
        found: Item | None = self._table.get_item(Key={"id": key}, ConsistentRead=True).get("Item")
        return found

    def change(self, key: str, **changes: Any) -> None:
        """Set attributes, as another worker would; None removes."""
        item = self._table.get_item(Key={"id": key}, ConsistentRead=True)["Item"]
        item |= changes
        self.put({name: value for name, value in item.items() if value is not None})

    def all(self) -> list[Item]:
        """Every item."""
        items: list[Item] = self._table.scan(ConsistentRead=True)["Items"]
        return items

    def jobs(self) -> dict[str, Item]:
        """Every item that is a job, by its id."""
        return {one["id"]: one for one in self.all() if "document" in one}

    def clear(self) -> None:
        """Remove every item."""
        with self._table.batch_writer() as batch:
            for item in self.all():
                batch.delete_item(Key={"id": item["id"]})

    @cached_property
    def _plain(self) -> Any:
        """A client that sends what it is given, as it is."""
        config = Config(parameter_validation=False)
        return _session().client("dynamodb", config=config, **self._place)

    def would_change(self, operation: str, arguments: str) -> set[str]:
        """The ids of the items that a request would change. It is sent, and what it did is undone.

        Args:
            operation: of DynamoDB, such as `UpdateItem`.
            arguments: its JSON. No item counts whose id does not stand in it.
        """
        request = json.loads(arguments)
        plain = json.dumps(request)  # without the escapes in which an id may be hidden

        def named() -> dict[str, Item]:
            return {one["id"]: one for one in self.all() if json.dumps(one["id"])[1:-1] in plain}

        request.pop("ClientRequestToken", None)  # or the real one would be taken for its copy
        before = named()
        with suppress(BotoCoreError, ClientError):
            getattr(self._plain, xform_name(operation))(**request)
        after = named()
        changes = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        for key in changes:
            if key in before:
                self.put(before[key])
            else:
                self._table.delete_item(Key={"id": key})
        return changes

    def by(self, index: str, partition: str, value: Any) -> list[Item]:
        """What an index has in one partition, in its order."""
        found = self._table.query(
            IndexName=index, KeyConditionExpression=Key(partition).eq(value), ScanIndexForward=True
        )
        items: list[Item] = found["Items"]
        return items

    def cancel(self, key: str) -> None:
        """Cancel a job in one write, as week 8's route does."""
        self._table.update_item(
            Key={"id": key},
            UpdateExpression="SET #s = :s, finished_at = :now, expires_at = :later "
            "REMOVE due_at, due_shard, lease_owner, lease_until",
            ConditionExpression=Attr("id").exists(),
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={
                ":s": "cancelled", ":now": moment(), ":later": int(moment(LONG))
            },
        )  # fmt: skip


def document(rng: Random, job_id: str) -> dict[str, str]:
    """A reference to a document that nobody has stored."""
    name = "".join(rng.choices("abcdefghijk", k=8))
    return {
        "document_id": job_id,
        "blob_key": f"uploads/{rng.getrandbits(256):064x}",
        "filename": f"{name}.txt",
        "content_type": "text/plain",
    }


def new_id(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def job(rng: Random, status: str = "pending", **more: Any) -> Item:
    """A job's item in a state, as the pipeline would have left it. None leaves an attribute out."""
    job_id = new_id(rng)
    age = rng.uniform(10, 1_000)
    item: Item = {
        "id": job_id,
        "owner": "public",
        "status": status,
        "document": document(rng, job_id),
        "created_at": moment(-age),
        "updated_at": moment(-age / 2),
        "steps": {},
    }
    if status in UNFINISHED:
        item |= {"due_shard": rng.randrange(SHARDS), "due_at": moment(LONG)}
    else:
        item |= {"finished_at": moment(-age / 2), "expires_at": int(moment(LONG))}
    if status != "pending":
        item |= {"generation": rng.randint(3, 9), "deliveries": rng.randint(1, 3), "steps_done": 0}
    if status == "processing":
        item |= {"lease_owner": f"other-{rng.getrandbits(32):x}", "lease_until": moment(LONG)}
    item |= more
    return {name: value for name, value in item.items() if value is not None}
