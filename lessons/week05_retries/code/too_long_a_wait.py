"""A message that waits in a worker for longer than the broker waits for a word from that worker."""

import os
import time

from local import celery_worker, local_services
from rounds import load, notes

VISIBILITY_SECONDS = 2
WAITS = (0.2, 3.5)
"""Seconds: below it, and above it."""
PATIENCE_SECONDS = 15


def runs(wait: float) -> int:
    """How often the task has run that was to wait so long."""
    return int(notes().llen(f"{wait}"))


def main() -> None:
    os.environ["VISIBILITY_SECONDS"] = str(VISIBILITY_SECONDS)
    with local_services(), celery_worker("rounds"):
        for wait in WAITS:
            load.apply_async([f"{wait}"], countdown=wait)
        end = time.monotonic() + PATIENCE_SECONDS
        while runs(max(WAITS)) < 2 and time.monotonic() < end:
            time.sleep(0.1)
        for wait in WAITS:
            print(f"to wait {wait} s: {'once' if runs(wait) == 1 else 'more than once'}")


if __name__ == "__main__":
    main()
