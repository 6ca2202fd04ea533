"""Publish/subscribe: which subscribers receive a message, and which do not."""

import os

from local import local_services
from redis import Redis
from redis.client import PubSub


def connect(database: int) -> Redis:
    return Redis.from_url(os.environ["REDIS_URL"], db=database, decode_responses=True)


def listen(redis: Redis) -> PubSub:
    """Subscribe, and wait until Redis has confirmed it."""
    listener = redis.pubsub()
    listener.subscribe("orders")
    listener.get_message(timeout=5)
    return listener


def heard(listener: PubSub) -> str:
    """Return the next message, if there is one."""
    message = listener.get_message(timeout=0.5)
    return message["data"] if message else "nothing"


def main() -> None:
    with local_services():
        shop, broker = connect(2), connect(0)
        print("first message, receivers: ", shop.publish("orders", "lease.pdf is printed"))
        early, elsewhere = listen(shop), listen(broker)
        print("second message, receivers:", shop.publish("orders", "rent.pdf is printed"))
        late = listen(shop)
        print("subscribed between them:  ", heard(early))
        print("the same, on database 0:  ", heard(elsewhere))
        print("subscribed after both:    ", heard(late))
        print("keys in database 2:       ", shop.dbsize())


if __name__ == "__main__":
    main()
