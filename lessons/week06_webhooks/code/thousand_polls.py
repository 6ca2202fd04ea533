"""A document waits in the queue, and its owner polls a thousand times until it is done."""

import signal
import time
from collections import Counter

import httpx
from local import local_services

from bootcamp.course.lesson_code import lesson_layers
from bootcamp.stack.apps import Apps

BUSY = 999
"""How often the owner polls while the worker is stopped. This stands for half an hour in which the
worker processes other documents, and for an owner who polls every two seconds."""
LIMIT_SECONDS = 120


def main() -> None:
    layers = lesson_layers("3")
    with (
        local_services() as run,
        Apps(run.environment(), layers) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=30, trust_env=False) as api,
    ):
        (worker,) = apps.workers
        worker.kill(signal.SIGSTOP, group=True)
        note = ("note.txt", b"A ship entered the harbour.")
        url = api.post("/documents/upload", files={"file": note}).json()["status_url"]
        statuses = Counter[str]()
        received = 0
        end = time.monotonic() + LIMIT_SECONDS
        while not statuses["completed"] and time.monotonic() < end:
            response = api.get(url)
            statuses[response.json()["status"]] += 1
            received += len(response.content)
            if statuses.total() == BUSY:
                worker.kill(signal.SIGCONT, group=True)
            elif statuses.total() > BUSY:
                time.sleep(0.1)
    print(f"polled ~{statuses.total()} times, and {statuses['completed']} response was new")
    print(f"received ~{received} bytes to learn one word")


if __name__ == "__main__":
    main()
