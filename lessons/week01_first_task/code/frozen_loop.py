"""A heartbeat that shows when the event loop stands still."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise

BEAT_SECONDS = 0.1


def summarize() -> None:
    """Stand in for a call of the library: block the thread for one second."""
    time.sleep(1)


async def frozen() -> None:
    summarize()


async def moved_to_a_thread() -> None:
    await asyncio.to_thread(summarize)


async def heartbeat(beats: list[float]) -> None:
    """Record the time again and again, until the program cancels this task."""
    while True:
        beats.append(time.perf_counter())
        await asyncio.sleep(BEAT_SECONDS)


async def longest_silence(handler: Callable[[], Awaitable[None]]) -> float:
    """Measure the longest time between two heartbeats while `handler` runs, in seconds."""
    beats: list[float] = []
    heart = asyncio.create_task(heartbeat(beats))
    await asyncio.sleep(3 * BEAT_SECONDS)
    await handler()
    await asyncio.sleep(3 * BEAT_SECONDS)
    heart.cancel()
    return max(later - earlier for earlier, later in pairwise(beats))


def main() -> None:
    for handler in (frozen, moved_to_a_thread):
        silence = asyncio.run(longest_silence(handler))
        print(f"{handler.__name__ + ':':<19}the longest silence was {silence:.1f} s")


if __name__ == "__main__":
    main()
