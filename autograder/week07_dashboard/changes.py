"""Rows of jobs and messages about them, as the pipeline would write and publish them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import redis

from autograder.sdk import Run
from autograder.sdk.answers import plain
from autograder.sdk.jobs_table import Item, JobsTable, job

CHANNEL = "job-changes"
CHANGES_DATABASE = 2
PRIVATE = ("kind", "due_shard", "due_at", "lease_owner", "lease_until", "generation")
STRANGER = "somebody-else"


def row(rng: Random, status: str = "pending", owner: str = "public", **more: Any) -> Item:
    """A job's row with its revision, whose document belongs to the same owner."""
    item = job(rng, status, **{"kind": "job", "revision": 1, **more})
    item["owner"] = item["document"]["owner"] = owner
    return item


@dataclass(frozen=True)
class Changes:
    """Writes rows and publishes changes, past all code of the student's."""

    run: Run
    table: JobsTable

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(f"{self.run.environment()['REDIS_URL']}/{CHANGES_DATABASE}")

    def publish(self, *rows: Item) -> None:
        """Publish that these rows were written."""
        with self._redis() as client:
            for item in rows:
                public = {name: plain(one) for name, one in item.items() if name not in PRIVATE}
                message = {"type": "job", "owner": item["owner"], "job": public}
                client.publish(CHANNEL, json.dumps(message))

    def progress(self, item: Item, step: str, percent: int) -> None:
        """Publish how far a job is within a step."""
        progress = {"job_id": item["id"], "step": step, "percent": percent}
        message = {"type": "progress", "owner": item["owner"], "progress": progress}
        with self._redis() as client:
            client.publish(CHANNEL, json.dumps(message))

    def write(self, *rows: Item) -> None:
        """Write these rows, and then publish that."""
        self.table.put(*rows)
        self.publish(*rows)
