"""What week 6's graders share: a name server, the jobs table, an API and a worker that boot early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autograder.sdk import Api, Run, Session, Student, WebhookSink, Worker
from autograder.sdk.answers import Code
from autograder.sdk.jobs_table import JobsTable
from autograder.sdk.network import NameServer
from autograder.week06_webhooks.office import Office

PINNED = "pinned.test"
"""A name that webhooks may go to although it is loopback."""
ATTEMPT_SECONDS = 10
"""How long an attempt of the worker may take: no receiver here needs so long, however busy we are."""


def _port(webhooks: WebhookSink) -> int:
    return int(webhooks.base_url.rpartition(":")[2])


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
def environment(session: Session, names: NameServer, webhooks: WebhookSink) -> dict[str, str]:
    """Settings of the student's processes."""
    targets = [f"{host}:{_port(webhooks)}" for host in ("127.0.0.1", PINNED)]
    return waits(session) | {
        "WEBHOOK_DNS_SERVER": names.address,
        "WEBHOOK_ALLOWED_TARGETS": ",".join(targets),
    }


@pytest.fixture(scope="session")
def place(student: Student, environment: dict[str, str], webhooks: WebhookSink) -> Place:
    """The student's processes, with this week's settings."""
    place = Place(student, _port(webhooks), environment)
    place.set(**environment)  # the calling process has booted without them
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


@pytest.fixture(scope="session")
def launched_stores(student: Student, table: JobsTable) -> None:
    """The migrations, which find the jobs table in place."""
    student.launch_migration()


@pytest.fixture(scope="session")
def office(
    api: Api, worker: Worker, table: JobsTable, webhooks: WebhookSink, stores: None
) -> Office:
    """Where webhooks are registered, and what becomes of them."""
    return Office(api, worker, table, webhooks)
