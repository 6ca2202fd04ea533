"""Reads what happened from the stores and the receiver of webhooks, past all code of the pipeline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import boto3
import redis
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bootcamp.bench.chaos.clients import document_number
from bootcamp.bench.chaos.judging import Accepted, Chunk, Ending, Records, Webhook
from bootcamp.bench.chaos.stand import Stand
from bootcamp.stack.addresses import AWS_SECRET, REGION
from bootcamp.stack.stack import DEFAULT

FINISHED = frozenset({"completed", "failed", "cancelled"})
TABLE = "jobs"
READ_SECONDS = 5
HELD_SECONDS = 10.0
"""A living worker is through with a message of this stand by then."""
TAKEN = "unacked_index"
"""Where Celery's Redis transport keeps when each message was taken that is not acknowledged."""
CHUNKS = """
SELECT d.filename, c.document_id, c.position, c.text
FROM chunks c JOIN documents d USING (document_id, owner) ORDER BY 1, 2, 3
"""


class Unreadable(Exception):
    """The jobs table does not answer now."""


class Collector:
    """Collects the records of a run. What it has seen once, it keeps.

    Attributes:
        endings: all ends seen so far.
        open: how many jobs of the table have no end.
        failures: the error of each job that failed.
    """

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        up = stand.stack.endpoints
        session = boto3.session.Session(up.aws_account, AWS_SECRET, region_name=REGION)
        limits = Config(
            connect_timeout=READ_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1},
        )
        resource = session.resource("dynamodb", endpoint_url=up.aws_url, config=limits)
        self._table: Any = resource.Table(TABLE)
        self.endings: set[Ending] = set()
        self.open = 0
        self.failures: dict[str, str] = {}
        self._rows: dict[str, int] = {}
        self._planned: dict[str, Ending] = {}

    def look(self) -> None:
        """Read the jobs table. Raises Unreadable."""
        try:
            items = list(self._items())
        except (BotoCoreError, ClientError) as error:
            raise Unreadable(str(error)) from error
        self.open = 0
        for item in items:
            if str(item["id"]).startswith("delivery#"):
                self._planned[str(item["id"]).partition("#")[2]] = told(json.loads(item["body"]))
            elif "document" in item and "status" in item:
                self._take(item)

    def _items(self) -> Iterable[dict[str, Any]]:
        more: dict[str, Any] = {"ConsistentRead": True}
        while True:
            page = self._table.scan(**more)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _take(self, item: dict[str, Any]) -> None:
        self._rows[item["id"]] = document_number(item["document"]["filename"])
        if item["status"] not in FINISHED:
            self.open += 1
            return
        moment = datetime.fromtimestamp(float(item["finished_at"]), UTC)
        self.endings.add(Ending(item["id"], item["status"], iso(moment)))
        if error := item.get("error"):
            self.failures[item["id"]] = f"{error['type']}: {error['message']}"

    @property
    def undelivered(self) -> int:
        """How many ended jobs have no webhook that has arrived."""
        arrived = {one.ending.job_id for one in self.webhooks()}
        return len({one.job_id for one in self.endings} - arrived)

    @property
    def held(self) -> int:
        """How many messages are held by workers that are dead or slow, and will be delivered again.

        Raises:
            Unreadable: Redis does not answer.
        """
        url = f"{self._stand.stack.endpoints.redis_url}/0"
        try:
            with redis.Redis.from_url(url, socket_timeout=READ_SECONDS) as client:
                return int(client.zcount(TAKEN, 0, time.time() - HELD_SECONDS))  # type: ignore[arg-type]
        except redis.RedisError as error:
            raise Unreadable(str(error)) from error

    def webhooks(self) -> tuple[Webhook, ...]:
        """All requests that the receiver was sent."""
        found = self._stand.sink.deliveries()
        return tuple(
            Webhook(str(one.header("webhook-id")), told(json.loads(one.body))) for one in found
        )

    def records(self, accepted: Iterable[Accepted]) -> Records:
        """All that is known. The index is read now."""
        with self._stand.admin.connect(DEFAULT) as connection:
            rows = connection.execute(CHUNKS).fetchall()
        webhooks = self.webhooks()
        return Records(
            accepted=tuple(accepted),
            rows=dict(self._rows),
            endings=frozenset(self.endings | {one.ending for one in webhooks}),
            webhooks=webhooks,
            planned_webhooks=dict(self._planned),
            chunks=tuple(Chunk(document_number(row[0]), *row[1:]) for row in rows),
        )


def told(body: dict[str, Any]) -> Ending:
    """The end that the body of a webhook reports."""
    data = body["data"]
    return Ending(data["job_id"], data["status"], data["finished_at"])


def iso(moment: datetime) -> str:
    """A time as webhooks write it, to the microsecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
