"""4.1: the table's definition, and the attributes by which a job is due or expires."""

from __future__ import annotations

import time
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from autograder.sdk import Run, Student, fail
from autograder.sdk.answers import Code, must_return, number, plain
from autograder.sdk.jobs_table import FINISHED, STATES, UNFINISHED, JobsTable, job
from autograder.week04_job_state.student_code import JOB, status

pytestmark = pytest.mark.item("4.1")

SENT = "table_definition()"
TYPES = {"id": "S", "owner": "S", "created_at": "N", "due_shard": "N", "due_at": "N"}
NEVER_PARTITIONS = ("status", "step", "steps_done", "deliveries", "generation", "percent")
"""Few values, each on very many jobs: all of them in one place, on one machine."""
SLACK_SECONDS = 1.5
JOBS_A_STATE = 12


@pytest.mark.usefixtures("code")  # its settings first: a module may read them as it is imported
def test_the_table(student: Student, run: Run, rng: Random) -> None:
    """What DynamoDB would be asked to make."""
    definition = must_return(SENT, student.ask(JOB, "table_definition"))
    if not isinstance(definition, dict):
        fail(sent=SENT, expected="a dict: the arguments of CreateTable", got=definition)
    indexes = check_indexes(definition, index_names(student))
    check_types(definition, indexes)
    if definition.get("BillingMode") != "PAY_PER_REQUEST":
        fail(
            sent=SENT,
            expected="BillingMode PAY_PER_REQUEST: nobody knows how many documents come tomorrow",
            got=f"BillingMode {definition.get('BillingMode')}",
        )
    create(JobsTable(run, f"tried-{rng.getrandbits(32):x}"), definition)


def index_names(student: Student) -> tuple[str, str]:
    """What the list and the due index are called."""
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
    """Both indexes, and none on what all new jobs have in common."""
    if keys_of(definition) != key("id"):
        fail(
            sent=SENT,
            expected="the job's id (`KEY`) as the whole key of the table",
            got=definition.get("KeySchema"),
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
                expected="no index with the status, or the like, as its partition key",
                got=f"{name} on {keys_of(index)}",
                cause="every new job is pending: all of them would be written into one partition, "
                "and DynamoDB throttles that one, however much the table may do",
            )
    wanted = {
        names[0]: (key("owner", "created_at"), "ALL", "an owner's jobs by the time they were made"),
        names[1]: (key("due_shard", "due_at"), "KEYS_ONLY", "a shard's jobs by when they are due"),
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
                cause="the docstring says what each index is asked for",
            )
    return indexes


def check_types(definition: dict[str, Any], indexes: dict[str, Any]) -> None:
    """Real DynamoDB refuses an attribute too many as well as one that is missing."""
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
            expected="AttributeDefinitions of exactly those attributes that keys use: "
            f"{ {name: TYPES.get(name, '…') for name in sorted(used)} }",
            got=types,
            cause="times and shards are numbers (N), ids and owners text (S)"
            if wrong
            else "DynamoDB wants a type for each attribute of a key, and for no other",
        )


def create(table: JobsTable, definition: dict[str, Any]) -> None:
    try:
        table.create({name: value for name, value in definition.items() if name != "TableName"})
    except (BotoCoreError, ClientError) as error:
        fail(sent=f"CreateTable with {SENT}", expected="a table", got=str(error))


def test_due_and_expiry(
    code: Code, run: Run, student: Student, rng: Random, wait_of: dict[str, int]
) -> None:
    """What a job has in each state, and what the indexes then find."""
    table = JobsTable(run, f"sparse-{rng.getrandbits(32):x}")
    create(table, must_return(SENT, student.ask(JOB, "table_definition")))
    for state in rng.sample(STATES, len(STATES)):
        for _ in range(JOBS_A_STATE):
            one = job(rng, state)
            one |= timing(code, one["id"], state, rng.choice([0.0, rng.uniform(100, 900)]), wait_of)
            table.put({name: value for name, value in one.items() if value is not None})
    check_due_index(table, index_names(student)[1], student)


