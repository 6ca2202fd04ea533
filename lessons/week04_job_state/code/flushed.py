"""Sends two documents to the pipeline of a week, empties Redis, and asks for both documents."""

import sys
import time
from typing import Any

import httpx
import psycopg
from local import local_services
from redis import Redis

from bootcamp import paths
from bootcamp.course.lesson_code import lesson_layers
from bootcamp.stack.apps import Apps, start_worker

ROUTE = {"3": "/documents/upload", "4": "/documents"}
SAMPLES = paths.ROOT / "bootcamp" / "samples"
SOON = {"PUBLISH_SECONDS": "1"}
"""After one second without a worker, week 4 publishes a job's message again. Its default is 10."""
PATIENCE_SECONDS = 60


def send(api: httpx.Client, route: str, name: str) -> str:
    """Submit a document, and return the address of its status."""
    answer = api.post(route, files={"file": (name, (SAMPLES / name).read_bytes())})
    address: str = answer.raise_for_status().json()["status_url"]
    return address


def ask(api: httpx.Client, address: str) -> str:
    """Return the status of a document, as the API reports it."""
    answer = api.get(address)
    return str(answer.json()["status"]) if answer.is_success else f"{answer.status_code}, unknown"


def settled(api: httpx.Client, address: str) -> str:
    """Return the status once the document is finished or unknown."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (said := ask(api, address)) in ("pending", "processing") and time.monotonic() < end:
        time.sleep(0.1)
    return said


def documents(database_url: str) -> int:
    """Count the documents that the search finds."""
    with psycopg.connect(database_url) as database:
        row: Any = database.execute("SELECT count(*) FROM documents").fetchone()
        return int(row[0])


def main() -> None:
    number = sys.argv[1]
    layers = lesson_layers(number)
    with (
        local_services() as run,
        Apps({**run.environment(), **SOON}, layers) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=30, trust_env=False) as api,
    ):
        (worker,) = apps.workers
        first = send(api, ROUTE[number], "tide_notes.md")
        settled(api, first)
        worker.stop()
        second = send(api, ROUTE[number], "letter_de.txt")
        print(f"week {number}: the first is {ask(api, first)}, the second {ask(api, second)}")
        Redis.from_url(run.redis_url).flushall()
        start_worker(worker)
        print("Redis was emptied, and the worker started again")
        print("the first: ", settled(api, first))
        print("the second:", settled(api, second))
        print("found by the search:", documents(run.database_url), "of 2")


if __name__ == "__main__":
    main()
