"""Fixtures of week 4's graders: the jobs table, the student's functions, a late worker."""

from __future__ import annotations

import pytest

from autograder.sdk import Api, Run, Session, Student, Worker, submitting
from autograder.sdk.answers import Code
from autograder.sdk.jobs_table import JobsTable
from autograder.sdk.uploading import accepted, upload
from autograder.week04_job_state import job_checks


def waits(session: Session) -> dict[str, str]:
    """Every delay of this run. All are long, so a job is due only if a check makes it due."""
    rng = session.random("waits")
    return {
        "LEASE_SECONDS": str(rng.randint(200, 400)),
        "PUBLISH_SECONDS": str(rng.randint(500, 900)),
        "REDRIVE_SECONDS": str(rng.randint(1_000, 1_500)),
        "JOB_KEEP_SECONDS": str(rng.randint(10_000, 90_000)),
        "IDEMPOTENCY_SECONDS": str(rng.randint(2_000, 9_000)),
        "OUTBOX_INTERVAL_SECONDS": "0.1",
        "WORKER_CONCURRENCY": "1",  # so that messages are handled in their order
    }


@pytest.fixture(scope="session")
def environment(session: Session) -> dict[str, str]:
    """The settings of the API and the workers."""
    return waits(session)


@pytest.fixture(scope="session")
def wait_of(session: Session) -> dict[str, int]:
    """The delays in seconds, by the setting's name, as the student's code reads them."""
    return {name: int(value) for name, value in waits(session).items() if value.isdecimal()}


@pytest.fixture(scope="session")
def table(run: Run) -> JobsTable:
    """The jobs table, created and read by the grader without the student's code."""
    table = JobsTable(run)
    table.create()
    return table


@pytest.fixture(scope="session")
def launched_stores(student: Student, table: JobsTable) -> None:
    """The migrations, which find that the jobs table exists."""
    student.launch_migration()


@pytest.fixture
def code(student: Student, environment: dict[str, str], table: JobsTable) -> Code:
    """The student's functions, with this week's settings, which their process does not have yet."""
    student.call("os", "environ.update", environment)
    return Code(student)


@pytest.fixture
def nothing_waits(run: Run, table: JobsTable) -> None:
    """Remove the rows and messages of earlier checks."""
    table.clear()
    job_checks.queue(run).flushdb()


class LateWorker:
    """A worker that is launched after an outage of Redis, and a job that was accepted during it."""

    def __init__(self, student: Student, api: Api, worker: Worker, job_id: str) -> None:
        self._student = student
        self._worker = worker
        self.api = api
        self.job_id = job_id

    def ready(self) -> Worker:
        """The worker, once it takes messages."""
        self._student.await_worker(self._worker)
        return self._worker


@pytest.fixture(scope="session")
def late_worker(
    student: Student, api: Api, run: Run, table: JobsTable, session: Session, stores: None
) -> LateWorker:
    """A worker that starts while functions are called."""
    table.clear()
    content = submitting.text(session.random("while Redis is away"))
    sent = "an upload while Redis is stopped"
    with run.redis_outage():
        one = accepted(api, upload(api, content, "keeper.txt"), sent)
    return LateWorker(student, api, student.launch_worker("late"), one.task_id)
