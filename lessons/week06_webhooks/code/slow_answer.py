"""A stranger answers with a letter every now and then. How long does a courier stand there?"""

import time

import httpx
from house import house

LIMIT = 1.0
"""Seconds. The time that one visit may take, in all."""
HEADERS = {"host": "slow.example"}


def limit_for_each_wait(url: str) -> None:
    """What a client's `timeout` means: so long for each wait, and there may be any number of them."""
    httpx.post(url, headers=HEADERS, timeout=LIMIT, trust_env=False)


def limit_for_all(url: str) -> None:
    """One end for the whole visit. What comes later is not read."""
    end = time.monotonic() + LIMIT
    with httpx.stream("POST", url, headers=HEADERS, timeout=LIMIT, trust_env=False) as answer:
        for _ in answer.iter_raw():
            if time.monotonic() >= end:
                return


def main() -> None:
    with house() as port:
        for way in (limit_for_each_wait, limit_for_all):
            began = time.monotonic()
            way(f"http://127.0.0.1:{port}/")
            print(f"{way.__name__ + ':':<20} {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
