"""Nine documents go through the pipeline of a week. The provider rejects every third call."""

import sys
import time
from collections import Counter

import httpx
from local import local_services

from bootcamp.course.lesson_code import lesson_layers
from bootcamp.providers import Fault
from bootcamp.stack.apps import Apps

DOCUMENTS = 9
SOON = {"BACKOFF_BASE_SECONDS": "0.2"}
"""The longest wait before week 5's second attempt. The default is 1 second."""
LIMIT_SECONDS = 60


def submit(api: httpx.Client, number: int) -> str:
    """Submit a short text, and return the address of its job."""
    file = (f"note-{number}.txt", f"Ship number {number} entered the harbour.".encode())
    answer = api.post("/documents", files={"file": file})
    address: str = answer.raise_for_status().json()["status_url"]
    return address


def ended(api: httpx.Client, address: str) -> str:
    """Wait until a job has ended, and return its status."""
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        status: str = api.get(address).json()["status"]
        if status in ("completed", "failed"):
            break
        time.sleep(0.1)
    return status


def main() -> None:
    number = sys.argv[1]
    layers = lesson_layers(number)
    with (
        local_services() as run,
        Apps({**run.environment(), **SOON}, layers) as apps,
        httpx.Client(base_url=str(apps.api_url), timeout=30, trust_env=False) as api,
    ):
        run.openai.script(*[Fault.passing(2), Fault.status(503)] * DOCUMENTS)
        jobs = [submit(api, number) for number in range(DOCUMENTS)]
        became = Counter(ended(api, address) for address in jobs)
        answers = Counter(entry.status for entry in run.openai.journal("embeddings"))
        print(f"week {number}: {became['completed']} completed, {became['failed']} failed")
        print(f"the provider answered: {answers[200]} times 200, {answers[503]} times 503")


if __name__ == "__main__":
    main()
