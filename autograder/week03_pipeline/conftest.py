"""What week 3's graders share: one worker and one API, which boot while the steps are checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.process.api import Api
from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.plugin import grading_run
from autograder.week03_pipeline import database
from bootcamp.stack import Run

SLOTS = 2
END_TO_END, SEARCH = "3.5", "3.6"
STORED = {"3.4", END_TO_END, SEARCH}
"""The items that need tables."""


LAUNCHED_API = pytest.StashKey[Api]()
LAUNCHED_WORKER = pytest.StashKey[Worker]()


@pytest.hookimpl(trylast=True)  # after the one that makes the grading run
def pytest_sessionstart(session: pytest.Session) -> None:
    """Launch what the wanted items will ask: it boots while pytest still collects the tests."""
    grading = grading_run(session.config)
    if grading is None:
        return
    wanted, student = set(grading.wanted), grading.student
    if STORED & wanted:
        student.launch_migration()
    if {END_TO_END, SEARCH} & wanted:
        session.config.stash[LAUNCHED_API] = student.launch_api("shared")
    if END_TO_END in wanted:
        slots = {"WORKER_CONCURRENCY": str(SLOTS)}
        session.config.stash[LAUNCHED_WORKER] = student.launch_worker("shared", slots)


@pytest.fixture(scope="session", autouse=True)
def connection(run: Run) -> Iterator[None]:
    """The graders' own connection ends with the run."""
    yield
    database.kept_connection(run).close()


@pytest.fixture(scope="session")
def stores(student: Student) -> None:
    """The tables, as the migrations of the layers create them."""
    student.await_migration()


@pytest.fixture(scope="session")
def launched_worker(pytestconfig: pytest.Config) -> Worker | None:
    """The worker, if anything will run on it."""
    return pytestconfig.stash.get(LAUNCHED_WORKER, None)


@pytest.fixture(scope="session")
def api(student: Student, pytestconfig: pytest.Config) -> Api:
    """The API, ready."""
    api = pytestconfig.stash[LAUNCHED_API]
    student.await_api(api)
    return api


@pytest.fixture(scope="session")
def worker(student: Student, launched_worker: Worker) -> Worker:
    """The worker, ready: two slots."""
    student.await_worker(launched_worker)
    return launched_worker
