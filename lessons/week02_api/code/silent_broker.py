"""Takes an order while Redis is silent, and asks the same server for its health meanwhile."""

import os
import threading
import time

import httpx
from local import local_services, silent_server, web_server

PATIENCE_SECONDS = 3
SHOWN = ("Retry-After", "Location")


def visit(method: str, url: str) -> str:
    """Ask once, and tell the answer."""
    try:
        answer = httpx.request(method, url, timeout=PATIENCE_SECONDS)
    except httpx.TimeoutException:
        return f"no answer in {PATIENCE_SECONDS} seconds"
    headers = (f", {name}: {answer.headers[name]}" for name in SHOWN if name in answer.headers)
    return f"{answer.status_code}{''.join(headers)}"


def try_order(route: str, redis: str, waits: str) -> None:
    """Order a print, and while that is under way, ask for the health."""
    os.environ.update(REDIS_URL=redis, WAITS=waits)
    with web_server("order_api:api") as address:
        order = f"{address}{route}?photo=beach.png"
        told = threading.Thread(target=lambda: print("  order: ", visit("POST", order)))
        told.start()
        time.sleep(0.2)
        health = visit("GET", f"{address}/health")
        told.join()
        print("  health:", health)


def main() -> None:
    with silent_server() as silence:
        print("on the event loop, Redis silent")
        try_order("/careless/orders", silence, "endless")
        print("on a thread, Redis silent")
        try_order("/orders", silence, "endless")
        print("on a thread, short waits, Redis silent")
        try_order("/orders", silence, "short")
    with local_services() as run:
        print("on a thread, short waits, Redis up")
        try_order("/orders", run.redis_url, "short")


if __name__ == "__main__":
    main()
