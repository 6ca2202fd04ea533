"""Reads one file from a multipart upload while it arrives. Given to students complete.

FastAPI's `UploadFile` would be too late. Before a route with `UploadFile` runs, Starlette has read the
whole request: one megabyte into memory, and the rest, of any size, into a temporary file. With this
module the route runs first and reads the file itself, so it can stop at any byte.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import anyio
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from pipeline.errors import MalformedUpload, UploadTimeout, UploadTooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"
ENVELOPE_BYTES = 64 * 1024
"""How many bytes a request may have besides the file: boundaries, headers and other fields."""
IDLE_SECONDS = 30.0
"""How many seconds a client may send nothing in the middle of an upload."""


class IncomingFile:
    """A file that is still arriving. Iterate over it once, with `async for`, to get its bytes.

    Raises, while it is read:
        UploadTooLarge: the request is larger than the limit and the envelope together.
        UploadTimeout: no byte arrived for `IDLE_SECONDS`.
        MalformedUpload: the upload is incomplete, or it is not multipart.
    """

    def __init__(self, body: _Body, filename: str) -> None:
        self._body = body
        self.filename = filename
        """The name as the client sent it. Do not use it before `display_name` has cleaned it."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event, data in self._body.events():
            if event == "end":
                break
            if event == "data":
                yield data
        async for event, data in self._body.events():  # what follows the file
            if event == "headers" and self._body.field(data)[0] == FIELD:
                raise MalformedUpload("Send one file at a time.")


async def incoming_file(request: Request, limit: int) -> IncomingFile:
    """Find the file in the field `file` of a multipart request, and stop before its first byte.

    Raises:
        UploadTooLarge: `Content-Length` alone shows that the file has more than `limit` bytes. Then
            nothing of the body has been read.
        MalformedUpload: the request is not multipart, or it has no such file.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit + ENVELOPE_BYTES:
        raise UploadTooLarge(f"The file is larger than {limit} bytes.")
    body = _Body(request, limit)
    async for event, data in body.events():
        if event == "headers":
            field, filename = body.field(data)
            if field == FIELD and filename is not None:
                return IncomingFile(body, filename)
    raise MalformedUpload


class _Body:
    """The body of a request as a sequence of events: headers, data and end, for each part."""

    def __init__(self, request: Request, limit: int) -> None:
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise MalformedUpload
        self._stream = request.stream()
        self._left = limit + ENVELOPE_BYTES
        self._limit = limit
        self._events: deque[tuple[str, bytes]] = deque()
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._complete = False
        try:
            self._parser = MultipartParser(options[b"boundary"], self._callbacks())
        except FormParserError as error:
            raise MalformedUpload from error

    async def events(self) -> AsyncIterator[tuple[str, bytes]]:
        """Continue where the last reader stopped."""
        while True:
            while self._events:
                yield self._events.popleft()
            data = await self._receive()
            if data is None:
                break
            try:
                self._parser.write(data)
            except FormParserError as error:
                raise MalformedUpload from error
        if not self._complete:
            raise MalformedUpload("The upload was cut off. Send it again.")

    async def _receive(self) -> bytes | None:
        try:
            with anyio.fail_after(IDLE_SECONDS):
                data = await anext(self._stream, None)
        except TimeoutError as error:
            raise UploadTimeout from error
        except ClientDisconnect as error:
            raise MalformedUpload from error
        self._left -= len(data or b"")
        if self._left < 0:
            raise UploadTooLarge(f"The file is larger than {self._limit} bytes.")
        return data

    def field(self, disposition: bytes) -> tuple[str, str | None]:
        """Return the field's name and the file's name in a Content-Disposition. None means no file."""
        _, options = parse_options_header(disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        return name, None if filename is None else filename.decode("utf-8", "replace")

    def _callbacks(self) -> MultipartCallbacks:
        name, value = self._header

        def header_end() -> None:
            if name.lower() == b"content-disposition":
                self._disposition = bytes(value)
            name.clear()
            value.clear()

        def headers_finished() -> None:
            self._events.append(("headers", self._disposition))
            self._disposition = b""

        def finished() -> None:
            self._complete = True

        return {
            "on_header_field": lambda data, start, end: name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: value.extend(data[start:end]),
            "on_header_end": header_end,
            "on_headers_finished": headers_finished,
            "on_part_data": lambda data, start, end: self._events.append(("data", data[start:end])),
            "on_part_end": lambda: self._events.append(("end", b"")),
            "on_end": finished,
        }
