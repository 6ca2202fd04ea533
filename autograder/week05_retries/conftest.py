"""The fixtures that week 5's graders share: one worker, one API, and the jobs table."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import psutil
import pytest

from autograder.sdk import Api, OpenAIControl, Run, Session, Student, Worker
from autograder.sdk.answers import Code
from autograder.week05_retries.rows import ALERTS, DEFINITION, Rows, Settings
from autograder.week05_retries.scene import Scene


@pytest.fixture(scope="session")
def settings(session: Session) -> Settings:
    """The delays and limits of this run."""
    return Settings.of(session)


@pytest.fixture(scope="session")
def environment(run: Run, settings: Settings) -> dict[str, str]:
    """The settings as the student's processes get them."""
    return settings.environment() | {"ALERT_WEBHOOK_URL": run.webhooks.url(ALERTS)}


@pytest.fixture(scope="session")
def all_rows(run: Run) -> Rows:
    """The jobs table, without any code of the student."""
    rows = Rows(run)
    rows.create(DEFINITION)
    return rows


@pytest.fixture
def table(all_rows: Rows) -> Rows:
    """The same table, without rows of an earlier check."""
    all_rows.clear()
    return all_rows


@pytest.fixture
def quiet(api: Api, table: Rows) -> Iterator[Rows]:
    """The table while the API and its outbox are suspended, so that no due job starts."""
    process = psutil.Process(api.process.pid)
    process.suspend()
    try:
        yield table
    finally:
        table.clear()
        process.resume()


@pytest.fixture(scope="session")
def launched_stores(student: Student, all_rows: Rows) -> None:
    """Start the migrations. The jobs table exists already."""
    student.launch_migration()


@pytest.fixture
def code(student: Student, environment: dict[str, str], all_rows: Rows) -> Code:
    """The student's functions. Their process started without this week's settings, so set them now."""
    student.call("os", "environ.update", environment)
    return Code(student)


@pytest.fixture(scope="session")
def worker(student: Student, launched_worker: Worker, stores: None) -> Worker:
    """The worker, once it and all stores are ready."""
    student.await_worker(launched_worker)
    return launched_worker


@pytest.fixture
def scene(
    run: Run,
    table: Rows,
    openai: OpenAIControl,
    worker: Worker,
    api: Api,
    settings: Settings,
    rng: Random,
) -> Scene:
    """The API with its outbox and the worker, without any job."""
    return Scene(run, table, openai, worker, settings, rng)
