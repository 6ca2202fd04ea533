"""DynamoDB and S3 on loopback: ministack without its control plane.

Ministack answers `/_ministack/reset` and `/_ministack/config` to anybody. One run could wipe all
the others, so nothing but the AWS API is let through. It also makes an account of every number that it
sees. What is left in an account of nobody's would stay, and the next run could read it, so only the
accounts of the stack and its runs get an answer. Configured by ministack's own variables.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack  # type: ignore[import-untyped]
from ministack.core.router import extract_access_key_id  # type: ignore[import-untyped]
from ministack.services import dynamodb  # type: ignore[import-untyped]

from bootcamp.ports import KEEP_ALIVE_SECONDS
from bootcamp.stack.addresses import SECRETS_FILE
from bootcamp.stack.state import RUN_FILE, RUNS, read_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HIDDEN = ("/_ministack", "/_localstack", "/_aws")
READY_PATH = "/health"
UNKNOWN = b'{"__type":"UnrecognizedClientException","message":"no account of this stack"}'
_known: set[str | None] = set()


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The AWS API, and 404 for whatever steers the server itself."""
    if scope["type"] == "http" and scope["path"].startswith(HIDDEN):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    if scope["type"] == "http" and scope["path"] != READY_PATH and not is_known(account_of(scope)):
        headers = [(b"content-type", b"application/x-amz-json-1.0")]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": UNKNOWN})
        return
    await ministack(scope, receive, send)


def account_of(scope: Message) -> str:
    """The account that a request belongs to, as ministack reads it."""
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    return str(extract_access_key_id(headers, parse_qs(scope["query_string"].decode("latin-1"))))


def is_known(account: str) -> bool:
    """Whether it is the account of the stack, or of a run that has not been removed. Without a state
    folder, as in a container, every account is.
    """
    if "ACCOUNTS" not in os.environ:
        return True
    if account not in _known:
        state = Path(os.environ["ACCOUNTS"])
        runs = (read_json(one).get("aws_account") for one in state.glob(f"{RUNS}/*/{RUN_FILE}"))
        _known.clear()
        _known.update({read_json(state / SECRETS_FILE).get("default_account"), *runs})
    return account in _known


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
