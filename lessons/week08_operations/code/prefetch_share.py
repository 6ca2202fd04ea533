"""Two consumers with one slot each share sixteen messages. How many does the first one reserve?"""

from kombu import Connection, Consumer, Queue
from queues_local import broker, local_redis

MESSAGES = 16
QUEUE = Queue("documents", routing_key="documents")


class Worker:
    """Reserves messages as far as its prefetch count allows, and works on the first of them."""

    def __init__(self, prefetch: int) -> None:
        self.connection = Connection(broker())
        self.reserved: list[object] = []
        self.channel = self.connection.channel()
        consumer = Consumer(self.channel, [QUEUE], accept=["json"])
        consumer.register_callback(lambda body, message: self.reserved.append(message))
        consumer.qos(prefetch_count=prefetch)
        consumer.consume()

    def look(self) -> None:
        """Take what arrives within a moment."""
        try:
            while True:
                self.connection.drain_events(timeout=0.1)
        except TimeoutError:
            return

    def close(self) -> None:
        """Give back what is reserved."""
        self.channel.close()
        self.connection.close()


def main() -> None:
    with local_redis() as redis:
        for prefetch in (16, 4, 1):
            redis.flushdb()
            with Connection(broker()) as connection:
                producer = connection.Producer()
                for number in range(MESSAGES):
                    producer.publish(number, routing_key="documents", declare=[QUEUE])
            first, second = Worker(prefetch), Worker(prefetch)
            first.look()
            second.look()
            left = redis.llen("documents")
            print(
                f"prefetch {prefetch:2}: the first worker holds {len(first.reserved):2}, "
                f"the second {len(second.reserved):2}, in the queue {left:2}"
            )
            first.close()
            second.close()


if __name__ == "__main__":
    main()
