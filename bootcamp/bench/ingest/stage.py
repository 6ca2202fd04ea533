"""What all measurements of one run share: the stack, the documents, the endpoint, and how time is taken."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bootcamp import paths
from bootcamp.bench.ingest.corpus import DOCUMENTS, WARM_UP, make_corpus
from bootcamp.bench.ingest.cpu import Groups, Seconds
from bootcamp.course.layers import Layer, reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.environment import built
from bootcamp.ports import answers_health, free_port, release_port
from bootcamp.stack import Stack
from bootcamp.stack.addresses import Endpoints
from bootcamp.stack.postgres import Admin
from bootcamp.stack.process import Process

ANSWER_SECONDS = 0.05
"""How long the endpoint takes for a request, beside its own calculation."""
SERVICES = {"postgres": "PostgreSQL", "aws": "DynamoDB", "redis": "Redis"}
"""The servers of the stack whose processor time is shown, and what the table calls them."""


@dataclass(frozen=True)
class Measured:
    """One way of doing the work: what it did, in which time, and who needed which processor time."""

    name: str
    documents: int
    chunks: int
    seconds: float
    cpu: Seconds = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Documents per second."""
        return self.documents / self.seconds

    @property
    def cpu_per_document(self) -> Seconds:
        """Seconds of processor time for one document, by group. The sender's own are in it too."""
        return {name: seconds / self.documents for name, seconds in self.cpu.items()}


@dataclass(frozen=True)
class Stage:
    """The stack and the documents. Everything is written through to disk, for every candidate alike."""

    stack: Stack
    folder: Path
    pages: int
    layers: tuple[Layer, ...]

    @property
    def documents(self) -> list[Path]:
        """The timed documents, in order."""
        return sorted(self.folder.glob("report*.pdf"))

    @property
    def warm_up(self) -> Path:
        """The document that is not timed."""
        return self.folder / WARM_UP

    @property
    def endpoints(self) -> Endpoints:
        return self.stack.endpoints

    @contextmanager
    def endpoint(self, seconds: float = ANSWER_SECONDS) -> Iterator[Endpoint]:
        """Run the embeddings endpoint for the time of the block."""
        port = free_port()
        words = ["-m", "bootcamp.bench.ingest.endpoint", str(port), str(seconds)]
        env = built() | {"PYTHONPATH": str(paths.ROOT)}
        log = self.folder / "endpoint.log"
        try:
            with Process([sys.executable, *words], env=env, log=log, name="endpoint") as process:
                process.wait_ready(lambda: answers_health(port))
                yield Endpoint(f"http://127.0.0.1:{port}/v1", process.pid)
        finally:
            release_port(port)

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Yield the URL of an empty database that is dropped after the block."""
        admin = Admin(self.endpoints.postgres_port, self.endpoints.postgres_password)
        try:
            yield admin.create(name, "bench").url
        finally:
            admin.drop(name)

    def groups(self, **more: Sequence[int]) -> Groups:
        """Return the processes whose time is counted: the servers, and `more` by name."""
        pids = self.endpoints.server_pids
        return {shown: [pids[name]] for name, shown in SERVICES.items()} | dict(more)


@dataclass(frozen=True)
class Endpoint:
    """An embeddings endpoint that runs."""

    url: str
    pid: int

    def environment(self) -> dict[str, str]:
        """The variables that lead the `openai` client there."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": "sk-local-bench"}


@contextmanager
def open_stage(documents: int = DOCUMENTS) -> Iterator[Stage]:
    """Make the documents and start a stack that keeps its data, as a deployed one does."""
    with ExitStack() as undo:
        state = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="bench_")))
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="documents_")))
        pages = make_corpus(folder, documents)
        stack = undo.enter_context(Stack(state / "stack"))
        yield Stage(stack, folder, pages, reference_layers(all_weeks()[-1]))


def empty(database_url: str) -> None:
    """Remove all documents from the pipeline's index, if it has one."""
    with psycopg.connect(database_url, autocommit=True) as database:
        if database.execute("SELECT to_regclass('documents')").fetchone() != (None,):
            database.execute("TRUNCATE documents, chunks")


def counted(database_url: str) -> tuple[int, int]:
    """Return how many documents and chunks the pipeline's index has."""
    statement = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks)"
    with psycopg.connect(database_url, autocommit=True) as database:
        found = database.execute(statement).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
