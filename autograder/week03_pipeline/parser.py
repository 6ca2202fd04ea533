"""The process that parses a document for the worker, started by the grader with other limits."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from typing import IO

from autograder.sdk import Student, clean

CHILD_SECONDS = 30.0


def error_of_child(student: Student, content: bytes, content_type: str, memory_bytes: int) -> str:
    """The name of the error that `pipeline.steps.parse_child` returns, or what it did instead."""
    limits = json.dumps({"memory_bytes": memory_bytes})
    command = [sys.executable, "-P", "-m", "pipeline.steps.parse_child", content_type, limits]
    process = student.process("parser", command, pipes=True)
    assert process.stdin is not None and process.stdout is not None
    threading.Thread(target=_feed, args=(process.stdin, content), daemon=True).start()
    try:
        process.wait(CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        process.stop(grace=0)
        return f"no answer within {CHILD_SECONDS:g} s"
    try:
        return str(json.loads(process.stdout.read(100_000))["error"])
    except (ValueError, KeyError, TypeError):
        lines = student.tail(process)
        return f"the process ended without an answer: {clean(lines[-1]) if lines else 'no message'}"


def _feed(stream: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(OSError):  # the process has ended
        stream.write(content)
        stream.close()
