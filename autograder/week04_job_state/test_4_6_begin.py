"""4.6, the beginning of a step: each step begins once, in its order, and never after the end.

What a submission could fake:
- counts: exactly one write that changes the row, in each call that nobody disturbs. Probes count too.
- witness: the proxy in front of DynamoDB, the journal of the provider, and the index.
- place: the disturbed write is the first, the second or none. Steps and generations are random.
- store: row, index and requests to the provider are looked at.
- probe: the functions are called in the calling process. A real worker shows a whole job, copies of
  messages and a job that is cancelled.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail
from autograder.sdk.answers import (
    Code,
    changed,
    differs,
    must_be_job,
    must_raise,
    must_return,
    number,
    plain,
)
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import FINISHED, STEPS, Item, JobsTable, job, moment, new_id
from autograder.week04_job_state.rivals import NTH, Death, Rival, Successor
from autograder.week04_job_state.student_code import TRACKING, check_own, winners
from autograder.week04_job_state.test_4_3_acquire import (
    ONE_WRITE,
    check_lease,
    check_said,
    name,
)

pytestmark = [pytest.mark.item("4.6"), pytest.mark.usefixtures("late_worker")]

RACERS = 50
SLACK_SECONDS = 1.5


def begin(code: Code, job_id: str, step: int, worker: str) -> Answer:
    return code.ask(TRACKING, "begin_step", job_id, step, worker)


def times_of(rng: Random, done: int) -> dict[str, Any]:
    """Return the times of the first `done` steps."""
    return {
        step: {"started_at": moment(-rng.uniform(6, 9)), "ended_at": moment(-rng.uniform(1, 5))}
        for step in STEPS[:done]
    }


def waiting_for(rng: Random, step: int, **more: Any) -> Item:
    """Return a job whose next step is `step`. No worker has it, and its message is on the way."""
    ready = {"lease_owner": None, "steps_done": step - 1, "steps": times_of(rng, step - 1)}
    ready["percent"] = rng.randint(1, 79)
    return job(rng, "processing", **{**ready, **more})


def test_in_its_turn(code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]) -> None:
    """a, b, c, d: each of the four steps begins if it is the next one."""
    for step, title in enumerate(STEPS, 1):
        late = {"lease_until": moment(-rng.uniform(5, 500))} if step == 2 else {}
        one = waiting_for(rng, step, **late)
        table.put(one)
        worker, sent, begun = (
            name(rng),
            f"begin_step() of step {step}, which is the next one",
            time.time(),
        )
        answer = begin(code, one["id"], step, worker)
        got, ended = must_return(sent, answer), time.time()
        if got is None:
            fail(
                sent=sent,
                expected="the job",
                got="None, which means that this step must not begin now",
                cause=f"the job would never go on. Steps are numbered from 1: before step {step} "
                f"begins, `steps_done` is {step - 1}. An old `lease_until` does not matter",
            )
        must_be_job(sent, answer)
        row = table.get(one["id"])
        check_begun(sent, row, one, title, worker)
        check_lease(sent, row, begun, ended, wait_of["LEASE_SECONDS"])
        check_said(sent, got, row)


def check_begun(sent: str, row: Item | None, before: Item, title: str, worker: str) -> None:
    wanted = {
        "status": "processing",
        "lease_owner": worker,
        "steps_done": before["steps_done"],
        "deliveries": before["deliveries"],
        "generation": before["generation"] + 1,
        "step": title,
        "percent": before["percent"],
    }
    if odd := differs(row, wanted):
        fail(
            sent=sent,
            expected=f"the lease, `generation` raised by 1, and the step {title!r}; `deliveries`, "
            "`steps_done` and `percent` as before",
            got=odd,
            cause="with the old generation, a worker that had the job before can still write. Add "
            "1 in the same write: `add`"
            if odd.startswith("generation")
            else "a step begins with one write. It must set all of this, and nothing else",
        )
    steps = (row or {}).get("steps")
    steps = steps if isinstance(steps, dict) else {}
    mine = steps.get(title)
    started = number(mine.get("started_at")) if isinstance(mine, dict) else None
    if started is None or abs(started - time.time()) > 60:
        fail(
            sent=sent,
            expected=f"steps.{title} with the present time as started_at",
            got=plain(steps),
            cause="the API shows when each step started. Set `steps.<name>`, a name with a dot, to "
            '`{"started_at": moment()}`',
        )
    if lost := [each for each, times in before["steps"].items() if steps.get(each) != times]:
        fail(
            sent=sent,
            expected="the times of the steps before, unchanged",
            got=f"{', '.join(lost)}: {plain(steps)}",
            cause="writing the whole map `steps` removes the other entries. A name with a dot, "
            "such as `steps.parse`, sets one entry",
        )


def out_of_turn(rng: Random) -> list[tuple[str, int, Item]]:
    """Steps that must not begin: a description, the step and the job."""
    lease = {"lease_owner": "the-other", "lease_until": moment(900)}
    dead = {"lease_owner": "long-gone", "lease_until": moment(-rng.uniform(5, 900))}
    found: list[tuple[str, int, Item]] = []
    for state in FINISHED:
        step = rng.randint(1, 4)
        more = {"steps_done": step - 1, "steps": times_of(rng, step - 1)}
        found.append((f"belongs to a job that is {state}", step, job(rng, state, **more)))
    step = rng.randint(2, 4)
    found += [
        ("is done already (a copy of its message)", 2, waiting_for(rng, 3)),
        ("is done already, as is the step after it", 1, waiting_for(rng, 3)),
        ("comes later: the step before it is not done", 3, waiting_for(rng, 2)),
        ("another worker runs at the moment", step, waiting_for(rng, step, **lease)),
        (
            "a dead worker had begun (the job restarts instead, so that `deliveries` counts it)",
            step,
            waiting_for(rng, step, **dead),
        ),
        ("belongs to a job that is pending", 1, job(rng, "pending", steps_done=0)),
    ]
    return found


def own_again(rng: Random) -> list[tuple[str, int, Item, str]]:
    """Steps that the caller itself has begun: a description, the step, the job and the worker."""
    found = []
    for until, what in ((moment(900), "runs"), (moment(-rng.uniform(5, 900)), "ran, too slowly,")):
        step, worker = rng.randint(1, 4), name(rng)
        one = waiting_for(rng, step, lease_owner=worker, lease_until=until)
        found.append((f"the same worker {what} already", step, one, worker))
    return found


def test_out_of_turn(code: Code, table: JobsTable, rng: Random) -> None:
    """b, d: a step that is not the next one does not begin, and nothing is written."""
    cases = [(what, step, one, name(rng)) for what, step, one in out_of_turn(rng)]
    cases += own_again(rng)
    for what, step, one, worker in cases:
        table.put(one)
        sent = f"begin_step() of step {step}, which {what}"
        got = must_return(sent, begin(code, one["id"], step, worker))
        odd = changed(one, table.get(one["id"]))
        if got is not None or odd:
            fail(
                sent=sent,
                expected="None, and an unchanged row",
                got=odd or got,
                cause="a job that has ended runs no step, whatever message arrives. The condition "
                "must require the status processing"
                if one["status"] in FINISHED
                else "a copy of the message arrives while the step runs, and would run it twice. "
                "Require that there is no `lease_owner`, the caller's own name included"
                if worker == one.get("lease_owner")
                else "the condition must require three things: the job is in processing, "
                "`steps_done` is `number - 1`, and there is no `lease_owner`",
            )
    job_id, sent = new_id(rng), "begin_step() with an id that no job has"
    got = must_return(sent, begin(code, job_id, 1, name(rng)))
    if got is not None or table.get(job_id) is not None:
        fail(
            sent=sent,
            expected="None, and no new item",
            got=plain(table.get(job_id)) or got,
            cause="`update` creates an item that does not exist, if its condition allows that. "
            "Require the status processing",
        )


def test_a_write_in_between(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, b, c: right before the student's write, the job is cancelled or taken, or nothing happens."""
    cases = [(taken, nth) for taken in (False, True) for nth in NTH]
    for taken, nth in rng.sample(cases, len(cases)):
        step, worker = rng.randint(1, 4), name(rng)
        one = waiting_for(rng, step)
        table.put(one)

        def meddle(one: Item = one, taken: bool = taken) -> None:
            if taken:
                lease = {"lease_owner": "the-other", "lease_until": moment(900)}
                table.change(one["id"], **lease, generation=one["generation"] + 1)
            else:
                table.cancel(one["id"])

        sent = f"begin_step() of step {step}, which is the next one"
        rival = Rival(dynamodb_proxy, table, one["id"], meddle, nth)
        with dynamodb_proxy.watching(rival):
            answer = begin(code, one["id"], step, worker)
        got = must_return(sent, answer)
        if not rival.met:
            must_be_job(sent, answer)
            check_begun(sent, table.get(one["id"]), one, STEPS[step - 1], worker)
            rival.check_written_once(sent, ONE_WRITE)
            continue
        odd = rival.overwritten()
        if got is not None or odd:
            what = "another worker begins the step" if taken else "the job is cancelled"
            fail(
                sent=f"{sent}; right before its write {what}",
                expected="None, and the other write stays",
                got=odd or "the job",
                cause=ONE_WRITE,
            )


