"""Six hundred parcels get a second chance, beside today's. All at once, or a few a second?"""

from collections import deque

SERVED = 20
"""How many the door takes in a second."""
TODAY = 10
"""New parcels that arrive in a second."""
SECOND_CHANCES = 600
SECONDS = 200
"""How long we watch."""


def watch(pace: int) -> tuple[int, int]:
    """Bring back `pace` old parcels a second, in one queue with today's.

    Returns: the longest that one of today's waited, and when the last old one was served. Seconds.
    """
    queue: deque[tuple[str, int]] = deque()
    left, longest, last = SECOND_CHANCES, 0, 0
    for second in range(SECONDS):
        going = min(pace, left)
        left -= going
        queue.extend([("old", second)] * going + [("new", second)] * TODAY)
        for _ in range(min(SERVED, len(queue))):
            kind, since = queue.popleft()
            if kind == "new":
                longest = max(longest, second - since)
            else:
                last = second
    return longest, last


def main() -> None:
    for pace in (SECOND_CHANCES, 20, 10, 5):
        longest, last = watch(pace)
        print(
            f"{pace:>3} a second: today's wait up to {longest:>2} seconds, all done in {last + 1}"
        )


if __name__ == "__main__":
    main()
