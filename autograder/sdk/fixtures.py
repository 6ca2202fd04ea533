"""The fixtures of graders. A test gets what it names as an argument, and only that is started.

A week's `conftest.py` overrides `environment` to give its settings to the student's processes, and
adds fixtures of its own. A fixture whose name begins with `launched_` starts something and does not
wait for it. Those that the selected tests need, directly or through other fixtures, are started
before the first test, so that they boot side by side while functions are checked.

Example:
    def test_upload(api, worker, run, rng):
        one = accepted(api, upload(api, b"The lamp.", "keeper.txt"), "an upload")
        assert until(lambda: broker.result(run, one.task_id), 10.0)
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from autograder.process.api import Api
from autograder.process.browser import Chrome
from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.dynamodb_proxy import DynamoDBProxy
from autograder.run.plugin import grading_run
from autograder.run.session import Session
from bootcamp.providers import FeedServer, MailSink, OpenAIControl, WebhookSink
from bootcamp.stack import Run

EARLY = "launched_"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark that binds a test to an item."""
    config.addinivalue_line("markers", "item(id): the homework item that this test checks")


@pytest.fixture(scope="session", autouse=True)
def _start_early(request: pytest.FixtureRequest) -> None:
    """Start what the selected tests need, before the first of them."""
    asked = (name for test in request.session.items for name in getattr(test, "fixturenames", ()))
    for name in dict.fromkeys(name for name in asked if name.startswith(EARLY)):
        # pytest keeps the error of a fixture: the tests that need it meet it again.
        with suppress(Exception):
            request.getfixturevalue(name)


@pytest.fixture(scope="session")
def session(pytestconfig: pytest.Config) -> Session:
    """The grading run: the week, the seed, and `random(purpose)` for values of the whole run."""
    run = grading_run(pytestconfig)
    assert run is not None, "run graders with `bootcamp check` or `pytest autograder/…`"
    return run


@pytest.fixture(scope="session")
def run(session: Session) -> Run:
    """This run's own Redis, PostgreSQL database, AWS account and blob folder."""
    return session.run


@pytest.fixture
def rng(session: Session, request: pytest.FixtureRequest) -> Random:
    """Random inputs of one test. The seed that is printed gives the same ones again."""
    return session.random(request.node.nodeid.rpartition("/")[2])


@pytest.fixture(autouse=True)
def _logs_of_this_test(session: Session) -> None:
    """The cards of a test show what was logged while it ran, and nothing of earlier tests."""
    session.student.mark_logs()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return tmp_path


# -- the student's processes -----------------------------------------------------------------


@pytest.fixture(scope="session")
def environment() -> Mapping[str, str]:
    """Settings for the student's processes, as environment variables. A week overrides this."""
    return {}


@pytest.fixture(scope="session")
def student(session: Session, environment: Mapping[str, str]) -> Student:
    """The student's code, in its own processes, which get `environment` when they start."""
    session.student.env.update(environment)
    return session.student


@pytest.fixture(scope="session")
def launched_stores(student: Student) -> None:
    """The migrations of the layers while they run."""
    student.launch_migration()


@pytest.fixture(scope="session")
def stores(student: Student, launched_stores: None) -> None:
    """All stores, prepared by the migrations of the layers."""
    student.await_migration()


@pytest.fixture(scope="session")
def launched_api(student: Student, launched_stores: None) -> Api:
    """The shared API while it boots."""
    return student.launch_api("shared")


@pytest.fixture(scope="session")
def api(student: Student, launched_api: Api) -> Api:
    """The API that all items share, ready."""
    student.await_api(launched_api)
    return launched_api


@pytest.fixture(scope="session")
def launched_worker(student: Student, launched_stores: None) -> Worker:
    """The shared worker while it boots."""
    return student.launch_worker("shared")


@pytest.fixture(scope="session")
def worker(student: Student, launched_worker: Worker) -> Worker:
    """The worker that all items share, ready to take tasks."""
    student.await_worker(launched_worker)
    return launched_worker


@pytest.fixture(scope="session")
def launched_browser(session: Session) -> None:
    """The browser, started while the student's processes boot."""
    session.browser.start()


@pytest.fixture(scope="session")
def browser(session: Session, launched_browser: None) -> Chrome:
    """The browser of this machine, in the submission's sandbox. Without one the test is unavailable."""
    return session.browser


# -- what stands around them -----------------------------------------------------------------


@pytest.fixture(scope="session")
def dynamodb_proxy(session: Session) -> DynamoDBProxy:
    """The proxy between the student's code and DynamoDB."""
    return session.dynamodb_proxy


@pytest.fixture(scope="session")
def openai(session: Session) -> OpenAIControl:
    """The stand-in's control: journal and faults. The journal is empty when a test starts."""
    return session.run.openai


@pytest.fixture(scope="session")
def webhooks(session: Session) -> WebhookSink:
    """The receiver of webhooks, which keeps what arrived."""
    return session.run.webhooks


@pytest.fixture
def mail_sink(session: Session) -> MailSink:
    """The mail server that `SMTP_URL` names. Its journal is empty when a test starts."""
    session.run.mail.clear()
    return session.run.mail


@pytest.fixture
def feed_server(session: Session) -> FeedServer:
    """The web server of feeds. It serves nothing and its journal is empty when a test starts."""
    session.run.feeds.clear()
    session.run.feeds.withdraw()
    return session.run.feeds
