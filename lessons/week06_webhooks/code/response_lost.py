"""A webhook arrives, but the response comes too late. The service sends it again, in two ways."""

import itertools
from collections.abc import Callable

import httpx
from local import local_services

from bootcamp.providers import Fault

NextId = Callable[[], str]


def new_id() -> NextId:
    """A new id for each attempt."""
    numbers = itertools.count(1)
    return lambda: f"msg-{next(numbers)}"


def same_id() -> NextId:
    """One id for the event, in all attempts."""
    return lambda: "msg-1"


def send(url: str, next_id: NextId) -> None:
    """Send until a response arrives, at most three times."""
    for _ in range(3):
        try:
            headers = {"scan-id": next_id()}
            httpx.post(url, content=b"12 euros", headers=headers, timeout=2, trust_env=False)
            return
        except httpx.TimeoutException:
            continue


def main() -> None:
    with local_services() as run:
        for way in (new_id, same_id):
            run.webhooks.script(Fault.slow(4))
            send(run.webhooks.url("ada"), way())
            arrived = run.webhooks.wait_for(2, 10)
            ids = {one.header("scan-id") for one in arrived}
            print(f"{way.__name__ + ':':<8} {len(arrived)} arrived, Ada pays {len(ids)} times")
            run.webhooks.clear()


if __name__ == "__main__":
    main()
