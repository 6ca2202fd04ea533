"""What week 6's graders share: a name server, the jobs table, an API and a worker that boot early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autograder.process.api import Api
from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.session import Session
from autograder.week04_job_state.student_code import Code
from autograder.week04_job_state.table import JobsTable
from autograder.week06_webhooks.office import Office
from bootcamp.providers import WebhookSink
from bootcamp.providers.name_server import NameServer
from bootcamp.stack import Run

PINNED = "pinned.test"
"""A name that webhooks may go to although it is loopback."""
WITH_WORKER = {"6.3", "6.5"}
ATTEMPT_SECONDS = 10
"""How long an attempt of the worker may take: no receiver here needs so long, however busy we are."""


def waits(session: Session) -> dict[str, str]:
    """Every delay of this run: long, so that what is due is due because a check says so."""
    rng = session.random("waits")
    schedule = [0, *(rng.randint(*each) for each in ((300, 500), (900, 2_000), (5_000, 9_000)))]
    return {
        "WEBHOOK_SCHEDULE": ",".join(map(str, schedule)),
        "WEBHOOK_TIMEOUT_SECONDS": str(ATTEMPT_SECONDS),
        "WEBHOOK_LEASE_SECONDS": str(rng.randint(200, 280)),
        "WEBHOOK_PUBLISH_SECONDS": str(rng.randint(500, 900)),
        "WEBHOOK_ROTATION_SECONDS": str(rng.randint(20_000, 90_000)),
        "WEBHOOK_ENDPOINTS": "40",
        "REDRIVE_SECONDS": str(rng.randint(1_000, 1_500)),
        "LEASE_SECONDS": "200",
        "PUBLISH_SECONDS": "500",
        "OUTBOX_INTERVAL_SECONDS": "0.1",
        "WORKER_CONCURRENCY": "3",
    }


@pytest.fixture(scope="session")
def names() -> Iterator[NameServer]:
    """The name server that the student's code asks."""
    with NameServer() as server:
        yield server


@dataclass(frozen=True)
class Place:
    """Where the student's code runs, and what its settings say."""

    student: Student
    sink_port: int
    settings: dict[str, str]

    @property
    def schedule(self) -> list[float]:
        return [float(one) for one in self.settings["WEBHOOK_SCHEDULE"].split(",")]

    def seconds(self, name: str) -> float:
        return float(self.settings[name])

    def set(self, **settings: str) -> None:
        """Change settings of the calling process."""
        self.student.call("os", "environ.update", settings)
        self.student.call("pipeline.webhooks.settings", "webhook_settings.cache_clear")


@pytest.fixture(scope="session")
def place(
    student: Student,
    session: Session,
    names: NameServer,
    webhooks: WebhookSink,
) -> Place:
    """The student's processes, with this week's settings."""
    sink = int(webhooks.base_url.rpartition(":")[2])
    targets = [f"{host}:{sink}" for host in ("127.0.0.1", PINNED)]
    settings = waits(session) | {
        "WEBHOOK_DNS_SERVER": names.address,
        "WEBHOOK_ALLOWED_TARGETS": ",".join(targets),
    }
    student.env.update(settings)
    place = Place(student, sink, settings)
    place.set(**settings)  # the calling process has booted without them
    return place


@pytest.fixture(scope="session")
def table(run: Run) -> JobsTable:
    """The jobs table, past all code of the student's."""
    table = JobsTable(run)
    table.create()
    return table


@pytest.fixture
def code(place: Place) -> Code:
    """The student's functions, and nothing changed in their settings."""
    place.set(**place.settings)
    return Code(place.student)


@dataclass(frozen=True)
class Apps:
    """The API and the worker."""

    api: Api
    worker: Worker

    @classmethod
    def launch(cls, student: Student) -> Apps:
        """Both boot, side by side, while the stores are prepared."""
        student.launch_migration()
        return cls(student.launch_api("shared"), student.launch_worker("shared"))


@pytest.fixture(scope="session")
def launched(place: Place, table: JobsTable) -> Apps:
    """API and worker, while they boot."""
    return Apps.launch(place.student)


@pytest.fixture(autouse=True)
def boot(request: pytest.FixtureRequest, session: Session) -> None:
    """Let them boot while functions are called, as soon as it looks as if they were needed."""
    first = request.node.get_closest_marker("item").args[0] == session.wanted[0]
    needed = WITH_WORKER & set(session.wanted) and not request.session.testsfailed
    if needed and not first:
        request.getfixturevalue("launched")


@pytest.fixture(scope="session")
def apps(launched: Apps, student: Student) -> Apps:
    """API and worker, ready, and all stores."""
    student.await_migration()
    student.await_api(launched.api)
    student.await_worker(launched.worker)
    return launched


@pytest.fixture(scope="session")
def office(apps: Apps, table: JobsTable, webhooks: WebhookSink) -> Office:
    """Where webhooks are registered, and what becomes of them."""
    return Office(apps.api, apps.worker, table, webhooks)
