"""5.3: what `try_again` writes and returns, for waits that the check chooses.

What a submission could fake:
- counts: requests are counted in the provider's journal, by a text that one document has. Each must have
  its status, so one more loses. A decision writes the row once.
- witness: row, broker and journal must agree. A row or a log alone is never enough.
- place: limits, delays and counts are random.
- store: messages are looked for in all queues and among those that workers hold.
- probe: `backoff` is replaced in one check, which can be noticed. The same is checked with waits that
  the provider asks for and with a real worker, apart from a wait of exactly the limit, which cannot be
  asked for. Another worker comes before the write of a short and of a long delay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy, check_one_write
from autograder.week05_retries.conflicts import check_conflict
from autograder.week05_retries.rows import (
    LONG,
    Item,
    Rows,
    Settings,
    as_job,
    due_after,
    job,
    moment,
    row_of,
)
from autograder.week05_retries.test_5_1_errors import RETRY, URL, request

pytestmark = pytest.mark.item("5.3")

SLACK_SECONDS = 0.8
"""How much later than its due time was calculated a row may say that it was written. It is less than
`BROKER_WAIT_SECONDS`, so a wait that is missing shows."""
ROUNDING_SECONDS = 0.2
"""How much later than asked a row may be due."""
ASKED_TENTH = 0.1
"""The part of what the provider asks for that may be added to it at random."""
ERROR = "APITimeoutError"
BY_MESSAGE = "up to BROKER_WAIT_SECONDS a message keeps the delay: return `RetryAfter(wait, error)`"
BY_ROW = "above BROKER_WAIT_SECONDS the row keeps the delay: return `Drop` with a reason"
CONFLICT = (
    "let the `JobConflict` of `hand_over` leave the function: a job that this worker no longer has "
)
CONFLICT += "must not be retried"


@pytest.fixture
def waits(code: Code) -> Iterator[Callable[[float], None]]:
    """A function that sets the wait that `backoff` returns. Afterwards the student's process is a new one."""
    module = made("importlib", "import_module", RETRY)

    def choose(seconds: float) -> None:
        drawn = made("unittest.mock", "Mock", return_value=seconds)
        code.student.call("builtins", "setattr", module, "backoff", drawn)

    yield choose
    code.student.renew()


def taken(rng: Random, table: Rows) -> Item:
    """Store a job whose third step a worker runs, and return its row."""
    row = job(rng, "processing", steps_done=2, step="embed")
    table.put(row)
    return row


def asking(seconds: float) -> dict[str, Any]:
    """Return the error of an answer that asks for a wait."""
    headers = {"retry-after-ms": str(round(seconds * 1000))}
    answer = made("httpx2", "Response", 429, json={"error": {}}, headers=headers, request=request())
    client = made("openai", "OpenAI", api_key="none", base_url=URL)
    return made("openai", "OpenAI._make_status_error_from_response", client, answer)


def try_again(code: Code, row: Item, count: int = 1, error: Any = None) -> Any:
    """Call the student's function after the step has failed `count` times."""
    first_at = made("decimal", "Decimal", str(moment(-60)))
    changes = {
        "failures": {"embed": {"count": count, "first_at": first_at}},
        "waiting": {"number": 3, "arguments": [row["document"]]},
    }
    error = error or made("openai", ERROR, request())
    return code.ask(RETRY, "try_again", as_job(row), changes, count, error)


def test_the_decision(
    code: Code,
    table: Rows,
    waits: Callable[[float], None],
    dynamodb_proxy: DynamoDBProxy,
    settings: Settings,
    rng: Random,
) -> None:
    """a, b, c, d, e: a wait below the limit, one of exactly the limit, and two above it.

    One of these is far from the next whole second, and one is far from the last.
    """
    limit = settings.broker_wait_seconds
    whole = math.ceil(limit) + rng.randint(0, 40)
    above = [round(whole + rng.uniform(*fraction), 3) for fraction in ((0.3, 0.6), (0.9, 0.98))]
    for wait in (round(rng.uniform(0.3, 0.9), 3), limit, *above):
        waits(wait)
        row, count = taken(rng, table), rng.randint(2, 6)
        sent = f"try_again() with a wait of {wait:g} s (BROKER_WAIT_SECONDS {limit:g})"
        with dynamodb_proxy.watching() as seen:
            said = must_return(sent, try_again(code, row, count))
        said = said if isinstance(said, dict) else {"value": said}
        if wait > limit:
            check_drop(sent, said)
        else:
            check_retry(sent, said, wait)
        due = wait if wait > limit else wait + settings.redrive_seconds
        check_row(sent, row_of(table, row["id"]), row, count, due)
        check_one_write(
            sent, seen, row["id"], "`hand_over` is one conditional write, which decides"
        )


