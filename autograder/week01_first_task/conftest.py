"""What week 1's graders share: one worker, and the values it was started with."""

from __future__ import annotations

import os

import pytest

from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.session import Session


@pytest.fixture(scope="session")
def expiry(session: Session) -> int:
    """How long results live in this run, in seconds: never the 3,600 of the settings."""
    return session.random("expiry").randint(1_000, 3_000)


@pytest.fixture(scope="session")
def slots(session: Session) -> int:
    """Worker slots in this run: never what Celery would choose by itself."""
    choices = [number for number in (3, 4, 5) if number != os.cpu_count()]
    return session.random("slots").choice(choices)


@pytest.fixture(scope="session")
def worker_environment(expiry: int, slots: int) -> dict[str, str]:
    """The settings that the student's code must follow."""
    return {
        "RESULT_EXPIRES_SECONDS": str(expiry),
        "WORKER_CONCURRENCY": str(slots),
        "LOST_WORKER_RETRIES": "1",
        "LOST_WORKER_RETRY_SECONDS": "0",
    }


@pytest.fixture(scope="session")
def launched_worker(student: Student, worker_environment: dict[str, str]) -> Worker:
    """The worker while it boots: graders do other things meanwhile."""
    return student.launch_worker("shared", worker_environment)


@pytest.fixture(scope="session")
def worker(student: Student, launched_worker: Worker) -> Worker:
    """The worker that all items share, ready."""
    student.await_worker(launched_worker)
    return launched_worker