def timing(
    code: Code, job_id: str, state: str, due_in: float, wait_of: dict[str, int]
) -> dict[str, Any]:
    """What `timing` answers, checked; as it is written to the table."""
    sent = f"timing(job_id, Status.{state.upper()}, due_in={due_in:g})"
    begun = time.time()
    answer = code.ask(JOB, "timing", job_id, status(state), due_in=due_in)
    value, ended = must_return(sent, answer), time.time()
    names = {"due_shard", "due_at", "expires_at"}
    if not isinstance(value, dict) or set(value) != names:
        fail(sent=sent, expected=f"a dict with {sorted(names)}", got=value)
    if state in FINISHED:
        keep = wait_of["JOB_KEEP_SECONDS"]
        check_finished(sent, value, begun + keep, ended + keep)
    else:
        check_unfinished(sent, value, begun + due_in, ended + due_in)
    return {name: exact(one) for name, one in value.items()}


def exact(value: Any) -> Any:
    """A value as DynamoDB takes it."""
    if value is None:
        return None
    text = value["value"] if isinstance(value, dict) else str(value)
    return Decimal(text)


def check_finished(sent: str, value: dict[str, Any], earliest: float, latest: float) -> None:
    if value["due_at"] is not None or value["due_shard"] is not None:
        fail(
            sent=sent,
            expected="due_shard and due_at None: nobody has to look after a finished job",
            got=value,
            cause="the due index is sparse only if finished jobs leave it",
        )
    expires = number(value["expires_at"])
    odd = isinstance(value["expires_at"], str | float)
    if expires is None or odd or not expires.is_integer():
        fail(
            sent=sent,
            expected="expires_at: a whole number of seconds since 1970",
            got=value["expires_at"],
            cause="DynamoDB's TTL takes a number, of whole seconds, and passes over all else: text too"
            if expires
            else "without it the row stays for ever",
        )
    if not earliest - SLACK_SECONDS <= expires <= latest + SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"expires_at JOB_KEEP_SECONDS from now: about {latest:.0f}",
            got=f"{expires:.0f}",
            cause="milliseconds?" if expires > 100 * latest else "`job_keep_seconds` says how long",
        )


def check_unfinished(sent: str, value: dict[str, Any], earliest: float, latest: float) -> None:
    if value["expires_at"] is not None:
        fail(
            sent=sent,
            expected="expires_at None: a job that is not finished must never be deleted",
            got=value,
            cause="a job that waits longer than its TTL would vanish, and nobody would know",
        )
    shard, due = number(value["due_shard"]), number(value["due_at"])
    if shard is None or shard not in range(4) or due is None:
        fail(
            sent=sent,
            expected="due_shard from 0 up to DUE_SHARDS, and due_at: a time",
            got=value,
            cause="the outbox looks for a job there, and finds it by nothing else",
        )
    if isinstance(value["due_at"], str | float):
        fail(
            sent=sent,
            expected="due_at as the table keeps it: a Decimal",
            got=value["due_at"],
            cause="boto3 refuses floats, and text has no place in the index: `moment(due_in)`",
        )
    if not earliest - SLACK_SECONDS <= due <= latest + SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"due_at {latest - time.time():.0f} s from now",
            got=f"{due - time.time():.0f} s from now",
            cause="`due_in` is when somebody should look after it",
        )


def check_due_index(table: JobsTable, index: str, student: Student) -> None:
    """Of all jobs the index has those that are not finished, over several shards."""
    jobs = table.jobs()
    shards = {shard: table.by(index, "due_shard", shard) for shard in range(4)}
    found = {one["id"] for items in shards.values() for one in items}
    expected = {job_id for job_id, one in jobs.items() if one["status"] in UNFINISHED}
    if found != expected:
        odd = next(iter(found ^ expected))
        fail(
            sent=f"{len(jobs)} jobs in all five states, then the due index asked",
            expected="those that are pending or processing, and no other",
            got=f"{'also' if odd in found else 'without'} {plain(jobs[odd])}",
        )
    if sum(bool(items) for items in shards.values()) < 2:
        fail(
            sent=f"{len(expected)} jobs that are due, with random ids",
            expected="them spread over the shards",
            got="all of them in one shard",
            cause="`due_shard(job_id)` says where: one partition alone would take every write",
        )
