"""5.6 over HTTP, with a worker: a replayed job is completed, and no other job is replayed.

What a submission could fake:
- counts: messages are counted where a worker takes them, while no worker does. Each replayed row and
  each alert is written once.
- witness: a row that says `completed` counts only together with a request to the provider, and an alert
  only when it arrives.
- place: owners, ids, delays and limits are random.
- store: row, index, messages in all queues, and the answer. Their order is watched in DynamoDB, in Redis
  and over HTTP.
- probe: another request comes right before a write, in calls of `replay`, in one of many jobs and over
  HTTP. `MAX_REPLAYS` is replaced, which can be noticed, because a thousand rows would take too long.
"""

from __future__ import annotations

from random import Random
from typing import Any

import httpx
import pytest

from autograder.sdk import Api, CheckFailed, OpenAIControl, Run, Worker, fail
from autograder.sdk.answers import changed, plain
from autograder.sdk.api_log import log_of, traceback_in
from autograder.sdk.dynamodb import DynamoDBProxy, Request
from autograder.week05_retries.rows import (
    Item,
    Rows,
    Settings,
    Submitted,
    asked,
    dead,
    ended,
    job,
    new_id,
    row_of,
    shown,
    submit,
)

pytestmark = pytest.mark.item("5.6")

HEALTH_SECONDS = 5.0
ROW_FIRST = (
    "write the row first (`replay`), then send the message (`announce`): a message that arrives first "
    "finds a failed job, and without a message the job waits for the outbox"
)


def failed(run: Run, table: Rows, rng: Random, **more: Any) -> Submitted:
    """Store a job with a dead letter whose document can be processed now."""
    letter = dead(rng, **more)
    kept = {name: value for name, value in letter.items() if name not in ("id", "document")}
    return submit(run, table, rng, **{"due_at": None, "due_shard": None, **kept})


def replay(api: Api, job_id: str) -> httpx.Response:
    return api.post(f"/dead-letters/{job_id}/replay")


def must_answer(api: Api, sent: str, answer: httpx.Response, status: int, cause: str = "") -> Any:
    """Return the body of an answer that must have this status."""
    if answer.status_code != status:
        fail(
            sent=sent,
            expected=f"status {status}",
            got=f"{answer.status_code} {answer.text[:300]}",
            cause=cause,
            log=log_of(api, answer),
        )
    body = api.json(answer)
    return body if isinstance(body, dict) else {}


def check_error(sent: str, body: dict[str, Any], kind: str) -> None:
    """Check that the body is that of the pipeline's own error."""
    if body.get("type") != kind:
        fail(
            sent=sent,
            expected=f"an error of the type {kind}",
            got=body,
            cause="let the error of `find_dead` or `replay` leave the function: the API answers with it",
        )


