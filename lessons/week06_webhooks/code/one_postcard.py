"""The lab tells whoever gave an address, once, when the film is ready."""

import json
import time
from datetime import UTC, datetime

import httpx
from local import local_services

ADDRESSES: dict[str, str] = {}
"""Whose address: the owners who want to be told."""


def postcard(film: int, ready_at: float) -> bytes:
    """What we say: which event, when it happened, and about what. Nothing of how the lab works."""
    when = datetime.fromtimestamp(ready_at, UTC)
    message = {
        "type": "film.ready",
        "timestamp": when.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {"film": film, "prints": 24},
    }
    return json.dumps(message).encode()


def ready(owner: str, film: int) -> None:
    """A film is ready: tell its owner, at the address that they gave."""
    httpx.post(ADDRESSES[owner], content=postcard(film, time.time()), trust_env=False)


def main() -> None:
    with local_services() as run:
        ADDRESSES["Ada"] = run.webhooks.url("ada")
        ready("Ada", 17)
        for came in run.webhooks.deliveries():
            print(came.method, "to", came.name)
            print(came.body.decode())


if __name__ == "__main__":
    main()
