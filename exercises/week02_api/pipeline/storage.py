"""The blob store: where documents are kept, apart from the queue.

Given to students complete. `BLOB_STORE_URL` chooses one of two with the same methods: a folder
(`file:///folder`) or S3 (`s3://bucket/prefix`, through boto3). All methods block: call them from a
worker, or from a thread of the API.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic_settings import BaseSettings

from pipeline.errors import BlobNotFound, BlobStoreUnavailable, BlobTooLarge, InvalidBlobKey

CHUNK_BYTES = 1024 * 1024
"""How much of a blob is in memory at a time."""
MAX_KEY_LENGTH = 512
MAX_SEGMENT_LENGTH = 200
MAX_READ_BYTES = 64 * 1024 * 1024
"""Most that `read` takes into memory at once, unless told otherwise."""
CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 10
S3_ATTEMPTS = 2

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True)
class BlobInfo:
    """What was stored."""

    key: str
    size: int
    """Bytes."""
    sha256: str
    """Of the content, in hex."""


class BlobStore(Protocol):
    """Keeps bytes under keys such as `uploads/3f…`.

    Every method raises `InvalidBlobKey` for a key that `check_key` refuses and
    `BlobStoreUnavailable` when the store cannot be reached.
    """

    def put_stream(self, key: str, stream: BinaryIO, limit: int | None = None) -> BlobInfo:
        """Store what `stream` gives, all or nothing: no reader ever sees half a blob.

        Raises:
            BlobTooLarge: there are more than `limit` bytes; nothing is stored.
        """
        ...

    def put(self, key: str, data: bytes) -> BlobInfo:
        """Store `data`, all or nothing."""
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Read a blob piece by piece: `with store.open(key) as blob: blob.read(CHUNK_BYTES)`.

        Raises:
            BlobNotFound: there is none.
        """
        ...

    def read(self, key: str, limit: int = MAX_READ_BYTES) -> bytes:
        """The whole blob.

        Raises:
            BlobNotFound: there is none.
            BlobTooLarge: it has more than `limit` bytes.
        """
        ...

    def size(self, key: str) -> int:
        """How many bytes the blob has. Raises `BlobNotFound`."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is a blob."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob. One that is gone already is no error."""
        ...

    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys that start with `prefix`, sorted."""
        ...


def check_key(key: str) -> str:
    """The key itself, if it is safe as a path and as an S3 key.

    Letters, digits, `.`, `_` and `-`, in segments split by `/`. No segment starts with a dot, so
    neither `..` nor an absolute path nor a hidden file can be written.

    Raises:
        InvalidBlobKey: it is anything else.
    """
    segments = key.split("/")
    if len(key) > MAX_KEY_LENGTH or not all(
        len(one) <= MAX_SEGMENT_LENGTH and _SEGMENT.fullmatch(one) for one in segments
    ):
        raise InvalidBlobKey
    return key


class _Measured(io.RawIOBase):
    """A stream that counts and hashes what is read from it, and stops at a limit."""

    def __init__(self, stream: BinaryIO, limit: int | None) -> None:
        self._stream = stream
        self._limit = limit
        self._digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(CHUNK_BYTES if size < 0 and self._limit is not None else size)
        self._digest.update(data)
        self.size += len(data)
        if self._limit is not None and self.size > self._limit:
            raise BlobTooLarge
        return data

    def info(self, key: str) -> BlobInfo:
        return BlobInfo(key, self.size, self._digest.hexdigest())


def _read_limited(store: BlobStore, key: str, limit: int) -> bytes:
    with store.open(key) as blob:
        data = blob.read(limit + 1)
    if len(data) > limit:
        raise BlobTooLarge
    return data


class LocalBlobStore:
    """Blobs as files in a folder, which is made when the first blob comes.

    A blob is written to `.partial/` and renamed: `rename` within one file system is atomic.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_stream(self, key: str, stream: BinaryIO, limit: int | None = None) -> BlobInfo:
        target = self._path(key)
        measured = _Measured(stream, limit)
        with _local_errors():
            partial = self.folder / ".partial"
            partial.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=partial)
            try:
                with os.fdopen(handle, "wb") as file:
                    while chunk := measured.read(CHUNK_BYTES):
                        file.write(chunk)
                    file.flush()
                    os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                Path(name).replace(target)
                _sync_folder(target.parent)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        return measured.info(key)

    def put(self, key: str, data: bytes) -> BlobInfo:
        return self.put_stream(key, io.BytesIO(data))

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with _local_errors(), self._path(key).open("rb") as file:
            yield file

    def read(self, key: str, limit: int = MAX_READ_BYTES) -> bytes:
        return _read_limited(self, key, limit)

    def size(self, key: str) -> int:
        with _local_errors():
            return self._path(key).stat().st_size

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        with _local_errors():
            self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        keys = (path.relative_to(self.folder).as_posix() for path in files)
        yield from sorted(
            key for key in keys if key.startswith(prefix) and not key.startswith(".partial/")
        )

    def _path(self, key: str) -> Path:
        return self.folder / check_key(key)


class S3BlobStore:
    """Blobs as S3 objects. boto3 reads address and credentials from the environment.

    An S3 object appears when its upload is complete, so a put is all or nothing by itself.
    """

    # Threads would each hold a part in memory.
    _TRANSFER = TransferConfig(use_threads=False)

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._lock = threading.Lock()
        self._made_in: int | None = None
        self._made: Any = None

    @property
    def _client(self) -> Any:
        """Made at first use and again after a fork: a client's sockets belong to one process."""
        with self._lock:
            if self._made_in != os.getpid():
                self._made, self._made_in = _s3_client(), os.getpid()
            return self._made

    def put_stream(self, key: str, stream: BinaryIO, limit: int | None = None) -> BlobInfo:
        measured = _Measured(stream, limit)
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
        return _read_limited(self, key, limit)

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

    def list(self, prefix: str = "") -> Iterator[str]:
        with _s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}{prefix}"
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield str(item["Key"]).removeprefix(self.prefix)

    def _name(self, key: str) -> str:
        return f"{self.prefix}{check_key(key)}"


def _s3_client() -> Any:
    # A server of one's own seldom has a DNS name per bucket: put the bucket in the path.
    style = "path" if os.environ.get("AWS_ENDPOINT_URL") else "auto"
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": S3_ATTEMPTS},
        s3={"addressing_style": style},
    )
    return boto3.session.Session().client("s3", config=config)


@contextmanager
def _local_errors() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BlobNotFound from error
    except OSError as error:  # full disk, lost mount, no permission
        raise BlobStoreUnavailable from error


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


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut: the new name is in the folder, not in the file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class StorageSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    blob_store_url: str
    """`file:///folder` or `s3://bucket/prefix`."""


def blob_store_at(url: str) -> BlobStore:
    """The blob store at an address.

    Raises:
        ValueError: the address is neither `file:///folder` nor `s3://bucket/prefix`.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return LocalBlobStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return S3BlobStore(parts.netloc, parts.path)
    raise ValueError(f"BLOB_STORE_URL is {url!r}: use file:///folder or s3://bucket/prefix")


@cache
def blob_store() -> BlobStore:
    """The blob store of this process, chosen by `BLOB_STORE_URL`."""
    return blob_store_at(StorageSettings().blob_store_url)  # type: ignore[call-arg]