def test_the_decision_with_a_wait_of_its_own(
    code: Code, table: Rows, settings: Settings, rng: Random
) -> None:
    """a, b, c, d, e: nothing is replaced. The wait is what the provider has asked for, and a little more."""
    limit = settings.broker_wait_seconds
    for asked in (round(rng.uniform(0.3, 0.8), 3), round(limit + rng.uniform(5, 90), 3)):
        row = taken(rng, table)
        sent = f"try_again() after a 429 with retry-after-ms: {asked * 1000:g}"
        said = must_return(sent, try_again(code, row, error=asking(asked)))
        said = said if isinstance(said, dict) else {"value": said}
        found = row_of(table, row["id"])
        wait = due_after(found) or 0.0
        if asked > limit:
            check_drop(sent, said)
        else:
            wait = number(said.get("seconds")) or 0.0
        most = asked + max(settings.backoff_base_seconds, asked * ASKED_TENTH) + ROUNDING_SECONDS
        if not asked - ROUNDING_SECONDS <= wait <= most:
            cause = "`wait` is what `backoff` returns for `asked_wait(error)`: use it unchanged"
            fail(
                sent=sent, expected=f"a wait from {asked:g} to {most:.2f} s", got=wait, cause=cause
            )
        check_row(sent, found, row, 1, wait if asked > limit else wait + settings.redrive_seconds)


def check_drop(sent: str, said: dict[str, Any]) -> None:
    if not isinstance(said.get("reason"), str) or not said["reason"].strip():
        fail(sent=sent, expected="a `Drop` with a reason", got=said, cause=BY_ROW)


def check_retry(sent: str, said: dict[str, Any], wait: float) -> None:
    seconds, error = number(said.get("seconds")), said.get("error")
    if seconds is None or "reason" in said:
        fail(sent=sent, expected=f"RetryAfter({wait:g}, error)", got=said, cause=BY_MESSAGE)
    if abs(seconds - wait) > 1e-6:
        fail(
            sent=sent,
            expected=f"RetryAfter({wait:g}, error)",
            got=said,
            cause="pass `wait` unchanged, and do not sleep: the message keeps the whole delay, and a worker "
            "that sleeps cannot run other jobs",
        )
    if not isinstance(error, dict) or error.get("__type__") != ERROR:
        fail(
            sent=f"{sent}, after the error {ERROR}",
            expected="this error in `RetryAfter`",
            got=said,
            cause="pass `error` itself, so that the log names the reason of the retry",
        )


def check_row(sent: str, row: Item, before: Item, count: int, due: float) -> None:
    """Check that the row has no lease, has all of `changes`, and is due after so many seconds."""
    failures, waiting = plain(row.get("failures")), plain(row.get("waiting"))
    counted = isinstance(failures, dict) and isinstance(failures.get("embed"), dict)
    kept = counted and failures["embed"].get("count") == count
    if not kept or waiting != {"number": 3, "arguments": [before["document"]]}:
        fail(
            sent=sent,
            expected=f"failures (count {count}) and waiting (step 3) on the row, as in `changes`",
            got=f"failures: {failures}, waiting: {waiting}",
            cause="pass all of `changes` to `hand_over`: the outbox needs them if the message is lost",
        )
    if row.get("status") != "processing" or "lease_owner" in row:
        got = plain({name: row.get(name) for name in ("status", "lease_owner")})
        cause = "end the lease with `hand_over`: otherwise the retry finds the job taken"
        fail(sent=sent, expected="a job in processing without a lease", got=got, cause=cause)
    after = due_after(row)
    if after is None or not -SLACK_SECONDS <= after - due <= ROUNDING_SECONDS:
        fail(
            sent=sent,
            expected=f"the row due {due:g} s after its write",
            got="no due_at" if after is None else f"due after {after:.2f} s",
            cause="if a message keeps the delay, the row is due after `wait + redrive_seconds`. If the row "
            "keeps it, the row is due after `wait`",
        )


def test_a_conflict_leaves(
    code: Code,
    table: Rows,
    dynamodb_proxy: DynamoDBProxy,
    settings: Settings,
    rng: Random,
) -> None:
    """e: the job was cancelled, or taken by another worker. The error leaves for a short and a long delay."""

    def taken_over(row: Item) -> None:
        table.put({**row, "generation": row["generation"] + 1, "lease_until": moment(LONG)})

    def cancelled(row: Item) -> None:
        table.cancel(row["id"])

    for what, act in (
        ("that another worker has taken", taken_over),
        ("that was cancelled", cancelled),
    ):
        for delay, wait, racing in (
            ("short", settings.broker_wait_seconds / 2, True),
            ("long", settings.broker_wait_seconds * 20, False),
            ("long", settings.broker_wait_seconds * 20, True),
        ):
            row = taken(rng, table)
            sent = f"try_again() with a {delay} delay, of a job {what}"
            sent += ", right before its write" if racing else ""
            call = partial(try_again, code, row, error=asking(wait))
            act_now = partial(act, row)
            check_conflict(sent, table, dynamodb_proxy, row["id"], act_now, call, racing, CONFLICT)
