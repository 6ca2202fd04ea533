"""Two workers, sixty webhooks, and five receivers that never respond. When is everybody else notified?

Nobody waits here: a second is only a number.
"""

import heapq

WORKERS = 2
WAITS = [0, 5, 300]
"""The wait before each attempt. Seconds."""
RESPONSE = 1
"""How long an attempt takes if the receiver responds. Seconds."""
TIMEOUT = 15
"""How long it takes if the receiver does not respond. Seconds."""
SILENT = [webhook % 12 == 0 for webhook in range(60)]
"""For each webhook, whether its receiver never responds."""


def sleep_in_worker() -> float:
    """A worker keeps a webhook until it is delivered or given up, and sleeps between attempts."""
    free = [0.0] * WORKERS
    last = 0.0
    for silent in SILENT:
        now = heapq.heappop(free)
        now += sum(WAITS) + TIMEOUT * len(WAITS) if silent else RESPONSE
        last = last if silent else max(last, now)
        heapq.heappush(free, now)
    return last


def date_in_row() -> float:
    """A worker writes the time of the next attempt into the row, and takes another webhook."""
    free = [0.0] * WORKERS
    rows = [(0.0, webhook, 0) for webhook in range(len(SILENT))]
    last = 0.0
    while rows:
        due, webhook, attempts = heapq.heappop(rows)
        now = max(due, heapq.heappop(free)) + (TIMEOUT if SILENT[webhook] else RESPONSE)
        heapq.heappush(free, now)
        if not SILENT[webhook]:
            last = max(last, now)
        elif attempts + 1 < len(WAITS):
            heapq.heappush(rows, (now + WAITS[attempts + 1], webhook, attempts + 1))
    return last


def main() -> None:
    for way in (sleep_in_worker, date_in_row):
        print(
            f"{way.__name__ + ':':<16} the last responding receiver is notified after {way():.0f} s"
        )


if __name__ == "__main__":
    main()
