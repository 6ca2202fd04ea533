"""Three owners are to be told. One of them answers 503, and one hangs up. Two ways to tell them."""

import httpx
from local import local_services

from bootcamp.providers import Fault

OWNERS = ("ada", "ben", "cem")
ROUNDS = 3


def told(url: str) -> bool:
    """Send the postcard, once. Only a 2xx says that somebody has it."""
    try:
        return httpx.post(url, content=b"your film is ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def send_and_forget(urls: dict[str, str]) -> set[str]:
    """What most programs do at first: one try, in the line after the work."""
    return {owner for owner, url in urls.items() if told(url)}


def until_told(urls: dict[str, str]) -> set[str]:
    """Who has not been told stays in the tray, for the next round."""
    tray = dict(urls)
    for _ in range(ROUNDS):
        tray = {owner: url for owner, url in tray.items() if not told(url)}
    return set(urls) - set(tray)


def main() -> None:
    with local_services() as run:
        urls = {owner: run.webhooks.url(owner) for owner in OWNERS}
        for way in (send_and_forget, until_told):
            run.webhooks.script(Fault.status(503, on="ben"), Fault.drop(on="cem"))
            print(f"{way.__name__ + ':':<16}", *sorted(way(urls)))
            run.webhooks.clear()


if __name__ == "__main__":
    main()
