"""The blob store on S3, through boto3. Given to students complete. `pipeline.storage` chooses it."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import BlobNotFound, BlobStoreUnavailable
from pipeline.storage import MAX_READ_BYTES, BlobInfo, Measured, check_key, read_limited

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 10
ATTEMPTS = 2

_MISSING = {"404", "NoSuchKey", "NotFound"}


class S3BlobStore:
    """A blob store of S3 objects. boto3 reads the address and the credentials from the environment.

    An S3 object appears when its upload is complete, so no reader gets a part of it.
    """

    # Each thread would keep a part of the blob in memory.
    _TRANSFER = TransferConfig(use_threads=False)

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._lock = threading.Lock()
        self._made_in: int | None = None
        self._made: Any = None

    @property
    def _client(self) -> Any:
        """Return the client of this process. A client's sockets must not be used after a fork."""
        with self._lock:
            if self._made_in != os.getpid():
                self._made, self._made_in = _s3_client(), os.getpid()
            return self._made

    def put_stream(self, key: str, stream: BinaryIO, limit: int | None = None) -> BlobInfo:
        measured = Measured(stream, limit)
        name = self._name(key)
        with _s3_errors():
            self._client.upload_fileobj(measured, self.bucket, name, Config=self._TRANSFER)
        return measured.info(key)

    def put(self, key: str, data: bytes) -> BlobInfo:
        return self.put_stream(key, io.BytesIO(data))

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        name = self._name(key)
        with _s3_errors():
            body = self._client.get_object(Bucket=self.bucket, Key=name)["Body"]
            try:
                yield body
            finally:
                body.close()

    def read(self, key: str, limit: int = MAX_READ_BYTES) -> bytes:
        return read_limited(self, key, limit)

    def size(self, key: str) -> int:
        name = self._name(key)
        with _s3_errors():
            return int(self._client.head_object(Bucket=self.bucket, Key=name)["ContentLength"])

    def exists(self, key: str) -> bool:
        with suppress(BlobNotFound):
            self.size(key)
            return True
        return False

    def delete(self, key: str) -> None:
        name = self._name(key)
        with _s3_errors():
            self._client.delete_object(Bucket=self.bucket, Key=name)

    def modified(self, key: str) -> float:
        name = self._name(key)
        with _s3_errors():
            stored = self._client.head_object(Bucket=self.bucket, Key=name)["LastModified"]
        return float(stored.timestamp())

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        start = {"StartAfter": f"{self.prefix}{after}"} if after else {}
        with _s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}{prefix}", **start
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield str(item["Key"]).removeprefix(self.prefix)

    def _name(self, key: str) -> str:
        return f"{self.prefix}{check_key(key)}"


def _s3_client() -> Any:
    # A private server seldom has a DNS name for each bucket, so the bucket is part of the path.
    style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "auto"
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        s3={"addressing_style": style},
    )
    return boto3.session.Session().client("s3", config=config)


@contextmanager
def _s3_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _MISSING:
            raise BlobNotFound from error
        raise BlobStoreUnavailable from error
    except (BotoCoreError, Boto3Error) as error:
        raise BlobStoreUnavailable from error
