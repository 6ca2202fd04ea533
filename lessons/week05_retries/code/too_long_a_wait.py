"""A message that waits in a worker for longer than the broker waits for a word from that worker."""

import time

from local import celery_worker, local_services
from rounds import load, notes

WAITS = (0.2, 2.5)
"""Seconds. The visibility timeout in `rounds.py` is one."""


def main() -> None:
    with local_services(), celery_worker("rounds"):
        for wait in WAITS:
            load.apply_async([f"{wait}"], countdown=wait)
        time.sleep(max(WAITS) + 1)
        for wait in WAITS:
            runs = notes().llen(f"{wait}")
            print(f"to wait {wait} s: {'once' if runs == 1 else 'more than once'}")


if __name__ == "__main__":
    main()
