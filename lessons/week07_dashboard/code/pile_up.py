"""A slow server, and two pages that ask it again and again."""

import asyncio
import time

EVERY = 0.1
"""Seconds between two requests, as both pages want it."""
SLOW = 0.3
"""Seconds that the server needs for one answer today. It answers one request after the other."""
WATCHED = 3.0
"""Seconds that each page is open."""


class Server:
    def __init__(self) -> None:
        self.busy = asyncio.Lock()
        self.asked = self.waiting = self.most_waiting = 0

    async def status(self) -> float:
        """Return the time at which the answer was asked for."""
        asked_at = time.monotonic()
        self.asked += 1
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        async with self.busy:
            await asyncio.sleep(SLOW)
        self.waiting -= 1
        return asked_at


class Screen:
    """What the user sees. `age` says how old the newest answer was when it was shown."""

    age = 0.0

    def show(self, asked_at: float) -> None:
        self.age = time.monotonic() - asked_at


async def by_the_clock(server: Server, screen: Screen) -> None:
    """Send a request every `EVERY` seconds, like `setInterval`."""

    async def ask() -> None:
        screen.show(await server.status())

    running = []
    while True:
        running.append(asyncio.create_task(ask()))
        await asyncio.sleep(EVERY)


async def after_the_answer(server: Server, screen: Screen) -> None:
    """Wait for the answer, and then for `EVERY` seconds, before the next request."""
    while True:
        screen.show(await server.status())
        await asyncio.sleep(EVERY)


async def main() -> None:
    for page in (by_the_clock, after_the_answer):
        server, screen = Server(), Screen()
        open_page = asyncio.create_task(page(server, screen))
        await asyncio.sleep(WATCHED)
        open_page.cancel()
        print(
            f"{page.__name__ + ':':<18} asked ~{server.asked}, at most ~{server.most_waiting}"
            f" at once, on the screen: {screen.age:.1f} s old"
        )


if __name__ == "__main__":
    asyncio.run(main())
