"""Saves and loads the jobs table and the blobs, as streams: `python ops/stores.py save-table > jobs.jsonl`.

It runs with the pipeline's code and settings on its path: in the service `backup` of Compose, or on the local
stack. A saved table has a line for each item, `{"Item": {…}}` with DynamoDB's types. This is the format
of DynamoDB's own exports to S3, so its import reads the file, too. Saved blobs are a tar archive.

Loading makes the store equal to the stream: what is stored beside it is deleted. A table must exist already
(`python -m pipeline.migrate`), because the migrations know its indexes.
"""

from __future__ import annotations

import base64
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

import boto3
from botocore.exceptions import ClientError

from pipeline.errors import BlobNotFound
from pipeline.models.settings import job_settings
from pipeline.storage import blob_store

KEY = "id"
BATCH = 25
"""How many writes DynamoDB takes in one request."""
ROUNDS = 10
"""How often a request is repeated for items that DynamoDB was too busy to write."""
PAUSE_SECONDS = 0.1
SPOOL_BYTES = 16 * 1024 * 1024
"""A blob up to this size is copied in memory, a larger one through a temporary file."""

Item = dict[str, Any]


class Busy(Exception):
    """DynamoDB did not write all items, although it was asked several times."""


def items() -> Iterator[Item]:
    """Yield every item of the table in DynamoDB's typed form, with all writes before this moment."""
    pages = _client().get_paginator("scan").paginate(TableName=_table(), ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def save_table(out: BinaryIO) -> int:
    """Write all items to `out`, one in a line, and return their number."""
    count = 0
    for count, item in enumerate(items(), start=1):  # noqa: B007
        line = json.dumps({"Item": item}, default=_text, separators=(",", ":"), sort_keys=True)
        out.write(line.encode() + b"\n")
    return count


def load_table(source: BinaryIO) -> int:
    """Replace all items of the table with those of `source`, and return their number.

    Raises:
        Busy: DynamoDB has not written all of them. Run it again.
    """
    old = [{"DeleteRequest": {"Key": {KEY: item[KEY]}}} for item in items()]
    _write(old)
    count = 0

    def puts() -> Iterator[Item]:
        nonlocal count
        for count, line in enumerate(source, start=1):  # noqa: B007
            yield {"PutRequest": {"Item": _typed(json.loads(line)["Item"])}}

    _write(puts())
    return count


def save_blobs(out: BinaryIO) -> int:
    """Write all blobs to `out` as a tar archive, and return their number."""
    store, count = blob_store(), 0
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for key in store.list():
            with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as copy:
                try:
                    with store.open(key) as blob:
                        while data := blob.read(1024 * 1024):
                            copy.write(data)
                except BlobNotFound:  # its document was deleted meanwhile
                    continue
                entry = tarfile.TarInfo(key)
                entry.size = copy.tell()
                copy.seek(0)
                archive.addfile(entry, copy)
            count += 1
    return count


def load_blobs(source: BinaryIO) -> int:
    """Store all blobs of `source`, delete all others, and return the number of those that are stored."""
    store, kept = blob_store(), set[str]()
    with tarfile.open(fileobj=source, mode="r|") as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if content is not None:
                store.put_stream(
                    entry.name, cast(BinaryIO, content)
                )  # it refuses a key that is not safe
                kept.add(entry.name)
    for key in list(store.list()):
        if key not in kept:
            store.delete(key)
    return len(kept)


def _write(requests: Iterable[Item]) -> None:
    batch: list[Item] = []
    for request in requests:
        batch.append(request)
        if len(batch) == BATCH:
            _write_batch(batch)
            batch = []
    if batch:
        _write_batch(batch)


def _write_batch(batch: list[Item]) -> None:
    for attempt in range(ROUNDS):
        answer = _client().batch_write_item(RequestItems={_table(): batch})
        batch = answer.get("UnprocessedItems", {}).get(_table(), [])
        if not batch:
            return
        time.sleep(PAUSE_SECONDS * 2**attempt)
    raise Busy(f"{len(batch)} items are not written")


def _client() -> Any:
    return boto3.client("dynamodb")


def _table() -> str:
    return job_settings().jobs_table


def _text(value: object) -> str:
    """Encode bytes as DynamoDB's own JSON does."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no type of DynamoDB")


def _typed(value: Any) -> Any:
    """Decode the bytes in an item, or in a value of it: `{"B": "…"}` and `{"BS": ["…"]}`."""
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and isinstance(value.get("B"), str):
        return {"B": base64.b64decode(value["B"])}
    if len(value) == 1 and isinstance(value.get("BS"), list):
        return {"BS": [base64.b64decode(one) for one in value["BS"]]}
    return {name: _typed(one) for name, one in value.items()}


COMMANDS = {
    "save-table": lambda: save_table(sys.stdout.buffer),
    "load-table": lambda: load_table(sys.stdin.buffer),
    "save-blobs": lambda: save_blobs(sys.stdout.buffer),
    "load-blobs": lambda: load_blobs(sys.stdin.buffer),
}


def main() -> None:
    """Run one command, and write to stderr how many items or blobs it has saved or loaded."""
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python ops/stores.py {'|'.join(COMMANDS)}")
    try:
        count = COMMANDS[sys.argv[1]]()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
            raise
        sys.exit(f"There is no table {_table()}. `python -m pipeline.migrate` creates it.")
    print(count, file=sys.stderr)


if __name__ == "__main__":
    main()
