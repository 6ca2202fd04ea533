"""A write that must be rejected, because another process has changed the row in the meantime."""

from __future__ import annotations

from collections.abc import Callable

from autograder.sdk import Answer, fail
from autograder.sdk.answers import changed, must_raise
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week05_retries.rows import Item, Rows, row_of

CAUGHT = "the write was rejected, and its `JobConflict` was caught: let it leave the function. A job that "
CAUGHT += "this worker no longer has must not be reported as written"


def check_conflict(
    sent: str,
    table: Rows,
    dynamodb_proxy: DynamoDBProxy,
    job_id: str,
    act: Callable[[], None],
    call: Callable[[], Answer],
    racing: bool,
    cause: str,
) -> None:
    """Check that a call raises `JobConflict`, and that the row stays as `act` left it.

    `act` changes the row before the call or, if `racing`, right before the write of the call.
    """
    kept: list[Item] = []

    def meddle() -> None:
        act()
        kept.append(row_of(table, job_id))

    def writes_it(request: Request) -> bool:
        return racing and request.writes and request.names(job_id)

    if not racing:
        meddle()
    with dynamodb_proxy.before(meddle, writes_it):
        answer = call()
    if answer.ok and kept and not changed(kept[0], row_of(table, job_id)):
        cause = CAUGHT
    must_raise(sent, answer, "JobConflict", cause)
    if not kept:
        fail(sent=sent, expected="a write that is rejected", got="no write", cause=cause)
    if odd := changed(kept[0], row_of(table, job_id)):
        fail(sent=sent, expected="JobConflict, and an unchanged row", got=odd, cause=cause)
