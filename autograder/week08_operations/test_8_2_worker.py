"""8.2: Beat and a worker finish jobs whose messages were lost; of two Beats one sends."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from random import Random

import pytest

from autograder.sdk import Run, Student, Worker, broker, fail, until
from autograder.sdk.jobs_table import JobsTable, moment
from autograder.week08_operations.overdue import Item, broken, stored

pytestmark = pytest.mark.item("8.2")

SENDS = "(pipeline.sweep)"
"""Beat logs the name of the entry, and the task in parentheses."""
LOCK_SECONDS = 2
ENV = {
    "OUTBOX_INTERVAL_SECONDS": "0.3",
    "BEAT_LOCK_SECONDS": str(LOCK_SECONDS),
    "LEASE_SECONDS": "60",
    "REDRIVE_SECONDS": "300",
}


def beat_command(name: str) -> list[str]:
    """What `python` is given for a Beat with a schedule file of its own."""
    words = ["-m", "celery", "-A", "pipeline.tasks.schedule", "beat", "--loglevel", "INFO"]
    return [*words, "--schedule", f"schedule-{name}", "--pidfile", ""]


def ended(table: JobsTable, rows: list[Item], seconds: float) -> list[str]:
    """The states of these jobs, once all have ended or the time is over."""

    def states() -> list[str]:
        return [str((table.get(row["id"]) or {}).get("status")) for row in rows]

    until(lambda: set(states()) <= {"completed", "failed"}, seconds, 0.2)
    return states()


def check_warned(worker: Worker, item_id: str) -> None:
    """A line of the log names the broken item, and says that it is a warning."""

    def warnings() -> list[str]:
        return [line for line in worker.logs().splitlines() if item_id in line]

    found = until(warnings, 15.0) or []
    if not any(level in line.upper() for line in found for level in ("WARNING", "ERROR")):
        fail(
            sent="an item whose handler raises an error",
            expected=f"a warning in the worker's log that names {item_id[:16]}…",
            got=found[0] if found else "no line with this id",
            cause="an item that fails in every sweep is found only if `recover` logs its id",
        )


@pytest.fixture
def recovering(student: Student, stores: None) -> Iterator[Worker]:
    """A worker with short delays. It takes no jobs of other items."""
    worker = student.start_worker("recovering", ENV)
    yield worker
    worker.kill()


def test_beat_drives_it(student: Student, recovering: Worker, run: Run, rng: Random) -> None:
    """a, c, g, i: lost jobs are completed by the first Beat, and by the second after the first was killed."""
    table = JobsTable(run)
    strange = broken(rng)
    table.put(strange)
    first = student.process("beat-first", beat_command("first"), env=ENV)
    if until(lambda: SENDS in first.logs(), 20.0) is None:
        fail(sent="one Beat", expected="it sends ticks", got="none", log=student.tail(first))
    second = student.process("beat-second", beat_command("second"), env=ENV)
    until(lambda: "This Beat waits" in second.logs() or SENDS in second.logs(), 20.0)
    lost = [stored(run, table, rng, f"lost {rng.random()}") for _ in range(3)]
    gone = {"lease_owner": "gone", "lease_until": moment(-5), "status": "processing"}
    counts = {"generation": 3, "deliveries": 1, "steps_done": 2}
    lost.append(stored(run, table, rng, f"died {rng.random()}", **gone, **counts))
    states = ended(table, lost, 30.0)
    if set(states) != {"completed"}:
        fail(
            sent="three jobs without a message, and one whose worker died",
            expected="all of them are completed: Beat sends `pipeline.sweep`",
            got=states,
            log=recovering.tail(),
        )
    check_warned(recovering, strange["id"])
    if SENDS in second.logs():
        cause = "only the Beat for which `hold` returns True sends"
        fail(sent="a second Beat", expected="it waits", got="it sends ticks too", cause=cause)
    first.kill(signal.SIGKILL)
    began = time.monotonic()
    if until(lambda: SENDS in second.logs(), LOCK_SECONDS + 15.0) is None:
        fail(
            sent=f"the first Beat is killed (BEAT_LOCK_SECONDS={LOCK_SECONDS})",
            expected="the second one takes over when the lock has expired",
            got=f"no tick after {time.monotonic() - began:.0f} s",
            log=student.tail(second),
        )
    more = [stored(run, table, rng, f"later {rng.random()}")]
    states = ended(table, more, 30.0)
    second.kill(signal.SIGKILL)
    broker.database(run, broker.BROKER).delete("beat-lock")
    if states != ["completed"]:
        fail(
            sent="a job without a message", expected="completed", got=states, log=recovering.tail()
        )
