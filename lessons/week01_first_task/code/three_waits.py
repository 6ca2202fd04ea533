"""The same three waits: one after another, in threads, and on one event loop."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

WAITS = 3


def ask_model() -> str:
    """Stand in for a request to a language model: all it does is wait."""
    time.sleep(1)
    return "a summary"


async def ask_model_async() -> str:
    """Wait as long, and let others run meanwhile."""
    await asyncio.sleep(1)
    return "a summary"


def one_after_another() -> list[str]:
    return [ask_model() for _ in range(WAITS)]


def in_threads() -> list[str]:
    with ThreadPoolExecutor(WAITS) as pool:
        futures = [pool.submit(ask_model) for _ in range(WAITS)]
        return [future.result() for future in futures]


async def on_one_loop() -> list[str]:
    return await asyncio.gather(*(ask_model_async() for _ in range(WAITS)))


def main() -> None:
    start = time.perf_counter()
    one_after_another()
    print(f"one after another: {time.perf_counter() - start:.1f} s")

    start = time.perf_counter()
    in_threads()
    print(f"in threads:        {time.perf_counter() - start:.1f} s")

    start = time.perf_counter()
    asyncio.run(on_one_loop())
    print(f"on one event loop: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
