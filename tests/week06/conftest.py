"""The reference of weeks 1 to 6: functions in this process, or real workers and an API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from autograder.process.fork_client import Host
from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.providers.clients import Delivery
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps
from tests.week03.conftest import poll, prepare
from tests.week04.conftest import QUICK as WEEK_FOUR_QUICK
from tests.week04.conftest import Api as WeekFourApi

WEEK = find_week("week06_webhooks")
LAYERS = reference_layers(WEEK)
SABOTAGE = Layer(WEEK, Source.REFERENCE, Path(__file__).with_name("sabotage"))
QUICK = {
    **WEEK_FOUR_QUICK,
    "WEBHOOK_SCHEDULE": "0,0.3,0.3,0.3",
    "WEBHOOK_TIMEOUT_SECONDS": "1",
    "WEBHOOK_LEASE_SECONDS": "2",
    "WEBHOOK_PUBLISH_SECONDS": "0.5",
}
"""Settings with which a failed attempt is retried at once."""

for layer in LAYERS:  # for the tests of functions; of their modules none stands in two weeks
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@dataclass
class Api(WeekFourApi):
    """A client with week 6's routes."""

    def register(self, url: str | None = None, **more: Any) -> dict[str, Any]:
        """Register a webhook (by default for the run's own receiver) and return it with its secret."""
        body = {"url": url or self.run.webhooks.url("default"), **more}
        answer = self.http.post("/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def deliveries(self, webhook_id: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"/webhooks/{webhook_id}/deliveries")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    def settled(self, webhook_id: str, status: str) -> dict[str, Any]:
        """Wait until the webhook's only delivery has this status, and return it."""

        def ask() -> dict[str, Any] | None:
            found = self.deliveries(webhook_id)
            return found[0] if found and found[0]["status"] == status else None

        try:
            return poll(ask, 30)
        except AssertionError:
            logs = "\n".join(f"--- {p.name}\n{p.logs()[-4000:]}" for p in self.apps.processes)
            raise AssertionError(f"{self.deliveries(webhook_id)}\n{logs}") from None

    def resend(self, delivery_id: str) -> httpx.Response:
        return self.http.post(f"/deliveries/{delivery_id}/resend")


def verified(delivery: Delivery, secret: str) -> Any:
    """Return the message of a delivery, if the official library accepts it."""
    return Webhook(secret).verify(delivery.body, dict(delivery.headers))


@contextmanager
def serving(
    run: Run, folder: Path, *, workers: int = 1, layers: tuple[Layer, ...] = LAYERS, **more: str
) -> Iterator[Api]:
    """Start API and workers on a run. `more` are further variables of their environment."""
    layers = (SABOTAGE, *layers) if "SABOTAGE" in more else layers
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


@pytest.fixture
def settings(
    run: Run, prepared: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Point this process at the run's DynamoDB. `settings(webhook_endpoints=1)` sets more."""
    from pipeline.models.job import jobs
    from pipeline.models.settings import job_settings
    from pipeline.webhooks.settings import webhook_settings

    def forget() -> None:
        for one in (jobs, job_settings, webhook_settings):
            one.cache_clear()

    def change(**more: object) -> None:
        for name, value in more.items():
            monkeypatch.setenv(name.upper(), str(value))
        forget()

    names = ("AWS_", "WEBHOOK_", "APP_ENV")
    change(**{name: v for name, v in run.environment().items() if name.startswith(names)})
    yield change
    forget()
