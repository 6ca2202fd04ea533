"""The queues, which task goes to which of them, and which queue a worker reads first.

Every process that publishes or consumes imports this module: `pipeline.wiring` does, and the worker
imports all modules of `pipeline.tasks`. A worker that is started without `-Q` consumes all queues.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from kombu.entity import Exchange, Queue
from kombu.utils.scheduling import round_robin_cycle

from pipeline.models.steps import number_of
from pipeline.tasks.celery_config import app

URGENT = "urgent"
"""All tasks of urgent jobs. Every worker that runs jobs reads this queue first."""
CPU = "cpu"
"""Steps that keep a processor busy."""
IO = "io"
"""Steps that wait for another service most of the time."""
WEBHOOKS = "webhooks"
"""Webhook deliveries. Their duration depends on servers that belong to somebody else."""
DEFAULT = "celery"
"""All other tasks. This is Celery's own name, so messages from before the deploy are still consumed."""
QUEUES = (URGENT, CPU, IO, WEBHOOKS, DEFAULT)
"""All queues. There is no other place that lists them."""


def queue_of(task: str) -> str:
    """Return the queue of a task, for a job that is not urgent.

    Args:
        task: the name of a Celery task, such as `pipeline.parse_document`.

    Returns:
        One of `QUEUES`.
    """
    # TODO 8.1:
    #   a) Return `CPU` for the tasks that parse and chunk a document: `pipeline.parse_document` and
    #      `pipeline.chunk_document`.
    #   b) Return `IO` for the tasks that mostly wait: `pipeline.ingest_document`,
    #      `pipeline.embed_chunks` and `pipeline.index_document`.
    #   c) Return `WEBHOOKS` for `pipeline.deliver_webhook`.
    #   d) Return `DEFAULT` for every other task. A later week adds tasks that you do not know.
    raise NotImplementedError("8.1")


def choose(task: str, arguments: Sequence[Any]) -> str:
    """Return the queue for one message.

    Celery asks for every message that is published: for the entry task, for each step of a chain, and
    for what a sweep sends again. Only a retry stays in the queue that it came from. The reference in the
    message says whether the job is urgent, so an urgent job is urgent in all of its steps.

    Args:
        task: the name of the task.
        arguments: the task's positional arguments. The first argument of a job's tasks is the
            document's reference, a dict. It has `"urgent": True` if the job is urgent.

    Returns:
        One of `QUEUES`.
    """
    # TODO 8.1:
    #   e) Return `URGENT` if the task belongs to a job and the reference of the job says that it is
    #      urgent. `number_of(task)` is None if a task belongs to no job: it says nothing about its
    #      arguments, which can be of any type. The number of the entry task is 0.
    #   f) Return `queue_of(task)` in every other case. A reference from before this week has no
    #      `urgent`, and a job's task can come without arguments.
    raise NotImplementedError("8.1")


def reading_order(queues: Sequence[str]) -> list[str]:
    """Return the order in which a worker looks for its next message.

    Redis takes the message from the first of these queues that is not empty.

    Args:
        queues: the queues of this worker. The first is the one whose turn it is: after each message
            its queue moves to the end, so that each queue has its turn.

    Returns:
        The same queues in another order.
    """
    # TODO 8.1:
    #   g) Put `URGENT` first, if this worker reads it.
    #   h) Keep the order of all other queues. Otherwise a long backlog in one queue would stop
    #      another.
    raise NotImplementedError("8.1")


class UrgentFirst(round_robin_cycle):  # type: ignore[misc]  # kombu has no types
    """kombu's order of queues, with the urgent queue first. Given to students complete."""

    def consume(self, n: int) -> list[str]:
        """Return up to `n` queues, in the order in which the worker reads them."""
        turns: list[str] = super().consume(n)
        with suppress(NotImplementedError):  # until the exercise is done, all queues take turns
            return reading_order(turns)
        return turns


def route(name: str, args: Any, kwargs: Any, options: Any, **_: Any) -> dict[str, str] | None:
    """Answer Celery's question for the queue of a message. Given to students complete.

    Until the exercise is done, all messages go to the default queue.
    """
    with suppress(NotImplementedError):
        return {"queue": choose(name, args or ())}
    return None


def set_up_queues() -> None:
    """Tell Celery about the queues. Given to students complete.

    Each has an exchange and a routing key of its own, as a queue has that Celery makes by itself for
    `-Q`. So a worker that has been told only a name declares the same queue.
    """
    app.conf.update(
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        task_default_queue=DEFAULT,
        task_routes=(route,),
        broker_transport_options={
            **app.conf.broker_transport_options,
            "queue_order_strategy": f"{__name__}:{UrgentFirst.__name__}",
        },
    )


set_up_queues()
