"""A grading process of the class, with a neighbour in its stack that must not notice anything.

`serve` is what the pool runs in place of `grading_process.serve`: the same function, around whose `grade` the
neighbour and the processes are looked after.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import botocore.session
import psutil
import psycopg
import redis

from autograder.classroom.execution import grading_process
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.process import wait
from autograder.sandbox.tiers import Tier
from bootcamp import bounds
from bootcamp.stack import Run, Stack

GONE_SECONDS = 20.0
VALUE = "untouched"
MEMORY_BYTES, DISK_BYTES = 1024**3, 256 * 1024**2
"""A quarter of the class's own limits: a busy machine takes long to fill gigabytes."""

_grade = grading_process.grade


@dataclass(frozen=True)
class Watched(Answer):
    """An answer, and what the submission did to others meanwhile."""

    harms: tuple[str, ...] = ()


def serve(jobs: Connection, tier: Tier) -> None:
    """Grade as the class does, with a neighbour, and limits that are soon reached."""
    bounds.MAX_FAMILY_BYTES = bounds.MAX_HELD_MEMORY_BYTES = MEMORY_BYTES
    bounds.MAX_DISK_BYTES, bounds.MAX_HELD_DISK_BYTES = DISK_BYTES, 2 * DISK_BYTES
    grading_process.Stack = InhabitedStack  # type: ignore[attr-defined]
    grading_process.grade = grade  # type: ignore[assignment]
    grading_process.serve(jobs, tier)


def grade(job: Job, stack: InhabitedStack, tier: Tier) -> Answer:
    """Grade one submission, and see who was harmed."""
    before = processes()
    answer = _grade(job, stack, tier)
    harms = stack.neighbour.harms()
    if not wait.until(lambda: not processes() - before, GONE_SECONDS):
        left = [name for _, _, name in processes() - before]
        harms.append(f"left running: {left}")
    if answer.problem or harms:
        harms.append((stack.path / "postgres" / "postgres.log").read_text()[-3000:])
    return Watched(**vars(answer), harms=tuple(harms))


def processes() -> set[tuple[int, float, str]]:
    """All processes in this grading process's own network: its servers, and students' processes."""
    own = Path("/proc/self/ns/net").readlink()
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            same = Path(f"/proc/{process.pid}/ns/net").readlink() == own
            if same and process.status() != psutil.STATUS_ZOMBIE:
                found.add((process.pid, process.create_time(), process.name()))
    return found


class InhabitedStack(Stack):
    """A stack that somebody else uses too."""

    neighbour: Neighbour

    def __enter__(self) -> Self:
        super().__enter__()
        self.neighbour = Neighbour(self.isolated().__enter__())
        return self

    def close(self) -> None:
        self.neighbour.run.close()
        super().close()


class Neighbour:
    """Another run in the same stack, with one thing of each kind in it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._redis = redis.Redis.from_url(f"{run.redis_url}/0", socket_timeout=5.0)
        self._redis.set("keeper", VALUE)
        with self._database() as connection:
            connection.execute("CREATE TABLE keeper (value text)")
            connection.execute("INSERT INTO keeper VALUES (%s)", [VALUE])
        self._blob = run.blob_folder / "keeper"
        self._blob.write_text(VALUE)
        env = run.environment()
        self._dynamodb = botocore.session.Session().create_client(
            "dynamodb",
            region_name=env["AWS_DEFAULT_REGION"],
            endpoint_url=env["AWS_ENDPOINT_URL"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
        self._dynamodb.create_table(
            TableName="keeper",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self._dynamodb.put_item(TableName="keeper", Item={"id": {"S": VALUE}})

    @contextmanager
    def _database(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.run.database_url, autocommit=True) as connection:
            yield connection

    def harms(self) -> list[str]:
        """Whatever is not as it was, in words."""
        looks = {
            "Redis": self._in_redis,
            "PostgreSQL": self._in_postgres,
            "DynamoDB": self._in_dynamodb,
            "blob store": self._blob.read_text,
            "webhooks": self._webhooks,
            "model": self._model,
        }
        found = []
        for place, look in looks.items():
            try:
                value = look()
            except Exception as error:
                value = f"{type(error).__name__}: {error}"
            if value != VALUE:
                found.append(f"the neighbour's {place}: {value}")
        return found

    def _in_redis(self) -> str:
        value = self._redis.get("keeper")
        return value.decode() if isinstance(value, bytes) else "gone"

    def _in_postgres(self) -> str:
        with self._database() as connection:
            rows = connection.execute("SELECT value FROM keeper").fetchall()
        return str(rows[0][0]) if len(rows) == 1 else f"{len(rows)} rows"

    def _in_dynamodb(self) -> str:
        items = self._dynamodb.scan(TableName="keeper")["Items"]
        return str(items[0]["id"]["S"]) if len(items) == 1 else f"{len(items)} items"

    def _webhooks(self) -> str:
        return VALUE if not self.run.webhooks.deliveries() else "something arrived"

    def _model(self) -> str:
        return VALUE if not self.run.openai.journal() else "something was asked"
