"""What week 5's graders share: one worker and one API, the jobs table, and the way to it."""

from __future__ import annotations

from random import Random

import pytest

from autograder.process.api import Api
from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.plugin import grading_run
from autograder.run.session import Session
from autograder.week04_job_state.student_code import Code
from autograder.week05_retries.rows import ALERTS, DEFINITION, Rows, Settings
from autograder.week05_retries.scene import Scene
from bootcamp.providers import OpenAIControl
from bootcamp.stack import Run

END_TO_END = {"5.3", "5.4", "5.5", "5.6"}
LAUNCHED = pytest.StashKey[tuple[Api, Worker]]()


@pytest.hookimpl(trylast=True)  # after the one that makes the grading run
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let API and worker boot while functions are called."""
    grading = grading_run(session.config)
    if grading is None:
        return
    Rows(grading.run).create(DEFINITION)
    ours = Settings.of(grading).environment()
    ours |= {"ALERT_WEBHOOK_URL": grading.run.webhooks.url(ALERTS)}
    grading.student.env.update(ours)
    if END_TO_END & set(grading.wanted):
        student = grading.student
        student.launch_migration()
        session.config.stash[LAUNCHED] = (
            student.launch_api("shared"),
            student.launch_worker("shared"),
        )


@pytest.fixture(scope="session")
def settings(session: Session) -> Settings:
    """The delays and limits of this run."""
    return Settings.of(session)


@pytest.fixture(scope="session")
def all_rows(run: Run) -> Rows:
    """The jobs table, past all code of the student's."""
    return Rows(run)


@pytest.fixture
def table(all_rows: Rows) -> Rows:
    """The same, without a row of an earlier check."""
    all_rows.clear()
    return all_rows


@pytest.fixture
def code(student: Student) -> Code:
    """The student's functions. Their process has booted without this week's settings."""
    ours = (*Settings.names(), "ALERT_WEBHOOK_URL")
    student.call("os", "environ.update", {name: student.env[name] for name in ours})
    return Code(student)


@pytest.fixture(scope="session")
def worker(student: Student, pytestconfig: pytest.Config) -> Worker:
    """The worker, ready."""
    student.await_migration()
    worker = pytestconfig.stash[LAUNCHED][1]
    student.await_worker(worker)
    return worker


@pytest.fixture(scope="session")
def api(student: Student, pytestconfig: pytest.Config) -> Api:
    """The API, ready, and with it the outbox."""
    api = pytestconfig.stash[LAUNCHED][0]
    student.await_api(api)
    return api


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
    """API, worker, and no job yet."""
    return Scene(run, table, openai, worker, settings, rng)
