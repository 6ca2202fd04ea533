"""Four ways to receive an upload of 64 MB, when the limit is 1 MB."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from tempfile import TemporaryFile

import httpx
from fastapi import FastAPI, HTTPException, Request, UploadFile

MB = 1024 * 1024
LIMIT = 1 * MB
PIECE = bytes(64 * 1024)
PIECES = 1024

api = FastAPI()


@api.post("/whole")
async def whole(request: Request) -> int:
    body = await request.body()
    if len(body) > LIMIT:
        raise HTTPException(413)
    return len(body)


@api.post("/trusting")
async def trusting(request: Request) -> int:
    if int(request.headers.get("Content-Length", 0)) > LIMIT:
        raise HTTPException(413)
    return len(await request.body())


@api.post("/too-late")
async def too_late(document: UploadFile) -> int:
    raise HTTPException(413)  # without reading the document


@api.post("/streamed")
async def streamed(request: Request) -> int:
    with TemporaryFile() as file:
        async for piece in request.stream():
            file.write(piece)
        return file.tell()


class Document(httpx.AsyncByteStream):
    """A multipart body without a Content-Length. It counts the bytes that the server has read."""

    head = b'--b\r\nContent-Disposition: form-data; name="document"; filename="lease.pdf"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.head
        for _ in range(PIECES):
            self.taken += len(PIECE)
            yield PIECE
        yield self.tail


async def upload(path: str) -> str:
    """Send the document to one of the routes, in this process, and measure the memory."""
    document = Document()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    transport = httpx.ASGITransport(api)
    tracemalloc.start()
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        answer = await client.post(path, content=document, headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return f"{answer.status_code}, read {document.taken // MB} MB, memory ~{peak // MB} MB"


def main() -> None:
    for path in ("/whole", "/trusting", "/too-late", "/streamed"):
        print(f"{path + ':':<11}", asyncio.run(upload(path)))


if __name__ == "__main__":
    main()
