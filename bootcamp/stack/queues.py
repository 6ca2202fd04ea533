"""Which worker of the local stack consumes which queues, from week 8 on.

The names are those of `pipeline/tasks/routing.py`, which this package must not import. A test compares
them.
"""

from __future__ import annotations

JOB_QUEUES = ("urgent", "cpu", "io")
"""Everything that a job needs. A worker that has a part of it only could hold a job up when another dies."""
OTHER_QUEUES = ("webhooks", "celery")
"""What must never wait for a job, and must hold no job up."""
URGENT_ONLY = ("urgent",)


def queues_of(number: int) -> tuple[str, ...]:
    """Return the queues of a worker. Empty: all of them.

    The answer depends on the number of this worker alone, so a running stack gets more workers without
    a change to those that run.

    - The first takes all queues, so that one worker is enough.
    - From the second on a worker takes jobs only: a slow receiver of webhooks cannot hold it up.
    - The third takes webhooks and other small tasks only, so no job can hold these up.
    - The fourth waits for urgent jobs, so that one starts at once, even while all others are busy.

    Args:
        number: the number of the worker, from 1.
    """
    special = {1: (), 3: OTHER_QUEUES, 4: URGENT_ONLY}
    return special.get(number, JOB_QUEUES)
