"""4.4, the function: a key creates one job, even if the process dies or two requests race.

What a submission could fake:
- counts: jobs, messages and responses must be exactly as many as asked for.
- witness: the table, the queue and the proxy in front of DynamoDB.
- place: owners, keys and contents are random.
- store: every item of the table counts, so an item that is only a probe is found. A message counts only in
  the queue that the worker consumes.
- probe: the rival acts before the first write that changes anything. Two writes are allowed here, so the
  second one is not disturbed. This stays.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import Code, changed, must_raise, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import JobsTable, document, job, moment, new_id
from autograder.week04_job_state.job_checks import check_job, somebody
from autograder.week04_job_state.rivals import Death, Rival
from autograder.week04_job_state.student_code import CREATION, reference

pytestmark = [pytest.mark.item("4.4"), pytest.mark.usefixtures("nothing_waits")]

SLACK_SECONDS = 2.0
MOST_WRITES = 4
SOON_SECONDS = 30


def create_once(code: Code, made: dict[str, str], owner: str, key: str) -> Answer:
    return code.ask(CREATION, "create_once", reference(made), owner, key)


def created(sent: str, answer: Answer, cause: str = "") -> dict[str, Any]:
    """Return what `create_once` has returned: `job_id` and `replayed`."""
    if cause and answer.error == "IdempotencyKeyReused":
        fail(sent=sent, expected="a new job", got=answer.error, cause=cause)
    value = must_return(sent, answer)
    if not isinstance(value, dict) or not isinstance(value.get("job_id"), str):
        fail(
            sent=sent,
            expected="Created(job_id, replayed)",
            got=value,
            cause="the route needs the id of the job and whether it was created before: return a "
            "`Created`",
        )
    return value


def test_first_and_second(
    code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]
) -> None:
    """a, d, e, f: the first request creates job and record, and the second gets the same job."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    sent, begun = "create_once() with a key that is new", time.time()
    first = created(sent, create_once(code, made, owner, key))
    if first != {"job_id": made["document_id"], "replayed": False}:
        fail(
            sent=sent,
            expected="the document's own id as job_id, and replayed=False",
            got=first,
            cause="the job has the id of its document, and no earlier request created it",
        )
    check_job(sent, table, made, owner)
    check_record(sent, table, begun, wait_of["IDEMPOTENCY_SECONDS"])
    again = {**made, "document_id": new_id(rng)}
    sent = (
        "create_once() again with the same key and document (each request has its own document id)"
    )
    second = created(sent, create_once(code, again, owner, key))
    check_replayed(sent, table, second, made["document_id"])
    check_other_document(code, table, rng, made, owner, key)


def check_record(sent: str, table: JobsTable, begun: float, seconds: int) -> None:
    """The table holds a record of the key, which expires after IDEMPOTENCY_SECONDS."""
    records = [one for one in table.all() if "document" not in one]
    ends = [number(one.get("expires_at")) for one in records]
    low, high = begun + seconds - SLACK_SECONDS, time.time() + seconds + SLACK_SECONDS
    if not any(end is not None and low <= end <= high for end in ends):
        fail(
            sent=sent,
            expected=f"`record` in the table, which expires IDEMPOTENCY_SECONDS ({seconds}) from "
            "now",
            got=plain(records) or "no other item than the job",
            cause="another API process, or the same one after a restart, would not know the key. "
            "Write `record` with the job: `put_together`",
        )


def check_replayed(sent: str, table: JobsTable, got: dict[str, Any], first: str) -> None:
    jobs = list(table.jobs())
    if got["job_id"] != first or jobs != [first]:
        fail(
            sent=sent,
            expected="the id of the first request's job, and one job in the table",
            got=f"{'another' if got['job_id'] != first else 'the same'} id, {len(jobs)} jobs in "
            "the table",
            cause="the client would wait for a job that does not exist, or pay twice. The stored "
            "record, `failed.found[1]`, says which job the key created",
        )
    if got.get("replayed") is not True:
        fail(
            sent=sent,
            expected="replayed=True",
            got=got,
            cause="the route would publish the job's message again: an earlier request created the "
            "job, so `replayed` is True",
        )


def check_other_document(
    code: Code, table: JobsTable, rng: Random, made: dict[str, str], owner: str, key: str
) -> None:
    """A key belongs to one document of one owner."""
    before = len(table.all())
    for what in ("filename", "blob_key"):
        other = {**document(rng, new_id(rng)), what: document(rng, "")[what]}
        other = {**made, "document_id": new_id(rng), what: other[what]}
        sent = f"create_once() with a key that was used before, and another {what}"
        cause = (
            "the client would believe that its second document is accepted. Compare the "
            "fingerprints, and raise IdempotencyKeyReused if they differ"
        )
        must_raise(sent, create_once(code, other, owner, key), "IdempotencyKeyReused", cause)
        if len(table.all()) != before:
            fail(
                sent=sent,
                expected="no new item",
                got=f"{len(table.all()) - before} new items",
                cause="a request that is rejected must leave nothing behind",
            )
    theirs = {**document(rng, new_id(rng))}
    sent = "create_once() with a key that another owner has used"
    cause = (
        "one owner would get the job of another. Each owner has keys of their own, because "
        "`record_id(owner, key)` contains the owner"
    )
    got = created(sent, create_once(code, theirs, f"{owner}-2", key), cause)
    if got != {"job_id": theirs["document_id"], "replayed": False}:
        fail(
            sent=sent,
            expected="a new job of this owner",
            got=got,
            cause=cause,
        )
    check_job(sent, table, theirs, f"{owner}-2")


