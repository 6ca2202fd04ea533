"""4.6, the end of a step: only the worker that has the job can write it."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, fail, made
from autograder.sdk.answers import Code, changed, differs, must_be_job, must_raise, number, plain
from autograder.sdk.dynamodb import DynamoDBProxy
from autograder.sdk.jobs_table import STEPS, Item, JobsTable, job, moment
from autograder.week04_job_state.rivals import NTH, Death, Rival, Successor
from autograder.week04_job_state.student_code import JOB, TRACKING, check_own
from autograder.week04_job_state.test_4_6_begin import times_of

pytestmark = [pytest.mark.item("4.6"), pytest.mark.usefixtures("late_worker")]

PERCENT = (40, 50, 80, 100)
SLACK_SECONDS = 1.5
NOT_YOURS = (
    "the job was cancelled, or its row has another generation. A worker with an old generation must "
    "not write, and nobody ends a step of a job that has ended. Write all with one call: `move` "
    "with `generation=job.generation`, or `hand_over`, which checks the generation itself"
)
SWALLOWED = (
    "the write was rejected, as it must be, but the caller goes on as if it had succeeded. Let the "
    "JobConflict of `move` and `hand_over` out"
)


def at_work(rng: Random, step: int, **more: Any) -> Item:
    """Return a job whose step `step` a worker runs."""
    times = times_of(rng, step - 1)
    times[STEPS[step - 1]] = {"started_at": moment(-1)}
    before = {
        "step": STEPS[step - 1],
        "steps": times,
        "steps_done": step - 1,
        "percent": (0, *PERCENT)[step - 1],
    }
    return job(rng, "processing", **{**before, **more})


def end(code: Code, one: Item, step: int, more: dict[str, Any]) -> Answer:
    """Call `end_step` with the job as this worker took it: `one`."""
    mine = made(JOB, "Job.from_item", plain(one))
    return code.ask(TRACKING, "end_step", mine, step, more)


def test_each_step(code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]) -> None:
    """e, f, g, h: the first three steps hand the job over, and the last one completes it."""
    for step, title in enumerate(STEPS, 1):
        one, mark = at_work(rng, step), f"{rng.getrandbits(64):x}"
        table.put(one)
        sent, begun = f"end_step() of step {step} of {len(STEPS)}", time.time()
        said = must_be_job(sent, end(code, one, step, {"mark": mark}))
        row = table.get(one["id"])
        last = step == len(STEPS)
        wanted = {
            "status": "completed" if last else "processing",
            "steps_done": step,
            "percent": PERCENT[step - 1],
            "lease_owner": None,
            "mark": mark,
            "generation": one["generation"],
            "deliveries": one["deliveries"],
        }
        if odd := differs(row, wanted):
            fail(sent=sent, expected=str(plain(wanted)), got=odd, cause=cause_of(odd, last))
        check_times(sent, row or {}, one, title)
        check_due(sent, row or {}, begun + wait_of["REDRIVE_SECONDS"], last)
        if said["status"] != wanted["status"]:
            fail(
                sent=sent,
                expected=f"the job as it is after the write: {wanted['status']}",
                got=said["status"],
                cause="return what `move` or `hand_over` returns",
            )


def cause_of(odd: str, last: bool) -> str:
    """Return the likely cause of a wrong attribute."""
    word = odd.split(maxsplit=1)[0]
    if word == "lease_owner":
        return (
            "the worker of the next step finds a lease, drops its message, and the job stops. End "
            "the lease with `hand_over`"
        )
    if word == "status":
        return "the job is completed after the last step, and not before: `move`"
    if word == "mark":
        return (
            "the result of the job would be lost. Write the attributes of `more` along with the end"
        )
    if last:
        return "the last step writes the same attributes as each other step. Pass them to `move`"
    return "write all attributes of the requirements e and f, in one write"


def check_times(sent: str, row: Item, before: Item, title: str) -> None:
    steps = row.get("steps")
    mine = steps.get(title) if isinstance(steps, dict) else None
    ended = number(mine.get("ended_at")) if isinstance(mine, dict) else None
    kept = isinstance(mine, dict) and mine.get("started_at") == before["steps"][title]["started_at"]
    if ended is None or abs(ended - time.time()) > 60 or not kept:
        fail(
            sent=sent,
            expected=f"the present time as steps.{title}.ended_at, beside started_at, which is "
            "unchanged",
            got=plain(steps),
            cause=f"writing the whole entry removes started_at. The name `steps.{title}.ended_at` "
            "sets one value and keeps the rest",
        )
    assert isinstance(steps, dict)
    if lost := [
        one for one, was in before["steps"].items() if one != title and steps.get(one) != was
    ]:
        fail(
            sent=sent,
            expected="the times of the steps before, unchanged",
            got=f"{', '.join(lost)}: {plain(steps)}",
            cause=f"writing the whole map `steps` removes the other entries. Set "
            f"`steps.{title}.ended_at` alone",
        )


def check_due(sent: str, row: Item, due: float, last: bool) -> None:
    """A finished job expires and is never due. Any other job is due if its next message is lost."""
    if last:
        names = ("due_at", "due_shard", "lease_until", "expires_at", "finished_at")
        left = [name for name in names[:3] if name in row]
        if left or not {"expires_at", "finished_at"} <= set(row):
            fail(
                sent=sent,
                expected="a finished job: with finished_at and expires_at, without a lease and a "
                "due time",
                got=plain({name: row.get(name) for name in names}),
                cause="the outbox would find the job again, or it would never expire. Complete it "
                "with `move`, which sets all of this",
            )
    elif (number(row.get("due_at")) or 0) < due - SLACK_SECONDS or "expires_at" in row:
        fail(
            sent=sent,
            expected="a job that is due in REDRIVE_SECONDS and does not expire",
            got=plain({name: row.get(name) for name in ("due_at", "expires_at")}),
            cause="if the message of the next step is lost, the outbox finds the job only by "
            "`due_at`. `hand_over` sets it",
        )


def test_progress_never_goes_back(code: Code, table: JobsTable, rng: Random) -> None:
    """f: a job was at 80 percent when its worker died. It restarts, and its progress stays."""
    for step in (1, 2):
        one = at_work(rng, step, percent=80)
        table.put(one)
        sent = f"end_step() of step {step} of a job that restarted, and was at 80 percent before"
        must_be_job(sent, end(code, one, step, {}))
        got = (table.get(one["id"]) or {}).get("percent")
        if got != 80:
            fail(
                sent=sent,
                expected="80 percent, as before",
                got=f"{plain(got)} percent",
                cause="a progress bar that goes back looks broken. Write the larger of the job's "
                "and the step's percent",
            )


def test_a_write_afterwards(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """g, h: another worker takes the job right after the student's write."""
    for step in (rng.randint(1, 3), 4):
        one = at_work(rng, step)
        table.put(one)

        def act(one: Item = one) -> None:
            table.change(one["id"], generation=one["generation"] + 1, lease_owner="the-next")

        with dynamodb_proxy.watching(Successor(dynamodb_proxy, table, one["id"], act)):
            answer = end(code, one, step, {})
        sent = f"end_step() of step {step}; right after its write another worker takes the job"
        check_own(sent, must_be_job(sent, answer), one["generation"])


