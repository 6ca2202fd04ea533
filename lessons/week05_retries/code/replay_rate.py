"""Six hundred failed jobs are replayed beside today's new jobs. All at once, or a few a second?"""

from collections import deque

ACCEPTED = 20
"""How many calls the provider accepts in a second."""
NEW = 10
"""How many new jobs arrive in a second."""
REPLAYED = 600
SECONDS = 200
"""How long the simulation runs."""


def simulate(rate: int) -> tuple[int, int]:
    """Replay `rate` jobs a second, in one queue with the new jobs.

    Returns:
        The longest wait of a new job, and when the last replayed job was done. Both in seconds.
    """
    queue: deque[tuple[str, int]] = deque()
    left, longest, last = REPLAYED, 0, 0
    for second in range(SECONDS):
        starting = min(rate, left)
        left -= starting
        queue.extend([("replayed", second)] * starting + [("new", second)] * NEW)
        for _ in range(min(ACCEPTED, len(queue))):
            kind, since = queue.popleft()
            if kind == "new":
                longest = max(longest, second - since)
            else:
                last = second
    return longest, last


def main() -> None:
    for rate in (REPLAYED, 20, 10, 5):
        longest, last = simulate(rate)
        print(f"{rate:>3} a second: new jobs wait up to {longest:>2} s, all done in {last + 1} s")


if __name__ == "__main__":
    main()
