"""How many messages a worker with one slot takes out of the queue at once."""

import os
import time

from letters import write
from local import celery_worker, local_services
from redis import Redis

LETTERS = 10


def left_for_others(*options: str) -> int:
    """Enqueue ten letters; while the second is being written, count what is left."""
    queue = Redis.from_url(os.environ["REDIS_URL"], db=0)
    queue.flushdb()
    with celery_worker("letters", "--concurrency=1", *options):
        receipts = [write.delay(str(number)) for number in range(LETTERS)]
        while not receipts[0].ready():
            time.sleep(0.01)
        time.sleep(0.2)  # the second letter is half written
        return queue.llen("celery")


def main() -> None:
    with local_services():
        for multiplier in (4, 1):
            left = left_for_others(f"--prefetch-multiplier={multiplier}")
            print(f"multiplier {multiplier}: {LETTERS - left} taken, {left} left for other workers")


if __name__ == "__main__":
    main()
