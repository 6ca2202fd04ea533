"""One stack for the whole test session, and a run of its own for each test that asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bootcamp.stack import Run, Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def run(stack: Stack) -> Iterator[Run]:
    with stack.isolated() as run:
        yield run
