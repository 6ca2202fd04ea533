"""Work that keeps the processor busy: threads take turns at it, processes share it out."""

import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

PIECES = 2
STEPS = 10_000_000


def count(steps: int) -> int:
    """Keep one core busy. This function never waits."""
    total = 0
    for number in range(steps):
        total += number
    return total


def seconds(pool: Executor) -> float:
    """How long the pool takes for all pieces."""
    start = time.perf_counter()
    list(pool.map(count, [STEPS] * PIECES))
    return time.perf_counter() - start


def main() -> None:
    with ThreadPoolExecutor(1) as pool:
        print(f"one after another: {seconds(pool):.1f} s")
    with ThreadPoolExecutor(PIECES) as pool:
        print(f"in threads:        {seconds(pool):.1f} s")
    with ProcessPoolExecutor(PIECES) as processes:
        print(f"in processes:      {seconds(processes):.1f} s")


if __name__ == "__main__":
    main()
