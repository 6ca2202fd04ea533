"""2.2: an upload that is too large, empty or of a wrong type is rejected, and nothing is stored.

What a submission could fake:
- counts: nothing is counted.
- witness: responses, the blob store, and the records of tasks in Redis.
- place: the limit is random, and the kinds of content are all tried.
- store: a rejected upload must leave no blob, no part of one, and no record of a task.
- probe: each kind is also sent over HTTP, where the API cannot tell it from a client's.
"""

from __future__ import annotations

import io
import socket
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import httpx
import pytest

from autograder.sdk import Api, Run, Student, fail, uploading
from autograder.sdk.api_log import log_of
from autograder.sdk.blobs import stored
from autograder.sdk.documents import random_document
from autograder.sdk.network import LOOPBACK
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.2")

EXCESS_BYTES = 20_000
REFUSAL_SECONDS = 10.0
"""The API closes an upload that sends nothing only after thirty seconds."""
LONGEST_NAME = 120


KINDS = {413: "upload_too_large", 415: "unsupported_content", 422: "empty_upload"}
"""The type of each error, by its status."""


def check_refusal(api: Api, response: httpx.Response, status: int, sent: str, cause: str) -> None:
    """Check the status, the error's type, and a body that contains nothing internal."""
    if response.status_code != status:
        fail(
            sent=sent,
            expected=f"{status}",
            got=f"{response.status_code} {response.text[:200]}",
            cause=cause,
            log=log_of(api, response),
        )
    body = api.json(response)
    leak = sending.leak_in(response.text)
    if leak or not isinstance(body, dict) or not body.get("detail"):
        fail(
            sent=sent,
            expected="a JSON body whose `detail` says what is wrong, and nothing internal",
            got=response.text[:300],
            cause="the response was built by hand. Raise the error from `pipeline.errors` that fits, "
            "and the API builds the response",
        )
    if body.get("type") != KINDS[status]:
        fail(
            sent=sent,
            expected=f"{status} with the type {KINDS[status]!r}",
            got=response.text[:300],
            cause="another error was raised that has the same status. Programs compare the type, so "
            "raise exactly the error that the TODO names",
        )


@contextmanager
def nothing_is_kept(run: Run, sent: str) -> Iterator[None]:
    """Check that the block leaves no blob, no part of a blob and no task."""
    blobs, tasks = stored(run), queue_view.records(run)
    yield
    if left := sorted(stored(run).keys() - blobs.keys()):
        fail(
            sent=sent,
            expected="nothing of a rejected upload in the blob store",
            got=f"stored: {left}",
            cause="the document is stored before it is checked. Call `judged_type` before "
            "`put_stream`",
        )
    if queue_view.records(run) - tasks:
        fail(
            sent=sent,
            expected="no task for a rejected upload",
            got="a task was enqueued",
            cause="the document is published before it is checked",
        )


