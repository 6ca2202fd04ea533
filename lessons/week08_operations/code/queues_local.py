"""What the programs of lessons 1, 2 and 6 share: a Redis server of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from bootcamp.stack import find_or_start


@contextmanager
def local_redis() -> Iterator[Redis]:
    """Start services for the time of the block, and connect to an empty Redis."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        with Redis.from_url(broker(), decode_responses=True) as redis:
            yield redis


def broker() -> str:
    """Return the address of the broker's database on this server."""
    return f"{os.environ['REDIS_URL']}/0"
