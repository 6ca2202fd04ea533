"""A step fails twice. Retry the whole chain, or only the step that failed?"""

import time

from local import celery_worker, local_services
from three_tasks import chain_of, notes

WAYS = ("whole chain", "only the step")
QUIET_SECONDS = 1.0


def done_with(document: str) -> list[str]:
    """What was done with a document, once nothing more has happened for a while."""
    done: list[str] = []
    quiet = time.monotonic()
    while "index" not in done or time.monotonic() < quiet + QUIET_SECONDS:
        now = notes().lrange(document, 0, -1)
        if now != done:
            done, quiet = now, time.monotonic()
        time.sleep(0.05)
    return done


def main() -> None:
    with local_services(), celery_worker("three_tasks"):
        for way in WAYS:
            chain_of(way, 0.1, way).apply_async()
            print(f"{way + ':':<15}", *done_with(way))


if __name__ == "__main__":
    main()