def test_one_write(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """a, c, d: the process dies after its first write, or another one writes right after it."""
    step = rng.randint(1, 4)
    one, worker = waiting_for(rng, step), name(rng)
    table.put(one)
    sent = f"begin_step() of step {step}"
    with dynamodb_proxy.watching(Death(dynamodb_proxy, table, one["id"], 1)):
        begin(code, one["id"], step, worker)
    dead = f"{sent}, in a process that dies after its first write"
    check_begun(dead, table.get(one["id"]), one, STEPS[step - 1], worker)
    table.put(one)

    def act() -> None:
        table.change(one["id"], generation=one["generation"] + 2, lease_owner="the-next")

    with dynamodb_proxy.watching(Successor(dynamodb_proxy, table, one["id"], act)):
        answer = begin(code, one["id"], step, worker)
    sent = f"{sent}; right after its write another worker writes"
    check_own(sent, must_be_job(sent, answer), one["generation"] + 1)


def test_without_dynamodb(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """d: if DynamoDB does not answer, the caller learns that."""
    step = rng.randint(1, 4)
    one = waiting_for(rng, step)
    table.put(one)
    with dynamodb_proxy.watching(lambda request: not request.names(one["id"])):
        answer = begin(code, one["id"], step, name(rng))
    must_raise(
        f"begin_step() of step {step}, which is the next one, while DynamoDB does not answer",
        answer,
        "JobStoreUnavailable",
        "None means that the step must not begin, and nobody knows that here. Catch "
        "`ConditionFailed` alone",
    )


def test_a_race(code: Code, table: JobsTable, rng: Random) -> None:
    """a, b: fifty workers receive a copy of one message at the same moment, and one begins."""
    step = rng.randint(1, 4)
    one = waiting_for(rng, step)
    table.put(one)
    workers = [name(rng) for _ in range(RACERS)]
    sent = f"begin_step() of step {step}, by {RACERS} workers at the same moment"
    answers = code.race(sent, TRACKING, "begin_step", [[one["id"], step, who] for who in workers])
    row = table.get(one["id"]) or {}
    won = winners(sent, workers, answers, row.get("lease_owner"))
    if len(won) != 1:
        fail(
            sent=sent,
            expected="one worker begins the step, and all others get None",
            got=f"{len(won)} workers began",
            cause=ONE_WRITE,
        )
    check_begun(sent, row, one, STEPS[step - 1], won[0])
