"""This pipeline: documents are sent to the API, and workers take them in, with everything switched on."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from bootcamp.bench.ingest import cpu
from bootcamp.bench.ingest.stage import Measured, Stage, counted, empty
from bootcamp.course.layers import Layer
from bootcamp.errors import StackError
from bootcamp.stack.apps import CELERY_APP, Apps, layer_environment, start_worker
from bootcamp.stack.operating import metrics_variables, worker_variables
from bootcamp.stack.process import Process
from bootcamp.stack.queues import JOB_QUEUES, OTHER_QUEUES

SENDERS = 4
"""How many documents are sent at the same time."""
WARM_UPS = 3
"""Documents for each slot before the time is taken, so that all slots have their clients and parsers."""
WAIT_SECONDS = 240.0
POLL_SECONDS = 0.05
SETTLE_SECONDS = 0.3
COMPLETED = "completed"
BULK_LOAD = "pipeline.bulk_load"


@dataclass(frozen=True)
class Form:
    """How the pipeline is run: worker nodes, slots in each, and when it indexes vectors."""

    workers: int = 1
    slots: int = 2
    bulk: bool = False
    """Whether the vector index is built after the documents. Its build is a part of the time."""
    layers: tuple[Layer, ...] | None = None
    """Whose code runs. None: the reference of all weeks."""


@contextmanager
def running(stage: Stage, form: Form, env: Mapping[str, str]) -> Iterator[tuple[Apps, list[int]]]:
    """Start API, Beat and workers. Yields the apps, and the process ids of the workers.

    All workers take all queues, other than those of the local stack: there the third takes no jobs.
    """
    settings = {"WORKER_CONCURRENCY": str(form.slots)}
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="apps_")))
        layers = form.layers or stage.layers
        apps = Apps({**env, **settings}, layers, workers=0, state=folder)
        undo.enter_context(apps)
        more = metrics_variables(layers, folder / "workers")
        full = layer_environment({**env, **settings, **more}, layers)
        full |= worker_variables(layers)
        workers = [_worker(number, full, folder) for number in range(1, form.workers + 1)]
        for worker in workers:
            undo.callback(worker.stop)
        for worker in workers:
            start_worker(worker)
        yield apps, [worker.pid for worker in workers]


def _worker(number: int, env: dict[str, str], folder: Path) -> Process:
    words = ["-m", "celery", "-A", CELERY_APP, "worker", "--hostname", f"worker{number}@%h"]
    words += ["-Q", ",".join((*JOB_QUEUES, *OTHER_QUEUES)), "--loglevel", "INFO"]
    words += ["--without-mingle", "--without-gossip"]
    name = f"worker{number}"
    return Process(
        [sys.executable, *words], env=env, log=folder / f"{name}.log", name=name, cwd=folder
    )


def measure_ours(
    stage: Stage,
    name: str,
    form: Form,
    documents: Sequence[Path],
    answer_seconds: float,
) -> Measured:
    """Send the documents, wait until all jobs have ended, and return the time from the first byte to the
    last job's end. A document that is given twice is sent as two that differ.

    Raises:
        StackError: a job has not completed in time.
    """
    base = stage.stack.environment()
    empty(base["DATABASE_URL"])
    with stage.endpoint(answer_seconds) as endpoint:
        env = base | endpoint.environment()
        with running(stage, form, env) as (apps, workers), client(apps) as http:
            count = WARM_UPS * form.slots * form.workers
            warm = [send(http, stage.warm_up, f"{name} {n}") for n in range(count)]
            wait_for(http, base["DATABASE_URL"], warm)
            empty(base["DATABASE_URL"])
            if form.bulk:
                apps.run("bulk_load", BULK_LOAD, "begin")
            ours = [process.pid for process in apps.processes]
            groups = stage.groups(endpoint=[endpoint.pid], api=ours, workers=workers)
            before, started = cpu.used(groups), time.time()
            with ThreadPoolExecutor(SENDERS) as pool:
                jobs = list(
                    pool.map(lambda n: send(http, documents[n], str(n)), range(len(documents)))
                )
            ended = wait_for(http, base["DATABASE_URL"], jobs)
            if form.bulk:
                building = time.time()
                apps.run("bulk_load", BULK_LOAD, "end")
                ended += time.time() - building
            time.sleep(SETTLE_SECONDS)
            used = cpu.between(before, cpu.used(groups))
            found, chunks = counted(base["DATABASE_URL"])
    if found != len(documents):
        raise StackError(f"{found} of {len(documents)} documents are in the index.")
    return Measured(name, found, chunks, ended - started, used)


@contextmanager
def client(apps: Apps) -> Iterator[httpx.Client]:
    """A client of the API, with its key."""
    assert apps.api_url
    limits = httpx.Limits(max_keepalive_connections=SENDERS)
    with httpx.Client(
        base_url=apps.api_url, headers=apps.headers, limits=limits, timeout=60, trust_env=False
    ) as http:
        yield http


def send(http: httpx.Client, path: Path, mark: str = "") -> str:
    """Send one document, and return its job's id. `mark` makes its content unlike all others."""
    content = path.read_bytes() + mark.encode()
    answer = http.post("/documents", files={"file": (path.name, content, "application/pdf")})
    if answer.status_code != httpx.codes.ACCEPTED:
        raise StackError(f"The API answered {answer.status_code}: {answer.text[:300]}")
    return str(answer.json()["job_id"])


def wait_for(http: httpx.Client, database_url: str, jobs: Sequence[str]) -> float:
    """Wait until all jobs have completed, and return when the last one did, in seconds since 1970.

    Raises:
        StackError: a job failed, or has not ended in time.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while counted(database_url)[0] < len(jobs) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return max(_end_of(http, job, deadline) for job in jobs)


def _end_of(http: httpx.Client, job: str, deadline: float) -> float:
    while True:
        view = http.get(f"/jobs/{job}").json()
        if view["finished_at"] or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    if view["status"] != COMPLETED:
        raise StackError(f"A job is {view['status']}: {view.get('error')}")
    return datetime.fromisoformat(view["finished_at"]).timestamp()
