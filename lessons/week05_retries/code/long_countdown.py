"""A worker holds a message with a countdown that is longer than the broker's visibility timeout."""

import os
import time

from local import celery_worker, local_services
from three_tasks import notes, parse

VISIBILITY_SECONDS = 2
COUNTDOWNS = (0.2, 3.5)
"""One below the visibility timeout, one above it. Seconds."""
LIMIT_SECONDS = 15


def runs(countdown: float) -> int:
    """How often the task with this countdown has run."""
    return int(notes().llen(f"{countdown}"))


def main() -> None:
    os.environ["VISIBILITY_SECONDS"] = str(VISIBILITY_SECONDS)
    with local_services(), celery_worker("three_tasks"):
        for countdown in COUNTDOWNS:
            parse.apply_async([f"{countdown}"], countdown=countdown)
        end = time.monotonic() + LIMIT_SECONDS
        while runs(max(COUNTDOWNS)) < 2 and time.monotonic() < end:
            time.sleep(0.1)
        for countdown in COUNTDOWNS:
            ran = "once" if runs(countdown) == 1 else "more than once"
            print(f"countdown {countdown} s: the task ran {ran}")


if __name__ == "__main__":
    main()
