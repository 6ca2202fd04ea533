"""A task class with `on_failure`, a task that raises, and a task that is killed."""

import os
import time
from typing import Any

from celery import Task
from local import celery_worker, local_services
from redis import Redis
from shop import app


def alerts() -> Redis:
    """Return the database that holds the alerts."""
    return Redis.from_url(os.environ["REDIS_URL"], db=2, decode_responses=True)


class Alerting(Task):
    """A task class that records an alert for each failed task."""

    def on_failure(
        self, exc: Exception, task_id: str, args: list[Any], kwargs: dict[str, Any], einfo: object
    ) -> None:
        alerts().rpush("alerts", f"{self.name}{args}: {exc!r}")


@app.task(base=Alerting, name="shop.staple")
def staple(document: str) -> None:
    raise ValueError("no staples left")


@app.task(base=Alerting, name="shop.fold", time_limit=1)
def fold(document: str) -> None:
    time.sleep(3600)  # the hard limit kills the process


def main() -> None:
    with local_services(), celery_worker("failure_handler"):
        for task in (staple, fold):
            receipt = task.delay("lease.pdf")
            receipt.get(timeout=30, propagate=False)
            print(f"{task.name}: {receipt.state}")
        print("alerts:", *alerts().lrange("alerts", 0, -1))


if __name__ == "__main__":
    main()