def test_the_limit_is_exact(run: Run, api: Api, limit: int, rng: Random) -> None:
    """a, b: one byte more than the limit, and exactly the limit, in many chunks."""
    line = f"{rng.getrandbits(200):050x}\n".encode()
    content = (line * (limit // len(line) + 2))[: limit + 1]
    sent = f"{limit + 1} bytes, where MAX_UPLOAD_BYTES={limit}"
    with nothing_is_kept(run, sent):
        response = in_pieces(api, content)
        cause = (
            "`within_limit` does not raise `UploadTooLarge` when the bytes of all chunks together "
            "exceed the limit: it must count each chunk before it compares"
        )
        check_refusal(api, response, 413, sent, cause)
    sent = f"{limit} bytes, where MAX_UPLOAD_BYTES={limit}"
    response = in_pieces(api, content[:limit])
    if response.status_code != 202:
        fail(
            sent=sent,
            expected="202, because exactly `limit` bytes are allowed",
            got=f"{response.status_code} {response.text[:200]}",
            cause="the comparison rejects a size that equals the limit. Reject only larger ones",
        )


def in_pieces(api: Api, content: bytes) -> httpx.Response:
    return api.post(
        uploading.UPLOAD,
        content=sending.in_pieces(content),
        headers=sending.MULTIPART,
        timeout=uploading.ANSWER_SECONDS,
    )


def test_it_is_refused_while_the_rest_is_on_its_way(
    run: Run, api: Api, limit: int, rng: Random
) -> None:
    """b: the client sends a little more than the limit, then nothing, and keeps the connection open."""
    content = rng.getrandbits(8 * 32).to_bytes(32, "big").hex().encode() * (limit // 64 + 1)
    sent = f"{EXCESS_BYTES} bytes more than MAX_UPLOAD_BYTES; the rest of the upload never arrives"
    with (
        nothing_is_kept(run, sent),
        socket.create_connection((LOOPBACK, api.port), timeout=REFUSAL_SECONDS) as line,
    ):
        answer = half_an_upload(line, content[:limit] + b"x" * EXCESS_BYTES)
    if b" 413 " not in answer.partition(b"\r\n")[0]:
        fail(
            sent=sent,
            expected="413 at once, without waiting for the rest",
            got=answer[:100].decode("latin-1") or f"no response within {REFUSAL_SECONDS:g} s",
            cause="the size is checked only at the end of the upload. Check it after each chunk",
        )


def half_an_upload(line: socket.socket, content: bytes) -> bytes:
    """Send the first part of an upload, and return the start of the response, or b""."""
    request = f"POST {uploading.UPLOAD} HTTP/1.1\r\nHost: grader\r\nTransfer-Encoding: chunked\r\n"
    headers = "".join(f"{name}: {value}\r\n" for name, value in sending.MULTIPART.items())
    with suppress(OSError):  # the API may close the connection, and still have sent a response
        line.sendall(f"{request}{headers}\r\n".encode())
        for piece in (sending.head(), *sending.pieces(content)):
            line.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    with suppress(OSError):
        return line.recv(65536)
    return b""


def png(rng: Random) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + rng.randbytes(500)


def program(rng: Random) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + rng.randbytes(300)


def archive(rng: Random) -> bytes:
    """Return a ZIP archive without a Word document."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("notes/readme.txt", f"{rng.getrandbits(64):x}")
    return file.getvalue()


def latin(rng: Random) -> bytes:
    return f"Der Wärter prüft Schiff {rng.randrange(10**6)}.\n".encode("latin-1") * 5


def html(rng: Random) -> bytes:
    return f"<!DOCTYPE html><title>{rng.randrange(10**6)}</title>\n".encode()


def nul(rng: Random) -> bytes:
    return f"The keeper wrote\0 {rng.randrange(10**6)}.\n".encode()


def late(rng: Random) -> bytes:
    """Return a long text whose last byte is not UTF-8."""
    return f"The keeper wrote {rng.randrange(10**6)}.\n".encode() * 9000 + b"\xff"


BY_NAME = (
    "the type was taken from the name or from the client's Content-Type, which can both be wrong. "
    "Determine it from the bytes: is_pdf, is_docx, is_text"
)
NO_TEXT = (
    "`is_text` says whether the content is text. It reads the whole file, and rejects other encodings, "
    "NUL bytes and other formats such as HTML. Do not decide this in another way"
)
TEXTS = (latin, late, html, nul)
WRONG = [
    (png, "report.pdf", "application/pdf", "a picture"),
    (program, "notes.txt", "text/plain", "a program"),
    (archive, "letter.docx", None, "a ZIP archive without a Word document"),
    (latin, "brief.md", "text/markdown", "a text in Latin-1, which is not UTF-8"),
    (late, "long.txt", "text/plain", "a text whose last byte is not UTF-8"),
    (html, "page.md", "text/markdown", "an HTML page"),
    (nul, "notes.txt", "text/plain", "a text with a NUL byte"),
]


def test_the_wrong_type_is_refused(run: Run, api: Api, rng: Random) -> None:
    """f: contents that are of none of the four types."""
    for make, name, claimed, what in rng.sample(WRONG, len(WRONG)):
        sent = f"{what}, with the name {name}" + (f" and the type {claimed}" if claimed else "")
        with nothing_is_kept(run, sent):
            response = uploading.upload(api, make(rng), name, claimed)
            check_refusal(
                api,
                response,
                415,
                sent,
                (NO_TEXT if make in TEXTS else BY_NAME)
                if response.status_code == 202
                else "`judged_type` must raise `UnsupportedContent` for this content",
            )


def test_an_empty_file_is_refused(run: Run, api: Api) -> None:
    """c: no byte at all."""
    for name in ("empty.txt", "empty.pdf"):
        sent = f"an empty file with the name {name}"
        with nothing_is_kept(run, sent):
            response = uploading.upload(api, b"", name)
            cause = "`judged_type` must raise `EmptyUpload`, before any other check"
            check_refusal(api, response, 422, sent, cause)


MADE_AS = {"pdf": "harbour.md", "docx": "harbour.pdf", "md": "harbour.pdf", "txt": "harbour.docx"}
"""The real type of a document, and a name that suggests another one."""


def test_the_content_decides_the_type(api: Api, rng: Random) -> None:
    """d, e: documents under names that suggest another type."""
    for kind, lie in MADE_AS.items():
        document = random_document(rng, kind, pages=1)
        true = "text/plain" if kind == "md" else document.media_type
        why = "the type was taken from the name and not from the content"
        check_type(api, document.content, lie, true, why)
    text = random_document(rng, "txt", pages=1).content
    why = "a text is Markdown if its name ends with a Markdown suffix, in upper or lower case"
    check_type(api, text, "notes.MD", "text/markdown", why)
    check_type(api, text, "notes.txt", "text/plain", why)


def check_type(api: Api, content: bytes, name: str, true: str, cause: str) -> None:
    sent = f"a document of the type {true}, with the name {name} and the claimed type image/png"
    response = uploading.upload(api, content, name, "image/png")
    found = uploading.accepted(api, response, sent).document.get("content_type")
    if found != true:
        fail(sent=sent, expected=f"content_type {true!r}", got=found, cause=cause)


def test_a_hostile_name_goes_nowhere(run: Run, api: Api, student: Student, rng: Random) -> None:
    marker = f"keeper{rng.getrandbits(48):012x}"
    names = [
        f"../../../{marker}.txt",
        f"..\\..\\{marker}.txt",
        str(Path(tempfile.gettempdir(), f"{marker}.txt")),
        f"invoice\u202etxt.{marker}.exe",
    ]
    home = Path(student.env["HOME"])
    for number, name in enumerate(names):
        content = f"{rng.getrandbits(64):016x} {number}\n".encode()
        sent = f"a text with the name {name!r}"
        one = uploading.accepted(api, uploading.upload(api, content, name), sent)
        check_shown(sent, one.document.get("filename"))
        strays = sending.strays(run, home, marker, names)
        inside = [key for key in stored(run) if not key.startswith("uploads/")]
        if strays or inside or marker in str(one.document.get("blob_key")):
            fail(
                sent=sent,
                expected="one blob under uploads/, whose key is made from the content",
                got=f"{one.document.get('blob_key')}, and files {strays + inside}",
                cause="the client's file name is part of a path. Use `upload_key` of the hash",
            )


def check_shown(sent: str, shown: object) -> None:
    text = shown if isinstance(shown, str) else ""
    bad = [one for one in text if one in "/\\" or unicodedata.category(one).startswith("C")]
    if not text or bad or len(text) > LONGEST_NAME:
        fail(
            sent=sent,
            expected="a name without folders and invisible characters, of at most 120 characters",
            got=shown,
            cause="the client's file name is returned unchanged. `display_name` cleans it",
        )
