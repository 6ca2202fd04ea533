"""4.2: `move` follows the state machine, and writes nothing if another write was faster.

What a submission could fake:
- counts: exactly one write that changes the row, in each call that nobody disturbs. Probes count too.
- witness: the proxy in front of DynamoDB, which sees every request, and the grader's own client.
- place: the disturbed write is the first, the second or none, and all changes of the state are tried.
- store: the whole row is compared.
- probe: until its write, a call cannot tell whether it is disturbed. A probe is a second write, so it
  loses.
"""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import Code, changed, differs, must_be_job, must_raise, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, STATES, Item, JobsTable, job, moment, new_id
from autograder.week04_job_state.rivals import NTH, READ_AGAIN, Death, Rival, Successor
from autograder.week04_job_state.student_code import JOB, status

pytestmark = pytest.mark.item("4.2")

ALLOWED = {
    "pending": {"processing", "cancelled"},
    "processing": {"completed", "failed", "cancelled"},
    "completed": set[str](),
    "failed": {"pending"},
    "cancelled": set[str](),
}
RACERS = 40
MOST_WRITES = 4
OTHER_ERROR = (
    "the write was rejected, as it must be, but the caller gets the wrong error. Raise JobConflict "
    "if `failed.found[0]` is an item, and JobNotFound if it is None"
)
NO_GAP = (
    "a read followed by a write leaves a gap, in which another process writes. Its write is lost, "
    "and nobody notices. Put the condition into the write itself"
)


def sent_for(one: Item, to: str, generation: int | None = None) -> str:
    mine = "" if generation is None else f", generation={generation}"
    has = f", generation {plain(one['generation'])}" if "generation" in one else ""
    return f"move(job_id, Status.{to.upper()}{mine}) for a job that is {one['status']}{has}"


def move(code: Code, job_id: str, to: str, changes: Any = None, **more: Any) -> Answer:
    return code.ask(JOB, "move", job_id, status(to), changes, **more)


def check_moved(sent: str, table: JobsTable, one: Item, to: str, answer: Answer, mark: str) -> None:
    """The row has the new status, and the function returns it."""
    if not answer.ok and answer.error in ("JobConflict", "JobNotFound"):
        fail(
            sent=sent,
            expected=f"the job, with the status {to}",
            got=answer.error,
            cause="the condition rejects a change that `ALLOWED` permits. Check which states lead "
            "to `to`, and that `generation` is compared only if it is not None",
        )
    said = must_be_job(
        sent, answer, "return a `Job`: `Job.from_item` of the item that `update` returns"
    )
    row = table.get(one["id"])
    wanted = {"status": to, "mark": mark, "lease_owner": None, "lease_until": None}
    if odd := differs(row, wanted):
        fail(
            sent=f"{sent}, with changes={{'mark': {mark!r}}}",
            expected="a row with the new status and the changes, and without a lease",
            got=odd,
            cause="a row must never be half changed. Write all of `new` in one write, also its None "
            "values, which remove attributes",
        )
    assert row is not None
    if to in FINISHED and not {"finished_at", "expires_at"} <= set(row):
        fail(
            sent=sent,
            expected="finished_at and expires_at in the row",
            got=plain(row),
            cause="a finished job without them never expires. `new` holds both: write all of `new`",
        )
    if (said["id"], said["status"]) != (one["id"], to):
        fail(
            sent=sent,
            expected=f"the job as it is after the write, with the status {to}",
            got=f"the job {said['id']} with the status {said['status']}",
            cause="the caller would go on with an old state. Return the item that `update` returns",
        )


def check_refused(sent: str, table: JobsTable, one: Item, answer: Answer, cause: str) -> None:
    """The function raises JobConflict, and the row has not changed."""
    odd = changed(one, table.get(one["id"]))
    must_raise(sent, answer, "JobConflict", cause if answer.ok or odd else OTHER_ERROR)
    if odd:
        fail(sent=sent, expected="JobConflict, and an unchanged row", got=odd, cause=cause)


def test_every_way(code: Code, table: JobsTable, rng: Random) -> None:
    """a, b, d: each of the 25 pairs of states is accepted or rejected as `ALLOWED` says."""
    ways = [(start, to) for start in STATES for to in STATES]
    for start, to in rng.sample(ways, len(ways)):
        one, mark = job(rng, start), f"{rng.getrandbits(64):x}"
        table.put(one)
        answer = move(code, one["id"], to, {"mark": mark})
        sent = sent_for(one, to)
        if to in ALLOWED[start]:
            check_moved(sent, table, one, to, answer, mark)
        else:
            check_refused(
                sent,
                table,
                one,
                answer,
                f"`ALLOWED` does not lead from {start} to {to}, so the condition must reject the "
                "write",
            )


