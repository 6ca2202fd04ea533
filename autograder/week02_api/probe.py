"""Runs in the student's process: calls the student's functions, and notes what they do.

This file is sent as text, so it imports nothing of the grader's. Every function puts back what it has
replaced. Each note is a short list, such as `["stored", key, on_loop]`.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

BOUNDARY = "probe-7MA4YWxkTrZu0gW"
PIECE_BYTES = 16 * 1024
LATER_SECONDS = 0.2
Notes = list[list[Any]]


def on_loop() -> bool:
    """Return whether this code runs on an event loop, and not on a thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def scope(filename: str) -> dict[str, Any]:
    """Return the ASGI scope of an upload."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/documents/upload",
        "raw_path": b"/documents/upload",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"grader"),
            (b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "app": importlib.import_module("pipeline.api.app").app,
    }


def receiving(content: bytes, filename: str) -> Callable[[], Any]:
    """Return an ASGI `receive` that sends a file in pieces."""
    disposition = f'form-data; name="file"; filename="{filename}"'
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    body = head + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    pieces = [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)]

    async def receive() -> dict[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    return receive


@contextmanager
def replaced(name: str, value: Any) -> Iterator[None]:
    """Replace a function of `pipeline.api.checks`, also where `intake` has imported it."""
    with ExitStack() as stack:
        for module in ("pipeline.api.checks", "pipeline.api.intake"):
            if hasattr(found := importlib.import_module(module), name):
                stack.enter_context(patch.object(found, name, value))
        yield


def take_in(
    content: bytes, filename: str, kind: str, limit: int, rejects: bool = False
) -> dict[str, Any]:
    """Run `take_in` on an upload. `judged_type` returns `kind`, or rejects the upload.

    Returns:
        The notes, and the document or the name of the error.
    """
    notes: Notes = []
    errors = importlib.import_module("pipeline.errors")
    store = importlib.import_module("pipeline.storage").LocalBlobStore
    put_stream = store.put_stream

    async def within_limit(chunks: Any, limit: int) -> AsyncIterator[bytes]:
        passed = 0
        async for chunk in chunks:
            passed += len(chunk)
            yield chunk
        notes.append(["limited", limit, passed])

    def judged_type(file: Any, filename: str) -> str:
        notes.append(["judged", filename, on_loop()])
        if rejects:
            raise errors.UnsupportedContent
        return kind

    def put(self: Any, key: str, stream: Any, limit: int | None = None) -> Any:
        notes.append(["stored", key, on_loop()])
        return put_stream(self, key, stream, limit)

    async def run() -> Any:
        intake = importlib.import_module("pipeline.api.intake")
        settings = intake.UploadSettings(max_upload_bytes=limit)
        stack.enter_context(patch.object(intake, "upload_settings", lambda: settings))
        request = importlib.import_module("fastapi").Request(
            scope(filename), receiving(content, filename)
        )
        return await intake.take_in(request)

    with ExitStack() as stack:
        stack.enter_context(replaced("within_limit", within_limit))
        stack.enter_context(replaced("judged_type", judged_type))
        stack.enter_context(patch.object(store, "put_stream", put))
        try:
            return {"notes": notes, "document": asyncio.run(run())}
        except errors.PipelineError as error:
            return {"notes": notes, "error": type(error).__name__}


_accepted: Notes = []
_refusing: list[bool] = []


async def accept(document: Any, owner: str, key: str | None = None) -> Any:
    """Stand in for the function that `SUBMIT` in `pipeline.wiring` names."""
    _accepted.append(["called", document.document_id, owner, key])
    await asyncio.sleep(0.05)
    if any(_refusing):
        raise importlib.import_module("pipeline.errors").BrokerUnavailable
    _accepted.append(["accepted"])
    return importlib.import_module("pipeline.submission").Accepted(document)


def upload(content: bytes, owner: str, refuses: bool = False) -> dict[str, Any]:
    """Send an upload of `owner` to the API in this process, while `accept` accepts documents.

    Returns:
        The notes of `accept` before the response and at the end, and the status, headers and body.
    """
    _refusing[:] = [refuses]
    _accepted.clear()
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append({**message, "notes": list(_accepted)})

    async def run() -> None:
        importlib.import_module("pipeline.owners").OWNER.set(owner)
        asked = scope("a.txt")
        await asked["app"](asked, receiving(content, "a.txt"), send)
        await asyncio.sleep(LATER_SECONDS)  # for what runs in the background

    wiring = importlib.import_module("pipeline.wiring")
    with patch.object(wiring, "SUBMIT", f"{__name__}:accept"):
        asyncio.run(run())
    start = next(one for one in sent if one["type"] == "http.response.start")
    return {
        "notes": start["notes"],
        "later": list(_accepted),
        "status": start["status"],
        "headers": {name.decode(): value.decode() for name, value in start["headers"]},
        "body": b"".join(one.get("body", b"") for one in sent).decode(),
    }


def enqueue(document_id: str) -> list[dict[str, Any]]:
    """Run `enqueue` for a document, and publish nothing.

    Returns:
        The name and the options of each message.
    """
    uploads = importlib.import_module("pipeline.api.uploads")
    app = importlib.import_module("pipeline.tasks.celery_config").app
    reference = importlib.import_module("pipeline.documents").DocumentRef
    document = reference(
        document_id=document_id, blob_key="uploads/0", filename="a.txt", content_type="text/plain"
    )
    sent: list[dict[str, Any]] = []

    def send_task(name: str, *args: Any, **options: Any) -> None:
        wanted = ("task_id", "retry", "retry_policy")
        sent.append({"name": name, **{one: options.get(one) for one in wanted}})

    with ExitStack() as stack:
        stack.enter_context(patch.object(app, "send_task", send_task))
        for name in ("record_queued", "delete_record"):
            stack.enter_context(patch.object(uploads, name, lambda task_id: None))
        uploads.enqueue(document)
    return sent


def judge(content: bytes, filename: str, position: int) -> dict[str, Any]:
    """Run `judged_type` on a file at this position. Return the type or the error, and the position."""
    file = io.BytesIO(content)
    file.seek(position)
    try:
        kind = importlib.import_module("pipeline.api.checks").judged_type(file, filename)
    except NotImplementedError:
        raise
    except Exception as error:
        return {"error": type(error).__name__}
    return {"kind": kind, "position": file.tell()}


class _Lines(logging.Handler):
    """Counts what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def progress(calls: Notes, every: int = 10, fails: bool = False) -> dict[str, Any]:
    """Call `report` of a new `Reporter` with each of `calls`: step, done and total.

    Args:
        every: what `REPORT_EVERY` is meanwhile.
        fails: whether the result backend raises an error.

    Returns:
        For each call, what was stored (state and meta); the last percent; and how many lines were logged.
    """
    process = importlib.import_module("pipeline.tasks.process")
    task, lines = process.process_document, _Lines()
    stored: Notes = []

    def store_result(task_id: str, result: Any, state: str, *args: Any, **more: Any) -> None:
        if fails:
            raise ConnectionError("the result backend is away")
        stored.append([task_id, state, result])

    reports: list[Notes] = []
    task.push_request(id="progress-of-a-probe")
    process.logger.addHandler(lines)
    try:
        with (
            patch.object(process, "REPORT_EVERY", every),
            patch.object(task.backend, "store_result", store_result),
        ):
            reporter = process.Reporter(task, -every)
            for step, done, total in calls:
                reporter.report(step, done, total)
                reports.append(list(stored))
                stored.clear()
    finally:
        process.logger.removeHandler(lines)
        task.pop_request()
    return {"reports": reports, "percent": reporter.percent, "logged": lines.count}
