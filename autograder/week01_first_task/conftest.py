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
def environment(expiry: int, slots: int) -> dict[str, str]:
    """Environment variables of the worker, which the student's settings must follow."""
    return {
        "RESULT_EXPIRES_SECONDS": str(expiry),
        "WORKER_CONCURRENCY": str(slots),
        "LOST_WORKER_RETRIES": "1",
        "LOST_WORKER_RETRY_SECONDS": "0",
    }
