"""A scan service notifies each customer that has registered a URL, once, when a scan is ready."""

import json
import time
from datetime import UTC, datetime

import httpx
from local import local_services

URLS: dict[str, str] = {}
"""The registered URL of each customer."""


def scan_ready(scan: int, ready_at: float) -> bytes:
    """Build the body: which event, when it happened, and the data that the customer may see."""
    when = datetime.fromtimestamp(ready_at, UTC)
    message = {
        "type": "scan.ready",
        "timestamp": when.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {"scan": scan, "pages": 24},
    }
    return json.dumps(message).encode()


def notify(customer: str, scan: int) -> None:
    """Post the webhook to the customer's URL."""
    httpx.post(URLS[customer], content=scan_ready(scan, time.time()), trust_env=False)


def main() -> None:
    with local_services() as run:
        URLS["Ada"] = run.webhooks.url("ada")
        notify("Ada", 17)
        for request in run.webhooks.deliveries():
            print(request.method, "to", request.name)
            print(request.body.decode())


if __name__ == "__main__":
    main()