def test_generations(code: Code, table: JobsTable, rng: Random) -> None:
    """c: a worker with an old generation cannot end the job."""
    for to, step in (("completed", -1), ("failed", 1), ("completed", None), ("failed", 0)):
        one, mark = job(rng, "processing"), f"{rng.getrandbits(64):x}"
        mine = 0 if step is None else int(one["generation"]) + step
        table.put(one)
        answer = move(code, one["id"], to, {"mark": mark}, generation=mine)
        sent = sent_for(one, to, mine)
        if step == 0:
            check_moved(sent, table, one, to, answer, mark)
            continue
        cause = (
            "another worker has taken the job, so its row has another generation. A worker that "
            "was slow must not end it: compare the generation in the condition"
        )
        if not mine:
            cause = "0 is a generation too, but `if generation:` is false for it. Compare with None"
        check_refused(sent, table, one, answer, cause)


def test_rows_of_other_kinds(code: Code, table: JobsTable, rng: Random) -> None:
    """b, c: nothing but the status and the generation decides, and both must be in the row."""
    mine, mark = rng.randint(3, 9), f"{rng.getrandbits(64):x}"
    for to in ("completed", "failed"):
        one = job(rng, "processing", lease_owner=None, generation=mine)
        table.put(one)
        answer = move(code, one["id"], to, {"mark": mark}, generation=mine)
        sent = f"{sent_for(one, to, mine)}, and that no worker has between two steps"
        check_moved(sent, table, one, to, answer, mark)
        one = job(rng, "processing", generation=None)
        table.put(one)
        answer = move(code, one["id"], to, {"mark": mark}, generation=mine)
        cause = (
            "a row without a generation does not have the caller's. Require that the two are equal"
        )
        check_refused(sent_for(one, to, mine), table, one, answer, cause)


