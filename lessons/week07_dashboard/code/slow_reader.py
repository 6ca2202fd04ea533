"""A laptop is closed, and its page stays connected. A thousand changes wait for it."""

from collections import deque

CHANGES = 1_000
LIMIT = 100


class Unbounded:
    """Keeps everything that waits."""

    def __init__(self) -> None:
        self.waiting: deque[int] = deque()
        self.ended = False

    def offer(self, change: int) -> None:
        self.waiting.append(change)


class Dropping(Unbounded):
    """Keeps the newest, and drops the oldest without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = deque(maxlen=LIMIT)


class Ending(Unbounded):
    """Ends the connection of a page that is too far behind. The page connects again."""

    def offer(self, change: int) -> None:
        if len(self.waiting) == LIMIT:
            self.ended = True
            self.waiting.clear()
        if not self.ended:
            self.waiting.append(change)


def main() -> None:
    for kind in (Unbounded, Dropping, Ending):
        page = kind()
        for change in range(1, CHANGES + 1):
            page.offer(change)
        first = page.waiting[0] if page.waiting else "-"
        print(
            f"{kind.__name__ + ':':<10} {len(page.waiting):>4} wait, the first is {first},"
            f" the page knows that it missed something: {page.ended}"
        )


if __name__ == "__main__":
    main()
