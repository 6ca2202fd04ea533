"""Eight letters of half a second each, on one, two and four worker slots."""

import time

from letters import write
from local import celery_worker, local_services

LETTERS = 8


def seconds_for_all() -> float:
    """Enqueue all letters and wait for the last."""
    start = time.perf_counter()
    receipts = [write.delay(str(number)) for number in range(LETTERS)]
    for receipt in receipts:
        receipt.get(timeout=30)
    return time.perf_counter() - start


def main() -> None:
    with local_services():
        for slots in (1, 2, 4):
            with celery_worker("letters", f"--concurrency={slots}"):
                print(f"slots: {slots}, time: {seconds_for_all():.1f} s")


if __name__ == "__main__":
    main()
