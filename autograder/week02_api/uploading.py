"""How week 2's graders send documents, and read what comes back."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from autograder.card import fail
from autograder.process import wait
from autograder.process.api import Api
from autograder.sandbox.disk import entries, read_below
from bootcamp.stack import Run

UPLOAD = "/documents/upload"
ANSWER_SECONDS = 20.0
"""How long an upload may take. The reference needs a few milliseconds, five seconds in an outage."""
PIECE_BYTES = 64 * 1024
BOUNDARY = "grader-7MA4YWxkTrZu0gW"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
LEAKS = ("Traceback", 'File "', "site-packages", "redis://", ".py")
"""What has no place in an answer to a stranger."""
LOG_SECONDS = 1.0
_EXCEPTION = re.compile(
    r"^(?:[\w.]+(?:Error|Exception|Timeout|Found)|(?:\w+\.)+[A-Z]\w*)\b.*(?:\n.*){0,3}\s*\Z",
    re.MULTILINE,
)
"""Drivers name errors without the word, `psycopg.errors.UndefinedTable`, and add lines of SQL."""
_FRAME = re.compile(r'File "\S*/layer/pipeline')


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


def upload(
    api: Api, content: bytes, name: str, claimed: str | None = None, timeout: float = ANSWER_SECONDS
) -> httpx.Response:
    """Send a file. `claimed` is the content type in its part's header."""
    file = (name, content, claimed) if claimed else (name, content)
    return api.post(UPLOAD, files={"file": file}, timeout=timeout)


def stored(run: Run) -> dict[str, int]:
    """Every file in the blob folder and its size. Half-written ones are in `.partial`."""
    found = {}
    for entry, _ in entries(run.blob_folder):
        with suppress(FileNotFoundError):  # it was renamed meanwhile
            if entry.is_file(follow_symlinks=False):
                name = Path(entry.path).relative_to(run.blob_folder).as_posix()
                found[name] = entry.stat(follow_symlinks=False).st_size
    return found


@dataclass(frozen=True)
class Accepted:
    """A 202 and what it said."""

    task_id: str
    status_url: str
    location: str
    document: dict[str, Any]


def accepted(api: Api, response: httpx.Response, sent: str) -> Accepted:
    """The answer to an upload that must be accepted.

    Raises:
        CheckFailed: it is none.
    """
    if response.status_code != 202:
        fail(
            sent=sent,
            expected="202 Accepted",
            got=f"{response.status_code} {response.text[:300]}",
            cause=cause_of(response.status_code),
            log=log_of(api, response),
        )
    body = api.json(response)
    wanted = {"task_id": str, "status_url": str, "document": dict}
    missing = [
        key
        for key, kind in wanted.items()
        if not isinstance(body, dict) or not isinstance(body.get(key), kind)
    ]
    if missing:
        fail(
            sent=sent,
            expected="a JSON body with task_id, status_url and document",
            got=response.text[:300],
            cause=f"{' and '.join(missing)}: missing, or of another type",
        )
    location = response.headers.get("location", "")
    return Accepted(body["task_id"], body["status_url"], location, body["document"])


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


def log_of(api: Api, response: httpx.Response) -> tuple[str, ...]:
    """What the API's log says of a 500. It comes a moment later than the answer."""
    if response.status_code != 500:
        return ()
    wait.until(lambda: _EXCEPTION.search(api.logs()[-400:]), LOG_SECONDS)
    return traceback_in(api.logs())


def traceback_in(log: str) -> tuple[str, ...]:
    """The last traceback: the pipeline's own lines and the exception, nothing of libraries.

    Empty for the scaffold's NotImplementedError: a card names that itself.
    """
    lines = log.rpartition("Traceback (most recent call last)")[2].splitlines()
    ours = [at for at, line in enumerate(lines) if _FRAME.search(line)]
    found = [_FRAME.sub('File "pipeline', line) for at in ours for line in lines[at : at + 2]]
    ends = [line for line in lines if _EXCEPTION.match(line)][:1]
    return () if any("NotImplementedError" in end for end in ends) else (*found, *ends)


def cause_of(status: int) -> str:
    """The likely cause of an answer that should have been 202."""
    return {
        200: "`return JSONResponse(...)` without `status_code=202` answers 200",
        500: "an exception in the route: the lines of the API's log below name it",
        503: "the queue is there, and was said not to be: see the API's log",
    }.get(status, "a good document was refused")


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
