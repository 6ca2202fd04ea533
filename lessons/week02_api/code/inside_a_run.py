"""What a bound task can read about its own run."""

from celery import Task
from local import celery_worker, local_services
from shop import app


@app.task(bind=True, name="shop.describe")
def describe(self: Task, document: str) -> dict[str, object]:
    """Return what Celery knows about this run."""
    run = self.request
    return {
        "task": self.name,
        "id": run.id,
        "queue": run.delivery_info["routing_key"],
        "runs before this one": run.retries,
        "time limits, hard and soft": run.timelimit,
    }


def main() -> None:
    with local_services(), celery_worker("inside_a_run"):
        for key, value in describe.delay("lease.pdf").get(timeout=30).items():
            print(f"{key + ':':<28}{value}")


if __name__ == "__main__":
    main()
