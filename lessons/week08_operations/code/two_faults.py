"""A small system that survives every single fault, and loses a job when two faults meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

JOB = "will.pdf"


@dataclass
class Office:
    """One job that was accepted. It waits in the queue, and something knows that it is not done."""

    queue: list[str] = field(default_factory=lambda: [JOB])
    memory: set[str] = field(default_factory=lambda: {JOB})
    """What the API knows of. It is gone with the process."""
    table: set[str] = field(default_factory=set)
    """What a table knows of. It is still there after a restart."""
    done: set[str] = field(default_factory=set)


def kill_worker(office: Office) -> None:
    """Redis delivers the message again, because it was not acknowledged. So nothing changes."""


def empty_queue(office: Office) -> None:
    """All messages are gone."""
    office.queue.clear()


def restart_api(office: Office) -> None:
    """All that the process knew is gone."""
    office.memory.clear()


def recover(office: Office) -> None:
    """Send a message for every job that is known and not done, and let a worker do the work."""
    office.queue += (office.memory | office.table) - set(office.queue)
    office.done.update(office.queue)


FAULTS = (kill_worker, empty_queue, restart_api)


def losses(make: Callable[[], Office], length: int) -> str:
    """Try every schedule of so many faults, and count those that lose the job."""
    schedules = list(product(FAULTS, repeat=length))
    lost = 0
    for schedule in schedules:
        one = make()
        for fault in schedule:
            fault(one)
        recover(one)
        lost += JOB not in one.done
    return f"{lost} of {len(schedules)} schedules lose the job"


def main() -> None:
    for name, make in (
        ("a list in memory", Office),
        ("a row in a table", lambda: Office(table={JOB})),
    ):
        for length in (1, 2):
            print(f"{name}, faults: {length}, {losses(make, length)}")


if __name__ == "__main__":
    main()
