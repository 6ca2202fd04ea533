"""Creates and alters a DynamoDB table. Only migrations call these functions. Given.

Every function can be called again, and then changes only what is missing. So it also works with a
table that another tool created, for example Terraform. It returns None if everything is done. Else
it returns a warning for the operator: a right is missing, or DynamoDB is still building an index.
Jobs still run then, and the warning says what does not work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, ParamSpec

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.models.errors import JobStoreUnavailable
from pipeline.models.settings import job_settings
from pipeline.models.table import EXPIRY, error_code, make_client

P = ParamSpec("P")

POLL_SECONDS = 0.5
DENIED = "AccessDeniedException"
MISSING = "ResourceNotFoundException"
IN_USE = "ResourceInUseException"
BUSY = frozenset({IN_USE, "LimitExceededException"})
"""The table is being changed already: DynamoDB builds one index at a time."""
PERMANENT = frozenset({DENIED, MISSING, "ValidationException"})


@cache
def _client() -> Any:
    return make_client()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error_code(error) in PERMANENT | BUSY:
            raise
        raise JobStoreUnavailable from error
    except BotoCoreError as error:
        raise JobStoreUnavailable from error


def _warns(change: Callable[P, str | None]) -> Callable[P, str | None]:
    """Turn the error of a missing right into a warning that names the right.

    Only the right to create a missing table is required, so its error is raised.
    """

    @wraps(change)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> str | None:
        try:
            with _errors():
                return change(*args, **kwargs)
        except ClientError as error:
            if error_code(error) != DENIED or error.operation_name == "CreateTable":
                raise
            right = f"dynamodb:{error.operation_name}"
            return f"the right {right} is missing. Grant it, and run this again"

    return guarded


def table_id(name: str) -> str:
    """Return DynamoDB's id of the table. A table that is deleted and created again has a new id.

    Returns "" if there is no table, or no right to read its description.
    """
    try:
        with _errors():
            return str(_client().describe_table(TableName=name)["Table"]["TableId"])
    except ClientError as error:
        if error_code(error) in {DENIED, MISSING}:
            return ""
        raise


@_warns
def create_table(name: str, definition: Mapping[str, Any]) -> str | None:
    """Create the table, or the indexes that an existing table lacks.

    Args:
        name: the table's name.
        definition: arguments of `CreateTable`, without the name.
    """
    try:
        _client().describe_table(TableName=name)
    except _client().exceptions.ResourceNotFoundException:
        try:
            _client().create_table(TableName=name, **definition)
        except _client().exceptions.ResourceInUseException:
            pass  # another process created it in the meantime
    if not _wait(lambda: _status(name) == "ACTIVE"):
        raise JobStoreUnavailable(f"The table {name} is still being created.")
    indexes = definition.get("GlobalSecondaryIndexes", [])
    return _add(name, definition["AttributeDefinitions"], indexes)


@_warns
def add_index(
    name: str, attributes: Sequence[Mapping[str, str]], index: Mapping[str, Any]
) -> str | None:
    """Add an index to a table that has items.

    Args:
        name: the table's name.
        attributes: the attributes of the index's keys, with their types.
        index: as in `CreateTable`.
    """
    return _add(name, attributes, [index])


def _add(
    name: str, attributes: Sequence[Mapping[str, str]], indexes: Sequence[Mapping[str, Any]]
) -> str | None:
    """Add the missing ones of these indexes, one after the other."""
    for index in indexes:
        index_name = index["IndexName"]
        if index_name not in _indexes(name):
            _add_one(name, attributes, index)
        if not _wait(lambda: _indexes(name).get(index_name) == "ACTIVE"):  # noqa: B023
            return (
                f"the index {index_name} is still being built. Requests that read it get 503 until "
                "it is ready. Run this again then"
            )
    return None


def _add_one(name: str, attributes: Sequence[Mapping[str, str]], index: Mapping[str, Any]) -> None:
    used = {key["AttributeName"] for key in index["KeySchema"]}
    try:
        _client().update_table(
            TableName=name,
            AttributeDefinitions=[one for one in attributes if one["AttributeName"] in used],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )
    except ClientError as error:
        if error_code(error) not in BUSY:
            raise


@_warns
def enable_expiry(name: str) -> str | None:
    """Enable TTL, so that DynamoDB deletes the items whose time in `EXPIRY` is over."""
    found = _client().describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    attribute = found.get("AttributeName", EXPIRY)
    if attribute != EXPIRY:
        return f"items expire by the attribute {attribute} and not by {EXPIRY}. Change that"
    if found["TimeToLiveStatus"] == "DISABLED":
        _client().update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY},
        )
    return None


def _status(name: str) -> str:
    return str(_client().describe_table(TableName=name)["Table"]["TableStatus"])


def _indexes(name: str) -> dict[str, str]:
    """Return the status of each index of the table."""
    found = _client().describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [])
    return {index["IndexName"]: index["IndexStatus"] for index in found}


def _wait(ready: Callable[[], bool]) -> bool:
    """Wait up to `store_wait_seconds`, and return whether `ready` was true in this time."""
    deadline = time.monotonic() + job_settings().store_wait_seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
