"""4.4, the function: a key makes one job, whatever breaks between."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import Code, must_raise, must_return, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import JobsTable, document, moment, new_id
from autograder.week04_job_state.job_checks import check_job, somebody
from autograder.week04_job_state.rivals import Death, Rival
from autograder.week04_job_state.student_code import CREATION, reference

pytestmark = [pytest.mark.item("4.4"), pytest.mark.usefixtures("nothing_waits")]

SLACK_SECONDS = 2.0
MOST_WRITES = 4


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


def test_a_death_half_way(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """After a write the process can write no more. The key must not lie."""
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
    sent = "create_once() that dies after its first write, then the same request once more"
    got = created(sent, answer)
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
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """Another request with the key is faster by a hair."""
    (owner, key), probe = somebody(rng), document(rng, new_id(rng))
    created("create_once()", create_once(code, probe, owner, key))
    won = table.all()
    table.clear()
    rival = Rival(dynamodb_proxy, table, None, lambda: table.put(*won))
    with dynamodb_proxy.watching(rival):
        answer = create_once(code, {**probe, "document_id": new_id(rng)}, owner, key)
    sent = "create_once(); right before its write another request with the key has made the job"
    check_replayed(sent, table, created(sent, answer), probe["document_id"])
    if odd := rival.overwritten():
        fail(sent=sent, expected="nothing written", got=odd)
