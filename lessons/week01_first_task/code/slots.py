"""Eight reports of half a second each, on one, two and four worker slots."""

import time

from local import celery_worker, local_services
from reports import write

REPORTS = 8


def seconds_for_all() -> float:
    """Enqueue all reports and wait for the last."""
    start = time.perf_counter()
    receipts = [write.delay(str(number)) for number in range(REPORTS)]
    for receipt in receipts:
        receipt.get(timeout=30)
    return time.perf_counter() - start


def main() -> None:
    with local_services():
        for slots in (1, 2, 4):
            with celery_worker("reports", f"--concurrency={slots}"):
                print(f"slots: {slots}, time: {seconds_for_all():.1f} s")


if __name__ == "__main__":
    main()
