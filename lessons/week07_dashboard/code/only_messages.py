"""A board that hears of changes by messages alone. It loses its connection for a moment."""

import json

from local import CHANNEL, local_redis
from redis import Redis
from redis.client import PubSub

rows: dict[str, str] = {}
"""The record: each report with its state. In the pipeline this is the table of jobs."""


def change(redis: Redis, name: str, status: str) -> None:
    """Write the row first, and then publish what it says."""
    rows[name] = status
    heard = redis.publish(CHANNEL, json.dumps({name: status}))
    print(f"{name} is {status:<10}  heard by {heard}")


def take_messages(channel: PubSub, board: dict[str, str]) -> None:
    """Put all messages that have arrived on the board."""
    while message := channel.get_message(timeout=0.2):
        if message["type"] == "message":
            board.update(json.loads(message["data"]))


def main() -> None:
    board: dict[str, str] = {}
    with local_redis() as redis:
        channel = redis.pubsub()
        channel.subscribe(CHANNEL)
        take_messages(channel, board)
        change(redis, "a.pdf", "processing")
        change(redis, "b.pdf", "processing")
        take_messages(channel, board)
        channel.unsubscribe(CHANNEL)  # the connection is lost
        take_messages(channel, board)
        change(redis, "a.pdf", "completed")
        channel.subscribe(CHANNEL)  # and it is back
        take_messages(channel, board)
        change(redis, "b.pdf", "completed")
        take_messages(channel, board)
        channel.close()
    print("rows: ", rows)
    print("board:", board)


if __name__ == "__main__":
    main()
