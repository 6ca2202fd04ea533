"""What week 7's graders share: the jobs table, an API for streams that boots early, and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from random import Random

import pytest

from autograder.sdk import Api, Chrome, Run, Session, Student
from autograder.sdk.jobs_table import JobsTable
from autograder.week07_dashboard.board import Board
from autograder.week07_dashboard.changes import Changes
from autograder.week07_dashboard.streams import Streams

STATS_SECONDS = 0.5
"""How old a count may be."""


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Settings of the student's processes. Nothing here may end a stream by itself."""
    return {
        "EVENTS_HEARTBEAT_SECONDS": "120",
        "EVENTS_REFRESH_SECONDS": "600",
        "EVENTS_OVERLAP_SECONDS": "120",
        "EVENTS_GRACE_SECONDS": "0.2",
        "EVENTS_RETRY_SECONDS": "0.3",
        "STATS_SECONDS": str(STATS_SECONDS),
        "OUTBOX_INTERVAL_SECONDS": "300",
    }


@pytest.fixture(scope="session")
def limits(session: Session) -> dict[str, int]:
    """How much the API for streams keeps: other numbers in each run."""
    rng = session.random("limits")
    return {
        "EVENTS_QUEUE": rng.randint(40, 60),
        "EVENTS_KEEP": rng.randint(30, 50),
        "EVENTS_STREAMS_PER_OWNER": 20,
    }


@pytest.fixture(scope="session")
def table(run: Run, stores: None) -> JobsTable:
    """The jobs table, past all code of the student's."""
    return JobsTable(run)


@pytest.fixture(scope="session")
def launched_streams(student: Student, launched_stores: None, limits: dict[str, int]) -> Api:
    """A second API with small limits, in which a snapshot is followed by no earlier changes."""
    env = {name: str(value) for name, value in limits.items()}
    return student.launch_api("streams", {**env, "EVENTS_OVERLAP_SECONDS": "0"})


@pytest.fixture(scope="session")
def small_api(student: Student, launched_streams: Api, stores: None) -> Api:
    """The same, ready."""
    student.await_api(launched_streams)
    return launched_streams


@pytest.fixture(scope="session")
def changes(run: Run, table: JobsTable) -> Changes:
    """Rows and messages of changes, past all code of the student's."""
    return Changes(run, table)


@pytest.fixture
def streams(small_api: Api) -> Iterator[Streams]:
    """Streams of the API with small limits; closed at the end of the test."""
    with Streams(small_api) as streams:
        yield streams


@pytest.fixture
def long_streams(api: Api, stores: None) -> Iterator[Streams]:
    """Streams of the shared API; closed at the end of the test."""
    with Streams(api) as streams:
        yield streams


@pytest.fixture
def board(browser: Chrome, api: Api, stores: None, rng: Random) -> Iterator[Callable[..., Board]]:
    """`board(jobs)` opens the page. All that it asks the API for is answered here."""
    with ExitStack() as exit_stack:

        def open_board(*jobs: object, own: bool = False) -> Board:
            page = exit_stack.enter_context(browser.page(own=own))
            board = Board(page, api.url, list(jobs))
            exit_stack.callback(board.leave)
            return board

        yield open_board
