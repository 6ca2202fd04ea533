"""Fixtures of week 3's graders: the worker's settings and the graders' own database connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.sdk import Run, database

SLOTS = 2


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Settings of the worker."""
    return {"WORKER_CONCURRENCY": str(SLOTS)}


@pytest.fixture(scope="session", autouse=True)
def connection(run: Run) -> Iterator[None]:
    """The graders' own connection ends with the run."""
    yield
    database.kept_connection(run).close()
