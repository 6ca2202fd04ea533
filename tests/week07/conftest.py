"""The reference of weeks 1 to 7: functions in this process, real workers and an API, and a browser."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis

from autograder.process.fork_client import Host
from bootcamp.course.layers import Layer, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps
from tests.week03.conftest import poll, prepare
from tests.week04.conftest import table
from tests.week06.conftest import QUICK as WEEK_SIX_QUICK
from tests.week06.conftest import Api as WeekSixApi
from tests.week07.browser import axe, browser, new_page

__all__ = ["axe", "browser", "new_page"]

WEEK = find_week("week07_dashboard")
LAYERS = reference_layers(WEEK)
QUICK = {**WEEK_SIX_QUICK, "PROGRESS_SECONDS": "0.1", "STATS_SECONDS": "0.5"}
CHANNEL = "job-changes"

for layer in LAYERS:  # for the tests of functions; of their modules none stands in two weeks
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@dataclass(frozen=True)
class Event:
    """One server-sent event, as a browser reads it."""

    type: str
    data: Any
    id: str | None
    at: float


OPEN: list[Watcher] = []
"""The streams that a test has opened."""


@pytest.fixture(autouse=True)
def close_streams() -> Iterator[None]:
    """Close the streams of a test at its end."""
    yield
    while OPEN:
        OPEN.pop().close()


@dataclass
class Watcher:
    """Reads a stream in a thread, as a browser does."""

    url: str
    last_event_id: str | None = None
    events: list[Event] = field(default_factory=list)
    status: int | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    comments: list[str] = field(default_factory=list)
    retry: int | None = None
    _socket: Any = None

    def __post_init__(self) -> None:
        OPEN.append(self)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        try:
            with (
                httpx.Client(timeout=60, trust_env=False) as http,
                http.stream("GET", f"{self.url}/events", headers=headers) as answer,
            ):
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                self.status = answer.status_code
                self._lines(answer)
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    def _lines(self, answer: httpx.Response) -> None:
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            if line.startswith(":"):
                self.comments.append(line)
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                if "retry" in fields:
                    self.retry = int(fields["retry"])
                if "data" in fields:
                    self.events.append(
                        Event(
                            fields.get("event", "message"),
                            json.loads(fields["data"]),
                            fields.get("id"),
                            time.monotonic(),
                        )
                    )
                fields = {}

    def wait(self, ready: Callable[[list[Event]], Any], seconds: float = 20) -> Any:
        """What `ready` makes of the events, once that is something."""
        return poll(lambda: ready(list(self.events)) or None, seconds)

    def wait_for(self, kind: str, seconds: float = 20) -> Event:
        found: Event = self.wait(
            lambda all: next((e for e in all if e.type == kind), None), seconds
        )
        return found

    def jobs(self, job_id: str) -> list[dict[str, Any]]:
        return [e.data for e in self.events if e.type == "job" and e.data["job_id"] == job_id]

    def close(self) -> None:
        """Close the connection, as a browser does that goes elsewhere."""
        if self._socket and not self.ended.is_set():
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self.ended.wait(5)


@dataclass
class Api(WeekSixApi):
    """With week 7's routes."""

    def watch(self, last_event_id: str | None = None, *, ready: bool = True) -> Watcher:
        """Open a stream. With `ready`, wait until it is open."""
        watcher = Watcher(str(self.http.base_url).rstrip("/"), last_event_id)
        if ready:
            poll(lambda: watcher.retry or watcher.ended.is_set() or None, 10)
        return watcher

    def stats(self) -> dict[str, Any]:
        answer = self.http.get("/stats")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(f"{self.run.environment()['REDIS_URL']}/2")

    def put_row(self, owner: str = "public", **more: Any) -> dict[str, Any]:
        """Write a job's row past all code of the pipeline."""
        row = new_row(owner, **more)
        table(self.run).put_item(Item=row)
        return row

    def publish(self, row: dict[str, Any]) -> None:
        """Publish that a row was written, past all code of the pipeline."""
        job = {name: value for name, value in row.items() if name not in ("kind", "due_shard")}
        message = {"type": "job", "owner": row["owner"], "job": job}
        with self.redis() as client:
            client.publish(CHANNEL, json.dumps(message, default=float))


def new_row(owner: str = "public", name: str = "note.txt", **more: Any) -> dict[str, Any]:
    """A pending job's row."""
    from pipeline.models.table import moment

    job_id = str(uuid4())
    document = {
        "document_id": job_id,
        "blob_key": "uploads/ab12",
        "filename": name,
        "content_type": "text/plain",
        "owner": owner,
    }
    now = moment()
    row = {
        "id": job_id,
        "kind": "job",
        "owner": owner,
        "status": "pending",
        "document": document,
        "created_at": now,
        "updated_at": now,
        "steps": {},
        "revision": 1,
    }
    return {**row, **more}


@contextmanager
def serving(
    run: Run, folder: Path, *, workers: int = 1, layers: tuple[Layer, ...] = LAYERS, **more: str
) -> Iterator[Api]:
    """API and workers on a run; `more` are further variables of their environment."""
    with (
        Apps({**run.environment(), **QUICK, **more}, layers, workers=workers, state=folder) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=60, trust_env=False) as http,
    ):
        yield Api(http, run, apps)


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Apps that the tests of one module share."""
    with stack.isolated() as run, serving(run, tmp_path_factory.mktemp("apps")) as api:
        yield api


@pytest.fixture
def prepared(run: Run, tmp_path: Path, host: Host) -> None:
    """The stores of the run, as the migrations of the layers prepare them."""
    prepare(run, LAYERS, tmp_path, host)
