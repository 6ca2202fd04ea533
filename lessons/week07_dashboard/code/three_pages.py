"""Three pages are open for an hour. How many requests do they send? The time is simulated."""

from collections.abc import Callable

DOCUMENTS = 40
FINISHED_AT = 240
"""Seconds after which the last of the documents is finished."""
HOUR = 3600
OUTAGE = range(60, 180)
"""The seconds in which the server does not answer."""
EVERY, LONGEST = 3, 30

Wait = Callable[[int, bool], float | None]
"""How long to wait: by the number of failures in a row, and whether a document is in work."""


def each_second(failures: int, active: bool) -> float | None:
    return 1


def three_seconds(failures: int, active: bool) -> float | None:
    return EVERY


def while_active(failures: int, active: bool) -> float | None:
    """Stop when nothing can change. After a failure go on, and wait longer each time."""
    if failures:
        return wait_after(failures)
    return EVERY if active else None


def wait_after(failures: int) -> float:
    """3, 6, 12, 24, 30, 30, … seconds."""
    doubled = EVERY
    for _ in range(failures - 1):
        doubled = min(LONGEST, doubled * 2)
    return doubled


def hour_of(wait: Wait, requests_each: int) -> tuple[int, int]:
    """All requests of an hour, and those of them that met a server that was down."""
    now, failures, all_requests, failed = 0.0, 0, 0, 0
    while now < HOUR:
        down = int(now) in OUTAGE
        all_requests += requests_each
        failed += requests_each * down
        failures = failures + 1 if down else 0
        seconds = wait(failures, now < FINISHED_AT)
        if seconds is None:
            break
        now += seconds
    return all_requests, failed


def main() -> None:
    for name, wait, each in (
        ("each document, each second", each_second, DOCUMENTS),
        ("the list, every 3 s", three_seconds, 1),
        ("the list, while active", while_active, 1),
    ):
        all_requests, failed = hour_of(wait, each)
        print(f"{name:<27} {all_requests:>7,} requests, {failed:>5,} during the outage")


if __name__ == "__main__":
    main()
