"""Fixtures of week 1's graders: one shared worker, and the values it was started with."""

from __future__ import annotations

import os

import pytest

from autograder.sdk import Session


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
def lost_worker_retries() -> int:
    """How often a task is retried whose process was killed: never 1, nor Celery's default of 3."""
    return 2


@pytest.fixture(scope="session")
def lost_worker_delay(session: Session) -> float:
    """Seconds before such a retry: never a round number."""
    return session.random("delay").randint(11, 39) / 100


@pytest.fixture(scope="session")
def environment(
    expiry: int, slots: int, lost_worker_retries: int, lost_worker_delay: float
) -> dict[str, str]:
    """Environment variables of the worker, which the student's settings must follow."""
    return {
        "RESULT_EXPIRES_SECONDS": str(expiry),
        "WORKER_CONCURRENCY": str(slots),
        "LOST_WORKER_RETRIES": str(lost_worker_retries),
        "LOST_WORKER_RETRY_SECONDS": str(lost_worker_delay),
    }
