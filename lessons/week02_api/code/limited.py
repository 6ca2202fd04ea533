"""A task that never ends, under a soft and a hard time limit."""

import time

from celery.exceptions import SoftTimeLimitExceeded
from local import celery_worker, local_services
from shop import app


@app.task(name="shop.polite", soft_time_limit=1, time_limit=10)
def polite(photo: str) -> str:
    """Wait for ever, and tidy up when told that time is over."""
    try:
        time.sleep(3600)
    except SoftTimeLimitExceeded:
        return f"{photo}: gave up, and tidied up"
    return f"{photo}: printed"


@app.task(name="shop.deaf", soft_time_limit=1, time_limit=2)
def deaf(photo: str) -> str:
    """Wait for ever, and hear nothing."""
    while True:
        try:
            time.sleep(3600)
        except Exception:
            print("something happened, go on")


def main() -> None:
    with local_services(), celery_worker("limited", "-c", "2"):
        receipts = [task.delay("beach.png") for task in (polite, deaf)]
        for receipt in receipts:
            print(f"{receipt.get(timeout=30, propagate=False)!r} ({receipt.state})")


if __name__ == "__main__":
    main()
