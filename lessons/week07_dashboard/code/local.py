"""What the programs of this lesson share: a Redis that this program has to itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from bootcamp.stack import find_or_start

CHANNEL = "report-changes"


@contextmanager
def local_redis() -> Iterator[Redis]:
    """A client of an empty Redis. Its database 2 is for publish/subscribe, as in the pipeline."""
    with find_or_start() as stack, stack.isolated() as run:
        os.environ.update(run.environment())
        with Redis.from_url(f"{run.redis_url}/2", decode_responses=True) as client:
            yield client
