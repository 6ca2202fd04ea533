"""The process that parses a document for the worker, started by the grader with other limits."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO

from autograder.sdk import Student, clean

CHILD_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """What the child process answered: the name and the message of an error, or "" for pages."""

    error: str
    message: str = ""


def parsed_by_child(student: Student, content: bytes, content_type: str, **limits: int) -> Outcome:
    """What `pipeline.steps.parse_child` answers under these fields of `ParseLimits`."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "pipeline.steps.parse_child",
        content_type,
        json.dumps(limits),
    ]
    process = student.process("parser", command, pipes=True)
    assert process.stdin is not None and process.stdout is not None
    threading.Thread(target=_feed, args=(process.stdin, content), daemon=True).start()
    try:
        process.wait(CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        process.stop(grace=0)
        return Outcome(f"no answer within {CHILD_SECONDS:g} s")
    try:
        answer = json.loads(process.stdout.read(100_000))
        if "pages" in answer:
            return Outcome("")
        return Outcome(str(answer["error"]), str(answer["message"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        lines = student.tail(process)
        last = clean(lines[-1]) if lines else "no message"
        return Outcome(f"the process ended without an answer: {last}")


def _feed(stream: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(OSError):  # the process has ended
        stream.write(content)
        stream.close()
