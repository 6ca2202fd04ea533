"""A chain of three tasks for one document. The provider rejects the first two calls of the second."""

import os
from typing import Any

from celery import Celery, Task
from celery.exceptions import Ignore
from redis import Redis


def configuration() -> dict[str, object]:
    server = os.environ["REDIS_URL"]
    return {
        "broker_url": f"{server}/0",
        "result_backend": f"{server}/1",
        "worker_concurrency": 1,
        "task_acks_late": True,
        "broker_transport_options": {
            "visibility_timeout": int(os.environ.get("VISIBILITY_SECONDS", "3600")),
            "unacked_restore_interval": 0.5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 5,
        },
    }


app = Celery("three_tasks")
app.add_defaults(configuration)


class ProviderBusy(Exception):
    """A transient error."""


def notes() -> Any:
    """The list of what was done with each document."""
    return Redis.from_url(os.environ["REDIS_URL"], db=2, decode_responses=True)


@app.task(name="three_tasks.parse")
def parse(document: str) -> str:
    """Read the text of the document."""
    notes().rpush(document, "parse")
    return document


@app.task(bind=True, name="three_tasks.embed", max_retries=None)
def embed(self: Task, document: str, wait: float, way: str) -> str:
    """Embed the text. The third call of the provider succeeds."""
    notes().rpush(document, "embed")
    if notes().lrange(document, 0, -1).count("embed") > 2:
        return document
    if way == "whole chain":
        chain_of(document, wait, way).apply_async(countdown=wait)
        raise Ignore  # this chain ends here
    raise self.retry(exc=ProviderBusy(), countdown=wait)


@app.task(name="three_tasks.index")
def index(document: str) -> None:
    """Write the document to the index."""
    notes().rpush(document, "index")


def chain_of(document: str, wait: float, way: str) -> Any:
    """The three tasks of one document."""
    return parse.s(document) | embed.s(wait, way) | index.s()
