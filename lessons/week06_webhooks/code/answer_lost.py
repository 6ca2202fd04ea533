"""A postcard arrives, and the answer comes too late. The lab sends it again, in two ways."""

import itertools
from collections.abc import Callable

import httpx
from local import local_services

from bootcamp.providers import Fault

Number = Callable[[], str]


def new_number() -> Number:
    """A fresh number for every try."""
    numbers = itertools.count(1)
    return lambda: f"card-{next(numbers)}"


def same_number() -> Number:
    """One number for the event, whatever becomes of it."""
    return lambda: "card-1"


def send(url: str, number: Number) -> None:
    """Send until somebody says that they have it."""
    for _ in range(3):
        try:
            headers = {"card-number": number()}
            httpx.post(url, content=b"12 euros", headers=headers, timeout=2, trust_env=False)
            return
        except httpx.TimeoutException:
            continue


def main() -> None:
    with local_services() as run:
        for way in (new_number, same_number):
            run.webhooks.script(Fault.slow(4))
            send(run.webhooks.url("ada"), way())
            came = run.webhooks.wait_for(2, 10)
            numbers = {one.header("card-number") for one in came}
            print(f"{way.__name__ + ':':<12} {len(came)} arrived, Ada pays {len(numbers)} times")
            run.webhooks.clear()


if __name__ == "__main__":
    main()
