"""A receiver sends its response one byte at a time. How long is the worker busy?"""

import time

import httpx
from private_network import internal_service

LIMIT = 1.0
"""Seconds that one attempt may take."""
HEADERS = {"host": "slow.example"}


def limit_for_each_wait(url: str) -> None:
    """A client's `timeout` limits each wait, and there may be any number of waits."""
    httpx.post(url, headers=HEADERS, timeout=LIMIT, trust_env=False)


def limit_for_all(url: str) -> None:
    """One deadline for the whole attempt. What arrives later is not read."""
    end = time.monotonic() + LIMIT
    with httpx.stream("POST", url, headers=HEADERS, timeout=LIMIT, trust_env=False) as response:
        for _ in response.iter_raw():
            if time.monotonic() >= end:
                return


def main() -> None:
    with internal_service() as port:
        for way in (limit_for_each_wait, limit_for_all):
            began = time.monotonic()
            way(f"http://127.0.0.1:{port}/")
            print(f"{way.__name__ + ':':<20} {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
