"""Receives a document and stores it. Publishing is the work of `uploads.py`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import uuid4

from anyio import to_thread
from fastapi import Request
from pydantic import Field
from pydantic_settings import BaseSettings

from pipeline.api.checks import judged_type, within_limit
from pipeline.api.multipart import incoming_file
from pipeline.documents import DocumentRef, display_name, upload_key
from pipeline.storage import blob_store

DEFAULT_MAX_UPLOAD_BYTES = 25 * 1024 * 1024


class UploadSettings(BaseSettings):
    """Read from variables of the same name, upper case."""

    max_upload_bytes: int = Field(default=DEFAULT_MAX_UPLOAD_BYTES, gt=0)


@cache
def upload_settings() -> UploadSettings:
    """Return the settings of this process, which are read once."""
    return UploadSettings()


@dataclass(frozen=True)
class Copied:
    """The result of `copy`: how many bytes were copied, and the SHA-256 of them in hex."""

    size: int
    sha256: str


async def copy(chunks: AsyncIterable[bytes], file: BinaryIO) -> Copied:
    """Write each chunk to a file as it arrives, so only one is in memory. Given to students complete.

    Args:
        chunks: the bytes of the upload.
        file: an empty file. It is at its start afterwards.

    Returns:
        The size and the hash of what was written.
    """
    size, digest = 0, hashlib.sha256()
    async for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
        file.write(chunk)  # mostly into the kernel's memory, which is faster than a thread
    file.seek(0)
    return Copied(size, digest.hexdigest())


async def take_in(request: Request) -> DocumentRef:
    """Check the document in a request's body, and store it in the blob store.

    Args:
        request: a multipart request whose body has not been read yet.

    Returns:
        A reference to the stored document, with a new id.

    Raises:
        UploadTooLarge, UploadTimeout, MalformedUpload, EmptyUpload, UnsupportedContent: the upload is
            rejected, and nothing of it is stored.
        BlobStoreUnavailable: the document was not stored.
    """
    limit = upload_settings().max_upload_bytes
    upload = await incoming_file(request, limit)
    # The copy has no name on disk (Linux, macOS), so it disappears with the block or the process.
    with TemporaryFile() as file:
        # TODO 2.1:
        #   a) Pass `upload` through `within_limit` with `limit`, and write the chunks to `file`
        #      with `copy`. Never hold the whole upload in memory. `within_limit` has no effect
        #      before item 2.2.
        #   b) Determine the content type with `judged_type`, before you store anything. It gets
        #      `file` and `upload.filename`. Before item 2.2 it returns `TEXT` for every file.
        #   c) Store `file` with the method `put_stream` of `blob_store()`. Its key is `upload_key`
        #      of the hash that `copy` returned.
        #   d) Run `put_stream` and `judged_type` on a thread (`await to_thread.run_sync(function,
        #      …)`), because they block. `put_stream` may wait for a network.
        #   e) Return a `DocumentRef` with a new random UUID as its id, the key, the content type,
        #      and the file name cleaned by `display_name`.
        raise NotImplementedError("2.1")
