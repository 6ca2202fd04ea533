"""4.2: `move` goes where the state machine leads, and loses a race without a trace."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import Code, changed, differs, must_be_job, must_raise, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, STATES, Item, JobsTable, job, new_id
from autograder.week04_job_state.rivals import NTH, Death, Rival
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
NO_GAP = "to read first and write then leaves a gap: the condition belongs to the write"


def sent_for(one: Item, to: str, generation: int | None = None) -> str:
    mine = "" if generation is None else f", generation={generation}"
    has = f", generation {plain(one['generation'])}" if "generation" in one else ""
    return f"move(job_id, Status.{to.upper()}{mine}) for a job that is {one['status']}{has}"


def move(code: Code, job_id: str, to: str, changes: Any = None, **more: Any) -> Answer:
    return code.ask(JOB, "move", job_id, status(to), changes, **more)


def check_moved(sent: str, table: JobsTable, one: Item, to: str, answer: Answer, mark: str) -> None:
    """The row has moved, and the function says so."""
    if not answer.ok and answer.error in ("JobConflict", "JobNotFound"):
        fail(sent=sent, expected=f"the job, {to}", got=answer.error, cause="`ALLOWED` has this way")
    said = must_be_job(sent, answer, "`update` returns the item as it is now: `Job.from_item`")
    row = table.get(one["id"])
    wanted = {"status": to, "mark": mark, "lease_owner": None, "lease_until": None}
    if odd := differs(row, wanted):
        fail(
            sent=f"{sent}, with changes={{'mark': {mark!r}}}",
            expected="the job there, with the changes, and nobody's any more",
            got=odd,
            cause="all of `new` is to be written, in one write",
        )
    assert row is not None
    if to in FINISHED and not {"finished_at", "expires_at"} <= set(row):
        fail(sent=sent, expected="finished_at and expires_at in the row", got=plain(row))
    if (said["id"], said["status"]) != (one["id"], to):
        fail(
            sent=sent,
            expected=f"the job as it is after the write: {to}",
            got=f"{said['id']} {said['status']}",
        )


def check_refused(sent: str, table: JobsTable, one: Item, answer: Answer, cause: str) -> None:
    """JobConflict, and the row as it was."""
    must_raise(sent, answer, "JobConflict", cause)
    if odd := changed(one, table.get(one["id"])):
        fail(sent=sent, expected="JobConflict, and nothing written", got=odd, cause=cause)


def test_every_way(code: Code, table: JobsTable, rng: Random) -> None:
    """All 25 pairs: where the state machine has a way, and where it has none."""
    ways = [(start, to) for start in STATES for to in STATES]
    for start, to in rng.sample(ways, len(ways)):
        one, mark = job(rng, start), f"{rng.getrandbits(64):x}"
        table.put(one)
        answer = move(code, one["id"], to, {"mark": mark})
        sent = sent_for(one, to)
        if to in ALLOWED[start]:
            check_moved(sent, table, one, to, answer, mark)
        else:
            check_refused(sent, table, one, answer, f"`ALLOWED` has no way from {start} to {to}")


def test_generations(code: Code, table: JobsTable, rng: Random) -> None:
    """Only the worker that has the job may end it."""
    for to, step in (("completed", -1), ("failed", 1), ("completed", None), ("failed", 0)):
        one, mark = job(rng, "processing"), f"{rng.getrandbits(64):x}"
        mine = 0 if step is None else int(one["generation"]) + step
        table.put(one)
        answer = move(code, one["id"], to, {"mark": mark}, generation=mine)
        sent = sent_for(one, to, mine)
        if step == 0:
            check_moved(sent, table, one, to, answer, mark)
            continue
        cause = "another worker has taken the job since: its generation is another one"
        if not mine:
            cause = "0 is a generation too: `if generation:` takes it for none"
        check_refused(sent, table, one, answer, cause)


def test_no_such_job(code: Code, table: JobsTable, rng: Random) -> None:
    """An id that nobody has: no job must come out of it."""
    for more in ({}, {"generation": rng.randint(1, 9)}):
        job_id = new_id(rng)
        answer = move(code, job_id, rng.choice(["cancelled", "completed"]), **more)
        sent = "move() with an id that no job has"
        if (made := table.get(job_id)) is not None:
            fail(
                sent=sent,
                expected="JobNotFound, and nothing written",
                got=f"a new item: {plain(made)}",
                cause="an update without a condition makes what is not there",
            )
        must_raise(sent, answer, "JobNotFound", "`failed.found[0]` is None where there is no job")


def test_a_death_half_way(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """After a write the process can write no more."""
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
                sent=f"{sent_for(one, 'completed')}, with changes, that dies after its first write",
                expected="all of it written, or nothing",
                got=f"the status is written, and {odd}",
                cause="all of `new` belongs into the one write: a row is never half way",
            )
        if not death.came:
            return


def races(rng: Random) -> list[tuple[str, str, bool, bool]]:
    """Ways that are lost right before they are gone: from where, to where, whether the caller names
    its generation, and whether another worker takes the job then, or somebody cancels it.
    """
    found = [(start, to, False, False) for start, ends in ALLOWED.items() for to in sorted(ends)]
    found.append(("processing", rng.choice(FINISHED), True, False))
    return [*found, ("processing", rng.choice(FINISHED), True, True)]


def test_a_write_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """Somebody else writes right before the student's write arrives; or nobody does."""
    cases = [(*case, nth) for case in races(rng) for nth in NTH]
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
            if nth == 1:
                fail(sent=sent, expected="a write to the row", got="none")
            continue
        what = "another worker takes the job" if taken else "the job is cancelled by somebody else"
        sent = f"{sent}; before its write, {what}"
        must_raise(sent, answer, "JobConflict", NO_GAP)
        if odd := rival.overwritten():
            fail(sent=sent, expected="the other's write stays", got=odd, cause=NO_GAP)


def test_a_race(code: Code, table: JobsTable, rng: Random) -> None:
    """Many want to end the same job at the same moment."""
    one = job(rng, "processing")
    table.put(one)
    ends = [rng.choice(FINISHED) for _ in range(RACERS)]
    calls = [[one["id"], status(to), {"mark": number}] for number, to in enumerate(ends)]
    sent = f"{RACERS} moves of one job in processing to its end, at the same moment"
    answers = code.race(sent, JOB, "move", calls)
    row = table.get(one["id"]) or {}
    refused = [answer for answer in answers if not answer.ok]
    unheard = [answer for answer in refused if answer.error == "JobStoreUnavailable"]
    won = [number for number, answer in enumerate(answers) if answer.ok]
    if not won and unheard:  # a crowd can be too much for a busy machine: the row knows
        won = [number for number in range(RACERS) if number == row.get("mark")]
    if len(won) != 1 or row.get("mark") != won[0] or row.get("status") != ends[won[0]]:
        fail(
            sent=sent,
            expected="one that wins, and is in the row; JobConflict for all others",
            got=f"{len(won)} won; the row has {plain(row.get('mark'))}, {row.get('status')}; "
            f"errors: {sorted({answer.error for answer in refused})}",
            cause="read, then write: all have read before the first one wrote",
        )
    for answer in refused:
        if answer not in unheard:
            must_raise(sent, answer, "JobConflict", "a race that is lost is JobConflict")
