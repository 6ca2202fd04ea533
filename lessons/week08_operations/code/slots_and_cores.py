"""How long sixteen tasks take with 1 to 16 slots: tasks that compute, and tasks that wait."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

TASKS = 16
SECONDS = 0.02
SLOTS = (1, 2, 4, 16)
REPEATS = 3


def compute(_: int) -> None:
    """Keep a processor busy for `SECONDS` of its time, as parsing a document does."""
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        pass


def wait(_: int) -> None:
    """Wait for `SECONDS`, as a request to the provider does."""
    time.sleep(SECONDS)


def measured(work: Callable[[int], None], slots: int) -> float:
    """Return the shortest of several measurements, because other programs run on this machine too."""
    with ProcessPoolExecutor(slots, mp_context=get_context("fork")) as pool:
        list(pool.map(time.sleep, [0.001] * slots))  # the processes exist before the clock starts
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            list(pool.map(work, range(TASKS)))
            times.append(time.perf_counter() - started)
        return min(times)


def main() -> None:
    print(f"a machine with ~{len(os.sched_getaffinity(0))} cores")
    for work in (compute, wait):
        times = [f"{slots} slots {measured(work, slots):.2f} s" for slots in SLOTS]
        print(f"{work.__name__ + ':':9}", ", ".join(times))


if __name__ == "__main__":
    main()
