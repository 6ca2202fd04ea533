"""The reference of weeks 1 to 5: functions in this process, or real workers and an API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from autograder.process.fork_client import Host
from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.providers.clients import JournalEntry
from bootcamp.providers.faults import Fault
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps
from tests.week03.conftest import poll, prepare
from tests.week04.conftest import SABOTAGE, new_job
from tests.week04.conftest import Api as WeekFourApi
from tests.week04.conftest import settings as week_four_settings

WEEK = find_week("week05_retries")
LAYERS = reference_layers(WEEK)
POISON = Layer(WEEK, Source.REFERENCE, Path(__file__).with_name("poison"))
"""A worker with this layer dies, in a way that the variable `POISON` names, in a step."""
QUICK = {
    "MAX_ATTEMPTS": "4",
    "BACKOFF_BASE_SECONDS": "0.05",
    "BACKOFF_CAP_SECONDS": "0.4",
    "LEASE_SECONDS": "1",
    "PUBLISH_SECONDS": "5",
    "REDRIVE_SECONDS": "20",
    "OUTBOX_INTERVAL_SECONDS": "0.1",
    "LOST_WORKER_RETRY_SECONDS": "0",
}
"""Settings with which a job fails for good within a second."""

for layer in LAYERS:  # for the tests of functions; of their modules none stands in two weeks
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@dataclass
class Api(WeekFourApi):
    """With week 5's routes."""

    def letters(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.http.get("/dead-letters", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["dead_letters"]
        return found

    def spoiled(self, *faults: Fault) -> tuple[str, str]:
        """Submit a document for which the provider does this. Returns its text and the job's id."""
        text = f"The keeper lit lamp {uuid4().hex}."
        self.run.openai.script(*(replace(fault, matching=text) for fault in faults))
        return text, self.accepted(text.encode())

    def asked(self, text: str) -> list[JournalEntry]:
        """What the provider was asked about a document."""
        return [entry for entry in self.run.openai.journal() if text in " ".join(entry.inputs)]

    def replay(self, job_id: str) -> httpx.Response:
        return self.http.post(f"/dead-letters/{job_id}/replay")

    def dead_letter_of(self, job_id: str) -> dict[str, Any]:
        """The dead letter of a job that fails, once the list has it."""
        assert self.ended(job_id)["status"] == "failed"
        return poll(
            lambda: next((one for one in self.letters(limit=100) if one["job_id"] == job_id), None)
        )


@contextmanager
def serving(run: Run, folder: Path, *, workers: int = 1, **more: str) -> Iterator[Api]:
    """API and workers on a run; `more` are further variables of their environment."""
    extra = [SABOTAGE] * ("SABOTAGE" in more) + [POISON] * ("POISON" in more)
    with (
        Apps(
            {**run.environment(), **QUICK, **more},
            (*extra, *LAYERS),
            workers=workers,
            state=folder,
        ) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=60, trust_env=False) as http,
    ):
        yield Api(http, run, apps)


__all__ = ["new_job", "week_four_settings"]  # fixtures


@pytest.fixture
def prepared(run: Run, tmp_path: Path, host: Host) -> None:
    """The stores of the run, as the migrations of the layers prepare them."""
    prepare(run, LAYERS, tmp_path, host)


@pytest.fixture
def settings(week_four_settings: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """Point this process at the run's DynamoDB. `settings(max_deliveries=1)` sets more."""
    from pipeline.models.retry_settings import retry_settings

    def change(**more: object) -> None:
        week_four_settings(**more)
        retry_settings.cache_clear()

    change()
    yield change
    change()


@pytest.fixture(scope="session")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Apps that the tests of this week share. Each test has documents of its own."""
    with stack.isolated() as run, serving(run, tmp_path_factory.mktemp("week05")) as api:
        yield api


def gaps(entries: list[JournalEntry]) -> list[float]:
    """Seconds between the end of each request and the begin of the next."""
    return [after.started - (before.ended or before.started) for before, after in pairwise(entries)]
