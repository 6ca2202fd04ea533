"""A hundred clients of the pipeline at month's end. `make load-test` runs it.

A client uploads a document, thinks for one to three seconds, looks at its job, thinks again, and so on. So
a hundred clients send about fifty requests a second, however fast the API answers. Without the pause a
client would send its next request at once, and a slow API would seem to have less load.

Locust: https://docs.locust.io
"""

from __future__ import annotations

import os
import random

from locust import HttpUser, between, task

THINK_SECONDS = (1.0, 3.0)
WORDS = [
    "invoice",
    "contract",
    "clause",
    "payment",
    "tenant",
    "notice",
    "period",
    "court",
    "signature",
    "witness",
]
PARAGRAPHS = 3


def document() -> bytes:
    """A short text that nobody has uploaded before."""
    paragraphs = [" ".join(random.choices(WORDS, k=60)) for _ in range(PARAGRAPHS)]  # noqa: S311
    return "\n\n".join([f"{random.getrandbits(64):x}", *paragraphs]).encode()


class Clerk(HttpUser):
    """One client. It needs an API key with the scope `documents` in the variable `API_KEY`."""

    wait_time = between(*THINK_SECONDS)
    job = ""

    def on_start(self) -> None:
        """Present the key with each request."""
        if key := os.environ.get("API_KEY"):
            self.client.headers["Authorization"] = f"Bearer {key}"

    @task(2)
    def upload(self) -> None:
        """Upload a document. Its acceptance is 202: everything else is a failure."""
        file = {"file": ("document.txt", document(), "text/plain")}
        name = "POST /documents/upload"
        with self.client.post(
            "/documents/upload", files=file, name=name, catch_response=True
        ) as answer:
            if answer.status_code != 202:
                answer.failure(f"status {answer.status_code}")
                return
            self.job = answer.json()["task_id"]

    @task(1)
    def look(self) -> None:
        """Look at the last document's job."""
        if self.job:
            self.client.get(f"/jobs/{self.job}", name="GET /jobs/{id}")
