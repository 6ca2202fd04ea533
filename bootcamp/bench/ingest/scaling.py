"""How much faster more workers are, where the endpoint is slow, and how fast the API accepts documents."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice

import httpx

from bootcamp import paths
from bootcamp.bench.ingest.ours import Form, measure_ours, running
from bootcamp.bench.ingest.stage import Measured, Stage
from bootcamp.environment import built
from bootcamp.ports import LOOPBACK, answers_health, free_port, release_port
from bootcamp.stack.process import Process

FEW, MANY = 1, 5
"""Workers. Each has one slot, so each waits for one answer of the endpoint at a time."""
SLOW_SECONDS = 1.0
SHARE = 24
"""How many documents a worker has. In the last round some have nothing to do, so there are many."""
USERS = 100
LOAD_SECONDS = 15.0
FIRST_SECONDS = 3.0
"""In this time the users come one after another. It does not count: they open their connections."""
THINK_SECONDS = (1.0, 3.0)
"""The pause of a user between two documents, as in `make load-test`."""


def measure_workers(stage: Stage) -> list[Measured]:
    """The same documents with one worker and with five, while an answer takes a second."""
    return [
        measure_ours(
            stage,
            "1 worker" if workers == 1 else f"{workers} workers",
            Form(workers, 1),
            list(islice(cycle(stage.documents), SHARE * workers)),
            SLOW_SECONDS,
        )
        for workers in (FEW, MANY)
    ]


@dataclass(frozen=True)
class Accepted:
    """How long an API took to accept documents, in seconds."""

    name: str
    requests: int
    failed: int
    p50: float
    p99: float


def measure_acceptance(stage: Stage) -> list[Accepted]:
    """A hundred users at a bare endpoint that only reads the upload, at one that keeps it as safely as the
    pipeline and does nothing else, and at the pipeline's API.

    No worker runs: this is about the API, and on two cores the workers would take what it needs.
    """
    documents = [path.read_bytes() for path in stage.documents]
    env = stage.stack.environment()
    with bare(stage, env) as url:
        base = asyncio.run(users(f"{url}/documents", {}, documents, "a bare endpoint"))
        kept = asyncio.run(users(f"{url}/kept", {}, documents, "one that keeps the upload"))
    with running(stage, Form(0, 1), env) as (apps, _):
        assert apps.api_url
        url = f"{apps.api_url}/documents"
        ours = asyncio.run(users(url, apps.headers, documents, "the pipeline's API"))
    return [base, kept, ours]


@contextmanager
def bare(stage: Stage, env: Mapping[str, str]) -> Iterator[str]:
    """Run the bare endpoints for the time of the block, and yield their address."""
    port = free_port()
    words = ["-m", "uvicorn", "bootcamp.bench.ingest.bare:app", "--host", LOOPBACK]
    (folder := stage.folder / "kept").mkdir()
    variables = {**built(), **env, "PYTHONPATH": str(paths.ROOT), "KEEP_IN": str(folder)}
    log = stage.folder / "bare.log"
    command = [sys.executable, *words, "--port", str(port)]
    try:
        with Process(command, env=variables, log=log, name="bare endpoints") as process:
            process.wait_ready(lambda: answers_health(port))
            yield f"http://{LOOPBACK}:{port}"
    finally:
        release_port(port)


async def users(url: str, headers: dict[str, str], documents: list[bytes], name: str) -> Accepted:
    """Let the users send documents for `LOAD_SECONDS`. All pauses are the same in each run."""
    chance = random.Random(7)  # noqa: S311  (pauses, not secrets)
    times: list[float] = []
    failed = 0
    begin = time.monotonic() + FIRST_SECONDS
    end = begin + LOAD_SECONDS

    async def user(http: httpx.AsyncClient, seed: int) -> None:
        nonlocal failed
        own = random.Random(seed)  # noqa: S311
        await asyncio.sleep(own.uniform(0, FIRST_SECONDS))
        while time.monotonic() < end:
            content = own.choice(documents) + str(own.random()).encode()
            started = time.perf_counter()
            form = {"file": ("report.pdf", content, "application/pdf")}
            answer = await http.post(url, files=form)
            if time.monotonic() > begin:
                times.append(time.perf_counter() - started)
            failed += answer.status_code != httpx.codes.ACCEPTED
            await asyncio.sleep(own.uniform(*THINK_SECONDS))

    limits = httpx.Limits(max_connections=USERS, max_keepalive_connections=USERS)
    async with httpx.AsyncClient(
        headers=headers, limits=limits, timeout=60, trust_env=False
    ) as http:
        await asyncio.gather(*(user(http, chance.getrandbits(32)) for _ in range(USERS)))
    points = statistics.quantiles(times, n=100)
    return Accepted(name, len(times), failed, points[49], points[98])
