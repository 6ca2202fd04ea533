"""Fixtures of week 1's graders: one shared worker, and the values it was started with."""

from __future__ import annotations

import os

import pytest

from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.session import Session


@pytest.fixture(scope="session")
def expiry(session: Session) -> int:
    """Seconds until results expire in this run: never the default of 3,600."""
    return session.random("expiry").randint(1_000, 3_000)


@pytest.fixture(scope="session")
def slots(session: Session) -> int:
    """Worker slots in this run: never the number that Celery would choose by itself."""
    choices = [number for number in (3, 4, 5) if number != os.cpu_count()]
    return session.random("slots").choice(choices)


@pytest.fixture(scope="session")
def worker_environment(expiry: int, slots: int) -> dict[str, str]:
    """Environment variables of the worker, which the student's settings must follow."""
    return {
        "RESULT_EXPIRES_SECONDS": str(expiry),
        "WORKER_CONCURRENCY": str(slots),
        "LOST_WORKER_RETRIES": "1",
        "LOST_WORKER_RETRY_SECONDS": "0",
    }


@pytest.fixture(scope="session")
def launched_worker(student: Student, worker_environment: dict[str, str]) -> Worker:
    """The shared worker while it starts, so that a grader can do other things meanwhile."""
    return student.launch_worker("shared", worker_environment)


@pytest.fixture(scope="session")
def worker(student: Student, launched_worker: Worker) -> Worker:
    """The shared worker, ready to take tasks."""
    student.await_worker(launched_worker)
    return launched_worker
