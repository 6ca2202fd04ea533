"""Many browsers in one process. Runs as a program with the reference layers on its path.

`python watchers.py '{"mode": "events", "owners": 50, "streams": 10, "changes": 50, "seconds": 10}'` prints
what `live.Watched` describes. Modes: `events` and `poll` write rows; `publish` only publishes changes, to
find out what streams can take and not what the store can.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil

POLL_SECONDS = 3.0
SETTLE_SECONDS = 1.0
TICK = 1e-6
"""A row's time is exact to the microsecond; as a float it may be a little off."""
OWNER_HEADER = "X-Bench-Owner"
UPDATED = re.compile(rb'"updated_at":"([^"]+)"')
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Browsers:
    """All browsers, and what they have seen."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        url = urlsplit(os.environ["API_URL"])
        self.host, self.port = str(url.hostname), int(url.port or 80)
        self.delays: list[float] = []
        self.lost = 0
        self.requests = 0
        self.counting = False
        self.stopping = False

    async def watch(self, owner: str, opened: asyncio.Event) -> None:
        """Read one stream until it ends."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(self._request("/events", owner))
        with suppress(asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                if line.startswith(b"event: snapshot"):
                    opened.set()
                elif line.startswith(b"data: ") and opened.is_set():
                    self._saw(line)
        self.lost += not self.stopping
        writer.close()

    async def poll(self, owner: str, wait: float) -> None:
        """Ask for the jobs every three seconds, as a page without a stream does."""
        await asyncio.sleep(wait)
        reader, writer = await asyncio.open_connection(self.host, self.port)
        last = 0.0
        with suppress(asyncio.CancelledError):
            while True:
                writer.write(self._request("/jobs?limit=50", owner))
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                self.requests += self.counting
                last = self._polled(owner, body, last)
                await asyncio.sleep(POLL_SECONDS)
        writer.close()

    def _request(self, path: str, owner: str) -> bytes:
        head = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{OWNER_HEADER}: {owner}\r\n\r\n"
        return head.encode()

    def _polled(self, owner: str, body: bytes, last: float) -> float:
        """Count every change that an answer is the first to show, and return when the newest was made."""
        found = UPDATED.search(body)
        newest = _seconds(found[1].decode()) if found else last
        if self.counting:
            now = time.time()
            made = [one for one in self.changes.made[owner] if last + TICK < one < newest + TICK]
            self.delays += [now - one for one in made]
        return newest

    def _saw(self, data: bytes) -> None:
        found = UPDATED.search(data)
        if self.counting and found:
            self.delays.append(time.time() - _seconds(found[1].decode()))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


class Changes(threading.Thread):
    """Changes one job of each owner in turn, so many times a second over all."""

    def __init__(self, owners: list[str], rate: float, seconds: float, *, write: bool) -> None:
        super().__init__(daemon=True)
        self.rate, self.seconds, self.write = rate, seconds, write
        self.jobs = [(owner, self._create(owner)) for owner in owners]
        self.made: dict[str, list[float]] = {owner: [] for owner in owners}
        """When each owner's rows were written, in seconds since 1970."""

    @staticmethod
    def _create(owner: str) -> str:
        from pipeline.documents import DocumentRef
        from pipeline.models.creation import create

        document = DocumentRef(
            document_id=str(uuid4()),
            blob_key="uploads/0",
            filename="bench.txt",
            content_type="text/plain",
        )
        return create(document, owner).job_id

    def run(self) -> None:
        started = time.monotonic()
        for number in range(int(self.rate * self.seconds)):
            time.sleep(max(0.0, started + number / self.rate - time.monotonic()))
            owner, job_id = self.jobs[number % len(self.jobs)]
            self._change(owner, job_id, number)

    def _change(self, owner: str, job_id: str, number: int) -> None:
        from boto3.dynamodb.conditions import Attr

        from pipeline.live.messages import job_message
        from pipeline.live.publisher import publisher
        from pipeline.models.job import Job, jobs

        if self.write:
            row = jobs().update(job_id, {"percent": number % 100}, Attr("id").exists())
            self.made[owner].append(float(row["updated_at"]))
            return
        if number == 0:
            self.job = Job.from_item(jobs().get(job_id) or {})
        changed = self.job.model_copy(update={"updated_at": time.time(), "revision": number + 2})
        publisher().publish(job_message(changed))


async def main(load: dict[str, Any]) -> dict[str, Any]:
    """Open the browsers, change jobs for a while, and report."""
    owners = [f"bench-{uuid4().hex[:8]}" for _ in range(load["owners"])]
    write = load["mode"] != "publish"
    changes = await asyncio.to_thread(
        Changes, owners, load["changes"], load["seconds"], write=write
    )
    browsers = Browsers(changes)
    api = psutil.Process(int(os.environ["API_PID"]))
    before = api.memory_info().rss
    places = [owner for owner in owners for _ in range(load["streams"])]
    tasks = []
    if load["mode"] == "poll":
        for number, owner in enumerate(places):
            wait = POLL_SECONDS * number / len(places)
            tasks.append(asyncio.create_task(browsers.poll(owner, wait)))
        await asyncio.sleep(POLL_SECONDS)
    else:
        signs = [asyncio.Event() for _ in places]
        for owner, sign in zip(places, signs, strict=True):
            tasks.append(asyncio.create_task(browsers.watch(owner, sign)))
        await asyncio.wait_for(asyncio.gather(*(sign.wait() for sign in signs)), 60)
    await asyncio.sleep(SETTLE_SECONDS)
    after = api.memory_info().rss
    browsers.counting = True
    started = time.monotonic()
    changes.start()
    await asyncio.to_thread(changes.join)
    await asyncio.sleep(POLL_SECONDS if load["mode"] == "poll" else SETTLE_SECONDS)
    seconds = time.monotonic() - started
    browsers.stopping = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "delays": browsers.delays,
        "lost": browsers.lost,
        "requests": browsers.requests,
        "seconds": seconds,
        "opened_bytes": after - before,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
