"""The fixtures of week 6's graders: a name server, the jobs table, the settings, API and worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autograder.sdk import Api, Run, Session, Student, WebhookSink, Worker
from autograder.sdk.answers import Code
from autograder.sdk.jobs_table import JobsTable
from autograder.sdk.network import NameServer
from autograder.week06_webhooks.client import WebhookClient

PINNED = "pinned.test"
"""A name at which webhooks are allowed although it resolves to loopback."""
ATTEMPT_SECONDS = 10
"""How long an attempt of the worker may take. No receiver here needs so long, even on a busy machine."""


def _port(webhooks: WebhookSink) -> int:
    return int(webhooks.base_url.rpartition(":")[2])


def waits(session: Session) -> dict[str, str]:
    """Choose every delay of this run. They are long, so that only a test makes something due."""
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
    """The name server of the student's code."""
    with NameServer() as server:
        yield server


@dataclass(frozen=True)
class Configured:
    """The student's processes, and the settings that they run with."""

    student: Student
    sink_port: int
    settings: dict[str, str]

    @property
    def schedule(self) -> list[float]:
        return [float(one) for one in self.settings["WEBHOOK_SCHEDULE"].split(",")]

    def seconds(self, name: str) -> float:
        return float(self.settings[name])

    def set(self, **settings: str) -> None:
        """Change settings of the process that calls the student's functions."""
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
def configured(student: Student, environment: dict[str, str], webhooks: WebhookSink) -> Configured:
    """The student's processes with the settings of this run."""
    configured = Configured(student, _port(webhooks), environment)
    configured.set(**environment)  # the calling process has started without them
    return configured


@pytest.fixture(scope="session")
def table(run: Run) -> JobsTable:
    """The jobs table, without any code of the student."""
    table = JobsTable(run)
    table.create()
    return table


@pytest.fixture
def code(configured: Configured) -> Code:
    """The student's functions, with unchanged settings."""
    configured.set(**configured.settings)
    return Code(configured.student)


@pytest.fixture(scope="session")
def launched_stores(student: Student, table: JobsTable) -> None:
    """The migrations. They find the jobs table that exists already."""
    student.launch_migration()


@pytest.fixture(scope="session")
def client(
    api: Api, worker: Worker, table: JobsTable, webhooks: WebhookSink, stores: None
) -> WebhookClient:
    """A client of the API, which registers webhooks and reads their deliveries."""
    return WebhookClient(api, worker, table, webhooks)
