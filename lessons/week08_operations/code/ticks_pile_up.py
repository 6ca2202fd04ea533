"""A tick each second, and no worker for one hour. How many ticks does the first worker find?"""

from collections import deque

HOUR = 3600


def ticks_after_an_hour(expires: int | None) -> tuple[int, int]:
    """Return how many ticks wait in the queue, and how many of them a worker still runs.

    Args:
        expires: after how many seconds a tick is of no use. None: never.
    """
    queue = deque(range(HOUR))  # each tick is the second in which it was sent
    runs = 0
    while queue:
        age = HOUR - queue.popleft()
        if expires is None or age <= expires:
            runs += 1
    return HOUR, runs


def main() -> None:
    for expires in (None, 10):
        waiting, runs = ticks_after_an_hour(expires)
        name = "without expires" if expires is None else f"expires={expires}"
        print(f"{name + ':':17}{waiting} ticks wait, {runs} of them run")


if __name__ == "__main__":
    main()
