"""The blob store, which keeps documents outside of the queue. Given to students complete.

`BLOB_STORE_URL` chooses one of two stores with the same methods: a folder (`file:///folder`) or S3
(`s3://bucket/prefix`, through boto3). All methods block, so call them from a worker, or on a thread of
the API.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from pydantic_settings import BaseSettings

from pipeline.errors import BlobNotFound, BlobStoreUnavailable, BlobTooLarge, InvalidBlobKey

PARTIAL = ".partial"
CHUNK_BYTES = 1024 * 1024
"""How many bytes of a blob are in memory at a time."""
MAX_KEY_LENGTH = 512
MAX_SEGMENT_LENGTH = 200
MAX_READ_BYTES = 64 * 1024 * 1024
"""The largest blob that `read` returns by default, in bytes."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class BlobInfo:
    """The key, size and hash of a stored blob."""

    key: str
    size: int
    """In bytes."""
    sha256: str
    """The SHA-256 of the content, in hex."""


class BlobStore(Protocol):
    """A store of bytes under keys such as `uploads/3f…`.

    Every method raises `InvalidBlobKey` for a key that `check_key` rejects, and
    `BlobStoreUnavailable` if the store cannot be reached.
    """

    def put_stream(self, key: str, stream: BinaryIO, limit: int | None = None) -> BlobInfo:
        """Store everything from the current position of `stream` to its end.

        The blob appears when it is complete, so no reader ever gets a part of it.

        Args:
            key: the key of the blob. An older blob under this key is replaced.
            stream: a file that is open for reading.
            limit: the largest number of bytes that is stored. None means no limit.

        Returns:
            The size and the hash of the blob.

        Raises:
            BlobTooLarge: the stream has more than `limit` bytes. Nothing is stored.
        """
        ...

    def put(self, key: str, data: bytes) -> BlobInfo:
        """Store `data` as one blob."""
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open a blob to read it piece by piece.

        Example: `with store.open(key) as blob: blob.read(CHUNK_BYTES)`.

        Raises:
            BlobNotFound: no blob has this key.
        """
        ...

    def read(self, key: str, limit: int = MAX_READ_BYTES) -> bytes:
        """Return the whole blob.

        Raises:
            BlobNotFound: no blob has this key.
            BlobTooLarge: the blob has more than `limit` bytes.
        """
        ...

    def size(self, key: str) -> int:
        """Return how many bytes the blob has. Raises `BlobNotFound`."""
        ...

    def exists(self, key: str) -> bool:
        """Return whether a blob has this key."""
        ...

    def delete(self, key: str) -> None:
        """Delete the blob. It is no error if no blob has this key."""
        ...

    def modified(self, key: str) -> float:
        """Return when the blob was stored last, in seconds since 1970. Raises `BlobNotFound`."""
        ...

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield the keys that start with `prefix` and are greater than `after`, sorted."""
        ...


def check_key(key: str) -> str:
    """Return the key if it is safe as a path and as an S3 key.

    A safe key has segments of letters, digits, `.`, `_` and `-`, separated by `/`. No segment starts
    with a dot, so `..`, an absolute path and a hidden file are impossible.

    Raises:
        InvalidBlobKey: the key is not safe.
    """
    segments = key.split("/")
    if len(key) > MAX_KEY_LENGTH or not all(
        len(one) <= MAX_SEGMENT_LENGTH and _SEGMENT.fullmatch(one) for one in segments
    ):
        raise InvalidBlobKey
    return key


class Measured(io.RawIOBase):
    """A stream that counts and hashes the bytes that are read from it, up to a limit."""

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


def read_limited(store: BlobStore, key: str, limit: int) -> bytes:
    with store.open(key) as blob:
        data = blob.read(limit + 1)
    if len(data) > limit:
        raise BlobTooLarge
    return data


class LocalBlobStore:
    """A blob store in a folder, which is created with the first blob.

    A blob is first written to `.partial/`, which no valid key can name, and then renamed. Within one
    file system a rename is atomic.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_stream(self, key: str, stream: BinaryIO, limit: int | None = None) -> BlobInfo:
        target = self._path(key)
        measured = Measured(stream, limit)
        with _local_errors():
            partial = self.folder / PARTIAL
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
        with _local_errors():
            file = self._path(key).open("rb")
        with file:  # outside of `_local_errors`: an error of the reader must not be renamed
            yield file

    def read(self, key: str, limit: int = MAX_READ_BYTES) -> bytes:
        return read_limited(self, key, limit)

    def size(self, key: str) -> int:
        with _local_errors():
            return self._path(key).stat().st_size

    def exists(self, key: str) -> bool:
        with _local_errors():
            return self._path(key).is_file()

    def delete(self, key: str) -> None:
        with _local_errors():
            self._path(key).unlink(missing_ok=True)

    def modified(self, key: str) -> float:
        with _local_errors():
            return self._path(key).stat().st_mtime

    def list(self, prefix: str = "", after: str = "") -> Iterator[str]:
        with _local_errors():
            files = [path for path in self.folder.rglob("*") if path.is_file()]
        keys = (path.relative_to(self.folder).as_posix() for path in files)
        yield from sorted(
            key
            for key in keys
            if key.startswith(prefix) and key > after and not key.startswith(f"{PARTIAL}/")
        )

    def _path(self, key: str) -> Path:
        return self.folder / check_key(key)


@contextmanager
def _local_errors() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BlobNotFound from error
    except OSError as error:  # full disk, lost mount, no permission
        raise BlobStoreUnavailable from error


def _sync_folder(folder: Path) -> None:
    """Write a rename to disk, so that it survives a power failure. The name is stored in the folder."""
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
    """Return the blob store at an address.

    Raises:
        ValueError: the address is neither `file:///folder` nor `s3://bucket/prefix`.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return LocalBlobStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from pipeline.storage_s3 import S3BlobStore  # boto3 is slow to import, so only if needed

        return S3BlobStore(parts.netloc, parts.path)
    raise ValueError(f"BLOB_STORE_URL is {url!r}: use file:///folder or s3://bucket/prefix")


@cache
def blob_store() -> BlobStore:
    """Return the blob store of this process, which `BLOB_STORE_URL` chooses."""
    return blob_store_at(StorageSettings().blob_store_url)  # type: ignore[call-arg]
