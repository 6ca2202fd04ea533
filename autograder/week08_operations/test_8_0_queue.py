"""8.0, the first green: one message in a queue with a name.

What a submission could fake:
- counts: the message must be the only one with this title.
- witness: the message in Redis. Its task, its arguments and its id are compared, so to write it by hand
  is no less work.
- place: queue and title are random.
- store: the title is looked for in all lists of the broker's database.
- probe: none.
"""

from __future__ import annotations

import json
from random import Random

import pytest

from autograder.sdk import Run, Student, broker, fail

pytestmark = pytest.mark.item("8.0")

TASK = "pipeline.summarize_article"


def test_the_message_is_in_the_named_queue(student: Student, run: Run, rng: Random) -> None:
    """a: one message of the task is in the queue that was named, with the title, and its id is returned."""
    queue, title = f"queue-{rng.getrandbits(32):x}", f"Tides of {rng.getrandbits(32):x}"
    sent = f"enqueue_in({queue!r}, {title!r})"
    said = student.call("pipeline.first_queue", "enqueue_in", queue, title)
    found = [one for one in broker.waiting(run) if title.encode() in one.body]
    for name in {one.queue for one in found}:
        broker.database(run, broker.BROKER).delete(name)
    if [one.queue for one in found] != [queue]:
        fail(
            sent=sent,
            expected=f"one message in the queue {queue}",
            got=f"messages in {[one.queue for one in found]}",
            cause="name the queue with the argument `queue` of `apply_async`. `delay` has no such argument",
        )
    message = found[0]
    arguments = json.loads(message.body)[0]
    if message.headers.get("task") != TASK or arguments != [title]:
        got = f"{message.headers.get('task')} with {arguments}"
        fail(sent=sent, expected=f"{TASK} with {[title]}", got=got)
    if said != message.headers.get("id"):
        expected = f"the task's id, {message.headers.get('id')}"
        fail(
            sent=sent,
            expected=expected,
            got=said,
            cause="return the `id` of what `apply_async` returns",
        )
