"""8.1, with a worker: an urgent job overtakes a backlog.

What a submission could fake:
- counts: the first request about the urgent job counts. More requests about the backlog lose.
- witness: the journal of the provider, the row and the queues. A submission can ask early for the urgent
  job, but the functions are judged alone too.
- place: references, unknown tasks and orders of queues are random.
- store: messages that wait are looked for in all lists, and each must be in its queue.
- probe: the functions are called in the calling process. The messages in Redis and a real worker show
  what comes of them for the entry task and for an urgent job.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import OpenAIControl, Run, Student, broker, fail, until
from autograder.sdk.jobs_table import JobsTable
from autograder.week08_operations.backlog import emptied, submit

pytestmark = [pytest.mark.item("8.1"), pytest.mark.usefixtures("stores")]

__all__ = ["emptied"]

BACKLOG = 14
DONE_SECONDS = 40.0
ALLOWED_BEFORE = 6
"""How many jobs of the backlog may be embedded before the urgent one. Without priority it is the last."""


def check_queues(run: Run, backlog: list[str], urgent: str) -> None:
    """Each message that still waits is in its queue. Other workers of this run may have taken some."""
    for one in broker.waiting(run):
        job = one.headers.get("id")
        wanted = "urgent" if job == urgent else "io"
        if job in (*backlog, urgent) and one.queue != wanted:
            fail(
                sent=f"the message of the entry task of {'an urgent' if job == urgent else 'a'} job",
                expected=f"a message in the queue {wanted}",
                got=f"a message in {one.queue}",
                cause="`choose` decides about each message that is published",
            )


def test_an_urgent_job_overtakes_a_backlog(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, emptied: None
) -> None:
    """e: the last of fifteen jobs is urgent, and the provider is asked for it among the first."""
    backlog = [submit(student, run, rng, urgent=False) for _ in range(BACKLOG)]
    urgent = submit(student, run, rng, urgent=True)
    check_queues(run, backlog, urgent)
    worker = student.start_worker("queues", {"LEASE_SECONDS": "60", "WORKER_CONCURRENCY": "2"})
    table = JobsTable(run)
    ended = ("completed", "failed")
    until(lambda: (table.get(urgent) or {}).get("status") in ended, DONE_SECONDS)
    worker.kill()
    row = table.get(urgent) or {}
    sent = f"{BACKLOG} jobs, then an urgent one; then one worker is started"
    if row.get("status") != "completed":
        got = f"it is {row.get('status')}"
        fail(sent=sent, expected="the urgent job is completed", got=got, log=worker.tail())
    texts = [" ".join(entry.inputs) for entry in openai.journal("embeddings")]
    asked = [job for text in texts for job in (*backlog, urgent) if job in text]
    before = asked.index(urgent)
    if before > ALLOWED_BEFORE:
        fail(
            sent=sent,
            expected=f"at most {ALLOWED_BEFORE} jobs of the backlog are embedded before it",
            got=f"{before} were",
            cause="every step of an urgent job goes to the queue `urgent`, which a worker reads first",
            log=worker.tail(),
        )
