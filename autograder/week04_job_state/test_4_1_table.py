"""4.1: the table's definition, and the attributes by which a job is due or expires.

What a submission could fake:
- counts: nothing is counted.
- witness: DynamoDB accepts the definition, and its index is read by the grader.
- place: delays and ids are random, and all states are tried.
- store: the index is read in all of its shards.
- probe: none: the function cannot tell who calls it.
"""

from __future__ import annotations

import time
import zlib
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from autograder.sdk import Run, Student, fail
from autograder.sdk.answers import Code, must_return, number, plain
from autograder.sdk.jobs_table import FINISHED, SHARDS, STATES, UNFINISHED, JobsTable, job
from autograder.week04_job_state.student_code import JOB, status

pytestmark = pytest.mark.item("4.1")

SENT = "table_definition()"
TYPES = {"id": "S", "owner": "S", "created_at": "N", "due_shard": "N", "due_at": "N"}
NEVER_PARTITIONS = ("status", "step", "steps_done", "deliveries", "generation", "percent")
"""Attributes with few values, each shared by very many jobs. As a partition key, a value would put
all of its jobs into one partition."""
SLACK_SECONDS = 1.5
CLOCK_SECONDS = 0.05
"""The student's process reads the same clock, so a time that is not rounded is exact."""
PARTS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
JOBS_A_STATE = 12


@pytest.mark.usefixtures("code")  # its settings first: a module may read them as it is imported
def test_the_table(student: Student, run: Run, rng: Random) -> None:
    """a, b, c, d, e, f: the description of the table is complete, and DynamoDB accepts it."""
    definition = must_return(SENT, student.ask(JOB, "table_definition"))
    if not isinstance(definition, dict):
        fail(sent=SENT, expected="a dict: the arguments of CreateTable", got=definition)
    if lacks := [part for part in PARTS if part not in definition]:
        fail(
            sent=SENT,
            expected=f"a dict with the four entries {', '.join(PARTS)}",
            got=f"no entry {' and no entry '.join(lacks)}; there are {sorted(map(str, definition))}",
            cause="the docstring names the four entries of the dict. Without one of them DynamoDB "
            "rejects the table, or creates it without its indexes",
        )
    if "TableName" in definition:
        fail(
            sent=SENT,
            expected="no entry TableName",
            got=definition["TableName"],
            cause="the migration passes the table's name itself, so `create_table` would get it "
            "twice and raise a TypeError",
        )
    indexes = check_indexes(definition, index_names(student))
    check_types(definition, indexes)
    if definition.get("BillingMode") != "PAY_PER_REQUEST":
        fail(
            sent=SENT,
            expected="BillingMode PAY_PER_REQUEST",
            got=f"BillingMode {definition.get('BillingMode')}",
            cause="with provisioned capacity, DynamoDB rejects requests above a number that "
            "somebody has to plan. Set the billing mode to PAY_PER_REQUEST",
        )
    create(JobsTable(run, f"tried-{rng.getrandbits(32):x}"), definition)


def index_names(student: Student) -> tuple[str, str]:
    """The names of the list index and of the due index."""
    names = [student.read(JOB, name) for name in ("LIST_INDEX", "DUE_INDEX")]
    return str(names[0]), str(names[1])


def keys_of(holder: Any) -> list[tuple[str, str]]:
    """Attribute and kind of each part of a key, the partition key first."""
    schema = holder.get("KeySchema") if isinstance(holder, dict) else None
    parts = schema if isinstance(schema, list) else []
    pairs = [
        (str(one.get("KeyType")), str(one.get("AttributeName")))
        for one in parts
        if isinstance(one, dict)
    ]
    return [(name, kind) for kind, name in sorted(pairs)]  # HASH before RANGE


def key(partition: str, sort: str | None = None) -> list[tuple[str, str]]:
    return [(partition, "HASH"), *([(sort, "RANGE")] if sort else [])]


