"""Two clients ask at the same time. Where does each request keep the name of its owner?"""

import asyncio
from contextvars import ContextVar

OWNER: ContextVar[str] = ContextVar("owner", default="nobody")
shared = {"owner": "nobody"}


async def in_a_global(owner: str, pause: float) -> str:
    """Keep the owner in a variable of the process."""
    shared["owner"] = owner
    await asyncio.sleep(pause)  # the database takes a moment
    return f"{owner} gets the documents of {shared['owner']}"


async def in_a_context(owner: str, pause: float) -> str:
    """Keep the owner in a context variable. Each task has its own value."""
    OWNER.set(owner)
    await asyncio.sleep(pause)
    return f"{owner} gets the documents of {OWNER.get()}"


async def main() -> None:
    for way in (in_a_global, in_a_context):
        slow = asyncio.create_task(way("law-firm", 0.05))
        fast = asyncio.create_task(way("harbour-office", 0.01))
        print(f"{way.__name__}:")
        for answer in await asyncio.gather(slow, fast):
            print(f"  {answer}")


if __name__ == "__main__":
    asyncio.run(main())
