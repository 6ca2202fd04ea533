"""What an API process knows about keys. Given to students complete.

Every request presents a key, so the process keeps each row that it has read for a few seconds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

import anyio
import psycopg
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from pipeline.keys.errors import KeysUnavailable
from pipeline.keys.key import KeyRow
from pipeline.keys.settings import key_settings
from pipeline.keys.store import FIND, row_of
from pipeline.steps.database import POOL_ARGUMENTS, database_url

CONNECTIONS = 2
WAIT_SECONDS = 3.0
"""How long a request waits for a connection, and for its answer."""
MAX_KEYS = 10_000
"""How many rows are kept. A stranger may send any number of ids that do not exist."""

Read = Callable[[str], Awaitable[KeyRow | None]]


@dataclass
class _Known:
    """One row. A request that reads it holds the lock, and others wait for its result."""

    row: KeyRow | None = None
    read_at: float = -inf
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class KnownKeys:
    """The rows of keys, at most `seconds` old.

    Args:
        read: reads a row by the key's id.
        seconds: how old a row may be.
        clock: seconds, never going back.
    """

    def __init__(
        self, read: Read, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def find(self, key_id: str) -> KeyRow | None:
        """Return the row of a key, also of a revoked or expired one. None: there is no such key.

        Raises:
            KeysUnavailable: PostgreSQL does not answer.
        """
        known = self._known.setdefault(key_id, _Known())
        self._known.move_to_end(key_id)
        if len(self._known) > MAX_KEYS:
            self._known.popitem(last=False)
        async with known.lock:
            if self._clock() - known.read_at >= self._seconds:
                asked = self._clock()
                known.row = await self._read(key_id)
                known.read_at = asked
            return known.row


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(f"SET statement_timeout = '{WAIT_SECONDS}s'")


@asynccontextmanager
async def knowing_keys(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Keep the keys for as long as the API runs. Requests find them as `request.state.keys`."""
    pool = AsyncConnectionPool[AsyncConnection[Any]](
        database_url(),
        min_size=0,
        max_size=CONNECTIONS,
        timeout=WAIT_SECONDS,
        kwargs=POOL_ARGUMENTS,
        configure=_configure,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )

    async def read(key_id: str) -> KeyRow | None:
        try:
            async with pool.connection() as connection:
                cursor = await connection.execute(FIND, [key_id])
                values = await cursor.fetchone()
        except psycopg.OperationalError as error:
            raise KeysUnavailable from error
        return row_of(values) if values else None

    async with pool:
        yield {"keys": KnownKeys(read, key_settings().key_check_seconds)}
