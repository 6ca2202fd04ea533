"""A queue and a cache in one Redis server that is short of memory, with three eviction policies."""

import os

from local import local_services
from redis import Redis
from redis.exceptions import RedisError
from shop import app

ORDERS = 200
CACHED = 1500
ROOM = 1 * 1024 * 1024
"""How many bytes Redis may use in addition to what it uses when it is empty."""


@app.task(name="shop.print")
def print_document(document: str) -> str:
    return f"{document}, printed"


def try_policy(policy: str) -> str:
    """Enqueue orders, fill the cache, and count the orders that are left."""
    queue = Redis.from_url(os.environ["REDIS_URL"], db=0)
    cache = Redis.from_url(os.environ["REDIS_URL"], db=2)
    queue.flushall()
    queue.config_set("maxmemory", queue.info("memory")["used_memory"] + ROOM)
    queue.config_set("maxmemory-policy", policy)
    for number in range(ORDERS):
        print_document.delay(f"lease-{number}.png")
    refused = 0
    for number in range(CACHED):
        try:
            cache.set(f"thumbnail-{number}", bytes(4000), ex=3600)
        except RedisError:
            refused += 1
    left = queue.llen("celery")
    return f"{left} of {ORDERS} orders left, {'some' if refused else 'no'} cache writes refused"


def main() -> None:
    with local_services():
        for policy in ("allkeys-lru", "volatile-lru", "noeviction"):
            print(f"{policy + ':':<14}", try_policy(policy))


if __name__ == "__main__":
    main()
