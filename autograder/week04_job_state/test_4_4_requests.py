"""4.4: an idempotency key makes one job, whatever breaks; without one, each request makes its own."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx
import pytest

from autograder.engine import wait
from autograder.engine.api import Api
from autograder.engine.between import Between, Request
from autograder.engine.calls import Answer
from autograder.engine.card import TookTooLong, fail
from autograder.week02_api import uploading
from autograder.week04_job_state.code import (
    CREATION,
    Code,
    differs,
    must_raise,
    must_return,
    number,
    plain,
    reference,
)
from autograder.week04_job_state.submitting import (
    Accepted,
    accepted,
    announced,
    blob_key,
    queue,
    submit,
    text,
)
from autograder.week04_job_state.table import Item, JobsTable, document, moment, new_id
from bootcamp.stack import Run

pytestmark = pytest.mark.item("4.4")

AT_ONCE = 50
RETRIES = 3
SLACK_SECONDS = 2.0
BOUND_SECONDS = 10.0
HELD_SECONDS = 4.0
RECORD = "idem#"


@pytest.fixture(autouse=True)
def nothing_waits(run: Run, table: JobsTable) -> None:
    """No row and no message of an earlier check."""
    table.clear()
    queue(run).flushdb()


def create_once(code: Code, made: dict[str, str], owner: str, key: str) -> Answer:
    return code.ask(CREATION, "create_once", reference(made), owner, key)


def created(sent: str, answer: Answer, cause: str = "") -> dict[str, Any]:
    """What `create_once` has returned: `job_id` and `replayed`."""
    if cause and answer.error == "IdempotencyKeyReused":
        fail(sent=sent, expected="a new job", got=answer.error, cause=cause)
    value = must_return(sent, answer)
    if not isinstance(value, dict) or not isinstance(value.get("job_id"), str):
        fail(sent=sent, expected="Created(job_id, replayed)", got=value)
    return value


def somebody(rng: Random) -> tuple[str, str]:
    """An owner and an idempotency key."""
    return f"owner-{rng.getrandbits(32):x}", f"key-{rng.getrandbits(64):x}"


# -- create_once ----------------------------------------------------------------------------


def test_first_and_second(
    code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]
) -> None:
    """The first request makes the job and is remembered; the second one gets the same job."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    sent, begun = "create_once() with a key that is new", time.time()
    first = created(sent, create_once(code, made, owner, key))
    if first != {"job_id": made["document_id"], "replayed": False}:
        fail(sent=sent, expected="the document's own id, and replayed False", got=first)
    check_job(sent, table, made, owner)
    check_record(sent, table, begun, wait_of["IDEMPOTENCY_SECONDS"])
    again = {**made, "document_id": new_id(rng)}
    sent = "create_once() with the same key and document again (the id is another: each request's)"
    second = created(sent, create_once(code, again, owner, key))
    check_replayed(sent, table, second, made["document_id"])
    check_other_document(code, table, rng, made, owner, key)


def check_job(sent: str, table: JobsTable, made: dict[str, str], owner: str) -> None:
    """The row is that of a job that waits and is due."""
    wanted = {"owner": owner, "status": "pending", "document": made}
    row = table.get(made["document_id"])
    if odd := differs(row, wanted):
        fail(
            sent=sent,
            expected="the job's row: pending, with its owner and its document",
            got=odd,
            cause="`new_item(document, owner)` is to be written",
        )
    if row is None or not {"due_at", "due_shard"} <= set(row) or "expires_at" in row:
        fail(sent=sent, expected="a job that is due, and does not expire", got=plain(row))


def check_record(sent: str, table: JobsTable, begun: float, seconds: int) -> None:
    """What is not a job remembers the key, and expires in time."""
    records = [one for one in table.all() if "document" not in one]
    ends = [number(one.get("expires_at")) for one in records]
    low, high = begun + seconds - SLACK_SECONDS, time.time() + seconds + SLACK_SECONDS
    if not any(end is not None and low <= end <= high for end in ends):
        fail(
            sent=sent,
            expected=f"`record` in the table, until IDEMPOTENCY_SECONDS ({seconds}) from now",
            got=plain(records) or "no other item than the job",
            cause="what is remembered in a process alone is forgotten with it",
        )


def check_replayed(sent: str, table: JobsTable, got: dict[str, Any], first: str) -> None:
    jobs = list(table.jobs())
    if got["job_id"] != first or jobs != [first]:
        fail(
            sent=sent,
            expected="the first one's job, and no second one in the table",
            got=f"{'another' if got['job_id'] != first else 'that'} id, {len(jobs)} jobs",
            cause="the record knows which job the key has made: `failed.found[1]`",
        )
    if got.get("replayed") is not True:
        fail(sent=sent, expected="replayed True", got=got)


