"""8.1: the queue of a task, of a message, and the order in which a worker reads queues."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail
from autograder.sdk.jobs_table import document, new_id

pytestmark = pytest.mark.item("8.1")

ROUTING = "pipeline.tasks.routing"
URGENT, CPU, IO, WEBHOOKS, DEFAULT = "urgent", "cpu", "io", "webhooks", "celery"
QUEUE_OF = {
    "pipeline.ingest_document": IO,
    "pipeline.parse_document": CPU,
    "pipeline.chunk_document": CPU,
    "pipeline.embed_chunks": IO,
    "pipeline.index_document": IO,
}
"""The tasks of a job."""
DELIVERY = "pipeline.deliver_webhook"
OTHERS = (
    "pipeline.summarize_article",
    "pipeline.send_alert",
    "pipeline.hello",
    "celery.backend_cleanup",
)


def unknown(rng: Random) -> list[str]:
    """Tasks of a later week, whose names begin like known ones."""
    names = ("parse", "embed", "webhook", "deliver", "deliver_webhook", "ingest", "chunk", "index")
    return [f"pipeline.{name}_{rng.getrandbits(32):x}" for name in names]


def test_each_task_has_a_queue(student: Student, rng: Random) -> None:
    """a, b, c, d: steps by what they need, deliveries apart, and everything else in the default queue."""
    wanted = {**QUEUE_OF, DELIVERY: WEBHOOKS, **dict.fromkeys((*OTHERS, *unknown(rng)), DEFAULT)}
    for task, queue in wanted.items():
        said = student.call(ROUTING, "queue_of", task)
        if said != queue:
            fail(
                sent=f"queue_of({task!r})",
                expected=repr(queue),
                got=said,
                cause="compare the table of tasks: parse and chunk compute, the other steps wait, and a "
                "task that you do not know goes to `DEFAULT`",
            )


def check(student: Student, task: str, arguments: list[Any], queue: str, cause: str) -> None:
    said = student.call(ROUTING, "choose", task, arguments)
    if said != queue:
        fail(sent=f"choose({task!r}, {arguments!r})", expected=repr(queue), got=said, cause=cause)


def test_an_urgent_job_is_urgent_in_every_step(student: Student, rng: Random) -> None:
    """e: the entry task and all four steps of an urgent job."""
    reference = {**document(rng, new_id(rng)), "owner": "me", "urgent": True}
    for task in QUEUE_OF:
        cause = "the reference is the first argument of all tasks of a job. The number of the entry task is "
        cause += "0, which is false in a condition"
        check(student, task, [reference], URGENT, cause)
        reference = {**reference, f"{task.rpartition('.')[2]}_key": "artifacts/x"}


def test_other_messages_are_not_urgent(student: Student, rng: Random) -> None:
    """e, f: jobs that are not urgent, tasks that belong to no job, and messages without arguments."""
    reference = {**document(rng, new_id(rng)), "owner": "me"}
    for task, queue in QUEUE_OF.items():
        cause = "a job is urgent only if its reference has `urgent` with the value True"
        check(student, task, [reference], queue, cause)
        check(student, task, [{**reference, "urgent": False}], queue, cause)
        check(student, task, [], queue, "a message of a job can come without arguments")
        cause = "only the first argument is the reference of the job"
        check(student, task, [reference, {"urgent": True}], queue, cause)
    foreign = "the arguments of a task that belongs to no job say nothing about a job"
    for task, queue in {DELIVERY: WEBHOOKS, **dict.fromkeys(OTHERS, DEFAULT)}.items():
        for argument in ("urgent", {"urgent": True}, None, 1, ["urgent"]):
            check(student, task, [argument], queue, foreign)
        check(student, task, [], queue, foreign)


def test_the_urgent_queue_is_read_first(student: Student, rng: Random) -> None:
    """g, h: the urgent queue comes first, the others keep their order, whatever a worker consumes."""
    for size in (2, 3, 4, 5):
        for _ in range(4):
            queues = rng.sample([CPU, IO, WEBHOOKS, DEFAULT], size - 1)
            queues.insert(rng.randint(0, size - 1), URGENT)
            order(student, queues)
    order(student, [URGENT, IO, CPU])
    order(student, [IO, CPU, URGENT])
    for queues in ([WEBHOOKS, DEFAULT], [DEFAULT, WEBHOOKS], [CPU], [URGENT], []):
        order(student, queues)


def order(student: Student, queues: list[str]) -> None:
    wanted = [one for one in queues if one == URGENT] + [one for one in queues if one != URGENT]
    said = student.call(ROUTING, "reading_order", queues)
    if said == wanted:
        return
    same = isinstance(said, list) and sorted(map(str, said)) == sorted(queues)
    fail(
        sent=f"reading_order({queues!r})",
        expected=repr(wanted),
        got=said,
        cause="put `urgent` first, and leave all others in the order in which they came: it says whose "
        "turn it is"
        if same
        else "return exactly the queues of this worker",
    )
