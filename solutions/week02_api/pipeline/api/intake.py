"""Takes a document in and stores it. It does not enqueue anything."""

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
    """The settings of this process, read once."""
    return UploadSettings()


@dataclass(frozen=True)
class Copied:
    """What came through."""

    size: int
    sha256: str


async def copy(chunks: AsyncIterable[bytes], file: BinaryIO) -> Copied:
    """Write `chunks` to `file` as they come: one of them is in memory at a time. Given."""
    size, digest = 0, hashlib.sha256()
    async for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
        file.write(chunk)  # to a local file, mostly to the kernel's memory: shorter than a thread
    file.seek(0)
    return Copied(size, digest.hexdigest())


async def take_in(request: Request) -> DocumentRef:
    """Store the document in a request's body, and return a reference with a new id.

    Raises:
        UploadTooLarge, UploadTimeout, MalformedUpload, EmptyUpload, UnsupportedContent: the client
            must send something else.
        BlobStoreUnavailable: the document was not stored.
    """
    limit = upload_settings().max_upload_bytes
    upload = await incoming_file(request, limit)
    # The copy has no name on disk (Linux, macOS): it is gone with the block, or with the process.
    with TemporaryFile() as file:
        # BEGIN SOLUTION 2.1
        # ? Take the upload in chunk by chunk (`copy`), never whole. Store it in the blob store under
        # ? the key that its content gives (`upload_key`), and return a reference with a new id. What
        # ? blocks for long runs on a thread. Clean the name (`display_name`).
        # ? Call `within_limit` and `judged_type` (2.2) from the start: while they are unwritten, they
        # ? let everything through.
        copied = await copy(within_limit(upload, limit), file)
        content_type = await to_thread.run_sync(judged_type, file, upload.filename)
        key = upload_key(copied.sha256)
        await to_thread.run_sync(blob_store().put_stream, key, file)
        return DocumentRef(
            document_id=str(uuid4()),
            blob_key=key,
            filename=display_name(upload.filename),
            content_type=content_type,
        )
        # END SOLUTION