def check_indexes(definition: dict[str, Any], names: tuple[str, str]) -> dict[str, Any]:
    """Both indexes are there, and none has a partition key that all new jobs share."""
    if keys_of(definition) != key("id"):
        fail(
            sent=SENT,
            expected="a table whose key is `KEY` alone, the job's id",
            got=definition.get("KeySchema"),
            cause="every request reads a job by its id, and only a key makes that possible: "
            "`_keys(KEY)`",
        )
    found = definition.get("GlobalSecondaryIndexes")
    indexes = {
        str(one.get("IndexName")): one
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    }
    for name, index in indexes.items():
        if keys_of(index)[:1] and keys_of(index)[0][0] in NEVER_PARTITIONS:
            fail(
                sent=SENT,
                expected="no index whose partition key is the status or a similar attribute",
                got=f"{name} with the key {keys_of(index)}",
                cause="every new job is pending, so all of them would be written into one "
                "partition, and DynamoDB limits the writes to a partition. Use `owner` and "
                "`due_shard`",
            )
    wanted = {
        names[0]: (key("owner", "created_at"), "ALL", "an owner's jobs by their age"),
        names[1]: (key("due_shard", "due_at"), "KEYS_ONLY", "a shard's jobs by their due time"),
    }
    for name, (keys, projection, what) in wanted.items():
        index = indexes.get(name, {})
        got = index.get("Projection")
        kind = got.get("ProjectionType") if isinstance(got, dict) else None
        if keys_of(index) != keys or kind != projection:
            fail(
                sent=SENT,
                expected=f"the index {name}: {what}; key {keys}, projection {projection}",
                got=f"key {keys_of(index)}, projection {kind}" if index else "no such index",
                cause="an index answers only the question for which its keys were chosen, and "
                "copies only what it projects. Requirements c and d name both",
            )
    return indexes


def check_types(definition: dict[str, Any], indexes: dict[str, Any]) -> None:
    """DynamoDB rejects a table with one attribute definition too many or too few."""
    found = definition.get("AttributeDefinitions")
    types = {
        str(one.get("AttributeName")): one.get("AttributeType")
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    }
    used = {name for one in (definition, *indexes.values()) for name, _ in keys_of(one)}
    wrong = {name: kind for name, kind in types.items() if TYPES.get(name, kind) != kind}
    if set(types) != used or wrong:
        fail(
            sent=SENT,
            expected="AttributeDefinitions with exactly the attributes that are keys: "
            f"{ {name: TYPES.get(name, '…') for name in sorted(used)} }",
            got=types,
            cause="times and shards are numbers (N), ids and owners are text (S): only numbers are "
            "sorted as numbers"
            if wrong
            else "DynamoDB requires the type of each attribute that is a key, and rejects a "
            "definition for any other attribute",
        )


def create(table: JobsTable, definition: dict[str, Any]) -> None:
    try:
        table.create(definition)
    except (BotoCoreError, ClientError) as error:
        fail(
            sent=f"CreateTable with {SENT}",
            expected="a new table",
            got=str(error),
            cause="DynamoDB rejects this description, and its message says why. "
            "`python -m pipeline.migrate` would stop with the same error",
        )


def test_due_and_expiry(
    code: Code, run: Run, student: Student, rng: Random, wait_of: dict[str, int]
) -> None:
    """g, h: `timing` is right for each state, and the due index finds the right jobs."""
    table = JobsTable(run, f"sparse-{rng.getrandbits(32):x}")
    create(table, must_return(SENT, student.ask(JOB, "table_definition")))
    for state in rng.sample(STATES, len(STATES)):
        for place in range(JOBS_A_STATE):
            one, due_in = job(rng, state), rng.uniform(100, 900) if place else 0.0
            one |= timing(code, one["id"], state, due_in, wait_of)
            table.put({name: value for name, value in one.items() if value is not None})
    check_due_index(table, index_names(student)[1], student)


def timing(
    code: Code, job_id: str, state: str, due_in: float, wait_of: dict[str, int]
) -> dict[str, Any]:
    """Check what `timing` returns, and return it in the form that the table stores."""
    sent = f"timing(job_id, Status.{state.upper()}, due_in={due_in:g})"
    begun = time.time()
    answer = code.ask(JOB, "timing", job_id, status(state), due_in=due_in)
    value, ended = must_return(sent, answer), time.time()
    names = {"due_shard", "due_at", "expires_at"}
    if not isinstance(value, dict) or set(value) != names:
        fail(
            sent=sent,
            expected=f"a dict with exactly the keys {sorted(names)}",
            got=value,
            cause="a key that is missing leaves an old attribute in the row. Use None for an "
            "attribute that the job must not have",
        )
    if state in FINISHED:
        keep = wait_of["JOB_KEEP_SECONDS"]
        check_finished(sent, value, begun + keep, ended + keep)
    else:
        check_unfinished(sent, value, begun + due_in, ended + due_in)
        check_shard(sent, value, zlib.crc32(job_id.encode()) % SHARDS)
    return {name: exact(one) for name, one in value.items()}


def exact(value: Any) -> Any:
    """Return a value in the form that DynamoDB accepts."""
    if value is None:
        return None
    text = value["value"] if isinstance(value, dict) else str(value)
    return Decimal(text)


