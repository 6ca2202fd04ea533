"""A task that never ends, under a soft and a hard time limit."""

import time

from celery.exceptions import SoftTimeLimitExceeded
from local import celery_worker, local_services
from shop import app


@app.task(name="shop.polite", soft_time_limit=1, time_limit=10)
def polite(document: str) -> str:
    """Wait without end, and clean up when the soft limit is reached."""
    try:
        time.sleep(3600)
    except SoftTimeLimitExceeded:
        return f"{document}: stopped, and cleaned up"
    return f"{document}: printed"


@app.task(name="shop.stubborn", soft_time_limit=1, time_limit=2)
def stubborn(document: str) -> str:
    """Wait without end, and catch every exception."""
    while True:
        try:
            time.sleep(3600)
        except Exception:
            print("an exception, continue")


def main() -> None:
    with local_services(), celery_worker("limited", "-c", "2"):
        receipts = [task.delay("lease.pdf") for task in (polite, stubborn)]
        for receipt in receipts:
            print(f"{receipt.get(timeout=30, propagate=False)!r} ({receipt.state})")


if __name__ == "__main__":
    main()
