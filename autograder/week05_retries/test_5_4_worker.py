"""5.4 with a real worker: a damaged document, and a provider that keeps failing."""

from __future__ import annotations

import re
import time
from itertools import dropwhile
from random import Random
from typing import Any

import pytest

from autograder.sdk import Api, Fault, OpenAIControl, Run, Worker, broker, fail, until
from autograder.sdk.answers import number, plain
from autograder.sdk.api_log import traceback_in
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.sdk.submitting import accepted
from autograder.sdk.submitting import submit as post
from autograder.week05_retries.rows import (
    DONE_SECONDS,
    LONG,
    Item,
    Rows,
    Settings,
    asked,
    ended,
    failed_before,
    moment,
    row_of,
    shown,
    submit,
)

pytestmark = pytest.mark.item("5.4")

LOG_SECONDS = 3.0
FLUSH_SECONDS = 0.1
"""How long a line takes from the worker to its log."""
_LEVEL = re.compile(r"\b(ERROR|CRITICAL)\b")


def letter_on(row: Item) -> dict[str, Any]:
    letter = row.get("dead_letter")
    return letter if isinstance(letter, dict) else {}


def letter_of(sent: str, table: Rows, worker: Worker, job_id: str) -> dict[str, Any]:
    """Return the dead letter of a job that must fail."""
    row = ended(table, job_id)
    letter = letter_on(row)
    if row.get("status") != "failed" or not letter:
        fail(
            sent=sent,
            expected="a failed job with its dead letter",
            got=f"{shown(row)}, dead letter: {plain(letter) or 'none'}",
            cause="the worker's log shows why. A float in the letter, for example, is rejected by DynamoDB: "
            "use `exact`",
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    return letter


def has(sent: str, letter: dict[str, Any], **wanted: Any) -> None:
    found = {name: plain(letter.get(name)) for name in wanted}
    if found != wanted:
        cause = "use `failures.count`, which contains this failure: the row does not have it yet"
        fail(
            sent=sent,
            expected=f"in the dead letter: {wanted}",
            got=found,
            cause=cause if found.get("attempts") != wanted.get("attempts") else "",
        )


def test_permanent_and_exhausted(
    api: Api,
    worker: Worker,
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    dynamodb_proxy: DynamoDBProxy,
    settings: Settings,
    rng: Random,
) -> None:
    """b, d, e, h, i: one job fails at once, the other after its last attempt. Each has one dead letter."""
    broken = b"%PDF-1.4\n" + rng.randbytes(400)
    unread = accepted(api, post(api, broken, "broken.pdf"), "a PDF that is damaged").job_id
    most = settings.max_attempts
    first = failed_before(most - 1)
    one = submit(run, table, rng, **first, due_at=moment(LONG))
    openai.script(Fault.status(500, times=None, matching=one.text))
    early: list[str] = []

    def look() -> None:
        time.sleep(FLUSH_SECONDS)
        early.extend(errors(worker, one.id))

    def gives_up(request: Request) -> bool:
        return request.writes and request.names(one.id) and b"dead_letter" in request.body

    with dynamodb_proxy.before(look, gives_up) as seen:
        table.make_due(one.id)
        ended(table, one.id)
    last = list(dropwhile(lambda request: not gives_up(request), seen))

    sent = "a PDF that is damaged"
    letter = letter_of(sent, table, worker, unread)
    has(sent, letter, step="parse", task="pipeline.parse_document", attempts=1, deliveries=1)
    check_public(sent, api, unread, letter)
    check_log(sent, worker, unread, letter)

    sent = f"a document whose embedding fails for the {most}th time (MAX_ATTEMPTS {most})"
    letter = letter_of(sent, table, worker, one.id)
    has(sent, letter, step="embed", attempts=most, deliveries=1, kind="internal_error")
    known = first["failures"]["embed"]["first_at"]
    if number(letter.get("first_at")) != float(known):
        fail(
            sent=sent,
            expected=f"first_at: {float(known)}, the time of the first failure",
            got=plain(letter.get("first_at")),
            cause="use `exact(failures.first_at)`",
        )
    if one.text in str(row_of(table, one.id)):
        fail(
            sent=sent,
            expected="references in the dead letter",
            got="a piece of the document's text",
            cause="a dead letter is stored for weeks and read by many people: store keys, never contents",
        )
    check_public(sent, api, one.id, letter)
    check_log(sent, worker, one.id, letter)
    check_one_write(sent, last, one.id, "one conditional write decides: `move` with the generation")
    check_not_early(sent, [line for line in early if str(letter["fingerprint"]) in line])
    if len(asked(openai, one)) != 1:
        got = f"{len(asked(openai, one))} requests"
        fail(sent=sent, expected="one request, which was the last attempt", got=got)


def test_a_write_that_is_rejected(
    worker: Worker,
    api: Api,
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    dynamodb_proxy: DynamoDBProxy,
    settings: Settings,
    rng: Random,
) -> None:
    """i: a job is cancelled right before its dead letter is written. The log reports no dead letter."""
    one = submit(run, table, rng, **failed_before(settings.max_attempts - 1), due_at=moment(LONG))
    openai.script(Fault.status(500, times=None, matching=one.text))
    cancelled: list[str] = []

    def cancel() -> None:
        table.cancel(one.id)
        cancelled.append(one.id)

    def gives_up(request: Request) -> bool:
        return request.writes and request.names(one.id) and b"dead_letter" in request.body

    sent = "a job that is cancelled right before its dead letter is written"
    with dynamodb_proxy.before(cancel, gives_up):
        table.make_due(one.id)
        if not until(lambda: cancelled, DONE_SECONDS):
            got = shown(row_of(table, one.id))
            fail(sent=sent, expected="a write with the dead letter", got=got, log=worker.tail())
        until(lambda: not broker.unacknowledged(run), LOG_SECONDS)
    time.sleep(FLUSH_SECONDS)
    row = row_of(table, one.id)
    if row.get("status") != "cancelled" or "dead_letter" in row:
        got = f"{shown(row)}, dead letter: {plain(letter_on(row)) or 'none'}"
        fail(sent=sent, expected="a cancelled job without a dead letter", got=got)
    if found := errors(worker, one.id):
        fail(
            sent=sent,
            expected="no line about this job at level ERROR",
            got=found[0][:300],
            cause="on `JobConflict` log nothing, and let it leave the function: the dead letter does not "
            "exist, so the log must not report one",
        )


def check_public(sent: str, api: Api, job_id: str, letter: dict[str, Any]) -> None:
    """Check what clients see: the kind and a message. The list contains the job once."""
    answer = api.get(f"/jobs/{job_id}")
    body = api.json(answer)
    error = body.get("error") if isinstance(body, dict) else None
    if error != {"type": letter["kind"], "message": letter["message"]}:
        fail(
            sent=f"GET /jobs/{{id}} of {sent}",
            expected="an error with the letter's kind and message",
            got=answer.text[:300],
        )
    for place in (f"/jobs/{job_id}", f"/dead-letters/{job_id}", "/dead-letters?limit=100"):
        answer = api.get(place)
        if any(word in answer.text for word in ("Traceback", 'File \\"', "site-packages")):
            fail(
                sent=f"GET {place} of {sent}",
                expected="no traceback",
                got=answer.text[:400],
                cause="a traceback is only for operators: take `kind` and `message` from `public_error`",
            )
    listed = api.json(answer) if answer.status_code == 200 else {}
    found = listed.get("dead_letters") if isinstance(listed, dict) else None
    ids = [one.get("job_id") for one in found] if isinstance(found, list) else []
    if ids.count(job_id) != 1:
        fail(
            sent=f"GET /dead-letters after {sent}",
            expected="the job, once",
            got=answer.text[:300],
            cause="the list finds jobs by `dead_at`: write it with the dead letter",
        )


def errors(worker: Worker, job_id: str) -> list[str]:
    """Return the lines of the worker's log about this job with the level ERROR or above."""
    return [line for line in worker.logs().splitlines() if job_id in line and _LEVEL.search(line)]


def check_not_early(sent: str, early: list[str]) -> None:
    if early:
        fail(
            sent=f"{sent}; its log is read right before the write",
            expected="no line yet about the dead letter",
            got=early[0][:300],
            cause="log after the write: if the write is rejected (`JobConflict`), the log would report a "
            "dead letter that does not exist",
        )


def check_log(sent: str, worker: Worker, job_id: str, letter: dict[str, Any]) -> None:
    """Check that one line reports the dead letter. The line of an alert does not count."""

    def lines() -> list[str]:
        return [
            line
            for line in worker.logs().splitlines()
            if job_id in line and str(letter.get("fingerprint")) in line and "ALERT" not in line
        ]

    until(lines, LOG_SECONDS)
    found = [line for line in lines() if _LEVEL.search(line)]
    if len(found) != 1:
        fail(
            sent=sent,
            expected="one line in the worker's log at level ERROR, with the job's id and the fingerprint",
            got=f"{len(found)} such lines" + (", and some below that level" if lines() else ""),
            cause="call `logger.error` once, after the write: monitoring looks for the level ERROR"
            if lines()
            else "the line must contain the letter's fingerprint and the job's id: operators search for them",
        )
