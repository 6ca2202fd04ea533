"""Sends documents for week 2's graders, and reads the responses."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from autograder.sdk import Api, Run, fail
from autograder.sdk.blobs import entries, read_below, stored
from autograder.sdk.uploading import Accepted

PIECE_BYTES = 64 * 1024
BOUNDARY = "grader-7MA4YWxkTrZu0gW"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
LEAKS = ("Traceback", 'File "', "site-packages", "redis://", ".py")
"""Texts that must never be in a response to a client."""


def head(name: str = "long.txt") -> bytes:
    """Return the part of a multipart body that comes before the file's bytes."""
    disposition = f'form-data; name="file"; filename="{name}"'
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()


def in_pieces(content: bytes, name: str = "long.txt") -> Iterator[bytes]:
    """Yield a multipart body in pieces, so that no header announces its length."""
    yield head(name)
    yield from pieces(content)
    yield TAIL


def pieces(content: bytes) -> Iterable[bytes]:
    """Cut the content into pieces of 64 KiB."""
    return (content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES))


def check_blob(run: Run, one: Accepted, content: bytes, sent: str) -> None:
    """Check that the blob store has the sent bytes, under the key of their hash."""
    digest = hashlib.sha256(content).hexdigest()
    key = one.document.get("blob_key")
    if key != f"uploads/{digest}" or stored(run).get(key) is None:
        fail(
            sent=sent,
            expected=f"a blob under uploads/{digest}, the SHA-256 of what was sent",
            got=f"blob_key {key!r}; stored: {sorted(stored(run)) or 'nothing'}",
            cause="the document is not stored in `blob_store()` under `upload_key(copied.sha256)`. "
            "A name that the client chose must not be the key",
        )
    found = read_below(run.blob_folder, str(key), len(content) + 1)
    if found != content:
        fail(
            sent=f"{sent}: {len(content)} bytes",
            expected="the same bytes in the blob store",
            got="no file that can be read"
            if found is None
            else f"{len(found)} bytes, which are not the sent ones",
            cause="`put_stream` reads from the current position of the file, and the file was not at "
            "its start",
        )


def status_in(api: Api, answer: httpx.Response) -> dict[str, Any]:
    """Return the body of `GET /tasks/{id}`. It is empty unless the response is 200 with an object."""
    body = api.json(answer) if answer.status_code == 200 else None
    return body if isinstance(body, dict) else {}


def parsed(text: str) -> dict[str, Any]:
    """Parse a JSON object. Anything else is an empty one."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def is_id(text: str) -> bool:
    """Return whether a text is a random UUID, written in the usual way."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return False
    return found.version == 4 and str(found) == text


def leak_in(text: str, *secrets: str) -> str:
    """Return the first text in a response that must not be there, or ""."""
    return next((one for one in (*LEAKS, *secrets) if one in text), "")


def strays(run: Run, home: Path, marker: str, names: Iterable[str]) -> list[str]:
    """List files outside of the blob folder that an upload with one of these names has created."""
    bases = (run.blob_folder, run.blob_folder / "uploads", home)
    aimed_at = {Path(os.path.normpath(base / name)) for base in bases for name in names}
    below = (Path(one.path) for place in (run.path, home) for one, _ in entries(place))
    named = {path for path in below if marker in path.name}
    found = {path for path in aimed_at | named if marker in path.name and path.is_file()}
    return sorted(str(path) for path in found if run.blob_folder not in path.parents)
