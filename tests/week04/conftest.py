"""The reference of weeks 1 to 4: functions in this process, or real workers and an API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest

from autograder.process.fork_client import Host
from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run, Stack
from bootcamp.stack.addresses import REGION
from bootcamp.stack.apps import Apps
from tests.week03.conftest import Api as WeekThreeApi
from tests.week03.conftest import poll, prepare

WEEK = find_week("week04_job_state")
LAYERS = reference_layers(WEEK)
SABOTAGE = Layer(WEEK, Source.REFERENCE, Path(__file__).with_name("sabotage"))
TEXT = b"The keeper lit the lamp.\nThe sea was calm.\n"
QUICK: dict[str, Any] = {
    "LEASE_SECONDS": "2",
    "PUBLISH_SECONDS": "0.5",
    "REDRIVE_SECONDS": "2",
    "OUTBOX_INTERVAL_SECONDS": "0.1",
    "LOST_WORKER_RETRY_SECONDS": "0",
}
"""Settings with which a lost worker or message is found at once."""

for layer in LAYERS:  # for the tests of functions; of their modules none stands in two weeks
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@pytest.fixture
def prepared(run: Run, tmp_path: Path, host: Host) -> None:
    """The stores of the run, as the migrations of the layers prepare them."""
    prepare(run, LAYERS, tmp_path, host)


@pytest.fixture
def settings(
    run: Run, prepared: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Point this process at the run's DynamoDB. `settings(lease_seconds=1)` sets more."""
    from pipeline.models.job import jobs
    from pipeline.models.settings import job_settings

    def forget() -> None:
        jobs.cache_clear()
        job_settings.cache_clear()

    def change(**more: object) -> None:
        for name, value in more.items():
            monkeypatch.setenv(name.upper(), str(value))
        forget()

    change(**{name: v for name, v in run.environment().items() if name.startswith("AWS_")})
    yield change
    forget()


@pytest.fixture
def new_job(settings: Callable[..., None]) -> Callable[..., str]:
    """`new_job(owner="me")` makes a pending job and returns its id."""
    from pipeline.models.creation import create

    def make(owner: str = "public") -> str:
        return create(document(), owner).job_id

    return make


def document(name: str = "keeper.txt", sha: str = "ab12") -> Any:
    from pipeline.documents import TEXT as PLAIN
    from pipeline.documents import DocumentRef

    return DocumentRef(
        document_id=str(uuid4()), blob_key=f"uploads/{sha}", filename=name, content_type=PLAIN
    )


@dataclass
class Api(WeekThreeApi):
    """With week 4's routes."""

    def submit(
        self, content: bytes = TEXT, name: str = "keeper.txt", **more: Any
    ) -> httpx.Response:
        return self.http.post("/documents", files={"file": (name, content)}, **more)

    def accepted(self, content: bytes = TEXT, name: str = "keeper.txt") -> str:
        """Submit a document and return its job's id."""
        answer = self.submit(content, name)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def ended(self, job_id: str, deadline: float = 60) -> dict[str, Any]:
        """The job, once it is completed or failed."""

        def ask() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ("completed", "failed") else None

        try:
            return poll(ask, deadline)
        except AssertionError:
            logs = "\n".join(f"--- {p.name}\n{p.logs()[-5000:]}" for p in self.apps.processes)
            raise AssertionError(f"{self.job(job_id)}\n{logs}") from None

    def item(self, job_id: str) -> dict[str, Any]:
        """The job's row, as it is in the table."""
        found: dict[str, Any] = table(self.run).get_item(Key={"id": job_id}, ConsistentRead=True)
        return dict(found["Item"])


def table(run: Run) -> Any:
    """The run's jobs table, past all code of the pipeline."""
    env = run.environment()
    return _table(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])


@cache
def _table(url: str, key: str, secret: str) -> Any:
    session = boto3.session.Session(key, secret, region_name=REGION)
    return session.resource("dynamodb", endpoint_url=url).Table("jobs")


@contextmanager
def serving(run: Run, folder: Path, *, workers: int = 1, **more: str) -> Iterator[Api]:
    """API and workers on a run; `more` are further variables of their environment."""
    layers = (SABOTAGE, *LAYERS) if "SABOTAGE" in more else LAYERS
    with (
        Apps({**run.environment(), **more}, layers, workers=workers, state=folder) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=60, trust_env=False) as http,
    ):
        yield Api(http, run, apps)


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Apps that the tests of one module share."""
    with stack.isolated() as run, serving(run, tmp_path_factory.mktemp("apps")) as api:
        yield api
