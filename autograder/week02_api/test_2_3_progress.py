"""2.3: a task stores its progress in the state PROGRESS, and the API shows it.

What a submission could fake:
- counts: more reports than one for ten percent are a failure, and so are fewer.
- witness: the states that Redis publishes while a real worker runs. The worker can publish others, but
  each must then be right and in order.
- place: the size of the document and the steps are random.
- store: only states under the task's own id count.
- probe: single calls run in the calling process. The course of a whole document is seen at the worker.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Api, Run, Student, Worker, fail
from autograder.sdk.api_log import traceback_in
from autograder.week02_api import queue_view, sending

pytestmark = pytest.mark.item("2.3")

STATE = "PROGRESS"
PIECE_BYTES = 64 * 1024
EVERY = 10
"""The percent between two reports: REPORT_EVERY in the exercise."""
WIDEST_STEP = 2 * EVERY + 5
MOST_REPORTS = 2 * 100 // EVERY
END_SECONDS = 20.0
OFFSETS = (61, 64, 67, 73, 79)
"""Numbers of pieces for which reports at every tenth percent alone do not include 100."""


def watch(student: Student, run: Run, worker: Worker, content: bytes) -> queue_view.Watch:
    """Run the task on a document, and return all states that it stored."""
    message = queue_view.put_document(run, content)
    with queue_view.watching(run, message["document_id"]) as watch:
        queue_view.enqueue(student, message)
        if not watch.until_it_ends(END_SECONDS) or watch.states[-1] != "SUCCESS":
            fail(
                sent=f"process_document on a text of {len(content)} bytes",
                expected="a task that ends with SUCCESS",
                got=f"these states: {watch.states or 'none'}",
                cause="the exception in the lines of the worker's log below",
                log=worker.tail(),
            )
    return watch


def reports_of(watch: queue_view.Watch, sent: str, worker: Worker) -> list[int]:
    """Return the reported percents in order, after checking the form of each report."""
    reports = [one.get("result") for one in watch.seen if one.get("status") == STATE]
    if not reports:
        raised = "progress was not reported" in worker.logs()
        fail(
            sent=sent,
            expected=f"the custom state {STATE!r} before SUCCESS",
            got=f"these states: {watch.states}",
            cause="`_report` raised an exception, which `report` logged: see the worker's lines below"
            if raised
            else "nothing is stored for this document, or with another state than `PROGRESS` of "
            "`pipeline/states.py`, or the last percent of another document is used: `self.percent` is "
            "the one of this document",
            log=traceback_in(worker.recent()) if raised else (),
        )
    percents: list[int] = []
    for meta in reports:
        found = meta if isinstance(meta, dict) else {}
        step, percent = found.get("step"), found.get("percent")
        if not isinstance(step, str) or type(percent) is not int or not 0 <= percent <= 100:
            fail(
                sent=sent,
                expected='reports like {"step": "counting", "percent": 40}, percent from 0 to 100',
                got=meta,
                cause="the meta has other keys or values. `percent` is a whole number and `step` a text",
            )
        percents.append(percent)
    return percents


def test_progress_of_a_long_document(
    student: Student, run: Run, api: Api, worker: Worker, rng: Random
) -> None:
    """a, b, c: the reports of a task that reads some megabytes."""
    line = f"{rng.getrandbits(200):050x} wrote the keeper\n".encode()
    size = PIECE_BYTES * rng.choice(OFFSETS)
    content = (line * (size // len(line) + 1))[:size]
    sent = f"process_document on a text of ~{size // 10**6} MB, read {PIECE_BYTES} bytes at a time"
    states = watch(student, run, worker, content)
    percents = reports_of(states, sent, worker)
    check_course(sent, percents)
    check_steps(sent, states)
    check_shown(run, api, states)


def check_course(sent: str, percents: list[int]) -> None:
    if percents != sorted(percents):
        fail(
            sent=sent,
            expected="a percent that never decreases",
            got=percents,
            cause="the percent counts what is left to do, or starts again from 0",
        )
    if percents[-1] != 100:
        fail(
            sent=sent,
            expected="100 in the last report",
            got=f"{percents}: the last report says {percents[-1]}",
            cause="the last step is smaller than `REPORT_EVERY`, so it was not reported. Always "
            "report 100",
        )
    if len(percents) > MOST_REPORTS:
        fail(
            sent=sent,
            expected=f"one report for each {EVERY} percent, about eleven in all",
            got=f"{len(percents)} reports, each a write to Redis",
            cause="every piece is reported. Compare with the last reported percent, `self.percent`",
        )
    steps = [later - earlier for earlier, later in zip([0, *percents], percents, strict=False)]
    if max(steps) > WIDEST_STEP:
        fail(
            sent=sent,
            expected=f"one report for each {EVERY} percent",
            got=f"{percents}: a jump of {max(steps)}",
            cause="reports are missing. Report whenever the percent has grown by `REPORT_EVERY`",
        )


def check_steps(sent: str, states: queue_view.Watch) -> None:
    steps = {one["result"]["step"] for one in states.seen if one.get("status") == STATE}
    if steps != {"counting"}:
        fail(
            sent=sent,
            expected="the step that `report` was called with: 'counting'",
            got=sorted(steps),
            cause="the meta has another text as its step. Store `step` unchanged",
        )


def check_shown(run: Run, api: Api, states: queue_view.Watch) -> None:
    """Store each state again and ask the API for it, because the task is too fast to be watched."""
    for meta in [one for one in states.seen if one.get("status") == STATE]:
        queue_view.plant(run, states.task_id, STATE, meta["result"])
        answer = api.get(f"/tasks/{states.task_id}")
        body = sending.status_in(api, answer)
        if (body.get("status"), body.get("progress")) != ("processing", meta["result"]):
            fail(
                sent=f"GET /tasks/{states.task_id}, after the task has stored {meta['result']}",
                expected="status 'processing' and this progress",
                got=f"{answer.status_code} {answer.text[:200]}",
                cause="the meta has other keys than `step` and `percent`",
            )


def test_progress_of_an_empty_document(student: Student, run: Run, worker: Worker) -> None:
    """a: a document without a byte."""
    sent = "process_document on a document of 0 bytes"
    percents = reports_of(watch(student, run, worker, b""), sent, worker)
    if percents[-1] != 100:
        fail(
            sent=sent,
            expected="100 percent in the last report, because nothing is left to do",
            got=percents,
            cause="for a `total` of 0, the percent is 0. It must be 100",
        )
