"""A task that starts no earlier than asked, and where its message waits until then."""

import os
import time

from local import celery_worker, local_services
from redis import Redis
from reports import write


def main() -> None:
    with local_services(), celery_worker("reports"):
        queue = Redis.from_url(os.environ["REDIS_URL"], db=0)

        start = time.perf_counter()
        receipt = write.apply_async(args=["Ada"], countdown=2)
        print(f"the producer went on after {time.perf_counter() - start:.1f} s")

        time.sleep(0.5)
        print(f"waiting in the queue: {queue.llen('celery')}")
        print(f"taken, not yet acknowledged: {queue.hlen('unacked')}")

        receipt.get(timeout=30)
        print(f"written after {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
