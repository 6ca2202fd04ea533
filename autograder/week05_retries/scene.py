"""A student's pipeline with a provider that fails, and the checks of each attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from autograder.sdk import Fault, OpenAIControl, Run, Worker, fail
from autograder.sdk.answers import number
from autograder.sdk.api_log import traceback_in
from autograder.week05_retries import rows
from autograder.week05_retries.rows import (
    DONE_SECONDS,
    Item,
    Rows,
    Settings,
    Submitted,
    asked,
    ended,
    shown,
    submit,
)

SLACK = 0.9
"""The part of a requested wait that must be kept. The rest allows for clocks."""


@dataclass
class Scene:
    """A student's pipeline, with all that a grader needs to observe it."""

    run: Run
    table: Rows
    openai: OpenAIControl
    worker: Worker
    settings: Settings
    rng: Random

    def spoiled(self, *faults: Fault, **more: object) -> Submitted:
        """Start a job for which the provider shows these faults."""
        one = submit(self.run, self.table, self.rng, **more, due_at=rows.moment(rows.LONG))
        self.openai.script(*(spoiling(one, fault) for fault in faults))
        self.table.make_due(one.id)
        return one

    def log(self) -> tuple[str, ...]:
        return traceback_in(self.worker.recent()) or self.worker.tail()

    def completed(self, one: Submitted, sent: str, seconds: float = DONE_SECONDS) -> Item:
        """Return the row of a job that must be completed."""
        row = ended(self.table, one.id, seconds)
        if row.get("status") != "completed":
            count = len(asked(self.openai, one))
            got = f"{shown(row)} after {count} requests"
            held = row.get("lease_owner") and row.get("step") == "embed"
            cause = "the row shows how far the job came. The worker's log shows why it stopped"
            if row.get("status") == "failed":
                cause = "the error is transient, but the step was not retried"
            elif rows.is_waiting(row):
                cause = "the step waits, and nothing will start it: if the row keeps the delay (`Drop`), "
                cause += "make the row due when the delay ends; otherwise return `RetryAfter(wait, error)`"
            elif rows.is_free(row):
                cause = "the step ran again, but the step after it got no message: `RetryAfter` sends the "
                cause += "step's own message again, with all steps that follow it"
            elif held:
                cause = "the lease was not ended with `hand_over`, so the retry finds the job taken and stops"
            expected = f"the job completed within {DONE_SECONDS:g} s"
            fail(sent=sent, expected=expected, got=got, cause=cause, log=self.log())
        return row


def spoiling(one: Submitted, fault: Fault) -> Fault:
    return replace(fault, matching=one.text)


def check_requests(scene: Scene, sent: str, one: Submitted, statuses: list[int | None]) -> None:
    """Check that the provider saw exactly these attempts, and no retry by its client."""
    entries = asked(scene.openai, one)
    found = [entry.status for entry in entries]
    if found != statuses:
        fail(
            sent=sent,
            expected=f"{len(statuses)} requests: {statuses}",
            got=f"{len(found)} requests: {found}",
            cause="there must be one retry layer: neither the provider's client nor Celery retries too, and "
            "each attempt is counted on the row (`changes`)",
        )
    if any(entry.retry_count for entry in entries):
        fail(
            sent=sent,
            expected="only first attempts of the `openai` client (retry count 0)",
            got=[entry.retry_count for entry in entries],
            cause="the `openai` client retries too, and two layers multiply the number of requests",
        )


def begun_at(row: Item, step: str) -> float | None:
    """Return when a step began, in seconds since 1970. None: the row does not say."""
    steps = row.get("steps")
    known = steps.get(step) if isinstance(steps, dict) else None
    return number(known.get("started_at")) if isinstance(known, dict) else None


def check_steps_before(scene: Scene, sent: str, one: Submitted, row: Item) -> None:
    """Check that no step before the failed one ran again."""
    first = asked(scene.openai, one)[0].started
    for step in ("parse", "chunk"):
        begun = begun_at(row, step)
        if begun is None or rows.monotonic_of(begun) > first:
            again = "never" if begun is None else "again after the third step had failed"
            fail(
                sent=sent,
                expected=f"{step} started once, before the first request to the provider",
                got=f"{step} started {again}",
                cause="retry only the failed step (`RetryAfter`): the steps before it are done, and its "
                "message contains the steps after it",
            )
    if row.get("deliveries") != 1:
        fail(
            sent=sent,
            expected="one delivery",
            got=f"{row.get('deliveries')} deliveries",
            cause="the whole job was restarted, but only the failed step must run again",
        )


def too_early(sent: str, expected: str, got: str) -> None:
    fail(
        sent=sent,
        expected=expected,
        got=got,
        cause="the provider asked for a longer wait (`asked_wait(error)`): pass `wait` unchanged to "
        "`RetryAfter` or `hand_over`",
    )


def check_count(scene: Scene, sent: str, row: Item, count: int) -> None:
    failures = row.get("failures")
    known = failures.get("embed") if isinstance(failures, dict) else None
    found = known.get("count") if isinstance(known, dict) else None
    if found != count:
        fail(
            sent=sent,
            expected=f"{count} failures of the step on the row",
            got=shown(row),
            cause="pass `changes`, which contains the count, to `hand_over`. A count only in Celery's "
            "message is lost with the message",
        )
