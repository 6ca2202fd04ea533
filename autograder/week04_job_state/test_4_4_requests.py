"""4.4 over HTTP: requests with one key create one job, with or without Redis."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from random import Random

import httpx
import pytest

from autograder.sdk import Api, Run, TookTooLong, broker, fail, until
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
SLOW_SECONDS = 0.6


def test_without_a_key(api: Api, run: Run, table: JobsTable, rng: Random) -> None:
    """k, l, m: the same bytes twice create two jobs, one blob and two messages."""
    content = text(rng)
    sent = "POST /documents without a key, the same bytes twice"
    both = [accepted(api, submit(api, content), sent) for _ in range(2)]
    ids = [one.job_id for one in both]
    if len(set(ids)) != 2 or set(table.jobs()) != set(ids) or any(one.replayed for one in both):
        fail(
            sent=sent,
            expected="two jobs, and no header Idempotency-Replayed",
            got=f"{ids}; in the table: {sorted(table.jobs())}",
            cause="without a key each request is a new job, even if the content is the same. "
            "Return the id of the accepted document",
        )
    keys = {str(one.body["document"].get("blob_key")) for one in both}
    if keys != {blob_key(content)} or blob_key(content) not in stored(run):
        fail(
            sent=sent,
            expected=f"one blob, {blob_key(content)}",
            got=sorted(keys),
            cause="the response must contain the accepted document, with its blob key",
        )
    for one in both:
        check_job(sent, table, one.body["document"], "public")
        if one.location != one.body["status_url"]:
            fail(
                sent=sent,
                expected=f"Location: {one.body['status_url']}, the path of status_url",
                got=one.location,
                cause="behind a proxy the server does not know its own address. Use the path alone",
            )
    check_announced(sent, run, ids)


def check_announced(sent: str, run: Run, ids: list[str]) -> None:
    """The queue holds exactly one message for each of these jobs."""
    found = announced(run)
    if sorted(found) != sorted(ids):
        fail(
            sent=sent,
            expected=f"{len(ids)} messages in the queue, one for each job",
            got=f"{len(found)} messages, of {len(set(found))} jobs",
            cause=why_not_announced(found, ids),
        )


def why_not_announced(found: list[str], ids: list[str]) -> str:
    """Return the likely cause why the messages `found` are not one for each job of `ids`."""
    if set(found) - set(ids):
        return (
            "a message has the id of a job that was never created, so its worker finds no row. "
            "Write the row first, then announce the document with the id `created.job_id`"
        )
    if set(ids) - set(found):
        return (
            "no message was published, so the job waits until the outbox finds it. Await "
            "`announce(document)` after the row is written"
        )
    return (
        "a replayed request announced its job again, and each copy of a message costs a look at "
        "the row. Announce only if `created.replayed` is False"
    )


def test_fifty_at_once(api: Api, run: Run, table: JobsTable, rng: Random) -> None:
    """i, j, k, m: fifty requests with one key at the same moment create one job."""
    key, content = somebody(rng)[1], text(rng)
    sent = f"POST /documents {AT_ONCE} times at once, with one Idempotency-Key"
    with ThreadPoolExecutor(AT_ONCE) as clients:
        responses = list(clients.map(lambda _: patiently(api, content, key), range(AT_ONCE)))
    answers = [accepted(api, response, sent) for response in responses]
    check_alike(sent, answers, table)
    check_announced(sent, run, [answers[0].job_id])


def patiently(api: Api, content: bytes, key: str) -> httpx.Response:
    """Submit, and repeat the request after a 503, which a busy machine may return."""
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
            expected="one job in the table, and its id in each response",
            got=f"{len(jobs)} jobs in the table, {len(ids)} ids in the responses",
            cause="several jobs: a read of the key followed by a write leaves a gap. One job and "
            "several ids: the route returns the id of its own document, and not `created.job_id`",
        )
    if len({json.dumps(one.body, sort_keys=True) for one in answers}) != 1:
        fail(
            sent=sent,
            expected="the same body in each response",
            got=[one.body for one in answers],
            cause="a client must not notice that it repeats a request. Return the accepted "
            "document and its id in every field",
        )
    fresh = sum(not one.replayed for one in answers)
    if fresh != 1:
        fail(
            sent=sent,
            expected=f"Idempotency-Replayed: true on {len(answers) - 1} of {len(answers)} "
            "responses",
            got=f"the header on {len(answers) - fresh} responses",
            cause="the header tells a client that its document was accepted before. Set it if "
            "`accepted.replayed` is True, and leave it out otherwise",
        )


def test_another_document(api: Api, table: JobsTable, rng: Random) -> None:
    """h: a client that uses one key for two documents gets 422."""
    key = somebody(rng)[1]
    sent = "POST /documents with a key"
    accepted(api, submit(api, text(rng), key=key), sent)
    sent = "POST /documents with the same key and other bytes"
    response = submit(api, text(rng), key=key)
    body = api.json(response) if response.status_code == 422 else None
    kind = body.get("type") if isinstance(body, dict) else None
    if kind != "idempotency_key_reused" or len(table.jobs()) != 1:
        fail(
            sent=sent,
            expected="422 with the type idempotency_key_reused, and no second job",
            got=f"{response.status_code} {response.text[:200]}; {len(table.jobs())} jobs",
            cause="the API turns IdempotencyKeyReused into this response. Do not catch the error "
            "in `accept`",
        )


def test_row_before_message(
    api: Api, run: Run, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """h, i: until the row is written, there is no message, and the API serves other requests."""
    for key in (somebody(rng)[1], None):
        sent = f"POST /documents {'with' if key else 'without'} a key, while DynamoDB is slow"
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
                got="the message is in the queue, and there is no row yet",
                cause="a fast worker finds no row and drops the message. Await `announce` only "
                "after `create_once` has returned",
            )
        if late:
            fail(
                sent=f"{sent}, and GET /health at the same time",
                expected="a response of GET /health at once",
                got=late[0],
                cause="`create` and `create_once` block the event loop, so the API serves nobody. "
                "Write `await on_thread(create_once, …)`",
            )
        table.clear()
        queue(run).flushdb()


def held_up(api: Api) -> list[str]:
    """Return what is wrong with the API while a write waits. An empty list: it responds."""
    try:
        api.get("/health", timeout=HELD_SECONDS)
    except TookTooLong:
        return [f"no response within {HELD_SECONDS:g} s"]
    return []


def test_the_response_is_last(api: Api, run: Run, rng: Random) -> None:
    """i: when the response comes, the message is in the queue, even if Redis is slow."""
    sent = f"POST /documents with a key, while Redis stands still for {SLOW_SECONDS:g} s"
    key = somebody(rng)[1]
    with broker.silent(run, SLOW_SECONDS) as over:
        one = accepted(api, submit(api, text(rng), key=key), sent)
        waited = over.is_set()
    if not waited or announced(run) != [one.job_id]:
        fail(
            sent=sent,
            expected="a response once the message is in the queue",
            got="a response, and no message yet",
            cause="a task that nobody awaits can be lost: Python may remove it, and it dies with "
            "the process. Write `await announce(document)`",
        )


def test_without_redis(api: Api, run: Run, table: JobsTable, rng: Random) -> None:
    """i: while Redis is down, documents are accepted, and their messages are published later."""
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
            expected="their messages in the queue, because the outbox finds the rows",
            got=f"messages for {len(set(announced(run)))} of {len(ids)} jobs",
            cause="the outbox finds a job by `due_shard` and `due_at`. Write the item that "
            "`new_item` makes, with all of its attributes",
        )
    table.clear()
    queue(run).flushdb()
