"""Reads and writes the items of a DynamoDB table. Given.

`pipeline.models.schema` creates the table before anything here runs.

Numbers come back as `Decimal`. A condition is one of boto3: `Attr("status").eq("pending") & …`. Each
call blocks, for seconds at most, and raises `JobStoreUnavailable` if DynamoDB cannot be reached.
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
from boto3.dynamodb.conditions import Attr, ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.update_expression import update_expression

Item = dict[str, Any]

INDEX_MISSING = ("does not have the specified index", "backfilling global secondary index")
"""Parts of DynamoDB's error message for a query of an index that is missing or not built yet."""

KEY = "id"
ALWAYS = Attr(KEY).exists() | Attr(KEY).not_exists()
"""A condition that always holds. After such a write, the last writer is right."""
EXPIRY = "expires_at"
"""The attribute by which DynamoDB deletes items: whole seconds since 1970. It may take days."""
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 2
ATTEMPTS = 3
CONFLICT_ATTEMPTS = 6
CONFLICT_SECONDS = 0.05
"""The longest delay after the first conflict of two transactions. It doubles with each conflict."""


class ConditionFailed(Exception):
    """The condition of a write did not hold, so nothing was written.

    Attributes:
        found: for each item of the write, the stored item whose condition failed. None if there
            was no such item, or if the condition of another item failed.
    """

    def __init__(self, *found: Item | None) -> None:
        super().__init__("the condition did not hold")
        self.found = found


class Table:
    """One table. `python -m pipeline.migrate` must have created it.

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
        """The client of this process. Made again after a fork: processes cannot share sockets."""
        with self._lock:
            if self._made_in != os.getpid():
                self._made, self._made_in = make_client(), os.getpid()
            return self._made

    def get(self, key: str) -> Item | None:
        """Return the item with this key, with all earlier writes. None: there is no such item."""
        with _errors():
            answer = self._client.get_item(TableName=self.name, Key={KEY: key}, ConsistentRead=True)
        found: Item | None = answer.get("Item")
        return found

    def put_together(self, *puts: tuple[Item, ConditionBase]) -> None:
        """Write all items in one transaction, or none of them.

        Args:
            puts: pairs of an item and the condition under which it is written.

        Raises:
            ConditionFailed: at least one condition did not hold. `found` has the order of `puts`.
        """
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
        """Change one item with one conditional write.

        If no item has this key and the condition allows that, the item is created.

        Args:
            key: the key of the item.
            changes: the new values by attribute. None removes an attribute. A name with a dot,
                such as `steps.parse`, sets one entry of a map and keeps the others.
            condition: DynamoDB checks it in the same moment, and writes only if it holds.
            add: numbers to add, by attribute. A missing attribute counts as 0. Each write also adds
                1 to `revision`, so that of two versions of an item the newer one is known.

        Returns:
            The whole item as it is after the write.

        Raises:
            ConditionFailed: the condition did not hold. `found[0]` is the stored item, or None.
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
                    **update_expression(changes, add),
                )
        except ConditionFailed as failed:
            # If a response is lost, boto3 sends the write again, and our own first write makes the
            # condition fail. `write_id` says whose write was the last one.
            found = failed.found[0]
            if found is not None and found.get("write_id") == write:
                self._written(found)
                return found
            raise
        item: Item = answer["Attributes"]
        self._written(item)
        return item

    def delete(self, key: str, condition: ConditionBase) -> None:
        """Delete one item. It is no error if no item has this key and the condition allows that.

        Raises:
            ConditionFailed: the condition did not hold, so the item is still there.
        """
        with _errors():
            self._client.delete_item(
                TableName=self.name, Key={KEY: key}, ConditionExpression=condition
            )

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
        """Read items from an index. An index is updated a moment after the table.

        Args:
            index: the name of the index.
            where: the condition on the keys of the index.
            limit: how many items are read at most, before the filter `keep`.
            keep: only items that fit this condition are returned.
            start: the place where an earlier query stopped. None: the beginning.
            newest_first: read in descending order of the sort key.

        Returns:
            The items that fit `keep`, and the place where the next query goes on, None at the end.
            The list can be short or empty although more items follow.

        Raises:
            JobStoreUnavailable: DynamoDB cannot be reached, or has not finished building the index.
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
    """Return a time in the form that the table stores: a decimal number with microseconds.

    DynamoDB removes zeros at the end, so they are removed here too. A float is exact to the
    microsecond until the year 2100.
    """
    return Decimal(f"{seconds:.6f}").normalize()


def moment(after: float = 0.0) -> Decimal:
    """Return the time `after` seconds from now, as the table stores it: in seconds since 1970."""
    return exact(time.time() + after)


def make_client() -> Any:
    """Make a client that takes and returns Python values. Unlike a resource, it is thread-safe."""
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
            raise  # a mistake in this program, so a retry does not help
        raise JobStoreUnavailable from error
    except BotoCoreError as error:
        raise JobStoreUnavailable from error


def error_code(error: ClientError) -> str:
    """Return DynamoDB's name of the error, such as `ValidationException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _no_index_yet(error: ClientError) -> bool:
    """Whether a query failed because its index is missing or still being built."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    return error.operation_name == "Query" and any(words in message for words in INDEX_MISSING)


def _python(item: Mapping[str, Any] | None) -> Item | None:
    """Convert the item of an error, which boto3 leaves in DynamoDB's own form."""
    if item is None:
        return None
    read = TypeDeserializer()
    return {name: read.deserialize(value) for name, value in item.items()}
