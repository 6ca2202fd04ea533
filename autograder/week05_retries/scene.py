"""A student's pipeline at work with a provider that fails, and what must hold of each attempt."""

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
"""Of a wait that must be kept."""


@dataclass
class Scene:
    """A student's pipeline at work, seen from all sides."""

    run: Run
    table: Rows
    openai: OpenAIControl
    worker: Worker
    settings: Settings
    rng: Random

    def spoiled(self, *faults: Fault, **more: object) -> Submitted:
        """A job for which the provider does this."""
        one = submit(self.run, self.table, self.rng, **more, due_at=rows.moment(rows.LONG))
        self.openai.script(*(spoiling(one, fault) for fault in faults))
        self.table.make_due(one.id)
        return one

    def log(self) -> tuple[str, ...]:
        return traceback_in(self.worker.recent()) or self.worker.tail()

    def completed(self, one: Submitted, sent: str, seconds: float = DONE_SECONDS) -> Item:
        """The row of a job that must come through."""
        row = ended(self.table, one.id, seconds)
        if row.get("status") != "completed":
            count = len(asked(self.openai, one))
            got = f"{shown(row)} after {count} requests"
            held = row.get("lease_owner") and row.get("step") == "embed"
            cause = "the row says how far it came, the worker's log why"
            if row.get("status") == "failed":
                cause = "the error passes, and the step was not tried again"
            elif rows.is_waiting(row):
                cause = "it waits, and nobody will come: if the row keeps the wait (`Drop`), the row must be "
                cause += "due when the wait ends; if a message keeps it, return `RetryAfter(wait, error)`"
            elif rows.is_free(row):
                cause = "the step ran again, and the step after it got no message: `RetryAfter` sends the "
                cause += "step's own message again, with all steps that follow it"
            elif held:
                cause = "nobody ended the lease: the retry finds the job taken, and does nothing"
            expected = f"the job completed within {DONE_SECONDS:g} s"
            fail(sent=sent, expected=expected, got=got, cause=cause, log=self.log())
        return row


def spoiling(one: Submitted, fault: Fault) -> Fault:
    return replace(fault, matching=one.text)


def check_requests(scene: Scene, sent: str, one: Submitted, statuses: list[int | None]) -> None:
    """The provider saw exactly these attempts, and no client that retries by itself."""
    entries = asked(scene.openai, one)
    found = [entry.status for entry in entries]
    if found != statuses:
        fail(
            sent=sent,
            expected=f"{len(statuses)} requests: {statuses}",
            got=f"{len(found)} requests: {found}",
            cause="one retry layer: neither the provider's client nor Celery tries again besides, and "
            "each attempt is counted on the row (`changes`)",
        )
    if any(entry.retry_count for entry in entries):
        fail(
            sent=sent,
            expected="the client's first attempt, each time",
            got=[entry.retry_count for entry in entries],
            cause="the `openai` client retries by itself: two layers multiply",
        )


def begun_at(row: Item, step: str) -> float | None:
    """When a step was begun, seconds since 1970. None: the row does not say."""
    steps = row.get("steps")
    known = steps.get(step) if isinstance(steps, dict) else None
    return number(known.get("started_at")) if isinstance(known, dict) else None


def check_steps_before(scene: Scene, sent: str, one: Submitted, row: Item) -> None:
    """Nothing before the failed step has begun again."""
    first = asked(scene.openai, one)[0].started
    for step in ("parse", "chunk"):
        begun = begun_at(row, step)
        if begun is None or rows.monotonic_of(begun) > first:
            again = "never" if begun is None else "again after the third step had failed"
            fail(
                sent=sent,
                expected=f"{step} begun once, before the first request to the provider",
                got=f"{step} begun {again}",
                cause="retry the step's own task (`RetryAfter`): what comes after it is in its message; the "
                "steps before it are done",
            )
    if row.get("deliveries") != 1:
        fail(
            sent=sent,
            expected="one delivery",
            got=f"{row.get('deliveries')} deliveries",
            cause="the whole job was begun anew: only the failed step runs again",
        )


def too_early(sent: str, expected: str, got: str) -> None:
    fail(
        sent=sent,
        expected=expected,
        got=got,
        cause="`asked_wait(error)` is what the provider asks for: it belongs into `backoff`, and all of "
        "`wait` into `RetryAfter` or `hand_over`",
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
            cause="`changes` has the count: it goes with `hand_over`. A count in Celery's message "
            "alone is lost with the message",
        )
