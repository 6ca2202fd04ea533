"""Clients that upload documents, and send each one until the API has accepted it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random

import httpx

from bootcamp.bench.chaos.judging import Accepted
from bootcamp.bench.chaos.stand import Stand
from bootcamp.samples.documents import WORDS

CLIENTS = 4
ANSWER_SECONDS = 10.0
"""A client that has waited for so long sends its document again, with the same `Idempotency-Key`."""
PAUSE_SECONDS = 0.5
PARAGRAPHS = 12
WORDS_PER_PARAGRAPH = 60
VOCABULARY = WORDS["en"].split()
NAME = "chaos-{:05d}.txt"


def document_name(number: int) -> str:
    """The file name of a document."""
    return NAME.format(number)


def document_number(name: str) -> int:
    """The number of a document, from its file name."""
    return int(name.removeprefix("chaos-").removesuffix(".txt"))


def document(seed: int, number: int) -> tuple[bytes, frozenset[str]]:
    """A text that no other document has, and the marks that its paragraphs begin with."""
    rng = Random(f"{seed}/{number}")  # noqa: S311 - documents that can be made again
    marks = [f"mark-{number:05d}-{place:02d}" for place in range(PARAGRAPHS)]
    paragraphs = [
        f"{mark} {' '.join(rng.choices(VOCABULARY, k=WORDS_PER_PARAGRAPH))}." for mark in marks
    ]
    return "\n\n".join(paragraphs).encode(), frozenset(marks)


class Uploads:
    """Uploads all documents, evenly over a time, in threads.

    Attributes:
        accepted: what was answered with 202 so far.
        refused: answers that a client cannot repeat, in words.
        tries: how many requests were sent.
    """

    def __init__(self, stand: Stand, seed: int, jobs: int, seconds: float) -> None:
        self.accepted: list[Accepted] = []
        self.refused: list[str] = []
        self.tries = 0
        self._stand, self._seed, self._jobs, self._seconds = stand, seed, jobs, seconds
        self._stop = threading.Event()
        self._futures: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(CLIENTS, thread_name_prefix="client")
        self._start = time.monotonic()

    def start(self) -> None:
        """Begin. Each client has every fourth document."""
        self._start = time.monotonic()
        numbers = range(self._jobs)
        for first in range(CLIENTS):
            self._futures.append(self._pool.submit(self._upload_all, numbers[first::CLIENTS]))

    @property
    def done(self) -> bool:
        """Whether every document was accepted or refused."""
        return len(self.accepted) + len(self.refused) >= self._jobs

    def stop(self) -> None:
        """Send no more documents."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        errors = [one.exception() for one in self._futures if not one.cancelled()]
        self.refused += [f"a client ended: {error!r}" for error in errors if error]
        self._futures.clear()

    def _upload_all(self, numbers: Sequence[int]) -> None:
        with self._stand.client(ANSWER_SECONDS) as client:
            for number in numbers:
                burst = number - number % CLIENTS  # all clients at once, so that work piles up
                due = self._start + self._seconds * burst / self._jobs
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
                self._upload(client, number)

    def _upload(self, client: httpx.Client, number: int) -> None:
        content, marks = document(self._seed, number)
        headers = {"Idempotency-Key": f"chaos-{self._seed}-{number}"}
        while not self._stop.is_set():
            self.tries += 1
            try:
                files = {"file": (document_name(number), content, "text/plain")}
                answer = client.post("/documents", files=files, headers=headers)
            except httpx.HTTPError:  # accepted or not: the key makes it safe to ask again
                self._stop.wait(PAUSE_SECONDS)
                continue
            if answer.status_code == 202:
                job_id = str(answer.json()["job_id"])
                self.accepted.append(Accepted(number, job_id, time.time(), marks))
                return
            if answer.status_code < 500 and answer.status_code not in (409, 429):
                text = answer.text[:200]
                self.refused.append(f"document {number}: {answer.status_code} {text}")
                return
            self._stop.wait(PAUSE_SECONDS)