def test_a_key_that_has_expired(code: Code, table: JobsTable, rng: Random) -> None:
    """c: DynamoDB deletes late, so an expired record can still be stored. It no longer counts.

    Neither for another document nor for the same one.
    """
    for same in rng.sample((True, False), 2):
        (owner, key), made = somebody(rng), document(rng, new_id(rng))
        table.clear()
        created("create_once()", create_once(code, made, owner, key))
        for record in [one for one in table.all() if "document" not in one]:
            table.change(record["id"], expires_at=int(moment(-1)))
        new = new_id(rng)
        later = {**made, "document_id": new} if same else document(rng, new)
        sent = (
            f"create_once() for {'the same' if same else 'another'} document, with a key whose "
            "record has just expired, and is still in the table"
        )
        cause = (
            "the promise of a key ends when its record expires, not when DynamoDB deletes it. "
            "Compare the record's `expires_at` with `moment()` in the condition"
        )
        got = created(sent, create_once(code, later, owner, key), cause)
        if got != {"job_id": new, "replayed": False}:
            fail(sent=sent, expected="a new job", got=got, cause=cause)
        check_job(sent, table, later, owner)


def test_a_key_that_expires_soon(code: Code, table: JobsTable, rng: Random) -> None:
    """c: a record counts until its last second."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    created("create_once()", create_once(code, made, owner, key))
    for record in [one for one in table.all() if "document" not in one]:
        table.change(record["id"], expires_at=int(moment(SOON_SECONDS)))
    again = {**made, "document_id": new_id(rng)}
    sent = f"create_once() with a key whose record expires in {SOON_SECONDS} s"
    got = created(sent, create_once(code, again, owner, key))
    check_replayed(sent, table, got, made["document_id"])


def test_a_death_half_way(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a: the process dies after its first write, and the client sends the request again."""
    for writes in range(1, MOST_WRITES):
        (owner, key), made = somebody(rng), document(rng, new_id(rng))
        table.clear()
        death = Death(dynamodb_proxy, table, None, writes)
        with dynamodb_proxy.watching(death):
            create_once(code, made, owner, key)
        again = {**made, "document_id": new_id(rng)}
        check_one_job(table, create_once(code, again, owner, key))
        if not death.came:
            return


def check_one_job(table: JobsTable, answer: Answer) -> None:
    sent = "create_once() that dies after its first write, then the same request again"
    got = created(sent, answer)
    jobs = list(table.jobs())
    if jobs != [got["job_id"]]:
        fail(
            sent=sent,
            expected="one job in the table, and its id",
            got=f"{len(jobs)} jobs in the table"
            + ("" if got["job_id"] in jobs else ", and the id of a job that does not exist"),
            cause="job and record were written one after the other. If the process dies between "
            "the two writes, one of them is missing. Write both in one transaction: `put_together`",
        )


def test_two_at_the_same_moment(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, c, f: another request with the same key creates the job right before the student's write."""
    (owner, key), probe = somebody(rng), document(rng, new_id(rng))
    created("create_once()", create_once(code, probe, owner, key))
    won = table.all()
    table.clear()
    rival = Rival(dynamodb_proxy, table, None, lambda: table.put(*won))
    with dynamodb_proxy.watching(rival):
        answer = create_once(code, {**probe, "document_id": new_id(rng)}, owner, key)
    sent = "create_once(); right before its write another request with the key creates the job"
    check_replayed(sent, table, created(sent, answer), probe["document_id"])
    if odd := rival.overwritten():
        fail(
            sent=sent,
            expected="an unchanged table",
            got=odd,
            cause="the conditions of the transaction must reject both writes",
        )


def test_an_id_that_is_taken(code: Code, table: JobsTable, rng: Random) -> None:
    """b, g: a job is never overwritten, not even one that has expired."""
    expired = job(rng, "completed", expires_at=int(moment(-100)))
    owner, _ = somebody(rng)
    own = job(rng, owner=owner)
    for one in (job(rng), job(rng, "completed"), expired, own):
        _, key = somebody(rng)  # a try may leave its record behind
        table.put(one)
        sent = (
            "create_once() with a new key, and the id of a job that is "
            f"{one['status']}{' and has expired' if one['id'] == expired['id'] else ''}"
        )
        answer = create_once(code, document(rng, one["id"]), owner, key)
        odd = changed(one, table.get(one["id"]))
        if odd:
            fail(
                sent=sent,
                expected="an unchanged row",
                got=odd,
                cause="a job would be lost, of somebody else or of the same owner. Write the job only if no "
                "item has its id: `Attr(KEY).not_exists()`, and nothing else",
            )
        must_raise(
            sent,
            answer,
            "ConditionFailed",
            "`found[1]` is None, so the key is new and the job's id is not. This is a fault of the "
            "program, and not a mistake of the client: let `ConditionFailed` out",
        )


def test_a_lost_response(code: Code, table: JobsTable, rng: Random) -> None:
    """f: a copy of a request's own transaction finds that it has succeeded."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    created("create_once()", create_once(code, made, owner, key))
    sent = "create_once() whose transaction has succeeded, but whose response was lost"
    got = created(sent, create_once(code, made, owner, key))
    if got != {"job_id": made["document_id"], "replayed": False} or len(table.jobs()) != 1:
        fail(
            sent=sent,
            expected="one job, the document's own id, and replayed=False",
            got=got,
            cause="the stored record names the very job that this call creates, so no earlier "
            "request did, and the job's message must still be published",
        )


def test_without_dynamodb(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """g: if DynamoDB does not answer, the client gets to know it."""
    (owner, key), made = somebody(rng), document(rng, new_id(rng))
    with dynamodb_proxy.watching(lambda request: not request.names(owner)):
        answer = create_once(code, made, owner, key)
    must_raise(
        "create_once() while DynamoDB does not answer",
        answer,
        "JobStoreUnavailable",
        "the client must get 503 and send its request again. Catch `ConditionFailed` alone",
    )
