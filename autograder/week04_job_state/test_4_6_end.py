"""4.6, the end of a step: written by whoever has the job, and by nobody else."""

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
from autograder.week04_job_state.rivals import NTH, Rival
from autograder.week04_job_state.student_code import JOB, TRACKING
from autograder.week04_job_state.test_4_6_begin import times_of

pytestmark = [pytest.mark.item("4.6"), pytest.mark.usefixtures("late_worker")]

PERCENT = (40, 50, 80, 100)
SLACK_SECONDS = 1.5
NOT_YOURS = "an old generation must not write: `generation=job.generation` for `move`; `hand_over` "
NOT_YOURS += "looks by itself"


def at_work(rng: Random, step: int, **more: Any) -> Item:
    """A job with a worker at its step `step`."""
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
    """`end_step` with the job as the worker knows it: `one`."""
    mine = made(JOB, "Job.from_item", plain(one))
    return code.ask(TRACKING, "end_step", mine, step, more)


def test_each_step(code: Code, table: JobsTable, rng: Random, wait_of: dict[str, int]) -> None:
    """The first three hand the job on, the last one completes it."""
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
            fail(sent=sent, expected=f"a job that is {wanted['status']}", got=said["status"])


def cause_of(odd: str, last: bool) -> str:
    """The likely cause of a wrong attribute."""
    word = odd.split(maxsplit=1)[0]
    if word == "lease_owner":
        return "the next step's worker meets a live lease, and drops its message: `hand_over`"
    if word == "status":
        return "after the last step the job is completed, and not before: `move`"
    own = "what each step writes at its end, the last one writes too, by `move`"
    return {"mark": "`more` is written along"}.get(word, own if last else "")


def check_times(sent: str, row: Item, before: Item, title: str) -> None:
    steps = row.get("steps")
    mine = steps.get(title) if isinstance(steps, dict) else None
    ended = number(mine.get("ended_at")) if isinstance(mine, dict) else None
    kept = isinstance(mine, dict) and mine.get("started_at") == before["steps"][title]["started_at"]
    if ended is None or abs(ended - time.time()) > 60 or not kept:
        fail(
            sent=sent,
            expected=f"steps.{title}.ended_at: now, beside started_at as it was",
            got=plain(steps),
            cause=f"`steps.{title}.ended_at` as a name reaches into the map, and leaves the rest",
        )
    assert isinstance(steps, dict)
    if lost := [
        one for one, was in before["steps"].items() if one != title and steps.get(one) != was
    ]:
        fail(
            sent=sent,
            expected="the times of the steps before, as they were",
            got=f"{', '.join(lost)}: {plain(steps)}",
        )


def check_due(sent: str, row: Item, due: float, last: bool) -> None:
    """A finished job needs nobody and will go; any other is found if its next message is lost."""
    if last:
        names = ("due_at", "due_shard", "lease_until", "expires_at", "finished_at")
        left = [name for name in names[:3] if name in row]
        if left or not {"expires_at", "finished_at"} <= set(row):
            fail(
                sent=sent,
                expected="a job that has ended: finished_at, expires_at, no lease, never due",
                got=plain({name: row.get(name) for name in names}),
                cause="`move(job.id, Status.COMPLETED, …)` knows all that",
            )
    elif (number(row.get("due_at")) or 0) < due - SLACK_SECONDS or "expires_at" in row:
        fail(
            sent=sent,
            expected="a job that is due in REDRIVE_SECONDS, and does not expire",
            got=plain({name: row.get(name) for name in ("due_at", "expires_at")}),
            cause="if the next step's message is lost, only `due_at` finds the job: `hand_over`",
        )


def test_progress_never_goes_back(code: Code, table: JobsTable, rng: Random) -> None:
    """A job was at 80 percent when its worker died, and is begun anew."""
    for step in (1, 2):
        one = at_work(rng, step, percent=80)
        table.put(one)
        sent = f"end_step() of step {step} of a job that was begun anew, and was at 80 percent"
        must_be_job(sent, end(code, one, step, {}))
        got = (table.get(one["id"]) or {}).get("percent")
        if got != 80:
            fail(
                sent=sent,
                expected="80 percent still",
                got=f"{plain(got)} percent",
                cause="a bar that goes back looks broken: the larger of the two",
            )


def late(one: Item, rng: Random) -> list[tuple[str, dict[str, Any]]]:
    """What has become of a job since its worker looked last."""
    taken = {
        "generation": one["generation"] + rng.randint(1, 3),
        "lease_owner": "the-next",
        "lease_until": moment(900),
        "deliveries": one["deliveries"] + 1,
    }
    return [
        ("the job has been cancelled", {}),
        ("its lease ran out, and another worker has the job", taken),
    ]


def meddle(table: JobsTable, job_id: str, changes: dict[str, Any]) -> None:
    if changes:
        table.change(job_id, **changes)
    else:
        table.cancel(job_id)


def test_too_late(code: Code, table: JobsTable, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """The worker comes back from a long sleep, and the job is not its own any more: it was so
    before the worker looked, or it happens right before its write arrives. Or all is well.
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
            sent = f"a worker is at step {step}. Right before its write arrives, {what}. It calls "
            race(code, table, dynamodb_proxy, one, step, act, nth, f"{sent}end_step()")
            continue
        act()
        before, answer = table.get(one["id"]), end(code, one, step, mark(rng))
        sent = f"a worker is at step {step}. Then {what}. It calls end_step()"
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
    """Somebody acts right before the nth write. Where there is none, the end is written."""
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
    if odd or nth == 1:
        fail(sent=sent, expected="its end in the row", got=odd or "no write", cause=NOT_YOURS)


def check_refused(sent: str, answer: Answer, odd: str) -> None:
    must_raise(sent, answer, "JobConflict", NOT_YOURS)
    if odd:
        fail(sent=sent, expected="JobConflict, and nothing written", got=odd, cause=NOT_YOURS)
