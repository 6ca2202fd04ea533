"""5.5: a poison job is dead-lettered, however its workers died.

What a submission could fake:
- counts: deliveries are on rows that the grader has written. Requests are counted in the provider's
  journal.
- witness: a dead letter counts only together with a journal without requests.
- place: the limit and all counts are random.
- store: the row, its steps and the journal are looked at.
- probe: a worker is killed, so the next delivery is like any other one.
"""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    Api,
    CheckFailed,
    Fault,
    OpenAIControl,
    Run,
    Worker,
    fail,
    failure_card,
    until,
)
from autograder.sdk.answers import Code, must_raise, plain
from autograder.sdk.api_log import traceback_in
from autograder.week05_retries.rows import (
    DONE_SECONDS,
    LONG,
    Item,
    Rows,
    Settings,
    Submitted,
    as_job,
    asked,
    ended,
    failed_before,
    job,
    moment,
    row_of,
    shown,
    submit,
)

pytestmark = pytest.mark.item("5.5")

DEAD = "pipeline.tasks.dead_letter"
HELD_SECONDS = 60.0


def test_how_many(code: Code, settings: Settings, rng: Random) -> None:
    """a, b, c: a job runs up to the limit. Lost messages and errors of steps do not count."""
    limit = settings.max_deliveries
    cases = [(limit, 0), (limit + 1, 0), (2, 0), (limit + rng.randint(2, 90), 0)]
    lost = rng.randint(2, 7)
    cases += [(limit + lost, lost), (limit + lost + 1, lost), (lost + 1, lost)]
    errors = (0, limit + rng.randint(1, 5))
    for (deliveries, messages), failed, step in product(cases, errors, (None, "embed")):
        failures = failed_before(failed) if failed else {}
        counts = {"deliveries": deliveries, "lost_messages": messages, "replays": rng.randint(1, 9)}
        row = job(rng, "processing", **counts, **failures, step=step)
        sent = (
            f"refuse_poison() of a job with {deliveries} deliveries, this one included, of which "
        )
        sent += (
            f"{messages} for lost messages, and {failed} errors of "
            f"{'the step that was begun last' if step else 'a step'} (MAX_DELIVERIES {limit})"
        )
        answer = code.ask(DEAD, "refuse_poison", as_job(row))
        if deliveries - messages > limit:
            cause = (
                f"{deliveries - messages - 1} workers have started this job, and all of them died. "
            )
            cause += "From `deliveries` only `lost_messages` is subtracted"
            if answer.error:
                cause = "raise `PoisonJob`: the dead letter gets its kind from this class"
            must_raise(sent, answer, "PoisonJob", cause)
        elif answer.error == "PoisonJob":
            cause = f"`deliveries` includes the current delivery, and {limit} deliveries may run"
            if failed:
                cause += ". An error of a step does not end a worker, so it must not count"
            elif messages:
                cause = "a lost message is not the document's fault: subtract `lost_messages`"
            fail(sent=sent, expected="no exception: the job may run", got="PoisonJob", cause=cause)
        elif not answer.ok:
            raise CheckFailed(failure_card(sent, answer))


def abandoned(run: Run, table: Rows, rng: Random, **more: Any) -> Submitted:
    """Store a job whose worker died in its third step, and whose lease has expired."""
    gone = {"lease_owner": f"gone-{rng.getrandbits(32):x}", "lease_until": moment(-5)}
    told = {"status": "processing", "steps_done": 2, "step": "embed", "generation": 20, **gone}
    return submit(run, table, rng, **told, **more)


def test_with_a_worker(
    api: Api,
    worker: Worker,
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    settings: Settings,
    rng: Random,
) -> None:
    """a, b: one job is poison, two are not, and one becomes poison: its worker is killed while it embeds."""
    limit = settings.max_deliveries
    deadly = submit(run, table, rng, deliveries=limit - 1, due_at=moment(LONG))
    openai.script(Fault.slow(HELD_SECONDS, times=None, matching=deadly.text))
    poison = abandoned(run, table, rng, deliveries=limit)
    again = abandoned(run, table, rng, deliveries=limit - 1)
    unlucky = abandoned(run, table, rng, deliveries=limit + 1, lost_messages=2)

    check_poison(f"a job that {limit} workers started and died of", worker, table, openai, poison)
    for one, what in (
        (again, f"a job that {limit - 1} workers started and died of"),
        (unlucky, f"a job with {limit + 1} deliveries, 2 of them for lost messages"),
    ):
        row = ended(table, one.id)
        if row.get("status") != "completed":
            fail(
                sent=f"{what} (MAX_DELIVERIES {limit})",
                expected="the job runs once more, and is completed",
                got=shown(row),
                cause="the job was refused too early: only more deliveries than the limit make it poison",
                log=traceback_in(worker.recent()) or worker.tail(),
            )
    check_kill(limit, worker, table, openai, deadly)


def check_poison(
    sent: str, worker: Worker, table: Rows, openai: OpenAIControl, one: Submitted
) -> None:
    """Check that the job has a dead letter of this kind, and that none of its steps ran."""
    row = ended(table, one.id)
    letter = row.get("dead_letter")
    letter = letter if isinstance(letter, dict) else {}
    if row.get("status") != "failed" or letter.get("kind") != "poison_job":
        fail(
            sent=sent,
            expected="a failed job with a dead letter of the kind poison_job",
            got=f"{shown(row)}, dead letter: {plain(letter.get('kind'))!r}",
            cause="another run would end another worker: refuse the job before a step runs",
            log=traceback_in(worker.recent()) or worker.tail(),
        )
    check_letter(sent, one.before, row, letter)
    if asked(openai, one) or row.get("steps"):
        fail(sent=sent, expected="none of its steps runs", got=plain(row.get("steps")))


def check_letter(sent: str, before: Item, row: Item, letter: dict[str, Any]) -> None:
    wanted = {"step": "embed", "deliveries": before["deliveries"] + 1}
    found = {name: plain(letter.get(name)) for name in wanted}
    if found != wanted:
        fail(sent=sent, expected=f"in the dead letter: {wanted}", got=found)


def check_kill(
    limit: int, worker: Worker, table: Rows, openai: OpenAIControl, one: Submitted
) -> None:
    """Check a job whose worker gets a SIGKILL in the last allowed delivery."""
    sent = f"a job in its delivery {limit} of {limit}, whose worker is killed (SIGKILL) while it embeds"
    table.make_due(one.id)
    if not until(lambda: asked(openai, one), DONE_SECONDS):
        got = shown(row_of(table, one.id))
        fail(sent=sent, expected="a request to the provider", got=got, log=worker.tail())
    worker.kill_pool()
    table.end_lease(one.id)

    def over() -> bool:
        dead = row_of(table, one.id).get("status") == "failed"
        return dead or len(asked(openai, one)) > 1

    until(over, DONE_SECONDS)
    row = row_of(table, one.id)
    letter = row.get("dead_letter")
    count = len(asked(openai, one))
    if count != 1 or row.get("status") != "failed" or not isinstance(letter, dict):
        fail(
            sent=sent,
            expected="a dead letter, and no second request",
            got=f"{shown(row)} and {count} requests",
            cause="a killed worker raises no error: only the next delivery shows that it died",
            log=worker.tail(),
        )
    check_letter(sent, {"deliveries": limit}, row, letter)
