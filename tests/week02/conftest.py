"""The reference of weeks 1 and 2 as real processes, and functions to call them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
import httpx
import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps

T = TypeVar("T")

LAYERS = reference_layers(find_week("week02_api"))
DEADLINE_SECONDS = 60.0
TEXT = b"The keeper lit the lamp.\nThe sea was calm.\n"

for layer in LAYERS:  # for the tests of functions; each of these modules is in one week alone
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@dataclass
class Service:
    """API and worker of one run."""

    run: Run
    apps: Apps
    http: httpx.Client

    def upload(self, content: bytes = TEXT, name: str = "keeper.txt") -> httpx.Response:
        return self.http.post("/documents/upload", files={"file": (name, content)})

    def status(self, task_id: str) -> httpx.Response:
        return self.http.get(f"/tasks/{task_id}")

    def end(self, task_id: str) -> dict[str, Any]:
        """Wait until the task is completed or failed, and return its status."""

        def ended() -> dict[str, Any] | None:
            body: dict[str, Any] = self.status(task_id).raise_for_status().json()
            return body if body["status"] in {"completed", "failed"} else None

        return self.until(ended)

    def until(self, ask: Callable[[], T | None], deadline: float = DEADLINE_SECONDS) -> T:
        """Wait until `ask` returns something, and return it."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if (answer := ask()) is not None:
                return answer
            time.sleep(0.02)
        raise AssertionError(f"nothing within {deadline:g} seconds\n{self.logs()}")

    def stored(self) -> set[str]:
        """List every file in the blob folder, including half-written ones."""
        folder = self.run.blob_folder
        return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}

    def logs(self) -> str:
        return "\n".join(f"--- {p.name}\n{p.logs(6000)}" for p in self.apps.processes)


@contextmanager
def service_on(run: Run, workers: int = 1, **env: str) -> Iterator[Service]:
    with (
        Apps(run.environment() | env, LAYERS, workers=workers) as apps,
        httpx.Client(base_url=apps.api_url or "", timeout=DEADLINE_SECONDS) as http,
    ):
        yield Service(run, apps, http)


Start = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def start() -> Start:
    """`with start(run, workers=0, MAX_UPLOAD_BYTES="1000") as service:`"""
    return service_on


@pytest.fixture(scope="module")
def service(stack: Stack) -> Iterator[Service]:
    """One API and one worker, shared by the tests of a module that do not damage them."""
    with stack.isolated() as run, service_on(run) as service:
        yield service


@pytest.fixture
def bucket(run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the run's own S3 account; this process may use it too."""
    for name, value in run.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    # a session of its own: the default one keeps the credentials of the first test
    boto3.session.Session().client("s3").create_bucket(Bucket="documents")
    return "documents"
