"""The student's functions of week 4, called in the student's process; what they answer, judged."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from autograder.card import CheckFailed, fail
from autograder.process.rpc_client import Answer, failure_card
from autograder.process.student import Student
from autograder.sdk.races import race

WRITTEN_ALWAYS = ("updated_at", "write_id")
"""Attributes that `Table.update` sets by itself."""

Made = dict[str, Any]


def number(value: Any) -> float | None:
    """A number in an answer or an item, however it is written there."""
    if isinstance(value, dict) and value.get("__type__") == "Decimal":
        value = value.get("value")
    if isinstance(value, bool):
        return None
    try:
        return float(Decimal(str(value)))
    except (InvalidOperation, OverflowError, ValueError):
        return None


class Code:
    """Calls that end in a card when they raise what they must not."""

    def __init__(self, student: Student) -> None:
        self.student = student

    def ask(self, module: str, name: str, *args: Any, **kwargs: Any) -> Answer:
        """Whatever comes, an exception too."""
        return self.student.ask(module, name, *args, **kwargs)

    def race(self, sent: str, module: str, name: str, calls: list[list[Any]]) -> list[Answer]:
        """Many calls at the same moment, each with its own arguments."""
        return race(self.student, sent, module, name, calls)


def must_return(sent: str, answer: Answer) -> Any:
    """The value of a call that must not raise."""
    if not answer.ok:
        raise CheckFailed(failure_card(sent, answer))
    return answer.value


WHOLE_JOB = frozenset(("id", "status", "error", "result", "lease_owner"))
"""A `Job` has them all, and no row: what is None stands in none."""


def must_be_job(sent: str, answer: Answer, cause: str = "") -> dict[str, Any]:
    """The job that a call must return."""
    value = must_return(sent, answer)
    if not isinstance(value, dict) or not set(value) >= WHOLE_JOB:
        fail(
            sent=sent,
            expected="the job as it is after the write (`Job`)",
            got=value,
            cause=cause or "the row itself lacks what it has no value for: `Job.from_item`",
        )
    return value


def must_raise(sent: str, answer: Answer, error: str, cause: str) -> None:
    """The call must end in this error of ours, or one that is derived from it."""
    if answer.ok or error not in (answer.error, *answer.bases):
        unwritten = answer.error == "NotImplementedError"
        got = answer.value if answer.ok else f"{answer.error}: {answer.message}"
        if unwritten:
            raise CheckFailed(failure_card(sent, answer))
        fail(sent=sent, expected=f"the error {error}", got=got, cause=cause)


def differs(item: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> str:
    """The first attribute of an item that is not as expected, in words, or "". None: absent."""
    if item is None:
        return "no item"
    for name, value in expected.items():
        if item.get(name) != value:
            return f"{name} is {plain(item.get(name))!r} and not {plain(value)!r}"
    return ""


def plain(value: Any) -> Any:
    """A value without DynamoDB's `Decimal`, for a card."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def changed(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    """How an item differs from what it was, or "". What every update writes is not worth a word."""
    if after is None:
        return "the item is gone"
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    telling = [name for name in names if name not in WRITTEN_ALWAYS]
    return ", ".join(
        f"{name}: {plain(before.get(name))!r} -> {plain(after.get(name))!r}"
        for name in telling or names
    )
