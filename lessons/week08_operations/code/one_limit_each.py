"""Celery's `rate_limit` counts in each worker. How many requests do three workers send in a second?"""

import time

from kombu.utils.limits import TokenBucket

RATE = 20
"""The provider's limit: requests per second, for the whole account."""
SECONDS = 1.0


def sent(workers: int) -> int:
    """Count what so many workers send in a second, each as fast as its own bucket allows."""
    buckets = [TokenBucket(RATE) for _ in range(workers)]  # what a worker has for its `rate_limit`
    requests, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        requests += sum(bucket.can_consume() for bucket in buckets)
        time.sleep(0.002)
    return requests


def main() -> None:
    for workers in (1, 3):
        print(f"{workers} worker{'s' * (workers > 1)}: ~{sent(workers)} requests in a second")


if __name__ == "__main__":
    main()
