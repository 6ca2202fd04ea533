"""The keys in Redis while an order waits, while it is printed, and afterwards."""

import os
import time

from local import celery_worker, local_services
from redis import Redis
from shop import app

DATABASES = {0: "broker", 1: "results"}


@app.task(name="shop.print", acks_late=True)
def print_document(document: str) -> str:
    time.sleep(0.5)
    return f"{document}, printed"


def size(redis: Redis, key: str) -> str:
    """Describe a key: its type, how many entries it has, and when it expires."""
    match redis.type(key):
        case "list":
            return f"list, {redis.llen(key)} long"
        case "hash":
            return f"hash, {redis.hlen(key)} long"
        case "zset":
            return f"sorted set, {redis.zcard(key)} long"
    return f"string, expires in ~{redis.ttl(key)} seconds"


def look(title: str) -> None:
    """Print the keys of both databases that belong to orders."""
    print(title)
    for number, name in DATABASES.items():
        redis = Redis.from_url(os.environ["REDIS_URL"], db=number, decode_responses=True)
        for key in sorted(key for key in redis.scan_iter() if not key.startswith("_kombu")):
            print(f"  {name:<8} {key:<53} {size(redis, key)}")


def wait_until(waiting: int, taken: int) -> None:
    """Wait until so many messages are in the queue, and so many are taken and not acknowledged."""
    broker = Redis.from_url(os.environ["REDIS_URL"], db=0)
    while (broker.llen("celery"), broker.hlen("unacked")) != (waiting, taken):
        time.sleep(0.05)


def main() -> None:
    with local_services():
        orders = [print_document.delay(f"lease-{number}.png") for number in range(3)]
        look("three orders wait, no worker")
        with celery_worker("inside_redis", "--prefetch-multiplier=1"):
            orders[0].get(timeout=30)
            wait_until(waiting=1, taken=1)
            look("the first is printed, the second is being printed")
            orders[2].get(timeout=30)
            wait_until(waiting=0, taken=0)
            look("all are printed")


if __name__ == "__main__":
    main()
