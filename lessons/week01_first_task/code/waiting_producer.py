"""Two producers: one waits for each result before it enqueues the next, one does not."""

import time

from local import celery_worker, local_services
from reports import write

NAMES = ["Ada", "Grace", "Edsger", "Barbara"]


def wait_for_each() -> None:
    for name in NAMES:
        write.delay(name).get(timeout=30)  # the queue never holds more than one report


def enqueue_all() -> None:
    receipts = [write.delay(name) for name in NAMES]
    for receipt in receipts:
        receipt.get(timeout=30)


def main() -> None:
    with local_services(), celery_worker("reports", "--concurrency=4"):
        start = time.perf_counter()
        wait_for_each()
        print(f"wait for each: {time.perf_counter() - start:.1f} s")

        start = time.perf_counter()
        enqueue_all()
        print(f"enqueue all:   {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
