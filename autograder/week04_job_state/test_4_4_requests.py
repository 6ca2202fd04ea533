"""4.4 over HTTP: one key, one job; without one, each request makes its own, with or without Redis."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from random import Random

import httpx
import pytest

from autograder.sdk import Api, Run, TookTooLong, fail, until
from autograder.sdk.blobs import stored
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import JobsTable, moment
from autograder.sdk.submitting import Accepted, accepted, submit, text
from autograder.week04_job_state.job_checks import announced, blob_key, check_job, queue, somebody

pytestmark = [pytest.mark.item("4.4"), pytest.mark.usefixtures("nothing_waits")]

AT_ONCE = 50
RETRIES = 3
BOUND_SECONDS = 10.0
HELD_SECONDS = 4.0


def test_without_a_key(api: Api, run: Run, table: JobsTable, rng: Random) -> None:
    """The same bytes twice: two jobs, one blob, two messages."""
    content = text(rng)
    sent = "POST /documents without a key, the same bytes twice"
    both = [accepted(api, submit(api, content), sent) for _ in range(2)]
    ids = [one.job_id for one in both]
    if len(set(ids)) != 2 or set(table.jobs()) != set(ids) or any(one.replayed for one in both):
        fail(
            sent=sent,
            expected="two jobs, neither of them replayed",
            got=f"{ids}; in the table: {sorted(table.jobs())}",
            cause="without a key each request is one of its own: `create`",
        )
    keys = {str(one.body["document"].get("blob_key")) for one in both}
    if keys != {blob_key(content)} or blob_key(content) not in stored(run):
        fail(sent=sent, expected=f"one blob, {blob_key(content)}", got=sorted(keys))
    for one in both:
        check_job(sent, table, one.body["document"], "public")
    check_announced(sent, run, ids)


def check_announced(sent: str, run: Run, ids: list[str]) -> None:
    """One message for each of these jobs, and no more."""
    found = announced(run)
    if sorted(found) != sorted(ids):
        fail(
            sent=sent,
            expected=f"{len(ids)} messages in the queue, one for each job",
            got=f"{len(found)}, of {len(set(found))} jobs",
            cause=why_not_announced(found, ids),
        )


def why_not_announced(found: list[str], ids: list[str]) -> str:
    """Return the likely cause why the messages `found` are not one for each job of `ids`."""
    if set(found) - set(ids):
        return (
            "a message carries the id of a job that was never made: write the row first, then "
            "announce the document under `created.job_id`"
        )
    if set(ids) - set(found):
        return "nobody was told: `await announce(document)`"
    return "a request that was replayed has announced its job again"


def test_fifty_at_once(api: Api, run: Run, table: JobsTable, rng: Random) -> None:
    """One key, fifty requests at the same moment, as from an impatient client."""
    key, content = somebody(rng)[1], text(rng)
    sent = f"POST /documents {AT_ONCE} times at once, with one Idempotency-Key"
    with ThreadPoolExecutor(AT_ONCE) as clients:
        responses = list(clients.map(lambda _: patiently(api, content, key), range(AT_ONCE)))
    answers = [accepted(api, response, sent) for response in responses]
    check_alike(sent, answers, table)
    check_announced(sent, run, [answers[0].job_id])


def patiently(api: Api, content: bytes, key: str) -> httpx.Response:
    """As clients do: after a 503, which a busy machine may give, the same once more."""
    response = submit(api, content, key=key)
    for _ in range(RETRIES):
        if response.status_code == 503:
            response = submit(api, content, key=key)
    return response


def check_alike(sent: str, answers: list[Accepted], table: JobsTable) -> None:
    ids, jobs = {one.job_id for one in answers}, list(table.jobs())
    if len(ids) != 1 or jobs != list(ids):
        fail(
            sent=sent,
            expected="one job, and its id in each answer",
            got=f"{len(jobs)} jobs in the table, {len(ids)} ids in the answers",
            cause="to look for the key first and write then leaves a gap; or the route answers with "
            "the id of its own document: `created.job_id` is the one that counts",
        )
    if len({json.dumps(one.body, sort_keys=True) for one in answers}) != 1:
        fail(sent=sent, expected="the same body in each answer", got=[one.body for one in answers])
    fresh = sum(not one.replayed for one in answers)
    if fresh != 1:
        fail(
            sent=sent,
            expected=f"Idempotency-Replayed: true on {len(answers) - 1} of {len(answers)} answers",
            got=f"on {len(answers) - fresh}",
            cause="`created.replayed` says whether an earlier request has made the job",
        )


def test_another_document(api: Api, table: JobsTable, rng: Random) -> None:
    """A key that is used for two documents is a mistake of the client's."""
    key = somebody(rng)[1]
    sent = "POST /documents with a key"
    accepted(api, submit(api, text(rng), key=key), sent)
    sent = "POST /documents with the same key, and other bytes"
    response = submit(api, text(rng), key=key)
    body = api.json(response) if response.status_code == 422 else None
    kind = body.get("type") if isinstance(body, dict) else None
    if kind != "idempotency_key_reused" or len(table.jobs()) != 1:
        fail(
            sent=sent,
            expected="422 idempotency_key_reused, and no second job",
            got=f"{response.status_code} {response.text[:200]}; {len(table.jobs())} jobs",
            cause="let the error through: the API makes the answer of it",
        )


