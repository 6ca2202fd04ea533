"""A slow statement in a web server: with a connection that blocks, and with one that is awaited."""

import asyncio
import os
import time
from typing import Any

import psycopg
from colours import colour_table
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[Any]]
SLOW = "SELECT pg_sleep(0.5)"


async def nearest(pool: Pool, rgb: str, limit: int) -> list[dict[str, Any]]:
    """Return the `limit` colours nearest to `rgb`, each as a dict."""
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(
            """
            SELECT name, rgb <-> %(rgb)s::vector AS distance
            FROM colours ORDER BY distance LIMIT %(limit)s
            """,
            {"rgb": rgb, "limit": limit},
        )
        return await cursor.fetchall()


async def within(pool: Pool, rgb: str, most: float) -> list[dict[str, Any]]:
    """Return the colours at most `most` away from `rgb`, the farthest first."""
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(
            "SELECT name FROM colours WHERE ??? ORDER BY ???",  # gaps 1 and 2
            {},  # gap 3: the values
        )
        return await cursor.fetchall()


async def blocking(_: Pool) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(SLOW)


async def awaited(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute(SLOW)


async def other_request() -> float:
    """Another client's request, which needs no database. Returns how long it waited for its turn."""
    started = time.monotonic()
    await asyncio.sleep(0)
    return time.monotonic() - started


async def main() -> None:
    async with Pool(os.environ["DATABASE_URL"], min_size=0, max_size=2, open=False) as pool:
        for name, slow in (("blocking", blocking), ("awaited", awaited)):
            waited, _ = await asyncio.gather(other_request(), slow(pool))
            print(f"{name + ':':<10} another request waited {waited:.1f} s")
        for row in await nearest(pool, "[0.3, 0, 0]", 2):
            print(f"nearest:   {row['name']}, {row['distance']:.2f}")
        try:
            for row in await within(pool, "[0.3, 0, 0]", 0.75):
                print(f"within:    {row['name']}")
        except psycopg.Error as error:
            print("within:   ", error.diag.message_primary)


if __name__ == "__main__":
    with colour_table() as database:
        database.commit()  # so that other connections see the colours
        asyncio.run(main())
