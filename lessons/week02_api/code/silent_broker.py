"""Sends an order while Redis does not answer, and asks the same server for its health."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import order_api
from local import local_services, silent_server, web_server

PATIENCE_SECONDS = 3
SHOWN = ("Retry-After", "Location")


def visit(method: str, url: str) -> str:
    """Send one request, and describe the response."""
    try:
        answer = httpx.request(method, url, timeout=PATIENCE_SECONDS)
    except httpx.TimeoutException:
        return f"no response in {PATIENCE_SECONDS} seconds"
    headers = (f", {name}: {answer.headers[name]}" for name in SHOWN if name in answer.headers)
    return f"{answer.status_code}{''.join(headers)}"


def try_order(case: tuple[str, str, str]) -> str:
    """Send an order, and before its response ask the same server for its health."""
    route, redis, waits = case
    with (
        web_server(f"{order_api.__name__}:api", REDIS_URL=redis, WAITS=waits) as address,
        ThreadPoolExecutor() as clients,
    ):
        order = clients.submit(visit, "POST", f"{address}{route}?document=lease.pdf")
        time.sleep(0.2)
        health = clients.submit(visit, "GET", f"{address}/health")
        return f"  order:  {order.result()}\n  health: {health.result()}"


def main() -> None:
    with local_services() as run, silent_server() as silence, ThreadPoolExecutor() as pool:
        cases = {
            "on the event loop, Redis silent": ("/careless/orders", silence, "endless"),
            "on a thread, Redis silent": ("/orders", silence, "endless"),
            "on a thread, short waits, Redis silent": ("/orders", silence, "short"),
            "on a thread, short waits, Redis up": ("/orders", run.redis_url, "short"),
        }
        for title, answers in zip(cases, pool.map(try_order, cases.values()), strict=True):
            print(f"{title}\n{answers}")


if __name__ == "__main__":
    main()
