"""Parses a document in a child process with limits, so that no file can harm the worker.

Given to students complete. The processes of a Celery worker are daemons, and a daemon may not start
`multiprocessing` children, so the child is a fresh Python. It gets the document and nothing else: none of
the worker's environment variables, so no key or password, and no open connection. It returns JSON, which
is checked like every other input from outside.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from typing import IO, Any, BinaryIO

from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.errors import PermanentError
from pipeline.steps import errors, progress
from pipeline.steps.limits import DEFAULT_LIMITS, ParseLimits
from pipeline.steps.types import Page

logger = logging.getLogger(__name__)

LOGGED_CHARACTERS = 2_000
"""How much of the child's standard error is written to the worker's log if the child fails."""
CHECKPOINT_SECONDS = 0.5
"""How often a step that waits for the child can be stopped."""
TOO_SLOW = (-signal.SIGXCPU, -signal.SIGALRM)

Runner = Callable[[str, ParseLimits, IO[bytes], IO[bytes], IO[bytes]], int]
"""Runs one child until it ends, and returns its exit code. Takes the content type, the limits, and the
files that are the child's standard input, output and error."""


class ParseSettings(BaseSettings):
    """Each field of `ParseLimits` has a variable, for example `PARSE_LIMITS__MEMORY_BYTES`."""

    model_config = SettingsConfigDict(env_nested_delimiter="__")
    parse_limits: ParseLimits = DEFAULT_LIMITS


@cache
def parse_limits() -> ParseLimits:
    """Return the limits that this process uses. The environment is read once."""
    return ParseSettings().parse_limits


def run_fresh(
    content_type: str, limits: ParseLimits, source: IO[bytes], output: IO[bytes], log: IO[bytes]
) -> int:
    """Run the child until it ends and return its exit code. All of its processes are killed afterwards."""
    # -S skips the module `site`, which takes most of the start-up time. PYTHONPATH replaces it.
    command = [sys.executable, "-S", "-P", "-m", "pipeline.steps.parse_child"]
    try:
        child = subprocess.Popen(
            [*command, content_type, json.dumps(dataclasses.asdict(limits))],
            stdin=source,
            stdout=output,
            stderr=log,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"},
            start_new_session=True,  # a process group of its own, which can be killed as a whole
        )
    except OSError as error:
        raise errors.ParserUnavailable from error
    try:
        return _wait(child, limits.wall_seconds)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _wait(child: subprocess.Popen[bytes], seconds: float) -> int:
    """Wait for the child's end, with a checkpoint every `CHECKPOINT_SECONDS`. Raises TimeoutExpired."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > CHECKPOINT_SECONDS:
        try:
            return child.wait(CHECKPOINT_SECONDS)
        except subprocess.TimeoutExpired:
            progress.checkpoint()
    return child.wait(max(left, 0))


def parse_in_child(
    document: BinaryIO,
    content_type: str,
    limits: ParseLimits | None = None,
    run: Runner = run_fresh,
) -> list[Page]:
    """Call `parse_document` in a process of its own, and return the pages.

    Args:
        run: starts the process. Week 8 has one that starts it faster.

    Raises:
        DocumentError: the file is at fault. It is always one of the subclasses.
        ParserUnavailable: this machine could not start a process.
    """
    limits = limits or parse_limits()
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as log,
    ):
        _copy(document, source, limits.document_bytes)
        try:
            code = run(content_type, limits, source, output, log)
        except subprocess.TimeoutExpired:
            raise errors.DocumentTooSlow(
                f"Parsing took longer than {limits.wall_seconds} seconds."
            ) from None
        if code:
            logger.warning("the parser ended with %s: %s", code, _tail(log))
        return _read_answer(code, output, limits)


def _copy(document: BinaryIO, source: IO[bytes], most: int) -> None:
    while block := document.read(1024 * 1024):
        source.write(block)
        if source.tell() > most:
            raise errors.DocumentTooLarge(f"The file is larger than {most} bytes.")
    source.seek(0)


def _read_answer(code: int, output: IO[bytes], limits: ParseLimits) -> list[Page]:
    if code in TOO_SLOW:
        raise errors.DocumentTooSlow(
            f"Parsing took longer than {limits.cpu_seconds} seconds of processor time."
        )
    output.seek(0)
    try:
        answer = json.loads(output.read(limits.answer_bytes + 1))
        if "error" in answer:
            raise _error(str(answer["error"]), str(answer["message"]))
        return [_page(page) for page in answer["pages"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise errors.ParserDied from error


def _page(page: Any) -> Page:
    if not isinstance(page["number"], int) or not isinstance(page["text"], str):
        raise TypeError("not a page")
    return Page(number=page["number"], text=page["text"])


def _error(name: str, message: str) -> PermanentError:
    """Return the typed error that the child named. Any other name counts as a crash of the parser."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, errors.DocumentError):
        return kind(message[:500])
    return errors.ParserDied()


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - LOGGED_CHARACTERS))
    return log.read(LOGGED_CHARACTERS).decode("utf-8", "replace")
