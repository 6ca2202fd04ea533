"""The reference of weeks 1 to 3 as real processes, and the words to talk to them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import pytest

from autograder.process.fork_client import Host
from autograder.process.student import Student
from bootcamp.course.layers import Layer, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps

T = TypeVar("T")

LAYERS = reference_layers(find_week("week03_pipeline"))
DEADLINE_SECONDS = 60.0

for layer in LAYERS:  # for the tests of pure functions; each of their modules is in one week alone
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


def poll(ask: Callable[[], T | None], deadline: float = DEADLINE_SECONDS) -> T:
    """What `ask` answers, as soon as it is something."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"nothing within {deadline:g} seconds")


@dataclass
class Api:
    """The API of running apps, and the database behind it."""

    http: httpx.Client
    run: Run
    apps: Apps

    def upload(self, name: str, content: bytes) -> str:
        """Upload a document and return its id."""
        answer = self.http.post("/documents/upload", files={"file": (name, content)})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def status(self, document_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/tasks/{document_id}")
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return status

    def finished(self, document_id: str, deadline: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """The status of a document once it is completed or failed."""

        def ask() -> dict[str, Any] | None:
            status = self.status(document_id)
            return status if status["status"] in ("completed", "failed") else None

        return poll(ask, deadline)

    def search(self, question: str, limit: int = 5) -> list[dict[str, Any]]:
        answer = self.http.get("/search", params={"q": question, "limit": limit})
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    def worker_log(self) -> str:
        return "".join(worker.logs() for worker in self.apps.workers)


Serve = Callable[..., AbstractContextManager[Api]]


@contextmanager
def serving(run: Run, folder: Path, **more: str) -> Iterator[Api]:
    """API and one worker on a run; `more` are further variables of their environment."""
    with (
        Apps({**run.environment(), **more}, LAYERS, state=folder) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=30, trust_env=False) as http,
    ):
        yield Api(http, run, apps)


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Apps that the tests of one module share."""
    with stack.isolated() as run, serving(run, tmp_path_factory.mktemp("apps")) as api:
        yield api


def prepare(run: Run, layers: tuple[Layer, ...], folder: Path, host: Host) -> None:
    """Prepare the stores of a run as `python -m pipeline.migrate` does, from a parent that has
    imported all that it needs.
    """
    student = Student(layers, run.environment(), folder, host)
    student.await_migration()
    student.stop()


@pytest.fixture
def code(run: Run, tmp_path: Path, host: Host) -> Iterator[Student]:
    """A process that calls functions of the pipeline, on a run of its own."""
    student = Student(LAYERS, run.environment(), tmp_path, host)
    student.await_migration()
    yield student
    student.stop()


def rows(run: Run, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query on the run's database gives."""
    with psycopg.connect(run.database_url) as connection:
        return connection.execute(query.encode(), values).fetchall()