def test_a_death_half_way(
    code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """e, g: the process dies after its first write, and the whole end of the step is in the row."""
    for step in (rng.randint(1, 3), 4):
        one = at_work(rng, step)
        table.put(one)
        more = mark(rng)
        with dynamodb_proxy.watching(Death(dynamodb_proxy, table, one["id"], 1)):
            end(code, one, step, more)
        wanted = {
            "status": "completed" if step == len(STEPS) else "processing",
            "steps_done": step,
            "percent": PERCENT[step - 1],
            "lease_owner": None,
            **more,
        }
        row = table.get(one["id"])
        if odd := differs(row, wanted):
            fail(
                sent=f"end_step() of step {step}, in a process that dies after its first write",
                expected=str(plain(wanted)),
                got=odd,
                cause="a second write never happens if the process dies between the two, and the "
                "job stays half ended. Write all of it with one call: `move` after the last "
                "step, `hand_over` after any other",
            )


def late(one: Item, rng: Random) -> list[tuple[str, dict[str, Any]]]:
    """Changes of a job that its worker does not know about: a description and the attributes."""
    taken = {
        "generation": one["generation"] + rng.randint(1, 3),
        "lease_owner": "the-next",
        "lease_until": moment(900),
        "deliveries": one["deliveries"] + 1,
    }
    return [
        ("the job has been cancelled", {}),
        ("its lease has expired and another worker has taken the job", taken),
    ]


def meddle(table: JobsTable, job_id: str, changes: dict[str, Any]) -> None:
    if changes:
        table.change(job_id, **changes)
    else:
        table.cancel(job_id)


def test_too_late(code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """e, g, h: a slow worker ends its step after the job was cancelled or taken by another worker.

    That happens before the call, or right before the write arrives, or not at all.
    """
    steps = (rng.randint(1, 3), 4)
    cases = [(step, place, nth) for step in steps for place in range(2) for nth in (0, *NTH)]
    for step, place, nth in rng.sample(cases, len(cases)):
        one = at_work(rng, step)
        what, changes = late(one, rng)[place]
        table.put(one)

        def act(one: Item = one, changes: dict[str, Any] = changes) -> None:
            meddle(table, one["id"], changes)

        if nth:
            sent = (
                f"a worker calls end_step() of step {step}; right before its write arrives, {what}"
            )
            race(code, table, dynamodb_proxy, one, step, act, nth, sent)
            continue
        act()
        before, answer = table.get(one["id"]), end(code, one, step, mark(rng))
        sent = f"a worker runs step {step}; then {what}; then the worker calls end_step()"
        check_refused(sent, answer, changed(before or {}, table.get(one["id"])))


def mark(rng: Random) -> dict[str, str]:
    return {"mark": f"{rng.getrandbits(64):x}"}


def race(
    code: Code,
    table: JobsTable,
    dynamodb_proxy: DynamoDBProxy,
    one: Item,
    step: int,
    act: Callable[[], None],
    nth: int,
    sent: str,
) -> None:
    """Act right before the nth write. If there is no nth write, the end must be written."""
    more = mark(Random(one["id"]))  # noqa: S311 - an input, not a secret
    rival = Rival(dynamodb_proxy, table, one["id"], act, nth)
    with dynamodb_proxy.watching(rival):
        answer = end(code, one, step, more)
    if rival.met:
        check_refused(sent, answer, rival.overwritten())
        return
    sent = f"end_step() of step {step}"
    must_be_job(sent, answer)
    odd = differs(table.get(one["id"]), {"steps_done": step, "lease_owner": None, **more})
    if odd:
        fail(sent=sent, expected="the step's end in the row", got=odd, cause=NOT_YOURS)
    rival.check_written_once(sent, NOT_YOURS)


def check_refused(sent: str, answer: Answer, odd: str) -> None:
    must_raise(sent, answer, "JobConflict", NOT_YOURS if odd or not answer.ok else SWALLOWED)
    if odd:
        fail(sent=sent, expected="JobConflict, and an unchanged row", got=odd, cause=NOT_YOURS)
