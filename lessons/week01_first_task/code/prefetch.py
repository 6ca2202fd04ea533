"""How many messages a worker with one slot takes out of the queue at once."""

import os
import time

from local import celery_worker, local_services
from redis import Redis
from reports import write

REPORTS = 10


def left_for_others(*options: str) -> int:
    """Enqueue ten reports; while the second is being written, count what is left."""
    queue = Redis.from_url(os.environ["REDIS_URL"], db=0)
    queue.flushdb()
    with celery_worker("reports", "--concurrency=1", *options):
        receipts = [write.delay(str(number)) for number in range(REPORTS)]
        while not receipts[0].ready():
            time.sleep(0.01)
        time.sleep(0.2)  # the second report is half written
        return queue.llen("celery")


def main() -> None:
    with local_services():
        for multiplier in (4, 1):
            left = left_for_others(f"--prefetch-multiplier={multiplier}")
            print(f"multiplier {multiplier}: {REPORTS - left} taken, {left} left for other workers")


if __name__ == "__main__":
    main()
