"""Three customers are notified. Ben's server answers 503 once, and Cem's closes the connection once."""

import httpx
from local import local_services

from bootcamp.providers import Fault

CUSTOMERS = ("ada", "ben", "cem")
ROUNDS = 3


def delivered(url: str) -> bool:
    """Make one attempt. Only a status from 200 to 299 means that the receiver has the message."""
    try:
        return httpx.post(url, content=b"your scan is ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def send_once(urls: dict[str, str]) -> set[str]:
    """Make one attempt, in the line after the work, as most programs do at first."""
    return {customer for customer, url in urls.items() if delivered(url)}


def until_delivered(urls: dict[str, str]) -> set[str]:
    """Keep the failed deliveries for the next round."""
    pending = dict(urls)
    for _ in range(ROUNDS):
        pending = {customer: url for customer, url in pending.items() if not delivered(url)}
    return set(urls) - set(pending)


def main() -> None:
    with local_services() as run:
        urls = {customer: run.webhooks.url(customer) for customer in CUSTOMERS}
        for way in (send_once, until_delivered):
            run.webhooks.script(Fault.status(503, on="ben"), Fault.drop(on="cem"))
            print(f"{way.__name__ + ':':<16}", *sorted(way(urls)))
            run.webhooks.clear()


if __name__ == "__main__":
    main()
