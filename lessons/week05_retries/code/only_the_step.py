"""Nobody is home twice. The whole way again, or only the step that failed?"""

import time

from local import celery_worker, local_services
from rounds import notes, whole_way

WAYS = ("from the start", "only the step")
QUIET_SECONDS = 1.0


def way_of(parcel: str) -> list[str]:
    """What was done with a parcel, once nothing more has happened for a while."""
    done: list[str] = []
    quiet = time.monotonic()
    while "sign" not in done or time.monotonic() < quiet + QUIET_SECONDS:
        now = notes().lrange(parcel, 0, -1)
        if now != done:
            done, quiet = now, time.monotonic()
        time.sleep(0.05)
    return done


def main() -> None:
    with local_services(), celery_worker("rounds"):
        for way in WAYS:
            whole_way(way, 0.1, way).apply_async()
            print(f"{way + ':':<16}", *way_of(way))


if __name__ == "__main__":
    main()