def must_complete(
    sent: str, table: Rows, worker: Worker, openai: OpenAIControl, one: Submitted, cause: str
) -> None:
    """Check that the job is completed, and that the provider was asked about its document."""
    row = ended(table, one.id)
    if row.get("status") != "completed" or "dead_letter" in row or row.get("deliveries") != 1:
        fail(
            sent=sent,
            expected="the job starts again with a first delivery, and is completed",
            got=f"{shown(row)}, dead letter: {plain(row.get('dead_letter')) or 'none'}",
            cause=cause,
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    if not asked(openai, one):
        fail(
            sent=sent,
            expected="a completed job whose steps ran again",
            got="a completed job, and no request to the provider",
            cause=cause,
        )


def listed(api: Api) -> list[str]:
    """Return the ids in `GET /dead-letters`."""
    sent = "GET /dead-letters?limit=100"
    body = must_answer(api, sent, api.get("/dead-letters?limit=100"), 200)
    found = body.get("dead_letters")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        fail(sent=sent, expected="a list of dead letters", got=body)
    return [str(one.get("job_id")) for one in found]


def test_one_is_replayed(
    api: Api, worker: Worker, run: Run, table: Rows, openai: OpenAIControl, rng: Random
) -> None:
    """p, q: the answer is 202 with the job's address, and the message is sent at once."""
    one = failed(run, table, rng)
    foreign = dead(rng, owner=f"owner-{rng.getrandbits(32):x}")
    table.put(foreign)
    if listed(api) != [one.id]:
        fail(
            sent="GET /dead-letters, with one dead letter of this owner and one of another",
            expected=f"[{one.id!r}]",
            got=listed(api),
        )
    sent = "POST /dead-letters/{job_id}/replay"
    answer = replay(api, one.id)
    body = must_answer(api, sent, answer, 202)
    url = f"/jobs/{one.id}"
    location = answer.headers.get("location", "")
    if body.get("job_id") != one.id or body.get("status_url") != url or not location.endswith(url):
        fail(
            sent=sent,
            expected=f"job_id {one.id}; {url} in status_url and Location",
            got=f"{body}, Location {location!r}",
        )
    must_complete(sent, table, worker, openai, one, ROW_FIRST)
    if listed(api):
        fail(sent="GET /dead-letters after the replay", expected="no entry", got=listed(api))


def test_what_is_not_replayed(
    api: Api, run: Run, table: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """o, r: jobs without a dead letter, of another owner, or that have changed are not replayed."""
    foreign = dead(rng, owner=f"owner-{rng.getrandbits(32):x}")
    done, running = job(rng, "completed"), job(rng, "processing")
    table.put(foreign, done, running)
    for row, what in (
        (foreign, "that belongs to another owner"),
        (done, "that is completed"),
        (running, "that is in processing"),
        ({"id": new_id(rng)}, "that does not exist"),
    ):
        sent = f"POST /dead-letters/{{job_id}}/replay of a job {what}"
        cause = "use `find_dead(job_id, owner)`, which finds only what this owner may replay"
        body = must_answer(api, sent, replay(api, row["id"]), 404, cause)
        check_error(sent, body, "dead_letter_not_found")
        if table.get(row["id"]) and (odd := changed(row, table.get(row["id"]))):
            fail(sent=sent, expected="an unchanged row", got=odd, cause=cause)

    one = failed(run, table, rng)
    again: Item = {**row_of(table, one.id), "generation": one.before["generation"] + 5}

    def act() -> None:
        table.put(again)

    def writes_it(request: Request) -> bool:
        return request.writes and request.names(one.id)

    sent = (
        "POST /dead-letters/{job_id}/replay of a job that another request replays right before the "
    )
    sent += "write, and that fails again"
    with dynamodb_proxy.before(act, writes_it):
        cause = (
            "the row has a newer generation, so `replay` must raise `JobConflict`: do not catch it"
        )
        body = must_answer(api, sent, replay(api, one.id), 409, cause)
    check_error(sent, body, "job_conflict")
    if odd := changed(again, table.get(one.id)):
        fail(sent=sent, expected="409, and an unchanged row", got=odd)


def test_other_requests_do_not_wait(
    api: Api,
    worker: Worker,
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    dynamodb_proxy: DynamoDBProxy,
    rng: Random,
) -> None:
    """o: while a replay waits for DynamoDB, the API answers other requests."""
    for writes in (False, True):
        one = failed(run, table, rng)
        said: list[str] = []

        def ask(said: list[str] = said) -> None:
            try:
                said.append(str(api.get("/health", timeout=HEALTH_SECONDS).status_code))
            except CheckFailed as failure:
                said.append(failure.card.got)

        def fits(request: Request, writes: bool = writes, job_id: str = one.id) -> bool:
            return request.writes is writes and request.names(job_id)

        what = "write" if writes else "read"
        sent = f"GET /health while the {what} of a replay is on its way to DynamoDB"
        with dynamodb_proxy.before(ask, fits):
            try:
                replay(api, one.id)
            except CheckFailed:
                if said in ([], ["200"]):
                    raise
        if said != ["200"]:
            fail(
                sent=sent,
                expected="200, at once",
                got=said[0] if said else f"there was no such {what}",
                cause="use `await on_thread(...)`: a blocking call on the event loop blocks every request",
            )
        must_complete("POST /dead-letters/{job_id}/replay", table, worker, openai, one, ROW_FIRST)


def test_all_are_replayed(
    api: Api,
    worker: Worker,
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    settings: Settings,
    rng: Random,
) -> None:
    """g: the first job starts at once, and the second when it is due."""
    jobs = [failed(run, table, rng) for _ in "ab"]
    jobs.sort(key=lambda one: one.before["dead_at"])
    first, second = jobs
    sent = "POST /dead-letters/replay, with two dead letters"
    body = must_answer(api, sent, api.post("/dead-letters/replay"), 202)
    seconds = 1 / settings.replays_per_second
    if body.get("replayed") != 2:
        fail(sent=sent, expected="replayed: 2", got=body)
    cause = "the first job must be due at once, so that the outbox sends its message"
    must_complete(sent, table, worker, openai, first, cause)
    row = row_of(table, second.id)
    if row.get("status") != "pending" or asked(openai, second):
        fail(
            sent=sent,
            expected=f"the second job is due {seconds:g} s later",
            got=shown(row),
            cause="jobs that all start at once can overload the provider again",
        )
    table.make_due(second.id)
    must_complete(f"{sent}; then the second is due", table, worker, openai, second, cause)
