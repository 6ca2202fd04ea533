"""What week 4's graders share: the jobs table, the way to it, an API, and a worker that comes late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.process.api import Api
from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.plugin import grading_run
from autograder.run.session import Session
from autograder.week02_api.uploading import accepted, upload
from autograder.week04_job_state import submitting
from autograder.week04_job_state.student_code import Code
from autograder.week04_job_state.table import JobsTable
from bootcamp.stack import Run

OVER_HTTP = {"4.4", "4.5", "4.6"}
LAUNCHED_API = pytest.StashKey[Api]()


def waits(session: Session) -> dict[str, str]:
    """Every delay of this run: long, so that what is due is due because a check says so."""
    rng = session.random("waits")
    return {
        "LEASE_SECONDS": str(rng.randint(200, 400)),
        "PUBLISH_SECONDS": str(rng.randint(500, 900)),
        "REDRIVE_SECONDS": str(rng.randint(1_000, 1_500)),
        "JOB_KEEP_SECONDS": str(rng.randint(10_000, 90_000)),
        "IDEMPOTENCY_SECONDS": str(rng.randint(2_000, 9_000)),
        "OUTBOX_INTERVAL_SECONDS": "0.1",
        "WORKER_CONCURRENCY": "1",  # so that what was sent first is done first
    }


@pytest.hookimpl(trylast=True)  # after the one that makes the grading run
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let the API boot while functions are called."""
    grading = grading_run(session.config)
    if grading is None:
        return
    JobsTable(grading.run).create()
    grading.student.env.update(waits(grading))
    if OVER_HTTP & set(grading.wanted):
        grading.student.launch_migration()
        session.config.stash[LAUNCHED_API] = grading.student.launch_api("shared")


@pytest.fixture(scope="session")
def wait_of(session: Session) -> dict[str, int]:
    """Seconds by the setting's name, as the student's code has them."""
    return {name: int(value) for name, value in waits(session).items() if value.isdecimal()}


@pytest.fixture(scope="session")
def table(run: Run) -> JobsTable:
    """The jobs table, past all code of the student's."""
    return JobsTable(run)


@pytest.fixture
def code(student: Student) -> Code:
    """The student's functions. Their process has booted without this week's settings."""
    names = waits_names(student)
    student.call("os", "environ.update", {name: student.env[name] for name in names})
    return Code(student)


def waits_names(student: Student) -> Iterator[str]:
    return (name for name in student.env if name.endswith("_SECONDS"))


@pytest.fixture(scope="session")
def api(student: Student, pytestconfig: pytest.Config) -> Api:
    """The API, ready."""
    api = pytestconfig.stash[LAUNCHED_API]
    student.await_api(api)
    return api


@pytest.fixture(scope="session")
def stores(student: Student) -> None:
    """The tables that the last step fills, as the migrations of the layers create them."""
    student.await_migration()


@pytest.fixture
def nothing_waits(run: Run, table: JobsTable) -> None:
    """No row and no message of an earlier check."""
    table.clear()
    submitting.queue(run).flushdb()


class LateWorker:
    """A worker that was launched after Redis had been away, and the job from that time."""

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
    """It boots while functions are called."""
    table.clear()
    content = submitting.text(session.random("while Redis is away"))
    sent = "an upload while Redis is stopped"
    with run.redis_outage():
        one = accepted(api, upload(api, content, "keeper.txt"), sent)
    return LateWorker(student, api, student.launch_worker("late"), one.task_id)
