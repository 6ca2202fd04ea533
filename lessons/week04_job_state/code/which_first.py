"""A row in a table and a message in a queue, and the shop's computer dies between the two."""

import os
from collections.abc import Callable
from typing import Any

from boto3.dynamodb.conditions import Attr
from local import repairs_table
from redis import Redis

Act = Callable[[], Any]


class PowerCutError(Exception):
    """Stands for everything that ends a process between two lines."""


def power_cut() -> None:
    raise PowerCutError


def mechanic(table: Any, queue: Redis) -> None:
    """Take a message and do what it says, if the row says so too."""
    message: Any = queue.rpop("repairs")
    if message is None:
        print("   the mechanic has no message")
        return
    row = table.get_item(Key={"id": message}).get("Item")
    print(f"   the mechanic is told of {message}:", row["work"] if row else "what is that?")


def make_round(table: Any, queue: Redis) -> None:
    """Look at the rows for what nobody has begun with, and send its message again."""
    waiting = table.scan(FilterExpression=Attr("status").eq("waiting"))["Items"]
    print("   a look at the rows finds:", *[row["id"] for row in waiting] or ["nothing"])
    for row in waiting:
        queue.lpush("repairs", row["id"])


def main() -> None:
    row = {"id": "bike-17", "status": "waiting", "work": "a new chain"}
    with repairs_table() as table:
        queue = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)

        def write_row() -> None:
            table.put_item(Item=row)

        def send_message() -> None:
            queue.lpush("repairs", row["id"])

        orders: dict[str, tuple[Act, ...]] = {
            "message first": (send_message, power_cut, write_row),
            "row first": (write_row, power_cut, send_message),
        }
        for name, acts in orders.items():
            print(name)
            try:
                for act in acts:
                    act()
            except PowerCutError:
                mechanic(table, queue)
                make_round(table, queue)
                mechanic(table, queue)


if __name__ == "__main__":
    main()
