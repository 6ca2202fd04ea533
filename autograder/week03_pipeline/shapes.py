"""Checks the shape of what student code returned. Nothing about it may be assumed."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from autograder.sdk import Student, fail
from autograder.week03_pipeline.vectors import DIMENSIONS

CALL_SECONDS = 45.0
PARSE = "pipeline.steps.parse"


def called(
    student: Student, sent: str, module: str, name: str, *args: Any, cause: str = "", **kwargs: Any
) -> Any:
    """Call a function that must not raise, and return its value. `sent` describes the call."""
    answer = student.ask(module, name, *args, timeout=CALL_SECONDS, **kwargs)
    if not answer.ok:
        fail(
            sent=sent,
            expected="no exception",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause=cause or "the call must not raise: see the line that is named here",
        )
    return answer.value


def as_pages(sent: str, value: Any) -> list[dict[str, Any]]:
    """A list of pages, each `{"number": int, "text": str}`."""
    return _records(sent, value, {"number": int, "text": str}, "a page")


def as_chunks(sent: str, value: Any) -> list[dict[str, Any]]:
    """A list of chunks, each `{"position": int, "page": int, "text": str}`."""
    return _records(sent, value, {"position": int, "page": int, "text": str}, "a chunk")


def _records(sent: str, value: Any, shape: dict[str, type], what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        fail(sent=sent, expected=f"a list, each item {what}", got=value)
    for one in value:
        right = isinstance(one, dict) and all(
            type(one.get(key)) is kind for key, kind in shape.items()
        )
        if not right:
            words = ", ".join(f"{key!r}: {kind.__name__}" for key, kind in shape.items())
            fail(sent=sent, expected=f"{what} is {{{words}}}", got=one)
    return value


def is_vector(value: Any, length: int) -> TypeGuard[list[float]]:
    """Whether this is a list of `length` finite numbers."""
    return (
        isinstance(value, list)
        and len(value) == length
        and all(type(one) in (int, float) and math.isfinite(one) for one in value)
    )


def as_vectors(sent: str, value: Any, count: int) -> list[list[float]]:
    """A list of `count` vectors, each of `DIMENSIONS` finite numbers."""
    if not isinstance(value, list) or len(value) != count:
        fail(
            sent=sent,
            expected=f"a list of {count} vectors, one for each text",
            got=f"{len(value)} of them" if isinstance(value, list) else value,
            cause="equal texts are sent once, but each place in `texts` gets a vector",
        )
    for place, vector in enumerate(value):
        if not is_vector(vector, DIMENSIONS):
            fail(sent=sent, expected=f"{DIMENSIONS} numbers at place {place}", got=vector)
    return value
