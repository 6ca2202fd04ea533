"""Fixtures of week 2's graders: one API, one worker, and a limit that students cannot know."""

from __future__ import annotations

import pytest

from autograder.sdk import Session

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="session")
def limit(session: Session) -> int:
    """Return `MAX_UPLOAD_BYTES` of this run's API."""
    return session.random("limit").randint(16 * MEBIBYTE, 20 * MEBIBYTE)


@pytest.fixture(scope="session")
def environment(limit: int) -> dict[str, str]:
    """Return the settings of the API and the worker."""
    return {"MAX_UPLOAD_BYTES": str(limit), "WORKER_CONCURRENCY": "2"}
