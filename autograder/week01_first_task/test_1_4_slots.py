"""1.4: as many tasks run at once as there are slots, and a worker leaves messages for others.

What a submission could fake:
- counts: the first request about each title counts, and no other request. A title that is asked for
  while its message waits in the queue is a failure.
- witness: the journal of the model, and the queue. A message that has left the queue must run or be in
  `unacked`, whatever the settings in the student's process say.
- place: the number of slots is random in each run.
- store: messages that are kept under another name than `unacked` are missed, and the item fails.
- probe: numbers of slots that are not run are read from `app.conf`, which is the student's word.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random

import pytest

from autograder.sdk import (
    Fault,
    JournalEntry,
    OpenAIControl,
    Run,
    Student,
    Worker,
    broker,
    fail,
    made,
    until,
)
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.4")

CONFIG = "pipeline.tasks.celery_config"
SLOW_SECONDS = 0.5
"""How long the model takes for each request."""
SLOWER_SECONDS = 2.0
"""The second try takes longer, because a busy machine may be slow to start tasks."""
SETTLE_SECONDS = 5.0
MOMENT_SECONDS = 0.1
"""A message that was taken is kept or runs after a small part of this."""
HOARD_SECONDS = 0.3
"""A worker that reserves too many messages has taken them by then."""


SOME_CORES = 17
"""As many cores as no machine has, for a process that asks how many there are."""
COUNT_CORES = ("os", "multiprocessing")


def requests_of(openai: OpenAIControl, titles: list[str]) -> list[JournalEntry]:
    """List the first request about each title. So no other request can fill a slot."""
    found = (articles.requests_with(openai, title) for title in titles)
    return [entries[0] for entries in found if entries]


def most_at_once(entries: list[JournalEntry]) -> int:
    """Find the largest number of requests that ran at the same time."""
    moments = [(entry.started, 1) for entry in entries]
    moments += [(entry.ended, -1) for entry in entries if entry.ended is not None]
    running = peak = 0
    for _, change in sorted(moments):
        running += change
        peak = max(peak, running)
    return peak


def test_slots_work_side_by_side(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random, slots: int
) -> None:
    """a, b: as many tasks run at once as the worker has slots."""
    count = slots + 2
    peak = run_slowly(student, run, worker, openai, rng, count, SLOW_SECONDS)
    if peak < slots:
        peak = run_slowly(student, run, worker, openai, rng, count, SLOWER_SECONDS)
    if peak != slots:
        fail(
            sent=f"{count} slow tasks to a worker started with WORKER_CONCURRENCY={slots}",
            expected=f"{slots} of them run at the same time",
            got=f"at most {peak} ran at the same time",
            cause="`worker_concurrency` does not come from `worker_settings().worker_concurrency`, "
            "or `worker_pool` is solo, which has one slot",
        )


@pytest.mark.parametrize("smallest", [1, 30], ids=["one", "many"])
def test_slots_have_no_limit(student: Student, rng: Random, smallest: int) -> None:
    """a: the setting is followed for one slot, and for more than a machine has cores."""
    asked = smallest if smallest == 1 else rng.randint(smallest, 3 * smallest)
    with articles.restarted(student, WORKER_CONCURRENCY=asked):
        found = student.read(CONFIG, "app.conf.worker_concurrency")
        reserved = student.read(CONFIG, "app.conf.worker_prefetch_multiplier")
        disabled = student.read(CONFIG, "app.conf.worker_disable_prefetch")
    if found != asked:
        fail(
            sent=f"app.conf.worker_concurrency, with WORKER_CONCURRENCY={asked}",
            expected=str(asked),
            got=found,
            cause="the number is limited, or it depends on the machine's cores",
        )
    if reserved != 1 and not disabled:
        fail(
            sent=f"app.conf.worker_prefetch_multiplier, with WORKER_CONCURRENCY={asked}",
            expected="1: one message reserved for each slot, however many slots there are",
            got=reserved,
            cause="Celery multiplies `worker_prefetch_multiplier` by the number of slots",
        )


def test_the_default_is_that_of_the_settings(student: Student) -> None:
    """a: without the variable WORKER_CONCURRENCY, the default of `WorkerSettings` holds."""
    integer = made("builtins", "getattr", made("importlib", "import_module", "builtins"), "int")
    cores = made("functools", "partial", integer, SOME_CORES)
    with articles.restarted(student, WORKER_CONCURRENCY=None):
        for module in (made("importlib", "import_module", name) for name in COUNT_CORES):
            student.call("builtins", "setattr", module, "cpu_count", cores)
        expected = student.call("pipeline.settings", "WorkerSettings")["worker_concurrency"]
        found = student.read(CONFIG, "app.conf.worker_concurrency")
    if found != expected:
        fail(
            sent="app.conf.worker_concurrency, without the variable WORKER_CONCURRENCY",
            expected=f"{expected}, the default of `WorkerSettings`",
            got=found,
            cause="the variable is read by hand, with another default",
        )


def run_slowly(
    student: Student,
    run: Run,
    worker: Worker,
    openai: OpenAIControl,
    rng: Random,
    count: int,
    seconds: float,
) -> int:
    """Run `count` tasks that take `seconds` each, and return how many ran at once."""
    openai.clear()
    openai.script(Fault.slow(seconds, times=None))
    titles = articles.titles(rng, count)
    ids = [articles.enqueue(student, title) for title in titles]
    for task_id in ids:
        articles.outcome(run, task_id, timeout=seconds * count + 10)
    entries = requests_of(openai, titles)
    if len(entries) < count:
        fail(
            sent=f"{count} tasks of {seconds} s each",
            expected=f"{count} summaries",
            got=f"{len(entries)} requests to the model",
            cause="tasks were lost or failed: the worker's log says why",
            log=worker.tail(),
        )
    return most_at_once(entries)


def test_leaves_messages_for_others(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random, slots: int
) -> None:
    """a, b: the worker takes no more messages than it has slots, and it takes as many."""
    openai.script(Fault.slow(SLOW_SECONDS, times=None))
    titles = articles.titles(rng, slots * 5)
    with worker.paused():
        messages = {articles.enqueue(student, title): title for title in titles}
    until(lambda: len(requests_of(openai, titles)) >= slots, SETTLE_SECONDS)
    until(lambda: len(reserved(run, messages)) > slots, HOARD_SECONDS)
    kept = reserved(run, messages)
    lost = hidden(run, openai, messages)
    time.sleep(MOMENT_SECONDS)
    lost &= hidden(run, openai, messages)
    known = kept | reserved(run, messages)
    running = requests_of(openai, titles)
    ahead = until(lambda: asked_ahead(run, openai, messages), 2 * SLOW_SECONDS) or set()
    broker.database(run, broker.BROKER).delete(
        *{message.queue for message in broker.waiting(run)} or {"nothing"}
    )
    until(lambda: not reserved(run, messages), SETTLE_SECONDS)
    if len(kept) > slots:
        fail(
            sent=f"{len(titles)} slow tasks to one worker with {slots} slots",
            expected=f"at most {slots} messages reserved, and the rest left for other workers",
            got=f"{len(kept)} messages reserved by this one worker",
            cause="`worker_prefetch_multiplier` must be 1 here; Celery's default is 4, 0 is no limit",
        )
    if ahead:
        fail(
            sent=f"{len(titles)} slow tasks to one worker with {slots} slots",
            expected="no request to the model for a task whose message nobody has taken",
            got=f"{len(ahead)} such requests",
            cause="a task does the work of others. Set the slots to `worker_settings().worker_concurrency`",
        )
    if len(lost) > slots or not known or len(running) < slots:  # as many may be about to run
        fail(
            sent=f"{len(titles)} slow tasks to one worker with {slots} slots",
            expected=f"{slots} tasks that run, and each other message in the queue or in the hash "
            "`unacked` of Redis",
            got=f"{len(running)} tasks that run, and {len(lost)} messages in neither place",
            cause="set only the slots and `worker_prefetch_multiplier` here. `redelivery()` says where "
            "the messages of a worker are kept",
        )


def reserved(run: Run, messages: Mapping[str, str]) -> set[str]:
    """The ids of those messages that Redis keeps for a worker which has taken them."""
    return {str(one.headers.get("id")) for one in broker.taken(run)} & messages.keys()


def hidden(run: Run, openai: OpenAIControl, messages: Mapping[str, str]) -> set[str]:
    """The ids of messages that were taken from the queue, but do not run and are kept nowhere.

    Args:
        messages: the title of each message, by its id.
    """
    kept = reserved(run, messages)
    waiting = {str(one.headers.get("id")) for one in broker.waiting(run)}
    gone = messages.keys() - waiting - kept
    return {one for one in gone if not articles.requests_with(openai, messages[one])}


def asked_ahead(run: Run, openai: OpenAIControl, messages: Mapping[str, str]) -> set[str]:
    """The ids of messages that wait in the queue although the model was asked about their titles."""
    asked = {one for one, title in messages.items() if articles.requests_with(openai, title)}
    return asked & {str(one.headers.get("id")) for one in broker.waiting(run)}
