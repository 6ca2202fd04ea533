"""More ways to call into the student's process: with its own objects, and many calls at once."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from autograder.card import fail
from autograder.process.rpc_client import Answer, call_of
from autograder.process.student import Student

RACE_SECONDS = 30.0


def made(module: str, name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """An argument that the student's process makes by a call: `made("pipeline.x", "Status", "new")`.

    An exception in that call is the answer of the call that it is an argument of.
    """
    return {"__type__": "made", **call_of(module, name, args, kwargs)}


def packed(content: bytes) -> dict[str, str]:
    """Bytes as an argument."""
    return {"__type__": "bytes", "value": base64.b64encode(content).decode()}


def race(
    student: Student, sent: str, module: str, name: str, calls: Sequence[Sequence[Any]]
) -> list[Answer]:
    """Call a function once for each of `calls` (lists of arguments), all at the same moment.

    Args:
        sent: what a card says was done.

    Raises:
        CheckFailed: there is not an answer to each.
    """
    arguments = [list(call) for call in calls]
    done = student.ask("__main__", "race", module, name, arguments, timeout=RACE_SECONDS)
    answers = done.value if done.ok and isinstance(done.value, list) else []
    if len(answers) != len(calls) or not all(isinstance(one, dict) for one in answers):
        fail(sent=sent, expected=f"{len(calls)} answers", got=f"{done.error} {done.message}")
    return [Answer.of(one, done.seconds) for one in answers]
