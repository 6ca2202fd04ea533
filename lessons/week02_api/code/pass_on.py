"""An asynchronous generator that passes pieces on, until it finds one that it must not pass on."""

import asyncio
from collections.abc import AsyncIterator


async def pages() -> AsyncIterator[str]:
    """Play a client that sends four pages. The third one is blank."""
    for page in ("page 1", "page 2", "", "page 4"):
        if page:
            print("sent:", page)
        yield page


async def without_blanks(source: AsyncIterator[str]) -> AsyncIterator[str]:
    """Pass each page on. Raise an error at a blank one."""
    async for page in source:
        if not page:
            raise ValueError("a blank page")
        yield page


async def read_all() -> None:
    """Read the pages until they end, or until the generator raises an error."""
    try:
        async for page in without_blanks(pages()):
            print("   received:", page)
    except ValueError as error:
        print("   stopped:", error)


def main() -> None:
    asyncio.run(read_all())


if __name__ == "__main__":
    main()
