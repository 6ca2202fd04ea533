"""What the programs of this week share: services, a worker, and a table of documents."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from bootcamp.stack import Run, find_or_start
from bootcamp.stack.process import Process

FOLDER = Path(__file__).parent
QUICK = ("--without-gossip", "--without-mingle")  # no other worker to greet: ready a second sooner

BY_ID: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
"""A table whose items are found only by their id."""


@contextmanager
def local_services() -> Iterator[Run]:
    """Set `REDIS_URL` and similar variables to services that only this program uses."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        yield run


@contextmanager
def celery_worker(app: str, *options: str) -> Iterator[Process]:
    """Run `celery -A <app> worker <options>` for the time of the block.

    The block begins when the worker is ready. At its end the worker is killed, because it has no more work.
    """
    celery = [sys.executable, "-m", "celery", "-A", app, "worker", "-l", "INFO", *QUICK, *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "worker.log"
        worker = Process(celery, env=os.environ, log=log, cwd=FOLDER, stop_signal=signal.SIGKILL)
        with worker:
            worker.wait_ready(lambda: " ready." in worker.logs())
            yield worker


@contextmanager
def documents_table(definition: dict[str, Any] = BY_ID) -> Iterator[Any]:
    """Create an empty table "documents" for the time of the block."""
    with local_services():
        table = boto3.resource("dynamodb").create_table(TableName="documents", **definition)
        table.wait_until_exists()
        yield table
