"""8.6: buckets, and which event changes which counter."""

from __future__ import annotations

import base64
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail, made
from autograder.sdk.answers import plain
from autograder.sdk.jobs_table import job

pytestmark = pytest.mark.item("8.6")

MEASURES = "pipeline.metrics.measures"
DECISIONS = "pipeline.lifecycle.decisions"
STEPS = ("parse", "chunk", "embed", "index")
FIRST_BOUND, LAST_BOUND, FACTOR, MOST_BOUNDS = 0.05, 900, 3, 20
ALL_SERIES = (
    "pipeline_retries_total",
    "pipeline_jobs_ended_total",
    "pipeline_dead_letters_total",
)


def test_the_buckets(student: Student) -> None:
    """a, b, c: from 0.05 s to 900 s, in steps of at most three times, with at most 20 bounds."""
    found = student.call(MEASURES, "step_buckets")
    sent = "step_buckets()"
    numbers = isinstance(found, list | tuple) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in found
    )
    if not numbers or not found:
        fail(sent=sent, expected="a list of numbers", got=found)
    bounds = [float(one) for one in found]
    if len(bounds) > MOST_BOUNDS:
        cause = "each bound is a time series for each step, outcome and node"
        fail(sent=sent, expected=f"at most {MOST_BOUNDS} bounds", got=len(bounds), cause=cause)
    if not 0 < bounds[0] <= FIRST_BOUND:
        cause = "most steps take less than a second. With a large first bound they all look alike"
        fail(sent=sent, expected=f"a first bound up to {FIRST_BOUND} s", got=bounds[0], cause=cause)
    if bounds[-1] < LAST_BOUND:
        cause = "a step may run for 900 s. What is above the last bound has no duration"
        fail(
            sent=sent,
            expected=f"a last bound of {LAST_BOUND} s or more",
            got=bounds[-1],
            cause=cause,
        )
    for low, high in pairwise(bounds):
        if not low < high <= FACTOR * low * 1.000001:
            expected = f"after {low:g} a larger bound, up to {FACTOR * low:g}"
            cause = "a quantile is guessed between two bounds, so these must not be far apart"
            fail(sent=sent, expected=expected, got=f"{high:g}", cause=cause)


class Counters:
    """Reads what the student's process has counted."""

    def __init__(self, student: Student) -> None:
        self._student = student
        self._before = self._all()

    def _all(self) -> dict[str, float]:
        registry = made(MEASURES, "node_registry")
        said = self._student.call("prometheus_client", "generate_latest", registry)
        coded = said.get("value", "") if isinstance(said, dict) else ""
        found = {}
        for line in base64.b64decode(str(coded)).decode(errors="replace").splitlines():
            name, _, value = line.rpartition(" ")
            if name.partition("{")[0] in ALL_SERIES:
                found[name] = float(value)
        return found

    def new(self) -> dict[str, float]:
        """What has been added since the last look, by series."""
        now, before = self._all(), self._before
        self._before = now
        return {
            name: value - before.get(name, 0)
            for name, value in now.items()
            if value != before.get(name, 0)
        }


@pytest.fixture
def counters(student: Student) -> Counters:
    return Counters(student)


def decision(name: str, rng: Random) -> dict[str, Any]:
    error = made("pipeline.errors", "TransientError")
    arguments: dict[str, list[Any]] = {
        "RetryAfter": [rng.uniform(1, 9), error],
        "Drop": ["the row keeps the delay"],
        "GiveUp": [error],
    }
    return made(DECISIONS, name, *arguments[name])


def test_retries(student: Student, rng: Random, counters: Counters) -> None:
    """d, e: both kinds of retry count once, and the failure that ends the job does not."""
    for step in rng.sample(STEPS, 3):
        for name in ("RetryAfter", "GiveUp", "Drop", "RetryAfter"):
            student.call(MEASURES, "count_retry", step, decision(name, rng))
            wanted = {} if name == "GiveUp" else {f'pipeline_retries_total{{step="{step}"}}': 1.0}
            compare(
                f"count_retry({step!r}, {name}(…))",
                wanted,
                counters.new(),
                "`RetryAfter` and `Drop` both try the step again. `GiveUp` ends the job",
            )
    student.call(MEASURES, "count_retry", rng.choice(STEPS), None)
    compare("count_retry(…, None)", {}, counters.new(), "nothing is decided, so nothing is retried")


def compare(sent: str, wanted: dict[str, float], got: dict[str, float], cause: str) -> None:
    if wanted != got:
        expected = str(wanted) if wanted else "no change of a counter"
        fail(sent=sent, expected=expected, got=str(got) if got else "no change", cause=cause)


def ended(rng: Random, status: str, letter: dict[str, Any] | None = None) -> dict[str, Any]:
    row = plain(job(rng, status, steps_done=4))
    assert isinstance(row, dict)
    return made("pipeline.models.dead_letters", "ReliableJob", **row, dead_letter=letter)


def letter_of(rng: Random) -> dict[str, Any]:
    return {
        "step": rng.choice(STEPS),
        "task": "pipeline.embed_chunks",
        "arguments": [],
        "kind": rng.choice(["provider_quota", "invalid_document", "poison_job"]),
        "message": f"unique {rng.getrandbits(32):x}",
        "exception": f"pipeline.errors.E{rng.getrandbits(32):x}",
        "detail": "",
        "attempts": 3,
        "deliveries": 1,
        "first_at": 1.0,
        "last_at": 2.0,
        "fingerprint": f"{rng.getrandbits(64):x}",
    }


def test_ends(student: Student, rng: Random, counters: Counters) -> None:
    """f, g: each end by its state, and a failed job's dead letter by step and kind."""
    for status in ("completed", "failed", "cancelled", "completed"):
        student.call(MEASURES, "count_end", ended(rng, status))
        wanted = {f'pipeline_jobs_ended_total{{status="{status}"}}': 1.0}
        cause = "each end counts under the job's state. Without a dead letter no letter counts"
        compare(f"count_end() of a job that is {status}", wanted, counters.new(), cause)
    for status in ("failed", "cancelled"):
        letter = letter_of(rng)
        student.call(MEASURES, "count_end", ended(rng, status, letter))
        wanted = {f'pipeline_jobs_ended_total{{status="{status}"}}': 1.0}
        if status == "failed":
            labels = f'kind="{letter["kind"]}",step="{letter["step"]}"'
            wanted[f"pipeline_dead_letters_total{{{labels}}}"] = 1.0
        compare(
            f"count_end() of a job that is {status}, with a dead letter",
            wanted,
            counters.new(),
            "a dead letter counts by the letter's `step` and `kind`, if the job has failed",
        )
