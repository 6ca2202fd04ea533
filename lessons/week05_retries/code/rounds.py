"""A parcel's way in three tasks. The second rings at a door, where nobody is home at first."""

import os
from typing import Any

from celery import Celery, Task
from celery.exceptions import Ignore
from redis import Redis


def configuration() -> dict[str, object]:
    server = os.environ["REDIS_URL"]
    return {
        "broker_url": f"{server}/0",
        "result_backend": f"{server}/1",
        "worker_concurrency": 1,
        "task_acks_late": True,
        "broker_transport_options": {
            "visibility_timeout": int(os.environ.get("VISIBILITY_SECONDS", "3600")),
            "unacked_restore_interval": 0.5,
            "unacked_restore_throttle": 1,
        },
    }


app = Celery("rounds")
app.add_defaults(configuration)


class NobodyHome(Exception):
    """It passes."""


def notes() -> Any:
    return Redis.from_url(os.environ["REDIS_URL"], db=2, decode_responses=True)


@app.task(name="rounds.load")
def load(parcel: str) -> str:
    """Find the parcel in the depot, and load it."""
    notes().rpush(parcel, "load")
    return parcel


@app.task(bind=True, name="rounds.ring", max_retries=None)
def ring(self: Task, parcel: str, wait: float, way: str) -> str:
    """Ring at the door. At the third try somebody is home."""
    notes().rpush(parcel, "ring")
    if notes().lrange(parcel, 0, -1).count("ring") > 2:
        return parcel
    if way == "from the start":
        whole_way(parcel, wait, way).apply_async(countdown=wait)  # and this way ends here
        raise Ignore
    raise self.retry(exc=NobodyHome(), countdown=wait)


@app.task(name="rounds.sign")
def sign(parcel: str) -> None:
    """Get a signature."""
    notes().rpush(parcel, "sign")


def whole_way(parcel: str, wait: float, way: str) -> Any:
    return load.s(parcel) | ring.s(wait, way) | sign.s()
