"""How long a request waits for one of two servers that answer 100 requests a second together."""

import random
from heapq import heapify, heapreplace

SERVERS, SERVICE = 2, 0.02
REQUESTS = 20_000


def p99(rate: float) -> float:
    """The 99th percentile of waiting and service, with random arrivals at `rate` a second."""
    rng = random.Random(1)  # noqa: S311
    free = [0.0] * SERVERS
    heapify(free)
    now, times = 0.0, []
    for _ in range(REQUESTS):
        now += rng.expovariate(rate)
        end = max(now, free[0]) + rng.expovariate(1 / SERVICE)
        heapreplace(free, end)
        times.append(end - now)
    return sorted(times)[int(0.99 * REQUESTS)]


def main() -> None:
    for rate in (30, 60, 80, 90, 95, 99):
        print(f"{rate:3} requests/s: p99 {p99(rate):.2f} s")


if __name__ == "__main__":
    main()