def check_other_document(
    code: Code, table: JobsTable, rng: Random, made: dict[str, str], owner: str, key: str
) -> None:
    """The key is good for one document, and for one owner."""
    before = len(table.all())
    for what in ("filename", "blob_key"):
        other = {**document(rng, new_id(rng)), what: document(rng, "")[what]}
        other = {**made, "document_id": new_id(rng), what: other[what]}
        sent = f"create_once() with a key that came before, and another {what}"
        cause = "compare the fingerprints: a client that mixes up its keys must hear of it"
        must_raise(sent, create_once(code, other, owner, key), "IdempotencyKeyReused", cause)
        if len(table.all()) != before:
            fail(sent=sent, expected="nothing written", got=f"{len(table.all()) - before} items")
    theirs = {**document(rng, new_id(rng))}
    sent = "create_once() with a key that another owner has used"
    cause = "an owner's keys are their own: `record_id(owner, key)`"
    got = created(sent, create_once(code, theirs, f"{owner}-2", key), cause)
    if got != {"job_id": theirs["document_id"], "replayed": False}:
        fail(
            sent=sent,
            expected="a job of their own",
            got=got,
            cause=cause,
        )
    check_job(sent, table, theirs, f"{owner}-2")


def test_a_key_that_has_expired(code: Code, table: JobsTable, rng: Random) -> None:
    """DynamoDB deletes late: the record lies there, and counts no more."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    created("create_once()", create_once(code, made, owner, key))
    for record in [one for one in table.all() if "document" not in one]:
        table.change(record["id"], expires_at=int(moment(-100)))
    later = document(rng, new_id(rng))
    sent = "create_once() with a key whose record expired 100 s ago, and is still in the table"
    cause = "compare the record's `expires_at` with `moment()`"
    got = created(sent, create_once(code, later, owner, key), cause)
    if got != {"job_id": later["document_id"], "replayed": False}:
        fail(sent=sent, expected="a new job", got=got, cause=cause)
    check_job(sent, table, later, owner)


def test_a_death_half_way(code: Code, table: JobsTable, between: Between, rng: Random) -> None:
    """After its first write the process can write no more. The key must not lie."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    written = 0

    def only_one(request: Request) -> bool:
        nonlocal written
        written += request.writes
        return not request.writes or written == 1

    with between.watching(only_one):
        create_once(code, made, owner, key)
    sent = "create_once() that dies after its first write, then the same request once more"
    again = {**made, "document_id": new_id(rng)}
    got = created(sent, create_once(code, again, owner, key))
    jobs = list(table.jobs())
    if jobs != [got["job_id"]]:
        fail(
            sent=sent,
            expected="one job, and its id",
            got=f"{len(jobs)} jobs"
            + ("" if got["job_id"] in jobs else ", and an id that is none of theirs"),
            cause="job and record were written one after the other: a death between the two leaves "
            "a key without a job, or a job that the key does not know. `put_together`",
        )


def test_two_at_the_same_moment(
    code: Code, table: JobsTable, between: Between, rng: Random
) -> None:
    """Another request with the key is faster by a hair."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    probe = document(rng, new_id(rng))
    created("create_once()", create_once(code, probe, owner, key))
    won: list[Item] = [one for one in table.all() if "document" not in one]
    winner = table.get(probe["document_id"])
    table.clear()

    def faster() -> None:
        table.put(*won, *([winner] if winner else []))

    with between.before(faster, lambda request: request.writes):
        answer = create_once(code, {**probe, "document_id": made["document_id"]}, owner, key)
    sent = "create_once(); right before its write another request with the key has made the job"
    check_replayed(sent, table, created(sent, answer), probe["document_id"])


# -- POST /documents ------------------------------------------------------------------------


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
    if keys != {blob_key(content)} or blob_key(content) not in uploading.stored(run):
        fail(sent=sent, expected=f"one blob, {blob_key(content)}", got=sorted(keys))
    for one in both:
        check_job(sent, table, one.body["document"], "public")
    check_announced(sent, run, ids)


def check_announced(sent: str, run: Run, ids: list[str]) -> None:
    """One message for each of these jobs, and no more."""
    found = announced(run)
    if sorted(found) != sorted(ids):
        missing = [one for one in ids if one not in found]
        fail(
            sent=sent,
            expected=f"{len(ids)} messages in the queue, one for each job",
            got=f"{len(found)}, of {len(set(found))} jobs",
            cause="nobody was told: `await announce(document)`"
            if missing
            else "a request that was replayed has announced its job again",
        )


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
    api: Api, run: Run, table: JobsTable, between: Between, rng: Random
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

        with between.before(hold, lambda request: request.writes and b"filename" in request.body):
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
    if not wait.until(lambda: set(announced(run)) == ids, BOUND_SECONDS):
        fail(
            sent=f"{sent}; then Redis comes back, and the jobs are due",
            expected="their messages in the queue: the outbox has found the rows",
            got=f"messages for {len(set(announced(run)))} of {len(ids)} jobs",
            cause="what the outbox looks for is in the row that `new_item` makes",
        )
    table.clear()
    queue(run).flushdb()
