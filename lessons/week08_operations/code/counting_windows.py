"""A counter for each second, in one Lua script. It lets through twice the limit at the wrong moment."""

import time

from queues_local import local_redis
from redis import Redis

LIMIT = 10

ALLOW = """
local time = redis.call('TIME')
local key = KEYS[1] .. ':' .. time[1]
local count = redis.call('INCR', key)
redis.call('EXPIRE', key, 2)
if count <= tonumber(ARGV[1]) then return 1 end
return 0
"""
"""Counts the requests of the present second. Returns 1 if there is room for one more."""


def until_the_end_of_a_second(redis: Redis, before: float) -> None:
    """Sleep until `before` seconds before Redis's clock reaches the next whole second."""
    _, microseconds = redis.time()
    time.sleep((1 - microseconds / 1e6 - before) % 1)


def main() -> None:
    with local_redis() as redis:
        until_the_end_of_a_second(redis, 0.15)
        started, allowed = time.monotonic(), []
        while time.monotonic() < started + 0.3:
            if redis.eval(ALLOW, 1, "provider", LIMIT):
                allowed.append(time.monotonic() - started)
            time.sleep(0.002)
        print(f"limit: {LIMIT} in a second")
        print(f"allowed: {len(allowed)} within {allowed[-1] - allowed[0]:.2f} s")


if __name__ == "__main__":
    main()
