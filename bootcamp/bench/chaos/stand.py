"""What is broken: a stack whose services keep their data, and the newest pipeline on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bootcamp.bench.chaos.namespace import MIB, small_disk
from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.providers import OpenAIControl, WebhookSink
from bootcamp.stack import Stack
from bootcamp.stack.addresses import HOOK
from bootcamp.stack.apps import Apps
from bootcamp.stack.postgres import Admin
from bootcamp.stack.stack import DEFAULT
from bootcamp.stack.state import StateFolder

MISTAKES = Path(__file__).with_name("mistakes")
DISK_BYTES, DISK_BYTES_PER_JOB = 32 * MIB, MIB // 4
LEASE_SECONDS = 4.0
VISIBILITY_SECONDS = 60
SETTINGS = {
    "LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "PUBLISH_SECONDS": "4",
    "REDRIVE_SECONDS": "15",
    "OUTBOX_INTERVAL_SECONDS": "0.5",
    "BEAT_LOCK_SECONDS": "3",
    "VISIBILITY_TIMEOUT_SECONDS": f"{VISIBILITY_SECONDS}",
    "BACKOFF_BASE_SECONDS": "0.5",
    "BACKOFF_CAP_SECONDS": "5",
    "MAX_ATTEMPTS": "20",
    "MAX_DELIVERIES": "20",
    "LOST_WORKER_RETRY_SECONDS": "0.5",
    "WEBHOOK_SCHEDULE": "0,1,2,4,8,8,8,8,8,8",
    "WEBHOOK_TIMEOUT_SECONDS": "3",
    "WEBHOOK_LEASE_SECONDS": "6",
    "WEBHOOK_PUBLISH_SECONDS": "4",
}
"""The limits of production are minutes. Here a worker dies every few seconds, so leases are short, and a
job that lost several workers is not poison."""


@dataclass
class Stand:
    """The running pipeline, and everything that the faults can break."""

    stack: Stack
    apps: Apps
    sink: WebhookSink
    provider: OpenAIControl
    disk: Path | None
    """The small disk that holds the blob store. None: this system allows none."""
    folder: Path

    @property
    def admin(self) -> Admin:
        """PostgreSQL's superuser."""
        up = self.stack.endpoints
        return Admin(up.postgres_port, up.postgres_password)

    def client(self, timeout: float) -> httpx.Client:
        """A client of the API, with its key."""
        url, headers = str(self.apps.api_url), self.apps.headers
        return httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False)

    def register_webhook(self) -> None:
        """Have the end of every job sent to the sink."""
        with self.client(30) as client:
            body = {"url": self.sink.url(HOOK)}
            client.post("/webhooks", json=body).raise_for_status()


def mistakes() -> list[str]:
    """The mistakes that can be made in the pipeline on purpose, to see that a run finds them."""
    return sorted(path.name for path in MISTAKES.iterdir() if path.is_dir())


def layers_of(mistake: str | None) -> tuple[Layer, ...]:
    """The reference of all weeks, below the layer of a mistake if there is one."""
    week = all_weeks()[-1]
    top = (Layer(week, Source.REFERENCE, MISTAKES / mistake),) if mistake else ()
    return (*top, *reference_layers(week))


def clear(logs: Path) -> None:
    """Remove what the processes of an earlier run have left in their folder."""
    for pattern in ("*.log", "beat-schedule*"):
        for path in logs.glob(pattern):
            path.unlink()


@contextmanager
def standing(jobs: int, workers: int, logs: Path, mistake: str | None = None) -> Iterator[Stand]:
    """Start everything, and stop it at the end.

    Args:
        jobs: how many documents the blob store must have room for.
        workers: how many worker nodes.
        logs: the folder for the logs of the pipeline's processes.
        mistake: one of `mistakes()`: the pipeline is wrong in this way.

    Raises:
        StackError: something did not start.
    """
    clear(logs)
    temporary = StateFolder()
    try:
        disk = (
            logs.parent / "disk"
        )  # not below the temporary folder: a mount point cannot be removed
        small = small_disk(disk, DISK_BYTES + jobs * DISK_BYTES_PER_JOB)
        # With a folder of its own, the services keep their data.
        with Stack(temporary.path / "stack") as stack:
            up = stack.endpoints
            provider = {"OPENAI_BASE_URL": f"{up.openai_url}/v1", "OPENAI_API_KEY": up.openai_key}
            store = {"BLOB_STORE_URL": disk.as_uri()} if small else {}
            env = stack.environment() | provider | store | SETTINGS
            layers = layers_of(mistake)
            with Apps(env, layers, workers=workers, state=logs) as apps:
                stand = Stand(
                    stack=stack,
                    apps=apps,
                    sink=WebhookSink(up.webhook_url, up.control_token, DEFAULT),
                    provider=OpenAIControl(up.openai_url, up.control_token, up.openai_key),
                    disk=disk if small else None,
                    folder=logs,
                )
                stand.register_webhook()
                yield stand
    finally:
        temporary.close()
