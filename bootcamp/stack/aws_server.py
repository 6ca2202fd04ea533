"""DynamoDB and S3 on loopback: ministack without its control plane.

Ministack answers `/_ministack/reset` and `/_ministack/config` to anybody. One run could wipe all
the others, so nothing but the AWS API is let through. Configured by ministack's own variables.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack  # type: ignore[import-untyped]
from ministack.services import dynamodb  # type: ignore[import-untyped]

from bootcamp.ports import KEEP_ALIVE_SECONDS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HIDDEN = ("/_ministack", "/_localstack", "/_aws")
READY_PATH = "/health"


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The AWS API, and 404 for whatever steers the server itself."""
    if scope["type"] == "http" and scope["path"].startswith(HIDDEN):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    await ministack(scope, receive, send)


def complete_restored_tables() -> None:
    """Give every restored table the dictionary that makes a missing partition.

    ministack 1.4.21 does it at the import of its module, and only for the account whose request
    caused the import. In the tables of the others, an `UpdateItem` that makes a new item answers 500
    (`restore_state` in `ministack/services/dynamodb.py`).
    """
    for table in dynamodb._tables.to_dict().values():
        table["items"] = defaultdict(dict, table["items"])


def main() -> None:
    complete_restored_tables()
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.loglevel = os.environ.get("LOG_LEVEL", "WARNING")
    asyncio.run(serve(app, config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
