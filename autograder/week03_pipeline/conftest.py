"""What week 3's graders share: one worker and one API, which boot while the steps are checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.engine.api import Api
from autograder.engine.session import Session
from autograder.engine.student import Student
from autograder.engine.worker import Worker
from autograder.week03_pipeline import database
from bootcamp.stack import Run

SLOTS = 2
END_TO_END, SEARCH = "3.5", "3.6"


@pytest.fixture(scope="session", autouse=True)
def launched_api(session: Session, student: Student) -> Api | None:
    """The API, if anything will ask it."""
    return student.launch_api("shared") if {END_TO_END, SEARCH} & set(session.wanted) else None


@pytest.fixture(scope="session", autouse=True)
def launched_worker(session: Session, student: Student) -> Worker | None:
    """The worker, if anything will run on it."""
    if END_TO_END not in session.wanted:
        return None
    return student.launch_worker("shared", {"WORKER_CONCURRENCY": str(SLOTS)})


@pytest.fixture(scope="session")
def api(student: Student, launched_api: Api) -> Api:
    """The API, ready."""
    student.await_api(launched_api)
    return launched_api


@pytest.fixture(scope="session")
def worker(student: Student, launched_worker: Worker) -> Worker:
    """The worker, ready: two slots."""
    student.await_worker(launched_worker)
    return launched_worker


@pytest.fixture(scope="session")
def schema(session: Session, run: Run) -> Path:
    """The statements that make the tables. They are made, too."""
    path = session.week.solutions / "pipeline" / "steps" / "schema.sql"
    database.make_schema(run, path)
    return path