def check_finished(sent: str, value: dict[str, Any], earliest: float, latest: float) -> None:
    if value["due_at"] is not None or value["due_shard"] is not None:
        fail(
            sent=sent,
            expected="None for due_shard and due_at, because the job is finished",
            got=value,
            cause="a finished job must leave the due index, or the outbox reads it in every round. "
            "The index is sparse: without these attributes the job is not in it",
        )
    expires = number(value["expires_at"])
    odd = isinstance(value["expires_at"], str | float)
    if expires is None or odd or not expires.is_integer():
        fail(
            sent=sent,
            expected="expires_at: a whole number of seconds since 1970",
            got=value["expires_at"],
            cause="DynamoDB's TTL accepts only a number of whole seconds. It ignores everything "
            "else, text too, and never deletes the item. Use `int(moment(…))`"
            if expires
            else "without expires_at DynamoDB never deletes the row, and the table only grows",
        )
    if not earliest - SLACK_SECONDS <= expires <= latest + SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"expires_at is JOB_KEEP_SECONDS from now: about {latest:.0f}",
            got=f"{expires:.0f}",
            cause="this looks like milliseconds, but DynamoDB counts in seconds"
            if expires > 100 * latest
            else "this looks like a duration, but DynamoDB needs the moment at which it ends: "
            "`moment(job_settings().job_keep_seconds)`"
            if expires < earliest / 2
            else "the job is shown for a wrong time: `moment(job_settings().job_keep_seconds)`",
        )


def check_unfinished(sent: str, value: dict[str, Any], earliest: float, latest: float) -> None:
    if value["expires_at"] is not None:
        fail(
            sent=sent,
            expected="None for expires_at: a job that is not finished must never be deleted",
            got=value,
            cause="DynamoDB would delete a job that waits for a long time, and no log would say "
            "so. Set expires_at only for finished jobs",
        )
    shard, due = number(value["due_shard"]), number(value["due_at"])
    if shard is None or shard not in range(SHARDS) or due is None:
        fail(
            sent=sent,
            expected="a due_shard from 0 to DUE_SHARDS - 1, and a time as due_at",
            got=value,
            cause="the outbox finds jobs only by these two attributes. A job without them is lost "
            "if its message is lost",
        )
    if isinstance(value["due_at"], str | float):
        fail(
            sent=sent,
            expected="due_at as a Decimal, the form in which the table stores times",
            got=value["due_at"],
            cause="boto3 rejects floats, and text cannot be a key of this index. Use "
            "`moment(due_in)`",
        )
    if not earliest - CLOCK_SECONDS <= due <= latest + CLOCK_SECONDS:
        fail(
            sent=sent,
            expected=f"due_at is {latest - time.time():.2f} s from now",
            got=f"{due - time.time():.2f} s from now",
            cause="the outbox would publish the job too early or too late. It is due `due_in` "
            "seconds from now, with the fraction of a second: `moment(due_in)`",
        )


def check_shard(sent: str, value: dict[str, Any], wanted: int) -> None:
    """The job has its own shard, which is the same in every process and in every state."""
    if number(value["due_shard"]) != wanted:
        fail(
            sent=sent,
            expected=f"{wanted} as due_shard, as `due_shard(job_id)` returns it",
            got=value["due_shard"],
            cause="the shard of a job is computed from its id. So it never changes, and the writes of "
            "all jobs do not go to one shard: `due_shard(job_id)`",
        )


def check_due_index(table: JobsTable, index: str, student: Student) -> None:
    """The due index holds exactly the jobs that are not finished, in several shards."""
    jobs = table.jobs()
    shards = {shard: table.by(index, "due_shard", shard) for shard in range(SHARDS)}
    found = {one["id"] for items in shards.values() for one in items}
    expected = {job_id for job_id, one in jobs.items() if one["status"] in UNFINISHED}
    if found != expected:
        odd = next(iter(found ^ expected))
        fail(
            sent=f"{len(jobs)} jobs in all five states, written with `timing`; then a query of the "
            "due index",
            expected="exactly the jobs that are pending or processing",
            got=f"{'also' if odd in found else 'without'} {plain(jobs[odd])}",
            cause="the outbox would miss a job, or read finished jobs in every round. Compare the "
            "keys of the index with what `timing` returns",
        )
    if sum(bool(items) for items in shards.values()) < 2:
        fail(
            sent=f"{len(expected)} jobs that are due, with random ids",
            expected="jobs in several shards",
            got="all of them are in one shard",
            cause="one partition would take every write. `due_shard(job_id)` returns the shard of "
            "a job",
        )
