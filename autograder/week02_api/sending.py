"""How week 2's graders send documents, and read what comes back."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
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
"""What has no place in an answer to a stranger."""


def head(name: str = "long.txt") -> bytes:
    """What stands before the file's bytes in a multipart body."""
    disposition = f'form-data; name="file"; filename="{name}"'
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()


def in_pieces(content: bytes, name: str = "long.txt") -> Iterator[bytes]:
    """A multipart body of which nobody can know the length before its end."""
    yield head(name)
    yield from pieces(content)
    yield TAIL


def pieces(content: bytes) -> Iterable[bytes]:
    """The content, 64 KiB at a time."""
    return (content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES))


def check_blob(run: Run, one: Accepted, content: bytes, sent: str) -> None:
    """The blob store holds what was sent, under the key that its content gives."""
    digest = hashlib.sha256(content).hexdigest()
    key = one.document.get("blob_key")
    if key != f"uploads/{digest}" or stored(run).get(key) is None:
        fail(
            sent=sent,
            expected=f"a blob under uploads/{digest}, the SHA-256 of what was sent",
            got=f"blob_key {key!r}; stored: {sorted(stored(run)) or 'nothing'}",
            cause="`upload_key(copied.sha256)` is the key, and `blob_store()` the place",
        )
    found = read_below(run.blob_folder, str(key), len(content) + 1)
    if found != content:
        fail(
            sent=f"{sent}: {len(content)} bytes",
            expected="the same bytes in the blob store",
            got="no file that can be read"
            if found is None
            else f"{len(found)} bytes, or other ones",
            cause="the file is read from where the last reader stopped: is it at its start?",
        )


def status_in(api: Api, answer: httpx.Response) -> dict[str, Any]:
    """What `GET /tasks/{id}` says; empty if that is no 200 with a JSON object."""
    body = api.json(answer) if answer.status_code == 200 else None
    return body if isinstance(body, dict) else {}


def is_id(text: str) -> bool:
    """Whether a text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def leak_in(text: str, *secrets: str) -> str:
    """What stands in an answer and must not, or ""."""
    return next((one for one in (*LEAKS, *secrets) if one in text), "")


def strays(run: Run, home: Path, marker: str, names: Iterable[str]) -> list[str]:
    """Files outside the blob folder that an upload called one of `names` has made."""
    bases = (run.blob_folder, run.blob_folder / "uploads", home)
    aimed_at = {Path(os.path.normpath(base / name)) for base in bases for name in names}
    below = (Path(one.path) for place in (run.path, home) for one, _ in entries(place))
    named = {path for path in below if marker in path.name}
    found = {path for path in aimed_at | named if marker in path.name and path.is_file()}
    return sorted(str(path) for path in found if run.blob_folder not in path.parents)
