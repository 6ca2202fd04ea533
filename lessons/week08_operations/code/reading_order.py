"""How Redis chooses between several queues: it takes from the first one that is not empty."""

from itertools import islice

from queues_local import local_redis
from redis import Redis


def fill(redis: Redis) -> None:
    """Two queues with a backlog. An urgent message comes last."""
    for number in range(1, 5):
        redis.lpush("io", f"embed {number}")
        redis.lpush("cpu", f"parse {number}")
    redis.lpush("urgent", "urgent parse")


def taken(redis: Redis, order: list[str], *, turns: bool) -> list[str]:
    """Take all messages, and return them in the order in which they came."""
    found = []
    while reply := redis.brpop(order, timeout=0.1):
        queue, message = reply
        found.append(message)
        if turns:  # the queue that was served goes to the end
            order = [one for one in order if one != queue] + [queue]
    return found


def main() -> None:
    with local_redis() as redis:
        for name, order, turns in (
            ("fixed order", ["cpu", "io", "urgent"], False),
            ("in turns", ["cpu", "io", "urgent"], True),
            ("urgent first", ["urgent", "cpu", "io"], False),
        ):
            fill(redis)
            print(f"{name + ':':14}{', '.join(islice(taken(redis, order, turns=turns), 5))}, …")


if __name__ == "__main__":
    main()
