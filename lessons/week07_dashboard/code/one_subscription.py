"""Fifty open pages: fifty subscriptions of Redis, or one that passes the messages on."""

import time
from collections import defaultdict, deque

from local import CHANNEL, local_redis

PAGES = 50
OWNERS = 10


class FanOut:
    """Passes each message on to the pages of its owner. No page asks Redis for anything."""

    def __init__(self) -> None:
        self.pages: defaultdict[str, list[deque[str]]] = defaultdict(list)

    def open_page(self, owner: str) -> deque[str]:
        page: deque[str] = deque()
        self.pages[owner].append(page)
        return page

    def deliver(self, owner: str, text: str) -> int:
        """Give a message to the pages of one owner, and return the number of these pages."""
        mine = self.pages.get(owner, [])
        for page in mine:
            page.append(text)
        return len(mine)


def main() -> None:
    with local_redis() as redis:
        subscriptions = [redis.pubsub() for _ in range(PAGES)]
        for one in subscriptions:
            one.subscribe(CHANNEL)
        time.sleep(0.2)
        print("a subscription each: copies that Redis sends:", redis.publish(CHANNEL, "changed"))
        for one in subscriptions:
            one.close()

        fan_out = FanOut()
        for number in range(PAGES):
            fan_out.open_page(f"owner {number % OWNERS}")
        shared = redis.pubsub()
        shared.subscribe(CHANNEL)
        time.sleep(0.2)
        print("one for the process: copies that Redis sends:", redis.publish(CHANNEL, "changed"))
        print("pages that get it:", fan_out.deliver("owner 3", "changed"))
        shared.close()


if __name__ == "__main__":
    main()