def test_row_before_message(
    api: Api, run: Run, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """While the row is on its way nobody is told, and everybody else is answered."""
    for key in (somebody(rng)[1], None):
        sent = (
            f"POST /documents {'with' if key else 'without'} a key, while DynamoDB takes its time"
        )
        early: list[str] = []
        late: list[str] = []

        def hold(early: list[str] = early, late: list[str] = late) -> None:
            early += announced(run)
            late += held_up(api)

        with dynamodb_proxy.before(
            hold, lambda request: request.writes and b"filename" in request.body
        ):
            accepted(api, submit(api, text(rng), key=key), sent)
        if early:
            fail(
                sent=sent,
                expected="the row first, then the message",
                got="the message is in the queue, and there is no row",
                cause="a worker that is quick finds no job, and drops the message",
            )
        if late:
            fail(
                sent=f"{sent}, and GET /health meanwhile",
                expected="an answer at once",
                got=late[0],
                cause="`create` and `create_once` block: the event loop waits with them, and nobody "
                "is answered. `await on_thread(create_once, …)`",
            )
        table.clear()
        queue(run).flushdb()


def held_up(api: Api) -> list[str]:
    """What is wrong with the API's answers while a write waits; nothing if they come."""
    try:
        api.get("/health", timeout=HELD_SECONDS)
    except TookTooLong:
        return [f"none within {HELD_SECONDS:g} s"]
    return []


def test_without_redis(api: Api, run: Run, table: JobsTable, rng: Random) -> None:
    """No queue, no matter: what is accepted is in the table, and goes into the queue later."""
    sent = "POST /documents while Redis is stopped"
    with run.redis_outage():
        answers = [
            accepted(api, submit(api, text(rng), key=key), sent) for key in (None, somebody(rng)[1])
        ]
        for one in answers:
            check_job(sent, table, one.body["document"], "public")
    ids = {one.job_id for one in answers}
    for job_id in ids:
        table.change(job_id, due_at=moment(-1))  # PUBLISH_SECONDS have gone by
    if not until(lambda: set(announced(run)) == ids, BOUND_SECONDS):
        fail(
            sent=f"{sent}; then Redis comes back, and the jobs are due",
            expected="their messages in the queue: the outbox has found the rows",
            got=f"messages for {len(set(announced(run)))} of {len(ids)} jobs",
            cause="what the outbox looks for is in the row that `new_item` makes",
        )
    table.clear()
    queue(run).flushdb()