def test_a_write_afterwards(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """d: another process writes right after the student's write, and its write is not returned."""
    for to in FINISHED:
        one, mark = job(rng, "processing"), f"{rng.getrandbits(64):x}"
        table.put(one)

        def act(one: Item = one) -> None:
            table.change(one["id"], status="pending", mark="of another process")

        successor = Successor(dynamodb_proxy, table, one["id"], act)
        with dynamodb_proxy.watching(successor):
            answer = move(code, one["id"], to, {"mark": mark})
        sent = f"{sent_for(one, to)}; right after its write, another process writes"
        said = must_be_job(sent, answer)
        if (said["status"], said.get("mark")) != (to, mark):
            fail(
                sent=sent,
                expected=f"the job as it is after the call's own write: {to}",
                got=f"the job after the other write: {said['status']}",
                cause=READ_AGAIN,
            )


def test_an_expired_job(code: Code, table: JobsTable, rng: Random) -> None:
    """e: an item that is stored is a job, also if DynamoDB has not deleted it in time."""
    for start, to in (("completed", "cancelled"), ("failed", "completed")):
        one = job(rng, start, finished_at=moment(-900), expires_at=moment(-60))
        table.put(one)
        answer = move(code, one["id"], to)
        cause = "there is an item, whether it has expired or not: the caller gets JobConflict"
        sent = f"{sent_for(one, to)} and has expired, but is still stored"
        must_raise(sent, answer, "JobConflict", cause)
        check_refused(sent, table, one, answer, cause)


def test_no_such_job(code: Code, table: JobsTable, rng: Random) -> None:
    """b, e: for an id without a job, nothing is written and JobNotFound is raised."""
    for more, to in product(({}, {"generation": rng.randint(1, 9)}), ("cancelled", "completed")):
        job_id = new_id(rng)
        answer = move(code, job_id, to, **more)
        sent = "move() with an id that no job has"
        if (made := table.get(job_id)) is not None:
            fail(
                sent=sent,
                expected="JobNotFound, and no new item",
                got=f"a new item: {plain(made)}",
                cause="`update` creates an item that does not exist, if its condition allows that. "
                "Require a status that the item must have",
            )
        must_raise(
            sent,
            answer,
            "JobNotFound",
            "`failed.found[0]` is None if there is no such job. The API answers 404 then, not 409",
        )


def test_a_death_half_way(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a: the process dies after its first write: the row is changed completely, or not at all."""
    for writes in range(1, MOST_WRITES):
        one, mark = job(rng, "processing"), f"{rng.getrandbits(64):x}"
        table.put(one)
        death = Death(dynamodb_proxy, table, one["id"], writes)
        with dynamodb_proxy.watching(death):
            move(code, one["id"], "completed", {"mark": mark})
        wanted = {"status": "completed", "mark": mark, "lease_owner": None, "due_at": None}
        row = table.get(one["id"])
        if differs(row, {"status": "processing"}) and (odd := differs(row, wanted)):
            fail(
                sent=f"{sent_for(one, 'completed')}, with changes, in a process that dies after "
                "its first write",
                expected="all attributes written, or none of them",
                got=f"the status is written, but {odd}",
                cause="a second write never happens if the process dies between the two. Write "
                "all of `new` in one write",
            )
        if not death.came:
            return


def races() -> list[tuple[str, str, bool, bool]]:
    """Changes that lose a race: the old status, the new one, whether the caller passes its
    generation, and whether another worker takes the job (else a customer cancels it).
    """
    found = [(start, to, False, False) for start, ends in ALLOWED.items() for to in sorted(ends)]
    return [
        *found,
        *(("processing", to, True, taken) for to in FINISHED for taken in (False, True)),
    ]


def test_a_write_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, b, c, e: another process writes right before the student's write, or no process does."""
    cases = [(*case, nth) for case in races() for nth in NTH]
    for start, to, named, taken, nth in rng.sample(cases, len(cases)):
        one, mark = job(rng, start), f"{rng.getrandbits(64):x}"
        table.put(one)
        generation = int(one["generation"]) if named else None

        def meddle(one: Item = one, taken: bool = taken) -> None:
            if taken:
                table.change(one["id"], generation=one["generation"] + 1)
            else:
                table.cancel(one["id"])

        rival = Rival(dynamodb_proxy, table, one["id"], meddle, nth)
        with dynamodb_proxy.watching(rival):
            more = {} if generation is None else {"generation": generation}
            answer = move(code, one["id"], to, {"mark": mark}, **more)
        sent = sent_for(one, to, generation)
        if not rival.met:
            check_moved(sent, table, one, to, answer, mark)
            rival.check_written_once(sent, NO_GAP)
            continue
        what = "another worker takes the job" if taken else "a customer cancels the job"
        sent = f"{sent}; right before its write, {what}"
        must_raise(sent, answer, "JobConflict", NO_GAP)
        if odd := rival.overwritten():
            fail(sent=sent, expected="the other write stays", got=odd, cause=NO_GAP)


def test_a_race(code: Code, table: JobsTable, rng: Random) -> None:
    """a, e: forty calls end the same job at the same moment. Only one succeeds."""
    one = job(rng, "processing")
    table.put(one)
    ends = [rng.choice(FINISHED) for _ in range(RACERS)]
    calls = [[one["id"], status(to), {"mark": number}] for number, to in enumerate(ends)]
    sent = f"{RACERS} calls of move() at the same moment, which end one job in processing"
    answers = code.race(sent, JOB, "move", calls)
    row = table.get(one["id"]) or {}
    refused = [answer for answer in answers if not answer.ok]
    unheard = [answer for answer in refused if answer.error == "JobStoreUnavailable"]
    won = [number for number, answer in enumerate(answers) if answer.ok]
    if not won and unheard:  # on a busy machine a response can be missing: read the row
        won = [number for number in range(RACERS) if number == row.get("mark")]
    if len(won) != 1 or row.get("mark") != won[0] or row.get("status") != ends[won[0]]:
        fail(
            sent=sent,
            expected="one call that succeeds and whose write is in the row, and JobConflict for "
            "all others",
            got=f"{len(won)} succeeded; the row has {plain(row.get('mark'))}, {row.get('status')}; "
            f"errors: {sorted({answer.error for answer in refused})}",
            cause="all of them read the row before the first one wrote. Let the write decide",
        )
    for answer in refused:
        if answer not in unheard:
            must_raise(
                sent,
                answer,
                "JobConflict",
                "the caller must know that its write was rejected: raise JobConflict",
            )
