"""Two endpoints to compare with: one keeps nothing of an upload, one keeps it as safely as the pipeline."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from fastapi import FastAPI, UploadFile
from redis import Redis

TABLE = "bare"
LIST = "bare"

app = FastAPI()


@cache
def table() -> Any:
    """A table of its own, in the DynamoDB of the bench."""
    return boto3.resource("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@cache
def redis() -> Redis:
    """The broker of the bench."""
    return Redis.from_url(os.environ["REDIS_URL"])


@app.get("/health")
def health() -> dict[str, str]:
    """Say that it runs, with all clients made."""
    return {"status": "ok", "table": table().name, "redis": str(redis().ping())}


@app.post("/documents", status_code=202)
async def accept(file: UploadFile) -> dict[str, object]:
    """Read the whole file, and keep nothing of it: the least that a server needs."""
    return {"job_id": str(uuid4()), "bytes": len(await file.read())}


@app.post("/kept", status_code=202)
def keep(file: UploadFile) -> dict[str, object]:
    """Write the file and its folder through to the disk, a row to DynamoDB, and a message to Redis: the least
    that the pipeline's promises need.
    """
    job_id, folder = str(uuid4()), Path(os.environ["KEEP_IN"])
    with (folder / job_id).open("wb") as kept:
        size = kept.write(file.file.read())
        kept.flush()
        os.fsync(kept.fileno())
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    table().put_item(Item={"id": job_id, "status": "pending", "filename": file.filename})
    redis().lpush(LIST, job_id)
    return {"job_id": job_id, "bytes": size}
