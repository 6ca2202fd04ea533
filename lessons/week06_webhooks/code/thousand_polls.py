"""A document waits in the queue, and its owner asks a thousand times whether it is done."""

import signal
import time
from collections import Counter

import httpx
from local import local_services

from bootcamp.course.lesson_code import lesson_layers
from bootcamp.stack.apps import Apps

BUSY = 999
"""So many times the owner asks while the worker is halted. It stands for half an hour in which the
worker has other documents to do, and for an owner who asks every two seconds."""
PATIENCE_SECONDS = 120


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
        address = api.post("/documents/upload", files={"file": note}).json()["status_url"]
        said = Counter[str]()
        received = 0
        end = time.monotonic() + PATIENCE_SECONDS
        while not said["completed"] and time.monotonic() < end:
            answer = api.get(address)
            said[answer.json()["status"]] += 1
            received += len(answer.content)
            if said.total() == BUSY:
                worker.kill(signal.SIGCONT, group=True)
            elif said.total() > BUSY:
                time.sleep(0.1)
    print(f"asked ~{said.total()} times, and {said['completed']} answer was news")
    print(f"received ~{received} bytes, to learn one word")


if __name__ == "__main__":
    main()
