"""Takes a document in and stores it. It does not enqueue anything. Given."""

from __future__ import annotations

from tempfile import TemporaryFile
from uuid import uuid4

from anyio import to_thread
from fastapi import Request

from pipeline.api.checks import judged_type, within_limit
from pipeline.api.multipart import incoming_file
from pipeline.api.uploads import copy, upload_settings
from pipeline.documents import DocumentRef, display_name, upload_key
from pipeline.storage import blob_store


async def take_in(request: Request) -> DocumentRef:
    """Store the document in a request's body, and return a reference with a new id.

    The key is made of the content, so the same bytes are stored once, however often they come.

    Raises:
        PipelineError: what `POST /documents/upload` raises too.
    """
    limit = upload_settings().max_upload_bytes
    upload = await incoming_file(request, limit)
    with TemporaryFile() as file:
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
