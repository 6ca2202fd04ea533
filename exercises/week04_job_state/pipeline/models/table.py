"""The items of a DynamoDB table: read, write under a condition, query. Given.

`pipeline.models.schema` creates the table itself, before anything here runs.

Values are plain Python; numbers come back as `Decimal`. Conditions are boto3's:
`Attr("status").eq("pending") & Attr("generation").eq(3)`. Every call blocks, for some seconds at
most, and raises `JobStoreUnavailable` when DynamoDB cannot be reached or refuses.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import boto3
from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.models.errors import JobStoreUnavailable

Item = dict[str, Any]

INDEX_MISSING = ("does not have the specified index", "backfilling global secondary index")
"""What DynamoDB says to a query of an index that is missing, or that it is still building."""

KEY = "id"
EXPIRY = "expires_at"
"""The attribute by which DynamoDB deletes items: whole seconds since 1970. It may take days."""
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 2
ATTEMPTS = 3
CONFLICT_ATTEMPTS = 6
CONFLICT_SECONDS = 0.05
"""Longest wait after the first conflict of two transactions; it doubles with each."""


class ConditionFailed(Exception):
    """The condition did not hold; nothing was written.

    Attributes:
        found: what the table held instead, one for each item of the write; None where there was no
            item, or where it was not that item's condition which failed.
    """

    def __init__(self, *found: Item | None) -> None:
        super().__init__("the condition did not hold")
        self.found = found


class Table:
    """One table. It must exist already: `python -m pipeline.migrate` creates it.

    Args:
        name: the table's name.
        written: called with each item after it has been written, as the table has it then. It must
            not raise, and must not wait for long.
    """

    def __init__(self, name: str, written: Callable[[Item], None] = lambda _: None) -> None:
        self.name = name
        self._written = written
        self._lock = threading.Lock()
        self._made_in: int | None = None
        self._made: Any = None

    @property
    def _client(self) -> Any:
        """Made at first use and again after a fork: a client's sockets belong to one process."""
        with self._lock:
            if self._made_in != os.getpid():
                self._made, self._made_in = make_client(), os.getpid()
            return self._made

    def get(self, key: str) -> Item | None:
        """The item as it is now, all earlier writes included."""
        with _errors():
            answer = self._client.get_item(TableName=self.name, Key={KEY: key}, ConsistentRead=True)
        found: Item | None = answer.get("Item")
        return found

    def put_together(self, *puts: tuple[Item, ConditionBase]) -> None:
        """Write all of these items or none, each under its own condition. Raises ConditionFailed."""
        writes = [{"Put": self._put(item, condition)} for item, condition in puts]
        for attempt in range(CONFLICT_ATTEMPTS):
            try:
                with _errors():
                    self._client.transact_write_items(TransactItems=writes)
                for item, _ in puts:
                    self._written(item)
                return
            except _Cancelled as cancelled:
                if any(code == "ConditionalCheckFailed" for code, _ in cancelled.reasons):
                    raise ConditionFailed(*(item for _, item in cancelled.reasons)) from None
            time.sleep(random.uniform(0, CONFLICT_SECONDS * 2**attempt))  # noqa: S311
        raise JobStoreUnavailable

    def _put(self, item: Item, condition: ConditionBase) -> dict[str, Any]:
        built = ConditionExpressionBuilder().build_expression(condition)
        put = {
            "TableName": self.name,
            "Item": item,
            "ConditionExpression": built.condition_expression,
            "ExpressionAttributeNames": built.attribute_name_placeholders,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        values = built.attribute_value_placeholders
        return {**put, "ExpressionAttributeValues": values} if values else put

    def update(
        self,
        key: str,
        changes: Mapping[str, Any],
        condition: ConditionBase,
        add: Mapping[str, int] | None = None,
    ) -> Item:
        """Change one item if the condition holds, and return what it is now. If there is none and
        the condition allows that, it is made.

        Args:
            changes: what to set; None removes the attribute; `steps.parse` reaches into a map.
            add: what to count up, and by how much. A missing number counts as 0. Each write also
                counts `revision` up, so of two versions of an item the newer one is known.

        Raises:
            ConditionFailed: it did not hold.
        """
        write = uuid4().hex
        changes = {**changes, "write_id": write, "updated_at": moment()}
        add = {**(add or {}), "revision": 1}
        try:
            with _errors():
                answer = self._client.update_item(
                    TableName=self.name,
                    Key={KEY: key},
                    ConditionExpression=condition,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **_update(changes, add),
                )
        except ConditionFailed as failed:
            # An answer that got lost makes boto3 send the write again, and then our own first
            # write is what fails the condition. The item says whose write it saw last.
            found = failed.found[0]
            if found is not None and found.get("write_id") == write:
                self._written(found)
                return found
            raise
        item: Item = answer["Attributes"]
        self._written(item)
        return item

    def query(
        self,
        index: str,
        where: ConditionBase,
        *,
        limit: int,
        keep: ConditionBase | None = None,
        start: Item | None = None,
        newest_first: bool = False,
    ) -> tuple[list[Item], Item | None]:
        """Read from an index: up to `limit` items, of which those that fit `keep` are returned, and
        the place where to go on (None at the end). An index lags behind the table a little.

        Raises:
            JobStoreUnavailable: DynamoDB is away, or has not finished building the index.
        """
        more: dict[str, Any] = {"FilterExpression": keep} if keep else {}
        more |= {"ExclusiveStartKey": start} if start else {}
        with _errors():
            answer = self._client.query(
                TableName=self.name,
                IndexName=index,
                KeyConditionExpression=where,
                Limit=limit,
                ScanIndexForward=not newest_first,
                **more,
            )
        return answer["Items"], answer.get("LastEvaluatedKey")

    def count(
        self,
        index: str,
        where: ConditionBase,
        *,
        keep: ConditionBase | None = None,
        start: Item | None = None,
    ) -> tuple[int, Item | None]:
        """Count in an index, in one read of at most 1 MB: how many items fit `keep`, and the place
        where to go on (None at the end). The items themselves are not sent.

        Raises:
            JobStoreUnavailable: DynamoDB is away, or has not finished building the index.
        """
        more: dict[str, Any] = {"FilterExpression": keep} if keep else {}
        more |= {"ExclusiveStartKey": start} if start else {}
        with _errors():
            answer = self._client.query(
                TableName=self.name,
                IndexName=index,
                KeyConditionExpression=where,
                Select="COUNT",
                **more,
            )
        return int(answer["Count"]), answer.get("LastEvaluatedKey")


def exact(seconds: float) -> Decimal:
    """A time as the table keeps it: to the microsecond, which a float holds until the year 2100, and
    without zeros at the end, which DynamoDB trims: what is read is what was written.
    """
    return Decimal(f"{seconds:.6f}").normalize()


def moment(after: float = 0.0) -> Decimal:
    """The time `after` seconds from now, as the table keeps it: seconds since 1970 (UTC)."""
    return exact(time.time() + after)


def _update(changes: Mapping[str, Any], add: Mapping[str, int]) -> dict[str, Any]:
    """The arguments of `UpdateItem` that make these changes. Every name has a placeholder, because
    hundreds of words, `status` and `owner` among them, are reserved.
    """
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    parts: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": []}

    def path(name: str) -> str:
        for word in name.split("."):
            names[f"#u_{word}"] = word
        return ".".join(f"#u_{word}" for word in name.split("."))

    def value(new: Any) -> str:
        placeholder = f":u{len(values)}"
        values[placeholder] = new
        return placeholder

    for name, new in changes.items():
        if new is None:
            parts["REMOVE"].append(path(name))
        else:
            parts["SET"].append(f"{path(name)} = {value(new)}")
    for name, count in add.items():
        parts["ADD"].append(f"{path(name)} {value(count)}")
    return {
        "UpdateExpression": " ".join(f"{verb} {', '.join(p)}" for verb, p in parts.items() if p),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def make_client() -> Any:
    """A client that takes and gives Python values. Unlike a resource it may be used by threads."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=32,
    )
    return boto3.session.Session().resource("dynamodb", config=config).meta.client


class _Cancelled(Exception):
    def __init__(self, reasons: Sequence[tuple[str, Item | None]]) -> None:
        self.reasons = reasons


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed(_python(error.response.get("Item"))) from None
        if code == "TransactionCanceledException":
            reasons = error.response.get("CancellationReasons", [])
            raise _Cancelled(
                [(r.get("Code", ""), _python(r.get("Item"))) for r in reasons]
            ) from None
        if code == "ValidationException" and not _no_index_yet(error):
            raise  # a mistake in this program: waiting does not help
        raise JobStoreUnavailable from error
    except BotoCoreError as error:
        raise JobStoreUnavailable from error


def error_code(error: ClientError) -> str:
    """DynamoDB's name of the error, such as `ValidationException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _no_index_yet(error: ClientError) -> bool:
    """Whether a query failed because its index is missing or still being built."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    return error.operation_name == "Query" and any(words in message for words in INDEX_MISSING)


def _python(item: Mapping[str, Any] | None) -> Item | None:
    """An item of an error: boto3 leaves those in DynamoDB's own form."""
    if item is None:
        return None
    read = TypeDeserializer()
    return {name: read.deserialize(value) for name, value in item.items()}
