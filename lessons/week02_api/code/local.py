"""What the programs of this week share: their own services, and processes that end with them."""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from bootcamp.stack import Run, find_or_start
from bootcamp.stack.process import Process

FOLDER = Path(__file__).parent
QUICK = ("--without-gossip", "--without-mingle")  # no other worker to greet: ready a second sooner


@contextmanager
def local_services() -> Iterator[Run]:
    """Set `REDIS_URL` and the other variables to services of this program alone."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        yield run


@contextmanager
def celery_worker(app: str, *options: str) -> Iterator[Process]:
    """Run `celery -A <app> worker <options>` during the block.

    The block begins when the worker is ready. At its end the worker is killed.
    """
    celery = ["celery", "-A", app, "worker", "-l", "INFO", "-c", "1", *QUICK, *options]
    with _process(celery) as worker:
        worker.wait_ready(lambda: " ready." in worker.logs())
        yield worker


@contextmanager
def web_server(app: str, **env: str) -> Iterator[str]:
    """Serve `<module>:<app>` with uvicorn during the block. Yields its address.

    Further variables of its environment are passed by name.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/health").is_success
        except httpx.TransportError:
            return False

    uvicorn = ["uvicorn", app, "--port", str(port), "--log-level", "warning"]
    with _process(uvicorn, **env) as server:
        server.wait_ready(answers)
        yield address


@contextmanager
def silent_server() -> Iterator[str]:
    """Start a server that accepts connections and never answers. Yields its address."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _process(module: list[str], **env: str) -> Iterator[Process]:
    with tempfile.TemporaryDirectory() as folder:
        process = Process(
            [sys.executable, "-m", *module],
            env={**os.environ, **env},
            log=Path(folder) / "process.log",
            cwd=FOLDER,
            stop_signal=signal.SIGKILL,
        )
        with process:
            yield process
