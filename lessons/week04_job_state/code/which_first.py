"""A row in a table and a message in a queue: the process dies after the first of the two writes."""

import os
from collections.abc import Callable
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import orders_table
from redis import Redis

Write = Callable[[], Any]
ORDER = {"id": "doc-17", "status": "waiting", "work": "a letter into French"}


class ProcessDiedError(Exception):
    """Stands for every reason why a process ends between two lines."""


def die() -> None:
    raise ProcessDiedError


def work(table: Any, queue: Redis) -> None:
    """Take a message, and read the row that it names."""
    order_id: Any = queue.rpop("orders")
    if order_id is None:
        print("   the translator has no message")
        return
    row = table.get_item(Key={"id": order_id}).get("Item")
    print(f"   the translator reads {order_id}:", row["work"] if row else "there is no such row")


def publish_again(table: Any, queue: Redis) -> None:
    """Find the orders that wait, and publish their messages again."""
    waiting = table.scan(FilterExpression=Attr("status").eq("waiting"))["Items"]
    print("   rows that wait:", *[row["id"] for row in waiting] or ["none"])
    for row in waiting:
        queue.lpush("orders", row["id"])


def main() -> None:
    with orders_table() as table:
        queue = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)

        def write_row() -> None:
            table.put_item(Item=ORDER)

        def publish() -> None:
            queue.lpush("orders", ORDER["id"])

        orders: dict[str, tuple[Write, ...]] = {
            "message first": (publish, die, write_row),
            "row first": (write_row, die, publish),
        }
        for name, writes in orders.items():
            print(name)
            try:
                for write in writes:
                    write()
            except ProcessDiedError:
                work(table, queue)
                publish_again(table, queue)
                work(table, queue)


if __name__ == "__main__":
    main()
